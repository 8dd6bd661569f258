"""What is inside a streamed answer, and whether all of it came.

`EventDecoder` and `LineDecoder` are push decoders: bytes in, whole events or lines out, wherever the
pieces were cut. `StreamWatcher` knows how each provider's stream ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

__all__ = ["Event", "EventDecoder", "LineDecoder", "StreamEnd", "StreamState", "StreamWatcher", "stream_end"]

EVENT_LIMIT = 32 << 20
"""Bytes of one event or line that are looked into; a larger one is passed over (an image in base64 fits)."""


class LineDecoder:
    """Lines of a byte stream; a line ends at LF, CR LF or, with `bare_cr`, at CR.

    A line longer than `limit` bytes comes out as None.
    """

    def __init__(self, *, bare_cr: bool = False, limit: int = EVENT_LIMIT) -> None:
        self._end = re.compile(rb"\r\n|\n|\r" if bare_cr else rb"\n")
        self._bare_cr = bare_cr
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._cr = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that `data` completes, without their ends."""
        if self._cr and data:
            self._cr = False
            if data[:1] == b"\n":
                data = data[1:]
        lines: list[bytes | None] = []
        start = 0
        for end in self._end.finditer(data):
            self._keep(data[start : end.start()])
            lines.append(self._take())
            start = end.end()
        self._cr = self._cr or (self._bare_cr and data[-1:] == b"\r")
        self._keep(data[start:])
        return lines

    def flush(self) -> list[bytes | None]:
        """What stands after the last line end, as a line."""
        return [self._take()] if self._size else []

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._size += len(piece)
            if self._size > self._limit + 1:  # a CR before the LF is not counted
                self._pieces.clear()
            else:
                self._pieces.append(piece)

    def _take(self) -> bytes | None:
        line = b"".join(self._pieces) if self._size <= self._limit + 1 else None
        self._pieces.clear()
        self._size = 0
        if line is not None and not self._bare_cr:
            line = line.removesuffix(b"\r")
        return line if line is None or len(line) <= self._limit else None


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event. `data` is None where it was larger than what is looked into."""

    event: str
    data: bytes | None


class EventDecoder:
    """Server-sent events of a byte stream.

    Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, but
    for `id` and `retry`, which say nothing of an answer.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
        self._lines = LineDecoder(bare_cr=True, limit=limit)
        self._limit = limit
        self._first = True
        self._clear()

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes: each ends with an empty line."""
        return [event for line in self._lines.feed(data) for event in self._line(line)]

    def flush(self) -> list[Event]:
        """The event at the end of the stream that no empty line completed.

        The standard drops it; here it only serves to find a terminal event whose empty line was not sent.
        """
        events = [event for line in self._lines.flush() for event in self._line(line)]
        return events + list(self._line(b""))

    def _clear(self) -> None:
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0
        self._any = False

    def _line(self, line: bytes | None) -> Iterator[Event]:
        if line is None:
            self._any, self._size = True, self._limit + 1
            return
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            if self._any:
                data = b"\n".join(self._data) if self._size <= self._limit else None
                event = Event(self._event, data)
                self._clear()
                yield event
            else:
                self._event = ""
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._any = True
            self._size += len(value) + 1
            if self._size <= self._limit:
                self._data.append(value)
            else:
                self._data.clear()
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")


class StreamState(Enum):
    """How far a stream has come."""

    OPEN = "open"
    """Its terminal event has not come."""
    DONE = "done"
    """Its terminal event has come."""
    FAILED = "failed"
    """It said itself that the answer failed: the provider's error event."""


def _object(data: bytes | None) -> dict[str, Any]:
    try:
        value = orjson.loads(data or b"")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _done_marker(event: Event) -> StreamState:
    if event.data == b"[DONE]":
        return StreamState.DONE
    if event.event == "error" or (event.data and b'"error"' in event.data and _object(event.data).get("error")):
        return StreamState.FAILED
    return StreamState.OPEN


