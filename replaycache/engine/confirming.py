"""Whether a recording answers what is asked, whoever recorded it and by which rules."""

from __future__ import annotations

import os
from dataclasses import replace

from .._models import Recording, Request
from ..match import INCOMPARABLE, Identity, Match
from ..redaction.redactor import Redactor

_UNKNOWN = f"unknown-{os.urandom(16).hex()}"
"""The value of a header of which only the name is stored: rules under which it counts tell it from any other."""


class Confirming:
    """Confirms what was found in a cache by a key, which is no cryptographic hash.

    Attributes:
        rules: the fingerprint of the rules in force.

    Args:
        match: the rules in force.
        redactor: of the cache.
    """

    def __init__(self, match: Match, redactor: Redactor) -> None:
        self._match = match
        self._redactor = redactor
        self.rules = match.fingerprint(redactor.redact)

    def confirms(self, recording: Recording, identity: Identity) -> bool:
        """Whether a recording answers a request of this identity.

        Raises:
            CorruptRecording: its stored request is damaged.
        """
        if recording.rules == self.rules != INCOMPARABLE:
            return recording.digest == identity.digest
        return self.finds_again(recording, identity)

    def finds_again(self, recording: Recording, identity: Identity) -> bool:
        """Whether the recorded request, put through the rules in force as it is stored, has this identity.

        Raises:
            CorruptRecording: its stored request is damaged.
        """
        request = _as_known(recording.request)
        try:
            found = self._match.identity(request, sample=recording.sample, redactor=self._redactor)
        except Exception:  # noqa: BLE001  # `normalize` is the user's, and this is a request that somebody else made
            return False
        return found == identity


def _as_known(request: Request) -> Request:
    """A stored request with the headers that were left out of it, of which nobody knows the values."""
    unknown = tuple((name, _UNKNOWN) for name in request.left_out)
    return replace(request, headers=(*request.headers, *unknown)) if unknown else request
