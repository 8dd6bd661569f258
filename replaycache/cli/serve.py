"""`replaycache serve`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from .._printable import printable
from .errors import CommandFailed, Status, warnings_told, wrong_use
from .fitting import note

if TYPE_CHECKING:
    from ..serve.settings import Settings


class _Serve(click.Command):
    """A command whose options are the rows of `SETTINGS`; nobody needs the extra in order to read other helps."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options, read when they are first asked for."""
        if not self.params:
            try:
                from ..serve.settings import SETTINGS
            except ImportError as error:
                raise _lacks(error) from error
            self.params = [
                click.Option([row.flag], metavar=row.metavar, help=row.help, multiple=row.many) for row in SETTINGS
            ]
        return super().get_params(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names the upstreams that are known."""
        from ..serve.upstreams import KNOWN

        with formatter.section("Upstreams"):
            formatter.write_text(f"{', '.join(sorted(KNOWN))}; others by --upstream.")
        super().format_epilog(ctx, formatter)


@click.command(
    "serve",
    cls=_Serve,
    params=[],
    options_metavar="[OPTION]...",
    epilog=(
        "Every option may stand in the environment (REPLAYCACHE_SERVE_PORT, ...; REPLAYCACHE_MODE, "
        "REPLAYCACHE_BUDGET, REPLAYCACHE_IGNORE_HOSTS) and in the nearest pyproject.toml: those of the proxy in "
        "[tool.replaycache.serve], the others in [tool.replaycache]. The command line wins, then the environment. "
        "A token may stand in REPLAYCACHE_SERVE_TOKEN."
        "\n\n"
        "Exit status: 130 and 143 where Ctrl-C and SIGTERM ended it in order; 2 wrong arguments; 3 it could not "
        "listen."
    ),
)
def command(**given: Any) -> int:
    """Record and replay for programs in any language.

    A proxy that forwards /NAME/... to an API, streams what it answers, and
    records and replays as a transport does. Programs change nothing but a
    base URL.
    """
    try:
        from ..serve.application import Application
        from ..serve.call_lines import CallLines
        from ..serve.server import Server, listen
        from ..serve.settings import read_settings
    except ImportError as error:
        raise _lacks(error) from error
    with wrong_use():
        settings = read_settings(given)
        lines = CallLines(settings.log)
        application = Application(settings, lines)
    taken = listen(settings)
    try:
        _announce(settings, application.store, taken.getsockname()[1], lines.say)
        with warnings_told(partial(lines.say, "warning")):
            Server(application, settings).run(sockets=[taken])
    except KeyboardInterrupt:
        return Status.INTERRUPTED  # without the empty line that click writes
    return Status.DONE


def _announce(settings: Settings, store: str, port: int, say: Callable[[str, str], None]) -> None:
    """Says where the proxy is, what programs set, and where recordings go."""
    from ..serve.upstreams import upstreams

    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.log == "json":
        say("info", f"listening on http://{host}:{port}")
        return
    is_everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104  # nothing is bound here
    address = f"http://{'127.0.0.1' if is_everywhere else host}:{port}"
    known, named = upstreams(settings.upstreams), set(settings.upstreams)
    note(f"replaycache serve: {address}  (end it with Ctrl-C)")
    note("")
    listed = {
        "openai": "OPENAI_BASE_URL",
        "anthropic": "ANTHROPIC_BASE_URL",
        "gemini": "GOOGLE_GEMINI_BASE_URL",
    }
    for name in (*listed, *sorted(named - set(listed))):
        url = f"{address}/{name}{known[name].base}"
        note(f"  {name:<12}{f'{listed[name]}={url}' if name in listed else url}")
    others = [f"/{name}{known[name].base}" for name in sorted(set(known) - set(listed) - named)]
    for line in textwrap.wrap(f"also {', '.join(others)}", 76, break_on_hyphens=False):
        note(f"  {line}")
    note(f"  {'viewer':<12}{address}/_replaycache/")
    note(f"  {'store':<12}{printable(store)}")
    if settings.cassettes is not None:
        note(f"  {'cassettes':<12}{printable(str(settings.cassettes))}")
    note(f"  {'mode':<12}{settings.options.get('mode') or 'auto'}")
    note("")


def _lacks(error: ImportError) -> CommandFailed:
    return CommandFailed(f'serve needs its extra, and {error.name} is missing: pip install "replaycache[serve]"')
