"""Lines for people, which fit a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

import click

from .._printable import printable

__all__ = ["note", "width"]


def width() -> int:
    """Columns of the terminal (`COLUMNS` where that is set); 80 where there is none."""
    return max(20, shutil.get_terminal_size((80, 24)).columns)


def note(text: str) -> None:
    """Writes text for people to standard error; a line that is longer than a terminal is wide is wrapped there."""
    shown = printable(text, lines=True)
    if sys.stderr is not None and sys.stderr.isatty():
        shown = "\n".join(_wrapped(line, width()) for line in shown.split("\n"))
    click.echo(shown, err=True)


def _wrapped(line: str, room: int) -> str:
    if len(line) <= room:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(
        line,
        room,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
