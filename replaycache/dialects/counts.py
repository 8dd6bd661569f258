"""What an answer used, in one form, and counts of others read without trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

LARGEST = 1 << 53
"""A number beyond which it is no count."""


class Counts(NamedTuple):
    """What an answer used.

    Attributes:
        input: all input tokens.
        output: all output tokens.
        cached: of the input, read from the provider's prompt cache.
        cache_write: of the input, written to it.
        reasoning: of the output, spent on reasoning.
        units: what else has a price of its own, by its name in genai-prices, sorted.
        service_tier: where the usage itself names what others name beside it.
    """

    input: int
    output: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    units: tuple[tuple[str, float], ...] = ()
    service_tier: str = ""


def is_count(value: Any) -> bool:
    """Whether a value is a count."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST


def count(value: Any) -> int:
    """The value if it is a count, else none."""
    return int(value) if is_count(value) else 0


def units(**amounts: Any) -> tuple[tuple[str, float], ...]:
    """Those of the amounts that are there, by name."""
    return tuple(sorted((name, value) for name, value in amounts.items() if is_count(value) and value))


def pair(given: str, answered: str) -> Callable[[Mapping[str, Any]], Counts]:
    """Reads a usage object that has two counts under these names."""
    return lambda usage: Counts(count(usage.get(given)), count(usage.get(answered)))


def unit(name: str, called: str) -> Callable[[Mapping[str, Any]], Counts]:
    """Reads a usage object that has no tokens but one count under this name."""
    return lambda usage: Counts(0, 0, units=units(**{called: usage.get(name)}))
