"""The pytest plugin: `@pytest.mark.replay`.

    @pytest.mark.replay
    def test_weather():
        assert "sun" in ask("How is the weather?")

A marked test records into a cassette beside it at its first run, and replays from it ever after. The cassette is
in use from before the test's fixtures are set up until they are torn down, and is written at the end, if the test
passed. Which mode holds is said by the command line, else by the environment, the mark, the ini file, `CI`.
Options are said by the mark, and for a whole suite by the fixture `replay_options`.

In mode `record` each request is asked once in a run: where tests share a cassette, the later one plays what an
earlier one has recorded, as both will ever after.

The engine is imported when the first marked test is set up: a suite without one does not pay for it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ._errors import CacheMiss, ConfigurationError, Refused, ReplayCacheError, ReplayCacheWarning
from .for_pytest.cassette_of_test import Cassette, CassetteInUse, has_recordings, open_cassette
from .for_pytest.cassette_paths import Siblings
from .for_pytest.cassette_use import Collected, Use, find_left_over, find_orphans, find_saved, find_unused
from .for_pytest.cassettes_of_run import CassettesOfRun
from .for_pytest.held_refusals import HeldRefusals, inside
from .for_pytest.marks import Marked, read_marks
from .for_pytest.network_guard import blocked_network, parse_allowed_hosts
from .for_pytest.suite_options import combined, suite_options
from .options import MODE_VARIABLE, Mode

if TYPE_CHECKING:
    from .budget import Budget

__all__ = ["cassette", "pytest_addoption", "pytest_configure", "replay_options"]


# -- the mode --------------------------------------------------------------------------------------------


def _is_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def _mode(config: pytest.Config, of_mark: Any = None) -> tuple[Mode, str]:
    """Which mode holds, and who said so.

    Raises:
        ConfigurationError: there is no such mode.
    """
    for where, value in (
        ("--replay", config.getoption("replay")),
        (MODE_VARIABLE, os.environ.get(MODE_VARIABLE)),
        ("@pytest.mark.replay(mode=...)", of_mark),
        ("replay_mode", config.getini("replay_mode")),
    ):
        if value is not None and value != "":
            return Mode.parse(value, where), where
    return (Mode.REPLAY, "CI is set") if _is_ci() else (Mode.ONCE, "the default")


_MARKED = pytest.StashKey[Marked]()
_IN_USE = pytest.StashKey[CassetteInUse]()


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Cassette:
    """The cassette of a test that is marked with `@pytest.mark.replay`."""
    in_use: CassetteInUse | None = request.node.stash.get(_IN_USE, None)
    if in_use is None:
        pytest.fail(
            f"the fixture 'cassette' is the cassette of a marked test, and {request.node.name} is not marked; "
            f"put @pytest.mark.replay on it, on its class or its module",
            pytrace=False,
        )
    return in_use.cassette


@pytest.fixture(scope="session")
def replay_options() -> dict[str, Any]:
    """The options of all marked tests; to be overridden where they are to hold, at any scope.

    It returns a dict, as in `{"match": Match(ignore=["metadata.run_id"])}`. A mark's own options win, and what the
    two redact adds up. The fixture is set up before the cassette is in use.
    """
    return {}


@pytest.fixture
def _replay_cassette(request: pytest.FixtureRequest, replay_options: object) -> None:
    """Puts a test's cassette into use; comes before its other fixtures."""
    plugin: Any = request.config.pluginmanager.get_plugin("replaycache-run")
    plugin.open_cassette(request.node, replay_options)


# -- the run ---------------------------------------------------------------------------------------------


