"""Whether a disk is slow, so that an event loop is not kept by it."""

from __future__ import annotations

import logging
import time
from typing import Literal

from .._printable import printable

logger = logging.getLogger("replaycache")

SLOW = 0.01
"""Seconds: what takes longer is worth a thread where an event loop would wait."""

ENOUGH = {"reading": 2, "writing": 1}
"""So often in a row that is the disk. To read is fast again as soon as the system has it in memory, and once it
may have been slow for any reason; after one write that was slow the next is left to a thread, and tells."""

REMEMBERED = 10.0
"""Seconds for which a disk counts as slow after it was."""

OFTEN = 5
"""So often in a row people are told of it."""


class Slowness:
    """Remembers whether what was read and written last took long. All methods may be called from any thread.

    Args:
        location: of what lies on the disk, for people.
    """

    def __init__(self, location: str) -> None:
        self._location = location
        self._in_a_row = dict.fromkeys(ENOUGH, 0)
        self._is_told = False
        self._until = 0.0

    @property
    def is_known(self) -> bool:
        """Whether the disk was slow lately."""
        return bool(self._until) and time.monotonic() < self._until

    def note(self, what: Literal["reading", "writing"], begun: float) -> None:
        """Takes account of what has just been done."""
        now = time.monotonic()
        took = now - begun
        if took >= SLOW:
            self._in_a_row[what] += 1
            if self._in_a_row[what] >= ENOUGH[what]:
                self._until = now + REMEMBERED
        elif self._until or self._in_a_row[what]:
            self._in_a_row[what] = 0
            if now >= self._until or not any(self._in_a_row.values()):
                self._until = 0.0
        if self._in_a_row[what] >= OFTEN and not self._is_told:
            self._is_told = True
            logger.warning(
                "the disk cache %s is slow: %s took %.0f ms. Asynchronous code does it in threads meanwhile, and "
                "every call waits for it. Name a directory on a local disk with REPLAYCACHE_DIR or store=.",
                printable(self._location),
                what,
                took * 1000,
            )
