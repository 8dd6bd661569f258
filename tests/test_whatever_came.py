"""Whatever upstream answers, a cassette has it and plays it as it came: no body, in pieces, oddly encoded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from replaycache.stores import CassetteStore, DiskStore
from tests.dialects.aws_frames import frames
from tests.drivers import SYNC, Driver
from tests.scripted_server import Received, ScriptedServer, Wire

DEEP = 400
DEEPER = 5000


class Came(NamedTuple):
    method: str
    send: Callable[[Wire], None]
    body: bytes
    status: int = 200
    pieces: int = 1
    encoding: str | None = None
    text: str = ""


def whole(body: bytes, status: int = 200, **headers: str) -> Callable[[Wire], None]:
    return lambda wire: wire.answer(body, status, **headers)


def head_only(status: int, **headers: str) -> Callable[[Wire], None]:
    return lambda wire: wire.head(status, **headers)


def in_pieces(*pieces: bytes, **headers: str) -> Callable[[Wire], None]:
    def send(wire: Wire) -> None:
        wire.start_chunks(**headers)
        for piece in pieces:
            wire.chunk(piece)
        wire.end_chunks()

    return send


FRAMES = [frames(("chunk", {"bytes": str(n)})) for n in range(3)]
SOUND = [bytes([n]) * 200 for n in (0xFF, 0x00, 0xFE)]
SPOKEN = ["une ", "réponse\nen ", "morceaux"]
ITEMS = [b'[{\n  "n": 1\n}\n', b',\r\n{\n  "n": 2\n}\n', b"]\n"]

CASES = {
    "HEAD": Came("HEAD", head_only(200, content_type="application/json", content_length="5"), b""),
    "204": Came("DELETE", head_only(204), b"", 204),
    "304": Came("GET", head_only(304, etag='"1"'), b"", 304),
    "empty": Came("GET", whole(b"", content_type="text/plain"), b""),
    "aws-chunked": Came(
        "GET",
        whole(b"5;chunk\r\n", content_encoding="aws-chunked", content_type="text/plain"),
        b"5;chunk\r\n",
        encoding="aws-chunked",
    ),
    "deep": Came("GET", whole(b"[" * DEEP + b"]" * DEEP), b"[" * DEEP + b"]" * DEEP),
    "deeper": Came(
        "GET", whole(b'{"a":' * DEEPER + b"1" + b"}" * DEEPER), b'{"a":' * DEEPER + b"1" + b"}" * DEEPER
    ),
    "frames": Came(
        "POST",
        in_pieces(*FRAMES, content_type="application/vnd.amazon.eventstream"),
        b"".join(FRAMES),
        pieces=3,
        text='"chunks": [',
    ),
    "sound": Came(
        "POST", in_pieces(*SOUND, content_type="audio/mpeg"), b"".join(SOUND), pieces=3, text='{"base64":['
    ),
    "text": Came(
        "POST",
        in_pieces(*map(str.encode, SPOKEN), content_type="text/plain; charset=utf-8"),
        "".join(SPOKEN).encode(),
        pieces=3,
        text='"une réponse\\n",[[',
    ),
    "a document in pieces": Came(
        "GET", in_pieces(b'{"a"', b": 1}", content_type="application/json"), b'{"a": 1}', text='"json": {'
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_recorded_and_plays_as_it_came(driver: Driver, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    path = tmp_path / "c.json"
    found: list[Any] = []

    async def body() -> None:
        def handle(request: Received, wire: Wire) -> None:
            case.send(wire)

        with ScriptedServer(handle) as server:
            url = server.url + "/anything"
            for mode in ("auto", "replay"):
                async with driver.client(store=str(path), mode=mode) as client:
                    stream = await client.open(url, case.method)
                    chunks = await stream.chunks()
                    await stream.close()
                    found.append((stream.real.status_code, b"".join(chunks), stream.real.headers))

    driver.run(body)
    (live_status, live, _), (status, replayed, headers) = found
    assert (live_status, live) == (status, replayed) == (case.status, case.body)
    assert headers.get("content-encoding") == case.encoding
    (recording,) = CassetteStore(path).all()
    assert len(list(recording.body)) == (case.pieces if case.body else 0)
    assert case.text in path.read_text("utf-8")
    assert json.loads(path.read_bytes())["recordings"]


@pytest.mark.parametrize("name", CASES)
def test_it_goes_from_store_to_store(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    driver = SYNC[0]

    async def body() -> None:
        def handle(request: Received, wire: Wire) -> None:
            case.send(wire)

        with ScriptedServer(handle) as server:
            async with driver.client(store=str(tmp_path / "c.json"), mode="auto") as client:
                stream = await client.open(server.url + "/anything", case.method)
                await stream.chunks()
                await stream.close()

    driver.run(body)
    (first,) = CassetteStore(tmp_path / "c.json").all()
    cache = DiskStore(tmp_path / "cache")
    cache.put("k", first)
    between = cache.get("k")
    cache.close()
    assert between is not None
    CassetteStore(tmp_path / "d.json").append(between)
    (last,) = CassetteStore(tmp_path / "d.json").all()

    assert list(last.body) == list(first.body) == list(between.body)
    assert last == first
    assert last.head.left_out == first.head.left_out
    assert last.request.left_out == first.request.left_out
    assert "user-agent" in last.request.left_out
