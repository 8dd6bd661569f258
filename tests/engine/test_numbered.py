"""`repeats="numbered"`: the n-th identical request gets the n-th answer, in this run and in the next."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replaycache
from replaycache import CacheMiss, DriftFound, install, uninstall, use_cassette
from replaycache.stores import MemoryStore
from tests.drivers import ALL, ASYNC, SYNC, Client, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.stores import shared_servers
from tests.test_transports import ASKED, CHAT

OTHER = {**ASKED, "messages": [{"role": "user", "content": "goodbye"}]}


async def ask(client: Client, url: str, body: Any = ASKED, **headers: str) -> int:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: int = (await client.post(url + CHAT, json=body, headers=sent)).json()["answer"]
    return answer


def samples_in(store: MemoryStore) -> list[int]:
    return sorted(recording.sample for _, recording in store.newest(99))


def as_told(request: Received, wire: Wire) -> bool:
    """What the test has the server do in the place of an answer; whether that was anything."""
    what = request.headers.get("x-test", "")
    if what == "cut":
        wire.cut()
    elif what.isdigit():
        wire.answer(b'{"error":{}}', int(what))
    return bool(what)


def counting_unless_told() -> Any:
    answer = counting_answers()
    return lambda request, wire: as_told(request, wire) or answer(request, wire)


STORES: dict[str, Callable[[Path], Any]] = {
    "disk": str,
    "memory": lambda directory: MemoryStore(),
    "layers": lambda directory: [MemoryStore(), str(directory)],
}


@pytest.mark.parametrize("kind", STORES)
def test_two_runs_get_the_same_answers_in_the_same_order(driver: Driver, kind: str, tmp_path: Path) -> None:
    async def body() -> None:
        store = STORES[kind](tmp_path)
        with ScriptedServer(counting_answers()) as server:
            for run in range(2):
                async with driver.client(store=store, repeats="numbered") as client:
                    answers = [
                        await ask(client, server.url, asked) for asked in (ASKED, OTHER, ASKED, ASKED, OTHER)
                    ]
                assert answers == [1, 2, 3, 4, 5], run
            assert len(server.requests) == 5

    driver.run(body)


@pytest.mark.parametrize("driver", [SYNC[1], ASYNC[2]], ids=str)
def test_a_shared_store_has_them_too(driver: Driver) -> None:
    async def body() -> None:
        store = shared_servers.fresh_store(shared_servers.server("valkey").url)
        with ScriptedServer(counting_answers()) as server:
            for _ in range(2):
                async with driver.client(store=store, repeats="numbered") as client:
                    assert [await ask(client, server.url) for _ in range(3)] == [1, 2, 3]

    driver.run(body)


def test_what_was_recorded_without_it_is_the_first_answer_and_the_others_are_samples(driver: Driver) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                assert await ask(client, server.url) == 1
            async with driver.client(store=store, repeats="numbered") as client:
                assert [await ask(client, server.url) for _ in range(3)] == [1, 2, 3]
            async with driver.client(store=store) as client:
                assert await ask(client, server.url) == 1
                assert await ask(client, server.url, x_replaycache_sample="2") == 3

    driver.run(body)


def test_a_call_that_names_its_sample_is_not_counted_and_the_option_says_where_counting_begins(
    driver: Driver,
) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, repeats="numbered") as client:
                assert [await ask(client, server.url, x_replaycache_sample="7") for _ in range(2)] == [1, 1]
                with replaycache.sample(0):
                    assert [await ask(client, server.url) for _ in range(2)] == [2, 2]
                assert [await ask(client, server.url) for _ in range(2)] == [2, 3]
            async with driver.client(store=store, repeats="numbered", sample=6) as client:
                assert [await ask(client, server.url) for _ in range(3)] == [4, 1, 5]
        assert samples_in(store) == [0, 1, 6, 7, 8]

    driver.run(body)


def test_identical_requests_at_the_same_time_are_two_calls(driver: Driver) -> None:
    """Each waits at the server until the other is there."""
    both, answer = threading.Barrier(2, timeout=20), counting_answers()

    def handle(request: Received, wire: Wire) -> None:
        both.wait()
        answer(request, wire)

    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(handle) as server:
            runs = []
            for _ in range(2):
                found: list[int] = []
                async with driver.client(store=store, repeats="numbered") as client:

                    async def once() -> None:
                        found.append(await ask(client, server.url))  # noqa: B023

                    if driver.is_async:
                        async with anyio.create_task_group() as tasks:
                            tasks.start_soon(once)
                            tasks.start_soon(once)
                    else:
                        with ThreadPoolExecutor(2) as pool:
                            for job in [pool.submit(anyio.run, once) for _ in range(2)]:
                                job.result()
                runs.append(sorted(found))
            assert runs == [[1, 2]] * 2
            assert len(server.requests) == 2

    driver.run(body)


@pytest.mark.parametrize("failure", ["cut", "500", "307"])
@pytest.mark.parametrize("mode", ["auto", "record"])
def test_a_number_is_used_up_by_an_answer_that_is_stored(driver: Driver, failure: str, mode: str) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_unless_told()) as server:
            async with driver.client(store=store, repeats="numbered", mode=mode) as client:
                assert await ask(client, server.url) == 1
                for _ in range(2):
                    try:
                        response = await client.post(server.url + CHAT, json=ASKED, headers={"x-test": failure})
                        assert str(response.status_code) == failure
                    except driver.module.TransportError:
                        assert failure == "cut"
                assert [await ask(client, server.url) for _ in range(2)] == [2, 3]
            assert samples_in(store) == [0, 1, 2]
            async with driver.client(store=store, repeats="numbered", mode="replay") as client:
                assert [await ask(client, server.url) for _ in range(3)] == [1, 2, 3]

    driver.run(body)


def test_a_miss_names_the_number_and_uses_none_up(driver: Driver) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, repeats="numbered") as client:
                await ask(client, server.url)
            async with driver.client(store=store, repeats="numbered", mode="replay") as client:
                assert await ask(client, server.url) == 1
                for _ in range(2):
                    with pytest.raises(CacheMiss) as missed:
                        await ask(client, server.url)
                    lines = str(missed.value).splitlines()
                    assert "  sample   1, as number 2 of identical requests (repeats='numbered')" in lines
                    assert "             sample: recorded 0 / asked 1" in lines
                assert await ask(client, server.url, x_replaycache_mode="auto") == 2

    driver.run(body)


def test_record_replaces_and_verify_compares_each_with_its_own(driver: Driver) -> None:
    """Each answer has a shape of its own: the wrong one would be told as drift."""
    answers = iter([1, 2, 3, 4, 3, 4, 4])

    def handle(request: Received, wire: Wire) -> None:
        if not as_told(request, wire):
            answer = next(answers)
            wire.answer(json.dumps({"answer": answer, f"is {answer}": True}).encode())

    async def body() -> None:
        options: dict[str, Any] = {"store": MemoryStore(), "repeats": "numbered"}
        with ScriptedServer(handle) as server:
            for expected in ([1, 2], [3, 4]):
                async with driver.client(**options, mode="record") as client:
                    assert [await ask(client, server.url) for _ in range(2)] == expected
            assert samples_in(options["store"]) == [0, 1]
            options |= {"mode": "verify", "on_drift": "raise"}
            async with driver.client(**options) as client:
                assert await ask(client, server.url) == 3
                # upstream fails, and the client tries again
                response = await client.post(server.url + CHAT, json=ASKED, headers={"x-test": "500"})
                assert response.status_code == 500
                assert await ask(client, server.url) == 4
            with pytest.raises(DriftFound):
                async with driver.client(**options) as client:
                    assert await ask(client, server.url) == 4

    driver.run(body)


def test_what_is_not_answered_from_a_store_is_not_counted(driver: Driver) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, repeats="numbered") as client:
                assert await ask(client, server.url, x_replaycache_mode="off") == 1
                assert (await client.request("GET", server.url + CHAT)).json() == {"answer": 2}
                assert await ask(client, server.url) == 3
        assert samples_in(store) == [0]

    driver.run(body)


def test_a_replay_that_a_fault_disturbs_uses_none_up(driver: Driver) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, repeats="numbered") as client:
                assert [await ask(client, server.url) for _ in range(2)] == [1, 2]
            async with driver.client(store=store, repeats="numbered", fault="reset:times=1") as client:
                for answer in (1, 2):  # each is a key of its own, whose first call is disturbed
                    with pytest.raises(driver.module.ReadError):
                        await ask(client, server.url)
                    assert await ask(client, server.url) == answer

    driver.run(body)


def test_what_is_sent_elsewhere_is_counted_where_it_was_asked(driver: Driver) -> None:
    answer = counting_answers()

    def handle(request: Received, wire: Wire) -> None:
        if request.target == CHAT:
            wire.answer(b"", status=307, location=f"/there{CHAT}")
        else:
            answer(request, wire)

    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(handle) as server:
            for _ in range(2):
                async with driver.client(store=store, repeats="numbered") as client:
                    found = [
                        (await client.post(server.url + CHAT, json=ASKED, follow_redirects=True)).json()["answer"]
                        for _ in range(3)
                    ]
                assert found == [1, 2, 3]
            assert len(server.requests) == 6

    driver.run(body)


def test_a_session_counts_for_all_its_clients_and_the_next_begins_again() -> None:
    async def blocking(driver: Driver) -> int:
        with driver.module.Client() as client:
            answer: int = client.post(server.url + CHAT, json=ASKED).json()["answer"]
            return answer

    async def suspending(driver: Driver) -> int:
        async with driver.module.AsyncClient() as client:
            answer: int = (await client.post(server.url + CHAT, json=ASKED)).json()["answer"]
            return answer

    async def run() -> list[int]:
        found = [await blocking(driver) for driver in SYNC]
        return found + [await suspending(driver) for driver in SYNC]

    with ScriptedServer(counting_answers()) as server:
        store = MemoryStore()
        try:
            for _ in range(2):
                install(store=store, repeats="numbered")
                assert anyio.run(run) == [1, 2, 3, 4]
        finally:
            uninstall()


_FORKS = """
    import os, sys
    import httpx2
    import replaycache

    url, store = sys.argv[1:]
    replaycache.install(store=store, repeats="numbered")

    def ask():
        with httpx2.Client() as client:
            return client.post(url, json={"model": "m", "messages": []}).json()["answer"]

    print(ask(), ask(), flush=True)
    if not os.fork():
        print(ask(), ask(), ask(), flush=True)
        os._exit(0)
    os.wait()
    print(ask(), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_counts_its_own(tmp_path: Path) -> None:
    with ScriptedServer(counting_answers()) as server:
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(_FORKS), server.url + CHAT, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ended.stdout.split("\n"), ended.stderr) == (["1 2", "1 2 3", "3", ""], "")


