"""The option `ignore_hosts`: what goes to these hosts is left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import replaycache
from replaycache import CacheMiss, ConfigurationError, Mode
from replaycache.options import IGNORE_HOSTS_VARIABLE
from replaycache.stores import CassetteStore, MemoryStore, open_store
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT

APP = "http://app.internal:8000"
API = "https://api.example"


class Upstream:
    """Makes a transport that keeps the responses that it gave and the requests that it got."""

    def __init__(self, driver: Driver) -> None:
        self.given: list[Any] = []
        self.asked: list[Any] = []
        self._library = driver.module

    def transport(self) -> Any:
        return self._library.MockTransport(self._answer)

    def _answer(self, request: Any) -> Any:
        self.asked.append(request)
        self.given.append(self._library.Response(200, json={"answer": len(self.given) + 1}))
        return self.given[-1]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", ["cache", "cassette.json"])
def test_it_gets_upstreams_own_response_in_every_mode(
    driver: Driver, tmp_path: Path, name: str, mode: str
) -> None:
    async def body() -> None:
        upstream, told = Upstream(driver), list[Any]()
        store, _ = open_store(tmp_path / name)
        hooks = dict.fromkeys(("on_hit", "on_miss", "on_store"), lambda *what: told.append(what))
        options = {"store": store, "mode": mode, "ignore_hosts": ["app.internal:8000"], "budget": 0, **hooks}
        async with driver.client(upstream.transport(), **options) as client:
            answers = [await client.post(APP + CHAT, json=ASKED) for _ in range(2)]

            assert [id(answer) for answer in answers] == list(map(id, upstream.given))
            assert [answer.json() for answer in answers] == [{"answer": 1}, {"answer": 2}]
            assert "replaycache" not in answers[0].extensions
            assert len(store) == 0
            assert not told
        store.close()

    driver.run(body)
    assert not list(tmp_path.iterdir())


def test_other_hosts_and_ports_are_recorded(driver: Driver) -> None:
    async def body() -> None:
        upstream, store = Upstream(driver), MemoryStore()
        async with driver.client(upstream.transport(), store=store, ignore_hosts=["app.internal:8000"]) as client:
            urls = (API, "http://app.internal:8001") * 2
            answers = [await client.post(url + CHAT, json=ASKED) for url in urls]

        assert [outcome_of(answer).status for answer in answers] == ["miss", "miss", "hit", "hit"]
        assert len(upstream.given) == len(store) == 2

    driver.run(body)


def test_options_of_one_call_are_not_sent_there(driver: Driver) -> None:
    async def body() -> None:
        upstream = Upstream(driver)
        options: dict[str, Any] = {"store": ":memory:", "ignore_hosts": "app.internal"}
        async with driver.client(upstream.transport(), **options) as client:
            headers = {"X-Replaycache-Mode": "replay", "x-replaycache-sample": "none", "x-kept": "1"}
            await client.post(APP + CHAT, json=ASKED, headers=headers)

        assert upstream.asked[0].headers["x-kept"] == "1"
        assert not [name for name in upstream.asked[0].headers if name.startswith("x-replaycache")]
        assert json.loads(upstream.asked[0].content) == ASKED

    driver.run(body)


def test_a_stream_passes_as_it_comes(driver: Driver) -> None:
    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(b"data: 1\n\n")
        wire.cut()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=":memory:", mode="replay", ignore_hosts=["localhost"]) as client:
                async with client.stream(server.url + CHAT, json=ASKED | {"stream": True}) as stream:
                    assert await stream.next_chunk() == b"data: 1\n\n"
                    with pytest.raises(driver.module.RemoteProtocolError):
                        await stream.next_chunk()

    driver.run(body)


def test_what_was_recorded_of_it_is_not_replayed(driver: Driver) -> None:
    async def body() -> None:
        store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json=ASKED)
            async with driver.client(store=store, mode="replay", ignore_hosts=["localhost"]) as client:
                live = await client.post(server.url + CHAT, json=ASKED)

        assert live.json() == {"answer": 2}

    driver.run(body)


def test_the_environment_says_it_where_code_does_not(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IGNORE_HOSTS_VARIABLE, "localhost, app.internal")

    async def body() -> None:
        upstream = Upstream(driver)
        async with driver.client(upstream.transport(), store=":memory:", mode="replay") as client:
            assert (await client.post(APP + CHAT, json=ASKED)).json() == {"answer": 1}
        for own in ((), ["api.internal"]):
            async with driver.client(
                upstream.transport(), store=":memory:", mode="replay", ignore_hosts=own
            ) as client:
                with pytest.raises(CacheMiss):
                    await client.post(APP + CHAT, json=ASKED)

    driver.run(body)


def test_a_wrong_environment_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IGNORE_HOSTS_VARIABLE, "localhost,*")

    with pytest.raises(
        ConfigurationError, match=r"REPLAYCACHE_IGNORE_HOSTS='localhost,\*': '\*' means every host; use the mode"
    ):
        replaycache.Options()


@pytest.mark.sampled(6)
@pytest.mark.parametrize("mode", ["auto", "replay", "once", "record", "verify", "off"])
def test_under_a_session(driver: Driver, tmp_path: Path, mode: str) -> None:
    """As an application under test stands on loopback, and calls an API there that is meant to be recorded."""
    path = tmp_path / "cassette.json"

    async def body() -> None:
        real = driver.module.AsyncClient if driver.is_async else driver.module.Client
        with ScriptedServer(counting_answers()) as app, ScriptedServer(counting_answers()) as api:
            port = app.url.rpartition(":")[2]
            with replaycache.use_cassette(path):
                await _post(driver, real, api.url)
            with replaycache.use_cassette(path, mode=mode, ignore_hosts=[f"localhost:{port}"]) as session:
                assert (await _post(driver, real, app.url)).json() == {"answer": 1}
                assert (await _post(driver, real, app.url)).json() == {"answer": 2}
                assert (session.tally.replayed, session.tally.recorded, session.tally.misses) == (0, 0, [])
                replays = mode in ("auto", "replay", "once")
                assert (await _post(driver, real, api.url)).json() == {"answer": 1 if replays else 2}

    driver.run(body)
    assert len(CassetteStore(path)) == 1


def test_under_install(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        real = driver.module.AsyncClient if driver.is_async else driver.module.Client
        with ScriptedServer(counting_answers()) as app:
            replaycache.install(store=tmp_path / "cache", ignore_hosts=["localhost"])
            try:
                answers = [await _post(driver, real, app.url) for _ in range(2)]
            finally:
                replaycache.uninstall()
        assert [answer.json()["answer"] for answer in answers] == [1, 2]

    driver.run(body)
    assert not (tmp_path / "cache").exists()


async def _post(driver: Driver, kind: Any, url: str) -> Any:
    if driver.is_async:
        async with kind() as client:
            return await client.post(url + CHAT, json=ASKED)
    with kind() as client:
        return client.post(url + CHAT, json=ASKED)
