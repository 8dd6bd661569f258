from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from replaycache.dialects.sse import (
    EVENT_LIMIT,
    STREAM_ENDS,
    Event,
    EventDecoder,
    LineDecoder,
    StreamState,
    StreamWatcher,
    stream_end,
)

DONE, FAILED, OPEN = StreamState.DONE, StreamState.FAILED, StreamState.OPEN
EVENTS = "text/event-stream; charset=utf-8"


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def lines_of(parts: Iterable[bytes], *, bare_cr: bool = False, limit: int = EVENT_LIMIT) -> list[bytes | None]:
    decoder = LineDecoder(bare_cr=bare_cr, limit=limit)
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
    "nothing": (b"", [], []),
    "one line": (b"a\n", [b"a"], [b"a"]),
    "no end": (b"a", [b"a"], [b"a"]),
    "empty lines": (b"\n\n", [b"", b""], [b"", b""]),
    "CR LF": (b"a\r\nb\r\n", [b"a", b"b"], [b"a", b"b"]),
    "CR": (b"a\rb\rc", [b"a\rb\rc"], [b"a", b"b", b"c"]),
    "mixed": (b"a\nb\r\nc\rd\n\re\n", [b"a", b"b", b"c\rd", b"\re"], [b"a", b"b", b"c", b"d", b"", b"e"]),
    "LF CR": (b"a\n\rb\n", [b"a", b"\rb"], [b"a", b"", b"b"]),
    "CR CR LF": (b"a\r\r\nb\n", [b"a\r", b"b"], [b"a", b"", b"b"]),
    "empty CR LF": (b"\r\n\r\n", [b"", b""], [b"", b""]),
    "other line ends are none": (
        "a\x0bb\x0cc\x1cd\x85e\u2028f\n".encode(),
        ["a\x0bb\x0cc\x1cd\x85e\u2028f".encode()],
        ["a\x0bb\x0cc\x1cd\x85e\u2028f".encode()],
    ),
    "split character": ("ä€\U0001f39e\n".encode(), ["ä€\U0001f39e".encode()], ["ä€\U0001f39e".encode()]),
}


@pytest.mark.parametrize("bare_cr", [False, True])
@pytest.mark.parametrize("fed", ["whole", "byte by byte"])
@pytest.mark.parametrize("name", LINES)
def test_lines(name: str, fed: str, bare_cr: bool) -> None:
    data, *expected = LINES[name]
    parts = [data] if fed == "whole" else one_by_one(data)

    assert lines_of(parts, bare_cr=bare_cr) == expected[bare_cr]


line_bytes = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bc", b"\xc3\xa4", b"\x00"]), max_size=25
).map(b"".join)
cuts = st.lists(st.integers(0, 60), max_size=8)


@given(data=line_bytes, at=cuts, bare_cr=st.booleans())
def test_lines_do_not_depend_on_the_cuts(data: bytes, at: list[int], bare_cr: bool) -> None:
    whole = lines_of([data], bare_cr=bare_cr)

    assert lines_of(pieces(data, at), bare_cr=bare_cr) == whole
    assert lines_of(one_by_one(data), bare_cr=bare_cr) == whole


@given(data=line_bytes)
def test_lines_are_those_of_the_whole(data: bytes) -> None:
    *ended, rest = data.split(b"\n")
    bare = re.split(rb"\r\n|\n|\r", data)

    assert LineDecoder().feed(data) == [line.removesuffix(b"\r") for line in ended]
    assert LineDecoder(bare_cr=True).feed(data) == bare[:-1]
    assert lines_of([data], bare_cr=True) == (bare if bare[-1] else bare[:-1])
    if rest and not rest.endswith(b"\r"):
        assert lines_of([data])[-1] == rest


