"""What threads and tasks do differently: to sleep, to wait for a flight, to call what may block.

`Blocking` and `Suspending` have the same methods, so that the adapters' synchronous and asynchronous loops
are the same text but for `await`. anyio and the event loop's library are imported when first waited for.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from .flights import Flight, Owner

if TYPE_CHECKING:
    import anyio

    from .answer import Answer

T = TypeVar("T")

THREADS = 16
"""Threads of an event loop that call stores. They are not those of the caller, who may have taken them all."""


def _ends(seconds: float | None) -> float:
    return time.monotonic() + seconds if seconds is not None else float("inf")


class Blocking:
    """For synchronous code."""

    @staticmethod
    def owner() -> Owner:
        """The thread."""
        return Owner(threading.get_ident())

    @staticmethod
    def loop() -> object:
        """None: a thread may read what another has opened."""
        return None

    @staticmethod
    def is_ending() -> bool:
        """False: nobody closes what threads read from."""
        return False

    @staticmethod
    def sleep(seconds: float) -> None:
        """Sleeps."""
        time.sleep(seconds)

    @staticmethod
    def yield_control() -> None:
        """Does nothing: threads are switched by themselves."""

    @staticmethod
    def call(function: Callable[[], T]) -> T:
        """Calls what may block."""
        return function()

    @staticmethod
    def save(answer: Answer) -> None:
        """Stores an answer, if there is something to store."""
        answer.save()

    @staticmethod
    def within(seconds: float, function: Callable[[], None]) -> None:
        """Calls `function` and waits for it at most `seconds`. A read that blocks cannot be broken off: it goes on
        in a thread of its own until the caller closes what it reads. Does nothing where the interpreter ends."""
        if sys.is_finalizing():
            return  # the collector closes what is left, and who starts a thread then waits for it for ever
        thread = threading.Thread(target=function, name="replaycache-drain", daemon=True)
        thread.start()
        thread.join(seconds)

    @staticmethod
    def wait(flight: Flight, seconds: float | None) -> None:
        """Waits until the flight is over, at most `seconds`."""
        ends = _ends(seconds)
        landed = threading.Lock()
        landed.acquire()

        def wake() -> None:
            if landed.locked():
                try:
                    landed.release()
                except RuntimeError:
                    pass  # it was woken twice at once

        with flight.followed(wake):
            while not flight.is_over and time.monotonic() < ends:
                if landed.acquire(timeout=flight.look):
                    return


class Suspending:
    """For asynchronous code, on asyncio or trio."""

    @staticmethod
    def owner() -> Owner:
        """The thread and the task."""
        import anyio

        asking = _asking.get(None)
        return asking or Owner(threading.get_ident(), anyio.get_current_task().id)

    @staticmethod
    def loop() -> object:
        """What stands for the running event loop, and for no other, as long as it is kept."""
        return _loop()

    @staticmethod
    async def is_ending() -> bool:
        """Whether the running event loop has begun to close its generators, as it does at its end."""
        sentinel = _loop().sentinel
        await Suspending.yield_control()  # it closes them all at once, and each in a task of its own
        return getattr(sentinel, "ag_frame", None) is None

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Sleeps; other tasks run."""
        import anyio

        await anyio.sleep(seconds)

    @staticmethod
    async def yield_control() -> None:
        """Lets other tasks run."""
        import anyio.lowlevel

        await anyio.lowlevel.checkpoint()

    @staticmethod
    async def call(function: Callable[[], T]) -> T:
        """Calls what may block, in a thread."""
        import anyio.to_thread

        owner = Suspending.owner()

        def call() -> T:
            _asking.set(owner)  # in the thread's copy of the context: tasks may share theirs
            return function()

        return await anyio.to_thread.run_sync(call, limiter=_loop().limiter)

    @staticmethod
    async def save(answer: Answer) -> None:
        """Stores an answer, if there is something to store: at once where that does not take long, else in a
        thread, or here where the task is broken off first."""
        if answer.save_at_once():
            return
        try:
            import anyio

            with anyio.CancelScope(shield=True):
                await Suspending.call(answer.save)
        except BaseException:
            answer.save()
            raise

    @staticmethod
    async def within(seconds: float, function: Callable[[], Awaitable[None]]) -> None:
        """Calls `function` and breaks it off after `seconds`."""
        import anyio

        with anyio.move_on_after(seconds):
            await function()

    @staticmethod
    async def wait(flight: Flight, seconds: float | None) -> None:
        """Waits until the flight is over, at most `seconds`, whatever thread or loop its leader runs in."""
        import anyio

        ends = _ends(seconds)
        event = anyio.Event()
        with flight.followed(_waker(event.set)):
            while not flight.is_over and time.monotonic() < ends:
                with anyio.move_on_after(flight.look):
                    await event.wait()
                    return


_asking: ContextVar[Owner | None] = ContextVar("replaycache_asking")
"""The task that waits for what is called in a thread."""


class _Loop(NamedTuple):
    """What an event loop has of ours.

    Attributes:
        limiter: of the threads in which it calls stores.
        sentinel: a generator that it closes at its end, with all others.
    """

    limiter: anyio.CapacityLimiter
    sentinel: AsyncGenerator[None, None]


def _loop() -> _Loop:
    """The running event loop's own."""
    import anyio.lowlevel

    global _loops
    if _loops is None:
        _loops = anyio.lowlevel.RunVar("replaycache")
    loop = _loops.get(None)
    if loop is None:
        loop = _Loop(anyio.CapacityLimiter(THREADS), _sentinel())
        _loops.set(loop)
    return loop


_loops: anyio.lowlevel.RunVar[_Loop | None] | None = None


def _sentinel() -> AsyncGenerator[None, None]:
    async def wait() -> AsyncGenerator[None, None]:
        yield

    sentinel = wait()
    finalizer = sys.get_asyncgen_hooks().finalizer
    sys.set_asyncgen_hooks(finalizer=None)  # it would hold its loop, which holds it
    try:
        with suppress(StopIteration):
            anext(sentinel).send(None)
    finally:
        sys.set_asyncgen_hooks(finalizer=finalizer)
    return sentinel


def _waker(set_event: Callable[[], object]) -> Callable[[], None]:
    """What sets an event of the running loop from any thread."""
    trio = sys.modules.get("trio")
    token = None
    if trio is not None:
        try:
            token = trio.lowlevel.current_trio_token()
        except RuntimeError:
            token = None
    if token is not None:
        schedule = token.run_sync_soon
    else:
        import asyncio

        schedule = asyncio.get_running_loop().call_soon_threadsafe

    def wake() -> None:
        try:
            schedule(set_event)
        except RuntimeError:
            pass  # the loop that waited has ended meanwhile

    return wake
