"""Identical requests in flight at once make one upstream call."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

from replaycache.engine import flights
from replaycache.stores import DiskStore, MemoryStore
from tests.drivers import ASYNC, SYNC, Driver, outcome_of
from tests.engine.parts import call_of, exchange
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.test_transports import ASKED, CHAT, EVENTS, LIBRARIES_OWN_GENERATORS, STREAMED

MANY = 8


class Gate:
    """Answers only when it is opened, so that requests are in flight together."""

    def __init__(self, *, statuses: list[int] | None = None, streamed: bool = False) -> None:
        self._open = threading.Event()
        self._lock = threading.Lock()
        self._statuses = list(statuses or [])
        self._streamed = streamed
        self.arrived = threading.Semaphore(0)
        self.count = 0

    def open(self) -> None:
        self._open.set()

    def __call__(self, request: Received, wire: Wire) -> None:
        with self._lock:
            self.count += 1
            number = self.count
            status = self._statuses.pop(0) if self._statuses else 200
        self.arrived.release()
        if self._streamed:
            wire.start_chunks()
            wire.chunk(EVENTS[0])
            self._open.wait(20)
            for event in EVENTS[1:]:
                wire.chunk(event)
            wire.end_chunks()
        else:
            self._open.wait(20)
            wire.answer(json.dumps({"answer": number}).encode(), status=status)


def until_waiting(count: int) -> None:
    """Returns when `count` requests wait for a flight: each either polls its event or has left a waker."""
    deadline = threading.Event()
    for _ in range(2000):
        waiting = sum(flight.waiting for flight in list(flights._aloft.values()))
        if waiting >= count:
            return
        deadline.wait(0.005)
    raise AssertionError(f"{count} requests never waited")


def ask_from_threads(
    driver: Driver, store: Any, url: str, gate: Gate, count: int = MANY, **body: Any
) -> list[Any]:
    """The same request from several threads, each with a client of its own."""

    def ask() -> Any:
        module, adapter = driver.module, driver.adapter
        with module.Client(transport=adapter.ReplayTransport(store=store), timeout=30) as client:
            return client.post(url + CHAT, json={**ASKED, **body})

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(ask) for _ in range(count)]
        assert gate.arrived.acquire(timeout=20)
        until_waiting(count - 1)
        gate.open()
        return [future.result() for future in futures]


@pytest.mark.parametrize("sync_driver", SYNC, ids=str)
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("on_disk", [False, True])
def test_threads_make_one_call(sync_driver: Driver, streamed: bool, on_disk: bool, tmp_path: Any) -> None:
    gate = Gate(streamed=streamed)
    store = str(tmp_path) if on_disk else MemoryStore()
    with ScriptedServer(gate) as server:
        answers = ask_from_threads(sync_driver, store, server.url, gate, stream=streamed)

    assert gate.count == 1
    assert len({answer.content for answer in answers}) == 1
    assert sorted(outcome_of(answer).status for answer in answers) == ["hit"] * (MANY - 1) + ["miss"]


@pytest.mark.parametrize("streamed", [False, True])
def test_tasks_make_one_call(async_driver: Driver, streamed: bool) -> None:
    gate = Gate(streamed=streamed)

    async def body() -> None:
        answers = []
        with ScriptedServer(gate) as server:
            async with async_driver.client(store=MemoryStore()) as client:

                async def ask() -> None:
                    answers.append(await client.post(server.url + CHAT, json={**ASKED, "stream": streamed}))

                async with anyio.create_task_group() as group:
                    for _ in range(MANY):
                        group.start_soon(ask)
                    await anyio.to_thread.run_sync(gate.arrived.acquire)
                    await anyio.to_thread.run_sync(until_waiting, MANY - 1)
                    gate.open()

        assert gate.count == 1
        assert len({answer.content for answer in answers}) == 1

    async_driver.run(body)


@pytest.mark.parametrize("leader", SYNC, ids=str)
@pytest.mark.parametrize("follower", ASYNC, ids=str)
def test_a_task_waits_for_a_thread_of_either_library(leader: Driver, follower: Driver) -> None:
    gate, store = Gate(), MemoryStore()

    async def body() -> None:
        with ScriptedServer(gate) as server:
            module, adapter = leader.module, leader.adapter
            with (
                module.Client(transport=adapter.ReplayTransport(store=store), timeout=30) as lead,
                ThreadPoolExecutor(1) as pool,
            ):
                future = pool.submit(lead.post, server.url + CHAT, json=ASKED)
                await anyio.to_thread.run_sync(gate.arrived.acquire)
                async with follower.client(store=store) as client, anyio.create_task_group() as group:
                    answers = []

                    async def ask() -> None:
                        answers.append(await client.post(server.url + CHAT, json=ASKED))

                    group.start_soon(ask)
                    await anyio.to_thread.run_sync(until_waiting, 1)
                    gate.open()
                assert answers[0].content == future.result().content
        assert gate.count == 1

    follower.run(body)


@pytest.mark.parametrize("sync_driver", SYNC, ids=str)
def test_where_the_leader_stores_nothing_the_others_go_on_their_own(sync_driver: Driver) -> None:
    gate = Gate(statuses=[500])
    with ScriptedServer(gate) as server:
        answers = ask_from_threads(sync_driver, MemoryStore(), server.url, gate, count=3)

    assert gate.count in (2, 3)  # the last may find what the second has stored
    assert sorted(answer.status_code for answer in answers) == [200, 200, 500]


def test_who_waits_for_one_leader_after_another_has_one_time_out_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    call = call_of(exchange())
    later = time.perf_counter() + 20
    assert call.patience(None) is None

    monkeypatch.setattr(time, "perf_counter", lambda: later)

    left, none_left = call.patience(30), call.patience(15)
    assert left is not None
    assert 9 < left <= 10
    assert none_left is not None
    assert none_left < 0  # it is not waited for at all


@LIBRARIES_OWN_GENERATORS
@pytest.mark.parametrize("leaves", ["cancelled before the head", "cancelled in the stream", "closes the stream"])
def test_where_the_leader_leaves_one_of_the_others_leads(async_driver: Driver, leaves: str) -> None:
    gate, store = Gate(streamed=leaves != "cancelled before the head"), MemoryStore()

    async def body() -> None:
        with ScriptedServer(gate) as server:
            async with async_driver.client(store=store) as client, anyio.create_task_group() as group:
                answers = []
                scope, leave = anyio.CancelScope(), anyio.Event()

                async def lead() -> None:
                    with scope:
                        stream = await client.open(server.url + CHAT, json=STREAMED)
                        if leaves == "closes the stream":
                            await leave.wait()
                            await stream.close()
                        else:
                            await stream.chunks()

                async def follow() -> None:
                    answers.append(await client.post(server.url + CHAT, json=STREAMED))

                group.start_soon(lead)
                await anyio.to_thread.run_sync(gate.arrived.acquire)
                for _ in range(MANY):
                    group.start_soon(follow)
                await anyio.to_thread.run_sync(until_waiting, MANY)
                leave.set()
                if leaves != "closes the stream":
                    scope.cancel()
                await anyio.to_thread.run_sync(gate.arrived.acquire)
                await anyio.to_thread.run_sync(until_waiting, MANY - 1)
                gate.open()

        assert sorted(outcome_of(answer).status for answer in answers) == ["hit"] * (MANY - 1) + ["miss"]
        assert gate.count == 2

    async_driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_one_thread_or_task_may_open_the_same_stream_twice(driver: Driver) -> None:
    """It must not wait for itself."""

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in EVENTS:
            wire.chunk(event)
        wire.end_chunks()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=":memory:") as client:
                first = await client.open(server.url + CHAT, json=STREAMED)
                second = await client.open(server.url + CHAT, json=STREAMED)
                for stream in (second, first):
                    assert b"".join(await stream.chunks()) == b"".join(EVENTS)
                    await stream.close()

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_an_answer_left_unread_holds_nobody_up(async_driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "PATIENCE", 0.1)

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in EVENTS:
            wire.chunk(event)
        wire.end_chunks()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with async_driver.client(store=":memory:") as client:
                unread = await client.open(server.url + CHAT, json=STREAMED)
                answers = []

                async def ask() -> None:
                    answers.append(await client.post(server.url + CHAT, json=STREAMED))

                async with anyio.create_task_group() as group:
                    group.start_soon(ask)
                assert outcome_of(answers[0]).status == "miss"
                await unread.close()

    async_driver.run(body)


def test_two_stores_of_one_directory_share_their_flights(tmp_path: Any) -> None:
    assert DiskStore(tmp_path / "a" / ".." / "b").identity == DiskStore(str(tmp_path / "b")).identity
    assert DiskStore(tmp_path / "a").identity != DiskStore(tmp_path / "b").identity
    assert MemoryStore().identity != MemoryStore().identity


class SlowStore(MemoryStore):
    """One that is asked in threads."""

    slow = True


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_tasks_that_share_a_context_make_one_call(library: str) -> None:
    """And each of them is a task of its own, in threads too."""
    module, adapter = importlib.import_module(library), importlib.import_module(f"replaycache.{library}")
    calls = []

    class Upstream(module.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            calls.append(request)
            await asyncio.sleep(0.05)
            choice = {"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}
            return module.Response(200, json={"choices": [choice]})

    async def main() -> list[int]:
        transport = adapter.AsyncReplayTransport(Upstream(), store=SlowStore())
        async with module.AsyncClient(transport=transport) as client:

            async def ask() -> int:
                body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
                response = await client.post("https://api.openai.com/v1/chat/completions", json=body)
                return int(response.status_code)

            shared = contextvars.copy_context()
            return [await task for task in [asyncio.create_task(ask(), context=shared) for _ in range(3)]]

    assert asyncio.run(main()) == [200] * 3
    assert len(calls) == 1
