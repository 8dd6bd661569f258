"""The texts in a body that people wrote: prompts, instructions, what tools got and gave, names of files.

Dialects name the members in which their APIs take them. Whatever else a body holds chooses something (a model, a
file, a state at the server, a setting) or is encoded data: two that differ there are two.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..dialects.registry import TEXT_MEMBERS, TEXT_OBJECTS, holds_data
from ..wire.encoded import contents_of_data_urls

__all__ = ["begins_with_object", "changed", "changed_field", "changed_text"]

Change = Callable[[str], str]


def changed(value: Any, change: Change, *, is_known: bool) -> Any:
    """A decoded JSON body with its texts changed; names of members stay.

    Args:
        value: the body.
        change: gives what takes a text's place.
        is_known: whether a dialect knows the call. Of others every string is taken for text that does not stand
            under the name of a model.
    """
    return _changed(value, "", change, is_known, is_inside=False)


def _changed(value: Any, name: str, change: Change, is_known: bool, is_inside: bool) -> Any:
    if isinstance(value, str):
        is_text = is_inside or _is_text(name, is_known)
        return changed_text(value, change) if is_text and not holds_data(name, value) else value
    if isinstance(value, dict):
        if not is_known and not is_inside and _is_of_model(name):
            return value
        is_inside = is_inside or (is_known and name in TEXT_OBJECTS)
        return {member: _changed(item, member, change, is_known, is_inside) for member, item in value.items()}
    if isinstance(value, list):
        return [_changed(item, name, change, is_known, is_inside) for item in value]
    return value


def _is_text(name: str, is_known: bool) -> bool:
    return name in TEXT_MEMBERS if is_known else not _is_of_model(name)


def _is_of_model(name: str) -> bool:
    return "model" in name.lower()


def changed_field(name: str, text: str, change: Change, *, is_known: bool) -> str:
    """The value of a form's field, changed where it is a text."""
    if not _is_text(name, is_known) or holds_data(name, text):
        return text
    return changed_text(text, change)


def begins_with_object(text: str) -> bool:
    """Whether a text is JSON that holds objects, whatever it was sent as: one value, or one a line."""
    try:
        value, _ = _DECODER.raw_decode(text.lstrip(" \t\n\r"))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value))


_DECODER = json.JSONDecoder(strict=False)


def changed_text(text: str, change: Change) -> str:
    """A text, changed but for the contents of `data:` URLs in it."""
    spans = contents_of_data_urls(text)
    if not spans:
        return change(text)
    parts, last = [], 0
    for start, end in spans:
        parts += [change(text[last:start]), text[start:end]]
        last = end
    return "".join((*parts, change(text[last:])))
