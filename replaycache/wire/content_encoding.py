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

__all__ = ["Decoder", "UndecodableContent", "decode_whole", "is_known", "make_decoder"]

PIECE = 1 << 20
"""No decoder hands out more than this many bytes at once: a small body can inflate a thousandfold."""

SLICE = 64
"""Bytes that are fed at once to a decoder whose output cannot be bounded otherwise."""

MAX_ENCODINGS = 5


class UndecodableContent(Exception):
    """The content-encoding is unknown here, or the bytes are not what it says."""


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
        while data:
            if self._ended:
                raise UndecodableContent("data after the end of the compressed data")
            if self._inflate is None:
                data = self._first + data
                if len(data) < 2:
                    self._first = data
                    return
                self._first = b""
                self._inflate = zlib.decompressobj(self._wbits(data))
            size = PIECE
            # a piece that is full says that there may be more, even where no input is left
            while data or size == PIECE:
                try:
                    piece = self._inflate.decompress(data, PIECE)
                except zlib.error as error:
                    raise UndecodableContent(str(error)) from error
                data, size = self._inflate.unconsumed_tail, len(piece)
                if piece:
                    yield piece
                if self._inflate.eof:
                    data = self._inflate.unused_data
                    self._ended = not self._gzip
                    self._inflate = None
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
    """Several encodings, undone from the last applied to the first."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> Iterator[bytes]:
        pieces: Iterator[bytes] = iter((data,))
        for decoder in self._decoders:
            pieces = _through(decoder, pieces)
        return pieces

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
    if len(decoders) > 1:
        return _Chain(decoders)
    return decoders[0] if decoders else None


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
