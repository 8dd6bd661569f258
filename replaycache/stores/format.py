"""A recording as bytes, for stores that keep bytes.

All integers are little-endian.

    magic       8 bytes   89 "rpl" 0D 0A 1A, then the version of the format
    lengths     u32 u32   of the next two parts
    head        JSON      status, headers, digest, recorded_at, latency, complete, verdict (where not whole),
                          sample (where not 0), rules (where not the built-in ones),
                          left_out (names, a space between them),
                          size, duration, usage (where known)
    request     JSON (with `unknown` where something is), a line feed, the body; or no body, and in the JSON
                `apart`: the length and the xxh3_128 of one that lies elsewhere
    segments              each: u32 number of chunks, u32 bytes, u32 length and u64 offset (microseconds from the
                          response's head) of every chunk, bytes
    trailer     u64 u64   length of all before it, xxh3_64 of all before it

The trailer comes last, so that a body of any length is written as it comes, and an entry that was cut
short has none. Chunks stand as they are: a body inside JSON would cost many times as much to read.

A checksum that fits says that an entry is as it was written, and not by whom: every field is checked when it is
read, so that nonsense is `CorruptRecording` there and never a client library's error in the middle of an answer.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import xxhash

from .._errors import CorruptRecording, StoreError
from .._models import Body, Headers, Recording, Request, ResponseHead, Segment, Usage
from ..system.regular_file import open_regular
from .stored_fields import LONGEST, check_fields, check_request, header_lines, unknown_names

VERSION = 1
_MAGIC = b"\x89rpl\r\n\x1a"
_PREFIX = struct.Struct("<7sBII")
_TRAILER = struct.Struct("<QQ")
_SEGMENT = struct.Struct("<II")
_CHUNK = struct.Struct("<IQ")
_LATEST = 1 << 48
"""Microseconds: a chunk that comes so late is nonsense, see `LONGEST`."""
_LONGEST_HEAD = 64 << 20
"""Bytes: it is decoded at once, and all client libraries together take no more headers than this."""
_TOKENS = 1 << 56
"""More than any answer can count up to; sums of it stay within what a database takes for an integer."""
_SMALL_SEGMENT = 1 << 10
"""Bytes: far fewer than the segments of a large recording have."""
_BLOCK = 1 << 20
AT_ONCE = 4 << 20
"""A file of up to this many bytes is read at once; a larger one is streamed."""


def encode(recording: Recording, *, apart: bool = False) -> Iterator[bytes]:
    """The recording's bytes, in pieces no larger than its segments.

    Args:
        apart: whether the body of its request is kept elsewhere: a hit has no use for it.
    """
    checksum = xxhash.xxh3_64()
    length = 0
    for piece in _pieces(recording, apart):
        checksum.update(piece)
        length += len(piece)
        yield piece
    yield _TRAILER.pack(length, checksum.intdigest())


def _pieces(recording: Recording, apart: bool) -> Iterator[bytes]:
    fields = {
        "status": recording.head.status,
        "headers": recording.head.headers,
        "digest": recording.digest,
        "recorded_at": recording.recorded_at,
        "latency": recording.latency,
        "complete": recording.complete,
    }
    if recording.verdict != "whole":
        fields["verdict"] = recording.verdict
    if recording.sample:
        fields["sample"] = recording.sample
    if recording.rules:
        fields["rules"] = recording.rules
    if recording.head.left_out:
        fields["left_out"] = " ".join(recording.head.left_out)
    if recording.measured:
        fields["size"], fields["duration"] = recording.size, round(recording.duration, 6)
    if recording.usage is not None:
        fields["usage"] = list(recording.usage)
    head = orjson.dumps(fields)
    request = _encode_request(recording.request, apart)
    yield _PREFIX.pack(_MAGIC, VERSION, len(head), len(request)) + head + request
    for segment in recording.body.segments:
        yield encode_segment(segment)


def _encode_request(request: Request, apart: bool) -> bytes:
    body = request.body
    head: dict[str, Any] = {"method": request.method, "url": request.url, "headers": request.headers}
    if apart:
        head["apart"], body = [len(body), xxhash.xxh3_128_hexdigest(body)], b""
    if request.unknown:
        head["unknown"] = request.unknown
    if request.left_out:
        head["left_out"] = " ".join(request.left_out)
    return orjson.dumps(head) + b"\n" + body


def _decode_request(data: bytes, apart: Callable[[int], bytes] | None) -> Request:
    try:
        head, _, body = data.partition(b"\n")
        fields = orjson.loads(head)
        method, url = fields["method"], fields["url"]
        check_request(method, url)
        headers = _headers(fields["headers"], answered=False)
        unknown = unknown_names(fields.get("unknown", []), headers)
        left_out = tuple(fields.get("left_out", "").split())
        if fields.get("zlib"):
            raise ValueError("its body is packed, as a format that was never released had it")
        if "apart" in fields:
            size, digest = fields["apart"]
            if apart is None or body or type(size) is not int or size < 0:
                raise ValueError("nobody knows where its body is")
            body = apart(size)
            if len(body) != size or xxhash.xxh3_128_hexdigest(body) != digest:
                raise ValueError("its body is damaged, or that of another")
        return Request(method, url, headers, body, left_out, unknown)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptRecording(f"the recorded request cannot be read: {error}") from error


def _headers(lines: Any, *, answered: bool) -> Headers:
    if type(lines) is not list or not _LIST.issuperset(map(type, lines)):
        raise TypeError("headers is no list of pairs")
    return header_lines(lines, answered=answered)


_LIST = frozenset((list,))


def encode_segment(segment: Segment) -> bytes:
    """A segment's bytes."""
    lengths, offsets = array("I", segment.lengths), array("Q", segment.offsets)
    if sys.byteorder == "big":
        lengths.byteswap()
        offsets.byteswap()
    data = segment.data
    return b"".join((_SEGMENT.pack(len(lengths), len(data)), lengths.tobytes(), offsets.tobytes(), data))


