"""What a conversation is made of, and JSON of others read without trust in its form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from .progress import as_dict, as_text

__all__ = [
    "Kind",
    "Part",
    "Turn",
    "as_dict",
    "as_dicts",
    "as_json",
    "as_list",
    "as_text",
    "media",
    "rows",
    "text_part",
    "vectors",
]

SHOWN = 10
"""Rows of a ranking or a list that are shown."""

Kind = Literal[
    "text", "reasoning", "refusal", "tool call", "tool result", "image", "audio", "video", "file", "data", "error"
]


class Part(NamedTuple):
    """A piece of a turn.

    Attributes:
        kind: what it is.
        text: what was said, a tool call's arguments, a tool's result; of an image, a sound or a file what names it
            (its address, or media type and size) and never its content.
        name: of the tool, or of the file.
        id: by which a tool's result names its call.
    """

    kind: Kind
    text: str = ""
    name: str = ""
    id: str = ""


class Turn(NamedTuple):
    """What one side said.

    Attributes:
        role: as the provider calls it: system, developer, user, assistant, model, tool, …; empty where the API
            knows no roles.
        parts: in their order.
    """

    role: str
    parts: tuple[Part, ...]


# -- values of others ----------------------------------------------------------------------------------------


def as_list(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of an array."""
    return [item for item in as_list(value) if isinstance(item, dict)]


def as_json(value: Any) -> str:
    """A value as compact JSON for people; text as it is, nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError, TypeError):
        return "a value that cannot be shown"


def text_part(value: Any, kind: Kind = "text") -> list[Part]:
    """One part, or none where there is no text."""
    return [Part(kind, value)] if isinstance(value, str) and value else []


_DATA_URL = r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*?(;base64)?,"


def media(kind: Kind, source: Any, media_type: str = "", name: str = "") -> Part:
    """An image, a sound or a file by its address, or by its media type and size.

    Args:
        kind: what it is.
        source: an address, a `data:` URL, or base64.
        media_type: where the provider tells it beside.
        name: of the file.
    """
    text = as_text(source)
    found = re.match(_DATA_URL, text[:200])
    if found:
        size = len(text) - found.end()
        return Part(
            kind, _named(found[1] or media_type or kind, _decoded_size(text, size) if found[2] else size), name
        )
    if re.match(r"[a-z][a-z0-9+.-]*://", text[:20]):
        return Part(kind, text if len(text) <= 200 else f"{text[:199]}…", name)
    return Part(kind, _named(media_type or kind, _decoded_size(text, len(text))) if text else media_type, name)


def _decoded_size(text: str, size: int) -> int:
    """Bytes of base64, from its length."""
    return size * 3 // 4 - text[-2:].count("=")


def _named(media_type: str, size: int) -> str:
    return f"{media_type}, {size:,} bytes"


def vectors(found: list[Any], kind: str = "") -> Turn:
    """Embeddings by how many they are and how long."""
    first = found[0] if found else None
    # base64 of four-byte floats, or an array
    of = f"{len(first) * 3 // 16 if isinstance(first, str) else len(as_list(first)):,} numbers"
    many = f"{len(found):,} embeddings of" if len(found) != 1 else "an embedding of"
    return Turn("", (Part("data", f"{many} {of}{f' ({kind})' if kind else ''}"),))


def rows(lines: Iterable[str]) -> Turn:
    """The first few rows of a ranking or a list of verdicts."""
    told = [line for line in lines if line]
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return Turn("", tuple(text_part("\n".join(told[:SHOWN] + more), "data")))
