"""Which of the identical requests of a process each one is: `repeats="numbered"`.

A number is used up by an answer that can be had again: one from the store, or one that is stored. Who gets none
such gives it back, and has it again when it retries: what is stored has no gaps, and the next run finds it by the
same numbers.
"""

from __future__ import annotations

import os
from heapq import heappop, heappush
from typing import NamedTuple

from ..match import Identity
from ..system.forking import new_reentrant_lock

__all__ = ["Number", "Numbers"]


class Number(NamedTuple):
    """Which of the identical requests one is.

    Attributes:
        value: from 0 on.
        free: those that were given back.
    """

    value: int
    free: list[int]

    def give_back(self) -> None:
        """No answer that can be had again came of it. The collector may call this."""
        heappush(self.free, self.value)


class _Count:
    """Of one identity.

    Attributes:
        next: number that nobody had.
        free: those below that were given back; those of a forked process's parent are not among its own.
    """

    __slots__ = ("free", "next")

    def __init__(self) -> None:
        self.next = 0
        self.free: list[int] = []


class Numbers:
    """Those of a transport, or of a session; a forked process begins its own."""

    def __init__(self) -> None:
        self._counts: dict[Identity, _Count] = {}
        self._process = os.getpid()
        self._lock = new_reentrant_lock()

    def take(self, identity: Identity) -> Number:
        """The lowest number that none of those who ask the same has."""
        with self._lock:
            if self._process != os.getpid():
                self._counts, self._process = {}, os.getpid()
            count = self._counts.setdefault(identity, _Count())
            if count.free:
                return Number(heappop(count.free), count.free)
            count.next += 1
            return Number(count.next - 1, count.free)
