"""Whether a regular expression goes through all ways to divide a text, whose number each character doubles.

Nothing tells that from a pattern alone, and a try tells it at once. Tried is each part of it that may repeat what
is repeated, with all that follows, so that what has to stand before it does not hide it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

_LEAST, _MOST = 8, 44
"""How often a unit stands in a text that is tried: two ways to divide every two characters come to millions."""
_LONGEST = 0.05
"""Seconds of the processor in which any other pattern is through such a text many times over."""
_SIGNS, _RUNS = 64, 8
"""So many characters, and so many words, of a pattern are repeated."""

_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT"})
_Items = list[tuple[Any, Any]]


@lru_cache(maxsize=256)
def text_that_takes_for_ever(pattern: re.Pattern[str]) -> str:
    """The unit of a text, repeated, that a pattern does not come through; empty where there seems to be none."""
    parsed: Any = re._parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)  # type: ignore[attr-defined]  # the tree is nowhere else
    units = _units(pattern.pattern, list(parsed))
    for items in (list(parsed), *_suspects(list(parsed), [])):
        part = pattern
        if len(items) != len(parsed):
            tail = re._parser.SubPattern(parsed.state, items)  # type: ignore[attr-defined]  # as above
            part = re._compiler.compile(tail, pattern.flags & ~re.DEBUG)  # type: ignore[attr-defined]  # as above
        for unit in units:
            if _takes_for_ever(part, unit):
                return unit
    return ""


def _takes_for_ever(pattern: re.Pattern[str], unit: str) -> bool:
    for times in range(_LEAST, _MOST, 2):
        text = f"{unit * times}\0"
        if _seconds(pattern, text) > _LONGEST:
            return _seconds(pattern, text) > _LONGEST  # a collector may have had something to do
    return False


def _seconds(pattern: re.Pattern[str], text: str) -> float:
    began = time.thread_time()
    pattern.search(text)
    return time.thread_time() - began


def _suspects(items: _Items, after: _Items) -> Iterator[_Items]:
    """The ends of a pattern that begin with a repeat of what is repeated, or of one of several."""
    for number, (op, arguments) in enumerate(items):
        rest = [*items[number + 1 :], *after]
        inside = list(_inside(op, arguments))
        if str(op) in _REPEATS and arguments[1] > 1 and any(map(_may_vary, inside)):
            yield [items[number], *rest]
        for part in inside:
            yield from _suspects(part, rest)


def _may_vary(items: _Items) -> bool:
    return any(
        str(op) == "BRANCH" or str(op) in _REPEATS or any(map(_may_vary, _inside(op, arguments)))
        for op, arguments in items
    )


def _inside(op: Any, arguments: Any) -> Iterator[_Items]:
    """What stands in a group, a repeat, or one of several."""
    name = str(op)
    if name == "BRANCH":
        yield from map(list, arguments[1])
    elif name == "GROUPREF_EXISTS":
        yield from (list(part) for part in arguments[1:] if part is not None)
    elif name == "ATOMIC_GROUP":
        yield list(arguments)
    elif name.endswith("REPEAT") or name in ("SUBPATTERN", "ASSERT", "ASSERT_NOT"):
        yield list(arguments[-1])


def _units(text: str, items: _Items) -> list[str]:
    """What a text is made of that is tried: characters of the pattern and others, its words, and pairs of them."""
    signs = [*dict.fromkeys(char for char in text if char.isprintable())][:_SIGNS]
    runs = [*dict.fromkeys(_runs(items))][:_RUNS]
    pairs = ("".join(pair) for pair in product(runs, repeat=2))
    return [*dict.fromkeys(("a", "A", "0", " ", "-", "/", "\n", *signs, *runs, *pairs))]


def _runs(items: _Items) -> Iterator[str]:
    """The words that stand in a pattern as they are."""
    run = ""
    for op, arguments in items:
        if str(op) == "LITERAL":
            run += chr(arguments)
            continue
        if run:
            yield run
            run = ""
        for part in _inside(op, arguments):
            yield from _runs(part)
    if run:
        yield run
