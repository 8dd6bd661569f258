"""What an answer says, as turns, in the first of the readings that says something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..readings import READINGS
from ..values import Part, Turn, as_dict, as_json, as_text, text_part
from .contents import AnyContents

_CONTENTS = AnyContents()
_MESSAGES = tuple(dict.fromkeys(place for reading in READINGS for place in reading.messages))
_TEXTS = {name: role for reading in READINGS for name, role in reading.texts.items()}


def answered(value: Any) -> list[Turn]:
    """The turns of a decoded answer; of one in an unknown form, its JSON."""
    values = value if isinstance(value, list) else [value]
    each = [_turns(item) if isinstance(item, dict) else [] for item in values]
    if each and all(each):
        return [turn for turns in each for turn in turns]
    return [Turn("", (Part("data", as_json(value)),))] if value is not None and value != {} else []


def _turns(value: dict[str, Any]) -> list[Turn]:
    found = ([turn for turn in turns if turn.parts] for turns in _readings_of(value))
    return [*next(filter(None, found), []), *_error(value)]


def _readings_of(value: dict[str, Any]) -> Iterator[Any]:
    for reading in READINGS:
        if reading.turns is not None:
            yield reading.turns(value, _CONTENTS)
    for place in _MESSAGES:
        inner: Any = value
        for name in place:
            inner = as_dict(inner).get(name)
        if isinstance(inner, dict):
            yield [_CONTENTS.message(inner, "assistant")]
    for name, role in _TEXTS.items():
        if isinstance(value.get(name), str):
            beside = _CONTENTS.message({member: value.get(member) for member in ("thinking", "tool_calls")}).parts
            yield [Turn(role, (*text_part(value[name]), *beside))]


def _error(value: dict[str, Any]) -> Iterator[Turn]:
    error = value.get("error")
    if isinstance(error, dict) and error:
        kind = as_text(error.get("type")) or as_text(error.get("status")) or as_text(error.get("code"))
        yield Turn("", (Part("error", as_text(error.get("message")) or as_json(error), kind),))
    elif isinstance(error, str) and error:
        yield Turn("", (Part("error", error),))
    elif as_text(value.get("object")) == "error" or as_text(value.get("type")) == "error":
        yield Turn("", (Part("error", as_text(value.get("message")) or as_json(value)),))
