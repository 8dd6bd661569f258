"""Prices of the user's own: for a model, for a host, and with what is known of others."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import BudgetExceeded, ConfigurationError
from replaycache.accounts.list_prices import price_of
from replaycache.accounts.prices import LIST_PRICES, Prices
from replaycache.configuration import read_configuration
from replaycache.dialects.usage import Usage
from replaycache.httpx2 import ReplayTransport
from replaycache.options import Options
from tests.cli.recorded import cassette, chat, replaycache
from tests.drivers import Driver

needs_the_library = pytest.mark.skipif(
    find_spec("genai_prices") is None, reason="genai-prices, of the extra `prices`, is not installed"
)
GATEWAY = "https://gateway.example"
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("rate", "usage", "price"),
    [
        ({"input": 0.15, "output": 0.6}, (MILLION, MILLION), "0.75"),
        ({"input": 0.15, "output": 0.6}, (1, 0), "0.00000015"),
        ({"input": 1, "output": 2, "cached_input": 0.1}, (MILLION, 0, MILLION // 2), "0.55"),
        ({"input": 1, "output": 2}, (MILLION, 0, MILLION // 2), "1"),  # cached input costs what input does
        ({"input": 1, "cached_input": 0}, (5, 0, 9), "0"),  # more was cached than was asked, so it tells
        ({"input": 0, "output": 0}, (5, 9), "0"),
        ({"input": 1}, (MILLION, 0), "1"),  # embeddings
        ({"input": 1}, (MILLION, 1), None),
        ({"output": 1}, (1, MILLION), None),
        ({"input": 1, "output": 1}, (0, 0), None),
    ],
)
def test_a_model_has_the_price_that_the_user_gives(
    rate: dict[str, float], usage: tuple[int, ...], price: str | None
) -> None:
    expected = None if price is None else Decimal(price)
    for prices, provider, model in (
        (Prices({"mine": rate}), "openai", "mine"),
        (Prices({"mine": rate}), "", "mine"),
        (Prices({GATEWAY: rate}), GATEWAY, "any"),
        (Prices({GATEWAY: {"input": 77}, "mine": rate}), GATEWAY, "mine"),  # the model tells more than the host
    ):
        assert prices.price_of(Usage(provider, model, *usage)) == expected


@pytest.mark.parametrize(
    ("answered", "price"),
    [
        ("gpt-4o-mini-2024-07-18", 1),
        ("gpt-4o-mini-20240718", 1),
        ("gpt-4o-mini@20240718", 1),
        ("gpt-4o-mini-2025-01-01", 2),
        ("gpt-4o-mini-audio-2024-07-18", None),
        ("gpt-4o-mini-1234", None),
        ("gpt-4o", None),
    ],
)
def test_a_model_is_meant_with_the_day_of_its_version_or_without(answered: str, price: int | None) -> None:
    prices = Prices({"gpt-4o-mini": {"input": 1}, "gpt-4o-mini-2025-01-01": {"input": 2}})
    assert prices.price_of(Usage(GATEWAY, answered, MILLION)) == price


def test_what_is_no_token_has_no_price_of_ones_own() -> None:
    usage = Usage("cohere", "mine", units=(("rerank_searches", 2),))
    assert Prices({"mine": {"input": 1}}).price_of(usage) is None


@needs_the_library
@pytest.mark.parametrize(
    ("own", "usage"),
    [
        ({"mine": "openai/gpt-4o-2024-08-06"}, Usage(GATEWAY, "mine", 1000, 100)),
        ({GATEWAY: "openai"}, Usage(GATEWAY, "gpt-4o-2024-08-06", 1000, 100)),
        ({"HTTPS://Gateway.Example:443/": "openai"}, Usage(GATEWAY, "gpt-4o-2024-08-06", 1000, 100)),
        ({"http://localhost:4000": "openai"}, Usage("http://localhost:4000", "gpt-4o-2024-08-06", 1000, 100)),
        ({"mine": {"input": 9}}, Usage("openai", "gpt-4o-2024-08-06", 1000, 100)),
    ],
)
def test_it_costs_as_much_as_the_model_that_the_user_names(own: dict[str, Any], usage: Usage) -> None:
    expected = price_of(Usage("openai", "gpt-4o-2024-08-06", 1000, 100))
    assert expected is not None
    assert Prices(own).price_of(usage) == expected


def test_of_another_host_or_model_nothing_is_said() -> None:
    prices = Prices({GATEWAY: {"input": 1}, "http://localhost:4000": {"input": 1}, "mistral": {"input": 1}})
    for host in (
        "https://gateway.example:8443",
        "http://gateway.example",
        "http://localhost",
        "http://mistral",
        "",
    ):
        assert prices.price_of(Usage(host, "m", 1000)) is None
    # a model that is named like a provider is not that provider
    of_provider = Usage("mistral", "mistral-large-latest", 1000, 100)
    assert prices.price_of(of_provider, 1.75e9) == LIST_PRICES.price_of(of_provider, 1.75e9)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("free", "prices='free' is wrong; it takes models and what they cost, such as"),
        ({1: {}}, "is wrong; it takes models and what they cost"),
        ({"m": {}}, "prices['m']={} is no price; it takes US dollars per million tokens"),
        ({"m": 3}, "prices['m']=3 is no price"),
        (
            {"m": {"input": -1}},
            "prices['m']['input']=-1 is no price; it takes US dollars per million tokens, from 0",
        ),
        ({"m": {"input": float("nan")}}, "prices['m']['input']=nan is no price"),
        ({"m": {"input": float("inf")}}, "is no price"),
        ({"m": {"input": "0.15"}}, "prices['m']['input']='0.15' is no price"),
        ({"m": {"input": True}}, "is no price"),
        (
            {"m": {"inputs": 1}},
            "prices['m'] takes input, output, cached_input, and no 'inputs'; did you mean 'input'?",
        ),
        ({"m": "openai"}, "prices['m']='openai' is no price; it takes"),
        ({"m": "openai/"}, "such as 'openai/gpt-4o-mini'"),
        ({"m": "opanai/gpt-4o"}, "there is no provider 'opanai'; did you mean 'openai'?"),
        ({GATEWAY: "openai/gpt-4o"}, "or what costs the same, such as 'openai'"),
        ({GATEWAY: "antropic"}, "there is no provider 'antropic'; did you mean 'anthropic'?"),
        ({GATEWAY + "/v1": "openai"}, "prices['https://gateway.example/v1'] is no host; write it as https://"),
        ({"https://": "openai"}, "is no host"),
        ({"https://bücher.example": "openai"}, "is no host; write it as https://"),  # nobody is called so
        ({"://h": "openai"}, "is no host"),
        ({"https://api.openai.com": "azure"}, "is a host of openai, whose prices hold there; name its models"),
    ],
)
def test_what_is_no_price_is_refused(own: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ReplayTransport(store=":memory:", prices=own)
    assert said in str(caught.value)


@needs_the_library
def test_every_provider_with_prices_can_be_named() -> None:
    from genai_prices.data import providers

    for provider in providers:
        Prices({"m": f"{provider.id}/of-any-name"})


@given(
    st.dictionaries(
        st.text(max_size=20), st.text(max_size=20) | st.dictionaries(st.text(max_size=12), st.floats())
    )
)
def test_any_prices_are_taken_or_refused(own: dict[str, Any]) -> None:
    try:
        Prices(own)
    except ConfigurationError:
        pass


def test_it_is_said_why_no_price_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = Prices({GATEWAY: "openai", "mine": {"input": 1}})
    local, rated = Usage("http://localhost", "m", 1), Usage("openai", "mine", 1, 1)
    assert prices.why_unknown(local) == "this host has no prices; give m one with the option `prices`"
    assert prices.why_unknown(rated) == "no price is known of mine"
    for available in (True, False):
        monkeypatch.setattr("replaycache.accounts.list_prices.is_available", lambda found=available: found)
        for usage in (Usage(GATEWAY, "m", 1), Usage("openai", "m", 1)):
            assert prices.why_unknown(usage) == (
                "no price is known of m" if available else 'pip install "replaycache[prices]" tells it'
            )


def test_without_the_library_ones_own_prices_hold() -> None:
    code = """
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "genai_prices":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Absent())
        from replaycache.dialects.usage import Usage
        from replaycache.options import Options
        options = Options(budget=1, prices={"mine": {"input": 2, "output": 0}, "like": "openai/gpt-4o"})
        print(options.budget.spend(Usage("", "mine", 400_000, 0), 0, "it", options.prices) or options.budget.spent)
        print(options.budget.spend(Usage("", "like", 400_000, 0), 0, "it", options.prices))
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "0.8",
        "it is not counted in the budget: the price of like is not known; the option `prices` takes it.",
    ]


