"""Streams whose reader has the answer and lets go of the response, without reading on and without closing it."""

from __future__ import annotations

import asyncio
import gc
import json

import pytest

from replaycache.stores import MemoryStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire

ASKED = {"model": "claude-sonnet-4-6", "stream": True, "messages": [{"role": "user", "content": "A colour?"}]}
EVENTS = [
    {"type": "message_start", "message": {"id": "msg-1", "type": "message", "content": []}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Red."}},
    {"type": "message_stop"},
]


def send_events(request: Received, wire: Wire) -> None:
    wire.start_chunks()
    for event in EVENTS:
        wire.chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
    wire.end_chunks()


FORGOTTEN = pytest.mark.xfail(strict=True, reason="the collector may not save, and nobody does it later")


@pytest.mark.parametrize(
    "driver",
    [
        pytest.param(Driver("httpx", "sync"), marks=FORGOTTEN),
        pytest.param(Driver("httpx", "asyncio"), marks=FORGOTTEN),
        Driver("httpx2", "sync"),
        Driver("httpx2", "asyncio"),
    ],
    ids=str,
)
def test_a_stream_dropped_after_its_terminal_event_is_stored(driver: Driver) -> None:
    """litellm reads Anthropic's streams so: to their last event, and then it drops the response.

    httpx2 closes what is dropped, httpx does not; trio warns of every generator that is."""
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            async with driver.client(store=store) as client:
                stream = await client.open(server.url + "/v1/messages", json=ASKED)
                for _ in EVENTS:
                    await stream.next_chunk()
                # a library's own connection warns when it is dropped, so it is closed below replaycache
                inner = stream.real.stream._stream._stream
                await inner.aclose() if driver.is_async else inner.close()
                del stream, inner
                gc.collect()
                for _ in range(10_000 if driver.is_async else 0):
                    if len(store):
                        break
                    await asyncio.sleep(0)  # a loop closes generators in tasks of their own

                again = await client.post(server.url + "/v1/messages", json=ASKED)
                assert outcome_of(again).status == "hit"

    driver.run(body)
