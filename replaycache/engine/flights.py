"""Identical requests in flight at once make one upstream call.

The first of them leads: it calls upstream and records. The others wait until its recording is stored and
then replay that; if it stores none, they go on their own; if its caller left, one of them leads. A wait
never depends on somebody who may have gone away: where the leader's answer lies unread for `PATIENCE`
seconds, or nothing at all was heard of it for `LEASE` seconds, the others go on their own too.

Nothing here takes a lock: a flight also lands when the collector finds that its response was dropped, and
the collector may run in the middle of any of these functions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from .recorder import Recorder

PATIENCE = 5.0
"""Seconds for which a leader's answer may lie unread before the others stop waiting for it."""

LEASE = 30.0
"""Seconds without any sign of a leader after which the others stop waiting for it."""

LOOK = 0.2
"""Seconds between two looks whether a flight is over, where nobody wakes who waits for it."""

_aloft: dict[Hashable, Flight] = {}
_landings = 0


class Owner(NamedTuple):
    """Who asks: a thread, and the task in it where code is asynchronous."""

    thread: int
    task: int | None = None


class Flight:
    """One upstream call and those who wait for it.

    Attributes:
        leader: tells how upstream's answer comes along, once that has begun.
        landed: whether there is nothing left to wait for.
        is_left: whether it landed since its leader's caller left, so that one of those who waited is to lead.
        look: seconds between two looks whether it is over.

    Args:
        name: what is asked, and of which store.
        owner: who asks.
    """

    def __init__(self, name: Hashable, owner: Owner) -> None:
        self.name = name
        self._owner = owner
        self._wakers: list[Callable[[], Any]] = []
        self._followers: set[object] = set()
        self._begun = time.perf_counter()
        self.leader: Recorder | None = None
        self.landed = self.is_left = False
        self.look = LOOK

    def blocks(self, owner: Owner) -> bool:
        """Whether `owner` would wait for itself: for its own task, or for a task that its thread must run."""
        if owner.task is None:
            return owner.thread == self._owner.thread
        return owner == self._owner

    def land(self) -> None:
        """The leader has settled, whether it stored anything or not. If interrupted, it is to be called again."""
        global _landings
        _landings += 1  # before it can be found to have landed: whoever leads then looks into the store once more
        self.landed = True
        if _aloft.get(self.name) is self:
            found = _aloft.pop(self.name, None)
            if found is not None and found is not self:
                _aloft.setdefault(self.name, found)  # it has boarded in between
        while self._wakers:
            try:
                wake = self._wakers.pop()
            except IndexError:
                break  # another thread lands it too
            wake()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        if self.landed:
            return True
        leader, now = self.leader, time.perf_counter()
        if leader is None:
            return now - self._begun > LEASE
        return now - leader.heard > (LEASE if leader.is_owed else PATIENCE)

    @property
    def waiting(self) -> int:
        """How many wait for it."""
        return len(self._followers)

    @contextmanager
    def followed(self, wake: Callable[[], Any]) -> Iterator[None]:
        """Calls `wake` when the leader settles, from whatever thread; at once if it has. May call it twice."""
        follower = object()
        self._followers.add(follower)
        self._wakers.append(wake)
        if self.landed:
            wake()
        try:
            yield
        finally:
            self._followers.discard(follower)


class Claiming(Protocol):
    """What a store offers whose processes tell each other which of them calls upstream."""

    def claim(self, key: str) -> bool:
        """Claims a key that nobody in this process has claimed; False where another process has.

        Raises:
            StoreBusy: it would wait where an event loop waits, too; called again it waits.
        """

    def release(self, key: str) -> None:
        """Lets go of a key. The collector may call this: it takes no lock."""

    def is_free(self, key: str) -> bool:
        """Whether no other process has claimed a key that nobody in this process has claimed. Event loops ask it:
        it waits for nobody."""


class ClaimedElsewhere(Flight):
    """The call of another process, as far as one can tell from here: it is over when the claim can be had.

    Args:
        claims: of the store.
        key: that is claimed.
    """

    def __init__(self, claims: Claiming, key: str) -> None:
        super().__init__(key, Owner(-1))
        self.look = 0.02
        self._claims = claims
        self._key = key
        self._until = time.monotonic() + LEASE

    @property
    def is_over(self) -> bool:
        """Whether the other process has settled or ended, and it has landed, or has taken too long."""
        if not self.landed and time.monotonic() <= self._until:
            self.landed = self.is_left = self._claims.is_free(self._key)
            return self.landed
        return True


def landings() -> int:
    """How many flights have landed so far."""
    return _landings


def board(mine: Flight) -> Flight:
    """Takes off, unless another flight of that name is up: the flight that is, `mine` where the caller leads."""
    while (flight := _aloft.setdefault(mine.name, mine)).landed:
        flight.land()  # an interrupt left it there
    return flight


if hasattr(os, "register_at_fork"):
    # in a forked process nobody is left to land the flights of its parent
    os.register_at_fork(after_in_child=_aloft.clear)
