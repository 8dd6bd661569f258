"""Streams whose reader has what it wanted and lets go of the response, without reading on or closing it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest
from packaging.version import Version

from replaycache import use_cassette
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import Client, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire

ASKED = {"model": "claude-sonnet-4-6", "stream": True, "messages": [{"role": "user", "content": "A colour?"}]}
EVENTS = [
    {"type": "message_start", "message": {"id": "msg-1", "type": "message", "content": []}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Red."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
SENT = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in EVENTS]
DRIVERS = [Driver(library, how) for library in ("httpx", "httpx2") for how in ("sync", "asyncio")]
LOOPS = [Driver(library, how) for library in ("httpx", "httpx2") for how in ("asyncio", "trio")]


def send_events(request: Received, wire: Wire) -> None:
    wire.start_chunks()
    for event in SENT:
        wire.chunk(event)
    wire.end_chunks()


async def read_and_drop(client: Any, url: str, count: int) -> None:
    """Reads some chunks, and lets go of the response."""
    stream = await client.open(url + "/v1/messages", json=ASKED)
    for _ in range(count):
        await stream.next_chunk()
    del stream
    gc.collect()
    await asyncio.sleep(0)
    while closing := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(closing)  # a loop closes generators in tasks of their own
        await asyncio.sleep(0)
    gc.collect()


@pytest.mark.sampled(1)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("count", [3, 4])
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_a_cache_keeps_an_answer_that_is_dropped_once_the_model_has_stopped(driver: Driver, count: int) -> None:
    """litellm reads Anthropic's streams so: until the model says why it stopped, or one event further."""
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            async with driver.client(store=store) as client:
                await read_and_drop(client, server.url, count)
                again = await client.post(server.url + "/v1/messages", json=ASKED)

                assert outcome_of(again).status == "hit"
                assert again.content == b"".join(SENT)
            assert len(server.requests) == 1

    driver.run(body)


