"""What recordings saved this process: calls, tokens, money, time.

It hears of them as they are replayed, out of any store; `savings` adds up what the ledger of a cache holds.
"""

from __future__ import annotations

from collections import Counter

from .._models import Outcome, Recording, Request, Usage
from ..dialects.usage import usage_of
from ..system.forking import new_lock
from .prices import Prices, Total


class RunSavings:
    """Adds up what is told by the hooks of a session; they may be called from any thread.

    Args:
        prices: by which it is counted.

    Attributes:
        hits: calls that a recording answered.
        misses: calls that none did.
        stored: answers that were stored.
        seconds: that the replayed answers took when they were recorded.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.hits = self.misses = self.stored = 0
        self.seconds = 0.0
        self._usages: Counter[Usage] = Counter()
        self._lock = new_lock()

    def on_hit(self, recording: Recording, outcome: Outcome) -> None:
        """The hook of that name."""
        if recording.usage is None:
            recording.usage = usage_of(recording)
        with self._lock:
            self.hits += 1
            self.seconds += recording.duration
            if recording.usage is not None:
                self._usages[recording.usage] += 1

    def on_miss(self, request: Request, reason: str) -> None:
        """The hook of that name."""
        with self._lock:
            self.misses += 1

    def on_store(self, recording: Recording, outcome: Outcome) -> None:
        """The hook of that name."""
        with self._lock:
            self.stored += 1

    @property
    def total(self) -> Total:
        """What the replayed answers came to."""
        return self._prices.total(self._usages)
