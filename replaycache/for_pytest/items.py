"""A test while it runs: its cassette from before its fixtures until after them, and the calls it was refused."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from .._errors import CacheMiss, Refused, ReplayCacheError, ReplayCacheWarning
from .._printable import printable
from .cassette_of_test import Cassette, CassetteInUse
from .held_refusals import HeldRefusals, inside, is_refusal
from .marks import Marked
from .modes import mode_of
from .pytest_private import (
    keep_failure,
    marks_of_fixture,
    replaced_fixture_function,
    replaced_test_function,
    set_up_first,
    tearing_down_after,
)
from .report import attach_told, attach_use, discarded
from .run import Run

_MARKED = pytest.StashKey[Marked]()
_IN_USE = pytest.StashKey[CassetteInUse]()


def cassette_of(item: pytest.Item) -> Cassette | None:
    """The cassette that a test has in use."""
    in_use = item.stash.get(_IN_USE, None)
    return in_use.cassette if in_use is not None else None


class Items:
    """Takes each test through its phases; the generators stand around what pytest does in them.

    Args:
        config: pytest's.
        run: to which the tests belong.
    """

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._current: CassetteInUse | None = None
        self._refusals = HeldRefusals(self._was_refused)

    def running(self) -> AbstractContextManager[None]:
        """For the time of all tests."""
        return tearing_down_after(Refused, BaseExceptionGroup)

    # -- set-up

    def set_up(self, item: pytest.Item, opener: str) -> None:
        """Before the fixtures of a test are set up; lets the first of them open the cassette, if it is marked.

        Args:
            item: the test.
            opener: the fixture that calls `open_cassette`.
        """
        try:
            marked = self._run.collection.marked(item)
            if marked is not None:
                item.stash[_MARKED] = marked
                mode_of(self._config, marked.mode)
        except ReplayCacheError as error:
            raise _failure(item, error) from None
        if marked is None:
            return
        if told := self._run.collection.disagreement(marked):
            warnings.warn(told, ReplayCacheWarning, stacklevel=2)
        if isinstance(item, pytest.Function):
            set_up_first(item, opener)
        else:  # one without fixtures
            self.open_cassette(item, {})

    def open_cassette(self, item: pytest.Item, suite: object) -> None:
        """Puts the cassette of a marked test into use.

        Args:
            item: the test.
            suite: what `replay_options` returned.
        """
        _, separator, name = item.nodeid.partition("::")
        test = f"{self._run.shown(item.path)}{separator}{name}"
        try:
            in_use = self._run.open_cassette(item.stash[_MARKED], suite, test=test)
        except ReplayCacheError as error:
            raise _failure(item, error) from None
        item.stash[_IN_USE] = self._current = in_use

    def set_up_fixture(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Around the set-up of a fixture."""
        if any(mark.name == "replay" for mark in marks_of_fixture(fixturedef)):
            pytest.fail(
                f"the fixture {fixturedef.argname!r} has a mark @pytest.mark.replay, which has no effect there; "
                f"mark the tests that use it",
                pytrace=False,
            )
        in_use = self._current
        before = in_use.cassette.tally.recorded if in_use is not None else 0
        holding = self._refusals.holding
        try:
            with replaced_fixture_function(fixturedef, holding) if in_use is not None else nullcontext():
                result = yield
            self._raise_held()
        except BaseException as error:
            if is_refusal(error):
                keep_failure(fixturedef, request, error)
            raise
        if (
            in_use is not None
            and fixturedef.scope != "function"
            and in_use.cassette.tally.recorded > before
            and not self._run.collection.is_shared(in_use.cassette.path)
        ):
            code = getattr(inspect.unwrap(fixturedef.func), "__code__", None)
            warnings.warn_explicit(
                f"the fixture {fixturedef.argname!r} has the scope {fixturedef.scope}, and its calls were "
                f"recorded into {in_use.cassette.path}, the cassette of the test that came first; in another "
                f"order they will be missed. Let its tests share a cassette: @pytest.mark.replay('name.json')",
                ReplayCacheWarning,
                str(request.node.path) if code is None else code.co_filename,
                1 if code is None else code.co_firstlineno,
            )
        return result

    # -- call

    def call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Around the call of a test."""
        in_use = item.stash.get(_IN_USE, None)
        try:
            with replaced_test_function(item, self._refusals.holding) if in_use is not None else nullcontext():
                result = yield
            self._raise_held()
        except BaseException as error:
            if in_use is not None:
                _explain(item, in_use, error, keeps=self._run.keeps_failed)
            raise
        if in_use is not None:
            _refuse_swallowed(item, in_use)
        return result

    def _was_refused(self) -> bool:
        return self._current is not None and bool(self._current.cassette.tally.misses)

    def _raise_held(self) -> None:
        """Raises what a coroutine was refused, now that its loop has returned."""
        refused = self._refusals.take()
        if refused is None:
            return
        if self._current is not None:
            self._current.caught.append(refused)  # told in the test's report
        raise refused

    # -- teardown

    def tear_down(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Around the teardown of a test and its fixtures; its cassette is written at the end, if it passed."""
        in_use = item.stash.get(_IN_USE, None)
        try:
            result = yield
            self._raise_held()
            if in_use is not None:
                _refuse_swallowed(item, in_use)
        except BaseException:
            if in_use is not None:
                in_use.failed = True
            raise
        finally:
            if in_use is not None:
                self._current = None
                for origin in sorted(in_use.cassette.tally.named_mode):
                    self._run.network.note_named(origin)
                try:
                    in_use.close(keeps_failed=self._run.keeps_failed)
                except ReplayCacheError as error:
                    text = f"{item.nodeid}: {type(error).__name__}: {error}"
                    raise pytest.fail.Exception(text, pytrace=False) from None
        return result

    def note_outcome(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """After each phase of a test: how it ended."""
        attach_told(report, self._run.network.take())
        in_use = item.stash.get(_IN_USE, None)
        if in_use is None:
            return
        if call.excinfo is not None:
            in_use.caught.append(call.excinfo.value)  # told in the test's report
        expected = report.passed or hasattr(report, "wasxfail")
        if report.when == "call":
            in_use.passed = expected and not report.failed
        in_use.failed |= not expected or report.failed
        if report.when == "teardown":
            if in_use.use is not None:
                in_use.use.judges &= not in_use.failed
                attach_use(report, in_use.use)
                if in_use.use.not_kept:
                    # of the sections that a teardown adds, pytest shows those that are called after it
                    told = "\n".join(map(printable, in_use.use.not_kept))
                    report.sections.append(("replaycache: not kept, at teardown", told))
            del item.stash[_IN_USE]

    def interrupt(self) -> None:
        """At the end of the run, where a test is still running."""
        if self._current is not None:
            self._current.failed = True
            self._current.close()
            self._current = None


def _failure(item: pytest.Item, error: ReplayCacheError) -> BaseException:
    return pytest.fail.Exception(f"{item.nodeid}: {error}", pytrace=False)


def _refuse_swallowed(item: pytest.Item, in_use: CassetteInUse) -> None:
    """Fails a test whose misses were swallowed."""
    refused = in_use.swallowed(item)
    if refused:
        in_use.failed = True
        pytest.fail(_told(refused), pytrace=False)


def _told(refused: list[Refused]) -> str:
    kind = type(refused[0])
    name, names = ("miss", "misses") if kind is CacheMiss else ("refusal", "refusals")
    count = f"a {name} was" if len(refused) == 1 else f"{len(refused)} {names} were"
    texts = "\n\n".join(str(one) for one in refused[:3])
    more = f"\n\nand {len(refused) - 3} more" if len(refused) > 3 else ""
    return (
        f"{count} caught by other code than the test, which went on without the answer:\n\n{texts}{more}\n\n"
        f"Where a {name} is what the test is about, let it say pytest.raises({kind.__name__})."
    )


def _explain(item: pytest.Item, in_use: CassetteInUse, error: BaseException, *, keeps: bool) -> None:
    """Adds to the report of a failed test what it cannot know of."""
    recorded = in_use.recorded
    if recorded and not keeps and not isinstance(error, pytest.skip.Exception):
        item.add_report_section("call", "replaycache: not kept", discarded(recorded))
    errors = list(inside(error))
    misses = [miss for miss in in_use.swallowed(item) if not any(miss is one for one in errors)]
    if misses and not isinstance(error, pytest.skip.Exception):
        item.add_report_section("call", "replaycache", _told(misses))
