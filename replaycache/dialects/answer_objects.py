"""The JSON objects of a body in which a provider tells what an answer used, without decoding all of a large body.

What providers send is one JSON object, an array of them (Gemini), one a line (Ollama, Cohere v1), server-sent
events, or the frames of AWS. A large object is read at its two ends only, and in a way that is exact: a member is
taken only where what stands behind it (or before it) is the rest of the object and nothing else, so that a name
in a text, or deeper inside, is never taken for a member of the object itself.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

import orjson

from .._models import Body
from .answer_events import answer_events
from .framing.aws_event_stream import PRELUDE, is_prelude
from .framing.sse import EventDecoder
from .readings import READINGS
from .token_counts import usage_object

SMALL = 1 << 19
"""Bytes up to which a body is decoded as a whole without a second thought."""
LARGE = 1 << 22
"""Bytes up to which a body is looked through from start to end."""
HEAD = 1 << 16
"""Bytes at the start of a larger body that are looked into."""
TAIL = 1 << 20
"""Bytes at the end of a larger body that are looked into. Of an event that begins before them, as one with an
image may, the last members are read."""
OBJECT_TAIL = 1 << 16
"""Bytes at the end of a large object in which its last members are looked for."""
CANDIDATES = 32
"""Names that are tried at an end of a large object."""

_WORDS = tuple(word for reading in READINGS for word in reading.usage_words)
_NO_USAGE = (b'usage":null', b'usage": null')


@lru_cache
def _members(at: Literal["first", "last"]) -> re.Pattern[bytes]:
    """Matches the names of members at an end of a large object."""
    names = dict.fromkeys(name for reading in READINGS for name in getattr(reading, at))
    return re.compile(rb'"(?:%s)"\s*:' % "|".join(names).encode())


def objects_of(body: Body) -> Iterator[list[dict[str, Any]]]:
    """Readings of a response body, the cheapest first: the objects in which tokens may be told, in order."""
    head, tail, is_whole = _ends(body)
    if len(head) >= PRELUDE and is_prelude(head[:PRELUDE]):
        if is_whole:
            yield [event for _, event in answer_events([tail]).events]
        return
    if head.lstrip()[:1] not in (b"{", b"["):
        if is_whole and not _may_tell(tail):
            return
        yield _marked(head, tail, is_whole)
        if is_whole and len(tail) <= SMALL:
            yield _events(tail)
        return
    if len(tail) <= SMALL and is_whole:
        yield _documents(tail)
        return
    if b"\n" in head.strip() and isinstance(_decoded(head.lstrip().partition(b"\n")[0]), dict):
        yield _marked(head, tail, is_whole)
        return
    yield [ends_of_object(head, tail)]
    if is_whole:
        yield _documents(tail)


def object_of(data: bytes) -> dict[str, Any]:
    """The JSON object that `data` is; of a large one perhaps only the members at its ends. Empty if it is none."""
    if len(data) > SMALL:
        found = ends_of_object(data[:HEAD], data[-OBJECT_TAIL:])
        if "model" in found or len(data) > LARGE:
            return found
    value = _decoded(data)
    return value if isinstance(value, dict) else {}


def ends_of_object(head: bytes, tail: bytes) -> dict[str, Any]:
    """The members at the start and at the end of a large object, or of the last object of an array."""
    return _first_members(head) | _last_members(tail[-OBJECT_TAIL:], in_array=head.lstrip()[:1] == b"[")


def _last_members(tail: bytes, *, in_array: bool) -> dict[str, Any]:
    """The object from the first known name on, if that and what follows are an object of their own."""
    text = tail.rstrip()
    if in_array:
        text = text.removesuffix(b"]").rstrip()
    for start in _starts(_members("last"), text):
        value = _decoded(b"{" + text[start:])
        if isinstance(value, dict):
            return value
    return {}


def _first_members(head: bytes) -> dict[str, Any]:
    """The object up to the last known name before which it could have ended."""
    found: dict[str, Any] = {}
    for start in _starts(_members("first"), head):
        value = _decoded(head[:start].rstrip().removesuffix(b",") + b"}")
        if isinstance(value, dict):
            found = value
    return found


def _starts(names: re.Pattern[bytes], data: bytes) -> Iterator[int]:
    """Where the first few names start, but for those that only end so: their quotation mark is escaped."""
    starts = (name.start() for name in names.finditer(data))
    return islice((start for start in starts if data[start - 1 : start] != b"\\"), CANDIDATES)


def _ends(body: Body) -> tuple[bytes, bytes, bool]:
    """The start and the end of a body, and whether that end is all of it."""
    kept: deque[bytes] = deque()
    head, size, seen = b"", 0, 0
    for segment in body.segments:
        start, end = segment.start, segment.start + sum(segment.lengths)
        seen += end - start
        if len(head) < HEAD:
            head += segment.buffer[start : min(end, start + HEAD - len(head))]
        piece = segment.buffer[start if seen <= LARGE else max(start, end - TAIL) : end]
        kept.append(piece)
        size += len(piece)
        while seen > LARGE and size - len(kept[0]) >= TAIL:
            size -= len(kept.popleft())
    tail = b"".join(kept)
    return head, tail if seen <= LARGE else tail[-TAIL:], seen <= LARGE


def _decoded(data: bytes | None) -> Any:
    try:
        return orjson.loads(data or b"")
    except ValueError:
        return None


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)]


def _documents(data: bytes) -> list[dict[str, Any]]:
    """A JSON object, the objects of an array, or an object a line."""
    value = _decoded(data)
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return _dicts(value)
    return _dicts(_decoded(line) for line in data.split(b"\n") if _may_tell(line))


def _events(data: bytes) -> list[dict[str, Any]]:
    decoder = EventDecoder()
    events = (*decoder.feed(data), *decoder.flush())
    return _dicts(_decoded(event.data) for event in events if event.data and _may_tell(event.data))


def _may_tell(data: bytes) -> bool:
    return any(word in data for word in _WORDS)


def _marked(head: bytes, tail: bytes, is_whole: bool) -> list[dict[str, Any]]:
    """The lines of a stream that hold one of the words; where it is not whole, only if its end has usage.

    What an earlier event told would be less than what was used. Lines are found many times faster than events, and
    no provider is known to spread the JSON of an event over several.
    """
    found = _marked_lines(tail)
    if is_whole:
        return found
    return [*_marked_lines(head), *found] if any(map(usage_object, found)) else []


def _marked_lines(data: bytes) -> list[dict[str, Any]]:
    lines: dict[int, int] = {}
    for word in _WORDS:
        at = data.find(word)
        while at >= 0:
            if data.startswith(_NO_USAGE, at):  # OpenAI: in all chunks but the last
                at = data.find(word, at + len(word))
                continue
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            lines[data.rfind(b"\n", 0, at) + 1] = end
            at = data.find(word, end)
    found = [_decoded(data[start : lines[start]].removeprefix(b"data:")) for start in sorted(lines)]
    if 0 in lines and found[0] is None:
        found[0] = _last_members(data[: lines[0]][-OBJECT_TAIL:], in_array=False)
    return _dicts(found)
