from __future__ import annotations

import errno
import gzip
import itertools
import json
import random
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Body, Chunk, ResponseHead
from replaycache._models import Segment
from replaycache.dialects.answers import watcher_of
from replaycache.engine.recorder import MEMORY_LIMIT, SEGMENT_BYTES, SEGMENT_CHUNKS, Ending, Recorder
from replaycache.engine.spool import Spool
from replaycache.stores.format import FileSegments

END, CLOSED, BROKEN, CUT = Ending.END, Ending.CLOSED, Ending.FAILED, Ending.CUT
CHAT = "/v1/chat/completions"
JSON = "application/json"
EVENTS = "text/event-stream"
ANSWER = b'{"choices":[{"message":{"content":"h\xc3\xa9"}}]}'
TERMINAL = b"data: [DONE]\n\n"
STREAM = b'data: {"choices":[{"delta":{"content":"h\xc3\xa9"}}]}\n\n' + TERMINAL


def no_spool() -> Spool:
    raise AssertionError("a small body needs no spool")


def recorder(
    content_type: str = JSON,
    *,
    path: str = CHAT,
    spool: Callable[[], Any] = no_spool,
    is_framed: bool = False,
    has_body: bool = True,
    **headers: Any,
) -> Recorder:
    lines = (("content-type", content_type), *((name.replace("_", "-"), text) for name, text in headers.items()))
    head = ResponseHead(200, lines)
    watcher = watcher_of("POST", path, head, dict)
    return Recorder(watcher, head, 100.0, spool, is_framed=is_framed, has_body=has_body)


def fed(made: Recorder, parts: Iterable[bytes]) -> Recorder:
    for number, part in enumerate(parts):
        made.feed(part, 100.0 + number / 1000)
    return made


def ended(made: Recorder, parts: Iterable[bytes], ending: Ending = END) -> bytes | None:
    """The recorded body, or None; whichever it is, it agrees with `is_whole` and with `reason`."""
    fed(made, parts)
    whole = made.is_whole(ending)
    assert made.is_whole(ending) is whole

    body = made.finish(ending)

    assert (body is not None) is whole
    assert bool(made.reason) is not whole
    return None if body is None else body.read()


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


# Whole or not at all

