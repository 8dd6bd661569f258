"""The grammar of faults, and what becomes of a recording's chunks: pure."""

from __future__ import annotations

import json
import threading
from itertools import islice
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replaycache import Body, Chunk, ConfigurationError, Options, Outcome, ResponseHead
from replaycache._faults import KINDS, Fault, parse_fault
from replaycache.engine.decisions import Disturb, Replay
from replaycache.engine.faults import disturb
from replaycache.engine.plan import SILENCE_SECONDS, Course, Met, Plan, Step
from replaycache.engine.retry_after import at_pace, telling
from tests.engine.parts import asked_of, exchange, recording_of

# -- the grammar -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cut", [Fault("cut", "cut", after=0)]),
        ("cut:after=5", [Fault("cut", "cut:after=5", after=5)]),
        ("cut:bytes=100", [Fault("cut", "cut:bytes=100", bytes=100)]),
        ("reset", [Fault("reset", "reset")]),
        ("reset:after=0", [Fault("reset", "reset:after=0", after=0)]),
        ("refuse:times=3", [Fault("refuse", "refuse:times=3", times=3)]),
        (
            "status:429,times=2,retry-after=1",
            [Fault("status", "status:429,times=2,retry-after=1", status=429, times=2, retry_after=1.0)],
        ),
        ("status=503", [Fault("status", "status=503", status=503)]),
        ("delay=2s", [Fault("delay", "delay=2s", seconds=2.0)]),
        ("delay:50ms,every=3", [Fault("delay", "delay:50ms,every=3", seconds=0.05, every=3)]),
        ("stall:after=3", [Fault("stall", "stall:after=3", after=3)]),
        ("stall:after=3,for=2s", [Fault("stall", "stall:after=3,for=2s", after=3, seconds=2.0)]),
        ("resplit=1", [Fault("resplit", "resplit=1", size=1)]),
        ("resplit", [Fault("resplit", "resplit", size=1)]),
        ("", []),
        (" ", []),
        (
            " Cut : AFTER = 1 , times = 1 ; resplit=4 ;",
            [Fault("cut", "cut:after=1,times=1", after=1, times=1), Fault("resplit", "resplit=4", size=4)],
        ),
    ],
)
def test_what_a_text_means(text: str, expected: list[Fault]) -> None:
    assert list(parse_fault(text)) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cutt", "there is no fault 'cutt'; did you mean 'cut'? There are refuse, reset, status"),
        ("cut:aftr=5", "there is no parameter of cut 'aftr'; did you mean 'after'?"),
        ("status", "status needs a value, such as status:429"),
        ("status:times=2", "status needs a value"),
        ("status:200", "status: takes a status from 400 to 599, not '200'"),
        ("status:4 29", "not '4 29'"),
        ("delay", "delay needs a value, such as delay=2s"),
        ("delay=soon", "delay: takes a time such as 2s or 50ms, not 'soon'"),
        ("delay=-1s", "takes a time"),
        ("cut:after=x", "after: takes a number of chunks, not 'x'"),
        ("cut:after", "cut takes no value"),
        ("cut=5", "cut takes no value; it takes after, bytes, times, every, such as cut:times=2"),
        ("cut:after=1,bytes=2", "cut takes after or bytes, not both"),
        ("cut:after=1,after=2", "cut has after twice"),
        ("cut:times=0", "times: takes a number from 1 on, not '0'"),
        ("cut:times=1,every", "every needs a value"),
        ("cut,times=1", "behind cut comes ':'"),
        ("resplit=0", "takes a number of bytes from 1 on"),
        (";cut", "there is no fault ''"),
        ("cut;;cut", "there is no fault ''"),
        ("cut:", "cut takes no value"),
        ("cut:after=٣", "takes a number of chunks"),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Options.parse({"fault": text})

    assert f"fault={text!r}: " in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize("value", [5, ["cut"], b"cut", True])
def test_a_fault_is_a_text(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="it takes a text, such as 'cut:after=5'"):
        Options.parse({"fault": value})


def numbers(least: int) -> st.SearchStrategy[str]:
    return st.integers(least, 10**6).map(str)


