"""AWS event streams, as Bedrock and SageMaker answer in them: https://smithy.io/2.0/aws/amazon-eventstream.html.

A frame is its length, the length of its headers and a checksum of these two; headers; payload; a checksum of all.
"""

from __future__ import annotations

from binascii import crc32

from .sse import EVENT_LIMIT, Event

__all__ = ["PRELUDE", "FrameDecoder", "is_prelude"]

PRELUDE, _CHECKSUM = 12, 4
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type; types 6 and 7 tell their length themselves."""


def is_prelude(data: bytes | bytearray) -> bool:
    """Whether a body that starts with these twelve bytes is such a stream."""
    return len(data) >= PRELUDE and crc32(data[:8]) == int.from_bytes(data[8:12], "big")


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
        while len(self._held) - at >= PRELUDE:
            total = int.from_bytes(self._held[at : at + 4], "big")
            headers = int.from_bytes(self._held[at + 4 : at + 8], "big")
            is_right = is_prelude(self._held[at : at + PRELUDE])
            if not is_right or not PRELUDE + headers + _CHECKSUM <= total <= EVENT_LIMIT:
                self.broken = True
                break
            if len(self._held) - at < total:
                break
            frame = bytes(self._held[at : at + total])
            if crc32(frame[:-_CHECKSUM]) != int.from_bytes(frame[-_CHECKSUM:], "big"):
                self.broken = True
                break
            events.append(Event(_name(frame[PRELUDE : PRELUDE + headers]), frame[PRELUDE + headers : -_CHECKSUM]))
            at += total
        del self._held[:at]
        if self.broken:
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
