"""The texts of a recording that are searched: strings of JSON, fields, and what a stream adds up to."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, unquote_plus

from ...dialects.registry import DIALECTS, holds_data
from .finding import find


class Piece(NamedTuple):
    """A text inside a raw one: what it says, where it stands there, and how it is written there."""

    text: str
    start: int
    end: int
    written: Literal["plain", "json", "query", "form"] = "plain"
    path: tuple[str | int, ...] = ()
    name: str = ""
    channel: tuple[Any, ...] | None = None


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its members in their order, doubled names and all."""


_decode = json.JSONDecoder(object_pairs_hook=_Pairs).decode
_LITERAL = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")

_FRAGMENTS = frozenset(
    {
        *(name for dialect in DIALECTS for name in dialect.pieces),
        # in the streams of assistants, realtime sessions and agents
        *("output_text", "parameters", "reasoning_text", "value"),
    }
)
"""The members in which a stream sends an answer a piece at a time. What comes under the same path in event after
event is one text."""

_TELLS_APART = ("type", "event_type", "item_id", "output_index", "content_index", "summary_index", "index")
"""Members of an event that say which text it goes on with."""

_TELLING = re.compile(r"passw|pwd|passphrase|secret|key|token|authorization", re.IGNORECASE)


def _json_pieces(text: str, at: Callable[[int], int], *, events: bool = False) -> list[Piece]:
    """The strings of a JSON text, names too; `at` says where a character of it stands in the raw text."""
    try:
        root = _decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    pieces = []
    spans = (match.span() for match in _LITERAL.finditer(text))
    for (value, path, name, channel), (start, end) in zip(_strings(root, events), spans, strict=True):
        first = at(start) + 1
        pieces.append(Piece(value, first, first + end - start - 2, "json", path, name, channel))
    return pieces


def _strings(root: Any, events: bool) -> Iterator[tuple[str, tuple[str | int, ...], str, tuple[Any, ...] | None]]:
    """Every string in the order of the text: value, path, name, and the text of which it is a fragment."""
    channel: tuple[Any, ...] | None = _event(root) if events and isinstance(root, _Pairs) else None
    stack: list[tuple[Any, tuple[str | int, ...], str, tuple[Any, ...] | None]] = [(root, (), "", channel)]
    while stack:
        value, path, name, channel = stack.pop()
        if isinstance(value, str):
            yield value, path, name, channel if name in _FRAGMENTS else None
        elif isinstance(value, _Pairs):
            for key, item in reversed(value):
                if isinstance(item, (str, list)):
                    stack.append((item, (*path, key), key, None if channel is None else (*channel, key)))
                stack.append((key, (*path, key), "", None))
        elif isinstance(value, list):
            for index, item in reversed(list(enumerate(value))):
                if not isinstance(item, (str, list)):
                    continue
                inner: tuple[Any, ...] | None = None
                if channel is not None:
                    inner = (*channel, _which(item))
                elif events and not path:
                    inner = _event(item) if isinstance(item, _Pairs) else None
                stack.append((item, (*path, index), name, inner))


def _event(root: _Pairs) -> tuple[Any, ...]:
    members = dict(root)
    return tuple(
        value if isinstance(value, (str, int)) else None for value in (members.get(name) for name in _TELLS_APART)
    )


def _which(item: Any) -> Any:
    """What tells the items of a list apart from event to event: their index, where they have one."""
    members = dict(item) if isinstance(item, _Pairs) else {}
    index, thought = members.get("index"), members.get("thought")
    return (index if isinstance(index, int) else None, thought is True)


def plain_pieces(text: str) -> list[Piece]:
    return [Piece(text, 0, len(text))]


