"""What recording may cost: a call that would start beyond it is not sent."""

from __future__ import annotations

import importlib.util
import json
import re
import warnings
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import anyio
import httpx2
import openai
import pytest

from replaycache import Budget, BudgetExceeded, ConfigurationError, ReplayCacheWarning, install, uninstall
from replaycache.httpx2 import AsyncReplayTransport, ReplayTransport
from replaycache.stores import DiskStore
from tests.drivers import ALL, Client, Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT

OPENAI = "https://api.openai.com"
DOLLAR = {"model": "gpt-4.1", "usage": {"prompt_tokens": 500_000, "completion_tokens": 0, "total_tokens": 500_000}}
"""An answer that cost one US dollar: gpt-4.1 takes two for a million tokens."""


@pytest.fixture(autouse=True)
def _no_budget_of_the_user(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("REPLAYCACHE_BUDGET", raising=False)
    yield
    uninstall()


class Upstream:
    """Providers that answer from memory, whatever their host, in either library."""

    def __init__(self, driver: Driver | None = None, answer: dict[str, Any] = DOLLAR, **response: Any) -> None:
        self.module = driver.module if driver else httpx2
        self.response = response or {"json": answer}
        self.calls = 0

    def __call__(self, request: Any) -> Any:
        self.calls += 1
        return self.module.Response(200, **self.response)

    @property
    def transport(self) -> Any:
        return self.module.MockTransport(self)


async def ask(client: Client, number: int, **arguments: Any) -> Any:
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": str(number)}]}
    return await client.post(f"{OPENAI}{CHAT}", json=body, **arguments)


# -- what is spent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", ["$2", 2, 2.0, "2.00", " $ 2 ", "2 USD", Decimal(2)])
def test_the_call_that_would_start_beyond_it_is_not_sent(driver: Driver, budget: Any) -> None:
    async def body() -> None:
        upstream = Upstream(driver)
        async with driver.client(upstream.transport, store=":memory:", budget=budget) as client:
            for number in (1, 2, 1):  # the third is replayed
                await ask(client, number)
            with pytest.raises(BudgetExceeded, match=r"not sent: \$2\.0000 were spent, and the budget is \$2"):
                await ask(client, 3)
            assert outcome_of(await ask(client, 2)).status == "hit"
            assert outcome_of(await ask(client, 4, headers={"x-replaycache-mode": "off"})).status == "live"
        assert upstream.calls == 3

    driver.run(body)


def test_nothing_at_all_may_be_spent(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:", budget=0) as client:
                for _ in range(2):  # nobody waits for the one that was refused
                    with pytest.raises(BudgetExceeded):
                        await client.post(server.url + CHAT, json=ASKED)
        assert server.requests == []

    driver.run(body)


def test_whoever_has_the_same_budget_shares_it(driver: Driver) -> None:
    async def body() -> None:
        upstream, budget = Upstream(driver), Budget("$1.50")
        async with (
            driver.client(upstream.transport, store=":memory:", budget=budget) as first,
            driver.client(upstream.transport, store=":memory:", budget=budget) as second,
        ):
            await ask(first, 1)
            assert (budget.spent, repr(budget)) == (Decimal(1), "<Budget $1.0000 of $1.50 spent>")
            await ask(second, 1)
            for client in (first, second):
                with pytest.raises(BudgetExceeded):
                    await ask(client, 2)
        assert (upstream.calls, budget.spent) == (2, Decimal(2))

    driver.run(body)


def test_the_environments_budget_is_one_for_the_process(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    # each driver has its own: the same text would be the budget of the one before
    monkeypatch.setenv("REPLAYCACHE_BUDGET", f"$2.{ALL.index(driver) + 1}")

    async def body() -> None:
        upstream = Upstream(driver)
        for number in (1, 2, 3):
            async with driver.client(upstream.transport, store=":memory:") as client:
                await ask(client, number)
        async with driver.client(upstream.transport, store=":memory:") as client:
            with pytest.raises(BudgetExceeded):
                await ask(client, 4)
        async with driver.client(upstream.transport, store=":memory:", budget="$1") as client:
            await ask(client, 4)

    driver.run(body)


def test_streams_count_when_they_were_read(driver: Driver) -> None:
    async def body() -> None:
        event = b"data: " + json.dumps({**DOLLAR, "choices": []}).encode() + b"\n\ndata: [DONE]\n\n"

        def pieces() -> Iterator[bytes]:
            yield event

        async def pieces_of_a_loop() -> AsyncIterator[bytes]:
            yield event

        content = pieces_of_a_loop() if driver.is_async else pieces()
        upstream = Upstream(driver, content=content, headers={"content-type": "text/event-stream"})
        budget = Budget(1)
        async with driver.client(upstream.transport, store=":memory:", budget=budget) as client:
            async with client.stream(
                f"{OPENAI}{CHAT}", json={"model": "gpt-4.1", "messages": [], "stream": True}
            ) as stream:
                assert budget.spent == 0
                await stream.chunks()
            assert budget.spent == 1
            with pytest.raises(BudgetExceeded):
                await ask(client, 2)

    driver.run(body)


def test_what_is_cut_short_is_said_to_be_uncounted(driver: Driver) -> None:
    async def body() -> None:
        cut = b'data: {"choices":[{"index":0,"delta":{"content":"I was go"}}]}\n\n'
        upstream = Upstream(driver, content=cut, headers={"content-type": "text/event-stream"})
        async with driver.client(upstream.transport, store=":memory:", budget=1) as client:
            with pytest.warns(
                ReplayCacheWarning, match="is not counted in the budget, for its answer was not kept"
            ):
                await ask(client, 1)
            await ask(client, 2)

    driver.run(body)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"keep": lambda head, end: False}, "keep does not want it (status 200, whole)"),
        ({"max_request_bytes": 5}, "larger than max_request_bytes=5"),
    ],
    ids=["not kept", "too large"],
)
def test_what_is_not_recorded_is_said_once_to_be_uncounted(driver: Driver, options: Any, why: str) -> None:
    async def body() -> None:
        budget = Budget(1)
        upstream = Upstream(driver)
        async with driver.client(upstream.transport, store=":memory:", budget=budget, **options) as client:
            with pytest.warns(
                ReplayCacheWarning, match=f"{CHAT} is not counted in the budget, .*{re.escape(why)}"
            ):
                await ask(client, 1)
            await ask(client, 2)
            await client.request("GET", f"{OPENAI}/v1/models?key=not-told")
        assert budget.spent == 0
        assert upstream.calls == 3

    driver.run(body)


