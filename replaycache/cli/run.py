"""`replaycache run`."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from .._errors import ConfigurationError, ReplayCacheError, ReplayCacheWarning
from .._faults import parse_fault
from ..accounts.run_savings import RunSavings
from ..options import Mode, parse_duration, parse_hosts
from .choosing import budget_option, prices_of_project
from .errors import Status, restore_process
from .opening import check_store_name, complete_store
from .output import human_count, human_duration, human_money, note
from .running import CannotRun, program_of, run_program

if TYPE_CHECKING:
    from ..engine.tally import Tally

__all__ = ["command"]


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
@click.option(
    "--store",
    metavar="STORE",
    shell_complete=complete_store,
    help="A directory, a cassette or redis://HOST, instead of the user's disk cache.",
)
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), help="Otherwise REPLAYCACHE_MODE, or auto."
)
@click.option("--ttl", metavar="AGE", help="Older recordings are misses: 12h, 7d.")
@click.option("--budget", metavar="USD", help="What live calls may cost, such as 2.")
@click.option("--pace", type=click.FloatRange(min=0), help="0: at once (the default); 1: as recorded.")
@click.option("--sample", type=click.IntRange(min=0), help="Ask for further answers to the same requests.")
@click.option(
    "--ignore-hosts",
    metavar="HOSTS",
    help="Leave these alone: localhost (loopback by any name), *.internal.example:8443, with commas between them.",
)
@click.option(
    "--fault", metavar="FAULT", help="What goes wrong with replayed answers: cut:after=5, status:429,times=2."
)
@click.option("-q", "--quiet", is_flag=True, help="Do not say at the end what was saved.")
@click.argument(
    "script", metavar="SCRIPT [ARG]...", nargs=-1, type=click.UNPROCESSED, shell_complete=complete_store
)
def command(
    module: str | None,
    store: str | None,
    mode: str | None,
    ttl: str | None,
    budget: str | None,
    pace: float | None,
    sample: int | None,
    ignore_hosts: str | None,
    fault: str | None,
    quiet: bool,
    script: tuple[str, ...],
) -> int:
    """Run a program with the cache installed.

    No line of it is changed: every client of httpx and httpx2 in it, and in
    the processes of its multiprocessing, records and replays. Options stand
    before SCRIPT or -m MODULE; all that follows is the program's own.

    Ends as the program does. A line on standard error then says what was
    saved.
    """
    program = program_of(script, module)
    if program is None:
        raise click.UsageError("name a script, or a module with -m")
    try:
        parse_duration(ttl, "--ttl")
        if ignore_hosts is not None:
            parse_hosts(ignore_hosts, "--ignore-hosts")
        if fault is not None:
            parse_fault(fault, "--fault")
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    from ..session.session import installed

    check_store_name(store, "--store")
    budget_option(budget)
    settings: dict[str, Any] = {
        "store": store,
        "mode": mode,
        "ttl": ttl,
        "budget": budget,
        "pace": pace,
        "sample": sample,
        "ignore_hosts": ignore_hosts,
        "fault": fault,
    }
    savings = RunSavings(prices_of_project())
    _install(settings, on_hit=savings.on_hit, on_miss=savings.on_miss, on_store=savings.on_store)
    past = installed()
    assert past is not None
    past.tells_own_way = False  # the line at the end does
    past.reaches_children = True
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
        f"{savings.hits:,} hit{'s' * (savings.hits != 1)}, {savings.misses:,} "
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


class _InstalledAgain:
    """Installs the cache where it is unpickled: in a new process, before the program is imported there."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return _install, (self._settings,)


def _install(settings: dict[str, Any], **hooks: Any) -> None:
    from ..session.session import install, tell_mode

    install(**{**settings, "budget": budget_option(settings["budget"])}, **hooks)
    if settings["mode"] is not None:
        tell_mode(mode_as="--mode {}")


def _install_in_children(settings: dict[str, Any]) -> None:
    """Has processes that do not begin as a copy of this one (spawn, forkserver) install the cache, too."""
    from multiprocessing import spawn

    original = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        # what multiprocessing does not know there it passes over
        return {"replaycache": _InstalledAgain(settings), **original(name)}

    spawn.get_preparation_data = get_preparation_data
