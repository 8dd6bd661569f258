"""What recordings saved one program: calls, tokens, money, time."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal

from . import prices
from ._models import Outcome, Recording, Request, Usage
from .usage import usage_of

__all__ = ["RunSavings"]


class RunSavings:
    """Adds up what is told by the hooks of a session; they may be called from any thread.

    Attributes:
        hits: calls that a recording answered.
        misses: calls that none did.
        stored: answers that were stored.
        seconds: that the replayed answers took when they were recorded.
    """

    def __init__(self) -> None:
        self.hits = self.misses = self.stored = 0
        self.seconds = 0.0
        self._usages: Counter[Usage] = Counter()
        self._lock = threading.Lock()

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
    def tokens(self) -> int:
        """In and out, of the replayed answers."""
        return sum((usage.input_tokens + usage.output_tokens) * count for usage, count in self._usages.items())

    @property
    def money(self) -> Decimal | None:
        """US dollars that the replayed answers would cost now; None where no price is known."""
        known = [
            price * count for usage, count in self._usages.items() if (price := prices.price_of(usage)) is not None
        ]
        return sum(known, Decimal(0)) if known else None
