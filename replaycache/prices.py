"""What an answer cost, by the prices that genai-prices keeps: https://github.com/pydantic/genai-prices.

The library is an extra (`pip install "replaycache[prices]"`) and is imported when a price is first asked
for, which takes a few hundred milliseconds. Its prices come with it; nothing is fetched from the network.
"""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec

from .usage import Usage

__all__ = ["is_available", "price_of"]


def is_available() -> bool:
    """Whether genai-prices is installed."""
    try:
        return find_spec("genai_prices") is not None
    except (ImportError, ValueError):
        return False


def price_of(usage: Usage, when: float | None = None) -> Decimal | None:
    """What an answer cost, in US dollars, at list prices.

    Cached and written tokens, tokens of a modality, searches and service tiers count with their own prices, as
    far as genai-prices has them. A local server's answer costs nothing that anyone could name: where the host is
    not known to belong to a provider there is no price, whatever the model is called.

    Args:
        usage: as `usage_of` gives it.
        when: the time of the call, in seconds since 1970 (UTC); now where it is left out.

    Returns:
        None where the library is not installed, or does not know the provider or the model, or has no price for
        what was used.
    """
    if not usage.provider or not usage.model:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from genai_prices import Usage as Priced
            from genai_prices import calc_price

            moment = datetime.now(UTC) if when is None else datetime.fromtimestamp(when, UTC)
            return calc_price(
                Priced(**_units(usage)), usage.model, provider_id=usage.provider, genai_request_timestamp=moment
            ).total_price
        except (ImportError, LookupError, ValueError, OverflowError, OSError):
            return None


def _units(usage: Usage) -> dict[str, float]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
        **dict(usage.units),
    }
