"""What went wrong once, or nearly: odd callers, odd transports, and the collector at the wrong moment."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from replaycache import AnswerEnd, CacheMiss, Match, Recording, Redact, ResponseHead
from replaycache.engine import flights
from replaycache.engine.flights import Owner, board
from replaycache.stores import MemoryStore
from tests.drivers import SYNC, Driver, outcome_of
from tests.engine.test_flights import Gate, until_waiting
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT, EVENTS, LIBRARIES_OWN_GENERATORS, STREAMED


def test_every_header_counts_for_what_receives_the_request(driver: Driver) -> None:
    """A body seen before is not made canonical again, unless a callable may look at the headers."""

    def by_tenant(request: Any) -> Any:
        return request.with_json({**request.json(), "tenant": request.header("x-tenant")})

    rules = [
        {"match": Match(normalize=by_tenant), "redact": Redact(request_headers=["x-tenant"])},
        {"match": Match(cacheable=lambda request: request.header("x-tenant") != "b")},
    ]

    async def body() -> None:
        for rule in rules:
            with ScriptedServer(counting_answers()) as server:
                async with driver.client(store=":memory:", **rule) as client:
                    answers = [
                        (await client.post(server.url + CHAT, json=ASKED, headers={"x-tenant": tenant})).json()
                        for tenant in ("a", "b", "a", "b")
                    ]
            assert answers[0] == answers[2] != answers[1]

    driver.run(body)


def test_the_host_header_and_the_target_say_who_is_asked(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:

                async def ask(**arguments: Any) -> Any:
                    return (await client.post(server.url + CHAT, json=ASKED, **arguments)).json()["answer"]

                hosts = [await ask(headers={"host": host}) for host in ("a.example", "b.example", "a.example")]
                targets = [
                    await ask(extensions={"target": target})
                    for target in (b"/x/v1/chat/completions", b"/y/v1/chat/completions", b"/x/v1/chat/completions")
                ]

        assert hosts == [1, 2, 1]
        assert targets == [3, 4, 3]

    driver.run(body)


def test_a_transport_that_reads_the_response_may_be_wrapped(driver: Driver) -> None:
    """As those do that log or retry."""
    module = driver.module
    base = module.AsyncBaseTransport if driver.is_async else module.BaseTransport

    class Reading(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            self.inner = module.AsyncHTTPTransport() if driver.is_async else module.HTTPTransport()

        def handle_request(self, request: Any) -> Any:
            response = self.inner.handle_request(request)
            response.read()
            return response

        async def handle_async_request(self, request: Any) -> Any:
            response = await self.inner.handle_async_request(request)
            await response.aread()
            return response

        def close(self) -> None:
            self.inner.close()

        async def aclose(self) -> None:
            await self.inner.aclose()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(Reading(), store=":memory:") as client:
                live = await client.post(server.url + CHAT, json=ASKED)
                replayed = await client.post(server.url + CHAT, json=ASKED)

        assert live.json() == replayed.json() == {"answer": 1}
        assert outcome_of(replayed).status == "hit"

    driver.run(body)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("sync_driver", SYNC, ids=str)
def test_a_stream_closed_while_another_thread_reads_it(sync_driver: Driver) -> None:
    """The reader gets an error, as from the bare client, and no end; nothing is stored."""
    store = MemoryStore()
    hold = threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks(content_type="text/plain")
        wire.chunk(b"part")
        hold.wait(2)

    with ScriptedServer(handle) as server, ThreadPoolExecutor(1) as pool:
        module, adapter = sync_driver.module, sync_driver.adapter
        with module.Client(transport=adapter.ReplayTransport(store=store), timeout=4) as client:
            request = client.build_request("POST", server.url + CHAT, json=STREAMED)
            response = client.send(request, stream=True)
            chunks = response.iter_raw()
            assert next(chunks) == b"part"
            reading = pool.submit(lambda: list(chunks))
            response.stream.close()
            hold.set()
            with pytest.raises(Exception, match=r".*"):
                reading.result()

    assert len(store) == 0


def test_the_collector_may_land_a_flight_at_any_moment() -> None:
    """A flight that lands in the middle of another's boarding or landing blocks nobody."""
    names = [f"flight {number}" for number in range(50)]
    owner = Owner(1)
    led = [board(flights.Flight(name, owner)) for name in names]

    class Landing:
        def __init__(self, flight: flights.Flight) -> None:
            self.flight = flight
            self.itself = self

        def __del__(self) -> None:
            self.flight.land()

    before = gc.get_threshold()
    for flight in led:
        Landing(flight)
    gc.set_threshold(1)
    try:
        for name in [*names, *(f"other {number}" for number in range(50))]:
            mine = flights.Flight(name, Owner(2))
            if board(mine) is mine:
                mine.land()
    finally:
        gc.set_threshold(*before)
    gc.collect()

    assert all(flight.landed for flight in led)
    assert not {*names} & {*flights._aloft}


