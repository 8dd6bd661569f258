"""`x-replaycache: hit` on what is replayed, on nothing else, and in no store."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from replaycache import Redact, use_cassette
from replaycache.httpx2 import ReplayTransport
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT

NAME = "x-replaycache"


def behind_a_proxy_of_ours(request: Received, wire: Wire) -> None:
    """Answers as `replaycache serve` does."""
    wire.answer(b'{"choices": []}', x_replaycache="miss", x_replaycache_key="0123", x_request_id="1")


@pytest.mark.parametrize("where", [":memory:", "a cache", "a.json"])
def test_a_replayed_response_says_so(driver: Driver, where: str, tmp_path: Path) -> None:
    store = where if where == ":memory:" else str(tmp_path / where)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, repeats="same") as client:
                asked = [
                    await client.post(server.url + CHAT, json=ASKED, headers=headers)
                    for headers in ({}, {}, {"x-replaycache-mode": "off"}, {"x-replaycache-fault": "resplit"})
                ]
        assert [answer.headers.get(NAME) for answer in asked] == [None, "hit", None, "hit"]
        assert [outcome_of(answer).status for answer in asked] == ["miss", "hit", "live", "hit"]
        assert {**asked[1].headers, NAME: ""} == {**_stored(asked[0].headers), NAME: ""}

    driver.run(body)


def _stored(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-length"}


@pytest.mark.parametrize(
    "redact", [Redact(), Redact(response_headers=[NAME, f"{NAME}-key"])], ids=["", "asked-for"]
)
def test_what_a_proxy_of_ours_says_is_passed_on_and_not_stored(
    driver: Driver, tmp_path: Path, redact: Redact
) -> None:
    async def body() -> None:
        with ScriptedServer(behind_a_proxy_of_ours) as server:
            async with driver.client(store=str(tmp_path / "a.json"), redact=redact, repeats="same") as client:
                live, replayed = [await client.post(server.url + CHAT, json=ASKED) for _ in range(2)]
        assert (live.headers[NAME], live.headers[f"{NAME}-key"]) == ("miss", "0123")
        assert replayed.headers.get_list(NAME) == ["hit"]
        assert f"{NAME}-key" not in replayed.headers
        assert NAME not in (tmp_path / "a.json").read_text()
        (recording,) = CassetteStore(tmp_path / "a.json").all()
        assert recording.head.left_out == ()

    driver.run(body)


def test_a_recording_that_has_it_all_the_same_has_it_once(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with ScriptedServer(behind_a_proxy_of_ours) as server:
        for _ in range(2):
            with use_cassette(path), httpx2.Client() as client:
                found = client.post(server.url + CHAT, json=ASKED)
            text = path.read_text()
            path.write_text(text.replace('"x-request-id": "1"', f'"x-request-id": "1", "{NAME}": "miss"'))
            assert text != path.read_text()
    assert found.headers.get_list(NAME) == ["hit"]


def test_an_outer_transport_stores_nothing_of_an_inner_ones_hit(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        inner_store = MemoryStore()
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=inner_store) as client:
                await client.post(server.url + CHAT, json=ASKED)
            for mode in ("auto", "verify", "replay"):
                inner = driver.transport(store=inner_store)
                async with driver.client(inner, store=str(tmp_path / "a.json"), mode=mode) as client:
                    with warnings.catch_warnings():
                        warnings.simplefilter("error")  # no drift
                        found = await client.post(server.url + CHAT, json=ASKED)
                assert found.headers[NAME] == "hit"
        assert len(server.requests) == 1
        assert NAME not in (tmp_path / "a.json").read_text()

    driver.run(body)


def test_upstream_that_is_a_proxy_of_ours_now_is_no_drift(driver: Driver) -> None:
    async def body() -> None:
        says = [False]

        def handle(request: Received, wire: Wire) -> None:
            wire.answer(b'{"choices": []}', **({"x_replaycache": "hit"} if says[0] else {}))

        with ScriptedServer(handle) as server, warnings.catch_warnings():
            warnings.simplefilter("error")
            async with driver.client(store=":memory:", mode="auto") as client:
                await client.post(server.url + CHAT, json=ASKED)
                says[0] = True
                await client.post(server.url + CHAT, json=ASKED, headers={"x-replaycache-mode": "verify"})

    driver.run(body)


def test_an_sdk_shows_it() -> None:
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    upstream = httpx2.MockTransport(lambda request: httpx2.Response(200, json=answer))
    with httpx2.Client(transport=ReplayTransport(upstream, store=":memory:")) as http:
        create = openai.OpenAI(api_key="k", http_client=http).chat.completions.with_raw_response.create
        found = [create(model="m", messages=[{"role": "user", "content": "q"}]) for _ in range(2)]
    assert [one.headers.get(NAME) for one in found] == [None, "hit"]
