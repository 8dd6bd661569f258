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

_Free = dict[Identity, list[int]]
"""Numbers that were given back, by what was asked."""


class Number(NamedTuple):
    """Which of the identical requests one is.

    Attributes:
        value: from 0 on.
        identity: of the request.
        free: takes it when it is given back.
    """

    value: int
    identity: Identity
    free: _Free

    def give_back(self) -> None:
        """No answer that can be had again came of it. The collector may call this."""
        heappush(self.free.setdefault(self.identity, []), self.value)


class Numbers:
    """Those of a transport, or of a session; a forked process begins its own."""

    def __init__(self) -> None:
        self._lock = new_reentrant_lock()
        self._begin()

    def _begin(self) -> None:
        self._next: dict[Identity, int] = {}
        self._free: _Free = {}
        self._process = os.getpid()

    def take(self, identity: Identity) -> Number:
        """The lowest number that none of those who ask the same has."""
        with self._lock:
            if self._process != os.getpid():
                self._begin()  # what is given back of its parent's goes to nobody
            free = self._free.get(identity)
            if free:
                return Number(heappop(free), identity, self._free)
            number = self._next.get(identity, 0)
            self._next[identity] = number + 1
            return Number(number, identity, self._free)