def test_in_a_cassette_it_is_its_order(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        path = str(tmp_path / "a.json")
        with ScriptedServer(counting_answers()) as server:
            for mode in ("auto", "replay"):
                async with driver.client(store=path, mode=mode, repeats="numbered") as client:
                    assert [await ask(client, server.url) for _ in range(3)] == [1, 2, 3]
            async with driver.client(store=path, mode="replay") as client:
                assert [await ask(client, server.url) for _ in range(3)] == [1, 2, 3]

    driver.run(body)


def test_a_transport_that_follows_a_cassette_goes_by_its_order(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            for mode in ("auto", "replay"):
                with use_cassette(tmp_path / "a.json", mode=mode):
                    async with driver.client(repeats="numbered") as client:
                        assert [await ask(client, server.url) for _ in range(3)] == [1, 2, 3]
            assert len(server.requests) == 3

    driver.run(body)


def test_a_transport_that_follows_a_session_may_count_alone(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(repeats="numbered") as client, driver.client() as other:
                assert [await ask(client, server.url) for _ in range(2)] == [1, 2]
                assert [await ask(other, server.url) for _ in range(2)] == [1, 1]
                assert await ask(client, server.url) == 3

    try:
        install(store=MemoryStore())
        driver.run(body)
    finally:
        uninstall()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("driver", ALL, ids=str)
@given(calls=st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(["", "", "half"]), st.integers(0, 3))))
def test_whatever_overlaps_and_fails_the_next_runs_are_the_same(
    driver: Driver, calls: list[tuple[int, str, int]]
) -> None:
    """Calls that are open side by side and end in any order; some are cut short, and are asked for again."""
    lock = threading.Lock()
    count = 0

    def handle(request: Received, wire: Wire) -> None:
        nonlocal count
        with lock:
            count += 1
            answer = json.dumps({"answer": count, "of": request.json()["messages"][0]["content"]}).encode()
        wire.head(content_type="application/json", content_length=str(len(answer)))
        if request.headers.get("x-test") == "half":
            wire.send(answer[:5])
            wire.cut()
        else:
            wire.send(answer)

    async def run(client: Client, url: str, counts: list[int]) -> list[list[int]]:
        found: list[list[int]] = [[], []]
        for asked in (0, 1):
            for _ in range(counts[asked]):
                response = await client.post(url, json=(ASKED, OTHER)[asked])
                assert outcome_of(response).status == "hit"
                found[asked].append(response.json()["answer"])
        return found

    async def body() -> None:
        store = MemoryStore()
        whole: list[list[int]] = [[], []]
        opened: list[tuple[int, Any]] = []

        async def finish(at: int) -> None:
            asked, stream = opened.pop(at)
            try:
                whole[asked].append(json.loads(b"".join(await stream.chunks()))["answer"])
            except driver.module.RemoteProtocolError:
                pass
            finally:
                await stream.close()

        with ScriptedServer(handle) as server:
            url = server.url + CHAT
            failed = [sum(1 for asked, how, _ in calls if asked == one and how) for one in (0, 1)]
            again = [(one, "", 0) for one in (0, 1) for _ in range(failed[one])]
            async with driver.client(store=store, repeats="numbered") as client:
                for asked, how, open_then in calls:
                    opened.append(
                        (asked, await client.open(url, json=(ASKED, OTHER)[asked], headers={"x-test": how}))
                    )
                    while len(opened) > open_then:
                        await finish(len(opened) // 2)
                while opened:
                    await finish(-1)
                for asked, _, _ in again:
                    opened.append((asked, await client.open(url, json=(ASKED, OTHER)[asked])))
                    await finish(0)
            live = len(server.requests)
            stored = [recording.sample for _, recording in store.newest(99)]
            assert sorted(stored) == sorted([*range(len(whole[0])), *range(len(whole[1]))])
            runs = []
            for _ in range(2):
                async with driver.client(store=store, repeats="numbered", mode="replay") as client:
                    runs.append(await run(client, url, [len(answers) for answers in whole]))
            assert runs[0] == runs[1]
            assert [sorted(answers) for answers in runs[0]] == [sorted(answers) for answers in whole]
            assert len(server.requests) == live

    driver.run(body)