def _decode_segment(buffer: bytes, at: int, end: int) -> tuple[Segment, int]:
    """The segment that begins at `at`, and where it ends."""
    table = at + _SEGMENT.size
    if table > end:
        raise CorruptRecording("a segment is cut short")
    count, size = _SEGMENT.unpack_from(buffer, at)
    middle = table + 4 * count
    start = middle + 8 * count
    if start + size > end:
        raise CorruptRecording("a segment is cut short")
    if count == 1:  # most answers came in one piece, and every hit comes through here
        length, offset = _CHUNK.unpack_from(buffer, table)
        if length != size:
            raise CorruptRecording("a segment's chunks do not add up")
        if offset >= _LATEST:
            raise CorruptRecording("a chunk's offset is nonsense")
        return Segment(buffer, start, (length,), (offset,)), start + size
    lengths, offsets = array("I", buffer[table:middle]), array("Q", buffer[middle:start])
    if sys.byteorder == "big":
        lengths.byteswap()
        offsets.byteswap()
    if sum(lengths) != size:
        raise CorruptRecording("a segment's chunks do not add up")
    # whether one is `_LATEST` or more: the upper two of its eight bytes
    if buffer[middle + 6 : start : 8].strip(b"\0") or buffer[middle + 7 : start : 8].strip(b"\0"):
        raise CorruptRecording("a chunk's offset is nonsense")
    return Segment(buffer, start, lengths, offsets), start + size


def decode(data: bytes, apart: Callable[[int], bytes] | None = None) -> Recording:
    """Reads what `encode` wrote.

    Args:
        apart: reads the body of the request, of so many bytes, where that is kept elsewhere; it is called when
            somebody asks for the request.

    Raises:
        CorruptRecording: it is damaged or cut short.
        StoreError: a newer version of replaycache wrote it.
    """
    head_end, request_end = _check_prefix(data, len(data))
    end = len(data) - _TRAILER.size
    if _TRAILER.unpack_from(data, end) != (end, xxhash.xxh3_64_intdigest(memoryview(data)[:end])):
        raise CorruptRecording("the entry is damaged: its checksum does not fit")
    segments = []
    at = request_end
    size = 0
    while at < end:
        segment, after = _decode_segment(data, at, end)
        segments.append(segment)
        size += after - segment.start
        at = after
    return _recording(
        data[_PREFIX.size : head_end],
        lambda: _decode_request(data[head_end:request_end], apart),
        Body(segments),
        size,
    )