def test_a_budget_counts_by_them(driver: Driver) -> None:
    answer = {
        "model": "mine",
        "usage": {"prompt_tokens": 500_000, "completion_tokens": 0, "total_tokens": 500_000},
    }
    upstream = driver.module.MockTransport(lambda request: driver.module.Response(200, json=answer))

    async def body() -> None:
        for prices in ({"mine": {"input": 2, "output": 8}}, {GATEWAY: {"input": 2, "output": 8}}):
            async with driver.client(upstream, store=":memory:", budget=1, prices=prices) as client:
                await client.post(f"{GATEWAY}/v1/chat/completions", json={"model": "mine", "messages": []})
                with pytest.raises(BudgetExceeded):
                    await client.post(f"{GATEWAY}/v1/chat/completions", json={"model": "mine", "messages": [{}]})

    driver.run(body)


def test_the_page_says_the_same_in_both_languages(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "prices.md").read_text("utf-8")
    toml, python = (page.partition(f"```{language}\n")[2].partition("```")[0] for language in ("toml", "python"))
    (tmp_path / "pyproject.toml").write_text(toml)

    own = ast.literal_eval("{" + python.partition("prices={")[2].rpartition(",\n)")[0])
    assert read_configuration(tmp_path).options["prices"] == own


PROJECT = """
[tool.replaycache.prices]
"https://gateway.example" = "openai"
homegrown = { input = 1000, output = 2000 }
"""


def test_a_project_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    answer = {
        "model": "homegrown",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello."}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
    }
    cassette(
        tmp_path / "one.json",
        chat(url=f"{GATEWAY}/v1/chat/completions", model="homegrown", answer=json.dumps(answer).encode()),
    )

    assert isinstance(Options.parse(read_configuration().options).prices, Prices)
    told = json.loads(replaycache("stats", "--json", "one.json").stdout)
    assert told["total"]["upstream"]["usd"] == 2.0
    assert told["providers"][0]["provider"] == GATEWAY
    assert json.loads(replaycache("show", "--json", "one.json").stdout)["price"] == 2.0
    assert "price       $2.00\n" in replaycache("show", "one.json").stdout

    (tmp_path / "pyproject.toml").write_text("[tool.replaycache.prices]\nhomegrown = { inptu = 1 }")
    failed = replaycache("stats", "one.json")
    assert failed.exit_code == 3
    assert "did you mean 'input'?" in failed.stderr
    assert "pyproject.toml: [tool.replaycache]" in failed.stderr
