"""How a command ends: exit statuses, and errors as a line on standard error.

A command raises what fits and lets it pass; `main` turns it into a message and a status:

    return Status.FOUND           a difference, drift, a finding
    raise NothingMatches("…")     1: what was asked for is not there
    raise click.UsageError("…")   2: wrong arguments (click.BadParameter, …)
    raise CommandFailed("…")      3: it could not be done
    any ReplayCacheError          3
    OSError                       3
    BudgetExceeded, CacheMiss     3
    KeyboardInterrupt             130, a reader of standard output that went away: 141, SIGTERM: 143; all without
                                  a word

A text says what happened, where, and what to do next. A `ReplayCacheWarning` becomes a line on standard error.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import click

from .._errors import ConfigurationError, Refused, ReplayCacheError, ReplayCacheWarning
from .._printable import printable
from .fitting import note


class Status(IntEnum):
    """The exit statuses, the same for every command but `run`, which ends as its program does."""

    DONE = 0
    """It was done."""
    FOUND = 1
    """A difference, drift or a finding; or nothing matched."""
    WRONG_USE = 2
    """The arguments are wrong."""
    FAILED = 3
    """It could not be done; the reason is on standard error."""
    INTERRUPTED = 130
    """Interrupted from the keyboard, as shells have it."""
    BROKEN_PIPE = 141
    """Whoever read standard output went away, as shells have it."""
    TERMINATED = 143
    """Ended by SIGTERM, as shells have it."""


class CommandFailed(ReplayCacheError):
    """It could not be done; the text says why and what to do."""


class NothingMatches(ReplayCacheError):
    """What was asked for is not there: no recording has this key, or none fits."""


class NothingGiven(click.UsageError):
    """The program was called by its bare name; the text is its help."""

    def __init__(self, context: click.Context) -> None:
        super().__init__(context.get_help(), context)


@contextmanager
def wrong_use() -> Iterator[None]:
    """Takes a `ConfigurationError` in the block for wrong arguments: they are where it was given."""
    try:
        yield
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error


def confirm(text: str, *, unasked: str, refused: str) -> None:
    """Asks whether to go on.

    Args:
        text: what is about to happen.
        unasked: what is said behind it where there is nobody to ask.
        refused: what is said to a no.

    Raises:
        CommandFailed: nobody agrees.
    """
    if not sys.stdin.isatty():
        raise CommandFailed(f"{text} {unasked}")
    if not click.confirm(f"{printable(text)} Go on?", err=True):
        raise CommandFailed(refused)


class _Terminated(BaseException):
    """SIGTERM came: what is half written is removed on the way out, as it is for an interrupt."""


class BrokenOutput(Exception):
    """Whoever read standard output went away."""


def is_broken_pipe(error: OSError) -> bool:
    """Whether an error says that nobody reads standard output any more."""
    # Windows has no EPIPE: writing to a closed pipe is EINVAL there
    return error.errno == errno.EPIPE or (os.name == "nt" and error.errno == errno.EINVAL)


def run_to_status(run: Callable[[], Any]) -> int:
    """Runs the program and returns its exit status; what went wrong is on standard error."""
    _end_in_order_at_sigterm()
    for stream in (sys.stdout, sys.stderr):
        # a character that the terminal's encoding does not have is written as an escape, and ends nothing
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            _errors_before.append((reconfigure, stream.errors))
            reconfigure(errors="backslashreplace")
    try:
        with warnings_told(lambda text: note(f"Warning: {text}")):
            status = run()
        if sys.stdout is not None:  # closed by whoever started the program
            sys.stdout.flush()
    except click.ClickException as error:
        if isinstance(error, NothingGiven):
            click.echo(error.format_message(), err=True)
            return error.exit_code
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.\n", err=True)
        note(f"Error: {error.format_message()}")
        return error.exit_code
    except click.Abort as error:
        # at a prompt click hides the cause
        reason = error.__cause__ or error.__context__
        return Status.INTERRUPTED if isinstance(reason, KeyboardInterrupt) else Status.FAILED
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except _Terminated:
        return Status.TERMINATED
    except BrokenOutput:
        return _without_output()
    except NothingMatches as error:
        return _say(error, Status.FOUND)
    except (ReplayCacheError, Refused) as error:
        return _say(error, Status.FAILED)
    except OSError as error:
        return _without_output() if is_broken_pipe(error) else _say(error, Status.FAILED)
    finally:
        _restore_sigterm()
    return int(status) if isinstance(status, int) else Status.DONE


_errors_before: list[tuple[Callable[..., None], str | None]] = []


def _end_in_order_at_sigterm() -> None:
    def end(number: int, frame: object) -> None:
        raise _Terminated

    is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if is_default and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)
        _signals_before.append(signal.SIG_DFL)


_signals_before: list[signal.Handlers] = []


def _restore_sigterm() -> None:
    while _signals_before:
        signal.signal(signal.SIGTERM, _signals_before.pop())


def restore_process() -> None:
    """Gives the streams and SIGTERM back as the interpreter made them, for a program that is run here."""
    _restore_sigterm()
    while _errors_before:
        reconfigure, errors = _errors_before.pop()
        reconfigure(errors=errors)


def _say(error: BaseException, status: Status) -> Status:
    note(f"Error: {error}")
    return status


def _without_output() -> Status:
    """Gives standard output nowhere to go, so that what is still to be flushed at the end complains to nobody."""
    output = sys.stdout
    if output is sys.__stdout__ and output is not None:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
        except (OSError, ValueError):
            pass  # it has no file, or is closed
    return Status.BROKEN_PIPE


@contextmanager
def warnings_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Has our warnings in the block told in another way than Python's."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", ReplayCacheWarning)
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **named: Any) -> None:
            if issubclass(category, ReplayCacheWarning):
                tell(str(message))
            else:
                before(message, category, *rest, **named)

        warnings.showwarning = show
        yield
