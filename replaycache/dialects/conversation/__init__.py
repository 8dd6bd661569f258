"""A recording as people read it: roles, texts, tool calls; images, sounds and files by name, never their content.

The form of a body is told by its members and not by the host, so that gateways and local servers are understood
too; nothing here fails on a body of another form, and none of it is used to replay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from ..._models import Recording
from ..answer_events import answer_events
from ..usage import model_of
from ..values import Kind, Part, Turn
from .answered import answered
from .asked import asked, body_of, prompt, tools_offered
from .streamed import folded

__all__ = ["Conversation", "Kind", "Part", "Turn", "answer_of", "conversation", "prompt"]

LARGE = 64 << 20
"""Bytes of a response body that are decoded; a larger one is told by its size."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A recording as people read it.

    Attributes:
        model: that was asked; empty where none is named.
        tools: the names of the tools that it may call.
        asked: the turns of the request.
        answered: the turns of the response, a stream put together.
        is_stream: whether the response came as events or lines.
    """

    model: str
    tools: tuple[str, ...]
    asked: tuple[Turn, ...]
    answered: tuple[Turn, ...]
    is_stream: bool


def conversation(recording: Recording) -> Conversation:
    """Reads a recording.

    Raises:
        CorruptRecording: it is damaged.
    """
    request = recording.request
    body = body_of(request)
    value, is_stream = answer_of(recording)
    return Conversation(
        model_of(request),
        tools_offered(body),
        tuple(turn for turn in asked(request, body) if turn.parts),
        tuple(answered(value)) if not isinstance(value, Part) else (Turn("", (value,)),),
        is_stream,
    )


def answer_of(recording: Recording) -> tuple[Any, bool]:
    """The decoded answer, a stream folded into one, and whether it is a stream.

    Of a body that is no JSON it is the part that stands for it; None where there is no body.
    """
    content_type = recording.head.header("content-type") or ""
    media_type = content_type.partition(";")[0].strip().lower()
    if recording.body.size > LARGE:
        return Part("data", _named(media_type, recording.body.size)), False
    data = recording.body.read()
    events, is_stream = answer_events([data], content_type)
    if is_stream:
        return folded(events) or _text(data, media_type), True
    try:
        return orjson.loads(data) if data else None, False
    except ValueError:
        return _text(data, media_type), False


def _text(data: bytes, media_type: str) -> Part | None:
    """A body that is no JSON: its text, or its media type and size."""
    if not data:
        return None
    kind = media_type.partition("/")[0]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and kind not in ("image", "audio", "video"):
        return Part("text", text)
    kinds: dict[str, Kind] = {"image": "image", "audio": "audio", "video": "video"}
    return Part(kinds.get(kind, "file"), _named(media_type, len(data)))


def _named(media_type: str, size: int) -> str:
    return f"{media_type or 'bytes of an unknown type'}, {size:,} bytes"
