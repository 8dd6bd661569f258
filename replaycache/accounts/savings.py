"""What a cache saved and what it cost upstream, added up by model, provider, day and run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from .._models import Recording, Usage
from ..dialects.usage import asked_of, usage_of
from .ledger import TOKENS, Entry, Ledger, price_tier
from .prices import LIST_PRICES, Prices

_DAY = 86400

_K = TypeVar("_K", int, str)


@dataclass(slots=True)
class Sum:
    """Calls, added up.

    Attributes:
        input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens: as in `Usage`.
        seconds: that the answers take, or took, upstream.
        took: seconds that passed here until the answers were at hand.
        size: of the answers' bodies in bytes.
        cost: US dollars, of those whose price is known.
        priced: how many those are.
        unpriced: how many tell what they used, but have no price that is known.
        untold: how many do not tell what they used.
        units: what else has a price of its own, by its name, as in `Usage`.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    seconds: float = 0.0
    took: float = 0.0
    size: int = 0
    cost: Decimal = Decimal(0)
    priced: int = 0
    unpriced: int = 0
    untold: int = 0
    units: dict[str, float] = field(default_factory=dict)

    @property
    def price(self) -> Decimal | None:
        """US dollars; None where no price is known."""
        return self.cost if self.priced else None

    def add(self, other: Sum) -> None:
        """Takes another sum into this one."""
        for name in Sum.__slots__:
            if name != "units":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        _add_units(self.units, other.units.items())


@dataclass(slots=True)
class Line:
    """What one model, provider, day or run came to.

    Attributes:
        name: of the model or the provider (empty where that is not known), the day in seconds since 1970 (UTC), or
            the run.
        program, started: of a run, as in `Entry`.
        saved: calls that a recording answered.
        missed: calls that went live and were recorded.
        live: calls that went live and were not recorded.
        recorded: recordings, where they are added up instead of calls.
        refused: calls that were not sent.
    """

    name: str
    program: str = ""
    started: float = 0.0
    saved: Sum = field(default_factory=Sum)
    missed: Sum = field(default_factory=Sum)
    live: Sum = field(default_factory=Sum)
    recorded: Sum = field(default_factory=Sum)
    refused: Sum = field(default_factory=Sum)

    @property
    def spent(self) -> Sum:
        """All that went upstream."""
        total = Sum()
        for part in (self.missed, self.live, self.recorded):
            total.add(part)
        return total

    @property
    def requests(self) -> int:
        """Calls, or recordings."""
        return self.saved.requests + self.spent.requests + self.refused.requests

    def merge(self, other: Line) -> None:
        """Takes another line into this one."""
        for part in set(_PART.values()):
            getattr(self, part).add(getattr(other, part))

    @property
    def weight(self) -> tuple[Decimal, int, int]:
        """By what lines are put in order: what was saved, or else spent."""
        part = self.saved if self.saved.requests else self.spent
        return part.cost, part.input_tokens + part.output_tokens, self.requests

    @property
    def seconds_saved(self) -> float:
        """Seconds that were not waited for upstream."""
        return max(0.0, self.saved.seconds - self.saved.took)


_PART = {"hit": "saved", "miss": "missed", "live": "live", "refused": "refused", "recorded": "recorded"}


class Savings:
    """Sums of calls, or of recordings.

    Attributes:
        prices: by which money is counted.
        total: of all.
        models, providers: by name.
        days: by their beginning (UTC).
        runs: by name, the one that started first at the beginning.
    """

    def __init__(self, prices: Prices = LIST_PRICES) -> None:
        self.prices = prices
        self.total = Line("")
        self.models: dict[str, Line] = {}
        self.providers: dict[str, Line] = {}
        self.days: dict[int, Line] = {}
        self.runs: dict[str, Line] = {}

    def add(self, entry: Entry) -> None:
        """Takes account of the calls of a day; `when` is its beginning."""
        part, found = _PART.get(entry.status, "live"), _sum(entry, self.prices)
        for line in (
            self.total,
            self.models.setdefault(entry.usage.model, Line(entry.usage.model)),
            self.providers.setdefault(entry.usage.provider, Line(entry.usage.provider)),
            self.days.setdefault(entry.when, Line(str(entry.when))),
        ):
            getattr(line, part).add(found)

    def add_run(self, entry: Entry) -> None:
        """Takes account of the calls of a run, which `add` has been told already."""
        line = self.runs.setdefault(entry.run, Line(entry.run, entry.program, entry.started))
        getattr(line, _PART.get(entry.status, "live")).add(_sum(entry, self.prices))

    def merge(self, other: Savings) -> None:
        """Takes those of another store into these."""
        self.total.merge(other.total)
        _merge(self.models, other.models)
        _merge(self.providers, other.providers)
        _merge(self.days, other.days)
        _merge(self.runs, other.runs)


