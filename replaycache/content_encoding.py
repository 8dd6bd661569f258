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

__all__ = ["Decoder", "UndecodableContent", "decode_whole", "make_decoder"]

PIECE = 1 << 20
"""No decoder hands out more than this many bytes at once: a small body can inflate a thousandfold."""


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
        self._wbits = zlib.MAX_WBITS | 16 if gzip else zlib.MAX_WBITS
        self._gzip = gzip
        self._inflate: Any = None
        self._any = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate is None:
                self._inflate = zlib.decompressobj(self._wbits)
            try:
                piece = self._inflate.decompress(data, PIECE)
            except zlib.error as error:
                if self._gzip or self._any:
                    raise UndecodableContent(str(error)) from error
                self._wbits, self._inflate, self._any = -zlib.MAX_WBITS, None, True
                continue
            self._any = True
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                data = self._inflate.unused_data
                if not self._gzip:
                    if data:
                        raise UndecodableContent("data after the end of the deflate stream")
                    return
                self._inflate = None

    def end(self) -> None:
        if self._inflate is not None and not self._inflate.eof:
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
            piece = process(data)
        except self._error as error:
            raise UndecodableContent(str(error)) from error
        for start in range(0, len(piece), PIECE):
            yield piece[start : start + PIECE]

    def end(self) -> None:
        if self._any and not self._brotli.is_finished():
            raise UndecodableContent("the compressed data is cut short")


class _Zstd:
    def __init__(self) -> None:
        self._make, self._error = _zstd()
        self._zstd: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._zstd is None:
                self._zstd = self._make()
            try:
                piece = self._zstd.decompress(data)
            except self._error as error:
                raise UndecodableContent(str(error)) from error
            for start in range(0, len(piece), PIECE):
                yield piece[start : start + PIECE]
            data = b""
            if self._zstd.eof:
                data, self._zstd = self._zstd.unused_data, None

    def end(self) -> None:
        if self._zstd is not None:
            raise UndecodableContent("the compressed data is cut short")


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


def make_decoder(content_encoding: str | None) -> Decoder | None:
    """The decoder for a `content-encoding` header; None where there is nothing to undo.

    Raises:
        UndecodableContent: an encoding is unknown, or its library is not installed.
    """
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in ("", "identity")]
    unknown = [name for name in names if name not in _DECODERS]
    if unknown:
        raise UndecodableContent(f"the content-encoding {unknown[0]!r} is unknown")
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