def test_a_synchronous_call_inside_a_loop_does_not_wait_for_a_task_of_that_loop() -> None:
    """It would stop the loop that its leader needs."""
    gate, store = Gate(), MemoryStore()
    sync, asynchronous = Driver("httpx", "sync"), Driver("httpx2", "asyncio")

    async def body() -> None:
        with ScriptedServer(gate) as server:
            async with asynchronous.client(store=store) as client, anyio.create_task_group() as group:
                group.start_soon(lambda: client.post(server.url + CHAT, json=ASKED))
                await anyio.to_thread.run_sync(gate.arrived.acquire)
                gate.open()
                with sync.module.Client(transport=sync.adapter.ReplayTransport(store=store)) as blocking:
                    answer = blocking.post(server.url + CHAT, json=ASKED)
                assert answer.status_code == 200

    asynchronous.run(body)


@pytest.mark.sampled(1)
def test_who_waits_keeps_to_its_own_timeout(async_driver: Driver) -> None:
    """Behind a leader that takes too long it goes on its own, and gets its own timeout."""
    gate = Gate()

    async def body() -> None:
        with ScriptedServer(gate) as server:
            async with async_driver.client(store=":memory:") as client, anyio.create_task_group() as group:
                group.start_soon(lambda: client.post(server.url + CHAT, json=ASKED))
                await anyio.to_thread.run_sync(gate.arrived.acquire)
                with pytest.raises(async_driver.module.ReadTimeout):
                    await client.post(server.url + CHAT, json=ASKED, timeout=0.3)
                gate.open()
        assert gate.count == 2

    async_driver.run(body)


def test_a_leader_of_which_nothing_is_heard_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    flight = flights.Flight("silent", Owner(1))
    assert board(flight) is flight
    assert not flight.is_over
    monkeypatch.setattr(flights, "LEASE", -1.0)
    assert flight.is_over
    flight.land()


def test_saving_needs_no_thread_of_the_callers(async_driver: Driver) -> None:
    """Every thread of anyio's own pool may be waiting for this very call."""
    store = MemoryStore()

    async def body() -> None:
        limiter = anyio.to_thread.current_default_thread_limiter()
        limiter.total_tokens = 2

        async def post(number: int) -> None:
            await client.post(server.url + CHAT, json={**ASKED, "seed": number})

        with ScriptedServer(counting_answers()) as server:
            async with async_driver.client(store=store) as client, anyio.create_task_group() as group:
                for number in range(2):
                    group.start_soon(anyio.to_thread.run_sync, anyio.from_thread.run, post, number)
        assert len(store) == 2

    async_driver.run(body)


def test_an_upload_above_the_limit_is_not_sent_twice_in_part(driver: Driver) -> None:
    """A redirect asks for the body again, and what was generated cannot be generated again."""

    def pieces() -> Any:
        for _ in range(10):
            yield b"x" * 100

    async def pieces_async() -> Any:
        for piece in pieces():
            yield piece

    def handle(request: Received, wire: Wire) -> None:
        if request.target == CHAT:
            wire.answer(b"", status=307, location="/elsewhere/v1/chat/completions")
        else:
            wire.answer(b"{}")

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=":memory:", max_request_bytes=250) as client:
                content = pieces_async() if driver.is_async else pieces()
                with pytest.raises(driver.module.StreamConsumed):
                    await client.post(server.url + CHAT, content=content, follow_redirects=True)
        assert {len(request.body) for request in server.requests} == {1000}

    driver.run(body)


class _ForeignStore(MemoryStore):
    """A store that somebody wrote without reading the contract."""

    def get(self, key: str) -> Recording | None:
        raise RuntimeError("I did not expect that")

    put = get  # type: ignore[assignment]  # wrong, as such a store may be


def test_whatever_a_store_raises_the_call_goes_on(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=_ForeignStore()) as client:
                with pytest.warns(UserWarning, match="did not expect"):
                    answer = await client.post(server.url + CHAT, json=ASKED)
        assert answer.json() == {"answer": 1}

    driver.run(body)


@pytest.mark.parametrize("keep", [None, lambda head, end: not end.failed, lambda head, end: head.status == 200])
def test_a_failed_stream_is_not_kept_unless_asked_for(driver: Driver, keep: Any) -> None:
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n')
        wire.end_chunks()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store, keep=keep) as client:
                answers = [await client.post(server.url + "/v1/messages", json=STREAMED) for _ in range(2)]
        is_kept = keep is not None and keep(ResponseHead(200), AnswerEnd("failed"))
        assert [outcome_of(answer).status for answer in answers] == (["miss", "hit"] if is_kept else ["live"] * 2)
        assert len(store) == is_kept

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_cancelled_while_draining_the_connection_is_closed_all_the_same(async_driver: Driver) -> None:
    hold = threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(EVENTS[0])
        hold.wait(20)

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with async_driver.client(store=":memory:", on_abandon="drain") as client:
                stream = await client.open(server.url + CHAT, json=STREAMED)
                await stream.next_chunk()
                with anyio.move_on_after(0.2) as scope:
                    await stream.close()
                assert scope.cancelled_caught
                assert stream.real.is_closed
                assert outcome_of(stream).status == "live"
            hold.set()

    async_driver.run(body)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("hops", [1, 3])
