"""Where a recording holds what looks like a credential: the place and the kind, never the value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..._models import Recording, Request, ResponseHead
from .finding import find
from .frames import FramedBody
from .plausible import is_key
from .texts import Piece, hits_in, pieces_of_lines, pieces_of_url, plain_pieces, reader_of_body


@dataclass(frozen=True, slots=True)
class Place:
    """Where something looks like a credential, and what kind; the value is not told.

    Attributes:
        where: `request.url`, `request.headers.NAME`, `request.body` and a path into it, `response.body`,
            `response.headers.NAME`, or `response.text` for what the events of a stream make up together.
        name: the kind of credential.
    """

    where: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} in {self.where}"


def find_in_request(request: Request) -> list[Place]:
    """Where a request, in the form in which it is stored, holds what looks like a credential."""
    return _places(regions_of_request(request))


def find_in_recording(recording: Recording) -> list[Place]:
    """Where a recording, in the form in which it is stored, holds what looks like a credential.

    The strings of JSON bodies are searched with their escapes undone; contents of files in base64 are not
    searched. The texts that a stream sends a piece at a time are put together and searched as well.
    """
    return _places([*regions_of_request(recording.request), *_of_response(recording)])


def regions_of_request(request: Request) -> Iterator[tuple[str, list[Piece]]]:
    yield "request.url", pieces_of_url(request.url)
    for name, value in request.headers:
        yield f"request.headers.{_safe(name)}", plain_pieces(value)
    yield "request.body", reader_of_body(media_type_of(request), answer=False)(text_of(request.body))


def _of_response(recording: Recording) -> Iterator[tuple[str, list[Piece]]]:
    for name, value in recording.head.headers:
        yield f"response.headers.{_safe(name)}", plain_pieces(value)
    body = recording.body.read()
    framed = FramedBody(body)
    if framed:
        yield "response.body", pieces_of_lines(text_of(b"".join(framed.lines)))
    else:
        yield "response.body", reader_of_body(media_type_of(recording.head), answer=True)(text_of(body))


def _places(regions: Iterable[tuple[str, list[Piece]]]) -> list[Place]:
    places: dict[Place, None] = {}
    for where, pieces in regions:
        is_stream = any(piece.channel for piece in pieces)
        for hit in hits_in(pieces):
            if hit.assembled:
                places[Place("response.text", hit.name)] = None
            else:
                path = () if is_stream else hit.spans[0][0].path
                places[Place(where + _path(path), hit.name)] = None
    return list(places)


_NAME = re.compile(r"[A-Za-z_][\w.-]{0,39}", re.ASCII)


def _safe(name: str) -> str:
    """A name that may be told: no name that may itself be a credential."""
    return name if _NAME.fullmatch(name) and not find(name) and not is_key(name) else "*"


def _path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{_safe(step)}" for step in path)


def media_type_of(message: Request | ResponseHead) -> str:
    return (message.header("content-type") or "").partition(";")[0].strip().lower()


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
