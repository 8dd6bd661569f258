"""What a run tells: its mode at the start; at its end the counts, the drift, the unused and the orphaned."""

from __future__ import annotations

import shutil
import textwrap
import warnings
from dataclasses import asdict
from pathlib import Path

import pytest

from .._errors import ReplayCacheError, ReplayCacheWarning
from .._printable import printable
from .cassette_use import Use, find_orphans, find_renewed, find_saved, find_unused
from .modes import mode_of
from .own_frames import leave_out_libraries
from .run import Run

_ATTRIBUTE = "replaycache"
_TOLD = "replaycache_network"


def attach_use(report: pytest.TestReport, use: Use) -> None:
    """Lets the report of a test say what it made of its cassette, also from a worker to its controller."""
    setattr(report, _ATTRIBUTE, asdict(use))


def attach_told(report: pytest.TestReport, told: list[str]) -> None:
    """Lets the report of a phase say what the test reached for past its cassette."""
    if told:
        setattr(report, _TOLD, told)
        report.sections.append(("replaycache: network", "\n".join(map(printable, told))))


def discarded(count: int) -> str:
    """What is told of answers that a test recorded before it failed."""
    answers = "an answer that was recorded is" if count == 1 else f"{count} answers that were recorded are"
    return f"{answers} not kept, for the test did not pass; --replay-keep-failed keeps such"


def _say(terminal: pytest.TerminalReporter, text: str) -> None:
    """Writes one line of anybody's text; on a terminal in lines that fit it."""
    text = printable(text)
    width = shutil.get_terminal_size((80, 24)).columns
    if not terminal.isatty or len(text) <= width:
        terminal.write_line(text)
        return
    for line in textwrap.wrap(
        text, width - 1, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    ):
        terminal.write_line(line)


