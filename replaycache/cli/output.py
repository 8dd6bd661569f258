"""What commands write.

Standard output holds nothing but data when it is piped; notes, progress and errors go to standard error.

    write(text)                    a line of data
    write_json(value)              one JSON document; `write_json_line(value)` for lists: a document a line
    write_field(name, value)       a named value, for what is shown of one thing
    write_styled(text, style)      a line in a rich style
    write_table(columns, rows)     rows that fit the terminal; piped, lines of fields separated by tabs, no header
    console()                      a rich console, where more than lines is rendered (imports rich; only then)
    note(text)                     a line on standard error: "12 recordings", "nothing is stored yet"
    progress(text, total)          a bar on standard error, and only on a terminal

Text of others cannot command the terminal by any of these. Where it is to be one line it passes `printable` or
`one_line` first (`write_table` does that to its cells, `write_field` to its value). Numbers are for people with
`human_size`, `human_age`, `human_duration`, `human_count`, `human_money`, and in full, without units, when piped
and in JSON: sizes in bytes, times in seconds, moments as `iso_time`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from .._printable import one_line, printable
from ..accounts.amounts import (
    human_age,
    human_count,
    human_duration,
    human_money,
    human_size,
    human_units,
    iso_time,
)
from .errors import BrokenOutput
from .fitting import note, width

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "FIELD",
    "Column",
    "can_write",
    "console",
    "human_age",
    "human_count",
    "human_duration",
    "human_money",
    "human_size",
    "human_units",
    "is_terminal",
    "iso_time",
    "json_option",
    "note",
    "one_line",
    "printable",
    "progress",
    "width",
    "write",
    "write_field",
    "write_json",
    "write_json_line",
    "write_styled",
    "write_table",
]

LOOKED_AT = 200
"""Rows from which a table takes the widths of its columns; the others are written as they come."""

FIELD = 12
"""Columns before the value of a field."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")
"""`@json_option`: the command gets `as_json: bool`."""


def is_terminal(*, error: bool = False) -> bool:
    """Whether standard output, or standard error, is a terminal."""
    stream = sys.stderr if error else sys.stdout
    return stream is not None and stream.isatty()


def can_write(text: str) -> bool:
    """Whether standard output's encoding has these characters."""
    if sys.stdout is None:
        return False
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def console(*, error: bool = False) -> Console:
    """A rich console on standard output, or on standard error.

    It has colour on a terminal only, and none with `NO_COLOR` or `TERM=dumb`. Markup, emoji codes and highlighting
    are off: text of others would be taken for them. `rich.text.Text(printable(text))` is the way in.
    """
    from rich.console import Console

    class Ours(Console):
        """A console that leaves a reader who went away to `errors`: rich's own ends the process with 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenOutput

    return Ours(
        stderr=error,
        force_terminal=is_terminal(error=error),  # FORCE_COLOR, which CI sets, would have colour in pipes
        width=width(),
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
        legacy_windows=None,
    )


def write(text: str = "") -> None:
    """Writes a line of data, or several."""
    print(printable(text, lines=True))  # noqa: T201  # click.echo flushes every line, which is slow in a pipe


def write_json(value: Any) -> None:
    """Writes a JSON document in ASCII, indented on a terminal."""
    print(_json(value, indent=2 if is_terminal() else None))  # noqa: T201


def write_json_line(value: Any) -> None:
    """Writes one of many JSON documents, on one line, in ASCII."""
    print(_json(value, indent=None))  # noqa: T201


def _json(value: Any, indent: int | None) -> str:
    separators = None if indent else (",", ":")
    return json.dumps(value, indent=indent, separators=separators, default=_plain_value)


def _plain_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def write_styled(text: str = "", style: str = "") -> None:
    """Writes a line of text, or several, with a rich style where there is colour."""
    from rich.text import Text

    console().print(Text(printable(text, lines=True), style), soft_wrap=True)


def write_field(name: str, value: str, style: str = "") -> None:
    """Writes `name       value`, and nothing where the value is empty; on a terminal a long one is wrapped."""
    if not value:
        return
    from rich.text import Text

    target = console()
    lines = [Text(printable(value), style)]
    if is_terminal():
        lines = list(lines[0].wrap(target, max(10, width() - FIELD)))
    for number, line in enumerate(lines):
        line.rstrip()
        target.print(Text(f"{name if number == 0 else '':<{FIELD - 2}}  ", "dim") + line, soft_wrap=True)


# -- tables ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Args:
        title: stands above it on a terminal.
        right: whether its cells stand at the right, as numbers do.
        least: the fewest cells of the terminal that it may be cut to; 0: it is never cut.
        most: the most that it takes, but for the last column, which takes what is left.
        drop: where the terminal is too narrow, columns with a higher number go first; 0 stays.
        style: a rich style for a terminal with colour.
    """

    title: str
    right: bool = False
    least: int = 0
    most: int = 40
    drop: int = 0
    style: str = ""


