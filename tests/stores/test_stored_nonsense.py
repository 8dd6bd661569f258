"""Entries with a checksum that fits around nonsense: what is read replays, or is our error where it is read."""

from __future__ import annotations

import copy
import gzip
import json
import os
import sqlite3
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replaycache.httpx
import replaycache.httpx2
from replaycache import Body, CorruptRecording, Match, Recording, Redact, StoreError
from replaycache.stores import MemoryStore
from replaycache.stores.cassette.text import dump, dump_recording, load
from replaycache.stores.format import AT_ONCE, FileSegments, OpenFile, decode, decode_file, encode

from ..drivers import Driver
from ..scripted_server import Received, ScriptedServer, Wire
from ..test_transports import ASKED, CHAT
from .samples import large, recording
from .test_format import HEAD, entry, everything, segment

FULL_HEAD = {
    **HEAD,
    "headers": [["content-type", "application/json"], ["x-request-id", "req-é"]],
    "digest": "00ff",
    "recorded_at": 1_700_000_000.125,
    "latency": 0.25,
    "sample": 1,
    "size": 3,
    "duration": 0.5,
    "usage": ["openai", "gpt-4o", 12, 34, 5, 6, 7, "flex", [["input_audio_tokens", 2], ["web_searches", 1.5]]],
}
FULL_REQUEST = {
    "method": "POST",
    "url": "https://api.example.com/v1/chat/completions?a=b",
    "headers": [["content-type", "application/json"]],
}

SEGMENTS = segment([b"ab", b"", b"c"])
"""Of as many bytes as `FULL_HEAD` says."""

UNREADABLE: dict[str, Any] = {
    "status": [True, 200.0, "200", None, 99, 1000, [200], 1 << 62],
    "headers": [
        None,
        {},
        {"a": "b"},
        "ab",
        ["ab"],
        [["a"]],
        [["a", "b", "c"]],
        [["a", 1]],
        [[1, "a"]],
        [["a", None]],
        [["A", "b"]],
        [["a", "€"]],
        [["€", "a"]],
        [["a", "b\r\nc: d"]],
        [["a\n", "b"]],
        [["a", "\x00"]],
        [{"a": 1, "b": 2}],
        [["a", ["b"]]],
        [["content-encoding", "gzip"]],
    ],
    "digest": [None, 5, True, ["a"], {}],
    "recorded_at": [None, True, "2026-01-01", -1, 253_402_300_800, 1e300, [1]],
    "latency": [None, True, "1", -0.1, 2.8e8, 1e300, []],
    "complete": [None, 0, 1, "true", []],
    "sample": [None, True, -1, 1.5, "1", []],
    "size": [True, -1, 1.5, "1", [], 1 << 63],
    "duration": [True, -1, "1", [], 1e300],
    "usage": [
        True,
        "text",
        {},
        [],
        [1, "m", 1, 2, 3, 4, 5, "", []],
        ["p", "m", "1", 2, 3, 4, 5, "", []],
        ["p", "m", True, 2, 3, 4, 5, "", []],
        ["p", "m", 1, 2, 3, 4, 1 << 63, "", []],
        ["p", "m", 1, 2, 3, 4, 5, None, []],
        ["p", "m", 1, 2, 3, 4, 5, "", None],
        ["p", "m", 1, 2, 3, 4, 5, "", [["a"]]],
        ["p", "m", 1, 2, 3, 4, 5, "", [[1, 1]]],
        ["p", "m", 1, 2, 3, 4, 5, "", [["a", "b"]]],
        ["p", "m", 1, 2, 3, 4, 5, "", [], 6],
    ],
}
UNREADABLE_REQUEST: dict[str, Any] = {
    "method": [None, 5, "", "get", "PO ST", "P\r\nX: y", "GÉT", ["GET"]],
    "url": [None, 5, "", "/v1", "a/b://c", "http://a b/", "http://a/\n", "http://[::1/", ["http://a/"], {}],
    "headers": UNREADABLE["headers"][:-1],
    "apart": [
        None,
        0,
        True,
        "false",
        [],
        {},
        [0],
        [0, ""],
        [-1, ""],
        [1 << 62, "00"],
        [0.0, ""],
        [None, None],
        [3, "00", 1],
    ],
}
CASES = [("head", name, value) for name, values in UNREADABLE.items() for value in values]
CASES += [("request", name, value) for name, values in UNREADABLE_REQUEST.items() for value in values]


@pytest.mark.parametrize(("part", "name", "value"), CASES)
def test_a_field_that_is_nonsense_is_damage(part: str, name: str, value: Any) -> None:
    fields = FULL_HEAD if part == "head" else FULL_REQUEST
    everything(decode(entry(FULL_HEAD, FULL_REQUEST, segments=SEGMENTS)))
    wrong = {**fields, name: value}
    head, request = (wrong, FULL_REQUEST) if part == "head" else (FULL_HEAD, wrong)
    data = entry(head, request, segments=SEGMENTS)

    with pytest.raises(CorruptRecording):
        everything(decode(data))


