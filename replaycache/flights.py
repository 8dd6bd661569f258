"""Identical requests in flight at once make one upstream call.

The first of them leads: it calls upstream and records. The others wait until its recording is stored and
then replay that; if it stores none, they go on their own. A wait never depends on a caller who has stopped
reading: where the leader's answer lies unread for `PATIENCE` seconds, the others go on their own too, so
that code which opens two identical streams before it reads either cannot lock itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["PATIENCE", "Flight", "board", "landings"]

PATIENCE = 5.0
"""Seconds for which a leader's answer may lie unread before the others stop waiting for it."""

_aloft: dict[Hashable, Flight] = {}
_landings = 0
_lock = threading.Lock()


class Flight:
    """One upstream call and those who wait for it."""

    def __init__(self, name: Hashable, owner: Hashable) -> None:
        self._name = name
        self.owner = owner
        self._landed = threading.Event()
        self._wakers: list[Callable[[], Any]] = []
        self._unread_since: float | None = None
        self.waiting = 0

    def hand_over(self) -> None:
        """The leader's caller has something to read; upstream is not at work for it."""
        self._unread_since = time.monotonic()

    def resume(self) -> None:
        """The leader's caller has asked for more; upstream is at work."""
        self._unread_since = None

    def land(self) -> None:
        """The leader has settled, whether it stored anything or not."""
        global _landings
        with _lock:
            _landings += 1
            if _aloft.get(self._name) is self:
                del _aloft[self._name]
            self._landed.set()
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    @property
    def landed(self) -> bool:
        """Whether the leader has settled."""
        return self._landed.is_set()

    @property
    def stalled(self) -> bool:
        """Whether the leader's answer has lain unread for too long."""
        since = self._unread_since
        return since is not None and time.monotonic() - since > PATIENCE

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Counts one who waits, in `waiting`."""
        with _lock:
            self.waiting += 1
        try:
            yield
        finally:
            with _lock:
                self.waiting -= 1

    def wait(self, seconds: float) -> None:
        """Waits until the leader has settled, at most `seconds`."""
        self._landed.wait(seconds)

    def on_landing(self, wake: Callable[[], Any]) -> None:
        """Calls `wake` when the leader settles, from whatever thread; at once if it has."""
        with _lock:
            if not self._landed.is_set():
                self._wakers.append(wake)
                return
        wake()


def landings() -> int:
    """How many flights have landed so far."""
    return _landings


def board(name: Hashable, owner: Hashable) -> tuple[Flight, bool]:
    """The flight of that name, and whether the caller leads it.

    Args:
        name: what is asked, and of which store.
        owner: the thread or task that asks; one that already leads a flight of that name must not wait for
            itself.
    """
    with _lock:
        flight = _aloft.get(name)
        if flight is None:
            flight = _aloft[name] = Flight(name, owner)
            return flight, True
        return flight, False


def _forget() -> None:
    """In a forked process nobody is left to land the flights of its parent."""
    global _lock
    _lock = threading.Lock()
    _aloft.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