TIMES = st.tuples(st.decimals(0, 10**5, places=3), st.sampled_from(["", "ms", "s", "m", "h"])).map(
    lambda pair: f"{pair[0]}{pair[1]}"
)
VALUES = {
    "status": st.integers(400, 599).map(str),
    "seconds": TIMES,
    "size": numbers(1),
    "after": numbers(0),
    "bytes": numbers(0),
    "for": TIMES,
    "retry-after": TIMES,
    "times": numbers(1),
    "every": numbers(1),
}


@st.composite
def faults(draw: st.DrawFn) -> str:
    """One fault that is right."""
    name = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[name]
    places = [name for name in kind.parameters if name in ("after", "bytes")]
    chosen = draw(st.permutations([*kind.parameters, "times", "every"]))[: draw(st.integers(0, 4))]
    if len(set(places) & set(chosen)) == 2:
        chosen.remove("bytes")
    space = draw(st.sampled_from(["", " "]))
    items = [f"{space}{one}{space}={space}{draw(VALUES[one])}" for one in chosen]
    if kind.value and (kind.is_needed or draw(st.booleans())):
        return f"{name}{draw(st.sampled_from(':='))}{','.join([draw(VALUES[kind.value]), *items])}"
    return f"{name}:{','.join(items)}" if items else name


@given(st.lists(faults(), max_size=4).map(";".join))
def test_what_is_right_is_read_and_comes_round(text: str) -> None:
    found = parse_fault(text)

    assert len(found) == (text.count(";") + 1 if text else 0)
    again = "; ".join(fault.text for fault in found)
    assert parse_fault(again) == found
    assert Options.parse({"fault": text}).fault == text


@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from([*KINDS, *VALUES, ":", "=", ",", ";", " ", "1", "2s", "429", "x", "\n", "\0", "٣"]),
        max_size=12,
    ).map("".join)
)
@example("cut:" + "9" * 5000)
@example("delay=" + "9" * 400)
def test_whatever_is_given_is_a_fault_or_our_error(text: str) -> None:
    try:
        found = parse_fault(text)
    except ConfigurationError as error:
        found, told = (), str(error)
        assert repr(text) in told
    assert parse_fault("; ".join(fault.text for fault in found)) == found


# -- what becomes of the chunks ----------------------------------------------------------------------------


def plan(text: str, chunks: list[bytes]) -> Plan:
    body = Body.of(Chunk(data, number / 10) for number, data in enumerate(chunks))
    return Plan(text, parse_fault(text), body)


def steps(text: str, chunks: list[bytes], read_timeout: float | None = None) -> list[Step]:
    """All that come; of what comes for ever, once."""
    found: list[Step] = []
    for step in plan(text, chunks).steps(read_timeout):
        if step is not None:
            found.append(step)
            if step.broken is not None:
                break
    return found


def shown(found: list[Step]) -> list[Any]:
    return [step.broken.error if step.broken else step.seconds if not step.data else step.data for step in found]


ABC = [b"aa", b"bb", b"cc"]


@pytest.mark.parametrize(
    ("text", "read_timeout", "expected"),
    [
        ("cut", None, ["RemoteProtocolError"]),
        ("cut:after=2", None, [b"aa", b"bb", "RemoteProtocolError"]),
        ("cut:after=9", None, [*ABC, "RemoteProtocolError"]),
        ("cut:after=3", None, [*ABC, "RemoteProtocolError"]),
        ("cut:bytes=0", None, ["RemoteProtocolError"]),
        ("cut:bytes=3", None, [b"aa", b"b", "RemoteProtocolError"]),
        ("cut:bytes=4", None, [b"aa", b"bb", "RemoteProtocolError"]),
        ("cut:bytes=99", None, [*ABC, "RemoteProtocolError"]),
        ("reset:after=1", None, [b"aa", "ReadError"]),
        ("stall:after=1", None, [b"aa", SILENCE_SECONDS, "RemoteProtocolError"]),
        ("stall:after=1", 5.0, [b"aa", 5.0, "ReadTimeout"]),
        ("stall:after=1,for=2s", 5.0, [b"aa", 2.0, b"bb", b"cc"]),
        ("stall:after=1,for=2s", None, [b"aa", 2.0, b"bb", b"cc"]),
        ("stall:after=1,for=6s", 5.0, [b"aa", 5.0, "ReadTimeout"]),
        ("stall:bytes=1,for=2s", None, [b"a", 2.0, b"a", b"bb", b"cc"]),
        ("resplit", None, [b"a", b"a", b"b", b"b", b"c", b"c"]),
        ("resplit=4", None, [b"aabb", b"cc"]),
        ("resplit=99", None, [b"aabbcc"]),
        ("resplit=1;cut:after=3", None, [b"a", b"a", b"b", "RemoteProtocolError"]),
        (
            "stall:for=1s;stall:after=2,for=2s;cut:bytes=5",
            None,
            [1.0, b"aa", b"bb", 2.0, b"c", "RemoteProtocolError"],
        ),
        ("delay=2s", None, ABC),
    ],
)
def test_what_comes_of_the_body(text: str, read_timeout: float | None, expected: list[Any]) -> None:
    assert shown(steps(text, ABC, read_timeout)) == expected


