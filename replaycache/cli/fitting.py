"""Text for people, made to fit a terminal: notes, and the bar that tells how far a command is."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import click

from .._printable import printable

T = TypeVar("T")

REDRAWN = 0.1
"""Seconds after which a bar is drawn again."""


def width() -> int:
    """Columns of the terminal (`COLUMNS` where that is set); 80 where there is none."""
    return max(20, shutil.get_terminal_size((80, 24)).columns)


@cache
def _cells_of(character: str) -> int:
    from unicodedata import category, east_asian_width  # most texts have no use for it

    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for a wide character, none for what is put on another."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, room: int) -> str:
    """The beginning of a text, in no more than `room` cells."""
    if len(text) <= room and text.isascii():
        return text
    for at, character in enumerate(text):
        room -= _cells_of(character)
        if room < 0:
            return text[:at]
    return text


def wrapped(text: str, room: int) -> list[str]:
    """A line in pieces of no more than `room` cells, divided between words; a longer word is divided itself."""
    lines, left = [""], room
    for word in re.findall(r"\s*\S+\s*", text):
        if cells(word.rstrip()) > left:
            if lines[-1]:
                lines.append("")
            while cells(word.rstrip()) > room:
                lines[-1] = cut(word, room)
                word = word[len(lines[-1]) :]
                lines.append("")
            left = room
        lines[-1] += word
        left -= cells(word)
    return [line.rstrip() for line in lines]


# -- on standard error -------------------------------------------------------------------------------------


def note(text: str) -> None:
    """Writes text for people to standard error; a line that is longer than a terminal is wide is wrapped there."""
    shown = printable(text, lines=True)
    if sys.stderr is not None and sys.stderr.isatty():
        wipe()
        shown = "\n".join(_filled(line, width()) for line in shown.split("\n"))
    click.echo(shown, err=True)


def _filled(line: str, room: int) -> str:
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


_drawn = ""


def _draw(line: str) -> None:
    global _drawn
    click.echo(f"\r{line}", nl=False, err=True)
    _drawn = line


def wipe() -> None:
    """Takes the bar away that stands where a line is to be written to the terminal; it comes again."""
    if _drawn:
        _draw(" " * cells(_drawn))
        _draw("")


@contextmanager
def progress(text: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error while the block runs; nothing where that is no terminal.

        with progress("importing", total=len(recordings)) as advance:
            for recording in recordings:
                ...
                advance(1)

    Args:
        total: steps in all; None where nobody knows.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda steps: None
        return
    done, again = 0, 0.0

    def advance(steps: int) -> None:
        nonlocal done, again
        done += steps
        if time.monotonic() >= again:
            _draw(_bar(printable(text), done, total))
            again = time.monotonic() + REDRAWN

    try:
        advance(0)
        yield advance
    finally:
        wipe()


def counted(items: Iterable[T], text: str, total: int | None = None) -> Iterator[T]:
    """Items as they go by, with such a bar while they do."""
    with progress(text, total) as advance:
        for item in items:
            advance(1)
            yield item


def _bar(text: str, done: int, total: int | None) -> str:
    if not total:
        return cut(f"{text} {done:,}", width() - 1)
    count = f"{done:,}/{total:,}"
    room = max(0, width() - cells(text) - len(count) - 5)  # nothing in the last cell: the line would wrap
    return cut(f"{text} [{'#' * min(room, room * done // total):<{room}}] {count}", width() - 1)
