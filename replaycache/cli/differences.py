"""Differences by JSON path, as they are written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from .._models import Request
from ..engine.nearest import ABSENT, Difference, differences
from .output import console, is_terminal, width
from .printable import one_line, printable

__all__ = ["as_json", "request_differences", "write_differences"]

PLACES = 1000
"""Differences between two requests that are looked for."""


def write_differences(found: list[Difference], *, indent: int = 0) -> None:
    """Writes differences: the path, then what stands there on the one side (`-`) and on the other (`+`).

    On a terminal a long value is cut to a line, around the first place at which the two differ.
    """
    from rich.text import Text

    target = console()
    room = width() - indent - 4 if is_terminal() else 0
    for difference in found:
        target.print(Text(" " * indent + one_line(difference.path), "bold"), soft_wrap=True)
        before, after = _shown(difference.recorded), _shown(difference.asked)
        start = _first_difference(before, after) if room and max(len(before), len(after)) > room else 0
        for mark, text, style in (("-", before, "red"), ("+", after, "green")):
            if text:
                line = f"{' ' * indent}  {mark} {_cut(text, start, room)}"
                target.print(Text(line, style), soft_wrap=True)


def request_differences(first: Request, second: Request) -> list[Difference]:
    """Where two requests differ; bodies that are nested too deeply to be gone into differ as a whole."""
    try:
        return differences(first, second, limit=PLACES)
    except RecursionError:
        bodies = [f"{len(request.body):,} bytes, nested too deeply to show" for request in (first, second)]
        plain = differences(replace(first, body=b""), replace(second, body=b""))
        return plain + ([Difference("body", *bodies)] if first.body != second.body else [])


def as_json(difference: Difference) -> dict[str, Any]:
    """A difference for programs: `a` or `b` is missing where nothing stands at the path."""
    sides = {"a": difference.recorded, "b": difference.asked}
    return {"path": difference.path} | {name: value for name, value in sides.items() if value is not ABSENT}


def _shown(value: Any) -> str:
    """A value as JSON on one line; nothing where nothing stands there."""
    if value is ABSENT:
        return ""
    try:
        return printable(json.dumps(value, ensure_ascii=False))
    except (RecursionError, ValueError, TypeError):
        return "(nested too deeply to show)"


def _first_difference(before: str, after: str) -> int:
    at = 0
    while before[at : at + 1] == after[at : at + 1] != "":
        at += 1
    return at


def _cut(text: str, start: int, room: int) -> str:
    """The part of a text around `start` that fits into so many cells; all of it where `room` is 0."""
    from rich.cells import cell_len, set_cell_size

    if not room or cell_len(text) <= room:
        return text
    first = 0 if start < room * 2 // 3 else start - room // 3
    rest = f"{'…' if first else ''}{text[first:]}"
    return rest if cell_len(rest) <= room else f"{set_cell_size(rest, room - 1).rstrip()}…"