def decode_file(path: str, *, check: bool = True) -> Recording:
    """As `decode`, from a file that stays open as long as the recording is in use.

    Args:
        check: whether the checksum is computed, which reads the whole file.

    Raises:
        OSError: the file cannot be read.
        CorruptRecording: it is damaged or cut short.
        StoreError: a newer version of replaycache wrote it.
    """
    return decode_open(OpenFile(open_regular(path)), check=check)


def decode_open(file: OpenFile, *, check: bool = True) -> Recording:
    """The same, from an open file."""
    size = file.size
    if check and size <= AT_ONCE:
        return decode(file.read_at(0, size))
    head_end, request_end = _check_prefix(file.read_at(0, _PREFIX.size), size)
    end = size - _TRAILER.size
    length, expected = _TRAILER.unpack(file.read_at(end, _TRAILER.size))
    if length != end or (check and _checksum(file, end) != expected):
        raise CorruptRecording("the entry is damaged: its checksum does not fit")
    return _recording(
        file.read_at(_PREFIX.size, head_end - _PREFIX.size),
        lambda: _decode_request(_read_later(file, head_end, request_end - head_end), None),
        Body(FileSegments(file, request_end, end)),
        _size_of_segments(file, request_end, end),
    )


def _size_of_segments(file: OpenFile, at: int, end: int) -> int:
    """Bytes of the body, by what the segments tell of themselves."""
    size = 0
    # an empty one is of eight zeros, which a file has as many of as one likes, on no disk
    left = (end - at) // _SMALL_SEGMENT + 1000
    while at < end:
        # the rest of one that is cut short reaches beyond the end
        told = file.read_at(at, min(_SEGMENT.size, end - at)).ljust(_SEGMENT.size, b"\xff")
        count, length = _SEGMENT.unpack(told)
        left -= 1
        if not left:
            raise CorruptRecording("it has more segments than any answer")
        at += _SEGMENT.size + 12 * count + length
        size += length
    if at != end:
        raise CorruptRecording("a segment is cut short")
    return size


def _checksum(file: OpenFile, end: int) -> int:
    checksum = xxhash.xxh3_64()
    for at in range(0, end, _BLOCK):
        checksum.update(file.read_at(at, min(_BLOCK, end - at)))
    return checksum.intdigest()


def _check_prefix(prefix: bytes, size: int) -> tuple[int, int]:
    if size < _PREFIX.size + _TRAILER.size:
        raise CorruptRecording("the entry is cut short")
    magic, version, head_length, request_length = _PREFIX.unpack_from(prefix)
    if magic != _MAGIC:
        raise CorruptRecording("the entry is no recording")
    if version > VERSION:
        raise StoreError(
            f"the entry has format {version} and this version of replaycache reads up to {VERSION}; upgrade it"
        )
    if head_length > _LONGEST_HEAD:
        raise CorruptRecording("the entry's head is longer than any")
    head_end = _PREFIX.size + head_length
    request_end = head_end + request_length
    if request_end + _TRAILER.size > size:
        raise CorruptRecording("the entry is cut short")
    return head_end, request_end


