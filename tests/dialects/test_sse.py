from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replaycache.dialects.framing.sse import EVENT_LIMIT, Event, EventDecoder, LineDecoder


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def lines_of(parts: Iterable[bytes], *, limit: int = EVENT_LIMIT) -> list[bytes | None]:
    decoder = LineDecoder(limit=limit)
    return [line for part in parts for line in decoder.feed(part)] + decoder.flush()


def events_of(parts: Iterable[bytes], limit: int = EVENT_LIMIT, *, flush: bool = False) -> list[Event]:
    decoder = EventDecoder(limit=limit)
    events = [event for part in parts for event in decoder.feed(part)]
    return events + decoder.flush() if flush else events


def expected_events(data: bytes) -> list[Event]:
    """The standard's algorithm on a whole stream, word by word; what no empty line ended is dropped.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    events, name, buffer = [], b"", b""
    for line in re.split(rb"\r\n|\n|\r", data.removeprefix(b"\xef\xbb\xbf"))[:-1]:
        if not line:
            if buffer:
                events.append(Event(name.decode("utf-8", "replace"), buffer.removesuffix(b"\n")))
            name = buffer = b""
        elif not line.startswith(b":"):
            field_, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field_ == b"event":
                name = value
            elif field_ == b"data":
                buffer += value + b"\n"
    return events


# Lines

LINES = {
    "nothing": (b"", []),
    "one line": (b"a\n", [b"a"]),
    "no end": (b"a", [b"a"]),
    "empty lines": (b"\n\n", [b"", b""]),
    "CR LF": (b"a\r\nb\r\n", [b"a", b"b"]),
    "CR": (b"a\rb\rc", [b"a", b"b", b"c"]),
    "mixed": (b"a\nb\r\nc\rd\n\re\n", [b"a", b"b", b"c", b"d", b"", b"e"]),
    "LF CR": (b"a\n\rb\n", [b"a", b"", b"b"]),
    "CR CR LF": (b"a\r\r\nb\n", [b"a", b"", b"b"]),
    "empty CR LF": (b"\r\n\r\n", [b"", b""]),
    "other line ends are none": (
        "a\x0bb\x0cc\x1cd\x85e\u2028f\n".encode(),
        ["a\x0bb\x0cc\x1cd\x85e\u2028f".encode()],
    ),
    "split character": ("ä€\U0001f39e\n".encode(), ["ä€\U0001f39e".encode()]),
}


@pytest.mark.parametrize("fed", ["whole", "byte by byte"])
@pytest.mark.parametrize("name", LINES)
def test_lines(name: str, fed: str) -> None:
    data, expected = LINES[name]
    parts = [data] if fed == "whole" else one_by_one(data)

    assert lines_of(parts) == expected


line_bytes = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bc", b"\xc3\xa4", b"\x00"]), max_size=25
).map(b"".join)
cuts = st.lists(st.integers(0, 60), max_size=8)


@given(data=line_bytes, at=cuts)
def test_lines_do_not_depend_on_the_cuts(data: bytes, at: list[int]) -> None:
    whole = lines_of([data])

    assert lines_of(pieces(data, at)) == whole
    assert lines_of(one_by_one(data)) == whole


@given(data=line_bytes)
def test_lines_are_those_of_the_whole(data: bytes) -> None:
    lines = re.split(rb"\r\n|\n|\r", data)

    assert LineDecoder().feed(data) == lines[:-1]
    assert lines_of([data]) == (lines if lines[-1] else lines[:-1])


@given(
    data=st.lists(st.sampled_from([b"a", b"abcd", b"abcdef", b"\n", b"\r\n"]), max_size=12).map(b"".join),
    at=cuts,
)
@example(data=b"abcd\r\n", at=[5])
def test_a_line_over_the_limit_is_none_however_it_is_cut(data: bytes, at: list[int]) -> None:
    expected = [line if len(line) <= 4 else None for line in re.split(rb"\r?\n", data)]
    if expected[-1] == b"":
        expected.pop()

    assert lines_of([data], limit=4) == expected
    assert lines_of(pieces(data, at), limit=4) == expected
    assert lines_of(one_by_one(data), limit=4) == expected


def test_the_line_after_one_over_the_limit_is_whole() -> None:
    decoder = LineDecoder(limit=10)

    assert decoder.feed(b"x" * 11) == []
    assert decoder.feed(b"x" * 1000) == []
    assert decoder.feed(b"\nshort\n" + b"y" * 10) == [None, b"short"]
    assert decoder.feed(b"y") == []
    assert decoder.flush() == [None]
    assert decoder.flush() == []


# Events

STANDARD = {
    # the examples of the standard, and what follows from its algorithm
    "one line": (b"data: This is the first message.\n\n", [("", b"This is the first message.")]),
    "multi-line data": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("", b"YHOO\n+2\n10")]),
    "names": (
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
        [("add", b"73857293"), ("remove", b"2153")],
    ),
    "comment first": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [("", b"first event"), ("", b"second event"), ("", b" third event")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:\n", [("", b""), ("", b"\n")]),
    "with and without a space": (b"data:test\n\ndata: test\n\n", [("", b"test"), ("", b"test")]),
    "only one space goes": (b"data:   x \n\n", [("", b"  x ")]),
    "a colon in the value": (b'data: {"a":1}\n\n', [("", b'{"a":1}')]),
    "a name without data": (b"event: lost\n\ndata: x\n\n", [("", b"x")]),
    "the last name counts": (b"event: a\nevent: b\ndata: x\n\n", [("b", b"x")]),
    "a name behind the data": (b"data: x\nevent: a\n\n", [("a", b"x")]),
    "an empty name": (b"event: a\nevent\ndata: x\n\n", [("", b"x")]),
    "unknown fields": (b"retry: 1\nDATA: no\n data: no\nfoo\nfoo: bar\ndata: x\n\n", [("", b"x")]),
    "comments within": (b"data: a\n:data: no\n: ping\ndata: b\n\n", [("", b"a\nb")]),
    "byte order mark": (b"\xef\xbb\xbfdata: x\n\n", [("", b"x")]),
    "byte order mark later": (b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [("", b"x")]),
    "byte order mark behind a comment": (b": ping\n\n\xef\xbb\xbfdata: y\n\ndata: z\n\n", [("", b"z")]),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", []),
    "CR": (b"data: x\rdata: y\r\rdata: z\r\r", [("", b"x\ny"), ("", b"z")]),
    "CR LF": (b"event: e\r\ndata: x\r\n\r\n", [("e", b"x")]),
    "mixed ends": (
        b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r",
        [("", b"a"), ("", b"b"), ("", b"c"), ("", b"d")],
    ),
    "empty lines between": (b"\n\n\ndata: x\n\n\n\n", [("", b"x")]),
    "characters": ("data: ä€\U0001f39e\u2028\x85\n\n".encode(), [("", "ä€\U0001f39e\u2028\x85".encode())]),
    "a name that is no UTF-8": (b"event: \xff\ndata: \xff\x00\n\n", [("\ufffd", b"\xff\x00")]),
    "a name that is no UTF-8, over more lines": (b"event: \xff\ndata: a\ndata: b\n\n", [("\ufffd", b"a\nb")]),
    "not ended": (b"data: x\n\ndata: y\n", [("", b"x")]),
}


@pytest.mark.parametrize(
    "trailing",
    [b"", b"data: not ended", b"event: x\n", b": ping\n"],
    ids=["nothing", "data", "a name", "a comment"],
)
@pytest.mark.parametrize("fed", ["whole", "byte by byte"])
@pytest.mark.parametrize("name", STANDARD)
def test_events(name: str, fed: str, trailing: bytes) -> None:
    data, expected = STANDARD[name]
    data += trailing
    parts = [data] if fed == "whole" else one_by_one(data)

    assert events_of(parts) == [Event(*event) for event in expected]
    assert expected_events(data) == [Event(*event) for event in expected]


event_bytes = st.lists(
    st.sampled_from(
        [
            b"data",
            b"event",
            b"id",
            b":",
            b" ",
            b"\r",
            b"\n",
            b"\r\n",
            b"\n\n",
            b"x",
            b"data: x\n",
            b"\xef\xbb\xbf",
            "ä€".encode(),
            b"[DONE]",
            b"\x00",
        ]
    ),
    max_size=30,
).map(b"".join)


@given(data=event_bytes, at=cuts)
def test_events_are_those_of_the_standard_however_they_are_cut(data: bytes, at: list[int]) -> None:
    expected = expected_events(data)

    assert events_of([data]) == expected
    assert events_of(pieces(data, at)) == expected
    assert events_of(one_by_one(data)) == expected


@given(data=event_bytes, at=cuts)
def test_flush_does_not_depend_on_the_cuts(data: bytes, at: list[int]) -> None:
    whole = events_of([data], flush=True)

    assert events_of(pieces(data, at), flush=True) == whole
    assert events_of(one_by_one(data), flush=True) == whole
    assert whole == expected_events(data + (b"\n\n" if data else b""))


@pytest.mark.parametrize("rest", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r", b"data: [DONE]\r\n"])
def test_flush_gives_the_event_that_no_empty_line_ended(rest: bytes) -> None:
    decoder = EventDecoder()

    assert decoder.feed(b"data: x\n\n" + rest) == [Event("", b"x")]
    assert decoder.flush() == [Event("", b"[DONE]")]
    assert decoder.flush() == []


OVER = {
    "one line": (b"event: e\ndata: " + b"x" * 40 + b"\n\ndata: y\n\n", [("e", None), ("", b"y")]),
    "many lines": (b"data: xxxx\n" * 6 + b"\ndata: y\n\n", [("", None), ("", b"y")]),
    "a short line behind": (b"data: " + b"x" * 40 + b"\ndata: y\n\ndata: z\n\n", [("", None), ("", b"z")]),
    "the name behind": (b"data: " + b"x" * 40 + b"\nevent: e\n\ndata: z\n\n", [("e", None), ("", b"z")]),
    "just under": (b"data: " + b"x" * 14 + b"\n\n", [("", b"x" * 14)]),
}


@pytest.mark.parametrize("name", OVER)
def test_an_event_over_the_limit_has_no_data(name: str) -> None:
    data, expected = OVER[name]
    events = [Event(*event) for event in expected]

    assert events_of([data], limit=20) == events
    assert events_of(one_by_one(data), limit=20) == events


@given(data=event_bytes, at=cuts, limit=st.integers(1, 30))
def test_the_limit_does_not_depend_on_the_cuts(data: bytes, at: list[int], limit: int) -> None:
    whole = events_of([data], limit=limit, flush=True)

    assert events_of(pieces(data, at), limit=limit, flush=True) == whole
    assert events_of(one_by_one(data), limit=limit, flush=True) == whole


def test_what_is_no_field_takes_no_room_from_the_events_behind_it() -> None:
    stray = b'{"a": 1}\n\n'

    decoded = events_of([stray * 100 + b"data: x\n\n"], limit=100)

    assert decoded == [*[Event("", b'{"a": 1}')] * 100, Event("", b"x")]


def test_a_carriage_return_of_its_own_before_a_cut() -> None:
    """So `\\r\\n` comes out where a server writes it in text mode on Windows."""
    decoder = EventDecoder()
    found = [event for piece in (b"data: a\r", b"\r\ndata: b\r\n\r\n") for event in decoder.feed(piece)]

    assert [event.data for event in found] == [b"a", b"b"]
