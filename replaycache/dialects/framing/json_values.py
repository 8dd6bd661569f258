"""JSON values of a byte stream: one document, one object a line, or the elements of an array."""

from __future__ import annotations

import re

import orjson

from .sse import EVENT_LIMIT, Event

_SPACE = b" \t\r\n"
_MARK = re.compile(rb'["\\{}\[\],]')
_BRACKET = re.compile(rb'\\.|["{}\[\]]', re.DOTALL)


class ObjectDecoder:
    """Objects, one a line, or one over many lines: told by whether the first line is one.

    Args:
        limit: bytes of a document, or of a line, that are looked into.

    Attributes:
        count: of the objects so far.
        broken: whether what was passed over is not one value whose brackets are closed.
        passed_over: whether it was larger than that.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_document = False
        self._brackets = _Brackets()
        self.count = 0
        self.broken = False
        self.passed_over = False

    def feed(self, data: bytes) -> list[Event]:
        """The lines that `data` completes. How much of them comes at once says nothing: each has the limit."""
        events: list[Event] = []
        at = 0
        while not self._is_document and (end := data.find(b"\n", at) + 1):
            self._keep(data[at:end])
            at = end
            if self.passed_over and not self.count:
                self._is_document = True
                break
            line = b"".join(self._pieces)
            self._pieces, self._size = [], 0
            stripped = line.strip(_SPACE)
            if not stripped:
                continue
            if not self.count and not _is_json(stripped):
                self._is_document = True
                self._keep(line)
                break
            events.append(self._event(stripped))
        self._keep(data[at:])
        return events

    def flush(self) -> list[Event]:
        """What stands behind the last line end, or the document."""
        if self.passed_over:
            self.broken = not self._brackets.are_closed
            return []
        rest = b"".join(self._pieces).strip(_SPACE)
        self._pieces, self._size = [], 0
        return [self._event(rest)] if rest else []

    def _event(self, data: bytes) -> Event:
        self.count += 1
        return Event("", data)

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        self._pieces.append(data)
        if self._size > self._limit:
            for piece in self._pieces:
                self._brackets.feed(piece)
            self._pieces.clear()
            self.passed_over = True


class _Brackets:
    """The brackets of a JSON value that is too large to be looked into."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = False
        self._values = 0
        self._rest = b""

    @property
    def are_closed(self) -> bool:
        """Whether there was one value, and it is over."""
        return self._values == 1 and self._depth == 0

    def feed(self, data: bytes) -> None:
        """Looks at the next piece."""
        data = self._rest + data
        slashes = len(data) - len(data.rstrip(b"\\"))
        self._rest = b"\\" * (slashes % 2)  # what it escapes is to come
        for mark in _BRACKET.finditer(data):  # a lone one at the end is no mark
            sign = mark[0]
            if sign == b'"':
                self._in_text = not self._in_text
            elif self._in_text:
                continue
            elif sign in (b"{", b"["):
                self._values += self._depth == 0
                self._depth += 1
            else:
                self._depth -= 1


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except ValueError:
        return False
    return True


class ArrayDecoder:
    """The elements of a JSON array as they come.

    Attributes:
        broken: whether something stands behind the array, or between its elements.
    """

    def __init__(self, *, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._held = bytearray()
        self._at = 0
        self._depth = 0
        self._in_text = False
        self.broken = False
        self.closed = False

    @property
    def is_open(self) -> bool:
        """Whether the array has not ended."""
        return not self.closed

    def feed(self, data: bytes) -> list[Event]:
        """The elements that `data` completes."""
        if self.closed:
            self.broken = self.broken or bool(data.strip(_SPACE))
            return []
        held = self._held
        held += data
        events: list[Event] = []
        start = 0
        while not self.closed:
            mark = _MARK.search(held, self._at)
            if mark is None:
                self._at = len(held)
                break
            sign, at = mark[0], mark.start()
            self._at = at + 1
            if self._in_text:
                if sign == b'"':
                    self._in_text = False
                elif sign == b"\\":
                    if at + 1 == len(held):
                        self._at = at
                        break
                    self._at = at + 2
            elif sign == b'"':
                self._in_text = True
            elif sign in (b"{", b"["):
                self._depth += 1
                if self._depth == 1:
                    start = self._at
            elif sign in (b"}", b"]"):
                self._depth -= 1
                self.closed = self._depth <= 0
            if (sign == b"," and self._depth == 1 and not self._in_text) or self.closed:
                element = bytes(held[start:at]).strip(_SPACE)
                if element:
                    events.append(Event("", element))
                start = self._at
        if self.closed:
            self.broken = bool(held[self._at :].strip(_SPACE))
            held.clear()
        else:
            del held[:start]
            self._at -= start
            if len(held) > self._limit:
                held.clear()
                self._at = 0
                self.broken = True
        return events
