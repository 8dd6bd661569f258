"""What must not be under way while the process forks, and what a forked child finds in order.

A child has one thread: the one that forked. What another thread held or had half done stays so in the child for
ever: a lock, a module that was being imported, what SQLite knows of its files. So a fork waits for such things,
which are short, and locks are free in the child.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 5.0
"""Seconds for which a fork waits."""

_forking = threading.RLock()
_forker = 0
"""The thread that is forking; 0 where none is."""
_forks = 0
"""How many forks it has under way: a signal handler may fork while its thread does."""
_importing: set[int] = set()
_before: list[Callable[[float], None]] = []
_in_child: list[Callable[[], None]] = []
_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.Lock:
    """A lock that is free in a forked child."""
    lock = threading.Lock()
    _locks.add(lock)
    return lock


def new_reentrant_lock() -> threading.RLock:
    """The same, for a thread that may take it twice."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def enter(busy: set[int]) -> int:
    """Puts this thread among those that a fork waits for, once no other thread is forking. Gives its identity.

    Args:
        busy: a set of threads; who leaves takes its own out.
    """
    me = threading.get_ident()
    while True:
        busy.add(me)
        if _forker in (0, me):
            return me
        busy.discard(me)
        with _forking:
            pass


@contextmanager
def postponed() -> Iterator[None]:
    """No other thread forks the process during the block: what is imported in it is there in a child."""
    me = enter(_importing)
    try:
        yield
    finally:
        _importing.discard(me)


def is_under_way() -> bool:
    """Whether a thread is forking at this moment."""
    return _forker != 0


def wait_for(busy: set[int], ends: float) -> bool:
    """Waits until no other thread is in a set; tells whether that came before `ends` on the monotonic clock."""
    while busy - {_forker}:
        if time.monotonic() >= ends:
            return False
        time.sleep(0.0005)
    return True


def on_fork(before: Callable[[float], None], in_child: Callable[[], None]) -> None:
    """Has these called at every fork.

    Args:
        before: in the thread that forks; receives until when it may wait, on the monotonic clock.
        in_child: in the child.
    """
    _before.append(before)
    _in_child.append(in_child)


def _before_fork() -> None:
    global _forker, _forks
    _forking.acquire()
    _forks += 1
    _forker = threading.get_ident()
    ends = time.monotonic() + PATIENCE
    wait_for(_importing, ends)
    for act in _before:
        act(ends)


def _after_fork() -> None:
    global _forker, _forks
    _forks -= 1
    if not _forks:
        _forker = 0
    _forking.release()


def _after_fork_in_child() -> None:
    _importing.clear()
    for lock in list(_locks):
        lock._at_fork_reinit()  # as `threading` and `logging` do with their own
    for act in _in_child:
        act()
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
