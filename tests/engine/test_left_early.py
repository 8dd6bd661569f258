"""Streams whose reader leaves in the middle hold no connection, whether or not the collector ever runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivers import Driver
from tests.scripted_server import Received, ScriptedServer, Wire

ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "A colour?"}]}
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"Red"}}]}\n\n'
DRIVERS = [Driver(library, how) for library in ("httpx", "httpx2") for how in ("sync", "asyncio")]
WAYS = ("break", "drop", "wrapped", "lines")


def send_events(request: Received, wire: Wire) -> None:
    wire.start_chunks()
    for _ in range(3):
        wire.chunk(EVENT)
    wire.end_chunks()


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def _leave(response: Any, way: str) -> None:
    def wrapped() -> Iterator[bytes]:
        yield from response.iter_bytes()

    chunks = response.iter_lines() if way == "lines" else wrapped() if way == "wrapped" else response.iter_raw()
    if way == "drop":
        next(chunks)
    else:
        for _ in chunks:
            break


async def _leave_async(response: Any, way: str) -> None:
    async def wrapped() -> Any:
        async for chunk in response.aiter_bytes():
            yield chunk

    chunks = response.aiter_lines() if way == "lines" else wrapped() if way == "wrapped" else response.aiter_raw()
    if way == "drop":
        await anext(chunks)
    else:
        async for _ in chunks:
            break


@pytest.mark.sampled(8)
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the libraries' own generators
@pytest.mark.parametrize("count", [12, pytest.param(300, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/other"])
@pytest.mark.parametrize("kind", ["none", "off", "cache", "cassette"])
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_the_next_call_has_the_connection(
    driver: Driver, kind: str, path: str, count: int, tmp_path: Path
) -> None:
    """There is room for one: where it is held the next call waits in vain. `none` is the library without ours.

    A cassette reads on at the next call, in a loop at one of the next: tasks of the loop close what was left."""
    options = {
        "off": {"store": ":memory:", "mode": "off"},
        "cache": {"store": ":memory:"},
        "cassette": {"store": str(tmp_path / "left.json"), "mode": "record"},
    }
    module = driver.module
    limits, timeout = module.Limits(max_connections=4 if kind == "cassette" else 1), module.Timeout(30, pool=10)

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            if driver.is_async:
                upstream = module.AsyncHTTPTransport(limits=limits)
                transport = upstream if kind == "none" else driver.transport(upstream, **options[kind])
                async with module.AsyncClient(transport=transport, timeout=timeout) as client:
                    for number in range(count):
                        request = client.build_request("POST", server.url + path, json=ASKED)
                        await _leave_async(await client.send(request, stream=True), WAYS[number % len(WAYS)])
                    assert (await client.post(server.url + path, json=ASKED)).content == EVENT * 3
            else:
                upstream = module.HTTPTransport(limits=limits)
                transport = upstream if kind == "none" else driver.transport(upstream, **options[kind])
                with module.Client(transport=transport, timeout=timeout) as client:
                    for number in range(count):
                        request = client.build_request("POST", server.url + path, json=ASKED)
                        _leave(client.send(request, stream=True), WAYS[number % len(WAYS)])
                    assert client.post(server.url + path, json=ASKED).content == EVENT * 3
            assert len(server.requests) == count + 1

    asyncio.run(body())
