"""One run of pytest in one process: its mode, its budget, its cassettes, its guard of the network, its workers."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..engine.held_back import holding_back
from ..options import Mode, Options, combined
from ..session.guard import why_nothing_goes_live
from .advice import find_holder, told_of
from .cassette_of_test import CassetteInUse, open_cassette
from .cassette_use import Collected
from .cassettes_of_run import CassettesOfRun
from .collection import Collection
from .ignored_hosts import ignored_hosts
from .marks import Marked
from .modes import is_ci, mode_of
from .network_guard import NetworkGuard
from .suite_options import of_file, suite_options

if TYPE_CHECKING:
    from .._models import Request
    from ..accounts.budget import Budget

_PLACE = "replaycache_place"
_COLLECTED = "replaycache"


class Run:
    """What the tests of a run have in common.

    Args:
        config: pytest's.

    Attributes:
        collection: what was collected.
        keeps_failed: whether a test that fails keeps what it recorded.
        network: what connections the tests may make.
        lost_workers: whether a worker ended without telling what it had collected.

    Raises:
        ConfigurationError: an option is wrong.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.collection = Collection()
        self.keeps_failed = bool(config.getoption("replay_keep_failed", False))
        self.lost_workers = False
        self._place: Path | None = None
        file = of_file(config)
        # what is said in other ways, too, is looked at where that is
        elsewhere = ("store", "mode", "ignore_hosts")
        self._options = {name: value for name, value in file.options.items() if name not in elsewhere}
        if "budget" in self._options:  # of all tests together
            self._options["budget"] = _shared(config, self._options["budget"], f"budget in {file.path}")
        amount = config.getoption("replay_budget", None)
        self._budget = None if amount is None else _shared(config, amount, "--replay-budget")
        of_workers = getattr(config, "workerinput", {}).get(_PLACE)
        self._cassettes = CassettesOfRun(Path(of_workers) if of_workers else None)
        is_controller = not self.is_worker and bool(config.getoption("dist", "no") != "no")
        # replaycache.vcr and pytest-recording block the network themselves: their tests that record may connect
        is_vcr = config.pluginmanager.has_plugin("replaycache.vcr")
        self.network = NetworkGuard(
            blocks=bool(config.getoption("replay_block_network", False)) and not (is_vcr or is_controller),
            allowed=config.getoption("--allowed-hosts", None) or "",
            is_regular=is_vcr or not hasattr(config.option, "replay_allowed_hosts"),
        )

    @property
    def is_worker(self) -> bool:
        """Whether this process runs tests for another one."""
        return hasattr(self._config, "workerinput")

    # -- cassettes

    def open_cassette(self, marked: Marked, suite: object, *, test: str) -> CassetteInUse:
        """Puts the cassette of a marked test into use.

        Args:
            marked: what the test's marks say.
            suite: what `replay_options` returned.
            test: the node id, as the command line takes it.

        Raises:
            ReplayCacheError: an option is wrong, or the file cannot be read.
        """
        said, _ = mode_of(self._config, marked.mode)
        mode = said
        is_held_back = mode is Mode.REPLAY  # and not only as its cassette has recordings
        if said is Mode.ONCE:
            mode = Mode.AUTO if self.collection.is_fresh(marked.path) else Mode.REPLAY
        options = combined(self._options, combined(suite_options(suite), marked.options))
        options["ignore_hosts"] = ignored_hosts(self._config, options.get("ignore_hosts"))
        if self._budget is not None:
            options["budget"] = self._budget
        with ExitStack() as stack:
            if mode is Mode.REPLAY or is_ci():  # before the session, which tells of what connects
                ignored = Options.parse(options).ignore_hosts
                why = why_nothing_goes_live(said) if mode is Mode.REPLAY else "CI is set"
                stack.enter_context(self.network.replaying(ignored, why))
            if is_held_back:
                stack.enter_context(holding_back())
            in_use = open_cassette(
                replace(marked, options=options),
                mode,
                self._cassettes,
                is_shared=self.collection.is_shared(marked.path),
                test=test,
                elsewhere=lambda asked, key: self._elsewhere(asked, key, marked.path, Options.parse(options)),
            )
            if said is Mode.ONCE and mode is Mode.REPLAY:
                from ..session.session import tell_mode

                tell_mode(said)
            in_use.stack.push(stack.pop_all())
            return in_use

    def _elsewhere(self, asked: Request, key: str, path: Path, options: Options) -> str:
        """What to do about a miss whose answer an orphaned cassette holds; nothing where none does."""
        holder = find_holder(asked, key, options, self.collection.orphans, path.parent)
        return "" if holder is None else told_of(holder, path, self.shown)

    # -- workers

    def prepare_worker(self, worker: Any) -> None:
        """Gives a worker the place that all of them have in common."""
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="replaycache-run-"))
        worker.workerinput[_PLACE] = str(self._place)

    def hear_worker(self, worker: Any) -> None:
        """Takes what a worker collected, which all of them do alike."""
        fields = (getattr(worker, "workeroutput", None) or {}).get(_COLLECTED)
        if fields is None:
            self.lost_workers = True
        else:
            self.collection.collected = Collected(**fields)

    def tell_controller(self) -> None:
        """Sends what this worker collected."""
        fields = asdict(self.collection.collected)
        self._config.workeroutput[_COLLECTED] = fields  # type: ignore[attr-defined]  # xdist's

    def close(self) -> None:
        """Removes what the workers had in common."""
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)

    # -- paths

    def selected(self) -> list[Path]:
        """The files and directories whose tests were all asked for."""
        if self._config.getoption("lf", False):
            return []
        start = self._config.invocation_params.dir
        return [Path(os.path.normpath(start / arg)) for arg in self._config.args if "::" not in arg]

    def shown(self, path: str | Path) -> str:
        """A path as it is written where pytest was started."""
        path = Path(path)
        start = self._config.invocation_params.dir
        return path.relative_to(start).as_posix() if path.is_relative_to(start) else str(path)


def _shared(config: pytest.Config, amount: Any, where: str) -> Budget:
    """What the calls of this process may cost: of several workers, each has its share."""
    from ..accounts.budget import Budget

    budget = Budget(amount, _where=where)
    budget.limit /= getattr(config, "workerinput", {}).get("workercount", 1)
    return budget
