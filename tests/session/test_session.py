"""install() and use_cassette(): no transport in the user's code."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import anyio
import anyio.lowlevel
import pytest

from replaycache import (
    CacheMiss,
    ConfigurationError,
    ReplayCacheWarning,
    SecretFound,
    install,
    uninstall,
    use_cassette,
)
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import ASYNC, SYNC, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT


@pytest.fixture(autouse=True)
def _nothing_stays_installed() -> Any:
    yield
    uninstall()


async def ask(driver: Driver, url: str, real: Any = None, **body: Any) -> Any:
    """One call through a bare client: the one given, or one made for it."""
    content = {**ASKED, **body}
    if driver.is_async:
        if real is not None:
            return await real.post(url + CHAT, json=content)
        async with driver.module.AsyncClient() as client:
            return await client.post(url + CHAT, json=content)
    if real is not None:
        return real.post(url + CHAT, json=content)
    with driver.module.Client() as client:
        return client.post(url + CHAT, json=content)


def test_install_reaches_clients_made_before_and_after(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            before = driver.module.AsyncClient() if driver.is_async else driver.module.Client()
            install(store=":memory:")
            answers = [
                (await ask(driver, server.url, real)).json()["answer"] for real in (before, None, before, None)
            ]
            uninstall()
            live = await ask(driver, server.url, before)
            await before.aclose() if driver.is_async else before.close()

        assert answers == [1, 1, 1, 1]
        assert live.json() == {"answer": 2}
        assert "replaycache" not in live.extensions

    driver.run(body)


def test_one_installed_cache_serves_both_libraries(tmp_path: Path) -> None:
    with ScriptedServer(counting_answers()) as server:
        install(store=str(tmp_path))
        for driver in (*SYNC, *ASYNC):

            async def body(driver: Driver = driver) -> None:
                assert (await ask(driver, server.url)).json() == {"answer": 1}

            driver.run(body)


def test_installing_again_takes_the_place_of_the_first(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            first, second = MemoryStore(), MemoryStore()
            install(store=first)
            await ask(driver, server.url)
            install(store=second)
            assert (await ask(driver, server.url)).json() == {"answer": 2}
            install(store=first)
            assert (await ask(driver, server.url)).json() == {"answer": 1}

    driver.run(body)


def test_uninstalling_what_is_not_installed_does_nothing(driver: Driver) -> None:
    kind = driver.module.AsyncClient if driver.is_async else driver.module.Client
    before = dict(vars(kind))

    uninstall()
    uninstall()

    assert dict(vars(kind)) == before


def test_nothing_stays_patched(driver: Driver) -> None:
    kind = driver.module.AsyncClient if driver.is_async else driver.module.Client
    before = (kind._transport_for_url, threading.Thread.start, ThreadPoolExecutor.submit)
    install(store=":memory:")
    with use_cassette(MemoryStore()):
        assert kind._transport_for_url is not before[0]
    uninstall()

    assert (kind._transport_for_url, threading.Thread.start, ThreadPoolExecutor.submit) == before


def test_a_clients_own_replay_transport_has_the_last_word(driver: Driver) -> None:
    async def body() -> None:
        own = MemoryStore()
        with ScriptedServer(counting_answers()) as server, use_cassette(MemoryStore(), mode="replay"):
            async with driver.client(store=own) as client:
                assert outcome_of(await client.post(server.url + CHAT, json=ASKED)).status == "miss"
        assert len(own) == 1

    driver.run(body)


def test_a_transport_of_the_users_own_is_wrapped(driver: Driver) -> None:
    """As OpenAI's and LiteLLM's clients that run httpx over aiohttp."""
    module = driver.module
    base = module.AsyncBaseTransport if driver.is_async else module.BaseTransport

    class Custom(base):  # type: ignore[misc, valid-type]
        calls = 0

        def handle_request(self, request: Any) -> Any:
            Custom.calls += 1
            return module.Response(200, json={"custom": Custom.calls})

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    async def body() -> None:
        real = module.AsyncClient(transport=Custom()) if driver.is_async else module.Client(transport=Custom())
        with use_cassette(MemoryStore()):
            answers = [(await ask(driver, "http://upstream.test", real)).json() for _ in range(2)]
        assert answers == [{"custom": 1}, {"custom": 1}]
        await real.aclose() if driver.is_async else real.close()

    driver.run(body)


def test_the_innermost_cassette_counts(driver: Driver) -> None:
    async def body() -> None:
        installed, outer, inner = MemoryStore(), MemoryStore(), MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            install(store=installed)
            with use_cassette(outer):
                with use_cassette(inner):
                    await ask(driver, server.url)
                assert (len(outer), len(inner)) == (0, 1)
                await ask(driver, server.url)
            assert (len(installed), len(outer)) == (0, 1)
            await ask(driver, server.url)
            assert len(installed) == 1

    driver.run(body)


def test_tasks_at_the_same_time_use_their_own_cassettes(async_driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        meet = anyio.Event()
        waiting = 0
        with ScriptedServer(counting_answers()) as server:

            async def one(name: str) -> None:
                nonlocal waiting
                with use_cassette(tmp_path / f"{name}.json"):
                    waiting += 1
                    if waiting == 2:
                        meet.set()
                    await meet.wait()
                    for _ in range(3):
                        await ask(async_driver, server.url, user=name)

            async with anyio.create_task_group() as group:
                for name in ("a", "b"):
                    group.start_soon(one, name)
        for name in ("a", "b"):
            users = [item.request.json()["user"] for item in CassetteStore(tmp_path / f"{name}.json").all()]
            assert users == [name] * 3

    async_driver.run(body)


@pytest.mark.parametrize("sync_driver", SYNC, ids=str)
def test_threads_started_inside_are_covered_and_others_are_not(sync_driver: Driver) -> None:
    def one(store: MemoryStore, name: str, url: str, barrier: threading.Barrier) -> None:
        with use_cassette(store):
            barrier.wait(10)

            def inside() -> None:
                asyncio.run(ask(sync_driver, url, user=name))

            thread = threading.Thread(target=inside)
            thread.start()
            thread.join()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, ask(sync_driver, url, user=f"{name} in a pool")).result()

    stores = {"a": MemoryStore(), "b": MemoryStore()}
    barrier = threading.Barrier(2)
    with ScriptedServer(counting_answers()) as server:
        threads = [
            threading.Thread(target=one, args=(store, name, server.url, barrier)) for name, store in stores.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for name, store in stores.items():
        users = {recording.request.json()["user"] for _, recording in store.newest(9)}
        assert users == {name, f"{name} in a pool"}


@pytest.mark.parametrize("sync_driver", SYNC, ids=str)
def test_a_pool_made_before_takes_the_cassette_of_who_submits(sync_driver: Driver) -> None:
    store = MemoryStore()
    with ScriptedServer(counting_answers()) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        with use_cassette(store):
            pool.submit(asyncio.run, ask(sync_driver, server.url)).result()
        outside = pool.submit(asyncio.run, ask(sync_driver, server.url, seed=1)).result()

    assert len(store) == 1
    assert "replaycache" not in outside.extensions


def test_as_a_decorator_every_call_is_a_session(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    url = ""

    @use_cassette(path)
    async def in_coroutine(name: str) -> Any:
        """Its docstring."""
        return (await ask(driver, url, user=name)).json()

    @use_cassette(path)
    def in_function(name: str) -> Any:
        return asyncio.run(ask(driver, url, user=name)).json()

    async def body() -> None:
        nonlocal url
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            assert await in_coroutine("x") == {"answer": 1}
        assert await in_coroutine("x") == {"answer": 1}
        assert await in_coroutine(name="x") == {"answer": 1}

    driver.run(body)
    if driver.how != "trio":
        assert in_function("x") == {"answer": 1}
    assert (in_coroutine.__name__, in_coroutine.__doc__) == ("in_coroutine", "Its docstring.")
    with pytest.raises(ConfigurationError, match="generator"):
        use_cassette(path)(lambda: (yield))


def test_wrong_options_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'mode'"):
        use_cassette("c.json", modee="once")  # type: ignore[call-arg]  # the misspelling is the test
    with pytest.raises(ConfigurationError, match="is no mode"):
        install(mode="onec")
    with pytest.raises(RuntimeError, match="while it is entered"):
        _ = use_cassette("c.json").store


def test_a_call_that_goes_past_it_is_said(tmp_path: Path) -> None:
    """Rivals patch one library and stay silent when another is used."""

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(b"{}", connection="close")
        wire.cut()

    def past() -> None:
        with use_cassette(tmp_path / "c.json"):
            urlopen(server.url).close()

    with ScriptedServer(handle) as server:
        with pytest.warns(ReplayCacheWarning, match=rf"connected to {server.url.removeprefix('http://')}"):
            past()


def test_a_miss_passes_through_it(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with use_cassette(tmp_path / "c.json", mode="replay") as cassette:
            with pytest.raises(CacheMiss, match="cassette_not_found"):
                await ask(driver, "http://127.0.0.1:9")
            assert len(cassette.tally.misses) == 1

    driver.run(body)


def test_installing_needs_only_the_library_that_is_there() -> None:
    code = """
