"""Events that repeat what one before them told are passed over; nothing that an answer tells is lost by it.

What is compared with is the same form of answer, of which every event is decoded.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example as with_example
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Recording, foreign
from replaycache.dialects.answering import answering
from replaycache.dialects.framing.repeats import Repeats
from replaycache.dialects.framing.sse import EventDecoder
from replaycache.dialects.usage import usage_of
from replaycache.dialects.watcher import Answering, AnswerWatcher
from replaycache.wire import url

from .example import Example, frame
from .examples import EXAMPLES

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"
STREAMS = [example for example in EXAMPLES if example.streams]
FILLED = [
    example
    for example in STREAMS
    if any(form.fillers for form in answering("POST", example.path.partition("?")[0]).forms)
]


def decoding_all(known: Answering) -> Answering:
    """The same answering, whose forms name no members that tell nothing."""
    return known._replace(forms=tuple(type(form.__name__, (form,), {"fillers": ()}) for form in known.forms))


def told_by(watcher: AnswerWatcher, pieces: Iterable[bytes]) -> tuple[Any, ...]:
    """What a watcher tells behind each piece, and at the end."""
    told = []
    for piece in pieces:
        watcher.feed(piece)
        told.append((watcher.is_over, watcher.ends_soon, watcher.failed))
    watcher.end()
    return (*told, watcher.verdict, watcher.finish_reasons, watcher.is_stream, watcher.tells_its_end)


def both(example: Example, pieces: list[bytes]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    known = answering("POST", example.path.partition("?")[0])
    label = example.answer.media_type
    return (
        told_by(AnswerWatcher(known, label, lambda: example.asked), pieces),
        told_by(AnswerWatcher(decoding_all(known), label, lambda: example.asked), pieces),
    )


def fillers_of(example: Example) -> tuple[str, ...]:
    forms = answering("POST", example.path.partition("?")[0]).forms
    return tuple(dict.fromkeys(name for form in forms for name in form.fillers))


@pytest.mark.parametrize("example", STREAMS, ids=str)
def test_events_that_come_several_times_tell_no_more(example: Example) -> None:
    for times in (2, 7):
        pieces = [piece for piece in example.answer.pieces for _ in range(times)]
        ours, reference = both(example, [b"".join(pieces)])

        assert ours == reference


def spelled(piece: bytes, names: tuple[str, ...], value: bytes) -> bytes:
    """The piece, with `value` as it is in place of every text that stands in a member of these names."""
    for name in names:
        for gap in (b"", b" "):
            at = 0
            begin = b'"%s":%s"' % (name.encode(), gap)
            while (at := piece.find(begin, at)) >= 0:
                at += len(begin)
                end = at
                while piece[end : end + 1] not in (b'"', b""):
                    end += 2 if piece[end : end + 1] == b"\\" else 1
                piece = piece[:at] + value + piece[end:]
                at += len(value)
    return piece


VALUES = st.sampled_from(
    [
        b"",
        b"a",
        b"\\n",
        b'\\"',
        b"\\",
        b"\\\\",
        b"\\u00e9",
        b"\\ud800",
        b"\\x",
        b'"',
        b"\x00",
        b"\x1f",
        b"\xff",
        b"\n",
    ]
) | st.text(max_size=4).map(lambda text: json.dumps(text).encode()[1:-1])


@given(st.data(), st.sampled_from(FILLED))
def test_whatever_stands_in_their_texts(data: st.DataObject, example: Example) -> None:
    names = fillers_of(example)
    pieces = []
    for piece in example.answer.pieces:
        values = data.draw(st.lists(VALUES, max_size=3))
        pieces += [piece, *(spelled(piece, names, value) for value in values)]
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=3)))
    ours, reference = both(example, [body[at:to] for at, to in pairwise([0, *cuts, len(body)])])

    assert ours == reference


@given(st.data(), st.sampled_from(FILLED))
def test_a_byte_of_a_repeated_event_that_is_lost_or_wrong_is_seen(data: st.DataObject, example: Example) -> None:
    pieces = [piece for piece in example.answer.pieces for _ in range(3)]
    number = data.draw(st.integers(0, len(pieces) - 1))
    piece = pieces[number]
    at = data.draw(st.integers(0, len(piece) - 1))
    pieces[number] = piece[:at] + data.draw(st.binary(max_size=1)) + piece[at + 1 :]
    ours, reference = both(example, [b"".join(pieces)])

    assert ours == reference


NUMBERED = b'{"type":"delta","delta":"%s","sequence_number":%s}'


@pytest.mark.parametrize("number", [b"0", b"7", b"12345678901234567890"])
def test_a_number_tells_nothing(number: bytes) -> None:
    repeats = Repeats()
    repeats.members = ("delta", "sequence_number")
    repeats.learn(NUMBERED % (b"Hello", b"1"))

    assert repeats.pass_over([NUMBERED % (b" there", number)], 0) == 1
    assert not repeats.doubtful()


@pytest.mark.parametrize("number", [b"", b"07", b"1.5", b"-1", b"1 ,", b"null", b'"1"', b"1,2", b"1}"])
def test_what_is_no_number_is_looked_at(number: bytes) -> None:
    repeats = Repeats()
    repeats.members = ("delta", "sequence_number")
    repeats.learn(NUMBERED % (b"Hello", b"1"))

    assert repeats.pass_over([NUMBERED % (b" there", number)], 0) == 0


def test_what_is_passed_over_and_no_json_is_named() -> None:
    repeats = Repeats()
    repeats.members = ("delta",)
    repeats.learn(b'{"delta":"one"}')
    events = [b'{"delta":"two"}', b'{"delta":"\x01"}']

    assert repeats.pass_over(events, 0) == 2
    assert repeats.doubtful() == events
    assert not repeats.doubtful()


def test_padding_tells_nothing() -> None:
    """Anthropic sends any number of spaces there."""
    repeats = Repeats()
    repeats.members = ("text",)
    repeats.learn(b'{"delta":{"text":"a"}  }')

    assert repeats.pass_over([b'{"delta":{"text":"b"}}', b'{"delta":{"text":"c"}       }'], 0) == 2
    assert repeats.pass_over([b'{"delta":{"text":"b"}}}'], 0) == 0


def test_two_choices_that_take_turns_are_passed_over() -> None:
    def event(choice: int, text: str) -> bytes:
        return json.dumps({"choices": [{"index": choice, "delta": {"content": text}}]}).encode()

    repeats = Repeats()
    repeats.members = ("content",)
    repeats.learn(event(0, "a"))
    repeats.learn(event(1, "b"))

    assert repeats.pass_over([event(number % 2, str(number)) for number in range(10)], 0) == 10


EVENTS = b'data: {"delta":"a"}\n\n', b'event: x\ndata: {"delta":"a"}\n\n', b": hi\n\n", b"data: [DONE]\n\n", b"\n"


@given(
    st.lists(st.sampled_from([*EVENTS, *(one.replace(b"\n", b"\r\n") for one in EVENTS)]), max_size=9), st.data()
)
@with_example([b"data: a\n", b"\ndata: b\n\n"], st.just([]))
def test_events_are_the_same_whether_any_is_passed_over_or_none(pieces: list[bytes], data: Any) -> None:
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5))) if hasattr(data, "draw") else []
    decoder, plain = EventDecoder(), EventDecoder()
    found = []
    for at, to in pairwise([0, *cuts, len(body)]):
        found += decoder.new(body[at:to], Repeats())

    assert [*found, *decoder.flush()] == [*plain.feed(body), *plain.flush()]


def recordings() -> Iterator[Recording]:
    for path in sorted(RECORDINGS.rglob("*")):
        if path.suffix in (".yaml", ".yml", ".json"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield from foreign.read(path)


@pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the collection of real cassettes (../shared/recordings) is not here"
)
def test_real_answers_tell_the_same_and_used_the_same() -> None:
    passed = 0
    for recording in recordings():
        request, label = recording.request, recording.head.header("content-type") or ""
        known = answering(request.method, url.parse(request.url).path)
        body = b"".join(chunk.data for chunk in recording.body)
        watcher = AnswerWatcher(known, label)

        assert told_by(watcher, [body]) == told_by(AnswerWatcher(decoding_all(known), label), [body])
        if watcher.telling:
            passed += 1
            assert usage_of(recording, watcher.telling) == usage_of(recording), request.url
    assert passed > 5


def chat(text: bytes) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % text


@pytest.mark.parametrize(
    "text",
    [
        b'a"}}],"error":{"message":"boom"},"x":[{"y":{"z":"b',
        b'a"},"finish_reason":"stop"},{"index":1,"delta":{"content":"b',
        b'"},"error":{"code":1},"x":{"y":"',
        b"a\nevent: error\ndata: {}",
        b"a\ndata: b",
        b"a\n\ndata: [DONE]\n\ndata: b",
        b'"',
    ],
)
@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b""])
def test_an_event_that_only_begins_and_ends_as_another_is_looked_at(text: bytes, end: bytes) -> None:
    finish = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    body = chat(b"one") + chat(b"two") + chat(text) + chat(b"three") + finish + end
    example = next(one for one in EXAMPLES if one.path == "/v1/chat/completions" and one.streams)
    for pieces in (
        [body],
        [chat(b"one"), body[len(chat(b"one")) :]],
        [body[at : at + 7] for at in range(0, len(body), 7)],
    ):
        ours, reference = both(example, pieces)

        assert ours == reference


@pytest.mark.parametrize(
    "frames_",
    [
        [("exception", "internalServerException", '{"contentBlockIndex":0,"delta":{"text":"b"},"p":"abcd"}')],
        [("event", "contentBlockStop", '{"p":"ab"}'), ("event", "messageStop", '{"p":"abc"}')],
        [("event", "contentBlockStop", '{"p":"ab","stopReason":"x"}'), ("event", "messageStop", '{"p":"ab"}')],
        [("event", "contentBlockStop", '{"p":"ab"}'), ("event", "metadata", '{"p":"cd"}')],
    ],
)
def test_what_is_spelled_alike_under_another_name_is_another_event(frames_: list[tuple[str, str, str]]) -> None:
    example = next(one for one in EXAMPLES if one.answer.framing == "frames" and "converse" in one.path)
    deltas = [
        ("event", "contentBlockDelta", f'{{"contentBlockIndex":0,"delta":{{"text":"{one}"}},"p":"a"}}')
        for one in "ab"
    ]
    pieces = [
        frame({f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}, payload)
        for kind, name, payload in [*deltas, *frames_]
    ]
    ours, reference = both(example, [*pieces, *example.answer.pieces[-2:]])

    assert ours == reference


def test_what_told_nothing_new_may_do_so_again_when_something_has_changed() -> None:
    def event(text: str, reason: str) -> bytes:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
        return b"data: %s\n\n" % json.dumps({"choices": [choice]}).encode()

    example = next(one for one in EXAMPLES if one.path == "/v1/chat/completions" and one.streams)
    ours, reference = both(
        example, [event("a", "length") + event("b", "stop") + event("c", "length") + b"data: [DONE]\n\n"]
    )

    assert ours == reference
    assert ("length",) in ours


def test_two_choices_in_one_event_are_no_repeat_of_one() -> None:
    begun = b'data: {"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":null}]}\n\n'
    both_of_them = (
        b'data: {"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":"error"},'
        b'{"index":1,"delta":{"content":"B"},"finish_reason":null}]}\n\n'
    )
    stop = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    example = next(one for one in EXAMPLES if one.path == "/v1/chat/completions" and one.streams)
    ours, reference = both(example, [begun + both_of_them + stop])

    assert ours == reference
    assert "failed" in ours