def test_a_call_that_is_sent_elsewhere_is_one_with_the_next(driver: Driver, status: int, hops: int) -> None:
    """A gateway that wants a slash at the end, or another host."""
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        hop = int(request.target.partition("hop=")[2] or 0)
        if hop < hops:
            wire.answer(b"", status=status, location=f"{request.target.partition('?')[0]}?hop={hop + 1}")
        else:
            wire.answer(b'{"choices":[]}')

    async def body() -> None:
        with ScriptedServer(handle) as server:
            for expected in (hops + 1, hops + 1):
                async with driver.client(store=store) as client:
                    answer = await client.post(server.url + CHAT, json=ASKED, follow_redirects=True)
                assert answer.json() == {"choices": []}
                assert len(server.requests) == expected
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json={**ASKED, "seed": 1}, follow_redirects=True)
            assert len(server.requests) == 2 * (hops + 1)
        async with driver.client(store=store, mode="replay") as client:
            answer = await client.post(server.url + CHAT, json=ASKED)
            assert answer.json() == {"choices": []}
            with pytest.raises(CacheMiss):
                await client.post(server.url + CHAT, json={**ASKED, "seed": 2})

    driver.run(body)


def test_a_call_that_becomes_another_one_is_not_one_with_it(driver: Driver) -> None:
    """With status 302 and 303 a client asks anew, with GET."""
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        if request.method == "POST":
            wire.answer(b"", status=303, location=CHAT)
        else:
            wire.answer(b'{"choices":[]}')

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED, follow_redirects=True)
            assert [request.method for request in server.requests] == ["POST", "GET"] * 2
        assert len(store) == 0

    driver.run(body)


def test_a_replayed_redirect_calls_nobody(driver: Driver) -> None:
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(b"", status=307, location="/elsewhere")

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store, keep=lambda head, end: True) as client:
                await client.post(server.url + CHAT, json=ASKED)
            seen = len(server.requests)
            async with driver.client(store=store, mode="replay") as client:
                with pytest.raises(CacheMiss):
                    await client.post(server.url + CHAT, json=ASKED, follow_redirects=True)
            assert len(server.requests) == seen

    driver.run(body)


def test_followers_are_told_from_whatever_thread() -> None:
    """Many threads, many flights, landed by others: nobody is forgotten."""
    store, gate = MemoryStore(), Gate()
    with ScriptedServer(gate) as server, ThreadPoolExecutor(12) as pool:

        def ask(number: int) -> bytes:
            driver = SYNC[number % 2]
            with driver.module.Client(transport=driver.adapter.ReplayTransport(store=store), timeout=30) as client:
                return client.post(server.url + CHAT, json={**ASKED, "seed": number % 3}).content  # type: ignore[no-any-return]

        futures = [pool.submit(ask, number) for number in range(12)]
        for _ in range(3):
            assert gate.arrived.acquire(timeout=20)
        until_waiting(9)
        gate.open()
        answers = [json.loads(future.result())["answer"] for future in futures]

    assert gate.count == 3
    assert all(answers[number] == answers[number % 3] for number in range(12))


NO_FILES = """
    import json, os, resource, sys, warnings
    import {library} as library
    from replaycache import CacheMiss
    from replaycache.{library} import ReplayTransport
    from replaycache.stores import DiskStore

    LARGE = "x" * 700_000  # a recording of a file of its own

    def upstream(request):
        asked = json.loads(request.content)
        if asked["model"] == "unfinished":
            return library.Response(200, headers={{"content-type": "application/json"}}, content=b'{{"choices": [')
        content = LARGE if asked["model"] == "large" else "small"
        choice = {{"message": {{"content": content}}, "finish_reason": "stop"}}
        return library.Response(200, json={{"choices": [choice]}})

    def ask(model, **headers):
        body = {{"model": model, "messages": [{{"role": "user", "content": "hello"}}]}}
        answer = client.post("http://api.test/v1/chat/completions", json=body, headers=headers)
        return answer.extensions["replaycache"]

    warnings.simplefilter("ignore")
    store = DiskStore(sys.argv[1])
    transport = ReplayTransport(library.MockTransport(upstream), store=store, mode="auto")
    with library.Client(transport=transport) as client:
        ask("m")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
        try:
            told = [ask(model) for model in sys.argv[2:]]
            try:
                ask("never asked", **{{"x-replaycache-mode": "replay"}})
            except CacheMiss as miss:
                told.append(miss.reason)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        told.append(ask("afterwards").status)
    print(json.dumps([told[0].status, *told[1:]]))
"""


@pytest.mark.sampled(1)
@pytest.mark.skipif(sys.platform != "linux", reason="it counts open files as Linux tells them")
@pytest.mark.parametrize("model", ["large", "unfinished"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_process_that_can_open_no_further_file_gets_its_answers(
    library: str, model: str, tmp_path: Path
) -> None:
    """What is to be told of what was not stored is loaded then, which needs files, too."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NO_FILES.format(library=library)), str(tmp_path / "cache"), model],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == ["live", "no_recording", "miss"]