import sys
sys.modules["httpx2"] = None
import replaycache, httpx
replaycache.install(store=":memory:")
client = httpx.Client()
for _ in range(2):
    answer = client.post(sys.argv[1] + "/v1/chat/completions", json={"messages": []})
print(answer.extensions["replaycache"].status)
"""
    with ScriptedServer(counting_answers()) as server:
        done = subprocess.run([sys.executable, "-c", code, server.url], capture_output=True, text=True)

    assert done.stdout == "hit\n", done.stderr


def test_a_thread_started_in_a_nested_cassette_uses_that_one(tmp_path: Path) -> None:
    driver = SYNC[0]
    with ScriptedServer(counting_answers()) as server:
        with use_cassette(tmp_path / "outer.json").everywhere():
            with use_cassette(tmp_path / "inner.json"):
                thread = threading.Thread(target=lambda: asyncio.run(ask(driver, server.url)))
                thread.start()
                thread.join()

    assert [path.name for path in tmp_path.iterdir()] == ["inner.json"]


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_worker_thread_does_not_keep_the_cassette_it_was_started_in(loop: str, tmp_path: Path) -> None:
    """An event loop's worker threads serve every task."""
    library = SYNC[0].module

    async def body() -> None:
        entered, done = anyio.Event(), anyio.Event()

        def post() -> Any:
            return library.post(server.url + CHAT, json=ASKED)

        async def inside() -> None:
            with use_cassette(tmp_path / "a.json"):
                assert outcome_of(await anyio.to_thread.run_sync(post)).status == "miss"
                entered.set()
                await done.wait()

        async def outside() -> None:
            await entered.wait()
            assert "replaycache" not in (await anyio.to_thread.run_sync(post)).extensions
            done.set()

        async with anyio.create_task_group() as group:
            group.start_soon(outside)
            group.start_soon(inside)

    with ScriptedServer(counting_answers()) as server:
        anyio.run(body, backend=loop)

    assert len(CassetteStore(tmp_path / "a.json")) == 1


