"""Where a member of a JSON text stands, for whoever is to correct it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]  # it is there, and typeshed has it not

from ..._printable import printable

_SPACE = re.compile(r"[ \t\r\n]*")


def path_of(steps: Sequence[str | int]) -> str:
    """How a member is named: `recordings[0].response.status`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:40]}" for step in steps)
    return printable(text.removeprefix("."))


def line_of(text: str, steps: Sequence[str | int]) -> int:
    """The line, from 1 on, in which a member stands; of two of the same name, the last. Of what leads to it, the
    last that is there.
    """
    at = 0
    try:
        for step in steps:
            found = _inside(text, _after_space(text, at), step)
            if found is None:
                break
            at = found
    except (ValueError, IndexError, RecursionError, StopIteration):
        pass  # as far as it can be read
    return text.count("\n", 0, _after_space(text, at)) + 1


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _inside(text: str, at: int, step: str | int) -> int | None:
    """Where the member `step` of the object or list at `at` begins: at its name, where it has one."""
    decode = json.JSONDecoder().raw_decode
    is_object = text[at] == "{"
    if text[at] not in "{[" or is_object != isinstance(step, str):
        return None
    found, number = None, 0
    at = _after_space(text, at + 1)
    while text[at] not in "}]":
        begins = at
        name: str | int = number
        if is_object:
            name, at = scanstring(text, at + 1)
            at = _after_space(text, at) + 1  # behind the colon
        value = _after_space(text, at)
        if name == step:
            found = value
            if not is_object:
                return begins
        _, at = decode(text, value)
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
        number += 1
    return found
