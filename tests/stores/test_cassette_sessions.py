"""Who asks a cassette, and when: several sessions, tasks, threads and processes on one file."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from replaycache import CacheMiss, use_cassette
from replaycache.httpx2 import AsyncReplayTransport, ReplayTransport
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.stores.test_cassette import URL, fill, recorded
from tests.tables import first_of
from tests.test_transports import CHAT

ROOT = Path(__file__).resolve().parent.parent.parent


def asking(prompt: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}]}


class HeldBack(ScriptedServer):
    """Answers each request with its number, in the order of arrival, when the test says so; or cuts it off."""

    def __init__(self) -> None:
        super().__init__(self._handle)
        self._condition = threading.Condition()
        self._arrived = 0
        self._released: dict[int, str] = {}

    def _handle(self, request: Received, wire: Wire) -> None:
        with self._condition:
            number = self._arrived
            self._arrived += 1
            self._condition.notify_all()
            assert self._condition.wait_for(lambda: number in self._released, 30)
        if self._released[number] == "cut":
            wire.cut()
        else:
            wire.answer(json.dumps({"answer": number}).encode())

    def wait_for(self, count: int) -> None:
        """Returns when so many requests have arrived."""
        with self._condition:
            assert self._condition.wait_for(lambda: self._arrived >= count, 30)

    def release(self, number: int, how: str = "answered") -> None:
        with self._condition:
            self._released[number] = how
            self._condition.notify_all()


def in_file(path: Path) -> list[tuple[str, int]]:
    """What stands in a cassette: prompt and answer."""
    recordings = json.loads(path.read_text())["recordings"]
    return [
        (one["request"]["json"]["messages"][0]["content"], one["response"]["json"]["answer"]) for one in recordings
    ]


def ask(client: httpx2.Client, url: str, prompt: str) -> int:
    answer = client.post(url + CHAT, json=asking(prompt)).json()["answer"]
    assert isinstance(answer, int)
    return answer


async def ask_async(client: httpx2.AsyncClient, url: str, prompt: str) -> int:
    answer = (await client.post(url + CHAT, json=asking(prompt))).json()["answer"]
    assert isinstance(answer, int)
    return answer


def sync_client(path: Path, **options: Any) -> httpx2.Client:
    return httpx2.Client(transport=ReplayTransport(store=str(path), **options), timeout=30)


def async_client(path: Path, **options: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=AsyncReplayTransport(store=str(path), **options), timeout=30)


# -- the order of asking -----------------------------------------------------------------------------------

PROMPTS = [["same", "same", "same"], ["a", "b", "c"], ["a", "same", "b", "same", "a"]]


@pytest.mark.parametrize("mode", ["auto", "record"])
@pytest.mark.parametrize("prompts", PROMPTS, ids="-".join)
def test_threads_whose_answers_end_in_another_order_come_back_as_asked(
    tmp_path: Path, prompts: list[str], mode: str
) -> None:
    path = tmp_path / "c.json"
    with HeldBack() as server, sync_client(path, mode=mode) as client, ThreadPoolExecutor(9) as pool:
        calls: list[Future[int]] = []
        for number, prompt in enumerate(prompts):
            calls.append(pool.submit(ask, client, server.url, prompt))
            server.wait_for(number + 1)
        for number in reversed(range(len(prompts))):
            server.release(number)
            assert calls[number].result(30) == number
    with sync_client(path, mode="replay") as client:
        replayed = [ask(client, server.url, prompt) for prompt in prompts]

    assert in_file(path) == list(zip(prompts, range(len(prompts)), strict=True))
    assert replayed == list(range(len(prompts)))


@pytest.mark.parametrize("mode", ["auto", "record"])
@pytest.mark.parametrize("prompts", PROMPTS, ids="-".join)
def test_tasks_whose_answers_end_in_another_order_come_back_as_asked(
    tmp_path: Path, prompts: list[str], mode: str
) -> None:
    path = tmp_path / "c.json"

    async def record(server: HeldBack) -> None:
        async with async_client(path, mode=mode) as client:
            calls = []
            for number, prompt in enumerate(prompts):
                calls.append(asyncio.create_task(ask_async(client, server.url, prompt)))
                await asyncio.to_thread(server.wait_for, number + 1)
            for number in (*range(1, len(prompts)), 0):
                server.release(number)
                assert await calls[number] == number

    async def replay(url: str) -> list[int]:
        async with async_client(path, mode="replay") as client:
            return list(await asyncio.gather(*(ask_async(client, url, prompt) for prompt in prompts)))

    with HeldBack() as server:
        asyncio.run(record(server))
    replayed = asyncio.run(replay(server.url))

    assert in_file(path) == list(zip(prompts, range(len(prompts)), strict=True))
    assert replayed == list(range(len(prompts)))


def test_what_is_asked_between_replayed_calls_stands_between_them(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        with sync_client(path) as client:
            for prompt in "ac":
                ask(client, server.url, prompt)
        with sync_client(path) as client:
            for prompt in "abcd":
                ask(client, server.url, prompt)

    assert [prompt for prompt, _ in in_file(path)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_a_retry_takes_the_place_of_the_call_that_failed(tmp_path: Path, mode: str) -> None:
    """Also among others that are asked at the same time."""
    path = tmp_path / "c.json"
    with HeldBack() as server, sync_client(path, mode=mode) as client, ThreadPoolExecutor(9) as pool:
        calls: list[Future[int]] = []
        for number, prompt in enumerate(["same", "same", "other"]):
            calls.append(pool.submit(ask, client, server.url, prompt))
            server.wait_for(number + 1)
        server.release(0, "cut")
        with pytest.raises(httpx2.RemoteProtocolError):
            calls[0].result(30)
        again = pool.submit(ask, client, server.url, "same")
        server.wait_for(4)
        for number, call in ((1, calls[1]), (2, calls[2]), (3, again)):
            server.release(number)
            assert call.result(30) == number

    assert in_file(path) == [("same", 3), ("same", 1), ("other", 2)]


def test_a_retry_renews_what_had_expired_where_the_call_that_failed_would_have(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with HeldBack() as server:
        record_old(path, server.url, "same", "same")
        with sync_client(path, ttl="7d") as client, ThreadPoolExecutor(9) as pool:
            calls = []
            for number in range(2):
                calls.append(pool.submit(ask, client, server.url, "same"))
                server.wait_for(number + 1)
            server.release(0, "cut")
            with pytest.raises(httpx2.RemoteProtocolError):
                calls[0].result(30)
            server.release(1)
            calls[1].result(30)
            server.release(2)
            assert ask(client, server.url, "same") == 2

    assert in_file(path) == [("same", 2), ("same", 1)]


# -- several sessions on one file ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_two_transports_of_a_process_lose_nothing_and_renew_nothing_of_each_other(
    tmp_path: Path, mode: str
) -> None:
    path = tmp_path / "c.json"
    asked = []

    async def both(url: str) -> None:
        with sync_client(path, mode=mode) as one:
            async with async_client(path, mode=mode) as other:
                asked.append(("one", ask(one, url, "one")))
                asked.append(("other", await ask_async(other, url, "other")))
                for prompt in ("a", "b", "a"):
                    asked.append((prompt, ask(one, url, prompt)))
                    asked.append((prompt, await ask_async(other, url, prompt)))

    with ScriptedServer(counting_answers()) as server:
        asyncio.run(both(server.url))

    assert in_file(path) == asked == list(zip(["one", "other", *"aabbaa"], range(1, 9), strict=True))


def test_a_transport_that_is_closed_leaves_the_order_of_another(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with HeldBack() as server, sync_client(path) as one, ThreadPoolExecutor(9) as pool:
        first = pool.submit(ask, one, server.url, "a")
        server.wait_for(1)
        with sync_client(path) as other:
            server.release(1)
            ask(other, server.url, "b")
        server.release(0)
        first.result(30)
        server.release(2)
        ask(one, server.url, "c")

    assert [prompt for prompt, _ in in_file(path)] == ["a", "b", "c"]


def test_two_contexts_at_once_play_the_same_and_keep_what_each_recorded(tmp_path: Path) -> None:
    path = tmp_path / "c.json"

    async def in_context(url: str, own: str) -> list[int]:
        async with httpx2.AsyncClient(timeout=30) as client:
            with use_cassette(path, mode="auto"):
                return [await ask_async(client, url, prompt) for prompt in ("a", "a", own)]

    async def both(url: str) -> list[list[int]]:
        return list(await asyncio.gather(in_context(url, "b"), in_context(url, "c")))

    with ScriptedServer(counting_answers()) as server:
        with sync_client(path) as client:
            recorded_before = [ask(client, server.url, "a") for _ in range(2)]
        one, other = asyncio.run(both(server.url))

    assert one[:2] == other[:2] == recorded_before
    assert sorted(in_file(path)) == sorted([("a", 1), ("a", 2), ("b", one[2]), ("c", other[2])])


ANOTHER = """
import sys
from pathlib import Path
from tests.stores.test_cassette_sessions import ask, sync_client
path, url, mode, *prompts = sys.argv[1:]
with sync_client(Path(path), mode=mode) as client:
    for prompt in prompts:
        ask(client, url, prompt)