CASES = {
    # what came, and for each ending whether that is the whole answer: END, CLOSED (and CUT), FAILED
    "json, chunked": ((JSON, {"transfer_encoding": "chunked"}), ANSWER, (True, False, False)),
    "json, exact length": ((JSON, {"content_length": str(len(ANSWER))}), ANSWER, (True, True, True)),
    "json, short of its length": ((JSON, {"content_length": str(len(ANSWER) + 1)}), ANSWER, (False, False, False)),
    "json, nothing of its length": ((JSON, {"content_length": "9"}), b"", (False, False, False)),
    "json, longer than its length": ((JSON, {"content_length": "5"}), ANSWER, (True, True, True)),
    "json, no framing": ((JSON, {}), ANSWER, (True, False, False)),
    "json, no framing, parameters": (("Application/JSON; charset=utf-8", {}), ANSWER, (True, False, False)),
    "json, no framing, cut": ((JSON, {}), ANSWER[:-1], (False, False, False)),
    "json, no framing, nothing": ((JSON, {}), b"", (False, False, False)),
    "json, chunked, cut": ((JSON, {"transfer_encoding": "Chunked"}), ANSWER[:-1], (True, False, False)),
    "text, no framing": (("text/plain", {}), b"hello", (True, False, False)),
    "text, empty": (("text/plain", {"content_length": "0"}), b"", (True, True, True)),
    "no content-type": (("", {}), b"\x00\x01", (True, False, False)),
    "length that is no number": (("text/plain", {"content_length": "5, 5"}), b"hello", (True, False, False)),
    "stream": ((EVENTS, {}), STREAM, (True, True, True)),
    "stream, chunked": ((EVENTS, {"transfer_encoding": "chunked"}), STREAM, (True, True, True)),
    "stream, cut": ((EVENTS, {"transfer_encoding": "chunked"}), STREAM[: -len(TERMINAL)], (True, False, False)),
    "stream, cut, no framing": ((EVENTS, {}), STREAM[: -len(TERMINAL)], (False, False, False)),
    "stream, HTTP/2": ((EVENTS, {"is_framed": True}), STREAM[: -len(TERMINAL)], (True, False, False)),
    "stream, nothing": ((EVENTS, {}), b"", (False, False, False)),
    "stream, its terminal event not ended": (
        (EVENTS, {"transfer_encoding": "chunked"}),
        STREAM[:-2],
        (True, False, False),
    ),
    "stream, its terminal event cut by the connection's end": ((EVENTS, {}), STREAM[:-3], (False, False, False)),
    "stream, nothing behind its terminal event": ((EVENTS, {}), STREAM[:-2], (True, False, False)),
    "stream, an error": ((EVENTS, {}), b'data: {"error":{"message":"no"}}\n\n', (True, True, True)),
    "stream, exact length": ((EVENTS, {"content_length": str(len(STREAM))}), STREAM, (True, True, True)),
    "stream, exact length, cut upstream": (
        (EVENTS, {"content_length": str(len(STREAM) - len(TERMINAL))}),
        STREAM[: -len(TERMINAL)],
        (True, True, True),
    ),
    "unknown stream": ((EVENTS, {"path": "/v1/other"}), b"data: x\n\n", (True, False, False)),
    "an image": (
        (EVENTS, {"path": "/v1/images/generations"}),
        b'data: {"type":"image_generation.completed"}\n\n',
        (True, True, True),
    ),
    "no body": ((JSON, {"has_body": False, "content_length": "9"}), b"", (True, True, True)),
    "messages": ((EVENTS, {"path": "/v1/messages"}), b'data: {"type":"message_stop"}\n\n', (True, True, True)),
    "ollama": (("application/x-ndjson", {"path": "/api/chat"}), b'{"done":true}\n', (True, True, True)),
    "ollama, cut": (("application/x-ndjson", {"path": "/api/chat"}), b'{"done":false}\n', (False, False, False)),
}


@pytest.mark.parametrize("how", ["whole", "byte by byte"])
@pytest.mark.parametrize("ending", Ending)
@pytest.mark.parametrize("case", CASES)
def test_complete_or_not_at_all(case: str, ending: Ending, how: str) -> None:
    (content_type, options), data, whole = CASES[case]
    alike = {CUT: CLOSED, Ending.CANCELLED: BROKEN}
    expected = whole[[END, CLOSED, BROKEN].index(alike.get(ending, ending))]
    made = recorder(content_type, **options)

    found = ended(made, [data] if how == "whole" else one_by_one(data), ending)

    assert found == (data if expected else None)


REASONS = {
    "a close": (CLOSED, (JSON, {}), ANSWER, "the caller closed the response before its end"),
    "a failure": (BROKEN, (JSON, {}), ANSWER, "broke off"),
    "no terminal event": (END, (EVENTS, {}), b"data: x\n\n", "does not tell that it is whole"),
    "a short body": (END, (JSON, {"content_length": "99"}), ANSWER, "shorter than its content-length"),
    "cut JSON": (END, (JSON, {}), ANSWER[:-1], "does not tell that it is whole"),
    "cut gzip": (END, ("text/plain", {"content_encoding": "gzip"}), gzip.compress(ANSWER)[:-1], "cut short"),
    "no gzip": (END, (JSON, {"content_encoding": "gzip"}), ANSWER, "content-encoding cannot be undone"),
}


@pytest.mark.parametrize("name", REASONS)
def test_reason_says_why(name: str) -> None:
    ending, (content_type, options), data, reason = REASONS[name]
    made = recorder(content_type, **options)

    assert ended(made, [data], ending) is None
    assert reason in made.reason


