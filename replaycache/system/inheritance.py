"""Threads and executor jobs that take over what holds where they are started.

Tasks copy the context of whoever makes them; threads do not, and neither do the jobs of a `ThreadPoolExecutor`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .forking import new_lock
from .patching import Patches

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")
R = TypeVar("R")

_inherited: list[Inherited[Any]] = []
_lock = new_lock()
_patches = Patches()
_holders = 0
_submitting_now = threading.local()


class Inherited(Generic[T]):
    """A context variable that threads take over, as tasks do, while anybody holds to that.

    Args:
        name: of the variable; differs from those of all others.
        capture: what a thread or job that is started now takes over; None: the variable's value here.
    """

    def __init__(self, name: str, capture: Callable[[], T | None] | None = None) -> None:
        self._variable: ContextVar[T | None] = ContextVar(name, default=None)
        self._capture = capture or self.here
        _inherited.append(self)

    def here(self) -> T | None:
        """The value of this context; a thread's own context begins with what it took over."""
        return self._variable.get()

    def set(self, value: T | None) -> Token[T | None]:
        """Sets the value of this context."""
        return self._variable.set(value)

    def reset(self, token: Token[T | None]) -> None:
        """Takes back what `set` did."""
        self._variable.reset(token)

    @staticmethod
    def hold() -> None:
        """From now on threads take values over, until as many calls of `release`."""
        global _holders
        with _lock:
            _holders += 1
            if _holders == 1:
                from concurrent.futures import ThreadPoolExecutor  # who holds nothing need not wait for it

                _patches.replace(threading.Thread, "start", _starting)
                _patches.replace(ThreadPoolExecutor, "submit", _submitting)

    @staticmethod
    def release() -> None:
        """Takes back one `hold`."""
        global _holders
        with _lock:
            _holders -= 1
            if not _holders:
                _patches.restore()


def _captured() -> list[tuple[Inherited[Any], Any]]:
    values = [(variable, variable._capture()) for variable in _inherited]
    return [(variable, value) for variable, value in values if value is not None]


def _starting(original: Any) -> Any:
    def start(self: threading.Thread) -> None:
        # the workers of a pool serve whoever submits: each of their jobs takes over what holds for it
        values = [] if getattr(_submitting_now, "pool", False) else _captured()
        if values and not self.ident:  # one that was started before is about to be refused
            self.run = partial(_run, self, values, vars(self).get("run"))  # type: ignore[method-assign]  # of this one thread
        original(self)

    return start


def _run(thread: threading.Thread, values: list[tuple[Inherited[Any], Any]], own: Any) -> None:
    if own is None:
        del thread.run  # the class's again
    else:
        thread.run = own  # type: ignore[method-assign]  # as its maker did
    # in the thread's own context, not only on the thread: a worker's jobs have the contexts of who asked for them
    for variable, value in values:
        variable.set(value)
    thread.run()


def _submitting(original: Any) -> Any:
    def submit(self: ThreadPoolExecutor, function: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        values = _captured()
        _submitting_now.pool = True
        try:
            if not values:
                return original(self, function, *args, **kwargs)  # type: ignore[no-any-return]  # the original's own
            return original(self, _with, values, function, args, kwargs)  # type: ignore[no-any-return]  # likewise
        finally:
            _submitting_now.pool = False

    return submit


def _with(values: list[tuple[Inherited[Any], Any]], function: Callable[..., R], args: Any, kwargs: Any) -> R:
    tokens = [(variable, variable.set(value)) for variable, value in values]
    try:
        return function(*args, **kwargs)
    finally:
        for variable, token in tokens:
            variable.reset(token)
