"""Recording anew: what was recorded before gives way, once."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from heapq import heappop, heappush

from ..._models import Recording
from ...match import Identity
from ...system.forking import new_reentrant_lock
from .entry import Entry
from .pending import Pending


class Renewal:
    """What the sessions of this process that are open at once record anew in one file: they count as one.

    Attributes:
        sessions: those that are open.
        lock: to be held while it is used.
    """

    def __init__(self) -> None:
        self.sessions: weakref.WeakSet[object] = weakref.WeakSet()
        self.lock = new_reentrant_lock()
        self._before: dict[Identity, list[Entry]] = {}
        self._asked: dict[Identity, list[int]] = {}
        self._free: dict[Identity, list[int]] = {}

    def join(self, session: object) -> None:
        """A session records anew; where no other one does, nothing was asked yet."""
        if not self.sessions:
            self._before.clear()
            self._asked.clear()
            self._free.clear()
        self.sessions.add(session)

    def ask(self, identity: Identity, turn: Callable[[], int]) -> int:
        """A request is asked that is to be recorded anew; when: a retry has the turn of the call that failed."""
        free = self._free.get(identity)
        if free:
            return heappop(free)
        new = turn()
        self._asked.setdefault(identity, []).append(new)
        return new

    def release(self, identity: Identity, turn: int) -> None:
        """Nothing was recorded for it."""
        asked = self._asked.get(identity, [])
        if asked[-1:] == [turn]:
            asked.pop()
        elif turn in asked:
            heappush(self._free.setdefault(identity, []), turn)

    def answer(self, recording: Recording, identity: Identity, turn: int, before: list[Entry]) -> list[Pending]:
        """What is to be written: the first answer to a request takes the place of all that the request had.

        Args:
            recording: the answer.
            identity: of its request.
            turn: when that was asked.
            before: what the session found of the request.
        """
        old = self._before.get(identity)
        entry = Entry.of(recording)
        asked = self._asked.get(identity, [])
        number = asked.index(turn) if turn in asked else len(asked)
        there = before if old is None else old
        if number < len(there) and there[number].is_answered_by(recording):
            entry = there[number]  # what came back unchanged keeps its lines
        if old is not None:
            return [Pending(turn, entry, is_first=True)]
        first = Pending(turn, entry, there[0] if there else None, is_first=True)
        return [first, *(Pending(turn, None, one) for one in there[1:])]

    def answered(self, identity: Identity, before: list[Entry]) -> None:
        """It was written: what the request had is gone."""
        self._before.setdefault(identity, before)