@pytest.mark.parametrize(
    ("path", "content_type", "data"),
    [
        ("/v1/chat/completions", JSON, ANSWER),
        ("/v1/messages", JSON, ANSWER),
        ("/v1/responses", JSON, ANSWER),
        ("/v1beta/models/gemini:generateContent", JSON, ANSWER),
        ("/v1beta/models/gemini:streamGenerateContent", JSON, b'[{"candidates":[{}]},\r\n{"candidates":[{}]}]'),
        ("/api/chat", JSON, b'{"message":{},"done":true}'),
        ("/v2/chat", JSON, b'{"id":"1","finish_reason":"COMPLETE","message":{}}'),
        ("/v1/chat", JSON, b'{"text":"hi","generation_id":"1","finish_reason":"COMPLETE"}'),
        ("/v1/chat", JSON, b'{\n "text": "hi",\n "finish_reason": "COMPLETE"\n}\n'),
        ("/v1/generate", JSON, b'{"id":"1","generations":[{"text":"hi"}],"prompt":""}'),
    ],
)
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_an_answer_that_is_no_stream_is_whole_at_its_end(
    path: str, content_type: str, data: bytes, framing: str
) -> None:
    """Endpoints that stream on request answer in one piece by default."""
    length = (
        {"content_length": str(len(data))} if framing == "content-length" else {"transfer_encoding": "chunked"}
    )

    assert ended(recorder(content_type, path=path, **length), [data]) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"logprob":-Infinity}',
        b'{"score":NaN}',
        b'{"text":"\\ud83d"}',
        b"[" * 500 + b"]" * 500,
        b'{"big":123456789012345678901234567890, "a":1, "a":2}',
        b'  {"a": 1.0e5}\r\n',
        b"null",
        b'"text"',
    ],
    ids=lambda data: data[:24].decode(),
)
def test_json_without_framing_that_others_read_is_whole(data: bytes) -> None:
    """HTTP/2 answers often have no content-length. What Python's json reads was not cut short."""
    json.loads(data)

    assert ended(recorder(path="/v1/other"), [data]) == data


def test_json_without_framing_is_refused_wherever_it_is_cut() -> None:
    data = json.dumps({"a": [1, {"b": "ü\n"}, None, True], "c": "}"}).encode()
    for at in range(len(data)):
        assert ended(recorder(), [data[:at]]) is None, at
    assert ended(recorder(), [data]) == data


def test_json_without_framing_is_checked_where_it_went_to_a_spool() -> None:
    data = json.dumps(["x" * 99_000] * 30).encode()

    assert ended(recorder(spool=Spool), pieces(data, range(0, len(data), 65536))) == data
    assert ended(recorder(spool=Spool), pieces(data[:-1], range(0, len(data), 65536))) is None


@pytest.mark.parametrize("length", ["\xb2", "-1", "", " ", "1e3", "0x10", "9" * 30, "+5"])
def test_no_content_length_makes_it_raise(length: str) -> None:
    """A header's bytes are Latin-1 here, where digits are not only 0 to 9."""
    made = recorder("text/plain", content_length=length)
    made.feed(b"hello", 100.0)

    assert (made.finish(END) is None) is bool(made.reason)


@given(
    # what begins as JSON or events do has to be whole as such
    data=st.just(b"") | st.binary(max_size=40).map(lambda data: b"A" + data),
    ending=st.sampled_from(Ending),
    length=st.none() | st.integers(0, 45),
)
def test_what_is_kept_is_what_came(data: bytes, ending: Ending, length: int | None) -> None:
    framing = {} if length is None else {"content_length": str(length)}
    found = ended(recorder("text/plain", **framing), [data], ending)
    whole = ending is END and (length is None or len(data) >= length)

    assert found == (data if whole or (length is not None and len(data) >= length) else None)


def test_failed_is_what_the_stream_said_itself() -> None:
    made = recorder(EVENTS)
    assert not made.watcher.failed
    made.feed(b'data: {"error":{}}\n\n', 100.0)
    assert not made.watcher.failed
    made.feed(b'data: {"error":{"message":"no"}}\n\n', 100.0)
    assert made.watcher.failed
    document = fed(recorder(JSON), [b'{"error":{"message":"no"}}'])
    assert document.finish(END) is not None
    assert document.watcher.failed


def test_is_whole_tells_on_the_way() -> None:
    """Asked before the caller's close, while more may come."""
    made = recorder(EVENTS)
    seen = []
    for part in pieces(STREAM, range(0, len(STREAM), 5)):
        seen.append(made.is_whole(CLOSED))
        made.feed(part, 100.0)

    assert not any(seen)
    assert made.is_whole(CLOSED)
    assert made.is_whole(BROKEN)


