"""What must not be under way while the process forks, and what a forked child finds in order.

A child has one thread: the one that forked. What another thread held or had half done stays so in the child for
ever. Here is what there is to do about that in one place; `database.py` adds what SQLite asks for.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import weakref
from typing import Any

__all__ = ["new_lock", "new_reentrant_lock"]

_locks: weakref.WeakSet[Any] = weakref.WeakSet()

_ROOTS = ("replaycache", "anyio")
"""Packages of which modules are imported when they are first needed, in whatever thread that is."""


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


def _finish_imports() -> None:
    """Waits for modules that other threads are importing: in the child, they would never be there."""
    for name in list(sys.modules):
        if name.partition(".")[0] in _ROOTS:
            try:
                importlib.import_module(name)
            except ImportError:
                pass  # it could not be imported in the other thread


def _free_locks() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # as `threading` and `logging` do with their own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_finish_imports, after_in_child=_free_locks)