@pytest.mark.sampled(1)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_a_cache_keeps_nothing_of_an_answer_that_is_dropped_in_the_middle(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            async with driver.client(store=store) as client:
                await read_and_drop(client, server.url, 2)
            assert len(store) == 0

    driver.run(body)


@pytest.mark.sampled(1)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_a_cassette_drains_what_is_dropped(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "dropped.json"

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            async with driver.client(store=str(path)) as client:
                await read_and_drop(client, server.url, 1)

    driver.run(body)

    [recording] = CassetteStore(path).all()
    assert recording.complete
    assert recording.body.read() == b"".join(SENT)


@pytest.mark.sampled(1)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
@pytest.mark.parametrize("leaving", ["async with", "with"])
def test_a_session_takes_up_what_was_dropped_in_it(driver: Driver, leaving: str, tmp_path: Path) -> None:
    """Where the block is left without awaiting, the loop cannot read on: what came is kept, and flagged.

    httpx2 closes what is dropped by itself, since 2.12, and then nothing is left to take up."""
    path = tmp_path / "dropped.json"

    async def ask(real: Any, url: str) -> None:
        client = Client(driver, real)
        if leaving == "with":
            with use_cassette(path):
                await read_and_drop(client, url, 1)
        else:
            async with use_cassette(path):
                await read_and_drop(client, url, 1)

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            if driver.is_async:
                async with driver.module.AsyncClient() as real:
                    await ask(real, server.url)
            else:
                with driver.module.Client() as real:
                    await ask(real, server.url)

    driver.run(body)

    [recording] = CassetteStore(path).all()
    assert recording.body.read().startswith(SENT[0])
    closes = driver.library == "httpx2" and Version(driver.module.__version__) >= Version("2.12")
    assert recording.complete is not (leaving == "with" and driver.how == "asyncio" and not closes)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
@pytest.mark.parametrize("reads_on", [False, True])
def test_an_answer_whose_reader_stopped_with_the_model_is_kept_at_the_end(driver: Driver, reads_on: bool) -> None:
    """litellm holds on to such a response in its log. Whoever reads on after all gets the rest of it."""
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(send_events) as server:
            session = use_cassette(store, mode="auto")
            real = driver.module.AsyncClient() if driver.is_async else driver.module.Client()
            async with session:
                stream = await Client(driver, real).open(server.url + "/v1/messages", json=ASKED)
                read = [await stream.next_chunk() for _ in range(3)]
                assert len(store) == 0
            [(_, recording)] = store.newest(1)
            assert recording.complete
            assert recording.body.read() == b"".join(SENT)
            if reads_on:
                assert read + await stream.chunks() == SENT
            await stream.close()
            await real.aclose() if driver.is_async else real.close()

    driver.run(body)


HALF = b"the first half, "


class Halting:
    """Sends half of a body, and the rest when it is let go on. Only its end says that it is whole."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, request: Received, wire: Wire) -> None:
        wire.start_chunks(content_type="text/plain")
        wire.chunk(HALF)
        self.go_on.wait(30)
        wire.chunk(b"the second")
        wire.end_chunks()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("driver", LOOPS, ids=str)
def test_an_answer_is_not_whole_where_draining_it_was_cancelled(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "cancelled.json"
    halting = Halting()

    async def body() -> None:
        with ScriptedServer(halting) as server:
            async with driver.client(store=str(path)) as client:
                stream = await client.open(server.url + "/v1/anything", json=ASKED)
                assert await stream.next_chunk() == HALF
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await stream.close()
                assert scope.cancelled_caught
                del stream
                gc.collect()
            halting.go_on.set()

    driver.run(body)

    assert_not_whole(path)


@pytest.mark.sampled(1)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_answer_is_not_whole_where_its_loop_has_ended(library: str, tmp_path: Path) -> None:
    """A loop closes generators when it ends, and what is read from a closed one looks as if it were over."""
    path = tmp_path / "ended.json"
    driver = Driver(library, "asyncio")
    transport = driver.transport(store=str(path))
    halting = Halting()
    left = []

    async def leave(url: str) -> None:
        real = driver.module.AsyncClient(transport=transport)
        stream = await Client(driver, real).open(url + "/v1/anything", json=ASKED)
        assert await stream.next_chunk() == HALF
        left.append(stream)

    async def close() -> None:
        left.clear()
        gc.collect()
        await transport.aclose()

    with ScriptedServer(halting) as server:
        asyncio.run(leave(server.url))
        asyncio.run(close())
        halting.go_on.set()

    assert_not_whole(path)


@pytest.mark.parametrize("closes_all", [False, True])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_what_seems_to_end_with_its_loop_is_not_whole(library: str, closes_all: bool, tmp_path: Path) -> None:
    """A loop that ends closes what the stream is read from before the stream itself, or that never."""
    path = tmp_path / "ended.json"
    driver = Driver(library, "asyncio")

    class Nested(driver.module.AsyncByteStream):  # type: ignore[name-defined]  # of the library that is tested
        def __init__(self) -> None:
            self.inside = self.read()

        async def read(self) -> Any:
            for _ in range(2):
                yield HALF

        async def __aiter__(self) -> Any:
            async for part in self.inside:
                yield part

    stream = Nested()

    async def answer(request: Any) -> Any:
        return driver.module.Response(200, headers={"transfer-encoding": "chunked"}, stream=stream)

    transport = driver.transport(driver.module.MockTransport(answer), store=str(path))
    left = []

    async def leave() -> None:
        real = driver.module.AsyncClient(transport=transport)
        opened = await Client(driver, real).open("http://api.test/v1/anything", json=ASKED)
        assert await opened.next_chunk() == HALF
        await stream.inside.aclose()
        left.append(opened)

    async def close() -> None:
        left.clear()
        gc.collect()
        await transport.aclose()

    for work in (leave(), close()):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(work)
        if closes_all:
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    assert_not_whole(path)


def assert_not_whole(path: Path) -> None:
    recordings = CassetteStore(path).all()
    assert [recording.body.read() for recording in recordings if recording.complete] == []


@pytest.mark.parametrize("driver", [driver for driver in DRIVERS if driver.is_async], ids=str)
def test_whoever_reads_on_is_told_where_the_end_of_a_session_broke_it_off(driver: Driver) -> None:
    before = driver.module.AsyncClient._transport_for_url
    go_on = threading.Event()

    def send_but_the_last(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in SENT[:-1]:
            wire.chunk(event)
        go_on.wait(30)

    async def body() -> None:
        with ScriptedServer(send_but_the_last) as server:
            async with driver.module.AsyncClient() as real:
                with anyio.CancelScope() as scope:
                    async with use_cassette(MemoryStore(), mode="auto"):
                        stream = await Client(driver, real).open(server.url + "/v1/messages", json=ASKED)
                        for _ in range(3):
                            await stream.next_chunk()
                        scope.cancel()
                with pytest.raises(driver.module.ReadError, match="the session has ended"):
                    await stream.next_chunk()
                await stream.close()
            go_on.set()

    driver.run(body)

    assert driver.module.AsyncClient._transport_for_url is before  # the session has ended for all that


@pytest.mark.parametrize("driver", [driver for driver in DRIVERS if driver.is_async], ids=str)
def test_a_close_that_is_cancelled_closes_the_inner_transport(driver: Driver) -> None:
    inner = driver.module.AsyncHTTPTransport()
    closed: list[bool] = []
    close = inner.aclose

    async def noted() -> None:
        closed.append(True)
        await close()

    inner.aclose = noted
    go_on = threading.Event()

    def send_but_the_last(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in SENT[:-1]:
            wire.chunk(event)
        go_on.wait(30)

    async def body() -> None:
        with ScriptedServer(send_but_the_last) as server:
            transport = driver.transport(inner, store=MemoryStore())
            client = Client(driver, driver.module.AsyncClient(transport=transport))
            stream = await client.open(server.url + "/v1/messages", json=ASKED)
            for _ in range(3):
                await stream.next_chunk()
            with anyio.CancelScope() as scope:
                scope.cancel()
                await transport.aclose()
            assert closed
            await stream.close()
            go_on.set()

    driver.run(body)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_whoever_reads_on_gets_what_comes_after_the_session(library: str) -> None:
    """A read that blocks goes on beyond the time for it, and the reader must not meet it."""
    driver = Driver(library, "sync")
    go_on = threading.Event()

    def hold_the_last_back(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in SENT[:-1]:
            wire.chunk(event)
        go_on.wait(30)
        wire.chunk(SENT[-1])
        wire.end_chunks()

    with ScriptedServer(hold_the_last_back) as server, driver.module.Client() as real:
        with use_cassette(MemoryStore(), mode="auto"):
            request = real.build_request("POST", server.url + "/v1/messages", json=ASKED)
            response = real.send(request, stream=True)
            chunks = response.iter_raw()
            read = [next(chunks) for _ in range(3)]
        go_on.set()
        assert [*read, *chunks] == SENT
        response.close()


FORKING = """
import gc, os, sys, urllib.request, httpx
from replaycache import use_cassette

url, directory = sys.argv[1:]
with use_cassette(directory + "/forked.json"), httpx.Client() as client:
    response = client.send(client.build_request("POST", url, json={"model": "m", "stream": True}), stream=True)
    read = response.iter_raw()
    first = next(read)
    if not (child := os.fork()):
        del read, response
        gc.collect()
        urllib.request.urlopen(url).close()  # from now on the rest of the answer comes
        client.get(url)  # before this is sent, what was dropped is taken up
        os._exit(0)
    os.waitpid(child, 0)
    print((first + b"".join(read)).decode(), end="")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_reads_nothing_of_its_parents_responses(tmp_path: Path) -> None:
    """It has the same connection: what it drained, the parent would miss."""
    may_go_on = threading.Event()

    def answer(request: Received, wire: Wire) -> None:
        if request.method == "GET":
            may_go_on.set()
            wire.answer(b"{}")
            return
        wire.start_chunks()
        wire.chunk(SENT[0])
        wire.chunk(SENT[1])
        may_go_on.wait(20)
        for event in SENT[2:]:
            wire.chunk(event)
        wire.end_chunks()

    with ScriptedServer(answer) as server:
        program = [sys.executable, "-W", "ignore", "-c", FORKING, server.url + "/v1/messages", str(tmp_path)]
        done = subprocess.run(program, capture_output=True, timeout=60, check=False)

    assert done.stdout == b"".join(SENT), done.stderr.decode()


ENDING = """
    import sys
    import {library} as library
    from replaycache.{library} import ReplayTransport

    def upstream(request):
        body = (b"data: %d\\n\\n" % number for number in range(9))
        return library.Response(200, headers={{"content-type": "text/event-stream"}}, content=body)

    transport = ReplayTransport(library.MockTransport(upstream), store=sys.argv[1], mode="auto")
    client = library.Client(transport=transport)
    response = client.send(client.build_request("GET", "http://api.test/events"), stream=True)
    chunks = response.iter_raw()
    assert next(chunks) == b"data: 0\\n\\n"
    raise SystemExit("of the user's") if sys.argv[2] == "exit" else ValueError("of the user's")
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("end", ["exit", "raise"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_interpreter_ends_though_a_stream_of_a_cassette_is_open(library: str, end: str, tmp_path: Path) -> None:
    """The collector closes it when no thread can be started any more in which it could be drained."""
    code = textwrap.dedent(ENDING.format(library=library))
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "c.json"), end],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    ours = "ReplayCacheWarning: The interpreter ended"
    told = [line for line in done.stderr.splitlines() if ours not in line]
    assert any(line.endswith("of the user's") for line in told)
    # the library's own generator may be told of: newer Pythons import nothing any more when they close it
    assert not [line for line in told if f"replaycache/{library}.py" in line or "/engine/" in line]
