"""Texts with their escapes undone: JSON in a text of JSON, source code, logs."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

LEVELS = 8
"""How often escapes are undone: each level of JSON in JSON doubles the backslashes, so that nobody has more."""

# RFC 8259, section 7; \x, \' and \` of programs
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\"\\/bfnrt'`])"
)
_MEANS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class View:
    """A text with the escapes of another undone, `depth` times.

    Attributes:
        text: what it says.
        depth: how often escapes were undone.
    """

    __slots__ = ("_below", "_here", "_there", "depth", "text")

    def __init__(
        self,
        text: str,
        depth: int = 0,
        here: Sequence[int] = (),
        there: Sequence[int] = (),
        below: View | None = None,
    ) -> None:
        self.text = text
        self.depth = depth
        self._here = here
        self._there = there
        self._below = below

    def place(self, at: int) -> int:
        """Where a character of this text begins in the raw text."""
        view: View | None = self
        while view is not None and view._below is not None:
            index = bisect_right(view._here, at) - 1
            at += view._there[index] - view._here[index]
            view = view._below
        return at

    def changed(self) -> list[int]:
        """Where in this text characters stand that are written as escapes one level before."""
        return [at - 1 for at in self._here[1:]]

    def unescaped(self) -> View | None:
        """The same with its escapes undone once more; None where it has none."""
        here, there = [0], [0]
        parts: list[str] = []
        last = at = 0
        for escape in _ESCAPE.finditer(self.text):
            start, end = escape.span()
            parts += (self.text[last:start], _meaning(escape[0]))
            at += start - last + 1
            last = end
            here.append(at)
            there.append(end)
        if not parts:
            return None
        parts.append(self.text[last:])
        return View("".join(parts), self.depth + 1, here, there, self)


def views_of(text: str) -> list[View]:
    """The text as it stands, and with its escapes undone, level by level, until nothing changes."""
    views = [View(text)]
    while len(views) <= LEVELS and "\\" in views[-1].text:
        view = views[-1].unescaped()
        if view is None:
            break
        views.append(view)
    return views


def _meaning(escape: str) -> str:
    kind = escape[1]
    if kind == "u" and len(escape) == 12:
        return chr(0x10000 + (int(escape[2:6], 16) - 0xD800) * 0x400 + int(escape[8:], 16) - 0xDC00)
    if kind in "ux":
        return chr(int(escape[2:], 16))
    return _MEANS.get(kind, kind)