def _named(*done: str, failed: tuple[str, ...] = ("error",)) -> Callable[[Event], StreamState]:
    """By the event's name, or by the `type` in its data where the name was left out."""
    names = dict.fromkeys(done, StreamState.DONE) | dict.fromkeys(failed, StreamState.FAILED)

    def read(event: Event) -> StreamState:
        if event.event and event.event != "message":
            return names.get(event.event, StreamState.OPEN)
        if event.data and any(name.encode() in event.data for name in names):
            return names.get(str(_object(event.data).get("type")), StreamState.OPEN)
        return StreamState.OPEN

    return read


class _Gemini:
    """Every candidate that was seen has its `finishReason`, or the prompt was blocked."""

    def __init__(self) -> None:
        self._finished: dict[int, bool] = {}

    def __call__(self, event: Event) -> StreamState:
        value = _object(event.data)
        if "error" in value:
            return StreamState.FAILED
        candidates = value.get("candidates")
        for candidate in candidates if isinstance(candidates, list) else ():
            index = candidate.get("index", 0) if isinstance(candidate, dict) else None
            if isinstance(index, int):
                self._finished[index] = self._finished.get(index, False) or bool(candidate.get("finishReason"))
        feedback = value.get("promptFeedback")
        if isinstance(feedback, dict) and feedback.get("blockReason") and not self._finished:
            return StreamState.DONE
        return StreamState.DONE if self._finished and all(self._finished.values()) else StreamState.OPEN


def _json_line(event: Event) -> StreamState:
    value = _object(event.data)
    if value.get("done") is True:
        return StreamState.DONE
    return StreamState.FAILED if value.get("error") else StreamState.OPEN


def _cohere_event(event: Event) -> StreamState:
    state = _named("message-end")(event)
    delta = _object(event.data).get("delta") if state is StreamState.DONE else None
    if isinstance(delta, dict) and (delta.get("error") or delta.get("finish_reason") == "ERROR"):
        return StreamState.FAILED
    return state


