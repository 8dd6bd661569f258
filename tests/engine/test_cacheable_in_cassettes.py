"""`Match(cacheable=...)` leaves calls out of a cassette, which has every other call."""

from __future__ import annotations

from pathlib import Path

import pytest

from replaycache import CacheMiss, Match, Request
from replaycache.stores import CassetteStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT

POLLED = "/v1/files/file-1"
MATCH = Match(cacheable=lambda request: request.url.endswith(CHAT))


@pytest.mark.parametrize("mode", ["auto", "once", "record", "replay", "verify", "off"])
def test_what_it_leaves_out_passes_through(driver: Driver, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "cassette.json"

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=path, match=MATCH) as client:
                asked = [await client.post(server.url + CHAT, json=ASKED)]
                asked += [await client.request("GET", server.url + POLLED) for _ in range(2)]
            assert [answer.json()["answer"] for answer in asked] == [1, 2, 3]
            assert [outcome_of(answer).status for answer in asked] == ["miss", "live", "live"]
            assert outcome_of(asked[1]).reason == "Match(cacheable=...) leaves it out"

            async with driver.client(store=path, mode=mode, match=MATCH) as client:
                if mode in ("once", "replay"):
                    with pytest.raises(CacheMiss, match="none of the calls that are kept") as missed:
                        await client.request("GET", server.url + POLLED)
                    assert missed.value.reason == "not_cacheable"
                else:
                    live = await client.request("GET", server.url + POLLED)
                    assert live.json() == {"answer": 4}
                if mode in ("auto", "once", "replay"):
                    assert (await client.post(server.url + CHAT, json=ASKED)).json() == {"answer": 1}

    driver.run(body)
    assert [recording.request.url.endswith(CHAT) for recording in CassetteStore(path).all()] == [True]


def test_it_is_asked_with_the_whole_request(driver: Driver, tmp_path: Path) -> None:
    asked: list[Request] = []

    def cacheable(request: Request) -> bool:
        asked.append(request)
        return bool(request.json()["keep"])

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=tmp_path / "cassette.json", match=Match(cacheable=cacheable)) as client:
                for keep in (True, False):
                    await client.post(server.url + "/tool", json={"keep": keep}, headers={"x-mine": "1"})

    driver.run(body)
    assert [request.header("x-mine") for request in asked] == ["1", "1"]
    assert [recording.request.json() for recording in CassetteStore(tmp_path / "cassette.json").all()] == [
        {"keep": True}
    ]


def test_a_cassette_without_it_has_every_call(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "cassette.json"

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=path) as client:
                for _ in range(2):
                    await client.request("GET", server.url + POLLED)
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)
    assert len(CassetteStore(path)) == 4