@given(
    data=st.lists(st.sampled_from([b"a", b"abcd", b"abcdef", b"\n", b"\r\n"]), max_size=12).map(b"".join),
    at=cuts,
    bare_cr=st.booleans(),
)
@example(data=b"abcd\r\n", at=[5], bare_cr=False)
def test_a_line_over_the_limit_is_none_however_it_is_cut(data: bytes, at: list[int], bare_cr: bool) -> None:
    expected = [line if len(line) <= 4 else None for line in re.split(rb"\r?\n", data)]
    if expected[-1] == b"":
        expected.pop()

    assert lines_of([data], bare_cr=bare_cr, limit=4) == expected
    assert lines_of(pieces(data, at), bare_cr=bare_cr, limit=4) == expected
    assert lines_of(one_by_one(data), bare_cr=bare_cr, limit=4) == expected


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
    "not ended": (b"data: x\n\ndata: y\n", [("", b"x")]),
}


@pytest.mark.parametrize("trailing", [b"", b"data: not ended", b"event: x\n", b": ping\n"], ids=repr)
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


# Streams


def sse(data: Any, event: str = "") -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {event}\n" if event else "").encode() + f"data: {text}\n\n".encode()


def typed(*values: dict[str, Any]) -> list[bytes]:
    """Events named by the type in their data."""
    return [sse(value, value["type"]) for value in values]


def unnamed(*values: dict[str, Any]) -> list[bytes]:
    return [sse(value) for value in values]


def json_lines(*values: dict[str, Any]) -> list[bytes]:
    return [json.dumps(value).encode() + b"\n" for value in values]


def chat(delta: dict[str, Any], finish_reason: str | None = None, index: int = 0) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish_reason}],
    }


def candidate(text: str, finish: str | None = None, index: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}}
    if finish:
        found["finishReason"] = finish
    if index is not None:
        found["index"] = index
    return found


@dataclass(frozen=True)
class Stream:
    """A whole answer of one endpoint.

    `whole_after` is after how many of its events the answer might be over too, for all that can be seen:
    two images are two answers, and only the end of the body says that there is no third.
    """

    provider: str
    path: str
    parts: list[bytes]
    state: StreamState = DONE
    content_type: str = EVENTS
    whole_after: set[int] = field(default_factory=set)
    early: bool = True


COMPLETION = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5"}
ANTHROPIC = [
    {
        "type": "message_start",
        "message": {"id": "msg_1", "role": "assistant", "content": [], "usage": {"input_tokens": 3}},
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "say message_stop: ä€"}},
    {"type": "ping"},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
]
GEMINI = "/v1beta/models/gemini-3:streamGenerateContent"
USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 5}
RUN = {"id": "run_1", "object": "thread.run", "last_error": None, "error": None}
NDJSON = "application/x-ndjson"
OLLAMA = {"model": "llama3", "created_at": "2026-01-01T00:00:00Z"}
COHERE2 = [
    {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant"}}},
    {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "message-end"}}}},
    {"type": "content-end", "index": 0},
]
COHERE1 = [
    {"is_finished": False, "event_type": "stream-start", "generation_id": "1"},
    {"is_finished": False, "event_type": "text-generation", "text": "stream-end"},
]

