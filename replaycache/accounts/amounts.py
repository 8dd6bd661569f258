"""Moments, sizes, lengths of time and money, as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from .._errors import ConfigurationError


def iso_time(seconds: float | None) -> str:
    """A moment in UTC, `2026-11-21T22:02:00Z`, from seconds since 1970; empty where it is not known."""
    if not seconds:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def human_size(size: int) -> str:
    """Bytes: `812 B`, `3.4 kB`, `12 MB`; powers of 1000."""
    return _scaled(size, (" B", " kB", " MB", " GB", " TB", " PB"))


def parse_size(value: Any, where: str) -> int:
    """Bytes, from their number or from text such as `500MB` (powers of 1000) or `2GiB` (powers of 1024).

    Raises:
        ConfigurationError: it is neither; `where` says in the message who asked for it.
    """
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*(?:([kmgt])(i?))?b?\s*", str(value).lower())
    if found is None:
        raise ConfigurationError(f"{where}={value!r} is no size; write bytes, or text such as 500MB or 2GiB")
    unit = 1024 if found[3] else 1000
    return int(float(found[1]) * unit ** " kmgt".index(found[2] or " "))


def human_count(count: float) -> str:
    """A number: `812`, `3.4k`, `12M`."""
    return _scaled(count, ("", "k", "M", "G", "T", "P"))


def many(count: int, what: str) -> str:
    """So many of something: `1 call`, `1,200 calls`."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def human_units(units: Iterable[tuple[str, float]], *, has_tokens: bool) -> str:
    """What was paid for by other units than tokens: `2 rerank searches, 12 audio seconds`.

    Args:
        units: as in `Usage`.
        has_tokens: whether tokens are told beside, of which some units are parts.
    """
    told = [unit for unit in units if not (has_tokens and unit[0].endswith("_tokens"))]
    return ", ".join(f"{_amount(amount)} {name.replace('_', ' ')}" for name, amount in told)


def _amount(amount: float) -> str:
    return human_count(amount) if amount >= 10 else f"{amount:.2g}"


def _scaled(number: float, units: Sequence[str]) -> str:
    index = 0
    while abs(number) >= 999.5 and index < len(units) - 1:
        number /= 1000
        index += 1
    text = f"{number:.0f}" if index == 0 or abs(number) >= 9.95 else f"{number:.1f}"
    return text + units[index]


_UNITS = (("y", 365 * 86400), ("mo", 30 * 86400), ("d", 86400), ("h", 3600), ("m", 60))


def human_age(seconds: float) -> str:
    """How long ago: `now`, `45s`, `12m`, `3h`, `9d`, `4mo`, `2y`."""
    if seconds < 1:
        return "now"
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


def human_duration(seconds: float) -> str:
    """A length of time: `850 µs`, `12 ms`, `3.45 s`, `2 min 5 s`, `3 h 12 min`, `2 d 4 h`."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    for length, unit, below, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= length:
            more = whole % length // below
            return f"{whole // length} {unit} {more} {name}" if more else f"{whole // length} {unit}"
    return f"{whole} s"


def human_money(amount: Decimal | None) -> str:
    """US dollars: `$12.34`, `$0.0021`, `$0.00`; empty where the price is not known."""
    if amount is None:
        return ""
    if amount == 0:
        return "$0.00"
    if abs(amount) >= 1:
        return f"${amount:,.2f}"
    if abs(amount) < Decimal("0.000001"):
        return "<$0.000001"
    return f"${amount:.2g}" if abs(amount) >= Decimal("0.01") else f"${amount:.6f}".rstrip("0")
