"""One recording, or one request, as the page shows it: bounded, whatever its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ..._models import Body, Headers, Recording, Request, ResponseHead, Usage
from ..._printable import one_line
from ...accounts.amounts import human_money, human_units
from ...accounts.prices import Prices
from ...dialects.answers import answer_end
from ...dialects.conversation import Conversation, Turn, conversation
from ...dialects.conversation.streamed import said_by_pieces
from ...maintenance.facts import settings, usage_told
from ...maintenance.timeline import timeline
from .excerpts import excerpt, text_excerpt
from .rows import recording_row, request_about
from .shelf import Shelved

READ = 8 << 20
"""Bytes of a body up to which it is read as a conversation: to decode a larger one would keep calls waiting."""
TURNS = 200
"""Turns that are shown, the last."""
PARTS = 500
"""Parts of a turn that are shown."""
TEXT = 40_000
"""Characters of a part that are shown."""
ALL_TEXT = 1_000_000
"""Characters of all parts that are shown."""
BARS = 120
"""Slices of time of a timeline."""
CHUNKS = 2000
"""Chunks that are replayed."""
CHUNK = 4000
"""Characters of a chunk, as it was sent, that are shown."""
ALL_CHUNKS = 400_000
"""Characters of all of them."""


def recording_page(one: Shelved, prices: Prices) -> dict[str, Any]:
    """A recording: its line of the list, the conversation, the stream, both sides as sent, usage and price.

    Raises:
        CorruptRecording: its stored entry is damaged.
    """
    recording = one.recording
    request, head = recording.request, recording.head
    is_large = recording.size > READ
    small = recording.with_parts(body=Body()) if is_large else recording
    read = _read(small)
    usage = usage_told(recording)
    return {
        "row": recording_row(one),
        "sample": recording.sample,
        "request": _request(request, read),
        "response": {
            "code": head.status,
            "headers": _headers(head.headers),
            "left_out": _names(head.left_out),
            "body": excerpt((chunk.data for chunk in recording.body), recording.size),
            "turns": _turns(read.answered if read else ()),
            "too_large": is_large,
            "unread": read is None,
            "complete": recording.complete,
            "verdict": recording.verdict,
            "finish_reasons": []
            if is_large
            else [one_line(one, 100) for one in answer_end(recording).finish_reasons],
        },
        "stream": _stream(recording),
        "usage": None if usage is None else _usage(usage, prices, recording.recorded_at),
    }


def request_page(request: Request) -> dict[str, Any]:
    """A request of which nothing is recorded."""
    return {**request_about(request), **_request(request, _read_request(request))}


def _request(request: Request, read: Conversation | None) -> dict[str, Any]:
    return {
        "method": one_line(request.method, 20),
        "url": one_line(request.url, 2000),
        "headers": _headers(request.headers),
        "left_out": _names(request.left_out),
        "unknown": _names(request.unknown),
        "body": excerpt([request.body], len(request.body)),
        "settings": one_line(settings(request), 1000) if len(request.body) <= READ else "",
        "tools": [one_line(name, 200) for name in islice(read.tools if read else (), 200)],
        "turns": _turns(read.asked if read else ()),
        "too_large": len(request.body) > READ,
    }


def _read_request(request: Request) -> Conversation | None:
    return _read(Recording(request=request, head=ResponseHead(204), body=Body(), digest="", recorded_at=0))


def _read(recording: Recording) -> Conversation | None:
    """The conversation; None where it is nested too deeply to be read, or its request is too large."""
    if len(recording.request.body) > READ:
        recording = recording.with_parts(request=Request(recording.request.method, recording.request.url))
    try:
        return conversation(recording)
    except RecursionError:
        return None


def _headers(headers: Headers) -> list[list[str]]:
    return [[one_line(name, 200), one_line(value, 2000)] for name, value in headers[:200]]


def _names(names: Iterable[str]) -> list[str]:
    return [one_line(name, 200) for name in islice(names, 200)]


def _turns(turns: tuple[Turn, ...]) -> dict[str, Any]:
    """The last turns, and how many are left out before them."""
    left = ALL_TEXT
    told = []
    for turn in reversed(turns[-TURNS:]):
        parts = []
        for part in turn.parts[:PARTS]:
            text, more = text_excerpt(part.text, max(0, min(TEXT, left)))
            left -= len(text)
            parts.append(
                {
                    "kind": part.kind,
                    "text": text,
                    "more": more,
                    "name": one_line(part.name, 200),
                    "id": one_line(part.id, 200),
                }
            )
        told.append({"role": one_line(turn.role, 40), "parts": parts, "more": max(0, len(turn.parts) - PARTS)})
    return {"turns": told[::-1], "before": max(0, len(turns) - TURNS)}


def _usage(usage: Usage, prices: Prices, when: float) -> dict[str, Any]:
    has_tokens = bool(usage.input_tokens or usage.output_tokens)
    return {
        "model": one_line(usage.model, 200),
        "input": usage.input_tokens,
        "output": usage.output_tokens,
        "cached": usage.cached_tokens,
        "reasoning": usage.reasoning_tokens,
        "units": one_line(human_units(usage.units, has_tokens=has_tokens)),
        "price": human_money(prices.price_of(usage, when)),
        "no_price": one_line(prices.why_unknown(usage), 120),
    }


# -- streams -----------------------------------------------------------------------------------------------


def _stream(recording: Recording) -> dict[str, Any] | None:
    """When its chunks came, and what each said; None of a body that came at once."""
    body = recording.body
    line = timeline(body, BARS)
    if line.chunks < 2:
        return None
    first = list(islice(body, CHUNKS))
    said = _said(recording, [chunk.data for chunk in first])
    left = ALL_CHUNKS
    chunks = []
    for chunk, parts in zip(first, said, strict=True):
        text, more = text_excerpt(chunk.data[: 4 * CHUNK].decode("utf-8", "replace"), max(0, min(CHUNK, left)))
        left -= len(text)
        chunks.append([chunk.offset, len(chunk.data), text, more or max(0, len(chunk.data) - 4 * CHUNK), parts])
    return {
        "count": line.chunks,
        "bars": list(line.counts),
        "first": line.first,
        "last": line.last,
        "longest_pause": line.longest_pause,
        "chunks": chunks,
    }


def _said(recording: Recording, pieces: list[bytes]) -> Iterator[list[list[str]]]:
    """For each chunk what it adds to the answer, as kinds and texts."""
    if sum(map(len, pieces)) > READ:
        yield from ([] for _ in pieces)
        return
    left = ALL_CHUNKS
    content_type = recording.head.header("content-type") or ""
    for parts in said_by_pieces(pieces, content_type):
        told = []
        for part in parts:
            text, _ = text_excerpt(part.text, max(0, left))
            left -= len(text)
            told.append([part.kind, f"{one_line(part.name, 200)}({text}" if part.name else text])
        yield told
