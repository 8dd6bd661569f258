"""`replaycache demo`."""

from __future__ import annotations

import re
import sys

import click

from .._printable import printable
from .fitting import width
from .opening import check_store_name
from .output import is_terminal


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
    check_store_name(store, "--store")
    from .demo_session import run

    run(_Writer().say, api=(base_url, model) if base_url and model else None, store=store)


INDENT = "   "


class _Writer:
    """Writes text as it comes; on a terminal it is wrapped at words, so that a word waits for its end."""

    def __init__(self) -> None:
        self._room = width() if is_terminal() else 0
        self._column = 0
        self._word = ""

    def say(self, text: str, end: str = "\n") -> None:
        """Writes the next piece."""
        pieces = re.split(r"(\s)", self._word + printable(text + end, lines=True))
        if self._room:
            self._word = pieces.pop()
        for piece in pieces:
            self._write(piece)
        sys.stdout.flush()

    def _write(self, piece: str) -> None:
        wraps = len(INDENT) < self._column and self._column + len(piece) > self._room >= len(piece) + len(INDENT)
        if wraps and not piece.isspace():
            sys.stdout.write(f"\n{INDENT}")
            self._column = len(INDENT)
        sys.stdout.write(piece)
        self._column = 0 if piece == "\n" else self._column + len(piece)