class Report:
    """Takes what each test made of its cassette, and tells what they come to.

    Args:
        config: pytest's.
        run: of which it tells.
    """

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._uses: dict[str, Use] = {}
        self._unused: dict[str, list[int]] = {}
        self._dropped: dict[str, int] = {}
        self._told: list[str] = []

    def header(self) -> str:
        """The line before the tests."""
        mode, where = mode_of(self._config)
        parts = [f"mode {mode} ({where})"]
        if self._config.getoption("replay_block_network", False):
            allowed = self._config.getoption("replay_allowed_hosts", None)
            parts.append(f"network blocked except {allowed}" if allowed else "network blocked")
        return f"replaycache: {', '.join(parts)}"

    def shorten(self, call: pytest.CallInfo[None]) -> None:
        """Has a refusal told by the test's own frames, unless all of them are asked for."""
        option = self._config.getoption  # pytest has them where it writes to a terminal
        if call.excinfo is not None and not option("fulltrace", False) and option("tbstyle", "") != "native":
            leave_out_libraries(call.excinfo.value)

    def add(self, report: pytest.TestReport) -> None:
        """Takes what a test made of its cassette, if its report says it."""
        fields = getattr(report, _ATTRIBUTE, None)
        if fields is not None:
            self._uses[report.nodeid] = Use(**fields)
        self._told += [f"{report.nodeid}: {told}" for told in getattr(report, _TOLD, ())]

    def finish(self, session: pytest.Session) -> None:
        """Removes what a run in mode `record` left over, and does about what is unused as is asked."""
        policy = self._config.getoption("replay_unused")
        if not self._run.lost_workers:
            self._drop_others()
            if policy != "ignore":
                collected = self._run.collection.collected
                self._unused = find_unused(self._uses, collected, self._run.selected())
        if policy == "drop":
            self._drop_unused()
        if self._unused and policy == "fail" and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _drop_unused(self) -> None:
        from ..stores import CassetteStore

        for path, numbers in list(self._unused.items()):
            try:
                self._dropped[path] = CassetteStore(path).remove(numbers)
                del self._unused[path]
            except ReplayCacheError as error:
                warnings.warn(f"what is unused stays: {error}", ReplayCacheWarning, stacklevel=1)

    def _drop_others(self) -> None:
        from ..stores.cassette.renewed import RenewedCassette

        collected = self._run.collection.collected
        for path, renewed in find_renewed(self._uses, collected, self._run.selected()).items():
            try:
                RenewedCassette(path, renewed).drop_others()
            except ReplayCacheError as error:
                warnings.warn(f"what is left over stays: {error}", ReplayCacheWarning, stacklevel=1)

    def tell(self, terminal: pytest.TerminalReporter) -> None:
        """Writes what there is to tell after the tests."""
        if any(use.drifts for use in self._uses.values()):
            self._tell_drifts(terminal)
        if any(use.not_kept or use.discarded for use in self._uses.values()):
            self._tell_not_kept(terminal)
        if self._unused:
            self._tell_unused(terminal)
        if self._dropped:
            self._tell_dropped(terminal)
        if self._told:
            self._tell_network(terminal)
        idle = self._idle_rules()
        if idle:
            self._tell_idle_rules(terminal, idle)
        if self._config.getoption("replay_orphans"):
            self._tell_orphans(terminal)
        if self._uses:
            _say(terminal, f"replaycache: {', '.join(self._counts())}")

    def _counts(self) -> list[str]:
        """What the summary line counts."""
        from ..accounts.amounts import human_count, human_money  # not above: it takes time to import

        uses = self._uses.values()
        counts = [
            f"{sum(use.replayed for use in uses)} replayed",
            f"{sum(use.recorded for use in uses)} recorded",
            f"{sum(use.missed for use in uses)} missed",
            f"{sum(map(len, self._unused.values()))} unused",
        ]
        not_kept = sum(len(use.not_kept) + use.discarded for use in uses)
        if not_kept:
            counts.append(f"{not_kept} not kept")
        own_way = sum(use.own_way for use in uses)
        if own_way:
            counts.append(f"{own_way} by transports with a store or mode of their own")
        drifted = sum(len(use.drifts) for use in uses)
        if drifted:
            counts.append(f"{drifted} drifted")
        saved = find_saved(uses)
        if saved.tokens or saved.price is not None:
            money = human_money(saved.price)
            about_money = f" and {money if saved.is_all else f'at least {money}'}" if money else ""
            counts.append(f"{human_count(saved.tokens)} tokens{about_money} saved")
        return counts

    def _tell_drifts(self, terminal: pytest.TerminalReporter) -> None:
        terminal.write_sep("=", "replaycache: drift", yellow=True)
        for test, use in self._uses.items():
            for drift in use.drifts:
                _say(terminal, f"{test}: {drift}")
        _say(
            terminal,
            "Upstream answers in another shape than what is recorded, so these tests show what was true once. "
            "pytest --replay-mode=record records it anew.",
        )

    def _tell_not_kept(self, terminal: pytest.TerminalReporter) -> None:
        terminal.write_sep("=", "replaycache: not kept", yellow=True)
        for test, use in self._uses.items():
            if use.discarded:
                _say(terminal, f"{test}: {discarded(use.discarded)}")
            for told in use.not_kept:
                _say(terminal, f"{test}: {told}")
        _say(terminal, "They were answered live, and are in no cassette: the next run asks for them again.")

    def _tell_dropped(self, terminal: pytest.TerminalReporter) -> None:
        terminal.write_sep("=", "replaycache: dropped recordings")
        for path, count in self._dropped.items():
            terminal.write_line(printable(f"{self._run.shown(path)}: {count}, which no test played"))

    def _tell_unused(self, terminal: pytest.TerminalReporter) -> None:
        from ..engine.naming import name_of
        from ..stores import CassetteStore

        terminal.write_sep("=", "replaycache: unused recordings", yellow=True)
        for path, numbers in self._unused.items():
            try:
                recordings = CassetteStore(path).all()
            except ReplayCacheError as error:
                terminal.write_line(str(error))
                continue
            terminal.write_line(printable(f"{self._run.shown(path)}: {len(numbers)} of {len(recordings)}"))
            for number in numbers:
                terminal.write_line(f"  recording {number + 1}: {name_of(recordings[number].request)}")
        _say(
            terminal,
            "No test played them, and all tests of these cassettes passed. --replay-unused=drop removes them, "
            "--replay-unused=ignore says nothing about them.",
        )
        if self._config.getoption("replay_unused") == "fail":
            _say(terminal, "The run fails for them (--replay-unused=fail).")

    def _idle_rules(self) -> list[str]:
        """The paths in the rules of tests that led nowhere in any of them."""
        met = {rule for use in self._uses.values() for rule in use.met_rules}
        return sorted({rule for use in self._uses.values() for rule in use.idle_rules} - met)

    def _tell_idle_rules(self, terminal: pytest.TerminalReporter, idle: list[str]) -> None:
        terminal.write_sep("=", "replaycache: rules that lead nowhere", yellow=True)
        for rule in idle:
            _say(terminal, rule)
        _say(terminal, "Nothing that the tests asked has anything there. A path may be misspelt.")

    def _tell_network(self, terminal: pytest.TerminalReporter) -> None:
        terminal.write_sep("=", "replaycache: network", yellow=True)
        for told in dict.fromkeys(self._told):
            _say(terminal, told)
        if any(": refused: " in told for told in self._told):
            _say(
                terminal,
                "What was refused met an error as of a network that is down. ignore_hosts in a mark or in the "
                "fixture replay_options leaves hosts alone, --allowed-hosts those of all tests.",
            )

    def _tell_orphans(self, terminal: pytest.TerminalReporter) -> None:
        terminal.write_sep("=", "replaycache: orphaned cassettes")
        selected = self._run.selected()
        if self._run.lost_workers:
            _say(terminal, "A worker was lost, and with it what was collected: nothing can be said.")
            return
        if not selected or len(selected) < len(self._config.args) or not all(map(Path.is_dir, selected)):
            _say(
                terminal,
                f"Only a part of the tests was selected ({' '.join(self._config.args)}), and the cassettes of the "
                f"others would be listed too: select whole directories, without --lf.",
            )
            return
        orphans, left_out = find_orphans(self._run.collection.collected, selected)
        for path in orphans:
            terminal.write_line(printable(self._run.shown(path)))
        if not orphans:
            terminal.write_line("There is none: a collected test owns every cassette.")
        else:
            _say(
                terminal,
                "No collected test owns these. A file that is used by use_cassette() alone is listed too.",
            )
        if left_out:
            names = ", ".join(map(self._run.shown, left_out))
            _say(terminal, f"Not collected, and their cassettes not looked at: {names}")
