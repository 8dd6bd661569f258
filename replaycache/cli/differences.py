"""Differences by JSON path, as they are written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from .._models import Request
from .._printable import one_line, printable
from ..engine.nearest import ABSENT, Difference, differences
from .fitting import cells, cut, width
from .output import is_terminal, write

PLACES = 1000
"""Differences between two requests that are looked for."""
SHOWN = 20
"""Differences that are written to a terminal."""
ALIKE = 3
"""Paths with the same values that are written to a terminal."""
SHORT = 12
"""Characters of a value that may stand at several paths by chance."""


def write_differences(found: list[Difference], *, indent: int = 0) -> None:
    """Writes differences: the path, then what stands there on the one side (`-`) and on the other (`+`).

    Where the same stands at several paths, it is written once. On a terminal a long value is cut to a line, around
    the first place at which the two differ, and of many differences the first are written.
    """
    room = width() - indent - 4 if is_terminal() else 0
    groups = _grouped(found)
    shown = groups[:SHOWN] if room else groups
    for paths, before, after in shown:
        start = _first_difference(before, after) if room and max(len(before), len(after)) > room else 0
        for number, path in enumerate(paths):
            if number == ALIKE and room:
                write(f"{' ' * indent}and at {len(paths) - number:,} more paths")
                break
            text = f"{' ' * indent}{'and ' if number else ''}{one_line(path)}"
            write(text, "bold")
        for mark, text, style in (("-", before, "red"), ("+", after, "green")):
            if text:
                write(f"{' ' * indent}  {mark} {_cut(text, start, room)}", style)
    if len(shown) < len(groups):
        write(f"{' ' * indent}and {len(groups) - len(shown):,} more differences")


def fitted(text: str) -> str:
    """A line that is cut to the width of a terminal."""
    return _cut(printable(text), 0, width()) if is_terminal() else printable(text)


def _grouped(found: list[Difference]) -> list[tuple[list[str], str, str]]:
    """The paths at which the same values stand, and these."""
    groups: dict[object, tuple[list[str], str, str]] = {}
    for number, difference in enumerate(found):
        before, after = _shown(difference.recorded), _shown(difference.asked)
        # small numbers and words are the same by chance
        same: object = (before, after) if before and after and len(before) > SHORT else number
        groups.setdefault(same, ([], before, after))[0].append(difference.path)
    return list(groups.values())


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
    if not room or cells(text) <= room:
        return text
    first = 0 if start < room * 2 // 3 else start - room // 3
    rest = f"{'…' if first else ''}{text[first:]}"
    return rest if cells(rest) <= room else f"{cut(rest, room - 1).rstrip()}…"
