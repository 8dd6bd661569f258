"""The pytest plugin: `@pytest.mark.replay`.

    @pytest.mark.replay
    def test_weather():
        assert "sun" in ask("How is the weather?")

A marked test records into a cassette beside it at its first run, and replays from it ever after. The cassette is
in use from before the test's fixtures are set up until they are torn down, and is written at the end, if the test
passed. Which mode holds is said by the command line, else by the environment, the mark, the ini file, `CI`, and
`[tool.replaycache]` of pyproject.toml. Options are said by the mark, for a whole suite by the fixture
`replay_options`, and by that table.

In mode `record` each request is asked once in a run: where tests share a cassette, the later one plays what an
earlier one has recorded, as both will ever after.

The engine is imported when the first marked test is set up: a suite without one does not pay for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from importlib.util import find_spec
from typing import Any

import pytest

from ._errors import ConfigurationError
from .for_pytest.cassette_of_test import Cassette
from .for_pytest.claimed_names import OurNames
from .for_pytest.ignored_hosts import check_ignored_hosts
from .for_pytest.items import Items, cassette_of
from .for_pytest.modes import check_modes
from .for_pytest.report import Report
from .for_pytest.run import Run
from .options import IGNORE_HOSTS_VARIABLE, MODE_VARIABLE, Mode

__all__ = ["pytest_addoption", "pytest_configure", "replay_cassette", "replay_options"]

_HOOKS = "replaycache-run"
_OPENER = "_open_replay_cassette"


# -- fixtures --------------------------------------------------------------------------------------------


@pytest.fixture
def replay_cassette(request: pytest.FixtureRequest) -> Cassette | None:
    """The cassette in use; None where the test is not marked with `@pytest.mark.replay`."""
    return cassette_of(request.node)


@pytest.fixture(scope="session")
def replay_options() -> dict[str, Any]:
    """The options of all marked tests; to be overridden where they are to hold, at any scope.

    It returns a dict, as in `{"match": Match(ignore=["metadata.run_id"])}`. A mark's own options win, and what the
    two redact adds up. The fixture is set up before the cassette is in use.
    """
    return {}


@pytest.fixture(name=_OPENER)
def _open_cassette(request: pytest.FixtureRequest, replay_options: object) -> None:
    """Puts a test's cassette into use; comes before its other fixtures."""
    hooks: Any = request.config.pluginmanager.get_plugin(_HOOKS)
    hooks.items.open_cassette(request.node, replay_options)


# -- options ---------------------------------------------------------------------------------------------


def _has_pytest_recording(manager: pytest.PytestPluginManager) -> bool:
    """Whether that plugin is there or will be, which has two of our flags and does the same at them."""
    if manager.has_plugin("recording"):
        return True
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") or manager.is_blocked("recording"):
        return False
    return find_spec("pytest_recording") is not None


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Adds the options.

    Raises:
        UsageError: another plugin has one of these names.
    """
    names = OurNames(parser, pluginmanager, sys.modules[__name__], ("replay_cassette",))
    names.option(
        "--replay-mode",
        metavar="MODE",
        help=f"what marked tests do: {', '.join(Mode)}; overrides {MODE_VARIABLE}, marks and replay_mode",
    )
    names.option(
        "--replay-budget",
        metavar="AMOUNT",
        help="US dollars, such as 2, that the calls of this run may cost; one that would start beyond is not sent",
    )
    names.option(
        "--replay-unused",
        choices=("ignore", "warn", "fail", "drop"),
        default="warn",
        help="what to do about recordings that no passing test played: drop removes them (default: warn)",
    )
    names.option(
        "--replay-keep-failed",
        action="store_true",
        help="keep what a test records though it fails; without it, its cassette stays as it was",
    )
    names.option(
        "--replay-orphans", action="store_true", help="list the cassette files that no collected test owns"
    )
    names.option(
        "--replay-ignore-hosts",
        metavar="HOSTS",
        help="hosts that marked tests call as if there were no cassette: localhost (loopback by any name), "
        "*.example.com:8443, separated by commas; overrides "
        f"{IGNORE_HOSTS_VARIABLE}, marks and replay_ignore_hosts",
    )
    has_vcr = any(getattr(plugin, "__name__", "") == "replaycache.vcr" for plugin in pluginmanager.get_plugins())
    if not has_vcr and not _has_pytest_recording(pluginmanager):
        names.shared_option(
            "--block-network",
            action="store_true",
            default=False,  # replaycache.vcr asks for it before pytest has parsed, when older ones know no other
            dest="replay_block_network",
            help="refuse every connection of a test, loopback too, but Unix sockets and --allowed-hosts",
        )
        names.shared_option(
            "--allowed-hosts",
            metavar="HOSTS",
            dest="replay_allowed_hosts",
            help="hosts that tests may reach with --block-network, in mode replay and in CI: host, host:port, "
            "*.example.com, separated by commas",
        )
    names.ini("replay_ignore_hosts", "the hosts that are ignored, one a line", type="linelist", default=[])
    names.ini("replay_mode", f"the mode of marked tests that say none: {', '.join(Mode)}", default="")


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
        check_modes(config)
        check_ignored_hosts(config)
        config.pluginmanager.register(_Hooks(config), _HOOKS)
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from None


# -- the run ---------------------------------------------------------------------------------------------


class _Hooks:
    """The hooks of one run; each hands over to the part that it concerns."""

    def __init__(self, config: pytest.Config) -> None:
        self.run = Run(config)
        self.items = Items(config, self.run)
        self.report = Report(config, self.run)

    def pytest_report_header(self) -> str:
        return self.report.header()

    # -- collecting

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        self.run.collection.add_collector(collector)

    @pytest.hookimpl(wrapper=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        made = yield
        self.run.collection.add_made(collector, made)
        return made

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        self.run.collection.add_children(report.result or ())
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.run.collection.add_report(report)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.run.collection.add_deselected(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.run.collection.finish(session.items)

    # -- running

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        with self.run.network.running(), self.items.running():
            return (yield)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # after skipping, which comes first, and before the fixtures, which come last
        self.items.set_up(item, _OPENER)

    # -- innermost, so that other plugins' wrappers connect as they like

    @pytest.hookimpl(wrapper=True, trylast=True, specname="pytest_runtest_setup")
    def pytest_runtest_setup_guarded(self) -> Generator[None, Any, Any]:
        with self.run.network.phase():
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True, specname="pytest_runtest_call")
    def pytest_runtest_call_guarded(self) -> Generator[None, Any, Any]:
        with self.run.network.phase():
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True, specname="pytest_runtest_teardown")
    def pytest_runtest_teardown_guarded(self) -> Generator[None, Any, Any]:
        with self.run.network.phase():
            return (yield)

    # --

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        return (yield from self.items.set_up_fixture(fixturedef, request))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        return (yield from self.items.call(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        return (yield from self.items.tear_down(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        self.report.shorten(call)
        report = yield
        self.items.note_outcome(item, call, report)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.report.add(report)

    # -- workers

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        self.run.prepare_worker(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.run.hear_worker(node)

    # -- the end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.items.interrupt()
        if self.run.is_worker:
            self.run.tell_controller()
        else:
            self.report.finish(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self.report.tell(terminalreporter)

    def pytest_unconfigure(self) -> None:
        self.run.close()