def of_ledger(ledger: Ledger, *, prices: Prices = LIST_PRICES, since: float = 0.0, runs: int = 1000) -> Savings:
    """What was asked of a cache.

    Args:
        ledger: of the cache.
        prices: by which calls are counted.
        since: only hours that ended after this moment, in seconds since 1970 (UTC).
        runs: at most so many, the newest.

    Raises:
        StoreUnavailable: its file cannot be read.
    """
    savings = Savings(prices)
    for entry in ledger.entries("day", since=since):
        savings.add(entry)
    for entry in ledger.entries("run", since=since, newest=runs):
        savings.add_run(entry)
    return savings


def of_recordings(recordings: Iterable[Recording], *, prices: Prices = LIST_PRICES, since: float = 0.0) -> Savings:
    """What recordings cost when they were recorded, in memory that does not grow with their number.

    Args:
        recordings: gone through once.
        prices: by which they are counted.
        since: only those that were recorded after this moment, in seconds since 1970 (UTC).
    """
    groups: dict[tuple[int, str, str, str, int], _Group] = {}
    for recording in recordings:
        if recording.recorded_at < since:
            continue
        usage = recording.usage or usage_of(recording) or asked_of(recording.request)
        day = int(recording.recorded_at // _DAY) * _DAY
        tier = price_tier(usage.input_tokens)
        group = groups.setdefault((day, usage.provider, usage.model, usage.service_tier, tier), _Group())
        group.add(usage, recording.duration, recording.size)
    savings = Savings(prices)
    for (day, provider, model, service_tier, _), group in sorted(groups.items()):
        units = tuple(sorted(group.units.items()))
        usage = Usage(provider, model, *group.tokens, service_tier, units)
        savings.add(
            Entry("", "", 0.0, day, "recorded", group.requests, usage, group.seconds, group.seconds, group.size)
        )
    return savings


class _Group:
    """Recordings of one day, model and tier of prices, so that their mean has the price of all."""

    def __init__(self) -> None:
        self.requests = self.size = 0
        self.seconds = 0.0
        self.tokens = (0, 0, 0, 0, 0)
        self.units: dict[str, float] = {}

    def add(self, usage: Usage, seconds: float, size: int) -> None:
        self.requests += 1
        self.seconds += seconds
        self.size += size
        a, b, c, d, e = self.tokens
        self.tokens = (a + usage[2], b + usage[3], c + usage[4], d + usage[5], e + usage[6])
        _add_units(self.units, usage.units)


def _add_units(units: dict[str, float], more: Iterable[tuple[str, float]]) -> None:
    for name, amount in more:
        units[name] = units.get(name, 0.0) + amount


def _merge(lines: dict[_K, Line], others: dict[_K, Line]) -> None:
    for name, line in others.items():
        lines.setdefault(name, Line(line.name, line.program, line.started)).merge(line)


def _sum(entry: Entry, prices: Prices) -> Sum:
    usage = entry.usage
    found = Sum(entry.requests, *usage[2:7], entry.seconds, entry.took, entry.size, units=dict(usage.units))
    if not usage.is_told:
        found.untold = entry.requests
        return found
    price = prices.price_of(_mean(usage, entry.requests), entry.when)
    if price is None:
        found.unpriced = entry.requests
    else:
        found.priced, found.cost = entry.requests, price * entry.requests
    return found


def _mean(usage: Usage, requests: int) -> Usage:
    """What one of so many calls used: prices may rise with the size of a call."""
    tokens = {name: getattr(usage, name) / requests for name in TOKENS}
    units = tuple((name, amount / requests) for name, amount in usage.units)
    return Usage(usage.provider, usage.model, service_tier=usage.service_tier, units=units, **tokens)
