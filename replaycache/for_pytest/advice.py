"""What a miss says to do next to who runs pytest: the command for this test."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType

from .._errors import MissReason

__all__ = ["advice_for"]

_ADVICE: Mapping[MissReason, str] = MappingProxyType(
    {
        "no_recording": "record what is missing: pytest --replay-mode=auto {test} (all of it anew: "
        "--replay-mode=record); if the difference does not matter, leave it out of the key with "
        "Match(ignore=[...]) or Match(scrub=[...]), in the mark or, for all tests, in the fixture replay_options",
        "already_played": "record the further call: pytest --replay-mode=auto {test} (all of it anew: "
        "--replay-mode=record); or let the mark say repeats='same'",
        "expired": "record it anew: pytest --replay-mode=record {test}; or raise the mark's ttl",
        "cassette_not_found": "record it: pytest --replay-mode=once {test}",
        "not_cacheable": "widen Match(cacheable=...) in the mark, or in the fixture replay_options",
        "request_too_large": "raise max_request_bytes in the mark, or in the fixture replay_options",
    }
)


def advice_for(test: str) -> dict[MissReason, str]:
    """What to do next about a miss of a test, by its reason.

    Args:
        test: its node id, as pytest takes it.
    """
    quoted = shlex.quote(test)
    return {reason: text.replace("{test}", quoted) for reason, text in _ADVICE.items()}
