"""The spellings of JSON in which bodies are sent: a body that is one of them stands as JSON, and comes back to the
byte."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson

COMPACT = "compact"
"""The layout of a value where none is named."""

DEEPEST = 240
"""Levels of a value that can be written and read inside the file's own."""

_UNSURE = (b"0.0000", *(b"%de" % digit for digit in range(10)))
"""What may be a number that orjson spells in another way than Python, whose spelling the layouts are."""


def _spelling(**options: Any) -> Callable[[Any], bytes]:
    encoder = json.JSONEncoder(allow_nan=False, **options)
    return lambda value: encoder.encode(value).encode("utf-8")


def _compact(value: Any) -> bytes:
    try:
        quick = orjson.dumps(value)
    except TypeError:
        return _carefully_compact(value)
    for unsure in _UNSURE:
        if unsure in quick:
            return _carefully_compact(value)
    return quick


_carefully_compact = _spelling(separators=(",", ":"), ensure_ascii=False)

LAYOUTS: dict[str, Callable[[Any], bytes]] = {
    COMPACT: _compact,
    "compact ascii": _spelling(separators=(",", ":")),
    "spaced": _spelling(ensure_ascii=False),
    "spaced ascii": _spelling(),
    "indent 2": _spelling(indent=2, ensure_ascii=False),
    "indent 2 ascii": _spelling(indent=2),
    "indent 4": _spelling(indent=4, ensure_ascii=False),
}
"""How a value is spelled, by the name of the layout."""


def fitting(value: Any, text: bytes) -> str | None:
    """The layout in which `text` spells `value`; None where it is none of ours, or can stand in no file.

    Raises:
        RecursionError: it is nested too deeply for that to be found out.
    """
    if is_deep(text, value):
        return None
    return next((layout for layout in _likely(text) if LAYOUTS[layout](value) == text), None)


def _likely(text: bytes) -> Iterator[str]:
    """The layouts that a text may be in, by its first line."""
    is_indented = text[1:2] == b"\n"
    for layout in LAYOUTS:
        if layout.startswith("indent") == is_indented or len(text) == 2:  # {} and [] are the same in all
            yield layout


def is_deep(text: bytes, value: Any) -> bool:
    """Whether a value is nested too deeply to be written inside the file."""
    if text.count(b"[") + text.count(b"{") <= DEEPEST:
        return False
    try:
        orjson.dumps([[[[[[[[value]]]]]]]])
    except TypeError:
        return True
    return False