def _recording(head: bytes, request: Callable[[], Request], body: Body, body_size: int) -> Recording:
    try:
        fields = orjson.loads(head)
        get = fields.get
        status, digest = fields["status"], fields["digest"]
        recorded_at, latency, complete = fields["recorded_at"], fields["latency"], fields["complete"]
        sample, usage, size, duration = get("sample", 0), get("usage"), get("size"), get("duration")
        verdict, rules = get("verdict", "whole"), get("rules", "")
        check_fields(status, recorded_at, latency, complete, verdict, sample)
        if not type(digest) is type(rules) is str:
            raise TypeError("digest or rules is no text")
        if size is not None and (type(size) is not int or size != body_size):
            raise ValueError("size is not that of the body")
        if duration is not None and not (type(duration) in (int, float) and 0 <= duration < 2 * LONGEST):
            raise ValueError("duration is no number of seconds")  # that of the latency and of the last chunk
        return Recording(
            request=request,
            head=ResponseHead(
                status, _headers(fields["headers"], answered=True), tuple(get("left_out", "").split())
            ),
            body=body,
            digest=digest,
            recorded_at=recorded_at,
            latency=latency,
            complete=complete,
            verdict=verdict,
            sample=sample,
            rules=rules,
            usage=None if usage is None else _usage(usage),
            size=size,
            duration=duration,
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptRecording(f"the recorded head cannot be read: {error}") from error


def _usage(fields: Any) -> Usage:
    if type(fields) is not list:
        raise TypeError("usage is no list")
    provider, model, a, b, c, d, e, tier, units = fields
    if not type(provider) is type(model) is type(tier) is str:
        raise TypeError("usage names what is no text")
    # one test for all five where they are whole numbers and none is negative, as ever
    if not (type(a) is type(b) is type(c) is type(d) is type(e) is int and 0 <= a | b | c | d | e < _TOKENS):
        for count in (a, b, c, d, e):
            _check_count(count)
    pairs = []
    for name, amount in units:
        if type(name) is not str:
            raise TypeError("usage names what is no text")
        _check_count(amount)
        pairs.append((name, amount))
    return Usage(provider, model, a, b, c, d, e, tier, tuple(pairs))


def _check_count(value: Any) -> None:
    if type(value) not in (int, float) or not -_TOKENS < value < _TOKENS:
        raise ValueError("usage counts what is no number")


class OpenFile:
    """An open file that several readers share, each at its own place; closed when the last of them is gone.

    It outlives the file's removal, so that a recording that is replaced meanwhile plays to its end.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """In bytes."""
        return os.fstat(self._fd).st_size

    def append(self, data: bytes) -> None:
        """Writes all of `data` at the end."""
        with self._lock:
            os.lseek(self._fd, 0, os.SEEK_END)
            view = memoryview(data)
            while view:
                view = view[os.write(self._fd, view) :]

    def read_at(self, at: int, length: int) -> bytes:
        """Exactly `length` bytes from `at` on.

        Raises:
            CorruptRecording: there are fewer.
            OSError: the file cannot be read.
        """
        data = self._read(at, length)
        while len(data) < length:  # the system reads no more than 2 GiB at once
            more = self._read(at + len(data), length - len(data))
            if not more:
                raise CorruptRecording("the file is cut short")
            data += more
        return data

    def _read(self, at: int, length: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._fd, length, at)
        with self._lock:
            os.lseek(self._fd, at, os.SEEK_SET)
            return os.read(self._fd, length)

    def __del__(self) -> None:
        os.close(self._fd)


class FileSegments:
    """The segments in a file, read one at a time whenever they are gone through.

    Going through them raises `CorruptRecording` where they are damaged, and `StoreError` where the disk fails.
    """

    def __init__(self, file: OpenFile, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._end = end

    def __iter__(self) -> Iterator[Segment]:
        at = self._start
        while at < self._end:
            count, size = _SEGMENT.unpack(_read_later(self._file, at, _SEGMENT.size))
            length = _SEGMENT.size + 12 * count + size
            if at + length > self._end:
                raise CorruptRecording("a segment is cut short")
            segment, _ = _decode_segment(_read_later(self._file, at, length), 0, length)
            at += length
            yield segment


def _read_later(file: OpenFile, at: int, length: int) -> bytes:
    """As `OpenFile.read_at`, when nobody expects a disk to fail any more: in the middle of an answer."""
    try:
        return file.read_at(at, length)
    except OSError as error:
        raise StoreError(f"a recording's file cannot be read: {error}") from error
