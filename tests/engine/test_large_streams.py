"""A stream of 100 MB is recorded and replayed in a few MB of memory."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import Any

import pytest

from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.test_transports import CHAT, STREAMED

PIECE = (b'data: {"choices":[{"delta":{"content":"' + b"x" * 65_000 + b'"}}]}\n\n') * 2
COUNT = 820
LIMIT = 10 << 20


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "large_driver",
    [Driver("httpx", "asyncio"), pytest.param(Driver("httpx2", "sync"), marks=pytest.mark.exhaustive)],
    ids=str,
)
def test_100_mb_in_bounded_memory(large_driver: Driver, tmp_path: Any) -> None:
    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for _ in range(COUNT):
            wire.chunk(PIECE)
        wire.chunk(b"data: [DONE]\n\n")
        wire.end_chunks()

    async def body() -> None:
        sums: list[tuple[str, int]] = []
        peaks: list[int] = []

        async def read(url: str, **options: Any) -> None:
            digest, size = hashlib.blake2b(), 0
            tracemalloc.start()
            try:
                async with (
                    large_driver.client(store=str(tmp_path), **options) as client,
                    client.stream(url, json=STREAMED) as stream,
                ):
                    while True:
                        try:
                            chunk = await stream.next_chunk()
                        except StopAsyncIteration:
                            break
                        digest.update(chunk)
                        size += len(chunk)
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
            assert outcome_of(stream).status == ("hit" if options else "miss")
            sums.append((digest.hexdigest(), size))

        with ScriptedServer(handle) as server:
            await read(server.url + CHAT)
        await read(server.url + CHAT, mode="replay")

        assert sums[0] == sums[1]
        assert sums[0][1] > 100 << 20
        assert max(peaks) < LIMIT

    large_driver.run(body)
