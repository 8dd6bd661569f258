"""The command line: `replaycache`, or `python -m replaycache`.

One module a command, imported when that command is asked for, so that `--help` and every other command pay for
none of them. A module of this package that holds a command has it under the name `command`; what the command
returns is its exit status (`errors.Status`; None is 0).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .. import __version__
from .errors import BrokenOutput, NothingGiven, Status, is_broken_pipe, run_to_status

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Lazy(NamedTuple):
    """A command that is not imported yet: its module, and its line in `replaycache --help`."""

    module: str
    help: str


COMMANDS = {
    "demo": _Lazy("demo", "Make one call live, take upstream away, and replay it."),
    "ls": _Lazy("ls", "List recordings, the newest first."),
    "show": _Lazy("show", "Show a recording: conversation, stream, usage, price."),
    "stats": _Lazy("stats", "Say what was saved: calls, tokens, time, money."),
    "explain": _Lazy("explain", "Say how a request comes to its key, or why two differ."),
    "diff": _Lazy("diff", "Compare two recordings or two stores."),
    "prune": _Lazy("prune", "Remove recordings by name, age, size, model or last use."),
    "export": _Lazy("export", "Copy recordings into a cassette or another store."),
    "import": _Lazy("import_", "Copy recordings of another file or recorder into a store."),
    "scrub": _Lazy("scrub", "Replace what looks like a credential in a store."),
    "scan": _Lazy("scan", "Look for credentials in files; a pre-commit hook."),
    "verify": _Lazy("verify", "Call upstream again and report the drift."),
    "config": _Lazy("config", "Say which options hold, and who says them."),
    "doctor": _Lazy("doctor", "Say what a bug report needs, and what is wrong here."),
    "run": _Lazy("run", "Run a program with the cache installed."),
    "serve": _Lazy("serve", "Record and replay for programs in any language: a proxy."),
}
"""The commands by name, in the order in which help lists them."""


class Program(click.Group):
    """A group whose commands are imported by name, and which ends with the documented exit statuses."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of a command; None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"{__name__}.{COMMANDS[cmd_name].module}").command
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Ends with the help where nothing was given; click before 8.2 takes that for done."""
        if not args and not ctx.resilient_parsing:
            raise NothingGiven(ctx)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the name that comes nearest to one that is misspelt."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1) if args and args[0] not in COMMANDS else []
            if near and "Did you mean" not in error.message:
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from error
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes the name of a command without importing any."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=lazy.help) for name, lazy in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a reader that went away is told from every other error here, before click sees it."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if is_broken_pipe(error):
                raise BrokenOutput from error
            raise

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs the program and, in `standalone_mode`, ends the process with its status."""

        def run() -> Any:
            return click.Group.main(
                self, args, prog_name, complete_var, False, windows_expand_args=windows_expand_args, **extra
            )

        return sys.exit(run_to_status(run)) if standalone_mode else run()


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=(
        "A STORE is the directory of a disk cache, a cassette (FILE.json) or redis://HOST; where none is named, "
        "what REPLAYCACHE_DIR or the nearest pyproject.toml says, or else the user's disk cache. A KEY may be cut "
        "to its first characters; a recording of a cassette is also FILE.json#3."
        "\n\n"
        f"Exit status: {Status.DONE:d} done; {Status.FOUND:d} a difference, drift or finding, or nothing matched; "
        f"{Status.WRONG_USE:d} wrong arguments; {Status.FAILED:d} it could not be done. "
        "`run` ends as its program does."
    ),
)
@click.version_option(__version__, prog_name="replaycache")
def main() -> None:
    """Record an LLM call once, replay it for ever."""
