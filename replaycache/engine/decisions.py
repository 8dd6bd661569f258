"""What can be decided about a request."""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import MissReason
from .._models import Outcome, Recording
from .flights import Flight

__all__ = ["Decision", "Forward", "Recheck", "Refuse", "Replay", "Wait"]


@dataclass(frozen=True, slots=True)
class Replay:
    """Answer from the recording; `pace` spaces its chunks."""

    recording: Recording
    outcome: Outcome
    pace: float


@dataclass(frozen=True, slots=True)
class Forward:
    """Call upstream.

    Attributes:
        missed: why no recording answers, where one was looked for.
        expected: what the answer is compared with.
    """

    missed: MissReason | None = None
    expected: Recording | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a flight is over; then `call.go_alone()`, load and decide again."""

    flight: Flight


@dataclass(frozen=True, slots=True)
class Recheck:
    """Load and decide again; where the store is `slow` now, it may wait."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Raise `call.miss(reason)`: upstream may not be called."""

    reason: MissReason


Decision = Replay | Forward | Wait | Recheck | Refuse
