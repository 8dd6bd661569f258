"""The order in which requests were asked, of all sessions on a cassette in one process."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .entry import Entry


class Turns:
    """Knows what was asked when, and so between which recordings a new one belongs."""

    def __init__(self) -> None:
        self._last = 0
        self._answered: dict[int, Entry] = {}
        self._in_order: list[int] = []
        self._recorded: list[int] = []
        self._new: set[int] = set()
        self._undo: list[tuple[int, Entry | None, bool]] | None = None

    def next(self) -> int:
        """A request is asked: its turn, from 1 on."""
        self._last += 1
        return self._last

    def answer(self, turn: int, entry: Entry, *, is_new: bool) -> None:
        """What was asked at `turn` stands in the file.

        Args:
            is_new: whether it was recorded.
        """
        before = self._answered.get(turn)
        if before is None:
            insort(self._in_order, turn)
        is_added = is_new and turn not in self._new
        if is_added:
            insort(self._recorded, turn)
            self._new.add(turn)
        self._answered[turn] = entry
        if self._undo is not None:
            self._undo.append((turn, before, is_added))

    def neighbours(self, turn: int, entries: Sequence[Entry]) -> tuple[Entry | None, Entry | None]:
        """The recordings between which that of `turn` belongs, as far as it is known.

        Behind what was asked last before it, and behind what was recorded last before it, whichever stands further
        down.
        """
        at = bisect_left(self._in_order, turn)
        after = self._answered[self._in_order[at - 1]] if at else None
        recorded = bisect_left(self._recorded, turn)
        if after is not None and recorded:
            other = self._answered[self._recorded[recorded - 1]]
            if other is not after:
                after = next((one for one in reversed(entries) if one.mark in (after.mark, other.mark)), after)
        before = self._answered[self._in_order[at]] if at < len(self._in_order) else None
        return after, before

    def clear(self) -> None:
        """What is asked next has nothing to do with what was asked until now."""
        self._answered.clear()
        self._in_order.clear()
        self._recorded.clear()
        self._new.clear()

    @contextmanager
    def tentative(self) -> Iterator[None]:
        """Forgets at the end of the block what was answered in it."""
        undo: list[tuple[int, Entry | None, bool]] = []
        self._undo = undo
        try:
            yield
        finally:
            self._undo = None
            for turn, before, is_added in reversed(undo):
                if is_added:
                    del self._recorded[bisect_left(self._recorded, turn)]
                    self._new.discard(turn)
                if before is not None:
                    self._answered[turn] = before
                elif self._answered.pop(turn, None) is not None:
                    del self._in_order[bisect_left(self._in_order, turn)]
