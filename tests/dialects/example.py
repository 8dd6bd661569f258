"""Example answers as data: how a body is put together from its events, and what is to be said of it."""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

__all__ = [
    "Answer",
    "Example",
    "array",
    "document",
    "events",
    "frame",
    "frames",
    "lines",
    "named_events",
    "other",
    "payload_of",
    "reframed",
]

Framing = Literal["events", "lines", "array", "frames", "document", "other"]


class Answer(NamedTuple):
    """A body in the pieces in which it is sent, one an event."""

    framing: Framing
    media_type: str
    pieces: tuple[bytes, ...]


@dataclass(frozen=True)
class Example:
    """A call and its answer.

    Attributes:
        dialect: the name of its API.
        what: the answer is, in a few words.
        path: of the call, with its query.
        asked: the members of its body.
        answer: to it.
        terminal: the index of the piece behind which nothing of the answer is to come; None where none tells that.
        whole_behind: the index of the first piece behind which a clean end is whole.
        fails: whether the answer tells a failure.
        is_form: whether the call is a form with a file.
        is_opaque: whether its events are of no form, so that none of them is known to be missing or wrong.
    """

    dialect: str
    what: str
    path: str
    asked: Mapping[str, Any]
    answer: Answer
    terminal: int | None = -1
    whole_behind: int = -1
    fails: bool = False
    is_form: bool = False
    is_opaque: bool = False

    def __str__(self) -> str:
        return f"{self.dialect}: {self.what}"

    @property
    def body(self) -> bytes:
        return b"".join(self.answer.pieces)

    @property
    def streams(self) -> bool:
        return self.answer.framing not in ("document", "other")

    @property
    def pieces_to_terminal(self) -> int | None:
        """How many pieces there are up to the terminal one, with it."""
        return range(1, len(self.answer.pieces) + 1)[self.terminal] if self.tells_terminal else None

    @property
    def pieces_to_whole(self) -> int:
        """How many pieces there are up to the one behind which a clean end is whole, with it."""
        return range(1, len(self.answer.pieces) + 1)[self.whole_behind]

    @property
    def tells_terminal(self) -> bool:
        return self.terminal is not None and self.answer.framing in ("events", "lines", "frames")


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def events(*data: object) -> Answer:
    """Server-sent events of their data alone; text stands as it is, bytes are a piece as they are."""
    pieces = (one if isinstance(one, bytes) else f"data: {_json(one)}\n\n".encode() for one in data)
    return Answer("events", "text/event-stream", tuple(pieces))


def named_events(*values: Any, name: str = "type") -> Answer:
    """Server-sent events whose names stand in a member of their data."""
    pieces = (f"event: {value[name]}\ndata: {_json(value)}\n\n".encode() for value in values)
    return Answer("events", "text/event-stream; charset=utf-8", tuple(pieces))


def lines(*values: object, media_type: str = "application/x-ndjson") -> Answer:
    """One JSON object a line."""
    return Answer("lines", media_type, tuple(f"{_json(value)}\n".encode() for value in values))


def array(*values: object) -> Answer:
    """One JSON array, of which an element is sent at a time, as Gemini does."""
    pieces = [f"{',' if at else '['}{_json(value)}\n" for at, value in enumerate(values)]
    return Answer("array", "application/json; charset=UTF-8", tuple(piece.encode() for piece in [*pieces, "]"]))


def document(value: object) -> Answer:
    """One JSON value."""
    return Answer("document", "application/json", (_json(value).encode(),))


def other(media_type: str, *pieces: bytes) -> Answer:
    """What is no JSON."""
    return Answer("other", media_type, pieces)


def frames(*values: tuple[str, object]) -> Answer:
    """An AWS event stream of events, by their names."""
    pieces = tuple(frame({":event-type": name, ":message-type": "event"}, value) for name, value in values)
    return Answer("frames", "application/vnd.amazon.eventstream", pieces)


def frame(headers: Mapping[str, str], value: object) -> bytes:
    """A frame of an AWS event stream: https://smithy.io/2.0/aws/amazon-eventstream.html."""
    text = 7  # the type of a header's value
    told = b"".join(
        bytes([len(name)]) + name.encode() + bytes([text]) + len(of).to_bytes(2, "big") + of.encode()
        for name, of in headers.items()
    )
    return _framed(told, _json(value).encode())


def reframed(piece: bytes, value: object) -> bytes:
    """A frame with the headers of another."""
    return _framed(piece[12 : 12 + int.from_bytes(piece[4:8], "big")], _json(value).encode())


def payload_of(piece: bytes) -> bytes:
    """What a frame holds."""
    return piece[12 + int.from_bytes(piece[4:8], "big") : -4]


def _framed(told: bytes, payload: bytes) -> bytes:
    sizes = (16 + len(told) + len(payload)).to_bytes(4, "big") + len(told).to_bytes(4, "big")
    prelude = sizes + crc32(sizes).to_bytes(4, "big")
    message = prelude + told + payload
    return message + crc32(message).to_bytes(4, "big")
