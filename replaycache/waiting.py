"""What threads and tasks do differently: to sleep, to wait for a flight, to call what may block.

`Blocking` and `Suspending` have the same methods, so that the adapters' synchronous and asynchronous loops
are the same text but for `await`. anyio and the event loop's library are imported when first waited for.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from .flights import Flight

__all__ = ["Blocking", "Suspending"]

T = TypeVar("T")

LOOK = 0.2
"""Seconds between two looks whether a flight has stalled."""


class Blocking:
    """For synchronous code."""

    @staticmethod
    def owner() -> Hashable:
        """The thread."""
        return ("thread", threading.get_ident())

    @staticmethod
    def sleep(seconds: float) -> None:
        """Sleeps."""
        time.sleep(seconds)

    @staticmethod
    def at_most(seconds: float) -> AbstractContextManager[object]:
        """Does nothing: a read that blocks a thread cannot be broken off."""
        return nullcontext()

    @staticmethod
    def yield_control() -> None:
        """Does nothing: threads are switched by themselves."""

    @staticmethod
    def call(function: Callable[[], T]) -> T:
        """Calls what may block."""
        return function()

    @staticmethod
    def call_always(function: Callable[[], None]) -> None:
        """Calls what may block and must happen."""
        function()

    @staticmethod
    def wait(flight: Flight) -> None:
        """Waits until the flight has landed or stalled."""
        with flight.followed():
            while not flight.landed and not flight.stalled:
                flight.wait(LOOK)


class Suspending:
    """For asynchronous code, on asyncio or trio."""

    @staticmethod
    def owner() -> Hashable:
        """The task."""
        import anyio

        return ("task", anyio.get_current_task().id)

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Sleeps; other tasks run."""
        import anyio

        await anyio.sleep(seconds)

    @staticmethod
    def at_most(seconds: float) -> AbstractContextManager[object]:
        """Breaks off what is awaited inside it after `seconds`."""
        import anyio

        return anyio.move_on_after(seconds)

    @staticmethod
    async def yield_control() -> None:
        """Lets other tasks run."""
        import anyio.lowlevel

        await anyio.lowlevel.checkpoint()

    @staticmethod
    async def call(function: Callable[[], T]) -> T:
        """Calls what may block, in a thread."""
        import anyio.to_thread

        return await anyio.to_thread.run_sync(function)

    @staticmethod
    async def call_always(function: Callable[[], None]) -> None:
        """Calls what may block and must happen, in a thread; here, where the task is cancelled first.

        Args:
            function: does nothing when it is called again.
        """
        import anyio

        try:
            with anyio.CancelScope(shield=True):
                await Suspending.call(function)
        except BaseException:
            function()
            raise

    @staticmethod
    async def wait(flight: Flight) -> None:
        """Waits until the flight has landed or stalled, whatever thread or loop its leader runs in."""
        import anyio

        event = anyio.Event()
        flight.on_landing(_waker(event.set))
        with flight.followed():
            while not flight.landed and not flight.stalled:
                with anyio.move_on_after(LOOK):
                    await event.wait()


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
