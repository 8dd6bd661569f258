"""Where a member of a JSON text stands, for whoever is to correct it."""

from __future__ import annotations

from collections.abc import Sequence

from ..._printable import printable
from ...wire.json_path import children, skip_space


def path_of(steps: Sequence[str | int]) -> str:
    """How a member is named: `recordings[0].response.status`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:40]}" for step in steps)
    return printable(text.removeprefix("."))


def line_of(text: str, steps: Sequence[str | int]) -> int:
    """The line, from 1 on, in which a member stands; of two of the same name, the last. Of what leads to it, the
    last that is there.
    """
    at = skip_space(text, 0)
    try:
        for step in steps:
            found = _inside(text, at, step)
            if found is None:
                break
            at = found
    except (ValueError, RecursionError):
        pass  # as far as it can be read
    return text.count("\n", 0, at) + 1


def _inside(text: str, at: int, step: str | int) -> int | None:
    """Where the member `step` of the object or list at `at` begins."""
    found = None
    is_object = text[at : at + 1] == "{"
    for number, (name, start, _) in enumerate(children(text, at)):
        if is_object and name == step:
            found = start
        elif not is_object and number == step:
            return start
    return found
