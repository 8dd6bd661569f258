"""Server-sent events, and lines: bytes in, whole events or lines out, wherever the pieces were cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["EVENT_LIMIT", "LONGEST_FIELD", "Event", "EventDecoder", "LineDecoder", "begins_with_a_field"]

EVENT_LIMIT = 32 << 20
"""Bytes of one event or line that are looked into; a larger one is passed over (an image in base64 fits)."""

LONGEST_FIELD = 8
"""Bytes by which it is known whether a body begins with a field of an event."""

_FIELD = re.compile(rb"(data|event|id|retry|error)?:")


def begins_with_a_field(data: bytes) -> bool:
    """Whether a body begins as events do."""
    return _FIELD.match(data) is not None


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

    @property
    def is_open(self) -> bool:
        """Whether a line was begun, or may go on with a line feed."""
        return self._size > 0 or self._cr

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


class Event(NamedTuple):
    """One event. `data` is None where it was larger than what is looked into."""

    event: str
    data: bytes | None


class EventDecoder:
    """Server-sent events of a byte stream.

    Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation, but
    for `id` and `retry`, which say nothing of an answer. Two things that the standard drops come out, for
    servers tell their failures so: a field `error` is an event of that name (llama.cpp), and lines that are no
    field and begin with a brace are an event without a name (Gemini: bare JSON behind the events).

    Attributes:
        was_torn: whether the stream ended, at `flush`, within a line that is no comment.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
        self._lines = LineDecoder(bare_cr=True, limit=limit)
        self._limit = limit
        self._first = True
        self.was_torn = False
        self._clear()

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes: each ends with an empty line."""
        if (  # most chunks are one event of one line
            data[:6] == b"data: "
            and data[-2:] == b"\n\n"
            and data.find(b"\n") == len(data) - 2
            and b"\r" not in data
            and not (self._any or self._stray or self._event or self._lines.is_open)
            and len(data) <= self._limit
        ):
            self._first = False
            return [Event("", data[6:-2])]
        return [event for line in self._lines.feed(data) for event in self._line(line)]

    def flush(self) -> list[Event]:
        """The event at the end of the stream that no empty line completed.

        The standard drops it; here it only serves to find a terminal event whose empty line was not sent.
        """
        lines = self._lines.flush()
        self.was_torn = any(line is None or line[:1] != b":" for line in lines)
        events = [event for line in lines for event in self._line(line)]
        return events + list(self._line(b""))

    def _clear(self) -> None:
        self._event = ""
        self._data: list[bytes] = []
        self._stray: list[bytes] = []
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
            if self._stray:
                yield Event("", b"\n".join(self._stray))
                self._stray = []
            if self._any:
                data = b"\n".join(self._data) if self._size <= self._limit else None
                event = Event(self._event, data)
                self._clear()
                yield event
            else:
                self._clear()
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
        elif name == b"error":
            yield Event("error", value)
        elif (self._stray or line[:1] == b"{") and self._size <= self._limit:
            self._size += len(line) + 1
            self._stray.append(line)
