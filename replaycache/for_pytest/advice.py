"""What a miss says to do next to who runs pytest: the command for this test."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from .._errors import MissReason

if TYPE_CHECKING:
    from ..engine.diagnosis import Advice

__all__ = ["advice_for"]

_ADVICE: Mapping[MissReason, str] = MappingProxyType(
    {
        "no_recording": "record what is missing: pytest --replay-mode=auto {test}\n"
        "or all of it anew: pytest --replay-mode=record {test}",
        "already_played": "record the further call: pytest --replay-mode=auto {test}\n"
        "or all of it anew: pytest --replay-mode=record {test}\n"
        "or answer it once more: repeats='same'",
        "expired": "record it anew: pytest --replay-mode=record {test}\nor raise ttl",
        "cassette_not_found": "record it: pytest --replay-mode=once {test}",
        "not_cacheable": "have it recorded: Match(cacheable=...)\n"
        "or leave the host alone: ignore_hosts=['{host}']",
        "request_too_large": "raise max_request_bytes",
    }
)

_OPTIONS = "Options stand in the mark, or for all tests in the fixture replay_options."


def advice_for(test: str) -> Advice:
    """What to do next about a miss of a test.

    Args:
        test: its node id, as pytest takes it.
    """
    from ..engine.diagnosis import Advice  # the engine is imported when the first marked test is set up

    quoted = shlex.quote(test)
    return Advice({reason: text.replace("{test}", quoted) for reason, text in _ADVICE.items()}, _OPTIONS)
