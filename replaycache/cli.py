"""The command line: `replaycache`, or `python -m replaycache`.

Exit codes: 0 done, 1 it could not be done (the reason is on standard error), 2 wrong arguments.
"""

from __future__ import annotations

import click

from . import __version__

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="replaycache")
def main() -> None:
    """Record an LLM call once, replay it for ever."""


@main.command()
@click.option(
    "--base-url", metavar="URL", help="Call this OpenAI-compatible API, such as https://api.openai.com/v1."
)
@click.option("--model", metavar="NAME", help="The model to ask for at --base-url.")
@click.option("--store", metavar="DIR", help="The disk cache to use instead of the user's.")
def demo(base_url: str | None, model: str | None, store: str | None) -> None:
    """Make one call live, take upstream away, and replay it.

    Needs neither a key nor a network: a small local server streams a real
    model's recorded answer at its real pace. With --base-url and --model it
    calls a real API, with the key in OPENAI_API_KEY.
    """
    from .demo import DemoFailed, run

    def say(text: str, end: str = "\n") -> None:
        click.echo(text, nl=False)
        click.echo(end, nl=False)

    try:
        run(say, base_url=base_url, model=model, store=store)
    except DemoFailed as error:
        raise click.ClickException(str(error)) from error