def write_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> int:
    """Writes a table as its rows come, in bounded memory, and returns the number of rows.

    On a terminal it fits the width, has a line of titles, and long cells are cut; piped, a row is a line of whole
    cells separated by tabs. The cells need not be printable.
    """
    if not is_terminal():
        count = 0
        for row in rows:
            print("\t".join(map(printable, row)))  # noqa: T201
            count += 1
        return count
    return _Table(columns).write(rows)


class _Table:
    """A table on a terminal."""

    def __init__(self, columns: Sequence[Column]) -> None:
        from rich.cells import cell_len, set_cell_size

        self._columns = columns
        self._length = cell_len
        self._fit = set_cell_size
        self._ellipsis = "…" if can_write("…") else "~"
        terminal = console()
        self._bold = _style(terminal, "bold")
        self._styles = [_style(terminal, column.style) for column in columns]
        self._shown: list[tuple[int, int]] = []

    def write(self, rows: Iterable[Sequence[str]]) -> int:
        following = iter(rows)
        first = [[one_line(cell) for cell in row] for row in islice(following, LOOKED_AT)]
        if not first:
            return 0
        self._measure(first)
        self._line([column.title for column in self._columns], [self._bold] * len(self._columns))
        count = 0
        for row in chain(first, ([one_line(cell) for cell in row] for row in following)):
            self._line(row, self._styles)
            count += 1
        return count

    def _measure(self, rows: list[list[str]]) -> None:
        """Decides which columns are shown, and how wide: pairs of a column's index and its width."""
        columns = self._columns
        wanted = [
            max(map(self._length, (column.title, *(row[index] for row in rows))))
            for index, column in enumerate(columns)
        ]
        last = len(columns) - 1
        wanted = [
            size if index == last or not column.least else min(size, column.most)
            for index, (column, size) in enumerate(zip(columns, wanted, strict=True))
        ]
        least = [min(size, column.least or size) for column, size in zip(columns, wanted, strict=True)]
        shown = list(range(len(columns)))
        room = width()
        for index in sorted(shown, key=lambda index: -columns[index].drop):
            if columns[index].drop and _needed(least, shown) > room:
                shown.remove(index)
        left = room - _needed(least, shown)
        widths = {index: least[index] for index in shown}
        for index in shown:
            more = max(0, min(wanted[index] - least[index], left))
            widths[index] += more
            left -= more
        # a terminal too narrow even for that: the last column gives way
        widths[shown[-1]] = max(1, widths[shown[-1]] + min(0, left))
        self._shown = [(index, widths[index]) for index in shown]

    def _line(self, cells: Sequence[str], styles: Sequence[tuple[str, str]]) -> None:
        pieces = []
        for index, size in self._shown:
            cell = cells[index]
            length = self._length(cell)
            if length > size:
                cell, length = self._fit(cell, size - 1) + self._ellipsis, size
            before, after = styles[index]
            room = " " * (size - length)
            if self._columns[index].right:
                pieces.append(f"{room}{before}{cell}{after}" if cell else room)
            else:
                pieces.append(f"{before}{cell}{after}{room}" if cell else room)
        print("  ".join(pieces).rstrip(" "))  # noqa: T201


def _needed(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[index] for index in shown) + 2 * (len(shown) - 1)


def _style(terminal: Console, style: str) -> tuple[str, str]:
    """What a terminal is sent before and after text of a style: a console takes far longer for every cell."""
    if not style:
        return "", ""
    with terminal.capture() as capture:
        terminal.print("|", style=style, end="")
    before, _, after = capture.get().partition("|")
    return before, after


# -- progress ----------------------------------------------------------------------------------------------


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
    if not is_terminal(error=True):
        yield lambda steps: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(error=True),
        transient=True,
    ) as bar:
        task = bar.add_task(printable(text), total=total)
        yield lambda steps: bar.advance(task, steps)
