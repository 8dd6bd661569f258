"""The members of a request's body, as the shape of a call is told by them."""

from __future__ import annotations

from json import loads
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .._models import Request
from ..wire import multipart
from ..wire.content_encoding import UndecodableContent, decode_whole

MAX_DECODED = 256 << 20
"""A compressed body that inflates to more than this many bytes is not looked into."""


def members(request: Request) -> dict[str, Any] | None:
    """The members of a JSON object, or the fields of a form; None where there is no body, none of another body.

    JSON is read behind a byte order mark too, in UTF-16, and with what only Python reads, as servers do.
    """
    if not request.body:
        return None
    content_type = request.header("content-type") or ""
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        body = decode_whole(request.header("content-encoding"), request.body, MAX_DECODED)
        if media_type == "multipart/form-data":
            return {part.name: part.text or True for part in multipart.parts_of(body, content_type)}
        if media_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(body.decode()))
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = loads(body)
    except (UndecodableContent, multipart.NotMultipart, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
