"""What stores keep: entries, lists of pieces, cassettes, journals."""

from __future__ import annotations

import json
import os
import tempfile

import xxhash

from replaycache import CassetteError, Recording, ReplayCacheError
from replaycache._errors import CorruptRecording, StoreError
from replaycache._models import Body, Chunk, Request, ResponseHead
from replaycache.stores.cassette import text
from replaycache.stores.cassette.entry import Entry
from replaycache.stores.cassette.journal import Change, Journal, apply, digest_of, line_of
from replaycache.stores.format import decode, decode_file, encode
from replaycache.stores.redis.store import _Pieces
from tests.fuzz.given import Given

__all__ = ["cassette", "entry", "journal", "pieces"]

_DIRECTORY = tempfile.mkdtemp(prefix="replaycache-fuzz-")


def _file(data: bytes, name: str) -> str:
    path = os.path.join(_DIRECTORY, f"{os.getpid()}-{name}")
    with open(path, "wb") as file:
        file.write(data)
    return path


def _all_of(recording: Recording) -> tuple[Request, ResponseHead, bytes, list[Chunk]]:
    """Everything that is decoded only when it is asked for."""
    return recording.request, recording.head, recording.body.read(), list(recording.body)


def entry(data: bytes) -> None:
    """An entry reads as what was written, or is damaged; from a file as from memory."""
    given = Given(data)
    is_repaired = bool(given.number(2))
    body = given.rest()
    if is_repaired:  # a checksum that fits says that it is as it was written, and not by whom
        length = len(body)
        body += length.to_bytes(8, "little") + xxhash.xxh3_64_intdigest(body).to_bytes(8, "little")
    try:
        made = decode(body)
        found = _all_of(made)
    except (CorruptRecording, StoreError):
        made = None
    else:
        again = decode(b"".join(encode(made)))
        assert again == made
        assert _all_of(again) == found
    path = _file(body, "entry")
    for check in (True, False):
        try:
            by_file = decode_file(path, check=check)
            found_in_file = _all_of(by_file)
        except (CorruptRecording, StoreError):
            assert made is None or not check
            continue
        if made is None:
            assert not check
        else:
            assert found_in_file == found


def pieces(data: bytes) -> None:
    """A list of an entry's pieces."""
    try:
        found = _Pieces.parse(data)
    except StoreError:  # a newer version's, too
        return
    assert bytes(_Pieces.parse(bytes(found))) == bytes(found)
    if found.number < 1000:
        names = list(found.names(b"e"))
        assert len(set(names)) == len(names) == found.number


def cassette(data: bytes) -> None:
    """A cassette is read strictly, and what is read is written so that it reads the same."""
    try:
        recordings = text.load(data, "x.json")
        found = [_all_of(one) for one in recordings]
    except CassetteError:
        return
    written = text.dump([text.dump_recording(one) for one in recordings]).encode()
    again = text.load(written, "x.json")
    assert [_all_of(one) for one in again] == found
    assert again == recordings
    assert text.dump([text.dump_recording(one) for one in again]).encode() == written


def _recording(answer: bytes) -> Recording:
    return Recording(
        request=Request("POST", "https://llm.example/ask", (), b"{}"),
        head=ResponseHead(200, (("content-type", "text/plain"),)),
        body=Body.of([Chunk(answer, 0.0)]),
        digest="",
        recorded_at=0.0,
        latency=0.0,
    )


def journal(data: bytes) -> None:
    """A journal beside a cassette: what stands in it is read as far as it is whole."""
    before = text.dump([text.dump_recording(_recording(b"a"))]).encode()
    base = json.dumps({"base": digest_of([before])}).encode()
    path = _file(b"".join(map(line_of, [base, *data.split(b"\n")])), "journal")
    try:
        noted = Journal(path).read()
        entries = [Entry.of(one) for one in text.load(before, "x.json")]
        apply(entries, noted.changes)
    except ReplayCacheError:
        return
    assert all(isinstance(change, Change) for change in noted.changes)