# Chunks


def test_chunks_keep_their_boundaries_and_moments() -> None:
    made = recorder("text/plain")
    for data, now in ((b"a", 100.0), (b"bc", 100.25), (b"", 100.5), (b"\x00\xff", 101.0000004), (b"d", 99.0)):
        made.feed(data, now)

    assert made.finish(END) == Body.of(
        [Chunk(b"a", 0), Chunk(b"bc", 0.25), Chunk(b"\x00\xff", 1.0), Chunk(b"d", 0)]
    )


@given(parts=st.lists(st.binary(max_size=9), max_size=40))
def test_any_chunks_are_kept(parts: list[bytes]) -> None:
    body = fed(recorder("text/plain", is_framed=True), parts).finish(END)

    assert body is not None
    assert list(body) == [Chunk(part, number / 1000) for number, part in enumerate(parts) if part]


def test_many_small_chunks() -> None:
    parts = [bytes([number % 256]) * (number % 7 + 1) for number in range(3 * SEGMENT_CHUNKS + 5)]
    body = fed(recorder("text/plain"), parts).finish(END)

    assert body is not None
    assert [chunk.data for chunk in body] == parts
    assert max(len(segment.lengths) for segment in body.segments) < 2 * SEGMENT_CHUNKS


# A large body


def large_parts(size: int) -> list[bytes]:
    source = random.Random(7)
    parts = []
    while size > 0:
        parts.append(source.randbytes(min(size, source.choice([1, 100, 16 << 10, 60_000]))))
        size -= len(parts[-1])
    return parts


@pytest.mark.parametrize("size", [MEMORY_LIMIT, MEMORY_LIMIT + 1, 5 << 20])
def test_a_large_body_goes_to_the_spool_and_comes_back_the_same(size: int) -> None:
    spools = []

    def spool() -> Spool:
        spools.append(Spool())
        return spools[-1]

    parts = large_parts(size)
    made = fed(recorder("text/plain", spool=spool), parts)
    body = made.finish(END)
    del made
    expected = [Chunk(part, number / 1000) for number, part in enumerate(parts)]

    assert body is not None
    assert [chunk.data for chunk in body] == parts
    assert [chunk.offset for chunk in body] == pytest.approx([chunk.offset for chunk in expected], abs=1e-6)
    assert body.size == size
    assert body.read() == b"".join(parts)
    assert body == Body(list(body.segments))
    assert len(spools) == (size > MEMORY_LIMIT)


def test_one_chunk_larger_than_everything() -> None:
    data = random.Random(1).randbytes(MEMORY_LIMIT * 3)
    body = fed(recorder("text/plain", spool=Spool), [b"before", data, b"after"]).finish(END)

    assert body is not None
    assert [chunk.data for chunk in body] == [b"before", data, b"after"]


def test_a_small_body_needs_no_spool() -> None:
    assert ended(recorder("text/plain"), large_parts(MEMORY_LIMIT - 1)) is not None