def test_what_is_verified_is_paid_for(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        upstream = Upstream(driver)
        async with driver.client(upstream.transport, store=str(tmp_path), budget=2) as client:
            await ask(client, 1)
            await ask(client, 1, headers={"x-replaycache-mode": "verify"})
            with pytest.raises(BudgetExceeded):
                await ask(client, 1, headers={"x-replaycache-mode": "verify"})
        assert upstream.calls == 2

    driver.run(body)

    statuses = {entry.status: entry.requests for entry in DiskStore(tmp_path).ledger.entries()}
    assert statuses == {"miss": 1, "live": 1, "refused": 1}


# -- through SDKs ------------------------------------------------------------------------------------------


def openai_call(transport: Any, text: str) -> Any:
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport))
    return client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": text}])


async def openai_async_call(transport: Any, text: str) -> Any:
    client = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=transport))
    return await client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": text}])


def anthropic_call(transport: Any, text: str) -> Any:
    client = anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport))
    return client.messages.create(model="a-model", max_tokens=5, messages=[{"role": "user", "content": text}])


async def anthropic_async_call(transport: Any, text: str) -> Any:
    client = anthropic.AsyncAnthropic(api_key="k", http_client=httpx2.AsyncClient(transport=transport))
    return await client.messages.create(
        model="a-model", max_tokens=5, messages=[{"role": "user", "content": text}]
    )


CLAUDE = {
    "type": "message",
    "role": "assistant",
    "content": [],
    "model": "claude-sonnet-4-5",
    "usage": {"input_tokens": 100_000, "output_tokens": 50_000},
}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (openai_call, DOLLAR),
        (openai_async_call, DOLLAR),
        (anthropic_call, CLAUDE),
        (anthropic_async_call, CLAUDE),
    ],
)
def test_an_sdk_does_not_try_again(call: Any, answer: dict[str, Any]) -> None:
    upstream = Upstream(answer=answer)
    is_async = "async" in call.__name__
    attempts = 0

    class Counting(AsyncReplayTransport if is_async else ReplayTransport):  # type: ignore[misc]  # one of two bases
        def handle_request(self, request: Any) -> Any:
            nonlocal attempts
            attempts += 1
            return super().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            nonlocal attempts
            attempts += 1
            return await super().handle_async_request(request)

    transport = Counting(upstream.transport, store=":memory:", budget="$0.50")
    run = (lambda text: anyio.run(call, transport, text)) if is_async else (lambda text: call(transport, text))
    run("first")
    with pytest.raises(BudgetExceeded):
        run("second")
    assert (upstream.calls, attempts) == (1, 2)


def test_everything_that_is_installed_for_shares_it() -> None:
    upstream = Upstream()

    class Elsewhere(httpx2.BaseTransport):
        """No mock, as far as can be told."""

        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            return upstream(request)  # type: ignore[no-any-return]  # of the library that is asked for

    install(store=":memory:", budget=1)
    openai_call(Elsewhere(), "first")
    with pytest.raises(BudgetExceeded):
        openai_call(Elsewhere(), "second")
    assert upstream.calls == 1


# -- what cannot be counted --------------------------------------------------------------------------------


def test_what_has_no_price_is_said_once(driver: Driver) -> None:
    async def body() -> None:
        unknown, silent = {"model": "no-such-model", "usage": DOLLAR["usage"]}, {"model": "gpt-4.1"}
        for answer, said in (
            (unknown, "the price of no-such-model is not known"),
            (silent, f"POST {OPENAI}{CHAT} is not counted in the budget: it tells no tokens"),
        ):
            upstream = Upstream(driver, answer)
            async with driver.client(upstream.transport, store=":memory:", budget=1) as client:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    for number in range(3):
                        await ask(client, number)
            assert [warning.category for warning in caught] == [ReplayCacheWarning]
            assert said in str(caught[0].message)

    driver.run(body)


@pytest.mark.parametrize("budget", ["", "$", "two", "-1", -1, True, "nan", float("inf"), "2 EUR", [], {"usd": 2}])
def test_what_is_no_budget_is_refused(budget: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"budget=.* is no budget; write US dollars, such as 2 or '\$2'"):
        ReplayTransport(store=":memory:", budget=budget)


def test_the_environments_budget_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAYCACHE_BUDGET", "a lot")
    with pytest.raises(ConfigurationError, match=r"REPLAYCACHE_BUDGET='a lot' is no budget"):
        ReplayTransport(store=":memory:")


def test_without_the_package_that_knows_prices_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "replaycache.accounts.list_prices.find_spec", lambda name: None if name == "genai_prices" else found(name)
    )
    with pytest.raises(ConfigurationError, match="extra `prices`"):
        ReplayTransport(store=":memory:", budget=Budget("$2"))
    ReplayTransport(store=":memory:")
    ReplayTransport(store=":memory:", budget=2, prices={"mine": {"input": 1, "output": 2}})
