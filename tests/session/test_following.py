"""Transports that name neither store nor mode follow the session they are used in; a call is recorded once."""

from __future__ import annotations

import json
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from replaycache import (
    BudgetExceeded,
    CacheMiss,
    DriftFound,
    Match,
    Redact,
    ReplayCacheWarning,
    install,
    uninstall,
    use_cassette,
)
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.session.test_in_process import Holder, asking, client_on, retrying
from tests.test_transports import ASKED, CHAT


@contextmanager
def session(kind: str, path: Path, **options: Any) -> Iterator[None]:
    if kind == "install":
        install(store=str(path), **options)
        try:
            yield
        finally:
            uninstall()
    else:
        with use_cassette(path, **options):
            yield


def to_tenant(request: Received, wire: Wire) -> None:
    wire.answer(json.dumps({"for": request.headers.get("x-tenant")}).encode())


async def ask(driver: Driver, inner: Any, url: str, headers: Any = None, **body: Any) -> Any:
    client = client_on(driver, inner)
    if driver.is_async:
        async with client:
            return await client.post(url + CHAT, json={**ASKED, **body}, headers=headers)
    with client:
        return client.post(url + CHAT, json={**ASKED, **body}, headers=headers)


# -- its own options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["install", "cassette"])
def test_its_own_match_holds(driver: Driver, tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("cache" if kind == "install" else "c.json")

    async def as_tenant(name: str, server: ScriptedServer) -> Any:
        inner = driver.transport(match=Match(headers=["x-tenant"]))
        return await ask(driver, inner, server.url, {"x-tenant": name})

    async def body() -> None:
        with ScriptedServer(to_tenant) as server:
            for _ in range(2):
                with session(kind, path):
                    assert (await as_tenant("alice", server)).json() == {"for": "alice"}
                    assert (await as_tenant("bob", server)).json() == {"for": "bob"}
            assert len(server.requests) == 2
            with session(kind, path, mode="replay"):
                assert outcome_of(await as_tenant("bob", server)).status == "hit"
                with pytest.raises(CacheMiss):
                    await as_tenant("carol", server)

    driver.run(body)


def test_its_place_in_the_cassette_is_the_sessions(driver: Driver, tmp_path: Path) -> None:
    """Whatever its rules, each recording is the answer to one request."""
    path = tmp_path / "c.json"

    async def answers(server: ScriptedServer) -> list[int]:
        loose = driver.transport(match=Match(ignore=["metadata.run_id"]))
        asked = [
            await ask(driver, inner, server.url, metadata={"run_id": "x"})
            for inner in (None, loose, None, driver.transport(), loose)
        ]
        return [answer.json()["answer"] for answer in asked]

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with use_cassette(path):
                assert await answers(server) == [1, 2, 3, 4, 5]
            with use_cassette(path, mode="replay") as cassette:
                assert await answers(server) == [1, 2, 3, 4, 5]
                assert cassette.tally.replayed == 5
                assert len(cassette.tally.played) == 5
            assert len(server.requests) == 5

    driver.run(body)


@pytest.mark.parametrize("mode", ["once", "record"])
def test_what_it_redacts_is_on_no_disk(driver: Driver, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "c.json"

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with use_cassette(path, mode=mode, redact=Redact(body=["of_the_session"])):
                inner = driver.transport(redact=Redact(body=["of_the_transport"]))
                await ask(
                    driver, inner, server.url, of_the_session="first secret", of_the_transport="second secret"
                )
        text = path.read_text("utf-8")
        assert "first secret" not in text
        assert "second secret" not in text

    driver.run(body)


def test_sample_ttl_hooks_and_hosts_of_its_own(driver: Driver, tmp_path: Path) -> None:
    told: list[str] = []

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with session("install", tmp_path / "cache"):
                samples = [await ask(driver, driver.transport(sample=number), server.url) for number in (1, 2, 1)]
                assert [answer.json()["answer"] for answer in samples] == [1, 2, 1]
                expiring = driver.transport(ttl=0)
                expired = [await ask(driver, expiring, server.url, n=1) for _ in range(2)]
                assert [answer.json()["answer"] for answer in expired] == [3, 4]
                telling = driver.transport(
                    on_hit=lambda recording, outcome: told.append(outcome.status),
                    ignore_hosts=["elsewhere.example"],
                )
                await ask(driver, telling, server.url, n=1)
                await ask(driver, None, server.url, n=1)
                assert told == ["hit"]
                alone = await ask(driver, driver.transport(ignore_hosts=["localhost"]), server.url, n=1)
                assert alone.json() == {"answer": 5}

    driver.run(body)


def test_its_own_budget_is_one_for_all_sessions(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        inner = driver.transport(budget=0)
        with ScriptedServer(counting_answers()) as server:
            for name in ("a.json", "b.json"):
                with use_cassette(tmp_path / name) as cassette:
                    with pytest.raises(BudgetExceeded):
                        await ask(driver, inner, server.url)
                    assert len(cassette.tally.over_budget) == 1
            assert not server.requests

    driver.run(body)


def test_the_drift_that_it_raises_is_raised(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server, use_cassette(path):
            await ask(driver, driver.transport(), server.url)
            kept = server.url
        recorded = path.read_text("utf-8")
        with ScriptedServer(lambda request, wire: wire.answer(b'{"other":[]}')) as server:
            path.write_text(recorded.replace(kept, server.url), "utf-8")
            with pytest.raises(DriftFound):
                with use_cassette(path, mode="verify"):
                    await ask(driver, driver.transport(on_drift="raise"), server.url)

    driver.run(body)


def test_its_open_responses_end_with_the_session(driver: Driver, tmp_path: Path) -> None:
    go = threading.Event()

    def answer(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(b"data: {}\n\n")
        go.wait(20)
        wire.end_chunks()

    async def body() -> None:
        cassette = use_cassette(tmp_path / "c.json")
        with ScriptedServer(answer) as server:
            async with driver.client(None, match=Match(headers=["x-a"])) as client:
                cassette.__enter__()
                stream = await client.open(server.url + CHAT, json=ASKED)
                await stream.next_chunk()
                with pytest.warns(match="still open when its cassette was closed"):
                    cassette.__exit__(None, None, None)
                go.set()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ReplayCacheWarning)
                    await stream.chunks()
                await stream.close()

    driver.run(body)


# -- once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["follows", "own", "client"])
def test_a_call_through_a_proxy_is_recorded_once(
    driver: Driver, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.json"

    async def asked_twice(mode: str) -> list[int]:
        found = []
        for _ in range(2):
            inner = {
                "follows": lambda: driver.transport(),
                "own": lambda: driver.transport(store=":memory:", mode="auto"),
                "client": lambda: None,
            }[kind]()
            found.append((await ask(driver, inner, "http://api.example")).json()["answer"])
        return found

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            monkeypatch.setenv("http_proxy", server.url)
            with use_cassette(path, mode="auto") as cassette:
                assert await asked_twice("auto") == [1, 2]
                assert cassette.tally.recorded == (0 if kind == "own" else 2)
            with use_cassette(path, mode="replay"):
                # what names its store is the user's word in every mode
                assert await asked_twice("replay") == ([3, 4] if kind == "own" else [1, 2])

    driver.run(body)


NESTED: dict[str, Any] = {
    "client inside": lambda driver, inner: asking(
        driver, lambda self, request: self.client.send(request), client=client_on(driver, None)
    ),
    "follower in a dict": lambda driver, inner: asking(
        driver,
        lambda self, request: (
            self.by["a"].handle_async_request(request) if driver.is_async else self.by["a"].handle_request(request)
        ),
        by={"a": inner},
    ),
    "follower two objects deep": lambda driver, inner: retrying(driver, Holder(Holder(inner))),
    "follower that only its maker knows": lambda driver, inner: asking(driver, Hidden(inner).ask),
}


class Hidden:
    """Keeps what it has where nobody looks."""

    kept: ClassVar[dict[int, Any]] = {}

    def __init__(self, inner: Any) -> None:
        self.number = len(Hidden.kept)
        Hidden.kept[self.number] = inner

    def ask(self, transport: Any, request: Any) -> Any:
        inner = Hidden.kept[self.number]
        if hasattr(inner, "handle_async_request"):
            return inner.handle_async_request(request)
        return inner.handle_request(request)


@pytest.mark.sampled(12)
@pytest.mark.parametrize("kind", ["install", "cassette"])
@pytest.mark.parametrize("nested", NESTED)
def test_what_is_called_already_is_not_recorded_again(
    driver: Driver, tmp_path: Path, kind: str, nested: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "users"))
    path = tmp_path / ("cache" if kind == "install" else "c.json")

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            for mode in ("auto", "replay"):
                with session(kind, path, mode=mode):
                    inners = [NESTED[nested](driver, driver.transport()) for _ in range(2)]
                    answers = [(await ask(driver, inner, server.url)).json()["answer"] for inner in inners]
                    assert answers == ([1, 1] if kind == "install" else [1, 2])
            assert len(server.requests) == (1 if kind == "install" else 2)
        if kind == "cassette":
            assert len(CassetteStore(path).all()) == 2
        assert not (tmp_path / "users").exists()

    driver.run(body)


def test_a_stores_own_calls_are_none_of_the_sessions(driver: Driver, tmp_path: Path) -> None:
    """A store may be somewhere else; where the session replays, too."""
    with ScriptedServer(lambda request, wire: wire.answer(b"{}")) as elsewhere:

        class Far(MemoryStore):
            def _go(self) -> None:
                assert driver.module.get(elsewhere.url).extensions.get("replaycache") is None
                with pytest.raises(socket.gaierror, match=r"^(?!.*replaycache refuses)"):
                    socket.getaddrinfo("store.invalid", 80)

            def get(self, key: str) -> Any:
                self._go()
                return super().get(key)

            def put(self, key: str, recording: Any) -> None:
                self._go()
                super().put(key, recording)

        async def body() -> None:
            store = Far()
            with ScriptedServer(counting_answers()) as server:
                for mode in ("auto", "replay"):
                    install(store=store, mode=mode)
                    try:
                        assert (await ask(driver, None, server.url)).json() == {"answer": 1}
                    finally:
                        uninstall()

        driver.run(body)
        assert len(elsewhere.requests) == 3
