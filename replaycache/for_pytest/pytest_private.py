"""All that is done to pytest beside its documented interface, each with the reason why no hook does it.

A refusal is a `BaseException`, so that neither an SDK nor the code under test swallows it. pytest takes an
`Exception` and its own outcomes for the end of a test, and at any other may leave fixtures as they are.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import pytest

__all__ = [
    "is_caught_by_pytest",
    "keep_failure",
    "marks_of_fixture",
    "marks_of_parameters",
    "noting_raises",
    "replaced_fixture_function",
    "replaced_test_function",
    "set_up_first",
    "tearing_down_after",
]


@contextmanager
def tearing_down_after(*kinds: type[BaseException]) -> Generator[None]:
    """Lets pytest go on with tearing down after errors of these kinds, as it does after an `Exception`."""
    # the stack of what is set up pops a node and then runs its finalizers; an error that is no TEST_OUTCOME ends
    # that, and those that are left are lost, for no hook is called between two of them
    runner = sys.modules.get("_pytest.runner")
    outcomes = getattr(runner, "TEST_OUTCOME", None)
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(outcomes, tuple):
            patch.setattr(runner, "TEST_OUTCOME", (*outcomes, *kinds))
        yield


def keep_failure(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest, error: BaseException) -> None:
    """Lets a fixture that failed be one for the other tests in its scope too, as after an `Exception`."""
    # what hooks raise is not kept, only what the fixture's function raises and is a TEST_OUTCOME
    traced = error if pytest.version_tuple < (8, 3) else (error, error.__traceback__)
    fixturedef.cached_result = (None, getattr(request, "param", None), traced)  # type: ignore[assignment]


_Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def replaced_test_function(item: pytest.Item, wrap: _Wrap) -> Generator[None]:
    """Has another function run in the place of a test's."""
    # anyio's and pytest-asyncio's plugins run the coroutine in a loop of theirs, and no hook is called in there
    with _replaced(item, "obj", wrap):
        yield


@contextmanager
def replaced_fixture_function(fixturedef: pytest.FixtureDef[Any], wrap: _Wrap) -> Generator[None]:
    """Has another function run in the place of a fixture's."""
    # as with a test; those plugins replace it too
    with _replaced(fixturedef, "func", wrap):
        yield


@contextmanager
def _replaced(owner: Any, name: str, wrap: _Wrap) -> Generator[None]:
    function = getattr(owner, name, None)
    wrapped = wrap(function) if function is not None else None
    if wrapped == function:
        yield
        return
    setattr(owner, name, wrapped)
    try:
        yield
    finally:
        setattr(owner, name, function)


@contextmanager
def noting_raises(caught: list[BaseException]) -> Generator[None]:
    """Notes what `pytest.raises` catches, in whichever form it is used: each fills an `ExceptionInfo`."""
    # the trace of an error ends at the frame that holds the `with`, whether that or an `except` there caught it
    fill = pytest.ExceptionInfo.fill_unfilled

    @functools.wraps(fill)
    def noting(self: pytest.ExceptionInfo[BaseException], exc_info: Any) -> None:
        fill(self, exc_info)
        caught.append(exc_info[1])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytest.ExceptionInfo, "fill_unfilled", noting)
        yield


def is_caught_by_pytest(trace: TracebackType) -> bool:
    """Whether an error ended in a function of pytest's, such as `raises` when it is given what to call."""
    # before 8.4 that form fills nothing
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("_pytest.")


def set_up_first(item: pytest.Function, name: str) -> None:
    """Has a fixture set up before all others of a test."""
    # one that is used automatically comes after those of a wider scope
    if name not in item.fixturenames:
        item.fixturenames = [name, *item.fixturenames]


def marks_of_parameters(item: pytest.Item) -> Collection[pytest.Mark]:
    """The marks that a test has from its parameters; its `own_markers` are these and its own in one list."""
    callspec = getattr(item, "callspec", None)
    return callspec.marks if callspec is not None else ()


def marks_of_fixture(fixturedef: pytest.FixtureDef[Any]) -> Collection[pytest.Mark]:
    """The marks that somebody put on a fixture; pytest 9 refuses that itself."""
    return getattr(fixturedef.func, "pytestmark", ())
