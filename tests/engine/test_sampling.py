"""Several answers to one request, told apart by a number: distinct, and the same in every run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

import replaycache
from replaycache import ConfigurationError, install, uninstall
from replaycache.stores import MemoryStore
from tests.drivers import SYNC, Client, Driver
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT


@pytest.fixture(autouse=True)
def _nothing_stays_installed() -> Any:
    yield
    uninstall()


async def ask(client: Client, url: str, **headers: str) -> int:
    answer: int = (await client.post(url + CHAT, json=ASKED, headers=headers)).json()["answer"]
    return answer


def asking(driver: Driver, url: str) -> Callable[[], int]:
    """A blocking call through a client made for it and patched by `install`."""

    def ask_once() -> int:
        with driver.module.Client() as client:
            answer: int = client.post(url + CHAT, json=ASKED).json()["answer"]
            return answer

    return ask_once


def test_a_loop_gets_distinct_answers_and_the_same_ones_again(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            runs = []
            for _ in range(2):
                async with driver.client(store=str(tmp_path)) as client:
                    run = []
                    for number in range(3):
                        with replaycache.sample(number):
                            run += [await ask(client, server.url) for _ in range(2)]
                    runs.append(run)
            assert runs == [[1, 1, 2, 2, 3, 3]] * 2
            assert len(server.requests) == 3
            assert len({request.body for request in server.requests}) == 1
            assert not any("sample" in name for request in server.requests for name in request.headers)

    driver.run(body)


def test_what_goes_before_what(driver: Driver) -> None:
    """The header before the innermost block, that before the outer one, and that before the option."""

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:", sample=4) as client:
                by_header = [
                    await ask(client, server.url, **{"x-replaycache-sample": str(number)}) for number in range(5)
                ]
                assert by_header == [1, 2, 3, 4, 5]
                assert await ask(client, server.url) == 5
                with replaycache.sample(1):
                    assert await ask(client, server.url) == 2
                    async with replaycache.sample(0):
                        assert await ask(client, server.url) == 1
                        assert await ask(client, server.url, **{"x-replaycache-sample": "3"}) == 4
                    assert await ask(client, server.url) == 2
                assert await ask(client, server.url) == 5
            assert len(server.requests) == 5
            assert not any("x-replaycache-sample" in request.headers for request in server.requests)

    driver.run(body)


def test_tasks_have_the_sample_they_were_started_in(async_driver: Driver) -> None:
    async def body() -> None:
        found: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}

        async def inside(number: int) -> None:
            with replaycache.sample(number):
                await anyio.lowlevel.checkpoint()
                async with anyio.create_task_group() as tasks:
                    for _ in range(2):
                        tasks.start_soon(add, number)

        async def add(number: int) -> None:
            found[number].add(await ask(client, server.url))

        with ScriptedServer(counting_answers()) as server:
            async with async_driver.client(store=":memory:") as client, anyio.create_task_group() as tasks:
                for number in found:
                    tasks.start_soon(inside, number)
            assert sorted(found.values(), key=min) == [{1}, {2}, {3}]
            assert len(server.requests) == 3

    async_driver.run(body)


@pytest.mark.parametrize("driver", SYNC, ids=str)
def test_threads_and_the_jobs_of_a_pool_have_it_too(driver: Driver) -> None:
    with ScriptedServer(counting_answers()) as server:
        install(store=":memory:")
        once = asking(driver, server.url)
        plain = once()
        found: dict[int, list[int]] = {}

        def in_thread(number: int) -> None:
            found[number].append(once())

        with ThreadPoolExecutor(2) as pool:
            for number in (1, 2):
                found[number] = []
                with replaycache.sample(number):
                    thread = threading.Thread(target=in_thread, args=(number,))
                    thread.start()
                    found[number] += [pool.submit(once).result(), *pool.map(lambda _: once(), range(2))]
                    thread.join()
            # who was started in a block serves others after it
            assert [pool.submit(once).result() for _ in range(3)] == [plain] * 3
        assert once() == plain
        assert sorted(map(set, found.values()), key=min) == [{2}, {3}]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_threads_of_asynchronous_code_keep_no_sample(backend: str) -> None:
    async def body() -> None:
        once = asking(SYNC[1], server.url)
        with replaycache.sample(1):
            inside = await anyio.to_thread.run_sync(once)
        assert await anyio.to_thread.run_sync(once) != inside
        with replaycache.sample(1):
            assert await anyio.to_thread.run_sync(once) == inside
        if backend == "asyncio":
            loop = asyncio.get_running_loop()
            with replaycache.sample(1):
                assert await loop.run_in_executor(None, once) == await asyncio.to_thread(once) == inside
            assert await loop.run_in_executor(None, once) != inside

    with ScriptedServer(counting_answers()) as server:
        install(store=":memory:")
        anyio.run(body, backend=backend)
        assert len(server.requests) == 2


@pytest.mark.parametrize("driver", SYNC, ids=str)
def test_a_thread_that_outlives_the_block_keeps_its_sample(driver: Driver) -> None:
    left = threading.Event()
    found: list[int] = []

    with ScriptedServer(counting_answers()) as server:
        install(store=":memory:")
        once = asking(driver, server.url)
        assert once() == 1

        def late() -> None:
            assert left.wait(20)
            found.append(once())

        with replaycache.sample(1):
            thread = threading.Thread(target=late)
            thread.start()
        left.set()
        thread.join()
        assert found == [2]


def test_one_block_may_be_entered_by_several_tasks_at_once(async_driver: Driver) -> None:
    async def body() -> None:
        block = replaycache.sample(1)
        entered, leave = anyio.Event(), anyio.Event()
        found = []

        async def first() -> None:
            with block:
                entered.set()
                await leave.wait()
                found.append(await ask(client, server.url))

        async def second() -> None:
            await entered.wait()
            with block:
                leave.set()
                await anyio.lowlevel.checkpoint()
            found.append(await ask(client, server.url))

        with ScriptedServer(counting_answers()) as server:
            async with async_driver.client(store=":memory:") as client, anyio.create_task_group() as tasks:
                tasks.start_soon(first)
                tasks.start_soon(second)
            assert sorted(found) == [1, 2]

    async_driver.run(body)


def test_a_generator_that_leaves_its_block_late_leaves_that_of_others(driver: Driver) -> None:
    def one_that_enters() -> Any:
        with replaycache.sample(1):
            yield

    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                generator = one_that_enters()
                next(generator)
                with replaycache.sample(2):
                    generator.close()
                    await ask(client, server.url)
                await ask(client, server.url)
        assert sorted(recording.sample for _, recording in store.newest(2)) == [0, 2]

    driver.run(body)


def test_nothing_of_it_stays() -> None:
    before = (threading.Thread.start, ThreadPoolExecutor.submit)
    with replaycache.sample(1), pytest.raises(RuntimeError, match="mine"), replaycache.sample(2):
        raise RuntimeError("mine")

    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before


def test_cassettes_keep_samples_apart(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        path = str(tmp_path / "samples.json")
        with ScriptedServer(counting_answers()) as server:
            for mode in ("auto", "replay"):
                async with driver.client(store=path, mode=mode) as client:
                    for number in (1, 0):
                        with replaycache.sample(number):
                            assert await ask(client, server.url) == (1 if number else 2)
        assert len(server.requests) == 2

    driver.run(body)


@pytest.mark.parametrize("number", [-1, True, 1.0, None, "x", ""])
def test_what_is_no_number_is_refused(number: Any) -> None:
    with pytest.raises(ConfigurationError, match="sample"):
        replaycache.sample(number)


def test_a_store_of_ones_own_sees_one_key_a_sample(driver: Driver) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                for number in (0, 1):
                    with replaycache.sample(number):
                        await ask(client, server.url)
        assert sorted(recording.sample for _, recording in store.newest(9)) == [0, 1]

    driver.run(body)
