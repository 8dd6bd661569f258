"""Calls that upstream sent elsewhere, and whose answer is theirs; what reading applies of the option `keep`."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache import CacheMiss
from replaycache.stores import MemoryStore
from tests.drivers import Driver
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.test_transports import ASKED, CHAT


@pytest.mark.parametrize("other", [{"anthropic-beta": "b"}, {"x-replaycache-sample": "1"}], ids=str)
def test_an_answer_to_other_headers_or_another_sample_is_not_that_of_the_call_that_was_sent_elsewhere(
    driver: Driver, other: dict[str, str]
) -> None:
    """It was asked at the same place with the same body, before the call that was sent there came."""
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        if request.target == CHAT:
            wire.answer(b"", status=307, location=f"/there{CHAT}")
        else:
            wire.answer(b'{"choices":[],"beta":"%s"}' % request.headers.get("anthropic-beta", "").encode())

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json=ASKED)  # does not follow
                await client.post(f"{server.url}/there{CHAT}", json=ASKED, headers=other)
            async with driver.client(store=store, mode="replay") as client:
                with pytest.raises(CacheMiss):
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)


@pytest.mark.filterwarnings("ignore:keep failed")
def test_what_keep_raises_where_it_reads_fails_no_call(driver: Driver) -> None:
    store = MemoryStore()

    def keep(head: Any, end: Any) -> bool:
        raise KeyError("colour")

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(b'{"choices":[]}')

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json=ASKED)
            async with driver.client(store=store, keep=keep) as client:
                assert (await client.post(server.url + CHAT, json=ASKED)).json() == {"choices": []}
            assert len(server.requests) == 2
            async with driver.client(store=store, keep=keep, mode="replay") as client:
                with pytest.raises(CacheMiss):
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)
