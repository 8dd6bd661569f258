"""`replaycache demo`."""

from __future__ import annotations

import click

from .errors import CommandFailed

__all__ = ["command"]


@click.command("demo")
@click.option(
    "--base-url", metavar="URL", help="Call this OpenAI-compatible API, such as https://api.openai.com/v1."
)
@click.option("--model", metavar="NAME", help="The model to ask for at --base-url.")
@click.option("--store", metavar="DIR", help="The disk cache to use instead of the user's.")
def command(base_url: str | None, model: str | None, store: str | None) -> None:
    """Make one call live, take upstream away, and replay it.

    Needs neither a key nor a network: a small local server streams a real
    model's recorded answer at its real pace. With --base-url and --model it
    calls a real API, with the key in OPENAI_API_KEY.
    """
    if base_url is not None and model is None:
        raise click.UsageError("--base-url needs --model: the name of a model to ask there")
    from ..demo import DemoFailed, run
    from .printable import printable

    def say(text: str, end: str = "\n") -> None:
        click.echo(printable(text, lines=True), nl=False)
        click.echo(end, nl=False)

    try:
        run(say, base_url=base_url, model=model, store=store)
    except DemoFailed as error:
        raise CommandFailed(str(error)) from error
