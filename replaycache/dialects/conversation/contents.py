"""Messages and their contents, whichever provider's: the readings know the forms."""

from __future__ import annotations

from typing import Any

from ..readings import READINGS
from ..values import Kind, Part, Turn, as_dict, as_json, as_list, as_text, media, text_part

DEPTH = 6
"""Contents inside contents (a tool's result has parts of its own) that are gone into."""

_REASONING = tuple(dict.fromkeys(name for reading in READINGS for name in reading.reasoning))
_CONTENTS = tuple(name for reading in READINGS for name in reading.contents)
_TYPES = {kind: of for reading in READINGS for kind, of in reading.part_types.items()}
_MEMBERS = {name: read for reading in READINGS for name, read in reading.part_members.items()}
_RESULTS = ("tool", "function")
"""Roles of messages that bring a tool's result."""


class AnyContents:
    """Reads messages and their contents."""

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth

    def message(self, value: dict[str, Any], role: str = "") -> Turn:
        """A message: a role with content, tool calls, reasoning and a refusal beside it."""
        role = as_text(value.get("role")) or role
        found = [part for name in _REASONING for part in text_part(value.get(name), "reasoning")]
        if role in _RESULTS and value.get("content") is not None:
            found.append(self._result(value))
        else:
            found += [part for name in _CONTENTS for part in self.parts(value.get(name))]
        for reading in READINGS:
            found += reading.beside(value) if reading.beside else []
        return Turn(role, tuple(found))

    def _result(self, value: dict[str, Any]) -> Part:
        content = value["content"]
        text = "\n".join(part.text for part in self.parts(content)) or as_json(content)
        name = as_text(value.get("name")) or as_text(value.get("tool_name"))
        return Part("tool result", text, name, as_text(value.get("tool_call_id")))

    def parts(self, content: Any) -> list[Part]:
        """The parts of a content: text, a part, or a list of parts."""
        if isinstance(content, dict):
            return self._part(content)
        items = [content] if isinstance(content, str) else as_list(content)
        return [part for item in items for part in text_part(item) or self._part(as_dict(item))]

    def _part(self, value: dict[str, Any]) -> list[Part]:
        if not value:
            return []
        kind = as_text(value.get("type"))
        if self._depth <= DEPTH:
            found = self._known(kind, value, AnyContents(self._depth + 1))
            if found is not None:
                return found
        return [Part("data", as_json(value), kind if self._depth <= DEPTH else "")]

    def _known(self, kind: str, value: dict[str, Any], inner: AnyContents) -> list[Part] | None:
        for reading in READINGS:
            found = reading.part(kind, value, inner) if reading.part else None
            if found is not None:
                return found
        of = _TYPES.get(kind)
        if of in ("text", "reasoning"):
            text = value.get("text")  # an assistant's is an object, with annotations
            return text_part(text.get("value") if isinstance(text, dict) else text, of)
        if of is not None:
            return [_media(of, kind, value)]
        if isinstance(value.get("text"), str):
            return text_part(value["text"], "reasoning" if value.get("thought") is True else "text")
        for name, read in _MEMBERS.items():
            if isinstance(value.get(name), dict):
                return read(value[name], inner)
        return None


def _media(kind: Kind, type_: str, value: dict[str, Any]) -> Part:
    """An image, a sound or a file: under its type stands what it is, or an object that tells."""
    inner = value.get(type_)
    about = inner if isinstance(inner, dict) else value
    names = ("filename", "file_name", "title", "document_name")
    name = next((as_text(about[key]) for key in names if about.get(key)), "")
    given = inner if isinstance(inner, str) else None
    for key in ("url", "data", "file_data", "file_url", "image_url", "video_url", "file_id"):
        given = given or about.get(key)
    text = as_text(given)
    if len(text) < 100 and text.startswith(("file-", "file_")):
        return Part(kind, text, name)
    return media(kind, text, as_text(about.get("format")), name)