class ReplayPlugin:
    """The hooks of one run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        self.is_controller = not self.is_worker and bool(config.getoption("dist", "no") != "no")
        self.collected = Collected()
        self.uses: dict[str, Use] = {}
        self.unused: dict[str, list[int]] = {}
        self.unknown_workers = False
        self._siblings: dict[Any, Siblings] = {}
        self._modules: dict[str, str] = {}
        self._deselected: list[pytest.Item] = []
        self._fresh: set[Path] = set()
        self._shared: set[str] = set()
        self._current: CassetteInUse | None = None
        self._place: Path | None = None
        self._budget = _budget(config)
        of_workers = getattr(config, "workerinput", {}).get("replaycache_place")
        self._cassettes = CassettesOfRun(Path(of_workers) if of_workers else None)
        self._refusals = HeldRefusals(self._was_refused)
        # where both are loaded, the flags are that plugin's: its tests that record may connect
        beside_vcr = config.pluginmanager.has_plugin("replaycache.vcr")
        blocks = config.getoption("replay_block_network", False) and not beside_vcr
        allowed = None if beside_vcr else config.getoption("replay_allowed_hosts", None)
        self._blocks = bool(blocks) and not self.is_controller
        self._allowed = parse_allowed_hosts(allowed or "")

    # -- collecting

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        made = yield
        for node in made if isinstance(made, list) else [made]:
            if isinstance(node, (pytest.Item, pytest.Class)):
                self._siblings.setdefault(collector, Siblings()).add(node.name)
        return made

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        if isinstance(collector, pytest.Directory):
            self.collected.directories.append(str(collector.path))
        elif isinstance(collector, pytest.Module):
            self._modules[collector.nodeid] = str(collector.path)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not report.passed:
            self._modules.pop(report.nodeid.partition("::")[0], None)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._deselected += items

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected.modules = sorted(set(self._modules.values()))
        owners = self.collected.owners
        for item in (*session.items, *self._deselected):
            try:
                marked = read_marks(item, self._siblings)
            except ConfigurationError:
                continue  # said when the test is set up
            if marked is not None:
                if str(marked.path) in owners.values():
                    self._shared.add(str(marked.path))
                owners[item.nodeid] = str(marked.path)
        # before the first test: what one test records does not make its neighbour replay
        self._fresh = {path for path in map(Path, set(owners.values())) if not has_recordings(path)}

    # -- running

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, Any, Any]:
        with self._guard():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        with self._guard(), _refusals_as_outcomes():
            return (yield)

    def _guard(self) -> AbstractContextManager[None]:
        return blocked_network(self._allowed) if self._blocks else nullcontext()

    def _was_refused(self) -> bool:
        return self._current is not None and bool(self._current.cassette.tally.misses)

    @contextmanager
    def _holding(self, owner: Any, name: str) -> Generator[None]:
        """Holds back what an asynchronous test or fixture is refused, until its loop has returned."""
        function = getattr(owner, name, None)
        if function is None or (self._current is None and not self._blocks):
            yield
            return
        setattr(owner, name, self._refusals.holding(function))
        try:
            yield
        finally:
            setattr(owner, name, function)

    def _take_refusal(self) -> BaseException | None:
        """What was held back, to be raised."""
        refused = self._refusals.take()
        if refused is not None and self._current is not None:
            self._current.caught.append(refused)  # told in the test's report
        return refused

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # after skipping, which comes first, and before the fixtures, which come last
        try:
            marked = read_marks(item, self._siblings)
            if marked is not None:
                item.stash[_MARKED] = marked
                _mode(self.config, marked.mode)
        except ReplayCacheError as error:
            raise _failure(item, error) from None
        if marked is None:
            return
        if not isinstance(item, pytest.Function):  # one without fixtures
            self.open_cassette(item, {})
        elif "_replay_cassette" not in item.fixturenames:
            item.fixturenames = ["_replay_cassette", *item.fixturenames]

    def open_cassette(self, item: pytest.Item, options: object) -> None:
        """Puts the cassette of a marked test into use.

        Args:
            item: the test.
            options: what `replay_options` returned.
        """
        marked = item.stash[_MARKED]
        mode, _ = _mode(self.config, marked.mode)
        if mode is Mode.ONCE:
            is_fresh = marked.path in self._fresh or not marked.path.exists()
            mode = Mode.AUTO if is_fresh else Mode.REPLAY
        try:
            said = combined(suite_options(options), marked.options)
            marked = replace(marked, options=said if self._budget is None else {**said, "budget": self._budget})
            in_use = open_cassette(
                marked,
                mode,
                self._cassettes,
                is_shared=str(marked.path) in self._shared,
                test=self._argument(item),
            )
        except ReplayCacheError as error:
            raise _failure(item, error) from None
        item.stash[_IN_USE] = self._current = in_use

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        marks = getattr(fixturedef.func, "pytestmark", [])
        if any(mark.name == "replay" for mark in marks):
            pytest.fail(
                f"the fixture {fixturedef.argname!r} has a mark @pytest.mark.replay, which has no effect there; "
                f"mark the tests that use it",
                pytrace=False,
            )
        in_use = self._current
        before = in_use.cassette.tally.recorded if in_use is not None else 0
        with self._holding(fixturedef, "func"):
            result = yield
        refused = self._take_refusal()
        if refused is not None:
            if fixturedef.cached_result is not None:  # of the value in its place
                key = fixturedef.cached_result[1]
                fixturedef.cached_result = (None, key, (refused, refused.__traceback__))
            raise refused
        if (
            in_use is not None
            and fixturedef.scope != "function"
            and in_use.cassette.tally.recorded > before
            and list(self.collected.owners.values()).count(str(in_use.cassette.path)) < 2
        ):
            warnings.warn(
                f"the fixture {fixturedef.argname!r} has the scope {fixturedef.scope}, and its calls were "
                f"recorded into {in_use.cassette.path}, the cassette of the test that came first; in another "
                f"order they will be missed. Let its tests share a cassette: @pytest.mark.replay('name.json')",
                ReplayCacheWarning,
                stacklevel=2,
            )
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        in_use = item.stash.get(_IN_USE, None)
        try:
            with self._holding(item, "obj"):
                result = yield
            refused = self._take_refusal()
            if refused is not None:
                raise refused
        except BaseException as error:
            if in_use is not None:
                _explain(item, in_use, error)
            raise
        if in_use is not None:
            _refuse_swallowed(item, in_use)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        in_use = item.stash.get(_IN_USE, None)
        try:
            result = yield
            refused = self._take_refusal()
            if refused is not None:
                raise refused
            if in_use is not None:
                _refuse_swallowed(item, in_use)
        except BaseException:
            if in_use is not None:
                in_use.failed = True
            raise
        finally:
            if in_use is not None:
                self._current = None
                try:
                    in_use.close()
                except ReplayCacheError as error:
                    text = f"{item.nodeid}: {type(error).__name__}: {error}"
                    raise pytest.fail.Exception(text, pytrace=False) from None
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        in_use = item.stash.get(_IN_USE, None)
        if in_use is not None:
            expected = report.passed or hasattr(report, "wasxfail")
            if report.when == "call":
                in_use.passed = expected and not report.failed
            in_use.failed |= not expected or report.failed
            if report.when == "teardown":
                if in_use.use is not None:
                    in_use.use.judges &= not in_use.failed
                    report.replaycache = asdict(in_use.use)  # type: ignore[attr-defined]  # goes along under xdist
                del item.stash[_IN_USE]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        fields = getattr(report, "replaycache", None)
        if fields is not None:
            self.uses[report.nodeid] = Use.read(fields)

    # -- the end

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="replaycache-run-"))
        node.workerinput["replaycache_place"] = str(self._place)

    def pytest_unconfigure(self) -> None:
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        fields = (getattr(node, "workeroutput", None) or {}).get("replaycache")
        if fields is None:
            self.unknown_workers = True
        else:
            self.collected = Collected(**fields)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._current is not None:  # interrupted in the middle of a test
            self._current.failed = True
            self._current.close()
            self._current = None
        if self.is_worker:
            self.config.workeroutput["replaycache"] = self.collected.as_fields()  # type: ignore[attr-defined]  # xdist's
            return
        if not self.unknown_workers:
            for path, marks in find_left_over(self.uses, self.collected, self._selected()).items():
                try:
                    self._cassettes.drop(Path(path), marks)
                except ReplayCacheError as error:
                    warnings.warn(f"what is left over stays: {error}", ReplayCacheWarning, stacklevel=1)
        policy = self.config.getoption("replay_unused")
        if policy != "ignore" and not self.unknown_workers:
            self.unused = find_unused(self.uses, self.collected, self._selected())
        if self.unused and policy == "fail" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _selected(self) -> list[Path]:
        """The files and directories whose tests were all asked for."""
        if self.config.getoption("lf", False):
            return []
        start = self.config.invocation_params.dir
        return [Path(os.path.normpath(start / arg)) for arg in self.config.args if "::" not in arg]

    def pytest_report_header(self) -> str:
        mode, where = _mode(self.config)
        parts = [f"mode {mode} ({where})"]
        if self.config.getoption("replay_block_network", False):
            allowed = self.config.getoption("replay_allowed_hosts", None)
            parts.append(f"network blocked except {allowed}" if allowed else "network blocked")
        return f"replaycache: {', '.join(parts)}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if any(use.drifts for use in self.uses.values()):
            self._tell_drifts(terminalreporter)
        if self.unused:
            self._tell_unused(terminalreporter)
        if self.config.getoption("replay_orphans"):
            self._tell_orphans(terminalreporter)
        if self.uses:
            terminalreporter.write_line(f"replaycache: {', '.join(self._counts())}")

    def _counts(self) -> list[str]:
        """What the summary line counts."""
        from .amounts import human_count, human_money  # not above: it takes time to import

        uses = self.uses.values()
        counts = [
            f"{sum(use.replayed for use in uses)} replayed",
            f"{sum(use.recorded for use in uses)} recorded",
            f"{sum(use.missed for use in uses)} missed",
            f"{sum(map(len, self.unused.values()))} unused",
        ]
        drifted = sum(len(use.drifts) for use in uses)
        if drifted:
            counts.append(f"{drifted} drifted")
        saved = find_saved(uses)
        if saved.tokens or saved.price is not None:
            money = human_money(saved.price)
            about_money = f" and {money if saved.is_all else f'at least {money}'}" if money else ""
            counts.append(f"{human_count(saved.tokens)} tokens{about_money} saved")
        return counts

    def _tell_drifts(self, reporter: pytest.TerminalReporter) -> None:
        reporter.write_sep("=", "replaycache: drift", yellow=True)
        for test, use in self.uses.items():
            for drift in use.drifts:
                reporter.write_line(f"{test}: {drift}")
        reporter.write_line(
            "Upstream answers in another shape than what is recorded, so these tests show what was true once. "
            "pytest --replay=record records it anew."
        )

    def _tell_unused(self, reporter: pytest.TerminalReporter) -> None:
        from .stores import CassetteStore

        reporter.write_sep("=", "replaycache: unused recordings", yellow=True)
        for path, numbers in self.unused.items():
            recordings = CassetteStore(path).all()
            reporter.write_line(f"{self._shown(path)}: {len(numbers)} of {len(recordings)}")
            for number in numbers:
                request = recordings[number].request
                reporter.write_line(f"  recording {number + 1}: {request.method} {request.url}")
        reporter.write_line(
            "No test played them, and all tests of these cassettes passed. Remove them from the files, or delete "
            "the files and record again; --replay-unused=ignore says nothing about them."
        )

    def _tell_orphans(self, reporter: pytest.TerminalReporter) -> None:
        reporter.write_sep("=", "replaycache: orphaned cassettes")
        selected = self._selected()
        if self.unknown_workers:
            reporter.write_line("A worker was lost, and with it what was collected: nothing can be said.")
            return
        if not selected or len(selected) < len(self.config.args) or not all(map(Path.is_dir, selected)):
            reporter.write_line(
                f"Only a part of the tests was selected ({' '.join(self.config.args)}), and the cassettes of the "
                f"others would be listed too: select whole directories, without --lf."
            )
            return
        orphans, left_out = find_orphans(self.collected, selected)
        for path in orphans:
            reporter.write_line(self._shown(path))
        if not orphans:
            reporter.write_line("There is none: a collected test owns every cassette.")
        else:
            reporter.write_line(
                "No collected test owns these. A file that is used by use_cassette() alone is listed too."
            )
        if left_out:
            names = ", ".join(map(self._shown, left_out))
            reporter.write_line(f"Not collected, and their cassettes not looked at: {names}")

    def _argument(self, item: pytest.Item) -> str:
        """What to give to pytest where this run was started, to run this test."""
        _, separator, name = item.nodeid.partition("::")
        return f"{self._shown(item.path)}{separator}{name}"

    def _shown(self, path: str | Path) -> str:
        path = Path(path)
        start = self.config.invocation_params.dir
        return path.relative_to(start).as_posix() if path.is_relative_to(start) else str(path)


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


def _explain(item: pytest.Item, in_use: CassetteInUse, error: BaseException) -> None:
    """Adds to the report of a failed test what it cannot know of."""
    errors = list(inside(error))
    misses = [miss for miss in in_use.swallowed(item) if not any(miss is one for one in errors)]
    if misses and not isinstance(error, pytest.skip.Exception):
        item.add_report_section("call", "replaycache", _told(misses))


@contextmanager
def _refusals_as_outcomes() -> Generator[None]:
    """Lets pytest go on with tearing down after a refusal, as it does after an `Exception`.

    Otherwise a `BaseException` at the end of a fixture leaves the fixtures around it as they are, and later tests
    with them.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_pytest.runner", "_pytest.fixtures"):
            outcomes = getattr(sys.modules.get(name), "TEST_OUTCOME", None)
            if isinstance(outcomes, tuple):
                patch.setattr(f"{name}.TEST_OUTCOME", (*outcomes, Refused))
        yield


