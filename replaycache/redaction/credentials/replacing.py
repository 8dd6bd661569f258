"""Putting placeholders where credentials stand, so that what is left is still valid and still matches."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote

from ..._models import Body, Chunk, Recording, Request
from ...wire.edited_chunks import edited
from .escapes import views_of
from .frames import FramedBody
from .places import media_type_of, regions_of_request, text_of
from .texts import (
    Piece,
    ends_of,
    hits_in,
    pieces_of_lines,
    pieces_of_url,
    plain_pieces,
    reader_of_body,
    spans_of,
    texts_of,
)

_ROUNDS = 8
_EVERYWHERE = 100
"""So many distinct credentials are replaced wherever they stand; of more, only what was found."""


def placeholder(name: str, value: str) -> str:
    """What stands for a credential: the same for the same value, on every machine."""
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"REDACTED-{name}-{digest}"


def replace_in_request(request: Request) -> Request:
    """A request with placeholders for what looks like a credential; it depends on nothing but the request,
    so that the same request, made again, becomes the same."""
    return Replacing().request(request)


def replace(recording: Recording, placeholders: Callable[[str, str], str] = placeholder) -> Recording:
    """A recording with placeholders for what looks like a credential.

    Where a credential spans several events of a stream, the placeholder stands in the first of them and the
    rest of it is gone from the others; chunks stay as many as they were, at the same offsets. What was found
    in the request is replaced wherever it stands in the response. The digest is not touched: it is to be
    made from the request that this gives.

    Args:
        placeholders: given the kind and the value, what to write instead.
    """
    return Replacing(placeholders).recording(recording)


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


class Replacing:
    """Replaces, and remembers by which name each credential is known.

    Args:
        placeholders: given the kind and the value, what to write instead.
        known: kinds by value of what is replaced wherever it stands; where it is given, nothing else is.
    """

    def __init__(
        self, placeholders: Callable[[str, str], str] = placeholder, known: Mapping[str, str] | None = None
    ) -> None:
        self._make = placeholders
        self._finds = known is None
        self._names: dict[str, str] = dict(known or {})

    def request(self, request: Request) -> Request:
        """A request with placeholders; the very object where there is nothing to replace."""
        if self._finds:
            self._learn(pieces for _, pieces in regions_of_request(request))
        url = self._text(request.url, pieces_of_url)
        headers = self._headers(request.headers)
        parse = reader_of_body(media_type_of(request), answer=False)
        body = self._apply([request.body], parse)[0]
        if (url, headers, body) == (request.url, request.headers, request.body):
            return request
        return dataclasses.replace(request, url=url, headers=headers, body=body)

    def recording(self, recording: Recording) -> Recording:
        """A recording with placeholders; the very object where there is nothing to replace."""
        request = self.request(recording.request)
        chunks = list(recording.body)
        bodies = [chunk.data for chunk in chunks]
        framed = FramedBody(b"".join(bodies))
        lines = framed.lines if framed else bodies
        parse = pieces_of_lines if framed else reader_of_body(media_type_of(recording.head), answer=True)
        if self._finds:
            values = [plain_pieces(value) for _, value in recording.head.headers]
            self._learn([parse(text_of(b"".join(lines))), *values])
        headers = self._headers(recording.head.headers)
        changed = self._apply(lines, parse)
        if framed:
            changed = bodies if changed is lines else framed.changed(bodies, changed)
        if request is recording.request and headers == recording.head.headers and changed is bodies:
            return recording
        replaced = recording.with_parts(
            request=request,
            head=dataclasses.replace(recording.head, headers=headers),
            body=None
            if changed is bodies
            else Body.of(Chunk(data, chunk.offset) for data, chunk in zip(changed, chunks, strict=True)),
        )
        replaced.usage = None  # its model may be named by what was replaced
        return replaced

    def _learn(self, regions: Iterable[list[Piece]]) -> None:
        """Notes what is to be replaced wherever it stands."""
        for pieces in regions:
            for hit in hits_in(pieces):
                self._names.setdefault(hit.value, hit.name)

    def _headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, self._text(value, plain_pieces)) for name, value in headers)

    def _text(self, text: str, parse: Callable[[str], list[Piece]]) -> str:
        data = text.encode("utf-8", "surrogatepass")
        return self._apply([data], parse, "surrogatepass")[0].decode("utf-8", "surrogatepass")

    def _apply(
        self, chunks: list[bytes], parse: Callable[[str], list[Piece]], errors: str = "surrogateescape"
    ) -> list[bytes]:
        """The chunks with placeholders; the very list where there is nothing to replace.

        What they hold has been learnt before.
        """
        if not self._names:
            return chunks
        for _ in range(_ROUNDS):
            raw = b"".join(chunks).decode("utf-8", errors)
            edits = self._edits(parse(raw), raw)
            if not edits:
                break
            chunks = _edited(chunks, raw, edits, errors)
        return chunks

    def _edits(self, pieces: list[Piece], raw: str) -> list[_Edit]:
        """The edits of the raw text, in order; one that overlaps another is left to the next round."""
        writer = _Writer(raw)
        wanted = []
        for kind, value, spans, depth in (*self._found(pieces), *self._known(pieces)):
            text = self._make(self._names.setdefault(value, ""), value)
            edits = [
                writer.edit(piece, start, end, "" if index else text, depth)
                for index, (piece, start, end) in enumerate(spans)
            ]
            if value != text:
                wanted.append((kind, -sum(edit.end - edit.start for edit in edits), edits))
        kept: list[_Edit] = []
        starts: list[int] = []
        for _, _, edits in sorted(wanted, key=lambda item: item[:2]):
            places = [bisect_right(starts, edit.start) for edit in edits]
            if not any(
                (place and kept[place - 1].end > edit.start)
                or (place < len(kept) and kept[place].start < edit.end)
                for place, edit in zip(places, edits, strict=True)
            ):
                for edit in edits:
                    place = bisect_right(starts, edit.start)
                    starts.insert(place, edit.start)
                    kept.insert(place, edit)
        return kept

    def _found(self, pieces: list[Piece]) -> Iterator[_Change]:
        for hit in hits_in(pieces) if self._finds else ():
            self._names.setdefault(hit.value, hit.name)
            yield _Change(0 if hit.assembled else 1, hit.value, hit.spans, hit.depth)

    def _known(self, pieces: list[Piece]) -> Iterator[_Change]:
        """What tells nothing where it stands, and is known from elsewhere."""
        if not self._names or (self._finds and len(self._names) > _EVERYWHERE):
            return
        texts = [(view, fragments) for text, fragments in texts_of(pieces) for view in views_of(text)]
        whole = "\0".join(view.text for view, _ in texts)
        there = [value for value in self._names if value in whole]
        if not there:
            return
        known = re.compile("|".join(map(re.escape, sorted(there, key=len, reverse=True))))
        for view, fragments in texts:
            ends = ends_of(fragments)
            for match in known.finditer(view.text):
                start, end = view.place(match.start()), view.place(match.end())
                yield _Change(2, match[0], spans_of(fragments, ends, start, end), view.depth)


class _Change(NamedTuple):
    """What is to be replaced.

    Attributes:
        order: what spans several pieces comes first, what is only known from elsewhere last.
        value: what it says.
        spans: the parts of pieces that make it up.
        depth: how often escapes were undone where it stands.
    """

    order: int
    value: str
    spans: list[tuple[Piece, int, int]]
    depth: int


class _Writer:
    """Turns a change of a piece into an edit of the raw text."""

    def __init__(self, raw: str) -> None:
        self._raw = raw
        self._offsets: dict[int, list[int]] = {}

    def edit(self, piece: Piece, start: int, end: int, text: str, depth: int) -> _Edit:
        for _ in range(depth):
            text = json.dumps(text)[1:-1]
        if piece.written == "json":
            text = json.dumps(text)[1:-1]
        elif piece.written != "plain":
            text = _encode(text, piece)
        if len(piece.text) == piece.end - piece.start:
            return _Edit(piece.start + start, piece.start + end, text)
        offsets = self._offsets.get(piece.start)
        if offsets is None:
            offsets = self._offsets[piece.start] = self._offsets_of(piece)
        if len(offsets) != len(piece.text) + 1:  # bytes that are no text do not say where characters stand
            whole = f"{_encode(piece.text[:start], piece)}{text}{_encode(piece.text[end:], piece)}"
            return _Edit(piece.start, piece.end, whole)
        return _Edit(offsets[start], offsets[end], text)

    def _offsets_of(self, piece: Piece) -> list[int]:
        """Where each character of a piece is written, and where the last of them ends."""
        if piece.written == "json":
            units = _UNIT.finditer(self._raw, piece.start, piece.end)
            return [*(unit.start() for unit in units), piece.end]
        offsets = []
        for unit in _ENCODED.finditer(self._raw, piece.start, piece.end):
            at = unit.start()
            for char in unquote(unit[0]) if unit[0][0] == "%" else unit[0]:
                offsets.append(at)
                at += 3 * len(char.encode("utf-8", "surrogatepass")) if unit[0][0] == "%" else 1
        return [*offsets, piece.end]


def _encode(text: str, piece: Piece) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return quote_plus(data) if piece.written == "form" else quote(data, safe=":@!$'()*,;~")


_ENCODED = re.compile(r"(?:%[0-9a-fA-F]{2})+|.", re.DOTALL)
# one character of a JSON string, as it is written
_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL
)


def _edited(chunks: list[bytes], raw: str, edits: list[_Edit], errors: str) -> list[bytes]:
    """The chunks after the edits of the text that they make up."""
    in_bytes = []
    last = at = 0
    for edit in edits:
        start = at + len(raw[last : edit.start].encode("utf-8", errors))
        at = start + len(raw[edit.start : edit.end].encode("utf-8", errors))
        last = edit.end
        in_bytes.append((start, at, edit.text.encode("utf-8", errors)))
    return edited(chunks, in_bytes)
