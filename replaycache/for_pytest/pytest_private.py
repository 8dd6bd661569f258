"""All that is done to pytest beside its documented interface, each with the reason why no hook does it.

A refusal is a `BaseException`, so that neither an SDK nor the code under test swallows it. pytest takes an
`Exception` and its own outcomes for the end of a test, and at any other may leave fixtures as they are.

What happens without each of these was seen with pytest 8.2.0 and with 9.2.0; where none is named, it is the same
with both. The tests of the plugin fail without it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import pytest


@contextmanager
def tearing_down_after(*kinds: type[BaseException]) -> Generator[None]:
    """Lets pytest go on with tearing down after errors of these kinds, as it does after an `Exception`."""
    # Without: the fixtures around the one that fails stay as they are, and later tests with them. The stack of
    # what is set up drops a node and then runs its finalizers, until an error that is no TEST_OUTCOME; no hook
    # is called between two finalizers, and when that of the teardown returns, those that are left are lost.
    runner = sys.modules.get("_pytest.runner")
    outcomes = getattr(runner, "TEST_OUTCOME", None)
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(outcomes, tuple):
            patch.setattr(runner, "TEST_OUTCOME", (*outcomes, *kinds))
        yield


def keep_failure(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest, error: BaseException) -> None:
    """Lets a fixture that failed be one for the other tests in its scope too, as after an `Exception`."""
    # Without: 8.2.0 sets the fixture up once more for its next test, 9.2.0 fails with an AssertionError, as it
    # finds finalizers of a fixture that has no result. Only what the function itself raises is kept, and only if
    # it is a TEST_OUTCOME; nothing that a hook raises is.
    traced = error if pytest.version_tuple < (8, 3) else (error, error.__traceback__)
    fixturedef.cached_result = (None, getattr(request, "param", None), traced)  # type: ignore[assignment]


_Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def replaced_test_function(item: pytest.Item, wrap: _Wrap) -> Generator[None]:
    """Has another function run in the place of a test's."""
    # Without: a refusal ends the task of anyio's plugin in which later tests were to run, and they fail. It runs
    # the coroutine in its own pytest_pyfunc_call, taken from here; no hook is called inside of its loop.
    with _replaced(item, "obj", wrap):
        yield


@contextmanager
def replaced_fixture_function(fixturedef: pytest.FixtureDef[Any], wrap: _Wrap) -> Generator[None]:
    """Has another function run in the place of a fixture's."""
    # Without: as with a test, or later tests wait for ever. anyio's and pytest-asyncio's plugins run it
    # themselves.
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
    # Without: a miss that a helper expects by pytest.raises fails its test. The trace of an error begins at the
    # frame that caught it, and is the same for a `with` and for an `except` there; no hook is called for either.
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
    # Without: with 8.2.0 pytest.raises(CacheMiss, function) fails its test, for there that form fills nothing.
    # With 9.2.0 this is not needed.
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("_pytest.")


def set_up_first(item: pytest.Function, name: str) -> None:
    """Has a fixture set up before all others of a test."""
    # Without: what a module's fixture calls is outside of the cassette, since a fixture that is used
    # automatically, or by a mark, comes after those of a wider scope. In a hook, a fixture cannot be asked for.
    if name not in item.fixturenames:
        item.fixturenames = [name, *item.fixturenames]


def marks_of_parameters(item: pytest.Item) -> Collection[pytest.Mark]:
    """The marks that a test has from its parameters."""
    # Without: a mark on a test and one on its parameters are taken for two on the test, as `own_markers` has
    # both.
    callspec = getattr(item, "callspec", None)
    return callspec.marks if callspec is not None else ()


def marks_of_fixture(fixturedef: pytest.FixtureDef[Any]) -> Collection[pytest.Mark]:
    """The marks that somebody put on a fixture."""
    # Without: 8.2.0 only warns of such a mark, which has no effect. 9.2.0 refuses it itself, and this is not
    # needed.
    return getattr(fixturedef.func, "pytestmark", ())


# -- names -----------------------------------------------------------------------------------------------


def options_of(parser: pytest.Parser) -> list[tuple[list[str], str]]:
    """The names of each option that was added so far, and where its value goes."""
    # Without: an option that two plugins have is a ValueError or an ArgumentError of argparse, told as a traceback
    # (9.2.0 at once, 8.2.0 when arguments are parsed), or, where only the value's place is the same, nothing.
    groups = [getattr(parser, "_anonymous", None), *getattr(parser, "_groups", ())]
    unique = {id(group): group for group in groups if group is not None}.values()
    return [(list(option.names()), option.dest) for group in unique for option in group.options]


def ini_options_of(parser: pytest.Parser) -> dict[str, Any]:
    """The options of the ini file that were added so far."""
    # Without: of two plugins that have one, the later takes it from the other.
    found: dict[str, Any] = getattr(parser, "_inidict", {})
    return found


def registering(
    manager: pytest.PytestPluginManager, registered: Callable[[object, Exception | None], None]
) -> None:
    """Has `registered` called with each plugin that is registered from now on, and the error if it failed."""
    # Without: what a plugin's pytest_addoption raises ends the process; that hook is historic, which wrappers
    # cannot stand around, and pytest_plugin_registered comes after it.
    original = manager.register

    @functools.wraps(original)
    def register(plugin: object, *args: Any, **kwargs: Any) -> Any:
        try:
            name = original(plugin, *args, **kwargs)
        except Exception as error:
            registered(plugin, error)
            raise
        if name is not None:
            registered(plugin, None)
        return name

    manager.register = register  # type: ignore[method-assign]  # of this run alone
