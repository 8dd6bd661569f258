"""Undoing a content-encoding, a piece at a time.

A recording holds what the encoding wrapped, so that it can be read, and replayed where the decoder is not
installed. RFC 9110 section 8.4 names the encodings; RFC 1952 section 2.2 allows a gzip body of several
members, RFC 8878 section 3 a zstd body of several frames.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

PIECE = 1 << 20
"""No decoder hands out more than this many bytes at once: a small body can inflate a thousandfold."""

SLICE = 64
"""Bytes that are fed at once to a decoder whose output cannot be bounded otherwise."""

MEMBER = 1 << 10
"""Bytes that are fed first of every member of a gzip body but the first."""

MAX_ENCODINGS = 5

FREE = 64 << 20
"""Bytes that any input may decode to, however short it is."""

EXPANSION = 100
"""Times its own length that an input may decode to beyond that. Text and JSON shrink to a tenth, the most
repetitive streams to a fortieth; what shrinks to less than this over so many bytes is made to fill a disk."""


def most_decoded(length: int) -> int:
    """How many bytes an input of `length` bytes may decode to; what makes more of it is no content, but a bomb."""
    return max(FREE, EXPANSION * length)


class UndecodableContent(Exception):
    """The content-encoding is unknown here, the bytes are not what it says, or they decode to far more than an
    answer does."""


class Decoder(Protocol):
    """A push decoder."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` decodes to, in pieces of at most `PIECE` bytes."""

    def end(self) -> None:
        """Says that the input is over; raises `UndecodableContent` if it ends in the middle."""


class _Zlib:
    """gzip of any number of members, or deflate with or without its zlib wrapper (RFC 9110 section 8.4.1.2)."""

    def __init__(self, gzip: bool) -> None:
        self._gzip = gzip
        self._first = b""
        self._inflate: Any = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        return _gathered(self._feed(data))

    def _feed(self, data: bytes) -> Iterator[bytes]:
        data, self._first = self._first + data, b""
        at, size = 0, len(data)
        while at < len(data):
            if self._ended:
                raise UndecodableContent("data after the end of the compressed data")
            if self._inflate is None:
                if len(data) - at < 2:
                    self._first = data[at:]
                    return
                self._inflate = zlib.decompressobj(self._wbits(data[at : at + 2]))
            given = data[at : at + size]
            at += len(given)
            # what stands behind the end of a member is copied: where there are many, not all of it each time
            size *= 2
            made = PIECE
            # a piece that is full says that there may be more, even where no input is left
            while given or made == PIECE:
                try:
                    piece = self._inflate.decompress(given, PIECE)
                except zlib.error as error:
                    raise UndecodableContent(str(error)) from error
                given, made = self._inflate.unconsumed_tail, len(piece)
                if piece:
                    yield piece
                if self._inflate.eof:
                    at -= len(self._inflate.unused_data)
                    self._ended = not self._gzip
                    self._inflate = None
                    size = MEMBER
                    break

    def _wbits(self, data: bytes) -> int:
        if self._gzip:
            return zlib.MAX_WBITS | 16
        # RFC 1950 section 2.2: method 8, and the first two bytes are a multiple of 31
        wrapped = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS

    def end(self) -> None:
        if self._inflate is not None or self._first:
            raise UndecodableContent("the compressed data is cut short")


class _Brotli:
    def __init__(self) -> None:
        module = _first_of("brotli", "brotlicffi")
        self._error: type[Exception] = module.error
        self._brotli = module.Decompressor()
        self._any = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._any = self._any or bool(data)
        process = getattr(self._brotli, "process", None) or self._brotli.decompress
        try:
            if not hasattr(self._brotli, "can_accept_more_data"):
                for start in range(0, len(data), SLICE):
                    yield from _cut(process(data[start : start + SLICE]))
                return
            piece = process(data, output_buffer_limit=PIECE)
            while piece:
                yield from _cut(piece)
                piece = process(b"", output_buffer_limit=PIECE)
        except self._error as error:
            raise UndecodableContent(str(error)) from error

    def end(self) -> None:
        if self._any and not self._brotli.is_finished():
            raise UndecodableContent("the compressed data is cut short")


