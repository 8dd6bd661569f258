"""AWS event streams, as Bedrock and SageMaker answer in them: https://smithy.io/2.0/aws/amazon-eventstream.html.

A frame is its length, the length of its headers and a checksum of these two; headers; payload; a checksum of all.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import crc32
from math import inf
from typing import Any, NamedTuple

from .sse import EVENT_LIMIT, Event

PRELUDE, _CHECKSUM = 12, 4
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type; types 6 and 7 tell their length themselves."""


def is_prelude(data: bytes | bytearray) -> bool:
    """Whether a body that starts with these twelve bytes is such a stream."""
    return len(data) >= PRELUDE and crc32(data[:8]) == int.from_bytes(data[8:12], "big")


class Frame(NamedTuple):
    """A frame of a stream that is there as a whole.

    Attributes:
        start: where it begins in the stream.
        end: where it ends.
        headers: as they are written.
        payload: JSON, as a rule.
    """

    start: int
    end: int
    headers: bytes
    payload: bytes

    @property
    def data(self) -> bytes:
        """What the payload says; where it is a part of an answer in base64, that part with this undone.

        https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_PayloadPart.html
        """
        wrapped = self._wrapped()
        return self.payload if wrapped is None else b64decode(wrapped["bytes"])

    def with_data(self, data: bytes) -> bytes:
        """The bytes of the same frame that says something else, with its lengths and checksums."""
        wrapped = self._wrapped()
        if wrapped is not None:
            data = json.dumps({**wrapped, "bytes": b64encode(data).decode()}, separators=(",", ":")).encode()
        total = PRELUDE + len(self.headers) + len(data) + _CHECKSUM
        prelude = total.to_bytes(4, "big") + len(self.headers).to_bytes(4, "big")
        frame = prelude + crc32(prelude).to_bytes(4, "big") + self.headers + data
        return frame + crc32(frame).to_bytes(4, "big")

    def _wrapped(self) -> dict[str, Any] | None:
        if b'"bytes"' not in self.payload:
            return None
        try:
            value = json.loads(self.payload)
            b64decode(value["bytes"], validate=True).decode("utf-8")
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


def frames_of(stream: bytes) -> list[Frame]:
    """The frames of a stream up to its end, or to the first that is damaged or not all there."""
    frames: list[Frame] = []
    try:
        while (frame := _frame_at(stream, frames[-1].end if frames else 0)) is not None:
            frames.append(frame)
    except _Damaged:
        pass
    return frames


class _Damaged(Exception):
    """A frame has a wrong length or checksum."""


def _frame_at(stream: bytes | bytearray, at: int, largest: float = inf) -> Frame | None:
    """The frame that begins at a place of a stream; None where it is not all there.

    Args:
        largest: bytes of one that has a right length.

    Raises:
        _Damaged: it is none.
    """
    if len(stream) - at < PRELUDE:
        return None
    end = at + int.from_bytes(stream[at : at + 4], "big")
    body = at + PRELUDE + int.from_bytes(stream[at + 4 : at + 8], "big")
    if not is_prelude(stream[at : at + PRELUDE]) or not body + _CHECKSUM <= end <= at + largest:
        raise _Damaged
    if len(stream) < end:
        return None
    frame = bytes(stream[at:end])
    if crc32(frame[:-_CHECKSUM]) != int.from_bytes(frame[-_CHECKSUM:], "big"):
        raise _Damaged
    return Frame(at, end, frame[PRELUDE : body - at], frame[body - at : -_CHECKSUM])


class FrameDecoder:
    """Frames of a byte stream, as events: the name is the header `:event-type`, or `error` for an exception.

    Attributes:
        broken: whether a frame has a wrong length or checksum; nothing behind it can be read.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.broken = False

    @property
    def is_open(self) -> bool:
        """Whether a frame was begun and is not all there."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Event]:
        """The frames that `data` completes. One larger than `EVENT_LIMIT` is a wrong length."""
        if self.broken:
            return []
        self._held += data
        events: list[Event] = []
        at = 0
        try:
            while (frame := _frame_at(self._held, at, EVENT_LIMIT)) is not None:
                events.append(Event(_name(frame.headers), frame.payload))
                at = frame.end
            del self._held[:at]
        except _Damaged:
            self.broken = True
            self._held.clear()
        return events


def _name(headers: bytes) -> str:
    found: dict[bytes, str] = {}
    at = 0
    while at < len(headers):
        name = headers[at + 1 : at + 1 + headers[at]]
        at += 1 + headers[at]
        kind = headers[at] if at < len(headers) else -1
        at += 1
        if kind in (6, 7):
            size = int.from_bytes(headers[at : at + 2], "big")
            found[name] = headers[at + 2 : at + 2 + size].decode("utf-8", "replace")
            at += 2 + size
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            break
    if found.get(b":message-type") in ("exception", "error"):
        return "error"
    return found.get(b":event-type", "")
