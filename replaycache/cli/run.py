"""`replaycache run`."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .._errors import ReplayCacheError, ReplayCacheWarning
from ..accounts.amounts import human_count, human_duration, human_money, many
from ..accounts.prices import Prices
from ..accounts.run_savings import RunSavings
from ..configuration import defaults
from ..options import combined
from .choosing import budget_option
from .errors import Status, restore_process
from .fitting import note
from .given import check_given, given_options
from .opening import complete_store
from .running import CannotRun, program_of, run_program

if TYPE_CHECKING:
    from ..engine.tally import Tally


class _Run(click.Command):
    """A command whose `-m MODULE` ends its own options, as it does those of `python`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with_value = {
            name
            for param in self.params
            if isinstance(param, click.Option) and not param.is_flag
            for name in param.opts
        }
        at = 0
        while at < len(args):
            word = args[at]
            if word in ("--", "-") or not word.startswith("-"):
                break
            if word.startswith("-m"):
                end = at + 2 if word == "-m" else at + 1
                args = [*args[:end], "--", *args[end:]]
                break
            at += 2 if word in with_value else 1
        return super().parse_args(ctx, args)


@click.command("run", cls=_Run, context_settings={"allow_interspersed_args": False}, options_metavar="[OPTION]...")
@click.option("-m", "module", metavar="MODULE", help="Run a module instead of a script.")
@given_options
@click.option("-q", "--quiet", is_flag=True, help="Do not say at the end what was saved.")
@click.argument(
    "script", metavar="SCRIPT [ARG]...", nargs=-1, type=click.UNPROCESSED, shell_complete=complete_store
)
def command(
    module: str | None,
    quiet: bool,
    script: tuple[str, ...],
    **options: Any,
) -> int:
    """Run a program with the cache installed.

    No line of it is changed: every client of httpx and httpx2 in it, and in
    the processes of its multiprocessing, records and replays. Options stand
    before SCRIPT or -m MODULE; all that follows is the program's own.

    What is not given is as the environment says, or else [tool.replaycache]
    of the nearest pyproject.toml; `replaycache config` tells what holds.

    Ends as the program does. A line on standard error then says what was
    saved.
    """
    program = program_of(script, module)
    if program is None:
        raise click.UsageError("name a script, or a module with -m")
    given = check_given(options)
    from ..session.session import installed

    budget = given.pop("budget", None)
    file = defaults()
    mode_as = "--mode {}" if "mode" in given else file.mode_as
    settings = _Settings(combined(file.options, given), budget, mode_as)
    savings = RunSavings(Prices(settings.options.get("prices")))
    _install(settings, on_hit=savings.on_hit, on_miss=savings.on_miss, on_store=savings.on_store)
    past = installed()
    assert past is not None
    past.tells_own_way = False  # the line at the end does
    ending = _Ending(savings, past.tally, quiet)
    _install_in_children(settings)
    # registered before the program runs: its threads and its own functions end before this one
    atexit.register(ending)
    restore_process()
    try:
        return run_program(program)
    except CannotRun:
        ending.quiet = True
        raise
    except KeyboardInterrupt:
        ending.interrupted = True
        return Status.INTERRUPTED


class _Ending:
    """What is done when the program and all its threads have ended."""

    def __init__(self, savings: RunSavings, tally: Tally, quiet: bool) -> None:
        self.interrupted = False
        self._savings = savings
        self._tally = tally
        self.quiet = quiet
        self._process = os.getpid()

    def __call__(self) -> None:
        if os.getpid() != self._process:
            return  # a child that was forked and exits by itself
        others = _others(self._tally)  # which the end of the session takes
        self._close()
        if not self.quiet:
            note(f"replaycache: {'; '.join([_line(self._savings), *others])}.")
        if self.interrupted and os.name != "nt":
            # shells tell by the signal that the user broke it off
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)

    def _close(self) -> None:
        from ..session.session import uninstall

        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ReplayCacheWarning)
            try:
                uninstall()
            except ReplayCacheError as error:
                note(f"replaycache: {error}")
        for warning in told:
            note(f"replaycache: {warning.message}")


def _line(savings: RunSavings) -> str:
    if not savings.hits and not savings.misses:
        return "no call was recorded or replayed"
    calls = (
        f"{many(savings.hits, 'hit')}, {savings.misses:,} "
        f"miss{'es' * (savings.misses != 1)}, {savings.stored:,} stored"
    )
    if not savings.hits:
        return calls
    saved = [human_duration(savings.seconds)]
    total = savings.total
    if total.tokens:
        saved.insert(0, f"{human_count(total.tokens)} tokens")
    money = human_money(total.price)
    if money:
        saved.insert(1, money)
    return f"{calls}; saved {', '.join(saved)}"


def _others(tally: Tally) -> list[str]:
    """What came to neither a hit nor a miss."""
    from ..session.past import own_way_text

    told = []
    if tally.own_way:
        told.append(own_way_text(tally.own_way))
    if tally.unsent:
        told.append(f"{tally.unsent:,} not sent, for the budget")
    if tally.named_mode:
        told.append(f"live, as the calls' x-replaycache-mode says: {', '.join(sorted(tally.named_mode))}")
    return told


# -- processes of multiprocessing --------------------------------------------------------------------------


class _Settings(NamedTuple):
    """What the cache is installed with, in every process of the program.

    Attributes:
        options: those of the command line, and of the file.
        budget: as the command line has it.
        mode_as: how a mode is named where this one was.
    """

    options: dict[str, Any]
    budget: str | None
    mode_as: str


class _InstalledAgain:
    """Installs the cache where it is unpickled: in a new process, before the program is imported there."""

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Any, tuple[_Settings]]:
        return _install, (self._settings,)


def _install(settings: _Settings, **hooks: Any) -> None:
    from ..session.session import install_options

    budget = {} if settings.budget is None else {"budget": budget_option(settings.budget)}
    install_options({**settings.options, **budget, **hooks}, settings.mode_as, lasts=True)


def _install_in_children(settings: _Settings) -> None:
    """Has processes that do not begin as a copy of this one (spawn, forkserver) install the cache, too."""
    from multiprocessing import spawn

    original = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        # what multiprocessing does not know there it passes over
        return {"replaycache": _InstalledAgain(settings), **original(name)}

    spawn.get_preparation_data = get_preparation_data