"""


def by_another_process(path: Path, url: str, *prompts: str, mode: str = "auto") -> None:
    subprocess.run([sys.executable, "-c", ANOTHER, str(path), url, mode, *prompts], cwd=ROOT, check=True)


def by_another_session(path: Path, url: str, *prompts: str, mode: str = "auto") -> None:
    with sync_client(path, mode=mode) as client:
        for prompt in prompts:
            ask(client, url, prompt)


@pytest.mark.parametrize("record", [by_another_process, by_another_session])
@pytest.mark.parametrize("is_there", first_of([True, False]))
def test_a_session_never_plays_what_another_recorded_meanwhile(
    tmp_path: Path, record: Callable[..., None], is_there: bool
) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        if is_there:
            by_another_session(path, server.url, "before")
        with sync_client(path) as client:
            ask(client, server.url, "own")
            record(path, server.url, "a", "own")
            before = len(server.requests)
            ask(client, server.url, "a")
            ask(client, server.url, "own")
            assert len(server.requests) == before + 2

    prompts = [prompt for prompt, _ in in_file(path)]
    assert prompts[:2] == ["before", "own"] if is_there else prompts[0] == "own"
    assert sorted(prompts) == sorted([*(["before"] if is_there else []), "own", "a", "a", "own"])


@pytest.mark.parametrize("record", [by_another_process, by_another_session])
def test_a_session_in_mode_replay_misses_what_another_has_recorded_since_it_began(
    tmp_path: Path, record: Callable[..., None]
) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        by_another_session(path, server.url, "a")
        with sync_client(path, mode="replay") as client:
            ask(client, server.url, "a")
            record(path, server.url, "b")
            with pytest.raises(CacheMiss):
                ask(client, server.url, "b")


# -- recording anew ----------------------------------------------------------------------------------------


def test_a_process_that_begins_later_replaces_what_is_there_then_and_only_that(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        by_another_session(path, server.url, "a", "b", "a", "kept")  # 1 to 4
        with sync_client(path, mode="record") as client:
            ask(client, server.url, "a")  # 5
            by_another_process(path, server.url, "a", "b", mode="record")  # 6 and 7
            ask(client, server.url, "b")  # 8
            ask(client, server.url, "a")  # 9

    assert sorted(in_file(path)) == [("a", 6), ("a", 9), ("b", 7), ("b", 8), ("kept", 4)]


def test_two_processes_that_record_anew_at_once_keep_what_each_recorded(tmp_path: Path) -> None:
    """Both know the recordings from before, and only one of them finds them still there."""
    path = tmp_path / "c.json"
    answer, both_began = counting_answers(), threading.Barrier(2)

    def handle(request: Received, wire: Wire) -> None:
        if "begin" in request.json()["messages"][0]["content"]:
            both_began.wait(60)
        answer(request, wire)

    with ScriptedServer(handle) as server:
        by_another_session(path, server.url, *"aabb")  # 1 to 4
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", ANOTHER, str(path), server.url, "record", f"begin {prompts}", *prompts],
                cwd=ROOT,
            )
            for prompts in ("ab" * 5, "ba" * 5)
        ]
        assert [worker.wait(60) for worker in workers] == [0, 0]

    assert sorted(answer for _, answer in in_file(path)) == list(range(5, 27))


@pytest.mark.parametrize("other", ["auto", "record"])
def test_a_session_that_is_over_gives_its_recordings_to_the_next(tmp_path: Path, other: str) -> None:
    """Whoever is open besides has recorded nothing anew."""
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server, sync_client(path, mode=other) as beside:
        if other == "auto":
            ask(beside, server.url, "beside")
        for _ in range(2):
            with sync_client(path, mode="record") as client:
                ask(client, server.url, "a")
                ask(client, server.url, "a")

    assert [prompt for prompt, _ in in_file(path)] == [*(["beside"] if other == "auto" else []), "a", "a"]


# -- renewal after ttl -----------------------------------------------------------------------------------------


def record_old(path: Path, url: str, *prompts: str, date: str | None = "2020-01-01T00:00:00.000Z") -> None:
    """Writes recordings that were made long ago, answered with -1, -2 and so on."""
    fill(path, *(recorded(prompt, b'{"answer":%d}' % -number) for number, prompt in enumerate(prompts, 1)))
    document = json.loads(path.read_text())
    for one in document["recordings"]:
        one["request"]["url"] = url + CHAT
        del one["recorded_at"]
        if date is not None:
            one["recorded_at"] = date
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("repeats", ["sequence", "same"])
def test_ttl_renews_in_place_once(tmp_path: Path, repeats: str) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        with sync_client(path) as client:
            for prompt in "abc":
                ask(client, server.url, prompt)
        document = json.loads(path.read_text())
        document["recordings"][1]["recorded_at"] = "2020-01-01T00:00:00.000Z"
        path.write_text(json.dumps(document))
        for _ in range(2):
            with sync_client(path, ttl="7d", repeats=repeats) as client:
                assert [ask(client, server.url, prompt) for prompt in "abc"] == [1, 4, 3]

    assert in_file(path) == [("a", 1), ("b", 4), ("c", 3)]
    assert len(server.requests) == 4


def test_ttl_renews_a_sequence_in_place(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        record_old(path, server.url, *"aabab")
        with sync_client(path, ttl="7d") as client:
            assert [ask(client, server.url, prompt) for prompt in "abaa"] == [1, 2, 3, 4]
        with sync_client(path, ttl="7d") as client:
            assert [ask(client, server.url, prompt) for prompt in "abaab"] == [1, 2, 3, 4, 5]

    assert in_file(path) == [("a", 1), ("a", 3), ("b", 2), ("a", 4), ("b", 5)]


def test_ttl_renews_the_last_of_those_that_repeat(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        record_old(path, server.url, *"aab")
        for _ in range(2):
            with sync_client(path, ttl="7d", repeats="same") as client:
                assert [ask(client, server.url, prompt) for prompt in "aaa"] == [1, 1, 1]

    assert in_file(path) == [("a", -1), ("a", 1), ("b", -3)]


def test_what_has_no_date_does_not_expire(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        record_old(path, server.url, "a", date=None)
        with sync_client(path, ttl="7d") as client:
            assert ask(client, server.url, "a") == -1


def test_identical_twins_answer_twice(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("a"), recorded("a"))
    with sync_client(path, mode="replay") as client:
        for _ in range(2):
            assert client.post(URL, json=asking("a")).json() == {"answer": 1}
        with pytest.raises(CacheMiss):
            client.post(URL, json=asking("a"))