NO_JSON = [b"NaN", b"Infinity", b"1e400", b"-1e400", b'"\\ud800"', b"[" * 5000 + b"]" * 5000]


@pytest.mark.parametrize("text", NO_JSON)
@pytest.mark.parametrize("name", [*FULL_HEAD, "unknown"])
def test_json_that_is_none_is_damage(name: str, text: bytes) -> None:
    written = json.dumps({**FULL_HEAD, name: "HERE"}).encode().replace(b'"HERE"', text)

    with pytest.raises(CorruptRecording):
        decode(entry(written, FULL_REQUEST, segments=SEGMENTS))


@pytest.mark.parametrize("offset", [1 << 48, 1 << 56, (1 << 64) - 1])
def test_an_offset_beyond_all_bounds_is_damage(offset: int, tmp_path: Path) -> None:
    wrong = struct.pack("<II", 2, 2) + struct.pack("<II", 1, 1) + struct.pack("<QQ", 1, offset) + b"ab"
    (tmp_path / "segments").write_bytes(wrong)

    with pytest.raises(CorruptRecording):
        decode(entry(segments=wrong))
    file = OpenFile(os.open(tmp_path / "segments", os.O_RDONLY))
    with pytest.raises(CorruptRecording):
        Body(FileSegments(file, 0, len(wrong))).read()


@pytest.mark.parametrize("size", [0, 2, 4, 1 << 40, -1])
def test_a_size_that_is_not_that_of_the_body_is_damage(size: int, tmp_path: Path) -> None:
    data = entry({**FULL_HEAD, "size": size}, FULL_REQUEST, segments=SEGMENTS)
    (tmp_path / "entry").write_bytes(data)

    for read in (lambda: decode(data), lambda: decode_file(str(tmp_path / "entry"), check=False)):
        with pytest.raises(CorruptRecording, match="size is not that of the body"):
            read()


def test_a_large_file_of_nothing_but_empty_segments_is_damage(tmp_path: Path) -> None:
    data = entry(FULL_HEAD, FULL_REQUEST, segments=bytes(AT_ONCE + 8))
    (tmp_path / "entry").write_bytes(data)

    for check in (True, False):
        with pytest.raises(CorruptRecording, match="more segments than any answer"):
            decode_file(str(tmp_path / "entry"), check=check)


def test_a_head_longer_than_any_is_not_decoded(tmp_path: Path) -> None:
    """A file says by its first bytes how long its head is, and may be long for nothing."""
    written = b"\x89rpl\r\n\x1a\x01" + struct.pack("<II", 1 << 31, 0)
    with open(tmp_path / "entry", "wb") as file:
        file.write(written)
        file.truncate(3 << 30)

    with pytest.raises(CorruptRecording, match="head is longer than any"):
        decode_file(str(tmp_path / "entry"), check=False)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails to be read")
def test_a_disk_that_fails_in_the_middle_is_a_store_error() -> None:
    file = OpenFile(os.open("/proc/self/mem", os.O_RDONLY))  # reading where nothing is mapped is EIO

    with pytest.raises(StoreError, match="cannot be read"):
        Body(FileSegments(file, 0, 100)).read()