class FullSpool:
    """A spool on a disk that is full after some segments."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.inner = Spool()

    def append(self, segment: Segment) -> None:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= 1
        self.inner.append(segment)

    @property
    def segments(self) -> FileSegments:
        return self.inner.segments


@pytest.mark.parametrize("room", [0, 1, 6, 11])
def test_a_full_disk_gives_up_without_raising(room: int) -> None:
    """At the first segment, in the middle, and at the last, which `finish` writes."""
    parts = [bytes(SEGMENT_BYTES // 2)] * 23
    made = recorder("text/plain", spool=lambda: FullSpool(room))

    assert fed(made, parts).finish(END) is None
    assert "No space left" in made.reason
    assert "no room to record it" in made.reason


def test_no_place_for_a_spool_gives_up_without_raising() -> None:
    def nowhere() -> Spool:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    made = recorder("text/plain", spool=nowhere)

    assert fed(made, large_parts(3 << 20)).finish(END) is None
    assert "No usable temporary directory" in made.reason


def test_after_giving_up_nothing_is_kept() -> None:
    made = recorder("text/plain", content_encoding="gzip")
    made.feed(b"no gzip", 100.0)
    reason = made.reason
    made.feed(gzip.compress(b"hello"), 100.0)

    assert made.reason == reason
    assert not made.is_whole(END)
    assert made.finish(END) is None


# Content-encodings


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "gzip of two members": ("gzip", lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without its wrapper": ("deflate", deflate_raw),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd of two frames": ("zstd", lambda data: zstandard.compress(data[:20]) + zstandard.compress(data[20:])),
    "zstd without a size": (
        "zstd",
        lambda data: zstandard.ZstdCompressor(write_content_size=False).compress(data),
    ),
    "gzip, then br": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    "identity": ("identity", bytes),
    "none": ("", bytes),
}
TEXT = b"The answer is 42. " * 20
encodings = pytest.mark.parametrize("encoding", ENCODINGS)


@encodings
def test_the_encoding_is_undone(encoding: str) -> None:
    name, encode = ENCODINGS[encoding]
    data = encode(TEXT)
    made = recorder("text/plain", content_encoding=name, content_length=str(len(data)))

    assert ended(made, [data]) == TEXT


@encodings
def test_the_encoding_is_undone_byte_by_byte(encoding: str) -> None:
    name, encode = ENCODINGS[encoding]

    assert ended(recorder("text/plain", content_encoding=name), one_by_one(encode(TEXT))) == TEXT


@encodings
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_any_body_in_any_pieces_is_decoded(encoding: str, data: bytes, cuts: list[int]) -> None:
    if encoding == "deflate without its wrapper":
        cuts = [cut for cut in cuts if cut > 2]  # its first two bytes tell which deflate it is; see byte by byte
    name, encode = ENCODINGS[encoding]

    made = recorder("text/plain", path="/v1/other", content_encoding=name)

    assert ended(made, pieces(encode(data), cuts)) == data


@encodings
@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_body_that_inflates_a_thousandfold(encoding: str, size: int) -> None:
    name, encode = ENCODINGS[encoding]
    data = bytes(size)

    assert ended(recorder("text/plain", content_encoding=name, spool=Spool), [encode(data)]) == data


def test_a_body_that_inflates_to_no_end_is_given_up_with_its_reason() -> None:
    bomb = gzip.compress(gzip.compress(gzip.compress(bytes(100 << 20), 1)))
    assert len(bomb) < 4096
    made = recorder("text/plain", content_encoding="gzip, gzip, gzip", spool=Spool)

    assert ended(made, [bomb]) is None
    assert "decode to more than 64 MiB" in made.reason


@pytest.mark.parametrize("encode", [bytes, gzip.compress])
@pytest.mark.parametrize(("size", "is_kept"), [(1000, True), (1001, False)])
def test_a_body_larger_than_its_store_takes_is_given_up_with_its_reason(
    encode: Callable[[bytes], bytes], size: int, is_kept: bool
) -> None:
    head = ResponseHead(200, (("content-encoding", "" if encode is bytes else "gzip"),))
    made = Recorder(watcher_of("POST", CHAT, head, dict), head, 100.0, no_spool, is_framed=True, largest=1000)

    body = ended(made, pieces(encode(b"x" * size), [5, 300]))

    assert (body is not None) is is_kept
    assert made.reason == ("" if is_kept else "its body is larger than the 1,000 bytes that the store keeps")


@pytest.mark.parametrize(("encoding", "data"), [("", b"x" * 11), ("gzip", b"no gzip")])
def test_what_comes_after_it_was_given_up_is_not_held(encoding: str, data: bytes) -> None:
    head = ResponseHead(200, (("content-encoding", encoding),))
    made = Recorder(watcher_of("POST", CHAT, head, dict), head, 100.0, no_spool, is_framed=True, largest=10)
    made.feed(data, 101.0)
    assert made.reason

    made.feed(b"y" * 5, 102.0)

    assert made.size == 0


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "deflate without its wrapper", "br", "zstd", "gzip, then br"]
)
def test_a_compressed_body_is_refused_wherever_it_is_cut(encoding: str) -> None:
    """Where nothing else says that something is missing."""
    name, encode = ENCODINGS[encoding]
    data = encode(TEXT)
    for at in range(1, len(data)):
        made = recorder("text/plain", content_encoding=name)
        assert ended(made, [data[:at]]) is None, at
        assert made.reason


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_damaged_compressed_body_never_raises(encoding: str) -> None:
    name, encode = ENCODINGS[encoding]
    data = encode(TEXT)
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        made = recorder("text/plain", content_encoding=name)
        ended(made, [bytes(damaged)])


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_compressed_stream_is_whole_with_its_terminal_event(encoding: str) -> None:
    """The caller closes behind it, before the end of the compressed data came."""
    name, _ = ENCODINGS[encoding]
    flushed = {"gzip": flushed_gzip, "br": flushed_brotli, "zstd": flushed_zstd}[encoding](STREAM)
    made = recorder(EVENTS, content_encoding=name)

    assert ended(made, one_by_one(flushed), CLOSED) == STREAM
    assert ended(recorder(EVENTS, content_encoding=name), [flushed[:-8]], CLOSED) is None


def flushed_gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


def flushed_brotli(data: bytes) -> bytes:
    packer = brotli.Compressor()
    return bytes(packer.process(data) + packer.flush())


def flushed_zstd(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def test_chunks_of_a_compressed_stream_come_when_their_bytes_came() -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    made = recorder(EVENTS, content_encoding="gzip")
    for number, event in enumerate([b"data: a\n\n", b"data: b\n\n", TERMINAL]):
        made.feed(packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH), 100.0 + number)
    made.feed(packer.flush(), 103.0)
    body = made.finish(END)

    assert body is not None
    assert list(body) == [Chunk(b"data: a\n\n", 0), Chunk(b"data: b\n\n", 1), Chunk(TERMINAL, 2)]


@pytest.mark.parametrize("name", ["lzma", "gzip, compress", "aws-chunked", "*", "x" * 300, "\xe9", "gzip;q=1"])
def test_an_encoding_that_nobody_knows_is_left_as_it_is(name: str) -> None:
    assert ended(recorder("text/plain", content_encoding=name), [b"anything", b"at all"]) == b"anythingat all"


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_an_encoding_around_nothing_is_an_empty_body(name: str) -> None:
    assert ended(recorder("text/plain", content_encoding=name, content_length="0"), []) == b""


@given(data=st.binary(max_size=100), name=st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip"]))
def test_no_bytes_make_it_raise(data: bytes, name: str) -> None:
    ended(recorder(EVENTS, content_encoding=name), [data, data])


@pytest.mark.parametrize(
    "answer", [b'{"candidates":5}', b'{"candidates":[{"index":[]}]}', b'{"candidates":[5]}', b"[]", b"\xff"]
)
def test_no_stream_makes_it_raise(answer: bytes) -> None:
    """`feed` stands between upstream and the caller."""
    made = recorder(EVENTS, path="/v1beta/models/gemini:streamGenerateContent")
    made.feed(b"data: " + answer + b"\n\n", 100.0)

    assert made.finish(END) is None


# Interrupts


def fed_by_asking(made: Recorder, parts: Iterable[bytes]) -> Recorder:
    """As an adapter does: it says so before it asks upstream."""
    for part in parts:
        made.ask(100.0)
        made.feed(part, 100.0)
    return made


def test_a_chunk_that_was_asked_for_and_never_taken_is_lost_when_the_next_is_asked_for() -> None:
    made = fed_by_asking(recorder("text/plain"), [b"one, "])
    assert not made.is_owed
    made.ask(100.0)
    assert made.is_owed

    fed_by_asking(made, [b"three"])

    assert "lost to an interrupt" in made.reason
    assert not made.is_whole(END)
    assert made.finish(CLOSED, partly=True) is None
    assert "lost to an interrupt" in made.reason


@pytest.mark.parametrize("ending", [CLOSED, CUT])
def test_what_came_before_a_chunk_that_is_owed_is_right_as_far_as_it_goes(ending: Ending) -> None:
    made = fed_by_asking(recorder("text/plain"), [b"one, ", b"two, "])
    made.ask(100.0)

    body = made.finish(ending, partly=True)

    assert body is not None
    assert body.read() == b"one, two, "
    assert made.reason.startswith("the caller closed the response before its end")
    assert made.reason.endswith("broke off") is (ending is CUT)


def test_an_end_is_an_answer_to_the_last_question() -> None:
    made = fed_by_asking(recorder("text/plain"), [b"one, ", b"two"])
    made.ask(100.0)

    assert made.is_whole(END)
    assert ended(made, []) == b"one, two"


@pytest.mark.parametrize("options", [{"content_length": "7"}, {"path": "/v1/messages", "content_type": EVENTS}])
def test_what_was_whole_stays_whole_while_more_is_asked_for(options: dict[str, str]) -> None:
    data = b"one two" if "content_length" in options else b'data: {"type":"message_stop"}\n\n'
    made = fed_by_asking(recorder(**{"content_type": "text/plain", **options}), [data])
    made.ask(100.0)

    assert made.is_whole(CLOSED)
    assert made.is_whole(BROKEN)
    assert ended(made, [], BROKEN) == data


class Interrupting(bytearray):
    """A chunk in the middle of whose taking an interrupt comes, once its bytes are counted."""

    def __init__(self, data: bytes, error: BaseException) -> None:
        super().__init__(data)
        self.error = error

    def __len__(self) -> int:
        self.looked = getattr(self, "looked", 0) + 1
        if self.looked > 1:
            raise self.error
        return super().__len__()


def interrupted(error: BaseException, **options: str) -> Recorder:
    made = recorder("text/plain", **options)
    made.ask(100.0)
    made.feed(Interrupting(b"whole", error), 100.0)  # type: ignore[arg-type]  # it looks like bytes
    return made


@pytest.mark.parametrize("ending", Ending)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), TimeoutError("a handler of SIGALRM"), RuntimeError()])
def test_nothing_is_kept_of_a_body_whose_chunk_was_taken_by_half(error: BaseException, ending: Ending) -> None:
    made = recorder("text/plain", content_length="5")
    made.ask(100.0)
    with pytest.raises(type(error)):
        made.feed(Interrupting(b"whole", error), 100.0)  # type: ignore[arg-type]  # it looks like bytes

    assert made.is_owed
    assert not made.is_whole(ending)
    assert made.finish(ending, partly=True) is None
    assert "lost to an interrupt" in made.reason


def test_a_lack_of_memory_gives_up_without_raising() -> None:
    made = interrupted(MemoryError(), content_length="5")

    assert made.reason == "there is no memory to record it"
    assert made.finish(END, partly=True) is None


def test_a_lack_of_memory_at_the_end_gives_up_without_raising() -> None:
    class Full:
        def append(self, segment: Segment) -> None:
            raise MemoryError

        segments = None

    made = recorder("text/plain", spool=Full)
    for _ in range(4):
        made.feed(bytes(SEGMENT_BYTES - 1), 100.0)
    made.feed(bytes(100), 100.0)

    assert made.finish(END) is None
    assert made.reason == "there is no memory to record it"


def test_what_comes_while_another_thread_finishes_is_not_taken() -> None:
    made = fed_by_asking(recorder("text/plain"), [b"one, "])
    made.ask(100.0)
    body = made.finish(CLOSED, partly=True)

    made.feed(b"two", 100.0)
    made.ask(100.0)
    made.feed(b"three", 100.0)

    assert body is not None
    assert body.read() == b"one, "


def test_nothing_is_kept_where_another_thread_is_in_the_middle_of_taking() -> None:
    """`finish` comes from within `feed`, which is where a thread would stand."""
    found: list[Body | None] = []

    class Spying(bytearray):
        def __len__(self) -> int:
            found.append(made.finish(CLOSED, partly=True))
            return super().__len__()

    made = fed_by_asking(recorder("text/plain"), [b"one, "])
    made.ask(100.0)
    made.feed(Spying(b"two"), 100.0)  # type: ignore[arg-type]  # it looks like bytes

    assert not any(found)
    assert made.finish(END) is None
