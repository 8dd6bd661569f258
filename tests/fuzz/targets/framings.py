"""Bodies of answers: what is read of them is the same, wherever they were cut."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from replaycache.dialects.answering import answering
from replaycache.dialects.framing.aws_event_stream import FrameDecoder, frames_of
from replaycache.dialects.framing.json_values import ArrayDecoder, ObjectDecoder
from replaycache.dialects.framing.sse import EventDecoder, LineDecoder
from replaycache.dialects.watcher import AnswerWatcher
from replaycache.wire.content_encoding import UndecodableContent, decode_whole, is_known, make_decoder
from tests.fuzz.given import Given, cut_anywhere

__all__ = ["answer", "array", "encoding", "frames", "lines", "sse"]

LONGEST = 400
"""Bytes: each is read once more for every place where it may be cut."""
LIMITS = (1 << 20, 40)


def _same_wherever_cut(data: bytes, read: Callable[[list[bytes]], Any]) -> Any:
    ways = cut_anywhere(data[:LONGEST])
    whole = read(ways[0])
    for pieces in ways[1:]:
        found = read(pieces)
        assert found == whole, (pieces, found, whole)
    return whole


def sse(data: bytes) -> None:
    """Server-sent events."""
    given = Given(data)
    limit = given.choice(LIMITS)

    def read(pieces: list[bytes]) -> Any:
        decoder = EventDecoder(limit=limit)
        events = [event for piece in pieces for event in decoder.feed(piece)]
        return [*events, *decoder.flush()], decoder.was_torn

    _same_wherever_cut(given.rest(), read)


def lines(data: bytes) -> None:
    """Lines, and objects of which one stands in each, or one over many."""
    given = Given(data)
    # the second is no choice any more; the seeds have it
    limit, _, is_objects = given.choice(LIMITS), given.number(2), bool(given.number(2))

    def read(pieces: list[bytes]) -> Any:
        if is_objects:
            decoder = ObjectDecoder(limit=limit)
            events = [event for piece in pieces for event in decoder.feed(piece)]
            return [*events, *decoder.flush()], decoder.broken, decoder.count, decoder.passed_over
        split = LineDecoder(limit=limit)
        found = [line for piece in pieces for line in split.feed(piece)]
        return [*found, *split.flush()]

    _same_wherever_cut(given.rest(), read)


def array(data: bytes) -> None:
    """The elements of a JSON array."""
    given = Given(data)
    limit = given.choice((1 << 20, 200))

    def read(pieces: list[bytes]) -> Any:
        decoder = ArrayDecoder(limit=limit)
        events = [event for piece in pieces for event in decoder.feed(piece)]
        return events, decoder.broken, decoder.is_open

    body = given.rest()
    if limit > len(body):  # what is larger than is looked into is broken, sooner or later
        _same_wherever_cut(body, read)
    else:
        read([body])


def _checked_frame(body: bytes) -> bytes:
    """A frame of an AWS event stream of these headers and payload: without checksums nothing gets in."""
    head, _, payload = body.partition(b"\0\n")
    total = 16 + len(head) + len(payload)
    prelude = total.to_bytes(4, "big") + len(head).to_bytes(4, "big")
    frame = prelude + zlib.crc32(prelude).to_bytes(4, "big") + head + payload
    return frame + zlib.crc32(frame).to_bytes(4, "big")


def frames(data: bytes) -> None:
    """Frames of an AWS event stream, as they came or with checksums that are right."""
    given = Given(data)
    kind = given.number(3)
    body = given.rest()
    if kind:
        body = b"".join(map(_checked_frame, body.split(b"\0\0\n")))
    if kind == 2:
        body = body[: len(body) - 1 - len(body) % 7]

    def read(pieces: list[bytes]) -> Any:
        decoder = FrameDecoder()
        events = [event for piece in pieces for event in decoder.feed(piece)]
        return events, decoder.broken, decoder.is_open

    events, broken, is_open = _same_wherever_cut(body, read)
    body = body[:LONGEST]
    found = frames_of(body)
    assert [frame.payload for frame in found] == [event.data for event in events]
    if not broken and not is_open:
        assert b"".join(body[frame.start : frame.end] for frame in found) == body
    for frame in found:
        again = frames_of(frame.with_data(frame.data))
        assert [one.data for one in again] == [frame.data]


PATHS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1beta/models/g:streamGenerateContent",
    "/v1beta/models/g:generateContent",
    "/model/m/converse-stream",
    "/model/m/invoke-with-response-stream",
    "/v2/chat",
    "/v1/chat",
    "/api/chat",
    "/api/generate",
    "/generate",
    "/generate_stream",
    "/completion",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/audio/transcriptions",
    "/v1/audio/speech",
    "/v1/images/generations",
    "/ai/run/@cf/meta/llama",
    "/elsewhere",
)
MEDIA = (
    "text/event-stream",
    "application/json",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
    "",
    "text/plain",
    "audio/mpeg",
    "text/html",
)


def answer(data: bytes) -> None:
    """Whether an answer is whole, unfinished or failed."""
    given = Given(data)
    path, media_type, asked = given.choice(PATHS), given.choice(MEDIA), given.number(3)
    how = answering("POST", path)
    members: dict[str, Any] = (
        {},
        {"stream": True, "n": 2},
        {"stream": True, "stream_options": {"include_usage": True}},
    )[asked]

    def read(pieces: list[bytes]) -> Any:
        watcher = AnswerWatcher(how, media_type, lambda: members)
        over_after = None
        size = 0
        for piece in pieces:
            watcher.feed(piece)
            size += len(piece)
            if watcher.is_over and over_after is None:
                over_after = watcher.verdict
        watcher.end()
        if over_after is not None:
            # what comes behind the end takes nothing back
            assert watcher.verdict == over_after or watcher.failed, (over_after, watcher.verdict)
        return (
            watcher.verdict,
            watcher.finish_reasons,
            watcher.failed,
            watcher.tells_its_end,
            watcher.is_stream,
        )

    body = given.rest()
    if media_type == MEDIA[3]:
        body = b"".join(map(_checked_frame, body.split(b"\0\0\n")))
    _same_wherever_cut(body, read)


ENCODINGS = ("gzip", "deflate", "br", "zstd", "x-gzip", "gzip, br", "zstd, deflate", "identity", "", "rot13")


def _decoded(name: str, pieces: list[bytes]) -> Any:
    """What pieces decode to; what goes wrong is one thing, however much was told before."""
    decoder = make_decoder(name)
    if decoder is None:
        return b"".join(pieces)
    try:
        made = b"".join(part for piece in pieces for part in decoder.feed(piece))
        decoder.end()
    except UndecodableContent:
        return None
    return made


def encoding(data: bytes) -> None:
    """Content-encodings are undone, or are not what they say."""
    given = Given(data)
    name, is_made = given.choice(ENCODINGS), bool(given.number(2))
    body = given.rest()
    if not is_known(name):
        try:
            decode_whole(name, body, 1 << 20)
        except UndecodableContent:
            return
        raise AssertionError(f"{name} was decoded")
    if is_made and name in ("gzip", "deflate"):
        packer = zlib.compressobj(wbits=31 if name == "gzip" else 15)
        packed = packer.compress(body) + packer.flush()
        assert _decoded(name, [packed]) == body
        body = packed
    whole = _same_wherever_cut(body, lambda pieces: _decoded(name, pieces))
    try:
        told = decode_whole(name, body[:LONGEST], 1 << 30)
    except UndecodableContent:
        told = None
    assert told == whole
