"""Events that are spelled as one before them, but for members that tell nothing of how far an answer is.

Most events of a stream differ in a piece of text alone. To compare their bytes takes a fraction of the time in
which they are decoded.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from ...wire.patterns import lazy_pattern

MOST = 4
"""Shapes that are remembered: two choices, or a text and a tool call, may take turns."""

LONGEST = 4096
"""Bytes of an event of which the shape is remembered."""

_QUOTE = b'"'
_PADDED = b" }"


class _Shape(NamedTuple):
    """How an event is spelled: the bytes around the members that tell nothing."""

    head: bytes
    between: tuple[bytes, ...]
    tail: bytes

    def texts(self, event: bytes) -> list[bytes] | None:
        """The texts that stand in those members, still to be checked; None where it is spelled in another way."""
        head, between, tail = self
        if not (event.startswith(head) and event.endswith(tail)):
            return None
        at, last = len(head), len(event) - len(tail)
        found = []
        for part in between:
            end = event.find(part[:1], at, last)
            if end < 0 or not event.startswith(part, end):
                return None
            found.append(event[at:end])
            at = end + len(part)
        if at > last:
            return None
        found.append(event[at:last])
        texts = []
        for told, behind in zip(found, (*between, tail), strict=True):
            if behind[:1] == _QUOTE:
                texts.append(told)
            elif not told.isdigit() or (told[:1] == b"0" and len(told) > 1):
                return None
        return texts


class Repeats:
    """Tells which events say only what one before them has said.

    Attributes:
        members: the names of those that tell nothing: text, or a whole number.
    """

    def __init__(self) -> None:
        self.members: tuple[str, ...] = ()
        self._shapes: tuple[_Shape, ...] = ()
        self._passed: list[bytes] = []
        self._texts: list[bytes] = []

    def pass_over(self, events: Sequence[bytes], at: int) -> int:
        """The place of the first event from `at` on that may tell something new, or of their end.

        Those before it tell nothing, unless `doubtful` names them then.
        """
        if not self._shapes:
            return at
        head, between, tail = self._shapes[0]
        # most streams have one text in each event, and all of their events come through here
        least = len(head) + len(tail) if not between and tail[:1] == _QUOTE else sys.maxsize
        first, last = len(head), -len(tail)
        take = self._texts.append
        begun = at
        for event in islice(events, at, None):
            if len(event) >= least and event.startswith(head) and event.endswith(tail):
                take(event[first:last])
            elif not self._is_like_one(event):
                break
            at += 1
        self._passed += events[begun:at]
        return at

    def _is_like_one(self, event: bytes) -> bool:
        event = _without_padding(event)
        for shape in self._shapes:
            texts = shape.texts(event)
            if texts is not None:
                self._texts += texts
                return True
        return False

    def doubtful(self) -> list[bytes]:
        """The events that were passed over since it was asked last, where one of them may be no JSON after all."""
        passed, self._passed = self._passed, []
        texts, self._texts = self._texts, []
        return passed if texts and not _are_texts(texts) else []

    def forget(self) -> None:
        """From now on events may tell something new that did not so far."""
        self._shapes = ()

    def learn(self, event: bytes) -> None:
        """From now on events that are spelled as this one, which was looked at and is JSON, tell nothing new."""
        if not self.members or len(event) > LONGEST:
            return
        event = _without_padding(event)
        around = []
        at = 0
        for found in _values(self.members).finditer(event):
            start, end = found.span(found.lastindex or 0)
            around.append(event[at:start])
            at = end
        if around:
            head, *between = around
            shape = _Shape(head, tuple(between), event[at:])
            self._shapes = (shape, *(known for known in self._shapes if known != shape))[:MOST]


def _without_padding(event: bytes) -> bytes:
    """An event without spaces before its last brace, of which some servers send any number."""
    return event[:-1].rstrip(b" ") + b"}" if event.endswith(_PADDED) else event


@cache
def _values(members: tuple[str, ...]) -> re.Pattern[bytes]:
    """Matches members of these names; their text is the first group, their number the second."""
    names = "|".join(map(re.escape, members)).encode()
    return re.compile(rb'"(?:%s)":\s*(?:"((?:[^"\\]++|\\.)*+)"|([0-9]+)(?=[,}]))' % names, re.DOTALL)


_text = lazy_pattern(rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\x00)*+')
"""Matches what JSON may have between quotation marks, and the zeros that stand between several."""


def _are_texts(texts: list[bytes]) -> bool:
    """Whether all of these are what JSON may have between quotation marks."""
    together = b"\0".join(texts)
    if together.count(b"\0") >= len(texts) or _text().fullmatch(together) is None:
        return False
    try:
        together.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
