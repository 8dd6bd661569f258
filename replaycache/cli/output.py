"""What commands write.

Standard output holds nothing but data when it is piped; notes, progress and errors go to standard error.

    write(text, style)             a line, or several; in a style: "red", "bold cyan", "dim"
    write_json(value)              one JSON document; `write_json_line(value)` for lists: a document a line
    write_field(name, value)       a named value, for what is shown of one thing
    write_table(columns, rows)     rows that fit the terminal; piped, lines of fields separated by tabs, no header
    write_list(items, ...)         a table, such lines, or JSON of each

and in `fitting`

    note(text)                     a line on standard error: "12 recordings", "nothing is stored yet"
    progress(text, total)          a bar on standard error, and only on a terminal

Text of others cannot command the terminal by any of these. Where it is to be one line it passes `printable` or
`one_line` first (`write_table` does that to its cells, `write_field` to its value). Numbers are for people as
`accounts.amounts` has them, and in full, without units, when piped and in JSON: sizes in bytes, times in seconds,
moments as `iso_time`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any, TypeVar

import click

from .._printable import one_line, printable
from .fitting import cells, cut, width, wipe, wrapped

T = TypeVar("T")

LOOKED_AT = 200
"""Rows from which a table takes the widths of its columns; the others are written as they come."""

FIELD = 12
"""Columns before the value of a field."""

json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON.")
"""`@json_option`: the command gets `as_json: bool`."""


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def can_write(text: str) -> bool:
    """Whether standard output's encoding has these characters."""
    if sys.stdout is None:
        return False
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_json(value: Any) -> None:
    """Writes a JSON document in ASCII, indented on a terminal."""
    _line(_json(value, indent=2 if is_terminal() else None))


def write_json_line(value: Any) -> None:
    """Writes one of many JSON documents, on one line, in ASCII."""
    _line(_json(value, indent=None))


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


def write(text: str = "", style: str = "") -> None:
    """Writes a line of text, or several, in a style where there is colour."""
    _line(_styled(printable(text, lines=True), style))


def write_field(name: str, value: str, style: str = "") -> None:
    """Writes `name       value`, and nothing where the value is empty; on a terminal a long one is wrapped."""
    if not value:
        return
    text = printable(value)
    for line in wrapped(text, max(10, width() - FIELD)) if is_terminal() else [text.rstrip()]:
        _line(_styled(f"{name:<{FIELD - 2}}  ", "dim") + _styled(line, style))
        name = ""


def _line(text: str) -> None:
    if is_terminal():
        wipe()
        click.echo(text)  # which older consoles of Windows understand
    else:
        print(text)  # noqa: T201  # click flushes every line, which is slow in a pipe


_STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}


def _styled(text: str, style: str) -> str:
    """Text with what a terminal is sent before and after it: nothing with `NO_COLOR` or `TERM=dumb`."""
    if not (text and style and is_terminal()) or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{';'.join(str(_STYLES[word]) for word in style.split())}m{text}\x1b[0m"


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
        style: as `write` takes it.
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
            _line("\t".join(map(printable, row)))
            count += 1
        return count
    return _Table(columns).write(rows)


def write_list(
    items: Iterable[T],
    *,
    as_json: Callable[[T], object] | None,
    columns: Sequence[Column],
    cells: Callable[[T], Sequence[str]],
    fields: Callable[[T], Sequence[str]],
) -> int:
    """Writes a list as its items come, and returns their number.

    Args:
        as_json: gives an item as JSON, each on a line; None where JSON is not asked for.
        columns: of the table on a terminal.
        cells: gives an item as a row of that.
        fields: gives an item as a line of fields, where it is piped.
    """
    if as_json is None:
        return write_table(columns, map(cells if is_terminal() else fields, items))
    count = 0
    for item in items:
        write_json_line(as_json(item))
        count += 1
    return count


class _Table:
    """A table on a terminal."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._ellipsis = "…" if can_write("…") else "~"
        self._shown: list[tuple[int, int]] = []

    def write(self, rows: Iterable[Sequence[str]]) -> int:
        following = iter(rows)
        first = [[one_line(cell) for cell in row] for row in islice(following, LOOKED_AT)]
        if not first:
            return 0
        self._measure(first)
        self._write([column.title for column in self._columns], ["bold"] * len(self._columns))
        styles = [column.style for column in self._columns]
        count = 0
        for row in chain(first, ([one_line(cell) for cell in row] for row in following)):
            self._write(row, styles)
            count += 1
        return count

    def _measure(self, rows: list[list[str]]) -> None:
        """Decides which columns are shown, and how wide: pairs of a column's index and its width."""
        columns = self._columns
        wanted = [
            max(map(cells, (column.title, *(row[index] for row in rows)))) for index, column in enumerate(columns)
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

    def _write(self, row: Sequence[str], styles: Sequence[str]) -> None:
        pieces = []
        for index, size in self._shown:
            cell = row[index]
            if cells(cell) > size:
                cell = cut(cell, size - 1) + self._ellipsis
            room = " " * (size - cells(cell))
            shown = _styled(cell, styles[index])
            pieces.append(f"{room}{shown}" if self._columns[index].right else f"{shown}{room}")
        _line("  ".join(pieces).rstrip(" "))


def _needed(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[index] for index in shown) + 2 * (len(shown) - 1)
