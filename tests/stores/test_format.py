from __future__ import annotations

import json
import os
import struct
import threading
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from replaycache import Body, Chunk, CorruptRecording, Recording, Request, ResponseHead, StoreError, Usage
from replaycache.stores.format import VERSION, FileSegments, OpenFile, decode, decode_file, encode, encode_segment

from .samples import large, recording
from .strategies import chunks, recordings

GOLDEN = bytes.fromhex(
    "8972706c0d0a1a01a6000000830000007b22737461747573223a3230302c2268656164657273223a5b5b22636f6e7465"
    "6e742d74797065222c22746578742f6576656e742d73747265616d225d2c5b22782d726571756573742d6964222c2272"
    "65712dc3a9225d5d2c22646967657374223a2230306666222c227265636f726465645f6174223a313730303030303030"
    "302e3132352c226c6174656e6379223a302e32352c22636f6d706c657465223a66616c73657d7b226d6574686f64223a"
    "22504f5354222c2275726c223a2268747470733a2f2f6170692e6578616d706c652e636f6d2f76312f6d657373616765"
    "733f626574613d74727565222c2268656164657273223a5b5b22636f6e74656e742d74797065222c226170706c696361"
    "74696f6e2f6a736f6e225d5d7d0a7b2271223a22c3a90a227d030000000b000000080000000000000003000000e80300"
    "0000000000d00700000000000060e3160000000000646174613a20610a0a00ff01000000030000000300000000000000"
    "01000000656e6487010000000000000bc7b08990ef0e68"
)
"""Format 1, as a release wrote it. It stays readable whatever becomes of the format."""


def golden() -> Recording:
    segments = [
        *Body.of([Chunk(b"data: a\n", 0.001), Chunk(b"", 0.002), Chunk(b"\n\x00\xff", 1.5)]).segments,
        *Body.of([Chunk(b"end", 4294.967296)]).segments,
    ]
    return Recording(
        request=Request(
            "POST",
            "https://api.example.com/v1/messages?beta=true",
            (("content-type", "application/json"),),
            b'{"q":"\xc3\xa9\n"}',
        ),
        head=ResponseHead(200, (("content-type", "text/event-stream"), ("x-request-id", "req-\xe9"))),
        body=Body(segments),
        digest="00ff",
        recorded_at=1_700_000_000.125,
        latency=0.25,
        complete=False,
    )


HEAD = {"status": 200, "headers": [], "digest": "", "recorded_at": 0.0, "latency": 0.0, "complete": True}
REQUEST = {"method": "GET", "url": "https://a.example/", "headers": []}


