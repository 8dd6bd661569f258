"""Refusals in the coroutines of tests and of their fixtures, under an event loop that several tests share.

Whoever runs such a loop gives up at a `BaseException`: anyio's plugin ends the task in which it runs tests and
fixtures, and whatever comes after that fails, or waits for ever. So a refusal is held back inside of the
coroutine, and raised when the loop has returned.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from types import MethodType
from typing import Any

from .._errors import Refused

_FIRST_STEPS = 5
"""How many turns of its loop a task gets that a fixture has started."""


def inside(error: BaseException) -> Iterator[BaseException]:
    """An error, and those of a group."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from inside(one)


def is_refusal(error: BaseException) -> bool:
    """Whether an error is a refusal, or a group that has one."""
    return any(isinstance(one, Refused) for one in inside(error))


def _is_cancellation(error: BaseException) -> bool:
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    is_asyncios = asyncio is not None and isinstance(error, asyncio.CancelledError)
    return is_asyncios or (trio is not None and isinstance(error, trio.Cancelled))


class _Fixture:
    """An asynchronous generator fixture that has been set up."""

    def __init__(self, values: AsyncGenerator[Any]) -> None:
        self.values = values
        self.is_over = False


class HeldRefusals:
    """What the coroutines of the current test were refused.

    Args:
        was_refused: whether a call of the current test was refused, whoever caught that.
    """

    def __init__(self, was_refused: Callable[[], bool]) -> None:
        self._was_refused = was_refused
        self._held: list[BaseException] = []
        self._open: list[_Fixture] = []

    def take(self) -> BaseException | None:
        """What was held back first, if anything; after that, nothing is."""
        held, self._held = self._held, []
        return held[0] if held else None

    def holding(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A test or a fixture whose refusals are held back; what is neither coroutine nor generator stays."""
        if inspect.ismethod(function):
            return MethodType(self.holding(function.__func__), function.__self__)
        if inspect.iscoroutinefunction(function):
            return self._holding_coroutine(function)
        if inspect.isasyncgenfunction(function):
            return self._holding_generator(function)
        return function

    def _holding_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def holding(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except BaseException as error:
                if not self._hold(error) and not await self._is_consequence(error):
                    raise
                return None

        return holding

    def _holding_generator(self, function: Callable[..., AsyncGenerator[Any]]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def holding(*args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
            fixture = _Fixture(function(*args, **kwargs))
            held = len(self._held)
            value = await self._resume(fixture)
            self._open.append(fixture)
            try:
                if not fixture.is_over:
                    await self._start_tasks()
                if not fixture.is_over:
                    yield value
                elif len(self._held) > held:
                    yield None  # who runs the fixture expects a value; the refusal is raised in its place
            except GeneratorExit:
                await fixture.values.aclose()
                raise
            finally:
                self._open.remove(fixture)
            while not fixture.is_over:
                value = await self._resume(fixture)
                if not fixture.is_over:
                    yield value  # one too many, of which who runs it will tell

        return holding

    async def _start_tasks(self) -> None:
        """Lets the tasks that a fixture has started take their first steps, while a refusal of theirs can be held.

        The cancellation that follows from it would otherwise meet the loop's runner between two coroutines.
        """
        import asyncio  # not above: to a suite without marked tests it would cost time

        trio = sys.modules.get("trio")
        is_trio = False
        if trio is not None:
            with suppress(RuntimeError):  # trio before 0.29 has no question for it
                is_trio = trio.lowlevel.current_task() is not None
        try:
            for _ in range(_FIRST_STEPS):
                await (trio.lowlevel.checkpoint() if trio is not None and is_trio else asyncio.sleep(0))
        except BaseException as error:
            if not await self._is_consequence(error):
                raise

    async def _resume(self, fixture: _Fixture) -> Any:
        try:
            return await anext(fixture.values)
        except StopAsyncIteration:
            fixture.is_over = True
        except BaseException as error:
            fixture.is_over = True
            if not self._hold(error) and not await self._is_consequence(error):
                raise
        return None

    async def _is_consequence(self, error: BaseException) -> bool:
        """Whether an error is the cancellation that follows from a refusal; then its cause is ended and held."""
        return _is_cancellation(error) and self._was_refused() and await self._end_the_cause()

    async def _end_the_cause(self) -> bool:
        """Ends the fixture in whose task group a refusal has cancelled the test; tells whether there was one.

        While the group is open, everything is cancelled that the loop runs, later tests too.
        """
        for fixture in reversed(self._open):
            if not fixture.is_over:
                held = len(self._held)
                await self._resume(fixture)
                if len(self._held) > held:
                    return True
        return False

    def _hold(self, error: BaseException) -> bool:
        if isinstance(error, (Refused, BaseExceptionGroup)) and is_refusal(error):
            self._held.append(error)
            return True
        return False
