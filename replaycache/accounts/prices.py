"""What answers cost: by prices of the user's own, and else by those of genai-prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from .._errors import ConfigurationError, did_you_mean
from .._models import Usage
from ..dialects.registry import provider_of_host, undated
from ..wire import url
from . import list_prices


class Total(NamedTuple):
    """What several answers came to.

    Attributes:
        tokens: of input and output.
        price: US dollars, of those whose price is known; None where none is.
        is_all: whether the price of each is known.
    """

    tokens: int
    price: Decimal | None
    is_all: bool

    @classmethod
    def of(cls, totals: Iterable[Total]) -> Total:
        """Several together."""
        totals = list(totals)
        known = [one.price for one in totals if one.price is not None]
        is_all = all(one.is_all for one in totals)
        return cls(sum(one.tokens for one in totals), sum(known, Decimal(0)) if known else None, is_all)


class _Rate(NamedTuple):
    """US dollars for a million tokens; None where that is not known. Cached input costs as much as other input."""

    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None

    def price_of(self, usage: Usage) -> Decimal | None:
        cached = min(usage.cached_tokens, usage.input_tokens) if self.cached_input is not None else 0
        used = (usage.input_tokens - cached, usage.output_tokens, cached)
        parts = [(Decimal(tokens), price) for tokens, price in zip(used, self, strict=True) if tokens]
        known = [tokens * price for tokens, price in parts if price is not None]
        return sum(known, Decimal(0)) / 1_000_000 if known and len(known) == len(parts) else None


class _Alike(NamedTuple):
    """A provider that asks for the same, and for which of its models; None: for the one of the same name."""

    provider: str
    model: str | None = None

    def price_of(self, usage: Usage, when: float | None) -> Decimal | None:
        asked = usage._replace(provider=self.provider, model=self.model or usage.model)
        return list_prices.price_of(asked, when)


class Prices:
    """Prices of the user's own, and of what they do not name those of genai-prices.

    Args:
        own: as the option `prices` takes them.

    Attributes:
        own: as given.

    Raises:
        ConfigurationError: one is no price, or names a provider that does not exist.
    """

    def __init__(self, own: Mapping[str, Any] | None = None) -> None:
        self.own = {} if own is None else own
        if not isinstance(self.own, Mapping) or not all(isinstance(name, str) for name in self.own):
            raise ConfigurationError(
                f"prices={own!r} is wrong; it takes models and what they cost, such as "
                "{'my-model': {'input': 0.15, 'output': 0.6}, 'other-model': 'openai/gpt-4o-mini'}"
            )
        self._of_models: dict[str, _Rate | _Alike] = {}
        self._of_hosts: dict[str, _Rate | _Alike] = {}
        for name, value in self.own.items():
            where = f"prices[{name!r}]"
            if "://" in name:
                self._of_hosts[_origin(name, where)] = _read(value, where, "openai")
            else:
                self._of_models[name] = _read(value, where, "openai/gpt-4o-mini")

    @property
    def are_known(self) -> bool:
        """Whether there are any."""
        return bool(self.own) or list_prices.is_available()

    def price_of(self, usage: Usage, when: float | None = None) -> Decimal | None:
        """What an answer cost, in US dollars; None where no price is known.

        Args:
            usage: as `usage_of` gives it.
            when: the time of the call, in seconds since 1970 (UTC); now where that is not known.
        """
        found = self._own(usage) or _Alike(usage.provider)
        return found.price_of(usage) if isinstance(found, _Rate) else found.price_of(usage, when)

    def why_unknown(self, usage: Usage) -> str:
        """Why no price of an answer is known, for people."""
        found = self._own(usage)
        if found is None and (not usage.provider or "://" in usage.provider):
            return f"this host has no prices; give {usage.model or 'a model'} one with the option `prices`"
        if not isinstance(found, _Rate) and not list_prices.is_available():
            return 'pip install "replaycache[prices]" tells it'
        return f"no price is known of {usage.model}"

    def _own(self, usage: Usage) -> _Rate | _Alike | None:
        named = self._of_models.get(usage.model) or self._of_models.get(undated(usage.model))
        return named or self._of_hosts.get(usage.provider)

    def total(self, counts: Mapping[Usage, int]) -> Total:
        """What answers come to at the prices of now.

        Args:
            counts: how many answers used this. One that does not tell what it used has no price.
        """
        tokens = sum((usage.input_tokens + usage.output_tokens) * count for usage, count in counts.items())
        prices = {usage: self.price_of(usage) for usage in counts if usage.is_told}
        known = [price * counts[usage] for usage, price in prices.items() if price is not None]
        return Total(tokens, sum(known, Decimal(0)) if known else None, len(known) == len(counts))

    def __repr__(self) -> str:
        return repr(self.own)


LIST_PRICES = Prices()
"""Those of genai-prices alone."""


def _origin(text: str, where: str) -> str:
    host = None if url.fault(text) else url.parse(text)
    if host is None or not host.host or not host.host.isascii() or host.path != "/" or host.query:
        raise ConfigurationError(
            f"{where} is no host; write it as https://gateway.example:8443, without a path, and letters beyond "
            f"ASCII as clients send them, https://xn--..."
        )
    provider = provider_of_host(host.netloc)
    if provider:
        raise ConfigurationError(f"{where} is a host of {provider}, whose prices hold there; name its models")
    return host.origin


def _read(value: Any, where: str, example: str) -> _Rate | _Alike:
    if isinstance(value, Mapping) and value:
        for name in value:
            if name not in _Rate._fields:
                guess = did_you_mean(str(name), _Rate._fields)
                raise ConfigurationError(f"{where} takes {', '.join(_Rate._fields)}, and no {name!r}{guess}")
        return _Rate(**{name: _amount(amount, f"{where}[{name!r}]") for name, amount in value.items()})
    provider, slash, model = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not provider or bool(model) != ("/" in example) or bool(slash) != bool(model):
        raise ConfigurationError(
            f"{where}={value!r} is no price; it takes US dollars per million tokens, such as "
            f"{{'input': 0.15, 'output': 0.6}}, or what costs the same, such as {example!r}"
        )
    known = list_prices.providers(provider)
    if provider not in known:
        guess = did_you_mean(provider, sorted(known))
        raise ConfigurationError(f"{where}={value!r}: there is no provider {provider!r}{guess}")
    return _Alike(provider, model or None)


def _amount(value: Any, where: str) -> Decimal:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        amount = Decimal(str(value))
        if amount.is_finite() and amount >= 0:
            return amount
    raise ConfigurationError(f"{where}={value!r} is no price; it takes US dollars per million tokens, from 0 on")