def entry(
    head: Any = HEAD,
    request: Any = REQUEST,
    body: bytes = b"",
    segments: bytes = b"",
    *,
    version: int = 1,
    lengths: Sequence[int] | None = None,
) -> bytes:
    """An entry written by the description of the format alone, with a checksum that fits."""
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    request = (request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n") + body
    written = b"\x89rpl\r\n\x1a" + bytes([version])
    written += struct.pack("<II", *(lengths or (len(head), len(request)))) + head + request + segments
    return written + struct.pack("<QQ", len(written), xxhash.xxh3_64_intdigest(written))


def segment(pieces: Sequence[bytes], *, count: int | None = None, size: int | None = None) -> bytes:
    data = b"".join(pieces)
    return b"".join(
        (
            struct.pack("<II", len(pieces) if count is None else count, len(data) if size is None else size),
            struct.pack(f"<{len(pieces)}I", *map(len, pieces)),
            struct.pack(f"<{len(pieces)}Q", *range(len(pieces))),
            data,
        )
    )


def from_file(data: bytes, directory: Path) -> Recording:
    path = directory / "entry"
    path.write_bytes(data)
    return decode_file(str(path))


@pytest.fixture(params=["memory", "file"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], Recording]:
    """Both ways to read an entry: what follows is true of each."""
    if request.param == "memory":
        return decode
    return lambda data: from_file(data, tmp_path)


def everything(made: Recording) -> tuple[Request, ResponseHead, bytes]:
    """Reads every part, those too that are only decoded when they are asked for."""
    return made.request, made.head, made.body.read()


def test_golden_entry_is_read(read: Callable[[bytes], Recording]) -> None:
    assert read(GOLDEN) == golden()


def test_golden_entry_is_written() -> None:
    """Whoever changes what is written raises `VERSION` and keeps the golden entry readable."""
    assert VERSION == 1
    assert b"".join(encode(golden())) == GOLDEN


def test_what_an_answer_came_to_is_kept(read: Callable[[bytes], Recording]) -> None:
    made = golden()
    usage = Usage("openai", "gpt-4o", 12, 34, 5, 6, 7, "flex", (("input_audio_tokens", 2), ("web_searches", 1.5)))
    measured = Recording(
        request=made.request,
        head=made.head,
        body=made.body,
        digest=made.digest,
        recorded_at=made.recorded_at,
        usage=usage,
        size=14,
        duration=4294.967296,
    )

    kept = read(b"".join(encode(measured)))

    assert (kept.usage, kept.size, kept.duration, kept.measured) == (usage, 14, 4294.967296, True)
    assert not read(GOLDEN).measured
    assert (read(GOLDEN).usage, read(GOLDEN).size, read(GOLDEN).duration) == (None, 14, 4295.217296)


@pytest.mark.parametrize("usage", [[], ["openai"], {}, "text", [1, 2, 3, 4, 5, 6, 7, 8, 9]])
def test_a_usage_of_another_form_is_damage(read: Callable[[bytes], Recording], usage: Any) -> None:
    with pytest.raises(CorruptRecording):
        everything(read(entry({**HEAD, "usage": usage})))


def test_an_entry_by_the_description_is_read(read: Callable[[bytes], Recording]) -> None:
    made = read(
        entry(
            {**HEAD, "status": 404, "headers": [["a", "b"], ["a", "c"]]},
            REQUEST,
            b"\n\nbody",
            segment([b"ab", b"", b"c"]) + segment([]) + segment([b"d"]),
        )
    )

    assert made.head == ResponseHead(404, (("a", "b"), ("a", "c")))
    assert made.request == Request("GET", "https://a.example/", (), b"\n\nbody")
    assert list(made.body) == [Chunk(b"ab", 0), Chunk(b"", 1e-6), Chunk(b"c", 2e-6), Chunk(b"d", 0)]


def test_unknown_fields_are_passed_over(read: Callable[[bytes], Recording]) -> None:
    """A field that a later version adds without need of a new format."""
    made = read(entry({**HEAD, "new": [1]}, {**REQUEST, "new": {}}))

    assert made.head.status == 200
    assert made.request.method == "GET"


@given(made=recordings)
def test_any_recording_round_trips_in_memory(made: Recording) -> None:
    assert decode(b"".join(encode(made))) == made


@given(made=recordings)
@settings(max_examples=60)
def test_file_and_memory_forms_are_equal(made: Recording, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = b"".join(encode(made))
    found = from_file(data, tmp_path_factory.getbasetemp())

    assert found == decode(data) == made
    assert b"".join(encode(found)) == data


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
def test_request_bodies_of_every_size(read: Callable[[bytes], Recording], size: int) -> None:
    body = os.urandom(size)
    made = golden()
    made = Recording(
        request=Request("PUT", "https://a.example/", (), body),
        head=made.head,
        body=made.body,
        digest="",
        recorded_at=0,
    )
    data = b"".join(encode(made))

    assert read(data).request.body == body
    assert len(data) < len(body) + 1000


@given(made=recordings)
def test_the_body_of_a_request_may_be_kept_apart(made: Recording) -> None:
    body = made.request.body
    asked: list[int] = []

    def read(size: int) -> bytes:
        asked.append(size)
        return body

    data = b"".join(encode(made, apart=True))
    found = decode(data, read)

    assert list(found.body) == list(made.body)
    assert not asked, "a hit has no use for it"
    assert found == made
    assert asked == [len(body)]
    assert len(b"".join(encode(made))) - len(data) > len(body) - 100


@pytest.mark.parametrize("other", [None, b"", b"another", b"the bodY", b"the body "])
def test_a_body_that_is_not_the_one_that_was_kept_apart_is_damage(other: bytes | None) -> None:
    request = Request("POST", "https://a.example/", (), b"the body")
    data = b"".join(encode(golden().with_parts(request=request), apart=True))
    found = decode(data, None if other is None else lambda size: other)

    with pytest.raises(CorruptRecording):
        _ = found.request


def test_pieces_are_no_larger_than_the_segments() -> None:
    """A body of any length is written in bounded memory."""
    made = large()
    pieces = list(encode(made))

    assert len(pieces) == 2 + len(list(made.body.segments))
    assert max(map(len, pieces)) < max(len(segment.data) for segment in made.body.segments) + 10_000


def test_every_truncation_is_refused(read: Callable[[bytes], Recording]) -> None:
    for length in range(len(GOLDEN)):
        with pytest.raises(CorruptRecording):
            read(GOLDEN[:length])


def test_every_changed_byte_is_refused(read: Callable[[bytes], Recording]) -> None:
    for at in range(len(GOLDEN)):
        damaged = bytearray(GOLDEN)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(StoreError):
            everything(read(bytes(damaged)))


def test_every_flipped_bit_is_refused() -> None:
    for at in range(len(GOLDEN)):
        for bit in range(8):
            damaged = bytearray(GOLDEN)
            damaged[at] ^= 1 << bit
            with pytest.raises(StoreError):
                everything(decode(bytes(damaged)))


@pytest.mark.parametrize("extra", [b"\x00", b"\n", GOLDEN, GOLDEN[-16:], bytes(4096)])
def test_anything_behind_the_entry_is_refused(read: Callable[[bytes], Recording], extra: bytes) -> None:
    with pytest.raises(CorruptRecording):
        read(GOLDEN + extra)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptRecording):
        decode(data)


@pytest.mark.parametrize("version", [VERSION + 1, 7, 255])
def test_a_newer_format_is_refused_by_name(read: Callable[[bytes], Recording], version: int) -> None:
    with pytest.raises(StoreError, match=rf"format {version}\b.*up to {VERSION}.*upgrade") as raised:
        read(entry(version=version))
    assert not isinstance(raised.value, CorruptRecording)


WRONG = {
    "head is no JSON": lambda: entry(b"{"),
    "head is empty": lambda: entry(b""),
    "head is no object": lambda: entry([]),
    "head is null": lambda: entry(None),
    "status is missing": lambda: entry({key: HEAD[key] for key in HEAD if key != "status"}),
    "complete is missing": lambda: entry({key: HEAD[key] for key in HEAD if key != "complete"}),
    "status is text": lambda: entry({**HEAD, "status": "200"}),
    "status has two digits": lambda: entry({**HEAD, "status": 20}),
    "response headers are a number": lambda: entry({**HEAD, "headers": 5}),
    "response headers are numbers": lambda: entry({**HEAD, "headers": [5]}),
    "request is no JSON": lambda: entry(request=b"{\n"),
    "request is no object": lambda: entry(request=[]),
    "request is empty": lambda: entry(request=b""),
    "url is missing": lambda: entry(request={key: REQUEST[key] for key in REQUEST if key != "url"}),
    "url is relative": lambda: entry(request={**REQUEST, "url": "/v1"}),
    "url is a number": lambda: entry(request={**REQUEST, "url": 5}),
    "method is in lower case": lambda: entry(request={**REQUEST, "method": "get"}),
    "method is a number": lambda: entry(request={**REQUEST, "method": 5}),
    "request headers are a number": lambda: entry(request={**REQUEST, "headers": 5}),
    "request header of three": lambda: entry(request={**REQUEST, "headers": [["a", "b", "c"]]}),
    "request header of numbers": lambda: entry(request={**REQUEST, "headers": [[1, 2]]}),
    "request body is nowhere": lambda: entry(request={**REQUEST, "apart": [4, "00"]}),
    "request body is here and elsewhere": lambda: entry(request={**REQUEST, "apart": [4, "00"]}, body=b"body"),
    "request body is of no size": lambda: entry(request={**REQUEST, "apart": [-1, "00"]}),
    "request body is elsewhere without its hash": lambda: entry(request={**REQUEST, "apart": [4]}),
    "segment has half a head": lambda: entry(segments=b"\x00" * 5),
    "segment has no table": lambda: entry(segments=struct.pack("<II", 3, 5)),
    "segment is short of a byte": lambda: entry(segments=segment([b"abc"])[:-1]),
    "segment has a byte too many": lambda: entry(segments=segment([b"abc"]) + b"d"),
    "segment says too many chunks": lambda: entry(segments=segment([b"abc"], count=0xFFFFFFFF)),
    "segment says too many bytes": lambda: entry(segments=segment([b"abc"], size=0xFFFFFFFF)),
    "segment says too few chunks": lambda: entry(segments=segment([b"a", b"bc"], count=1)),
    "segment says too few bytes": lambda: entry(segments=segment([b"a", b"bc"], size=2) + segment([])),
    "lengths reach beyond the entry": lambda: entry(lengths=(0xFFFFFFFF, 0xFFFFFFFF)),
    "lengths reach into the trailer": lambda: entry(b"{}", b"", lengths=(2, 1)),
    "magic of another file": lambda: b"\x89PNG\r\n\x1a" + GOLDEN[7:],
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_entry_whose_checksum_fits_is_refused(read: Callable[[bytes], Recording], wrong: str) -> None:
    """What is read is bytes from a disk or a server: any of them, and never anything but our own error."""
    with pytest.raises(CorruptRecording):
        everything(read(WRONG[wrong]()))


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decode_file(str(tmp_path / "none"))


def test_a_file_outlives_its_removal_and_replacement(tmp_path: Path) -> None:
    found = from_file(b"".join(encode(large(1))), tmp_path)
    (tmp_path / "entry").unlink()
    (tmp_path / "entry").write_bytes(b"something else")

    assert found == large(1)


def test_a_file_cut_short_while_it_is_read_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never looks like the end of the answer."""
    monkeypatch.setattr("replaycache.stores.format.AT_ONCE", 0)
    found = from_file(b"".join(encode(large(1))), tmp_path)
    os.truncate(tmp_path / "entry", 400_000)

    with pytest.raises(CorruptRecording):
        found.body.read()


def test_no_descriptor_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replaycache.stores.format.AT_ONCE", 0)

    def opened() -> list[str]:
        fds = Path("/proc/self/fd")
        if not fds.is_dir():
            pytest.skip("the system does not list open files in /proc")
        return [os.readlink(fd) for fd in fds.iterdir() if fd.is_symlink() and fd.exists()]

    data = b"".join(encode(large(1)))
    before = len(opened())
    found = from_file(data, tmp_path)
    assert any(str(tmp_path) in name for name in opened())
    del found
    for length in range(0, len(data), 50_000):
        with pytest.raises(CorruptRecording):
            from_file(data[:length], tmp_path)

    assert len(opened()) == before


@given(parts=st.lists(st.lists(chunks, max_size=5), max_size=5))
def test_segments_that_are_appended_are_read_back(
    parts: list[list[Chunk]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "spool"
    file = OpenFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
    size = 0
    for part in parts:
        for made in Body.of(part).segments:
            data = encode_segment(made)
            file.append(data)
            size += len(data)

    assert file.size == size
    assert list(Body(FileSegments(file, 0, size))) == [chunk for part in parts for chunk in part]


def test_an_open_file_is_read_by_several_threads_at_once(tmp_path: Path) -> None:
    numbers = array("I", range(100_000)).tobytes()
    (tmp_path / "numbers").write_bytes(numbers)
    file = OpenFile(os.open(tmp_path / "numbers", os.O_RDONLY))
    wrong = []

    def work(first: int) -> None:
        for at in range(first, len(numbers) - 16, 1777):
            if file.read_at(at, 16) != numbers[at : at + 16]:
                wrong.append(at)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    with pytest.raises(CorruptRecording):
        file.read_at(len(numbers) - 4, 5)


def test_a_recording_is_encoded_from_wherever_its_body_is(read: Callable[[bytes], Recording]) -> None:
    """From memory, or from the file that it is read from while it is written anew."""
    data = b"".join(encode(recording(b"abc")))

    assert b"".join(encode(read(data))) == data
