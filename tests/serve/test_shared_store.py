"""The proxy before a store that several of them share."""

from __future__ import annotations

import warnings

import httpx2
import pytest

from replaycache import ReplayCacheWarning
from tests.scripted_server import Received, Wire
from tests.stores import shared_servers

from .proxies import Proxy, chat, client, completion, serving


def _answer(request: Received, wire: Wire) -> None:
    wire.answer(completion(request.json()["messages"][0]["content"]))


def ask(proxy: Proxy, text: str, **headers: str) -> httpx2.Response:
    with client(proxy, **headers) as asking:
        return asking.post("/chat/completions", json=chat(text))


def test_two_proxies_pay_for_one_answer() -> None:
    store = shared_servers.fresh_store(shared_servers.server("valkey").url).location
    with serving(_answer, store=store) as (first, server):
        assert ask(first, "one").headers["x-replaycache"] == "miss"
        named = dict(first.application._settings.upstreams)
        second = Proxy(upstreams=named, store=[":memory:", store])
        try:
            found = [ask(second, "one") for _ in range(2)]
            health = httpx2.get(f"{second.url}/_replaycache/health").json()
        finally:
            second.stop()

    assert [response.headers["x-replaycache"] for response in found] == ["hit", "hit"]
    assert found[0].content == completion("one")
    assert [call.store for call in second.application.calls.since(0)] == [store, "memory"]
    assert health["store"] == {"ok": True, "location": f"memory, {store}"}
    assert len(server.requests) == 1


def test_the_store_is_away_when_the_proxy_starts_and_comes() -> None:
    with shared_servers.own_server("valkey") as shared:
        shared.stop()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReplayCacheWarning)  # that the store is away, once in a process
            with serving(_answer, store=shared.url) as (proxy, upstream):
                away = httpx2.get(f"{proxy.url}/_replaycache/health").json()
                live = ask(proxy, "one")
                refused = ask(proxy, "one", **{"x-replaycache-mode": "replay"})
                shared.start()
                recorded, replayed = ask(proxy, "one"), ask(proxy, "one")
                there = httpx2.get(f"{proxy.url}/_replaycache/health").json()
                log = proxy.log.getvalue()

    assert log.startswith(f"Warning: reading the shared store {shared.url} failed")
    assert "While it is away, calls go live, and are not stored." in log
    assert not away["ok"]
    assert shared.url in away["store"]["error"]
    assert (live.status_code, live.headers["x-replaycache"]) == (200, "live")
    assert refused.status_code == 424
    assert refused.headers["x-should-retry"] == "false"
    assert shared.url in refused.json()["error"]["message"]
    assert [recorded.headers["x-replaycache"], replayed.headers["x-replaycache"]] == ["miss", "hit"]
    assert there["ok"]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize(
    ("others", "options", "then"),
    [
        ([], {"mode": "replay"}, "calls fail"),
        ([":memory:"], {}, "the others answer"),
    ],
)
def test_a_store_that_is_away_is_told_with_what_follows(
    others: list[str], options: dict[str, str], then: str
) -> None:
    with shared_servers.own_server("valkey") as shared:
        shared.stop()
        proxy = Proxy(store=[*others, shared.url], options=options)
        httpx2.get(f"{proxy.url}/_replaycache/health")
        proxy.stop()

    assert f"While it is away, {then}." in proxy.log.getvalue()


@pytest.mark.parametrize("password", ["correct-horse", "p%40ss%2Fword"])
def test_nobody_is_told_the_password_of_the_store(password: str) -> None:
    port = shared_servers.free_port()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReplayCacheWarning)
        with serving(_answer, store=f"redis://someone:{password}@127.0.0.1:{port}") as (proxy, _):
            health = httpx2.get(f"{proxy.url}/_replaycache/health").text
            refused = ask(proxy, "one", **{"x-replaycache-mode": "replay"}).text

    assert f"redis://127.0.0.1:{port}" in health
    assert f"redis://127.0.0.1:{port}" in refused
    for secret in (password, "p@ss/word", "someone"):
        assert secret not in health + refused + proxy.log.getvalue()