@pytest.mark.parametrize(
    ("text", "read_timeout", "expected"),
    [
        ("resplit", 1.0, (0, None, True)),
        ("delay=2s", None, (2.0, None, True)),
        ("delay=2s;delay=1s", 4.0, (3.0, None, True)),
        ("delay=2s", 2.0, (2.0, "ReadTimeout", False)),
        ("refuse", None, (0, "ConnectError", False)),
        ("delay=1s;reset", None, (1.0, "ReadError", False)),
        ("reset:after=0", None, (0, None, False)),
        ("cut:after=99", None, (0, None, False)),
        ("status:500", None, (0, None, False)),
        ("stall", None, (0, None, False)),
        ("stall:for=1s", 2.0, (0, None, True)),
        ("stall:for=2s", 2.0, (0, None, False)),
    ],
)
def test_what_comes_up_to_the_head(
    text: str, read_timeout: float | None, expected: tuple[float, str | None, bool]
) -> None:
    seconds, error, is_whole = expected
    course = plan(text, ABC).course(read_timeout)

    assert course == Course(seconds, course.broken, is_whole)
    assert (course.broken.error if course.broken else None) == error


def test_nobody_finds_an_end_behind_what_breaks_off() -> None:
    coming = plan("cut:after=1", ABC).steps(None)
    rest = list(islice(coming, 10))[1:]

    assert all(step is not None and step.broken is not None for step in rest)
    assert len(rest) == 9


@given(st.lists(st.binary(max_size=9), max_size=6), st.integers(1, 12))
def test_cut_anew_it_is_the_same_content(chunks: list[bytes], size: int) -> None:
    pieces = [step.data for step in steps(f"resplit={size}", chunks)]

    assert b"".join(pieces) == b"".join(chunks)
    assert all(len(piece) == size for piece in pieces[:-1])


@given(
    st.lists(st.binary(min_size=1, max_size=9), max_size=6),
    st.integers(0, 60),
    st.sampled_from(["after", "bytes"]),
)
def test_what_breaks_off_is_a_beginning_and_never_ends(chunks: list[bytes], number: int, by: str) -> None:
    *before, last = steps(f"cut:{by}={number}", chunks)
    came = b"".join(step.data for step in before)

    assert last.broken is not None
    assert b"".join(chunks).startswith(came)
    if by == "bytes":
        assert len(came) == min(number, len(b"".join(chunks)))
    else:
        assert len(before) == min(number, len(chunks))


# -- which calls are disturbed -----------------------------------------------------------------------------

MADE = exchange()


def disturbances(text: str, calls: int, met: Met | None = None, **asked: Any) -> list[str]:
    """The faults that disturb each of so many calls."""
    met = {} if met is None else met
    found = []
    for _ in range(calls):
        one = asked_of(exchange(fault=text), **asked)
        outcome = Outcome("hit", one.key)
        made = disturb(Replay(recording_of(one), outcome, 0), one, met)
        assert outcome.fault == ("" if made is None else made.plan.text)
        found.append(outcome.fault)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cut", ["cut"] * 4),
        ("cut:times=2", ["cut:times=2"] * 2 + ["", ""]),
        ("cut:every=2", ["", "cut:every=2"] * 2),
        ("cut:every=2,times=1", ["", "cut:every=2,times=1", "", ""]),
        # one behind another: what stands behind one that ends a call is not used up by it
        ("status:429,times=1;cut:times=1", ["status:429,times=1", "cut:times=1", "", ""]),
        ("resplit;cut:times=1", ["resplit; cut:times=1", "resplit", "resplit", "resplit"]),
        ("stall:for=1s,times=1;cut:times=1", ["stall:for=1s,times=1; cut:times=1", "", "", ""]),
        ("stall:times=1;cut:times=1", ["stall:times=1", "cut:times=1", "", ""]),
    ],
)
def test_calls_are_counted(text: str, expected: list[str]) -> None:
    assert disturbances(text, 4) == expected


