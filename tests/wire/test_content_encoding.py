"""Decoders of content-encodings, each fed whole, byte by byte, cut short, and with more behind the end."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from functools import partial

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from replaycache.wire.content_encoding import (
    FREE,
    PIECE,
    UndecodableContent,
    decode_whole,
    make_decoder,
    most_decoded,
)

TEXT = b"data: " + "é€😀".encode() * 40 + random.Random(1).randbytes(300) + b"\n\n"
LIMIT = 1 << 30


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def zstd_without_size(data: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(data) + compressor.flush()


def gzip_with_a_name(data: bytes) -> bytes:
    plain = gzip.compress(data, mtime=0)
    return plain[:3] + b"\x08" + plain[4:10] + b"a.txt\0" + plain[10:]


Encode = Callable[[bytes], bytes]
ENCODINGS: dict[str, tuple[str, Encode]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip-with-a-name": ("gzip", gzip_with_a_name),
    "gzip-stored": ("gzip", lambda data: gzip.compress(data, 0)),
    "deflate": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstd),
    "zstd-without-size": ("zstd", zstd_without_size),
    "gzip-gzip": ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    "deflate-br": ("deflate, br", lambda data: brotli.compress(zlib.compress(data))),
    "zstd-gzip-br": ("zstd,gzip , br", lambda data: brotli.compress(gzip.compress(zstd(data)))),
    "identity-gzip": ("identity, gzip, ", gzip.compress),
    "upper-case": ("GZip", gzip.compress),
}
encodings = pytest.mark.parametrize(("name", "encode"), ENCODINGS.values(), ids=ENCODINGS)


def decode(name: str, pieces: Iterable[bytes]) -> bytes:
    """Pushes the pieces through a decoder and says that the input is over."""
    decoder = make_decoder(name)
    assert decoder is not None
    decoded = b"".join(piece for data in pieces for piece in decoder.feed(data))
    decoder.end()
    return decoded


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@encodings
@pytest.mark.parametrize("data", [b"", b"x", TEXT, b"a" * 100_000], ids=["empty", "one", "text", "long"])
def test_whole(name: str, encode: Encode, data: bytes) -> None:
    assert decode(name, [encode(data)]) == data
    assert decode_whole(name, encode(data), LIMIT) == data


@encodings
def test_byte_by_byte(name: str, encode: Encode) -> None:
    assert decode(name, bytewise(encode(TEXT))) == TEXT


@encodings
@given(data=st.binary(max_size=200), sizes=st.lists(st.integers(0, 9), min_size=1, max_size=30))
@settings(max_examples=15)
def test_in_pieces_of_any_size(name: str, encode: Encode, data: bytes, sizes: list[int]) -> None:
    encoded, pieces, start = encode(data), [], 0
    for size in sizes:
        pieces.append(encoded[start : start + size])
        start += size
    pieces.append(encoded[start:])

    assert decode(name, pieces) == data


@encodings
def test_cut_short_at_every_byte(name: str, encode: Encode) -> None:
    """Never a part of the content as if it were all. (Nothing at all is the content of an empty body.)"""
    encoded = encode(TEXT)
    taken = []
    for length in range(1, len(encoded)):
        for pieces in ([encoded[:length]], bytewise(encoded[:length])) if length < 40 else ([encoded[:length]],):
            try:
                decode(name, pieces)
            except UndecodableContent:
                continue
            taken.append(length)

    assert taken == []


@encodings
def test_no_input_is_an_empty_body(name: str, encode: Encode) -> None:
    """An answer to HEAD, or with status 304, names an encoding and has no body."""
    assert decode(name, []) == decode(name, [b""]) == decode_whole(name, b"", LIMIT) == b""


@encodings
@pytest.mark.parametrize("extra", [b"x", b"\x00", b"more behind the end"])
def test_data_after_the_end(name: str, encode: Encode, extra: bytes) -> None:
    encoded = encode(TEXT) + extra
    for pieces in ([encoded], [encode(TEXT), extra], bytewise(encoded)):
        with pytest.raises(UndecodableContent):
            decode(name, pieces)


MEMBERS = [
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("x-gzip", gzip_with_a_name, id="gzip-with-a-name"),
    pytest.param("zstd", zstd, id="zstd"),
    pytest.param("zstd", zstd_without_size, id="zstd-without-size"),
]


@pytest.mark.parametrize(("name", "encode"), MEMBERS)
@pytest.mark.parametrize(
    "members", [[b"a", b"b"], [TEXT, b"", TEXT], [b"", b""]], ids=["two", "empty-between", "empty"]
)
def test_several_members_or_frames(name: str, encode: Encode, members: list[bytes]) -> None:
    encoded = b"".join(map(encode, members))

    assert decode(name, [encoded]) == b"".join(members)
    assert decode(name, bytewise(encoded)) == b"".join(members)
    assert decode(name, map(encode, members)) == b"".join(members)


@pytest.mark.parametrize(("name", "encode"), MEMBERS)
def test_a_last_member_that_is_cut_short(name: str, encode: Encode) -> None:
    first, second = encode(b"first"), encode(TEXT)
    for length in range(1, len(second)):
        with pytest.raises(UndecodableContent):
            decode(name, [first + second[:length]])


def test_a_zstd_frame_that_is_to_be_skipped() -> None:
    skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"

    assert decode("zstd", [skipped + zstd(TEXT)]) == TEXT
    assert decode("zstd", bytewise(zstd(b"a") + skipped + zstd(TEXT))) == b"a" + TEXT


@encodings
def test_damage(name: str, encode: Encode) -> None:
    """A flipped bit gives the content, or an error of ours; where there is a checksum, never something else."""
    encoded = encode(TEXT)
    checked = "br" not in name and encode not in (raw_deflate, zstd_without_size)
    for index in range(0, len(encoded), 5):
        damaged = bytearray(encoded)
        damaged[index] ^= 0x10
        try:
            decoded = decode(name, [bytes(damaged)])
        except UndecodableContent:
            continue
        assert decoded == TEXT or not checked


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "gzip, br"])
@given(data=st.binary(min_size=1, max_size=60))
@settings(max_examples=60)
def test_any_bytes_decode_or_are_refused(name: str, data: bytes) -> None:
    for pieces in ([data], bytewise(data)):
        try:
            decode(name, pieces)
        except UndecodableContent:
            continue


@pytest.mark.parametrize("value", [None, "", " ", "identity", "Identity, identity", ",,"])
def test_nothing_to_undo(value: str | None) -> None:
    assert make_decoder(value) is None
    assert decode_whole(value, b"as it is", 1) == b"as it is"


@pytest.mark.parametrize("value", ["rot13", "gzip, rot13", "utf-8", "gzip;q=1", "compress", "gzip br", "\xff"])
def test_an_unknown_encoding_is_refused_by_name(value: str) -> None:
    with pytest.raises(UndecodableContent, match="unknown"):
        make_decoder(value)


def test_a_long_chain_is_decoded_or_refused() -> None:
    """A header line of some kilobytes can name thousands of encodings."""
    with pytest.raises(UndecodableContent):
        decode_whole(", ".join(["gzip"] * 3000), b"x", LIMIT)


BIG = b"a" * (3 * PIECE + 1000)
COMPRESSED_WELL = [
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("deflate", zlib.compress, id="deflate"),
    pytest.param("deflate", raw_deflate, id="deflate-raw"),
    pytest.param("br", partial(brotli.compress, quality=5), id="br"),
    pytest.param("zstd", zstd, id="zstd"),
]


@pytest.mark.parametrize(("name", "encode"), COMPRESSED_WELL)
def test_no_piece_is_larger_than_a_piece(name: str, encode: Encode) -> None:
    decoder = make_decoder(name)
    assert decoder is not None

    pieces = list(decoder.feed(encode(BIG)))
    decoder.end()

    assert max(map(len, pieces)) <= PIECE
    assert b"".join(pieces) == BIG


@pytest.mark.parametrize(("name", "encode"), COMPRESSED_WELL)
@pytest.mark.parametrize("more", [-1, 0, 1, 2, 3, 100, 130, 200, 257, 258, 259])
def test_content_that_ends_near_the_end_of_a_piece(name: str, encode: Encode, more: int) -> None:
    """What a decoder still holds when its input is over is not lost."""
    data = b"a" * (PIECE + more)

    assert decode(name, [encode(data)]) == data


@pytest.mark.parametrize(("name", "encode"), COMPRESSED_WELL)
def test_limit(name: str, encode: Encode) -> None:
    assert decode_whole(name, encode(BIG), len(BIG)) == BIG
    with pytest.raises(UndecodableContent, match="inflates to more than"):
        decode_whole(name, encode(BIG), len(BIG) - 1)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("name", "encode"), COMPRESSED_WELL)
def test_a_small_body_that_inflates_a_thousandfold_does_not_fill_the_memory(name: str, encode: Encode) -> None:
    """The limit holds while decoding, not after it."""
    bomb = encode(bytes(64 * PIECE))
    tracemalloc.start()
    try:
        with pytest.raises(UndecodableContent):
            decode_whole(name, bomb, PIECE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 16 * PIECE


def zeros(size: int) -> bytes:
    """gzip of so many zeros, which takes no memory to make."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)), packer.flush()])