# -- what pytest calls -----------------------------------------------------------------------------------


def _has_pytest_recording(manager: pytest.PytestPluginManager) -> bool:
    """Whether that plugin is there or will be, which has two of our flags and does the same at them."""
    if manager.has_plugin("recording"):
        return True
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") or manager.is_blocked("recording"):
        return False
    return find_spec("pytest_recording") is not None


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Adds the options."""
    group = parser.getgroup("replaycache", "recording and replaying LLM calls")
    group.addoption(
        "--replay",
        metavar="MODE",
        help=f"what marked tests do: {', '.join(Mode)}; overrides {MODE_VARIABLE}, marks and replay_mode",
    )
    group.addoption(
        "--replay-budget",
        metavar="AMOUNT",
        help="US dollars, such as 2, that the calls of this run may cost; one that would start beyond is not sent",
    )
    group.addoption(
        "--replay-unused",
        choices=("ignore", "warn", "fail"),
        default="warn",
        help="what to do about recordings that no passing test played (default: warn)",
    )
    group.addoption(
        "--replay-orphans", action="store_true", help="list the cassette files that no collected test owns"
    )
    has_vcr = any(getattr(plugin, "__name__", "") == "replaycache.vcr" for plugin in pluginmanager.get_plugins())
    if not has_vcr and not _has_pytest_recording(pluginmanager):
        group.addoption(
            "--block-network",
            action="store_true",
            default=False,  # replaycache.vcr asks for it before pytest has parsed, when older ones know no other
            dest="replay_block_network",
            help="refuse every connection, loopback too, but Unix sockets and --allowed-hosts",
        )
        group.addoption(
            "--allowed-hosts",
            metavar="HOSTS",
            dest="replay_allowed_hosts",
            help="hosts that --block-network lets through: host, host:port, *.example.com, separated by commas",
        )
    parser.addini("replay_mode", f"the mode of marked tests that say none: {', '.join(Mode)}", default="")


def _budget(config: pytest.Config) -> Budget | None:
    """What the calls of this process may cost: of several workers, each has its share."""
    amount = config.getoption("replay_budget", None)
    if amount is None:
        return None
    from .budget import Budget

    budget = Budget(amount, _where="--replay-budget")
    budget.limit /= getattr(config, "workerinput", {}).get("workercount", 1)
    return budget


def pytest_configure(config: pytest.Config) -> None:
    """Starts the plugin.

    Raises:
        UsageError: an option is wrong.
    """
    config.addinivalue_line(
        "markers",
        "replay(name=None, *, mode=None, **options): record the test's LLM calls into a cassette, or replay them",
    )
    try:
        _mode(config)
        # each of them, also where another overrides it
        Mode.parse(os.environ.get(MODE_VARIABLE) or Mode.ONCE, MODE_VARIABLE)
        Mode.parse(config.getini("replay_mode") or Mode.ONCE, "replay_mode")
        config.pluginmanager.register(ReplayPlugin(config), "replaycache-run")
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None
