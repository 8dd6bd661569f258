"""Bodies that came in chunks, as lines that people read: one an event, with its offset.

A line is a list. A number at its head is the offset, in seconds from the response's head, of the chunk that begins
with it; a line without one goes on with the chunk before. Then stands what came: text as it is; or an object:

    {"event": "ping", "data": {…}}   a server-sent event whose data is JSON: its fields in their order, one a line
    {"line": {…}}                    a line of JSON
    {"json": {…}}                    a JSON value with nothing around it, as an item of an array
    {"base64": "…"}                  bytes that are no text

A list of pairs at its end tells of chunks that begin within: how many bytes of the line stand before, and the
offset. The JSON of all lines is in the layout that stands beside them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Literal, NamedTuple

import orjson

from ..._models import Body, Chunk, Recording
from ...dialects.framing.sse import begins_with_a_field
from ...system.forking import postponed
from ...wire import url as _url
from ...wire.patterns import lazy_pattern
from ..stored_fields import check_seconds
from .layouts import COMPACT, LAYOUTS, fitting, is_deep
from .nonsense import Nonsense

Framing = Literal["events", "lines", "array", "other"]
"""How a body is divided: server-sent events, lines, the items of a JSON array, or nothing that we know."""

BASE64_WIDTH = 100

_SPACES = ("", ", no space")
_ENDS = {"": "\n", ", crlf": "\r\n"}

EVENT_LAYOUTS = frozenset(f"{layout}{space}{end}" for layout in LAYOUTS for space in _SPACES for end in _ENDS)
"""The layouts of lines: that of their JSON, whether a space stands behind the name of a field, how lines end."""

_event_end = lazy_pattern(r"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)+")
_line_end = lazy_pattern(r"\n")
_field = lazy_pattern(r"(event|data|id|retry):( ?)([^\r\n]*)(\r\n|\n)")
_item = lazy_pattern(r"\s*+[\[,]?+\s*+(?=[{\[])")


class _Piece(NamedTuple):
    """A line's own part of a body: `shown` as JSON, or bytes that are no text."""

    start: int
    end: int
    shown: Any


class _Style(NamedTuple):
    """How the JSON of a stream is spelled."""

    layout: str
    space: bool = True
    crlf: bool = False

    @property
    def name(self) -> str:
        return f"{self.layout}{'' if self.space else _SPACES[1]}{', crlf' if self.crlf else ''}"

    @classmethod
    def named(cls, name: str) -> _Style:
        layout, *more = name.split(", ")
        return cls(layout, "no space" not in more, "crlf" in more)


# -- writing ---------------------------------------------------------------------------------------------------

_BLANK = b"\xef\xbb\xbf \t\r\n"

_streams = lazy_pattern(r"text/event-stream|(ndjson|jsonl|json-lines|stream\+json)")


def framing_of(recording: Recording) -> Framing | None:
    """How the body of an answer is divided; None where it stands in one piece: there is none, it came at once, or
    it is the JSON document of a call that does not stream."""
    body = recording.body
    chunks = list(body)
    data = b"".join(chunk.data for chunk in chunks)
    if not data:
        return None
    media_type = recording.head.header("content-type") or ""
    if (named := _streams().search(media_type)) is not None:
        return "lines" if named[1] else "events"
    shown = data.lstrip(_BLANK)
    if begins_with_a_field(shown):
        return "events"
    if shown[:1] in (b"{", b"[") and recording.complete:
        if shown[:1] == b"[" and len(chunks) > 1 and _answers_in_arrays(recording):
            return "array"
        if "json" in media_type or _is_json(data):
            return None
        first, _, more = shown.partition(b"\n")
        if more and _is_json(first):
            return "lines"
    return "other" if len(chunks) > 1 or chunks[0].offset else None


def _answers_in_arrays(recording: Recording) -> bool:
    with postponed():
        from ...dialects.answering import answering  # who replays need not wait for it

    request = recording.request
    return any(form.is_array for form in answering(request.method, _url.parse(request.url).path).forms)