# -- mutations -------------------------------------------------------------------------------------------

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from([0, 1, -1, 200, 204, 1e9, 1e300, 253_402_300_799, 253_402_300_799.5, 1 << 53, 1 << 56])
    | st.sampled_from(["gzip", "content-encoding", "text/event-stream", "chunked", "€", "a\nb", "http://[", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value: what it stands in, and its name or number there."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def mutated(data: st.DataObject, value: Any, values: st.SearchStrategy[Any] = _VALUES) -> Any:
    """The value with one to three of its places changed, removed, doubled, or added to."""
    value = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(value))
        if not found:
            break
        container, key = data.draw(st.sampled_from(found))
        match data.draw(st.sampled_from(["change", "change", "change", "remove", "add", "double"])):
            case "change":
                container[key] = data.draw(values)
            case "remove":
                del container[key]
            case "add" if isinstance(container, dict):
                container[data.draw(st.text(max_size=5))] = data.draw(values)
            case _ if isinstance(container, list):
                container.insert(key, data.draw(values | st.just(copy.deepcopy(container[key]))))
    return value


def segments_of(data: st.DataObject) -> bytes:
    numbers = st.sampled_from([0, 1, 2, 3, 1 << 31, (1 << 32) - 1])
    pieces = [b"ab", b"", b"c"]
    offsets = [data.draw(st.sampled_from([0, 1, 5, (1 << 48) - 1, 1 << 48, (1 << 64) - 1])) for _ in pieces]
    lengths = [data.draw(st.just(len(piece)) | numbers) for piece in pieces]
    count, size = data.draw(st.just(3) | numbers), data.draw(st.just(3) | numbers)
    made = struct.pack("<II3I3Q", count, size, *lengths, *offsets) + b"abc"
    return data.draw(st.sampled_from([made, segment(pieces), segment(pieces) + made, made[:-1], made + b"x", b""]))


def replays(made: Recording) -> None:
    """Plays a recording through every adapter that needs no loop, and looks at it as the commands do."""
    digest = Match().identity(made.request, sample=made.sample).digest
    asked = made.request
    for library, adapter in ((httpx, replaycache.httpx), (httpx2, replaycache.httpx2)):
        store = MemoryStore()
        key = Match(cacheable=lambda request: True).identity(asked, sample=made.sample).key
        whole = Recording(
            request=asked,
            head=made.head,
            body=made.body,
            digest=digest,
            recorded_at=made.recorded_at,
            latency=made.latency,
            sample=made.sample,
            usage=made.usage,
        )
        store.put(key, whole)
        try:
            url = library.URL(asked.url)
            library.Request(asked.method, url, headers=list(asked.headers))
        except (library.InvalidURL, library.UnsupportedProtocol, ValueError, TypeError, KeyError):
            continue  # no client can ask for it
        for how in ("read", "iter_raw", "iter_bytes"):
            options = {"match": Match(cacheable=lambda request: True), "keep": lambda head, end: True}
            transport = adapter.ReplayTransport(store=store, mode="replay", sample=made.sample, **options)
            request = library.Request(asked.method, url, headers=list(asked.headers), content=asked.body)
            if str(request.url) != asked.url or "host" in dict(asked.headers):
                continue
            response = transport.handle_request(request)
            got = response.read() if how == "read" else b"".join(getattr(response, how)())
            assert got == made.body.read()
            assert response.status_code == made.head.status
            _ = response.text if how == "read" else ""
            response.close()


def shown(made: Recording) -> None:
    datetime.fromtimestamp(made.recorded_at, UTC)
    assert repr(made)
    assert made.size >= 0
    assert made.duration >= 0
    assert load(dump([dump_recording(made)]).encode(), "x.json")
    assert decode(b"".join(encode(made))) == made


def check(read: Callable[[], Recording]) -> None:
    try:
        made = read()
        everything(made)
    except StoreError:
        return
    shown(made)
    replays(made)


@pytest.mark.exhaustive
@settings(max_examples=300)
@given(st.data())
def test_mutated_entries_replay_or_are_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    head, request, segments = FULL_HEAD, FULL_REQUEST, SEGMENTS
    body = b'{"a":1}'
    match data.draw(st.sampled_from(["head", "head", "request", "segments"])):
        case "head":
            head = mutated(data, head)
        case "request":
            request = mutated(data, request)
            body = data.draw(st.sampled_from([body, b"", body + b"x", b"\n"]))
        case _:
            segments = segments_of(data)
    written = entry(head, request, body, segments)

    check(lambda: decode(written))
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(written)
    check(lambda: decode_file(str(path)))


def test_nonsense_in_a_cache_is_a_warning_and_a_live_call(tmp_path: Path) -> None:
    """What was stored is found to be nonsense, asked anew, and replaced."""
    match = Match(cacheable=lambda request: True)
    asked = httpx.Request("GET", "https://a.example/x")
    inner = httpx.MockTransport(lambda request: httpx.Response(200, content=b"live"))
    path = str(tmp_path / "cache")
    with httpx.Client(transport=replaycache.httpx.ReplayTransport(inner, store=path, match=match)) as client:
        assert client.send(asked).content == b"live"
    wrong = entry({**FULL_HEAD, "headers": [["a", "€"]]}, FULL_REQUEST)
    with closing(sqlite3.connect(tmp_path / "cache" / "cache.db")) as database, database:
        assert database.execute("UPDATE Cache SET value = ?", (wrong,)).rowcount == 1

    with httpx.Client(transport=replaycache.httpx.ReplayTransport(inner, store=path, match=match)) as client:
        with pytest.warns(Warning, match="the recorded head cannot be read"):
            assert client.send(asked).content == b"live"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert client.send(asked).extensions["replaycache"].status == "hit"


@pytest.mark.parametrize("store", ["c.json", "cache", ":memory:"])
def test_an_encoding_that_is_undone_is_not_undone_again(driver: Driver, tmp_path: Path, store: str) -> None:
    options: dict[str, Any] = {
        "store": MemoryStore() if store == ":memory:" else str(tmp_path / store),
        "redact": Redact(response_headers=["content-encoding", "x-more"]),
    }
    body = gzip.compress(b'{"answer": 1}')

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(body, content_encoding="gzip", x_more="1")

    async def ask() -> None:
        with ScriptedServer(handle) as server:
            url = server.url + CHAT
            async with driver.client(**options) as client:
                assert (await client.post(url, json=ASKED)).json() == {"answer": 1}
        async with driver.client(mode="replay", **options) as client, client.stream(url, json=ASKED) as stream:
            assert b"".join(await stream.chunks("iter_bytes")) == b'{"answer": 1}'
            assert stream.real.headers["x-more"] == "1"

    driver.run(ask)


def test_samples_are_read_as_ever(tmp_path: Path) -> None:
    for number, made in enumerate([recording(), large()]):
        (tmp_path / str(number)).write_bytes(b"".join(encode(made)))
        assert decode_file(str(tmp_path / str(number))) == made
