"""Server-sent events, and lines: bytes in, whole events or lines out, wherever the pieces were cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .repeats import Repeats

EVENT_LIMIT = 32 << 20
"""Bytes of one event or line that are looked into; a larger one is passed over (an image in base64 fits)."""

_LONGEST_REST = 8 << 10
"""Bytes of the beginning of an event that are kept to be looked at again with what follows."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELD = re.compile(rb"(data|event|id|retry|error)?:")


def begins_with_a_field(data: bytes) -> bool:
    """Whether a body begins as events do."""
    return _FIELD.match(data) is not None


class LineDecoder:
    """Lines of a byte stream; a line ends at LF, CR LF or CR.

    A line longer than `limit` bytes comes out as None.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
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
        for end in _LINE_END.finditer(data):
            self._keep(data[start : end.start()])
            lines.append(self._take())
            start = end.end()
        self._cr = self._cr or data[-1:] == b"\r"
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
            if self._size > self._limit:
                self._pieces.clear()
            else:
                self._pieces.append(piece)

    def _take(self) -> bytes | None:
        line = b"".join(self._pieces) if self._size <= self._limit else None
        self._pieces.clear()
        self._size = 0
        return line


class Event(NamedTuple):
    """One event. `data` is None where it was larger than what is looked into."""

    event: str
    data: bytes | None


def plain_event(text: bytes) -> Event | None:
    """The event of one line of data, which its name may precede, as most are; None of any other."""
    name, line = "", text
    if text[:7] == b"event: ":
        told, _, line = text.partition(b"\n")
        name = told[7:].decode("utf-8", "replace")
    return Event(name, line[6:]) if line[:6] == b"data: " and b"\n" not in line else None


def spelled(event: Event) -> bytes:
    """The text of which `plain_event` makes an event."""
    name = b"event: %s\n" % event.event.encode() if event.event else b""
    return b"%sdata: %s" % (name, event.data or b"")


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
        self._lines = LineDecoder(limit=limit)
        self._rest = b""
        self._limit = limit
        self._first = True
        self.was_torn = False
        self._clear()

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes: each ends with an empty line."""
        return list(self.new(data, Repeats()))

    def new(self, data: bytes, repeats: Repeats) -> Iterator[Event]:
        """The same without those that repeats tell to say nothing new; whoever stops in the middle is at the end.

        Args:
            data: the next of the stream.
            repeats: may learn from each event before the next is asked for.
        """
        data, self._rest = self._rest + data, b""
        if self._any or self._stray or self._event or self._lines.is_open:  # within an event
            yield from self._line_by_line(data)
            return
        if b"\r" in data:
            if data.count(b"\r\n") < data.count(b"\r"):
                yield from self._line_by_line(data)
                return
            data = data.replace(b"\r\n", b"\n")
        parts = data.split(b"\n\n")
        last = parts.pop()
        if len(last) <= _LONGEST_REST:
            self._rest = last
        at = 0
        while (at := repeats.pass_over(parts, at)) < len(parts):
            part = parts[at]
            event = plain_event(part)
            if event is not None and len(part) <= self._limit:
                self._first = False
                yield event
            else:
                yield from self._line_by_line(part + b"\n\n")
            at += 1
        if len(last) > _LONGEST_REST:
            yield from self._line_by_line(last)

    def _line_by_line(self, data: bytes) -> list[Event]:
        return [event for line in self._lines.feed(data) for event in self._line(line)]

    def flush(self) -> list[Event]:
        """The event at the end of the stream that no empty line completed.

        The standard drops it; here it only serves to find a terminal event whose empty line was not sent.
        """
        rest, self._rest = self._rest, b""
        begun = self._line_by_line(rest)
        lines = self._lines.flush()
        self.was_torn = any(line is None or line[:1] != b":" for line in lines)
        events = [event for line in lines for event in self._line(line)]
        return [*begun, *events, *self._line(b"")]

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