def reader_of_body(media_type: str, *, answer: bool) -> Callable[[str], list[Piece]]:
    """What takes a body of this media type apart."""

    def pieces(raw: str) -> list[Piece]:
        if media_type.startswith(("audio/", "image/", "video/")):
            return []
        if media_type == "application/x-www-form-urlencoded":
            return _fields(raw, 0, "form")
        if answer and (media_type == "text/event-stream" or raw.startswith(("data:", "event:"))):
            return _event_pieces(raw)
        skip = 1 if raw.startswith("\ufeff") else 0
        try:
            return _json_pieces(raw[skip:], lambda at: at + skip, events=answer and raw[skip:].lstrip()[:1] == "[")
        except ValueError:
            pass
        return _line_pieces(raw, answer) if raw.lstrip()[:1] in ("{", "[") else plain_pieces(raw)

    return pieces


def pieces_of_lines(raw: str) -> list[Piece]:
    """The strings of an answer that comes in lines, each JSON."""
    return _line_pieces(raw, True)


def _line_pieces(raw: str, answer: bool) -> list[Piece]:
    pieces = []
    for line in _LINE.finditer(raw):
        pieces += _data_pieces([line.span(1)], raw, answer)
    return pieces


def _event_pieces(raw: str) -> list[Piece]:
    pieces: list[Piece] = []
    data: list[tuple[int, int]] = []
    for line in _LINE.finditer(raw):
        start, end = line.span(1)
        if raw.startswith("data:", start):
            data.append((min(end, start + (6 if raw.startswith(" ", start + 5) else 5)), end))
        elif end > start:
            pieces.append(Piece(raw[start:end], start, end))
        if data and (start == end or line.end() == len(raw)):
            pieces += _data_pieces(data, raw, True)
            data = []
    return pieces


def _data_pieces(lines: list[tuple[int, int]], raw: str, answer: bool) -> list[Piece]:
    """The strings in one event, whose data may be on several lines."""
    text = "\n".join(raw[start:end] for start, end in lines)
    try:
        return _json_pieces(text, _places_on(lines), events=answer)
    except ValueError:
        channel = ("data",) if answer else None
        return [Piece(raw[start:end], start, end, channel=channel) for start, end in lines if end > start]


def _places_on(lines: list[tuple[int, int]]) -> Callable[[int], int]:
    """Where in the raw text a character stands, by its place in the text that lines make together."""
    if len(lines) == 1:
        return lines[0][0].__add__
    begins = [0, *accumulate(end - start + 1 for start, end in lines)]

    def at(position: int) -> int:
        index = bisect_right(begins, position) - 1
        return lines[index][0] + position - begins[index]

    return at


_FIELD = re.compile(r"([^&=]*)(?:=([^&]*))?(?:&|\Z)")


def _fields(text: str, offset: int, written: Literal["query", "form"]) -> list[Piece]:
    """The names and values of a query or of a form's body."""
    decode = unquote_plus if written == "form" else unquote
    pieces = []
    for match in _FIELD.finditer(text):
        name = decode(match[1])
        for group, known_as in ((1, ""), (2, name)):
            if match[group]:
                start, end = match.span(group)
                pieces.append(Piece(decode(match[group]), start + offset, end + offset, written, (), known_as))
    return pieces


def pieces_of_url(url: str) -> list[Piece]:
    path, _, query = url.partition("?")
    pieces = [*plain_pieces(url), *_fields(query, len(path) + 1, "query")]
    if "%" in path:
        for match in re.finditer(r"[^/?#]*%[^/?#]*", path):
            pieces.append(Piece(unquote(match[0]), match.start(), match.end(), "query"))
    return pieces


class Hit(NamedTuple):
    """What was found: its kind, what it says, where in which pieces, how often escapes were undone there."""

    name: str
    value: str
    spans: list[tuple[Piece, int, int]]
    depth: int
    assembled: bool = False


_BETWEEN = "\n\0\n"
_LONGEST = 4096
"""Characters of the longest value that is looked at as a whole: by the name of its member, or as encoded data."""


