"""What an answer cost, by the prices that genai-prices keeps: https://github.com/pydantic/genai-prices.

The library is an extra (`pip install "replaycache[prices]"`) and is imported when a price is first asked
for, which takes a few hundred milliseconds. Its prices come with it; nothing is fetched from the network.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from .._models import Usage
from ..dialects.registry import DIALECTS

_GATEWAYS = ("openrouter", "vercel")
"""They pass others' models on, at the others' prices, by names such as "anthropic/claude-...".

https://openrouter.ai/docs/faq, https://vercel.com/docs/ai-gateway/pricing.
"""


def is_available() -> bool:
    """Whether genai-prices is installed."""
    try:
        return find_spec("genai_prices") is not None
    except (ImportError, ValueError):
        return False


def price_of(usage: Usage, when: float | None = None) -> Decimal | None:
    """What an answer cost, in US dollars, at the prices of genai-prices.

    Cached and written tokens, tokens of a modality, searches and service tiers count with their own prices, as
    far as genai-prices has them. A local server's answer has no price: where the host is not known to belong to a
    provider there is none, whatever the model is called.

    Args:
        usage: as `usage_of` gives it.
        when: the time of the call, in seconds since 1970 (UTC); now where that is not known.

    Returns:
        None where the library is not installed, does not know the provider or the model, or has no price for
        what was used.
    """
    if not usage.provider or "://" in usage.provider or not usage.model:
        return None
    try:
        from genai_prices import calc_price

        moment = datetime.fromtimestamp(when, UTC) if when else datetime.now(UTC)
    except (ImportError, OverflowError, OSError, ValueError):
        return None
    context = {"service_tier": usage.service_tier, "speed": usage.service_tier} if usage.service_tier else None
    for provider, model in _names(usage):
        for units in (_all_units(usage), _tokens(usage)):
            try:
                found = calc_price(
                    units, model, provider_id=provider, genai_request_timestamp=moment, price_context=context
                )
            except LookupError:
                break
            except ValueError:  # its parts do not add up to its wholes: the wholes alone
                continue
            return found.total_price if _is_priced(usage, found) else None
    return None


def providers(likely: str) -> set[str]:
    """The providers that have prices, by their names in genai-prices; all of them only where `likely` is not among
    those that dialects name: for that the library is imported."""
    found = {dialect.provider for dialect in DIALECTS if dialect.provider}
    if likely not in found and is_available():
        from genai_prices.data import providers

        found = {provider.id for provider in providers}
    return found


def _names(usage: Usage) -> list[tuple[str, str]]:
    """Provider and model as genai-prices may know them, the likeliest first."""
    names = [(usage.provider, usage.model)]
    maker, slash, name = usage.model.partition("/")
    if slash and (usage.provider in _GATEWAYS or maker == usage.provider):
        names.append((maker, name))
    return names


def _tokens(usage: Usage) -> dict[str, float]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }


def _all_units(usage: Usage) -> dict[str, float]:
    units = _tokens(usage) | dict(usage.units)
    for modality in ("audio", "image", "video"):
        # Where a model has a price for cached audio, the library demands to be told how much of it there was.
        for part in ("read", "write", "write_5m", "write_1h"):
            units.setdefault(f"cache_{modality}_{part}_tokens", 0)
        units.setdefault(f"output_{modality}_reasoning_tokens", 0)
    if "audio_seconds" in units:
        units["input_audio_seconds"] = units["audio_seconds"]
    return units


def _is_priced(usage: Usage, found: Any) -> bool:
    """Whether the model has prices of the kind that was used; the library counts what has none as free."""
    used = {"input": usage.input_tokens, "output": usage.output_tokens}
    if not any(used.values()):
        return bool(found.total_price > 0 or not usage.units)
    names = [name for name, price in vars(found.model_price).items() if price is not None]
    return all(
        any(name.startswith(way) and name.endswith("_mtok") for name in names) for way, n in used.items() if n
    )