def _cohere_line(event: Event) -> StreamState:
    value = _object(event.data)
    if value.get("event_type") == "stream-error":
        return StreamState.FAILED
    if value.get("event_type") != "stream-end":
        return StreamState.OPEN
    return StreamState.FAILED if "ERROR" in str(value.get("finish_reason")) else StreamState.DONE


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How the streams of some endpoints end.

    Attributes:
        provider: whose documentation says so.
        paths: matches the end of the URL's path.
        content_types: the media types in which the endpoint streams.
        reader: makes what reads the events, in order, and says how far the stream has come.
        early: the terminal event is the last thing of the answer, so that whoever closes behind it has
            had the whole answer; otherwise the body's clean end is awaited too.
        reason: the member by which an event says why the model stopped, from when on nothing of the answer but its
            terminal event and its usage is to come; empty where there is none.
        source: where the provider documents it.
    """

    provider: str
    paths: re.Pattern[str]
    content_types: tuple[str, ...]
    reader: Callable[[], Callable[[Event], StreamState]]
    early: bool
    source: str
    reason: str = ""


_EVENTS = ("text/event-stream",)
_LINES = ("application/x-ndjson", "application/jsonl", "application/stream+json", "application/json-lines")

STREAM_ENDS: tuple[StreamEnd, ...] = (
    StreamEnd(
        "openai",
        re.compile(r"/(chat/completions|completions|fim/completions|agents/completions)$"),
        _EVENTS,
        lambda: _done_marker,
        True,
        "https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream: ended by data: [DONE]",
        "finish_reason",
    ),
    StreamEnd(
        "openai",
        re.compile(r"/threads/(runs|[^/]+/runs|[^/]+/runs/[^/]+/submit_tool_outputs)$"),
        _EVENTS,
        lambda: _done_marker,
        True,
        "https://platform.openai.com/docs/api-reference/assistants-streaming/events: event done, data [DONE]",
    ),
    StreamEnd(
        "openai",
        re.compile(r"/responses(/[^/]+)?$"),
        _EVENTS,
        lambda: _named(
            "response.completed",
            "response.incomplete",
            failed=("response.failed", "response.cancelled", "error"),
        ),
        True,
        "https://platform.openai.com/docs/api-reference/responses-streaming: .completed, .incomplete, .failed",
    ),
    StreamEnd(
        "openai",
        re.compile(r"/images/(generations|edits)$"),
        _EVENTS,
        lambda: _named("image_generation.completed", "image_edit.completed"),
        False,
        "https://platform.openai.com/docs/api-reference/images-streaming: one completed event an image",
    ),
    StreamEnd(
        "openai",
        re.compile(r"/audio/(transcriptions|translations|speech)$"),
        _EVENTS,
        lambda: _named("transcript.text.done", "speech.audio.done", "transcription.done"),
        False,
        "https://platform.openai.com/docs/api-reference/audio: transcript.text.done, speech.audio.done",
    ),
    StreamEnd(
        "anthropic",
        re.compile(r"(/messages|:streamRawPredict)$"),
        _EVENTS,
        lambda: _named("message_stop"),
        True,
        "https://docs.anthropic.com/en/docs/build-with-claude/streaming#event-types: a final message_stop event",
        "stop_reason",
    ),
    StreamEnd(
        "gemini",
        re.compile(r":streamGenerateContent$"),
        _EVENTS,
        _Gemini,
        False,
        "https://ai.google.dev/api/generate-content#candidate: no finishReason while the model still generates",
    ),
    StreamEnd(
        "cohere",
        re.compile(r"/v2/chat$"),
        _EVENTS,
        lambda: _cohere_event,
        True,
        "https://docs.cohere.com/v2/docs/streaming#message-end: the last event of a stream",
    ),
    StreamEnd(
        "cohere",
        re.compile(r"/v1/(chat|generate)$"),
        _LINES,
        lambda: _cohere_line,
        True,
        "https://docs.cohere.com/v1/docs/streaming#stream-end: the last event of a stream",
    ),
    StreamEnd(
        "ollama",
        re.compile(r"/api/(chat|generate)$"),
        _LINES,
        lambda: _json_line,
        True,
        "https://github.com/ollama/ollama/blob/main/docs/api.md: the final object has done set to true",
    ),
)


def stream_end(path: str, content_type: str) -> StreamEnd | None:
    """The row for a response of `content_type` to a request for `path`; None where no row knows its end."""
    media_type = content_type.partition(";")[0].strip().lower()
    for row in STREAM_ENDS:
        if media_type in row.content_types and row.paths.search(path):
            return row
    return None


class StreamWatcher:
    """Reads along with a stream and tells whether it is whole.

    Args:
        end: how such a stream ends.
        content_type: of the response.

    Attributes:
        ends_soon: whether an event has said why the model stopped.
    """

    def __init__(self, end: StreamEnd, content_type: str) -> None:
        self._end = end
        self._read = end.reader()
        self._failed = False
        self._done = False
        self._reason = re.compile(rb'"%s"\s*:\s*"' % end.reason.encode()) if end.reason else None
        self.ends_soon = False
        is_events = content_type.partition(";")[0].strip().lower() in _EVENTS
        self._events = EventDecoder() if is_events else None
        self._lines = None if is_events else LineDecoder()

    def feed(self, data: bytes) -> None:
        """Looks at the next piece of the body, content-encoding undone."""
        if self._events is not None:
            for event in self._events.feed(data):
                self._note(event)
        elif self._lines is not None:
            for line in self._lines.feed(data):
                self._note(Event("", line))

    def end(self) -> None:
        """Says that the body is over. An event that it ends in the middle of counts only if its data is whole."""
        rest = (
            self._events.flush()
            if self._events is not None
            else [Event("", line) for line in (self._lines.flush() if self._lines is not None else ())]
        )
        for event in rest:
            if event.data == b"[DONE]" or event.event == "error" or _object(event.data):
                self._note(event)

    def _note(self, event: Event) -> None:
        state = self._read(event)
        if self._reason is not None and not self.ends_soon:
            self.ends_soon = event.data is not None and self._reason.search(event.data) is not None
        self._failed = self._failed or state is StreamState.FAILED
        self._done = state is StreamState.DONE or (self._done and self._end.early)

    @property
    def state(self) -> StreamState:
        """Where the stream stands after what was fed."""
        if self._failed:
            return StreamState.FAILED
        return StreamState.DONE if self._done else StreamState.OPEN

    @property
    def may_close(self) -> bool:
        """Whether a caller who closes now has had the whole answer."""
        return self._end.early and self.state is not StreamState.OPEN
