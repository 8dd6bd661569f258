"""What follows from what was asked and what was found."""

from __future__ import annotations

import time

from .._errors import MissReason
from .._models import Outcome, Recording
from ..options import Mode
from .asked import Asked
from .decisions import Forward, Recheck, Refuse, Replay
from .lookup import Found, Nothing


class Decider:
    """Decides.

    Args:
        location: of the store, for people.
        pace: of what is replayed.
    """

    def __init__(self, location: str, pace: float) -> None:
        self._location = location
        self._pace = pace

    def decide(self, asked: Asked, found: Found) -> Replay | Forward | Recheck | Refuse:
        """What to do, if nobody else asks the same.

        Args:
            asked: whose mode is resolved.
            found: of it, in the store.
        """
        mode = asked.mode
        if mode is Mode.OFF:
            return Forward()
        if isinstance(found, Nothing) and found.is_busy:
            return Recheck()
        identity = asked.identity
        if identity is None or asked.unstorable:
            if mode is not Mode.REPLAY:
                return Forward()
            too_large = asked.needs_body and identity is None
            return Refuse("request_too_large" if too_large else "not_cacheable")
        if mode is Mode.RECORD:
            return Forward()
        if mode is Mode.VERIFY:
            return Forward(expected=found if isinstance(found, Recording) else None)
        why: MissReason = "no_recording"
        if isinstance(found, Nothing):
            why = found.why
        else:
            recorded_at = found.recorded_at or None  # what others recorded may bear no date, and has no age
            age = None if recorded_at is None else time.time() - recorded_at
            if asked.ttl is None or age is None or age <= asked.ttl:
                age = None if age is None else max(0.0, age)
                outcome = Outcome("hit", identity.key, found.found_in or self._location, recorded_at, age)
                return Replay(found, outcome, self._pace)
            why = "expired"
        return Refuse(why) if mode is Mode.REPLAY else Forward(why)