def test_each_key_has_its_own_count() -> None:
    met: Met = {}
    other = b'{"model":"gpt-5","messages":[{"role":"user","content":"Another?"}]}'

    assert disturbances("cut:times=1", 2, met) == ["cut:times=1", ""]
    assert disturbances("cut:times=1", 2, met, body=other) == ["cut:times=1", ""]
    assert disturbances("cut:times=1", 1, met) == [""]


def test_threads_share_one_count() -> None:
    met: Met = {}
    found: list[str] = []
    one = asked_of(exchange(fault="cut:times=100"))
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        for _ in range(50):
            outcome = Outcome("hit", one.key)
            disturb(Replay(recording_of(one), outcome, 0), one, met)
            found.append(outcome.fault)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 400
    assert sum(map(bool, found)) == 100


def test_what_is_stored_stays_as_it_is() -> None:
    one = asked_of(exchange(fault="status:429"))
    recording = recording_of(one)
    before = recording_of(one)
    made = disturb(Replay(recording, Outcome("hit"), 0), one, {})

    assert isinstance(made, Disturb)
    assert made.recording.head.status == 429
    assert recording == before


# -- the errors of APIs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path", "kind"),
    [
        ("https://api.openai.com/v1/chat/completions", ("error", "code"), "rate_limit_exceeded"),
        ("https://gateway.example/v1/responses", ("error", "code"), "rate_limit_exceeded"),
        ("https://api.anthropic.com/v1/messages", ("error", "type"), "rate_limit_error"),
        ("https://gateway.example/v1/messages", ("error", "type"), "rate_limit_error"),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/gemini:generateContent",
            ("error", "status"),
            "RESOURCE_EXHAUSTED",
        ),
        ("http://localhost:11434/api/chat", ("error",), None),
        ("https://api.cohere.com/v2/chat", ("message",), None),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/a/converse", ("message",), None),
        ("https://example.com/anything", ("error", "type"), "requests"),
    ],
)
def test_an_error_has_the_form_of_its_api(url: str, path: tuple[str, ...], kind: str | None) -> None:
    one = asked_of(exchange(fault="status:429"), url=url)
    made = disturb(Replay(recording_of(asked_of(MADE)), Outcome("hit"), 0), one, {})
    assert made is not None
    found: Any = json.loads(made.recording.body.read())
    for name in path:
        found = found[name]

    assert made.recording.head.header("content-type") == "application/json"
    if kind is None:
        assert "fault='status:429'" in found
    else:
        assert found == kind


# -- what a client is told to wait -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [
        (0, [("retry-after", "0"), ("retry-after-ms", "1")]),
        (0.01, [("retry-after", "1"), ("retry-after-ms", "10")]),
        (1, [("retry-after", "1")]),
        (1.5, [("retry-after", "2"), ("retry-after-ms", "1500")]),
    ],
)
def test_how_a_time_is_told(seconds: float, lines: list[tuple[str, str]]) -> None:
    assert list(telling(seconds)) == lines


@pytest.mark.parametrize(
    ("headers", "pace", "expected"),
    [
        ([("retry-after", "20")], 1, [("retry-after", "20")]),
        ([("retry-after", "20")], 0.5, [("retry-after", "10")]),
        ([("retry-after", "20")], 0, [("retry-after", "0"), ("retry-after-ms", "1")]),
        ([("retry-after-ms", "500")], 2, [("retry-after", "1")]),
        ([("retry-after", "1"), ("retry-after-ms", "500")], 2, [("retry-after", "1")]),
        # a date that has passed when it is replayed is none to wait for
        (
            [("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")],
            0,
            [("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")],
        ),
        ([("retry-after", "-1")], 0, [("retry-after", "-1")]),
        ([("retry-after", "nan")], 0, [("retry-after", "nan")]),
        ([("x-other", "1")], 0, [("x-other", "1")]),
    ],
)
def test_a_time_goes_by_the_pace(
    headers: list[tuple[str, str]], pace: float, expected: list[tuple[str, str]]
) -> None:
    head = ResponseHead(429, tuple(headers))

    assert list(at_pace(head, pace).headers) == expected