def hits_in(pieces: list[Piece]) -> Iterator[Hit]:
    """What is found in the pieces, in each and where they make up one text.

    In encoded data anything may look like a credential: only as a whole they may be one.
    """
    data = dict.fromkeys(index for index, piece in enumerate(pieces) if holds_data(piece.name, piece.text))
    texts = ["" if index in data else piece.text for index, piece in enumerate(pieces)]
    findings = find(_BETWEEN.join(texts))
    if findings:
        begins = [0, *accumulate(len(text) + len(_BETWEEN) for text in texts)]
        for finding in findings:
            index = bisect_right(begins, finding.start) - 1
            start, end = finding.start - begins[index], min(finding.end - begins[index], len(texts[index]))
            yield Hit(finding.name, finding.value, [(pieces[index], start, end)], finding.depth)
    for index in data:
        yield from _hit_of_whole(pieces[index].text, [pieces[index]])
    for piece in pieces:
        if piece.name and 8 <= len(piece.text) <= _LONGEST:
            yield from _hits_of_member(piece)
    for text, fragments in texts_of(pieces):
        if len(fragments) > 1:
            if holds_data("", text):
                yield from _hit_of_whole(text, fragments)
                continue
            ends = ends_of(fragments)
            for finding in find(text):
                spans = spans_of(fragments, ends, finding.start, finding.end)
                yield Hit(finding.name, finding.value, spans, finding.depth, True)


def texts_of(pieces: list[Piece]) -> Iterator[tuple[str, list[Piece]]]:
    """The texts that the pieces make up, and every piece by itself."""
    channels: dict[tuple[Any, ...], list[Piece]] = {}
    for piece in pieces:
        if piece.channel is not None:
            channels.setdefault(piece.channel, []).append(piece)
    for fragments in channels.values():
        if len(fragments) > 1:
            yield "".join(fragment.text for fragment in fragments), fragments
    for piece in pieces:
        yield piece.text, [piece]


def _hit_of_whole(text: str, fragments: list[Piece]) -> Iterator[Hit]:
    """Encoded data that are a credential from their first character to their last."""
    first, last = len(text) - len(text.lstrip("\r\n")), len(text.rstrip("=\r\n"))
    for finding in find(text) if len(text) <= _LONGEST else ():
        if finding.start <= first and finding.end >= last:
            spans = spans_of(fragments, ends_of(fragments), finding.start, finding.end)
            yield Hit(finding.name, finding.value, spans, finding.depth, len(fragments) > 1)


def _hits_of_member(piece: Piece) -> Iterator[Hit]:
    """What only the name of a member or a parameter gives away."""
    if _TELLING.search(piece.name):
        yield from _behind(f'{piece.name}: "', piece, '"')
    if piece.written in ("query", "form") and _IN_URL.fullmatch(piece.text):
        yield from _behind(f"?{piece.name}=", piece, "")


_IN_URL = re.compile(r"[A-Za-z0-9+/_.~=-]+")


def _behind(head: str, piece: Piece, tail: str) -> Iterator[Hit]:
    for finding in find(f"{head}{piece.text}{tail}"):
        start, end = finding.start - len(head), finding.end - len(head)
        if start >= 0 and end <= len(piece.text):
            yield Hit(finding.name, finding.value, [(piece, start, end)], finding.depth)


def ends_of(fragments: list[Piece]) -> list[int]:
    return [*accumulate(len(fragment.text) for fragment in fragments)]


def spans_of(fragments: list[Piece], ends: list[int], start: int, end: int) -> list[tuple[Piece, int, int]]:
    """The parts of the fragments that make up `start` to `end` of their text, in which each ends at its end."""
    spans = []
    for index in range(bisect_right(ends, start), len(fragments)):
        fragment = fragments[index]
        at = ends[index] - len(fragment.text)
        if at >= end:
            break
        if fragment.text:
            spans.append((fragment, max(start - at, 0), min(end - at, len(fragment.text))))
    return spans
