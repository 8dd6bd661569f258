"""What a request asks, as turns, in the first of the readings that says something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import orjson

from ..._models import Request
from ...wire.multipart import NotMultipart, from_listing
from ...wire.multipart import Part as Field
from ..readings import READINGS
from ..values import Part, Turn, as_dict, as_dicts, as_json, as_list, as_text
from .contents import AnyContents

_CONTENTS = AnyContents()
_INSTRUCTIONS = tuple(name for reading in READINGS for name in reading.instructions)
_TEXTS = tuple(dict.fromkeys(name for reading in READINGS for name in reading.asked_texts))


def body_of(request: Request) -> Any:
    """The decoded JSON body; None where it is none."""
    try:
        return orjson.loads(request.body)
    except ValueError:
        return None


def tools_offered(body: Any) -> tuple[str, ...]:
    """The names of the tools that the model may call."""
    tools = as_dict(body).get("tools") or as_dict(as_dict(body).get("toolConfig")).get("tools")
    names = [name for tool in as_dicts(tools) for name in _tool_names(tool)]
    names += [item.get("name") for item in as_dicts(as_dict(body).get("functions"))]
    return tuple(name for name in names if isinstance(name, str) and name)


def _tool_names(tool: dict[str, Any]) -> list[Any]:
    known = (reading.tool_names(tool) for reading in READINGS if reading.tool_names is not None)
    return next(filter(None, known), None) or [
        as_text(tool.get("name")) or as_text(tool.get("type")) or next(iter(tool), "")
    ]


def prompt(request: Request, body: Any = None) -> str:
    """The words that tell this request from others: the last thing the user said, or what else is asked.

    Args:
        body: its decoded body, where the caller has it.
    """
    body = body_of(request) if body is None else body
    for item in reversed(as_dicts(as_dict(body).get("messages"))):  # far from the start of a long conversation
        if item.get("role") == "user":
            text = _words(_CONTENTS.message(item))
            if text:
                return text
    turns = asked(request, body)
    for wanted in ({"user"}, {"", "tool", "function"}, None):
        for turn in reversed(turns):
            if wanted is None or turn.role in wanted:
                text = _words(turn)
                if text:
                    return text
    return ""


def _words(turn: Turn) -> str:
    return " ".join(part.text for part in turn.parts if part.text)


def asked(request: Request, body: Any) -> list[Turn]:
    """The turns of a request: instructions, the messages so far, or the one text that is asked."""
    if isinstance(body, dict) and not isinstance(body.get("multipart"), list):
        return list(_turns(body))
    if isinstance(body, list):
        return [Turn("", (Part("data", as_json(body)),))]
    return _of_form(request)


def _turns(body: dict[str, Any]) -> Iterator[Turn]:
    for name in _INSTRUCTIONS:
        value = body.get(name)
        yield Turn("system", tuple(_CONTENTS.parts(as_dict(value).get("parts", value))))
    said = [_CONTENTS.message(item) for item in as_dicts(body.get("messages"))]
    for reading in READINGS:
        if not said and reading.asked is not None:
            said = [turn for turn in reading.asked(body, _CONTENTS) if turn.parts]
    yield from said or [Turn("user", tuple(part for name in _TEXTS for part in _texts(body.get(name))))]


def _texts(value: Any) -> list[Part]:
    values = as_list(value)
    if values and all(isinstance(item, int) for item in values):
        return [Part("data", f"{len(values):,} tokens")]
    if not values:
        return _CONTENTS.parts(value)
    return [
        part
        for item in values
        for part in ([Part("data", f"{len(item):,} tokens")] if isinstance(item, list) else _CONTENTS.parts(item))
    ]


_ASKED = ("prompt", "input", "text")
"""Fields of a form that are asked; the others are settings."""


def _of_form(request: Request) -> list[Turn]:
    """A form's texts that are asked, and its files."""
    parts: list[Part] = []
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        pairs = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
        parts += (Part("text", value) for name, value in pairs if name in _ASKED)
    elif media_type == "multipart/form-data":
        with suppress(NotMultipart):
            parts += (part for field in from_listing(request.body) for part in _of_field(field))
    return [Turn("user", tuple(parts))] if parts else []


def _of_field(field: Field) -> list[Part]:
    if field.text is not None:
        return [Part("text", field.text)] if field.name in _ASKED else []
    told = f"{field.content_type or field.name}, {field.size:,} bytes"
    return [Part("file", told, field.filename or field.name)]