def test_a_generator_that_leaves_its_cassette_late_leaves_that_of_others(driver: Driver, tmp_path: Path) -> None:
    def one_that_enters() -> Any:
        with use_cassette(tmp_path / "generator.json"):
            yield

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            generator = one_that_enters()
            next(generator)
            with use_cassette(tmp_path / "later.json"):
                generator.close()
                assert outcome_of(await ask(driver, server.url)).status == "miss"
            assert "replaycache" not in (await ask(driver, server.url)).extensions

    driver.run(body)

    assert [path.name for path in tmp_path.iterdir()] == ["later.json"]


def test_one_use_cassette_may_be_entered_by_several_tasks_at_once(async_driver: Driver, tmp_path: Path) -> None:
    before = async_driver.module.AsyncClient._transport_for_url

    async def body() -> None:
        session = use_cassette(tmp_path / "shared.json", mode="auto")
        entered, leave = anyio.Event(), anyio.Event()

        async def first() -> None:
            async with session:
                entered.set()
                await leave.wait()
            assert "replaycache" not in (await ask(async_driver, server.url)).extensions

        async def second() -> None:
            await entered.wait()
            async with session:
                leave.set()
                await anyio.lowlevel.checkpoint()
                assert outcome_of(await ask(async_driver, server.url)).status == "miss"
                assert session.tally.recorded == 1

        with ScriptedServer(counting_answers()) as server:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(first)
                tasks.start_soon(second)

    async_driver.run(body)

    assert async_driver.module.AsyncClient._transport_for_url is before


def test_a_cassette_may_be_left_in_another_context_than_it_was_entered_in(tmp_path: Path) -> None:
    """As an asynchronous generator's is, where a task each enters and leaves it."""
    driver = ASYNC[0]
    before = driver.module.AsyncClient._transport_for_url

    async def one_that_enters() -> Any:
        with use_cassette(tmp_path / "entered.json"):
            yield

    async def body() -> None:
        generator = one_that_enters()
        await asyncio.create_task(anext(generator))
        await asyncio.create_task(generator.aclose())

    asyncio.run(body())

    assert driver.module.AsyncClient._transport_for_url is before


def test_a_thread_keeps_what_its_maker_had_it_run(tmp_path: Path) -> None:
    ran: list[str] = []
    with use_cassette(tmp_path / "unused.json"):
        thread = threading.Thread()
        thread.run = lambda: ran.append("its own")  # type: ignore[method-assign]  # as such makers do
        thread.start()
        thread.join()

    assert ran == ["its own"]


@pytest.mark.parametrize("raised", ["by the block", "by the cassette"])
def test_where_warnings_are_errors_the_error_that_says_more_is_raised(
    driver: Driver, tmp_path: Path, raised: str
) -> None:
    key = "sk-proj-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY" * 2

    def connect() -> None:
        with socket.socket() as one:
            one.setblocking(False)
            one.connect_ex(("192.0.2.7", 9))

    async def in_session(url: str, mode: str) -> None:
        with use_cassette(tmp_path / "c.json", mode=mode):
            connect()
            await ask(driver, url, user=key)

    async def body() -> None:
        error, mode = (CacheMiss, "replay") if raised == "by the block" else (SecretFound, "auto")
        with ScriptedServer(counting_answers()) as server, warnings.catch_warnings():
            warnings.simplefilter("error", ReplayCacheWarning)
            warnings.filterwarnings("ignore", message=".*credential")
            with pytest.raises(error):
                await in_session(server.url, mode)

    driver.run(body)


def test_as_a_decorator_it_takes_a_path() -> None:
    with pytest.raises(ConfigurationError, match=r"@use_cassette\('cassettes/ask.json'\)"):

        @use_cassette  # type: ignore[arg-type]  # what is tried
        def test_it() -> None: ...
