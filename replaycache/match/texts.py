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

Change = Callable[[str], str]


def changed(value: Any, change: Change, *, is_known: bool) -> Any:
    """A decoded JSON body with its texts changed; names of members stay.

    Args:
        change: gives what takes a text's place.
        is_known: whether a dialect knows the call. Of others every string is taken for text that does not stand
            under the name of a model.
    """
    return _Changing(change, is_known).of(value, "", "", is_inside=False)


_NAMED_BY_USERS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
"""Members of a JSON schema whose own members have names that people gave them, and no API:
https://json-schema.org/draft/2020-12/json-schema-core#section-10"""


class _Changing:
    def __init__(self, change: Change, is_known: bool) -> None:
        self._change = change
        self._is_known = is_known

    def of(self, value: Any, name: str, outer: str, *, is_inside: bool, in_list: bool = False) -> Any:
        """A value with its texts changed.

        Args:
            name: of the member in which it stands, also as an item of a list.
            outer: the name of the object around that.
            is_inside: whether every text in it is one that people wrote.
            in_list: whether it is an item of a list.
        """
        if isinstance(value, str):
            is_text = is_inside or _is_text(name, self._is_known)
            return changed_text(value, self._change) if is_text and not holds_data(name, value) else value
        if isinstance(value, list):
            return [self.of(item, name, outer, is_inside=is_inside, in_list=True) for item in value]
        if not isinstance(value, dict):
            return value
        if not self._is_known and not is_inside and _is_of_model(name):
            return value
        is_inside = is_inside or (self._is_known and self._is_text_object(name, outer, in_list))
        if name in _NAMED_BY_USERS and self._is_known and not is_inside:
            return {member: self.of(item, "", "", is_inside=False) for member, item in value.items()}
        has_texts = self._is_known and f"{name}.*" in TEXT_OBJECTS
        return {
            member: self.of(item, member, name, is_inside=is_inside or (has_texts and not isinstance(item, dict)))
            for member, item in value.items()
        }

    @staticmethod
    def _is_text_object(name: str, outer: str, in_list: bool) -> bool:
        if in_list:
            return f"{name}[]" in TEXT_OBJECTS
        return name in TEXT_OBJECTS or f"{outer}.{name}" in TEXT_OBJECTS


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
