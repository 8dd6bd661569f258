"""A server that goes by the Host header is asked under that name, whatever the URL looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from replaycache import CacheMiss, Match
from tests.drivers import Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT


@pytest.mark.sampled(12)
@pytest.mark.parametrize("rest", ["", "?a=/b", "/", CHAT])
@pytest.mark.parametrize("kind", ["cassette", "cache"])
def test_another_host_is_recorded_and_replayed(driver: Driver, tmp_path: Path, rest: str, kind: str) -> None:
    store = str(tmp_path / ("c.json" if kind == "cassette" else "cache"))
    match = Match(cacheable=lambda request: True)
    headers = {"host": "example.test"}

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            async with driver.client(store=store, match=match) as client:
                live = await client.post(url + rest, json=ASKED, headers=headers)
                assert outcome_of(live).status == "miss"
        async with driver.client(store=store, match=match, mode="replay") as client:
            for other in ("other.test", "not an authority"):
                with pytest.raises(CacheMiss):
                    await client.post(url + rest, json=ASKED, headers={"host": other})
            answer = await client.post(url + rest, json=ASKED, headers=headers)
            assert answer.json() == live.json()

    driver.run(body)


def test_a_host_that_is_no_authority_leaves_a_cassette_that_can_be_read(driver: Driver, tmp_path: Path) -> None:
    store, headers = str(tmp_path / "c.json"), {"host": "not an/authority?"}

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            async with driver.client(store=store) as client:
                await client.post(url + CHAT, json=ASKED, headers=headers)
        async with driver.client(store=store, mode="replay") as client:
            assert (await client.post(url + CHAT, json=ASKED, headers=headers)).json() == {"answer": 1}

    driver.run(body)