STREAMS = {
    "chat": Stream(
        "openai",
        "/v1/chat/completions",
        [*unnamed(chat({"role": "assistant"}), chat({"content": "[DONE]"}), chat({}, "stop")), sse("[DONE]")],
    ),
    "chat, two choices and usage": Stream(
        "openai",
        "/openai/deployments/gpt-5/chat/completions",
        [
            *unnamed(
                {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
                chat({"content": "a"}),
                chat({"content": "b"}, index=1),
                chat({}, "stop", 1),
                chat({}, "length"),
                {**chat({}), "choices": [], "usage": {"total_tokens": 3}, "error": None},
            ),
            sse("[DONE]"),
        ],
    ),
    "chat, pings": Stream(
        "openai",
        "/api/v1/chat/completions",
        [b": OPENROUTER PROCESSING\n\n", *unnamed(chat({"content": 'the "error"'})), b": p\n\n", sse("[DONE]")],
    ),
    "chat, an error": Stream(
        "openai",
        "/v1/chat/completions",
        [*unnamed(chat({"content": "a"}), {"error": {"message": "overloaded", "code": 529}})],
        FAILED,
    ),
    "chat, an error and [DONE]": Stream(
        "openai",
        "/v1/chat/completions",
        [*unnamed({"error": {"message": "overloaded"}}), sse("[DONE]")],
        FAILED,
    ),
    "chat, an error event": Stream(
        "openai", "/v1/chat/completions", [sse(chat({"content": "a"})), sse("boom", "error")], FAILED
    ),
    "legacy completions": Stream(
        "openai",
        "/v1/completions",
        [
            *unnamed(
                {**COMPLETION, "choices": [{"text": "a", "index": 0, "logprobs": None, "finish_reason": None}]},
                {**COMPLETION, "choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]},
            ),
            sse("[DONE]"),
        ],
    ),
    "mistral fim": Stream("openai", "/v1/fim/completions", [sse(chat({"content": "a"}, "stop")), sse("[DONE]")]),
    "mistral agents": Stream(
        "openai", "/v1/agents/completions", [sse(chat({"content": "a"}, "stop")), sse("[DONE]")]
    ),
    "assistants run": Stream(
        "openai",
        "/v1/threads/thread_1/runs",
        [
            sse({**RUN, "status": "queued"}, "thread.run.created"),
            sse({"id": "msg_1", "delta": {"content": [{"text": {"value": "done"}}]}}, "thread.message.delta"),
            sse({**RUN, "status": "completed"}, "thread.run.completed"),
            sse("[DONE]", "done"),
        ],
    ),
    "assistants thread and run": Stream(
        "openai", "/v1/threads/runs", [sse(RUN, "thread.run.completed"), sse("[DONE]", "done")]
    ),
    "assistants tool outputs": Stream(
        "openai",
        "/v1/threads/t/runs/run_1/submit_tool_outputs",
        [sse(RUN, "thread.run.completed"), sse("[DONE]", "done")],
    ),
    "assistants error": Stream(
        "openai",
        "/v1/threads/t/runs",
        [sse(RUN, "thread.run.created"), sse({"message": "no", "code": "server_error"}, "error")],
        FAILED,
    ),
    **{
        f"responses {end}": Stream(
            "openai",
            "/v1/responses",
            typed(
                {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
                {"type": "response.output_text.delta", "delta": "response.completed"},
                {"type": "response.output_item.done", "item": {"status": "completed"}},
                {"type": f"response.{end}", "response": {**RESPONSE, "status": end, "error": None}},
            ),
            state,
        )
        for end, state in {"completed": DONE, "incomplete": DONE, "failed": FAILED, "cancelled": FAILED}.items()
    },
    "responses without names": Stream(
        "openai",
        "/openai/v1/responses",
        unnamed(
            {"type": "response.created", "response": RESPONSE},
            {"type": "response.output_text.delta", "delta": "response.completed"},
            {"type": "response.completed", "response": RESPONSE},
        ),
    ),
    "responses resumed": Stream(
        "openai",
        "/v1/responses/resp_1",
        typed(
            {"type": "response.output_text.delta", "delta": "x"},
            {"type": "response.completed", "response": RESPONSE},
        ),
    ),
    "responses error": Stream(
        "openai",
        "/v1/responses",
        typed(
            {"type": "response.created", "response": RESPONSE},
            {"type": "error", "code": "server_error", "message": "no", "param": None},
        ),
        FAILED,
    ),
    "two images": Stream(
        "openai",
        "/v1/images/generations",
        typed(
            {"type": "image_generation.partial_image", "b64_json": "aW1h", "partial_image_index": 0},
            {"type": "image_generation.completed", "b64_json": "aW1hZ2U=", "usage": {"total_tokens": 1}},
            {"type": "image_generation.partial_image", "b64_json": "aW1h", "partial_image_index": 0},
            {"type": "image_generation.completed", "b64_json": "aW1hZ2V0d28=", "usage": {"total_tokens": 1}},
        ),
        whole_after={2},
        early=False,
    ),
    "image edit": Stream(
        "openai",
        "/v1/images/edits",
        typed(
            {"type": "image_edit.partial_image", "b64_json": "aW1h"},
            {"type": "image_edit.completed", "b64_json": "aW1hZ2U="},
        ),
        early=False,
    ),
    "image error": Stream(
        "openai",
        "/v1/images/generations",
        typed(
            {"type": "image_generation.partial_image", "b64_json": "aW1h"},
            {"type": "error", "error": {"code": "moderation_blocked"}},
        ),
        FAILED,
        early=False,
    ),
    "transcription": Stream(
        "openai",
        "/v1/audio/transcriptions",
        unnamed(
            {"type": "transcript.text.delta", "delta": "transcript.text.done"},
            {"type": "transcript.text.done", "text": "I see"},
        ),
        early=False,
    ),
    "speech": Stream(
        "openai",
        "/v1/audio/speech",
        unnamed(
            {"type": "speech.audio.delta", "audio": "c3BlZWNo"},
            {"type": "speech.audio.done", "usage": {"total_tokens": 1}},
        ),
        early=False,
    ),
    "messages": Stream("anthropic", "/v1/messages", typed(*ANTHROPIC, {"type": "message_stop"})),
    "messages on Vertex": Stream(
        "anthropic",
        "/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict",
        typed(*ANTHROPIC, {"type": "message_stop"}),
    ),
    "messages without names": Stream(
        "anthropic", "/anthropic/v1/messages", unnamed(*ANTHROPIC, {"type": "message_stop"})
    ),
    "messages error": Stream(
        "anthropic",
        "/v1/messages",
        typed(*ANTHROPIC[:4], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        FAILED,
    ),
    "gemini": Stream(
        "gemini",
        GEMINI,
        unnamed(
            {"candidates": [candidate("Hel")], "usageMetadata": USAGE},
            {"candidates": [candidate('"finishReason"')], "usageMetadata": USAGE},
            {"candidates": [candidate("lo", "STOP")], "usageMetadata": USAGE},
        ),
        early=False,
    ),
    "gemini, two candidates": Stream(
        "gemini",
        GEMINI,
        unnamed(
            {"candidates": [candidate("a"), candidate("b", index=1)]},
            {"candidates": [candidate("a", "STOP", 0)]},
            {"candidates": [candidate("b", None, 1)]},
            {"candidates": [candidate("b", "MAX_TOKENS", 1)]},
        ),
        early=False,
    ),
    "gemini, usage behind": Stream(
        "gemini",
        "/v1/projects/p/locations/l/publishers/google/models/gemini-3:streamGenerateContent",
        unnamed({"candidates": [candidate("a", "SAFETY")]}, {"usageMetadata": USAGE, "modelVersion": "gemini-3"}),
        whole_after={1},
        early=False,
    ),
    "gemini, blocked prompt": Stream(
        "gemini",
        GEMINI,
        unnamed({"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []}, "usageMetadata": USAGE}),
        early=False,
    ),
    "gemini, an error": Stream(
        "gemini",
        GEMINI,
        unnamed(
            {"candidates": [candidate("a")]}, {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}
        ),
        FAILED,
        early=False,
    ),
    "cohere 2": Stream(
        "cohere",
        "/v2/chat",
        typed(*COHERE2, {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {}}}),
    ),
    "cohere 2 without names": Stream(
        "cohere", "/v2/chat", unnamed(*COHERE2, {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}})
    ),
    "cohere 2, an error": Stream(
        "cohere",
        "/v2/chat",
        typed(*COHERE2, {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "no"}}),
        FAILED,
    ),
    "cohere 2, an error text": Stream(
        "cohere", "/v2/chat", typed(*COHERE2, {"type": "message-end", "delta": {"error": "no"}}), FAILED
    ),
    "cohere 1": Stream(
        "cohere",
        "/v1/chat",
        json_lines(
            *COHERE1,
            {
                "is_finished": True,
                "event_type": "stream-end",
                "finish_reason": "COMPLETE",
                "response": {"text": "x"},
            },
        ),
        content_type="application/stream+json",
    ),
    "cohere 1, generate": Stream(
        "cohere",
        "/v1/generate",
        json_lines(*COHERE1, {"is_finished": True, "event_type": "stream-end", "finish_reason": "MAX_TOKENS"}),
        content_type="application/stream+json",
    ),
    "cohere 1, an error": Stream(
        "cohere",
        "/v1/chat",
        json_lines(*COHERE1, {"is_finished": True, "event_type": "stream-end", "finish_reason": "ERROR_TOXIC"}),
        FAILED,
        content_type="application/stream+json",
    ),
    "cohere 1, an error line": Stream(
        "cohere",
        "/v1/generate",
        json_lines(*COHERE1, {"is_finished": True, "event_type": "stream-error", "err": "no"}),
        FAILED,
        content_type="application/stream+json",
    ),
    "ollama chat": Stream(
        "ollama",
        "/api/chat",
        json_lines(
            {**OLLAMA, "message": {"role": "assistant", "content": '"done":true'}, "done": False},
            {**OLLAMA, "message": {"role": "assistant", "content": ""}, "done_reason": "stop", "done": True},
        ),
        content_type=NDJSON,
    ),
    "ollama generate": Stream(
        "ollama",
        "/api/generate",
        json_lines(
            {**OLLAMA, "response": "ä", "done": False},
            {**OLLAMA, "response": "", "done": True, "context": [1, 2], "eval_count": 2},
        ),
        content_type=NDJSON,
    ),
    "ollama, an error": Stream(
        "ollama",
        "/api/chat",
        json_lines({**OLLAMA, "message": {"content": "a"}, "done": False}, {"error": "model runner has crashed"}),
        FAILED,
        content_type=NDJSON,
    ),
}
"""What each endpoint sends, by its provider's documentation."""


def watch(stream: Stream, parts: Iterable[bytes], *, end: bool = True) -> StreamWatcher:
    row = stream_end(stream.path, stream.content_type)
    assert row is not None
    watcher = StreamWatcher(row, stream.content_type)
    for part in parts:
        watcher.feed(part)
    if end:
        watcher.end()
    return watcher


streams = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
done_streams = pytest.mark.parametrize(
    "stream",
    [stream for stream in STREAMS.values() if stream.state is DONE],
    ids=[name for name, stream in STREAMS.items() if stream.state is DONE],
)


def test_every_row_has_a_stream_that_succeeds() -> None:
    rows = {stream_end(stream.path, stream.content_type) for stream in STREAMS.values() if stream.state is DONE}

    assert rows == set(STREAM_ENDS)


@pytest.mark.parametrize("row", STREAM_ENDS, ids=lambda row: f"{row.provider} {row.paths.pattern}")
def test_every_row_says_where_it_is_documented(row: Any) -> None:
    assert row.source.startswith("https://")
    assert row.paths.pattern.endswith("$")
    assert row.content_types


@streams
def test_a_whole_stream(stream: Stream) -> None:
    whole = b"".join(stream.parts)
    row = stream_end(stream.path, stream.content_type)
    fed_in = {
        "whole": [whole],
        "by events": stream.parts,
        "byte by byte": one_by_one(whole),
        "with CR LF": [whole.replace(b"\n", b"\r\n")],
        "with CR LF, byte by byte": one_by_one(whole.replace(b"\n", b"\r\n")),
    }
    if stream.content_type == EVENTS:
        fed_in["with CR"] = [whole.replace(b"\n", b"\r")]
        fed_in["with a byte order mark"] = [b"\xef\xbb\xbf", whole]

    assert row is not None
    assert (row.provider, row.early) == (stream.provider, stream.early)
    for how, parts in fed_in.items():
        assert watch(stream, parts, end=False).state is stream.state, how
        watcher = watch(stream, parts)
        assert watcher.state is stream.state, how
        assert watcher.may_close is stream.early, how


@streams
def test_a_stream_whose_last_line_is_not_ended(stream: Stream) -> None:
    """Terminal all the same, once the body is over."""
    assert watch(stream, [b"".join(stream.parts).rstrip(b"\n")]).state is stream.state


@streams
def test_a_stream_cut_between_its_events_is_not_done(stream: Stream) -> None:
    for count in set(range(len(stream.parts))) - stream.whole_after:
        for parts in (stream.parts[:count], one_by_one(b"".join(stream.parts[:count]))):
            for end in (False, True):
                watcher = watch(stream, parts, end=end)
                assert watcher.state is not DONE, count
                assert watcher.may_close is (watcher.state is FAILED and stream.early), count


@done_streams
def test_a_stream_cut_within_its_events_is_not_done(stream: Stream) -> None:
    """At every byte, and above all within the data of the terminal event, which may be the whole answer."""
    last = len(stream.parts)
    terminal = min(stream.whole_after) if last - 1 in stream.whole_after else last
    whole = b"".join(stream.parts[:terminal])
    complete = len(whole.rstrip(b"\n"))
    begins = len(b"".join(stream.parts[: terminal - 1]))
    first = begins if stream.whole_after else 0
    judged_done = [
        at
        for at in range(first, complete)
        for end in (False, True)
        if at != begins and watch(stream, [whole[:at]], end=end).state is DONE
    ]

    assert not judged_done, f"cut to {whole[judged_done[0] - 60 : judged_done[0]]!r}"


@done_streams
@pytest.mark.parametrize("trailing", [b": ping\n\n", b"\n\n", b": not ended"], ids=repr)
def test_what_comes_behind_the_terminal_event(stream: Stream, trailing: bytes) -> None:
    if stream.content_type != EVENTS:
        trailing = b"\n"
    assert watch(stream, [*stream.parts, trailing]).state is DONE


def test_a_second_image_is_awaited() -> None:
    stream = STREAMS["two images"]

    assert watch(stream, stream.parts[:2]).state is DONE
    assert watch(stream, stream.parts[:3]).state is OPEN
    assert not watch(stream, stream.parts).may_close


def test_a_failure_stays_one() -> None:
    for name, stream in STREAMS.items():
        if stream.state is FAILED:
            for other in STREAMS.values():
                if (other.path, other.content_type, other.state) == (stream.path, stream.content_type, DONE):
                    assert watch(stream, [*stream.parts, *other.parts]).state is FAILED, name


@pytest.mark.parametrize("marker", [b"data:[DONE]\n\n", b"data: [DONE]\r\r", b"id: 7\ndata: [DONE]\nretry: 1\n\n"])
def test_done_markers(marker: bytes) -> None:
    assert watch(STREAMS["chat"], [marker]).state is DONE


@pytest.mark.parametrize(
    "marker",
    [
        b"[DONE]\n\n",
        b": data: [DONE]\n\n",
        b'data: "[DONE]"\n\n',
        b"data: [DONE]x\n\n",
        b"data: [DONE]\ndata: x\n\n",
        b"event: done\n\n",
        b"data: done\n\n",
        b"Data: [DONE]\n\n",
    ],
)
def test_what_is_no_done_marker(marker: bytes) -> None:
    assert watch(STREAMS["chat"], [marker]).state is OPEN


def test_an_image_of_many_megabytes_is_looked_into() -> None:
    """In base64, in one event; the decoder hands it over once."""
    stream = STREAMS["image edit"]
    event = typed({"type": "image_edit.completed", "b64_json": "A" * (20 << 20)})[0]

    assert watch(stream, [event[at : at + 65536] for at in range(0, len(event), 65536)]).state is DONE


# Which row


@pytest.mark.parametrize(
    "content_type", ["text/event-stream", "TEXT/Event-Stream", "text/event-stream ;charset=x"]
)
def test_media_types_are_compared_without_case_and_parameters(content_type: str) -> None:
    row = stream_end("/v1/messages", content_type)

    assert row is not None
    assert row.provider == "anthropic"


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/v1/chat/completions", "application/json"),
        ("/v1/chat/completions", ""),
        ("/v1/chat/completions", "text/plain"),
        ("/v1/chat/completions/chatcmpl-1", "text/event-stream"),
        ("/v1/messages", "application/json"),
        ("/v1/messages/count_tokens", "text/event-stream"),
        ("/v1/responses", "application/json"),
        ("/v1/responses/resp_1/input_items", "text/event-stream"),
        ("/v1/models", "text/event-stream"),
        ("/sse", "text/event-stream"),
        ("/v1beta/models/gemini:generateContent", "text/event-stream"),
        (GEMINI, "application/json"),
        ("/api/chat", "application/json; charset=utf-8"),
        ("/api/tags", NDJSON),
        ("/v2/chat", "application/json"),
    ],
)
def test_where_no_row_knows_the_end(path: str, content_type: str) -> None:
    assert stream_end(path, content_type) is None


# Anything at all

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just("STOP"))
keys = st.sampled_from(
    [
        "type",
        "event_type",
        "error",
        "done",
        "candidates",
        "index",
        "finishReason",
        "finish_reason",
        "delta",
        "promptFeedback",
        "blockReason",
        "choices",
    ]
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
rows = st.sampled_from(STREAM_ENDS)


@given(row=rows, given_=st.lists(st.dictionaries(keys, values, max_size=4), max_size=4))
@example(row=STREAM_ENDS[6], given_=[{"candidates": 5}])
def test_no_json_makes_a_watcher_raise(row: Any, given_: list[Any]) -> None:
    """It reads along with the caller's stream, and must never be what breaks it."""
    for content_type in row.content_types:
        watcher = StreamWatcher(row, content_type)
        watcher.feed(b"".join(unnamed(*given_) + json_lines(*given_)))
        watcher.end()

        assert watcher.state in StreamState


@given(row=rows, data=st.binary(max_size=200) | event_bytes)
def test_no_bytes_make_a_watcher_raise(row: Any, data: bytes) -> None:
    for content_type in row.content_types:
        watcher = StreamWatcher(row, content_type)
        watcher.feed(data)
        watcher.end()

        assert watcher.state in StreamState


@pytest.mark.parametrize(
    "answer",
    [
        {"candidates": 5},
        {"candidates": True},
        {"candidates": [None, 5, "x", []]},
        {"candidates": [{"index": []}]},
        {"candidates": [{"index": {}, "finishReason": "STOP"}]},
        {"candidates": {"index": 0}},
        {"promptFeedback": {"blockReason": ["SAFETY"]}},
    ],
    ids=json.dumps,
)
def test_no_gemini_answer_makes_the_watcher_raise(answer: Any) -> None:
    """What hypothesis finds sooner or later, found every time."""
    watch(STREAMS["gemini"], unnamed(answer))


def test_deep_json_is_no_failure() -> None:
    assert watch(STREAMS["gemini"], [b'data: {"candidates":' + b"[" * 100_000 + b"\n\n"]).state is OPEN


# Real recordings


RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"


def recorded_streams() -> Iterator[tuple[str, str, str, bytes]]:
    """File, path, content type and body of every recorded answer that a row knows."""
    if not RECORDINGS.is_dir():
        return
    yaml = pytest.importorskip("yaml", reason="PyYAML, which reads the recordings, is not installed")
    for file in sorted(RECORDINGS.rglob("*.y*ml")):
        try:
            loaded = yaml.safe_load(file.read_text("utf-8"))
        except yaml.YAMLError:
            continue  # Ruby's own tags, around audio
        for interaction in loaded.get("interactions") or loaded.get("http_interactions") or ():
            response = interaction["response"]
            headers = {name.lower(): value for name, value in response["headers"].items()}
            content_type = "".join(headers.get("content-type", [""])[:1])
            body = response.get("body") or b""
            body = body.get("string") or b"" if isinstance(body, dict) else body
            body = body.encode() if isinstance(body, str) else body
            status = response.get("code") or response["status"]["code"]
            path = urlsplit(interaction["request"].get("uri") or interaction["request"]["url"]).path
            if status == 200 and body and stream_end(path, content_type):
                yield f"{file.relative_to(RECORDINGS)}", path, content_type, body


def test_recorded_streams_are_done() -> None:
    """Real answers of real providers, every one of them whole."""
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings of other projects are not beside this repository")
    seen = 0
    for file, path, content_type, body in recorded_streams():
        stream = Stream("", path, [], content_type=content_type)
        seen += 1
        for parts in ([body], one_by_one(body), pieces(body, range(0, len(body), 97))):
            assert watch(stream, parts).state is DONE, (file, path, body[-300:])

    assert seen >= 16
