"""What an answer cost: known prices of the past, or one price beside another, for those of today change."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache.accounts import list_prices
from replaycache.accounts.list_prices import price_of
from replaycache.dialects.usage import Usage

needs_the_library = pytest.mark.skipif(
    find_spec("genai_prices") is None, reason="genai-prices, of the extra `prices`, is not installed"
)
NOW = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def dollars(*args: Any, **kwargs: Any) -> Decimal:
    price = price_of(Usage(*args, **kwargs), NOW)
    assert price is not None
    return price


@needs_the_library
@pytest.mark.parametrize(
    ("usage", "price"),
    [
        # list prices that were published long ago and do not change any more
        (Usage("openai", "gpt-4o-2024-08-06", 1_000_000, 0), "2.5"),
        (Usage("openai", "gpt-4o-2024-08-06", 0, 1_000_000), "10"),
        (Usage("openai", "gpt-4o-2024-08-06", 1_000_000, 0, 1_000_000), "1.25"),
        (Usage("openai", "gpt-4o-2024-08-06", 1_000_000, 1_000_000, 400_000, 0, 900_000, "default"), "12"),
        (Usage("openai", "ft:gpt-4o-mini-2024-07-18:org::id", 1_000_000, 0), "0.3"),
        (Usage("openai", "text-embedding-3-small", 1_000_000, 0), "0.02"),
        (Usage("openai", "whisper-1", 0, 0, units=(("audio_seconds", 60),)), "0.006"),
        (Usage("anthropic", "claude-sonnet-4-20250514", 100_000, 0), "0.3"),
        (Usage("anthropic", "claude-sonnet-4-20250514", 100_000, 0, 0, 100_000), "0.375"),
        (Usage("anthropic", "claude-sonnet-4-20250514", 100_000, 0, 100_000), "0.03"),
        (
            Usage(
                "anthropic",
                "claude-sonnet-4-20250514",
                100_000,
                0,
                0,
                100_000,
                units=(("cache_write_1h_tokens", 100_000), ("web_searches", 1)),
            ),
            "0.61",
        ),
        (Usage("google", "gemini-2.5-pro", 200_000, 0), "0.25"),
        (Usage("google", "gemini-2.5-pro", 400_000, 0), "1"),  # beyond 200,000 tokens all of them cost more
    ],
)
def test_what_was_used_has_its_own_price(usage: Usage, price: str) -> None:
    assert price_of(usage, NOW) == Decimal(price)


@needs_the_library
def test_parts_of_the_tokens_count_once_and_with_their_own_price() -> None:
    usage = ("google", "gemini-2.5-flash", 1000, 100)
    audio, cached = (("input_audio_tokens", 900),), (("cache_audio_read_tokens", 900), ("input_audio_tokens", 900))

    assert dollars(*usage, units=audio) > dollars(*usage)
    assert dollars(*usage, 900, units=cached) < dollars(*usage, units=audio)
    # how much of the audio was cached is not told, and more was cached than there is other input
    assert dollars(*usage, 900, units=audio) == dollars(*usage, 900)


@needs_the_library
def test_a_service_tier_has_its_own_price() -> None:
    usage = ("openai", "gpt-5", 1000, 1000, 0, 0, 0)

    assert dollars(*usage, "flex") < dollars(*usage, "default") == dollars(*usage) < dollars(*usage, "priority")
    assert dollars(*usage, "of another day") == dollars(*usage)


@needs_the_library
def test_the_price_is_the_one_of_that_day() -> None:
    usage = Usage("openai", "o3", 1_000_000, 0)

    assert price_of(usage, datetime(2025, 5, 1, tzinfo=UTC).timestamp()) == 10
    assert price_of(usage, datetime(2025, 7, 1, tzinfo=UTC).timestamp()) == 2
    assert price_of(usage) is not None


@needs_the_library
@pytest.mark.parametrize(
    ("provider", "model", "of_provider", "of_model"),
    [
        ("vercel", "anthropic/claude-sonnet-4-20250514", "anthropic", "claude-sonnet-4-20250514"),
        ("openrouter", "openai/gpt-4o-2024-08-06", "openai", "gpt-4o-2024-08-06"),
        ("openai", "openai/gpt-4o", "openai", "gpt-4o"),
        ("azure", "gpt-4o-2024-08-06", "openai", "gpt-4o-2024-08-06"),
        ("google", "claude-sonnet-4@20250514", "anthropic", "claude-sonnet-4-20250514"),
    ],
)
def test_a_model_behind_a_gateway_has_its_makers_price(
    provider: str, model: str, of_provider: str, of_model: str
) -> None:
    assert dollars(provider, model, 1000, 1000) == dollars(of_provider, of_model, 1000, 1000)


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param(Usage("", "gpt-4o", 1000, 1000), id="no-host"),
        pytest.param(Usage("http://localhost:8000", "gpt-4o", 1000, 1000), id="a-local-server"),
        pytest.param(Usage("openai", "", 1000, 1000), id="no-model"),
        pytest.param(Usage("openai", "of-another-day", 1000, 1000), id="unknown-model"),
        pytest.param(Usage("of-another-day", "gpt-4o", 1000, 1000), id="unknown-provider"),
        pytest.param(Usage("vercel", "nobody/gpt-4o", 1000, 1000), id="unknown-maker"),
        pytest.param(Usage("groq", "openai/gpt-4o", 1000, 1000), id="a-model-it-does-not-have"),
        pytest.param(Usage("openai", "tts-1", 1000, 1000), id="priced-by-something-else"),
        pytest.param(Usage("openai", "gpt-4o", 0, 0, units=(("audio_seconds", 9),)), id="not-priced-so"),
        pytest.param(Usage("cohere", "rerank-v3.5", 0, 0, units=(("of_another_day", 1),)), id="unknown-unit"),
    ],
)
def test_what_has_no_known_price_has_none(usage: Usage) -> None:
    assert price_of(usage, NOW) is None


@pytest.mark.parametrize("when", [float("nan"), float("inf"), -1e20, 1e20])
def test_an_impossible_time_has_no_price(when: float) -> None:
    assert price_of(Usage("openai", "gpt-4o", 1, 1), when) is None


@needs_the_library
def test_nothing_used_costs_nothing() -> None:
    assert price_of(Usage("openai", "gpt-4o", 0, 0), NOW) == 0


COUNTS = st.integers(0, 2**53)
UNITS = st.dictionaries(
    st.sampled_from(
        [
            "input_audio_tokens",
            "output_image_tokens",
            "cache_video_read_tokens",
            "cache_write_1h_tokens",
            "web_searches",
            "audio_seconds",
            "of_another_day",
        ]
    ),
    st.integers(1, 2**53) | st.floats(0.001, 1e9),
)


@given(
    st.sampled_from(["openai", "anthropic", "google", "aws", "openrouter", "perplexity", "x"])
    | st.text(max_size=5),
    st.sampled_from(["gpt-4o", "claude-sonnet-4", "gemini-2.5-flash", "gpt-image-1", "sonar"])
    | st.text(max_size=5),
    st.tuples(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    st.sampled_from(["", "flex", "fast", "x"]),
    UNITS,
    st.none() | st.floats(),
)
def test_no_usage_raises(
    provider: str,
    model: str,
    counts: tuple[int, int, int, int, int],
    tier: str,
    units: dict[str, float],
    when: float | None,
) -> None:
    price = price_of(Usage(provider, model, *counts, tier, tuple(sorted(units.items()))), when)

    assert price is None or (isinstance(price, Decimal) and price >= 0)


def _run(code: str) -> str:
    """What a program prints that may open no connection, and for which a warning is an error."""
    guard = """
        import socket, sys
        def refuse(*args, **kwargs):
            raise AssertionError("the network was asked")
        socket.socket.connect = socket.getaddrinfo = refuse
        from replaycache.accounts import list_prices
        from replaycache.dialects.usage import Usage
    """
    code = textwrap.dedent(guard) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_the_library
def test_the_library_is_imported_when_a_price_is_asked_for_and_asks_nobody() -> None:
    printed = _run("""
        import threading
        print(list_prices.is_available(), "genai_prices" in sys.modules)
        print(list_prices.price_of(Usage("openai", "gpt-4o", 1_000_000, 0), 1.75e9), "genai_prices" in sys.modules)
        print(threading.active_count())
    """)

    assert printed.split() == ["True", "False", "2.50", "True", "1"]


def test_without_the_library_there_is_no_price() -> None:
    printed = _run("""
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "genai_prices":
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Absent())
        print(list_prices.is_available(), list_prices.price_of(Usage("openai", "gpt-4o", 1, 1)))
    """)

    assert printed.split() == ["False", "None"]


@needs_the_library
def test_it_is_available_here() -> None:
    assert list_prices.is_available()
