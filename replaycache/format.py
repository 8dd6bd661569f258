"""A recording as bytes, for stores that keep bytes.

All integers are little-endian.

    magic       8 bytes   89 "rpl" 0D 0A 1A, then the version of the format
    lengths     u32 u32   of the next two parts
    head        JSON      status, headers, digest, recorded_at, latency, complete, sample (where not 0),
                          size, duration, usage (where known)
    request     JSON, a line feed, the body (compressed with zlib where the JSON says so)
    segments              each: u32 number of chunks, u32 bytes, u32 length and u64 offset of every chunk, bytes
    trailer     u64 u64   length of all before it, xxh3_64 of all before it

The trailer comes last, so that a body of any length is written as it comes, and an entry that was cut
short has none. Chunks stand as they are: a body inside JSON would cost many times as much to read.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import zlib
from array import array
from collections.abc import Callable, Iterator

import orjson
import xxhash

from ._errors import CorruptRecording, StoreError
from ._models import Body, Recording, Request, ResponseHead, Segment, Usage

__all__ = ["VERSION", "FileSegments", "OpenFile", "decode", "decode_file", "encode", "encode_segment"]

VERSION = 1
_MAGIC = b"\x89rpl\r\n\x1a"
_PREFIX = struct.Struct("<7sBII")
_TRAILER = struct.Struct("<QQ")
_SEGMENT = struct.Struct("<II")
_COMPRESS_FROM = 16 << 10
"""Request bodies of this many bytes or more are compressed: they are read only to be shown or compared."""
_BLOCK = 1 << 20
AT_ONCE = 4 << 20
"""A file of up to this many bytes is read at once; a larger one is streamed."""


def encode(recording: Recording) -> Iterator[bytes]:
    """The recording's bytes, in pieces no larger than its segments."""
    checksum = xxhash.xxh3_64()
    length = 0
    for piece in _pieces(recording):
        checksum.update(piece)
        length += len(piece)
        yield piece
    yield _TRAILER.pack(length, checksum.intdigest())


def _pieces(recording: Recording) -> Iterator[bytes]:
    fields = {
        "status": recording.head.status,
        "headers": recording.head.headers,
        "digest": recording.digest,
        "recorded_at": recording.recorded_at,
        "latency": recording.latency,
        "complete": recording.complete,
    }
    if recording.sample:
        fields["sample"] = recording.sample
    if recording.measured:
        fields["size"], fields["duration"] = recording.size, round(recording.duration, 6)
    if recording.usage is not None:
        fields["usage"] = list(recording.usage)
    head = orjson.dumps(fields)
    request = _encode_request(recording.request)
    yield _PREFIX.pack(_MAGIC, VERSION, len(head), len(request)) + head + request
    for segment in recording.body.segments:
        yield encode_segment(segment)


def _encode_request(request: Request) -> bytes:
    body, packed = request.body, False
    if len(body) >= _COMPRESS_FROM:
        smaller = zlib.compress(body, 1)
        if len(smaller) < len(body):
            body, packed = smaller, True
    head = {"method": request.method, "url": request.url, "headers": request.headers, "zlib": packed}
    return orjson.dumps(head) + b"\n" + body


def _decode_request(data: bytes) -> Request:
    try:
        head, _, body = data.partition(b"\n")
        fields = orjson.loads(head)
        return Request(
            fields["method"],
            fields["url"],
            tuple((name, value) for name, value in fields["headers"]),
            zlib.decompress(body) if fields["zlib"] else body,
        )
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        raise CorruptRecording(f"the recorded request cannot be read: {error}") from error


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
    lengths, offsets = array("I", buffer[table:middle]), array("Q", buffer[middle:start])
    if sys.byteorder == "big":
        lengths.byteswap()
        offsets.byteswap()
    if sum(lengths) != size:
        raise CorruptRecording("a segment's chunks do not add up")
    return Segment(buffer, start, lengths, offsets), start + size


def decode(data: bytes) -> Recording:
    """Reads what `encode` wrote.

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
    while at < end:
        segment, at = _decode_segment(data, at, end)
        segments.append(segment)
    return _recording(
        data[_PREFIX.size : head_end], lambda: _decode_request(data[head_end:request_end]), Body(segments)
    )


def decode_file(path: str, *, check: bool = True) -> Recording:
    """As `decode`, from a file that stays open as long as the recording is in use.

    Args:
        path: of the file.
        check: whether the checksum is computed, which reads the whole file.

    Raises:
        OSError: the file cannot be read.
        CorruptRecording: it is damaged or cut short.
        StoreError: a newer version of replaycache wrote it.
    """
    file = OpenFile(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)))
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
        lambda: _decode_request(file.read_at(head_end, request_end - head_end)),
        Body(FileSegments(file, request_end, end)),
    )


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
    head_end = _PREFIX.size + head_length
    request_end = head_end + request_length
    if request_end + _TRAILER.size > size:
        raise CorruptRecording("the entry is cut short")
    return head_end, request_end


def _recording(head: bytes, request: Callable[[], Request], body: Body) -> Recording:
    try:
        fields = orjson.loads(head)
        usage = fields.get("usage")
        return Recording(
            request=request,
            head=ResponseHead(fields["status"], tuple(map(tuple, fields["headers"]))),
            body=body,
            digest=fields["digest"],
            recorded_at=fields["recorded_at"],
            latency=fields["latency"],
            complete=fields["complete"],
            sample=fields.get("sample", 0),
            usage=None if usage is None else Usage._make([*usage[:-1], tuple(map(tuple, usage[-1]))]),
            size=fields.get("size"),
            duration=fields.get("duration"),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptRecording(f"the recorded head cannot be read: {error}") from error


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
        """Exactly `length` bytes from `at` on; raises `CorruptRecording` where there are fewer."""
        if hasattr(os, "pread"):
            data = os.pread(self._fd, length, at)
        else:
            with self._lock:
                os.lseek(self._fd, at, os.SEEK_SET)
                data = os.read(self._fd, length)
        if len(data) != length:
            raise CorruptRecording("the file is cut short")
        return data

    def __del__(self) -> None:
        os.close(self._fd)


class FileSegments:
    """The segments in a file, read one at a time whenever they are gone through."""

    def __init__(self, file: OpenFile, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._end = end

    def __iter__(self) -> Iterator[Segment]:
        at = self._start
        while at < self._end:
            count, size = _SEGMENT.unpack(self._file.read_at(at, _SEGMENT.size))
            length = _SEGMENT.size + 12 * count + size
            if at + length > self._end:
                raise CorruptRecording("a segment is cut short")
            segment, _ = _decode_segment(self._file.read_at(at, length), 0, length)
            at += length
            yield segment