def _is_json(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except ValueError:
        return False
    return True


def lines_of(body: Body, framing: Framing) -> tuple[list[str], str]:
    """A body as lines, each JSON on one line of the file where it is no long base64; and their layout.

    Args:
        body: content-encoding undone.
        framing: how it is divided.
    """
    chunks = list(body)
    data = b"".join(chunk.data for chunk in chunks)
    rest: list[_Piece] = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if framing == "other":
            return list(_undivided(chunks)), COMPACT
        text = data[: error.start].decode("utf-8")  # it may have been broken off within a character
        rest = [_Piece(error.start, len(data), data[error.start :])]
    pieces = _Divided(text, framing)
    lines = list(_placed(chain(pieces, rest), chunks))
    return lines, (pieces.style or _Style(COMPACT)).name


def _undivided(chunks: list[Chunk]) -> Iterator[str]:
    for data, offset in chunks:
        try:
            shown: Any = data.decode("utf-8")
        except UnicodeDecodeError:
            shown = data
        yield _line([_seconds(offset), shown])


def base64_text(data: bytes) -> str:
    """Bytes in base64, as JSON: in lines where they are many."""
    text = base64.b64encode(data).decode()
    if len(text) <= BASE64_WIDTH:
        return f'"{text}"'
    lines = ",\n".join(f'  "{text[at : at + BASE64_WIDTH]}"' for at in range(0, len(text), BASE64_WIDTH))
    return f"[\n{lines}\n]"


def bytes_of_base64(value: Any) -> bytes:
    """The bytes that stand in base64, in one text or in several.

    Raises:
        Nonsense: it is no base64.
    """
    lines = value if type(value) is list else [value]
    if not all(type(line) is str for line in lines):
        raise Nonsense("is neither text nor a list of texts")
    try:
        return base64.b64decode("".join(lines), validate=True)
    except ValueError as error:
        raise Nonsense(f"is no base64: {error}") from error


class _Divided:
    """The pieces of a text, places counted in bytes. To be gone through once: they take more room than the text.

    Attributes:
        style: of those that are JSON, as far as they were gone through.
    """

    def __init__(self, text: str, framing: Framing) -> None:
        self._text = text
        self._framing = framing
        self.style: _Style | None = None

    def __iter__(self) -> Iterator[_Piece]:
        at = 0
        for piece in _cut(self._text, self._framing):
            end = at + (len(piece) if piece.isascii() else len(piece.encode("utf-8")))
            shown: Any = piece
            found = _as_json(piece, self._framing, self.style)
            if found is not None:
                self.style, shown = found
            yield _Piece(at, end, shown)
            at = end


def _cut(text: str, framing: Framing) -> Iterator[str]:
    if framing == "array":
        yield from _items(text)
        return
    start = 0
    for end in (_event_end() if framing == "events" else _line_end()).finditer(text):
        yield text[start : end.end()]
        start = end.end()
    if start < len(text):
        yield text[start:]


def _items(text: str) -> Iterator[str]:
    """The items of an array, and what stands between them."""
    decode = json.JSONDecoder().raw_decode
    at = 0
    while (before := _item().match(text, at)) is not None:
        start = before.end()
        try:
            _, end = decode(text, start)
        except (ValueError, RecursionError):
            break
        if start > at:
            yield text[at:start]
        yield text[start:end]
        at = end
    if at < len(text):
        yield text[at:]


def _as_json(piece: str, framing: Framing, style: _Style | None) -> tuple[_Style, Any] | None:
    """A piece as an object that holds JSON, in the style of those before; None where it is none, or in another."""
    if framing == "other" or not ("{" in piece or "[" in piece):
        return None
    shown: dict[str, Any]
    if framing == "events":
        fields = _fields(piece)
        if fields is None:
            return None
        shown, space, crlf, raw = fields
    else:
        name = "json" if framing == "array" else "line"
        crlf = framing == "lines" and piece.endswith("\r\n")
        raw = piece.rstrip("\r\n") if framing == "lines" else piece
        shown, space = {name: None}, True
    spelled = raw.encode("utf-8")
    try:
        value = orjson.loads(spelled)
        if type(value) not in (dict, list):
            return None
        if style is None:
            layout = fitting(value, spelled)
            if layout is None:
                return None
            style = _Style(layout, space, crlf)
        elif is_deep(spelled, value):
            return None
        shown["data" if framing == "events" else next(iter(shown))] = value
        return (style, shown) if _spelled(shown, style) == piece.encode("utf-8") else None
    except (ValueError, RecursionError):
        return None


def _fields(piece: str) -> tuple[dict[str, Any], bool, bool, str] | None:
    """The fields of an event, whether a space stands behind their names, whether lines end in CRLF, the data."""
    fields: dict[str, Any] = {}
    space, crlf, data, at = True, False, None, 0
    while (line := _field().match(piece, at)) is not None:
        name, gap, value, end = line.groups()
        if name in fields:
            return None
        fields[name], space, crlf, at = value, gap == " ", end == "\r\n", line.end()
        data = value if name == "data" else data
    return None if data is None else (fields, space, crlf, data)


def _placed(pieces: Iterable[_Piece], chunks: list[Chunk]) -> Iterator[str]:
    """The pieces as lines, with the offsets of the chunks that begin with them and within."""
    starts: list[tuple[int, float]] = []
    at = 0
    for data, offset in chunks:
        starts.append((at, offset))
        at += len(data)
    number = 0
    for start, end, shown in pieces:
        here: list[float] = []
        while number < len(starts) and starts[number][0] == start:
            here.append(starts[number][1])
            number += 1
        within: list[list[float]] = []
        while number < len(starts) and starts[number][0] < end:
            place, offset = starts[number]
            within.append([place - start, _seconds(offset)])
            number += 1
        for offset in here[:-1]:
            yield _line([_seconds(offset), ""])
        yield _line([*map(_seconds, here[-1:]), shown, *([within] if within else [])])
    for _, offset in starts[number:]:
        yield _line([_seconds(offset), ""])


def _seconds(offset: float) -> float:
    return round(offset, 6)


def _line(value: list[Any]) -> str:
    """A line as JSON; bytes stand as an object."""
    if not any(type(one) is bytes for one in value):
        return orjson.dumps(value).decode()
    parts = [
        f'{{"base64":{base64_text(one)}}}' if type(one) is bytes else orjson.dumps(one).decode() for one in value
    ]
    return f"[{','.join(parts)}]"


# -- reading ---------------------------------------------------------------------------------------------------


def body_of(lines: list[Any], layout: str) -> Body:
    """The body that stands in lines.

    Raises:
        Nonsense: a line is none.
    """
    style = _Style.named(layout)
    parts: list[list[bytes]] = []
    offsets: list[float] = []
    for number, line in enumerate(lines):
        try:
            offset, shown, within = _members(line, is_first=not parts)
            if offset is not None:
                offsets.append(offset)
                parts.append([])
            data, at = _spelled(shown, style), 0
            for place, begun in within:
                if not at <= place <= len(data):
                    raise Nonsense("tells of a chunk that begins outside of it")
                parts[-1].append(data[at:place])
                offsets.append(begun)
                parts.append([])
                at = place
            parts[-1].append(data[at:])
        except Nonsense as error:
            raise error.within(number) from error
    return Body.of(Chunk(b"".join(part), offset) for part, offset in zip(parts, offsets, strict=True))


def _members(line: Any, *, is_first: bool) -> tuple[float | None, Any, list[Any]]:
    """The offset of a line, what came, and the chunks that begin within."""
    if type(line) is not list or not line:
        raise Nonsense("is no event; an event is [offset, text], or [text] behind another")
    offset, rest = None, line
    if type(line[0]) in (int, float):
        offset, rest = line[0], line[1:]
        _check_offset(offset)
    within = rest[1] if len(rest) == 2 else []
    if not 1 <= len(rest) <= 2 or type(within) is not list or (is_first and offset is None):
        raise Nonsense("is no event; an event is [offset, text], or [text] behind another")
    for pair in within:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not int:
            raise Nonsense("ends with a list that does not tell of chunks: [[bytes before, offset], …]")
        _check_offset(pair[1])
    return offset, rest[0], within


def _check_offset(offset: Any) -> None:
    try:
        check_seconds("offset", offset)
    except ValueError as error:
        raise Nonsense(f"has a wrong offset: {error}") from error


_ALONE: dict[str, Callable[[Any, _Style], bytes]] = {
    "base64": lambda value, style: bytes_of_base64(value),
    "line": lambda value, style: LAYOUTS[style.layout](value) + (b"\r\n" if style.crlf else b"\n"),
    "json": lambda value, style: LAYOUTS[style.layout](value),
}
_FIELDS = ("event", "data", "id", "retry")


def _spelled(shown: Any, style: _Style) -> bytes:
    """What came, as it was spelled.

    Raises:
        Nonsense: it is neither text nor one of the objects that stand for bytes.
    """
    if type(shown) is str:
        return shown.encode("utf-8")
    if type(shown) is not dict or not shown:
        raise Nonsense("has neither text nor an object in it")
    first = next(iter(shown))
    if first in _ALONE and len(shown) == 1:
        return _ALONE[first](shown[first], style)
    unknown = next((name for name in shown if name not in _FIELDS), None)
    if unknown is not None or "data" not in shown:
        raise Nonsense(
            f"has the member {unknown[:40]!r}, which stands for nothing" if unknown else "has no data in it"
        )
    gap, end = (b": " if style.space else b":"), (b"\r\n" if style.crlf else b"\n")
    pieces: list[bytes] = []
    for name, value in shown.items():
        if name == "data":
            told = LAYOUTS[style.layout](value)
        elif type(value) is str:
            told = value.encode("utf-8")
        else:
            raise Nonsense(f"has a field {name!r} that is no text")
        pieces += (name.encode(), gap, told, end)
    return b"".join((*pieces, end))