BOMBS = {
    "gzip": ("gzip", lambda: zeros(FREE + (1 << 20))),
    "br": ("br", lambda: brotli.compress(bytes(FREE + 1), quality=1)),
    "zstd": ("zstd", lambda: zstandard.compress(bytes(FREE + 1))),
    "in two layers": ("gzip, br", lambda: brotli.compress(zeros(FREE + (1 << 20)), quality=1)),
    "that is a name, and nothing in the end": (
        "gzip, gzip",
        lambda: gzip.compress(b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * FREE + b"\0" + gzip.compress(b"")[10:], 1),
    ),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("bomb", BOMBS)
def test_what_decodes_to_far_more_than_any_answer_is_refused(bomb: str) -> None:
    """However it came, within the bound of memory and of time."""
    name, make = BOMBS[bomb]
    data = make()
    decoder = make_decoder(name)
    assert decoder is not None

    with pytest.raises(UndecodableContent, match="decode to more than 64 MiB"):
        sum(map(len, decoder.feed(data)))


def test_many_members_in_one_piece_take_no_longer_than_one_by_one() -> None:
    """Each copies what stands behind it, which is nearly all of it."""
    members = gzip.compress(b"a", mtime=0) * 50_000

    assert decode("gzip", [members]) == b"a" * 50_000


def test_what_an_answer_decodes_to_is_within_the_bound() -> None:
    """Also where it is a thousand times the same event, and where little of it has come."""
    events = b'data: {"choices":[{"delta":{"content":"ha"}}]}\n\n' * 20_000
    packed = gzip.compress(events, 9)

    assert len(events) < most_decoded(0)
    assert len(events) * (FREE // len(events) + 1) > FREE
    assert decode("gzip", [packed] * 4) == events * 4