class _Zstd:
    def __init__(self) -> None:
        self._make, self._error = _zstd()
        self._zstd: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), SLICE):
            yield from self._feed(data[start : start + SLICE])

    def _feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._zstd is None:
                self._zstd = self._make()
            try:
                piece = self._zstd.decompress(data)
            except self._error as error:
                raise UndecodableContent(str(error)) from error
            yield from _cut(piece)
            data = b""
            if self._zstd.eof:
                data, self._zstd = self._zstd.unused_data, None

    def end(self) -> None:
        if self._zstd is not None:
            raise UndecodableContent("the compressed data is cut short")


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same in pieces of `PIECE` bytes and a rest, so that what came as one is one."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE:
            joined = held[0] if len(held) == 1 else b"".join(held)
            yield joined[:PIECE]
            held, size = [joined[PIECE:]] if size > PIECE else [], size - PIECE
    if size:
        yield held[0] if len(held) == 1 else b"".join(held)


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _zstd() -> tuple[Callable[[], Any], type[Exception]]:
    module = _first_of("compression.zstd", "backports.zstd", "zstandard")
    if module.__name__ == "zstandard":
        return module.ZstdDecompressor().decompressobj, module.ZstdError
    return module.ZstdDecompressor, module.ZstdError


def _first_of(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise UndecodableContent(f"no decoder is installed: {' or '.join(names)}")


class _Chain:
    """One or several encodings, undone from the last applied to the first, each within `most_decoded`."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders
        self._taken = 0
        self._made = [0] * len(decoders)

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._taken += len(data)
        pieces: Iterator[bytes] = iter((data,))
        for number, decoder in enumerate(self._decoders):
            pieces = self._bounded(number, _through(decoder, pieces))
        return pieces

    def _bounded(self, number: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """What one of them makes: what comes of many layers may be nothing, and take for ever."""
        for piece in pieces:
            self._made[number] += len(piece)
            if self._made[number] > most_decoded(self._taken):
                raise UndecodableContent(
                    f"its first {self._taken:,} bytes decode to more than {most_decoded(self._taken) >> 20} MiB"
                )
            yield piece

    def end(self) -> None:
        for decoder in self._decoders:
            decoder.end()


def _through(decoder: Decoder, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield from decoder.feed(piece)


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}


def _names(content_encoding: str | None) -> list[str]:
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    return [name for name in names if name not in ("", "identity")]


def is_known(content_encoding: str | None) -> bool:
    """Whether clients undo what a `content-encoding` header names; what they do not know they hand on as it is."""
    return all(name in _DECODERS for name in _names(content_encoding))


def make_decoder(content_encoding: str | None) -> Decoder | None:
    """The decoder for a `content-encoding` header; None where there is nothing to undo.

    Raises:
        UndecodableContent: an encoding is unknown, or its library is not installed.
    """
    names = _names(content_encoding)
    unknown = [name for name in names if name not in _DECODERS]
    if unknown:
        raise UndecodableContent(f"the content-encoding {unknown[0]!r} is unknown")
    if len(names) > MAX_ENCODINGS:
        raise UndecodableContent(f"more than {MAX_ENCODINGS} content-encodings")
    decoders = [_DECODERS[name]() for name in reversed(names)]
    return _Chain(decoders) if decoders else None


def decode_whole(content_encoding: str | None, body: bytes, limit: int) -> bytes:
    """A whole body with its content-encoding undone.

    Raises:
        UndecodableContent: it cannot be decoded, is cut short, or is larger than `limit` bytes.
    """
    decoder = make_decoder(content_encoding)
    if decoder is None:
        return body
    pieces, size = [], 0
    for piece in decoder.feed(body):
        size += len(piece)
        if size > limit:
            raise UndecodableContent(f"it inflates to more than {limit} bytes")
        pieces.append(piece)
    decoder.end()
    return b"".join(pieces)
