"""What was saved over time, as JSON for the chart."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

from ..._models import Recording
from ..._printable import one_line
from ...accounts.amounts import human_count, human_duration, human_money, human_size
from ...accounts.ledger import Ledger
from ...accounts.prices import Prices
from ...accounts.savings import Line, Savings, Sum, of_ledger, of_recordings
from .shelf import Shelf

RECORDINGS = 2000
"""Recordings that are added up where calls are not noted, the newest."""
DAYS = 120
"""Days that are told."""
MODELS = 20
"""Models that are told, those that saved most first."""
_DAY = 86400


def saved(shelf: Shelf, prices: Prices) -> dict[str, Any]:
    """What the calls came to, by model and by day; of a store that notes none, what its recordings came to.

    Raises:
        StoreError, CassetteError: the store cannot be read.
    """
    ledger = getattr(shelf.store, "ledger", None)
    counted = 0
    if isinstance(ledger, Ledger):
        savings = of_ledger(ledger, prices=prices, runs=1)
    else:
        recordings: list[Recording] = [one.recording for one in islice(shelf.newest(0, RECORDINGS), RECORDINGS)]
        counted = len(recordings)
        savings = of_recordings(recordings, prices=prices)
    return {
        "of": "calls" if isinstance(ledger, Ledger) else "recordings",
        "counted": counted,
        "stored": shelf.count(),
        "location": one_line(shelf.store.location),
        "prices": prices.are_known,
        "total": _line(savings.total),
        "days": _days(savings),
        "models": [
            {"name": one_line(line.name, 200), **_line(line)}
            for line in sorted(savings.models.values(), key=lambda line: line.weight, reverse=True)[:MODELS]
        ],
    }


def _days(savings: Savings) -> list[dict[str, Any]]:
    """Every day from the first to the last, those without a call too."""
    known = savings.days
    # what others recorded may bear no date, or one that is none
    dated = sorted(day for day in known if 0 < day <= time.time() + _DAY)[-DAYS:]
    if not dated:
        return []
    first = max(dated[0], dated[-1] - (DAYS - 1) * _DAY)
    every = range(first, dated[-1] + 1, _DAY)
    return [{"day": day, **_line(known.get(day, Line(str(day))))} for day in every]


def _line(line: Line) -> dict[str, Any]:
    return {
        "calls": line.requests,
        "hits": line.saved.requests,
        "upstream": line.spent.requests,
        "refused": line.refused.requests,
        "seconds": line.seconds_saved,
        "seconds_told": human_duration(line.seconds_saved),
        "saved": _sum(line.saved),
        "spent": _sum(line.spent),
    }


def _sum(part: Sum) -> dict[str, Any]:
    return {
        "tokens": part.input_tokens + part.output_tokens,
        "tokens_told": human_count(part.input_tokens + part.output_tokens),
        "usd": None if part.price is None else float(part.price),
        "usd_told": human_money(part.price),
        "size_told": human_size(part.size),
        "seconds_told": human_duration(part.seconds),
    }
