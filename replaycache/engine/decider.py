"""One decision about a request: from what was asked, what was found, and who else asks the same."""

from __future__ import annotations

import time

from .._models import Outcome, Recording
from ..match import Identity
from ..options import Mode
from .asked import Asked
from .decisions import Decision, Forward, Recheck, Refuse, Replay, Wait
from .lead import Lead
from .lookup import Found

__all__ = ["Decider"]


class Decider:
    """Decides.

    Args:
        location: of the store, for people.
        is_cache: whether what was found has to be confirmed, and to be whole.
        pace: of what is replayed.
    """

    def __init__(self, location: str, pace: float, *, is_cache: bool) -> None:
        self._location = location
        self._pace = pace
        self._is_cache = is_cache

    def decide(self, asked: Asked, found: Found, lead: Lead) -> Decision:
        """What to do.

        Args:
            asked: whose mode is resolved.
            found: of it, in the store.
            lead: of the call: it takes off where nothing answers, and lands where something does.
        """
        mode = asked.mode
        if mode is Mode.OFF:
            return Forward()
        if found.is_busy:
            return Recheck()
        identity = asked.identity
        if identity is None or asked.unstorable:
            if mode is not Mode.REPLAY:
                lead.land()
                return Forward()
            too_large = asked.needs_body and identity is None
            return Refuse("request_too_large" if too_large else "not_cacheable")
        if mode is Mode.RECORD:
            return Forward()
        if mode is Mode.VERIFY:
            return Forward(expected=found.recording)
        why = found.why
        recording = found.recording
        if recording is not None and (not self._is_cache or _is_confirmed(recording, identity)):
            age = time.time() - recording.recorded_at
            if asked.ttl is None or age <= asked.ttl:
                lead.land()
                outcome = Outcome("hit", identity.key, self._location, recording.recorded_at, max(0.0, age))
                return Replay(recording, outcome, self._pace)
            why = "expired"
        if mode is Mode.REPLAY:
            return Refuse(why)
        if lead.is_settled:
            return Forward(why)
        flight = lead.take_off(identity)
        if flight is not None:
            return Wait(flight)
        return Recheck() if lead.may_have_missed(found.landings) else Forward(why)


def _is_confirmed(recording: Recording, identity: Identity) -> bool:
    # the key's hash is not cryptographic: the digest of the canonical request confirms the hit
    return recording.digest == identity.digest and recording.complete
