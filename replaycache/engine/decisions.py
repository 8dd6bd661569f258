"""What can be decided about a request."""

from typing import NamedTuple

from .._errors import MissReason
from .._models import Outcome, Recording
from .flights import Flight

__all__ = ["Decision", "Forward", "Recheck", "Refuse", "Replay", "Wait"]


class Replay(NamedTuple):
    """Answer from the recording; `pace` spaces its chunks."""

    recording: Recording
    outcome: Outcome
    pace: float


class Forward(NamedTuple):
    """Call upstream.

    Attributes:
        missed: why no recording answers, where one was looked for.
        expected: what the answer is compared with.
    """

    missed: MissReason | None = None
    expected: Recording | None = None


class Wait(NamedTuple):
    """Wait until a flight is over; then `call.go_on()`, load and decide again."""

    flight: Flight


class Recheck:
    """Load and decide again; where the store is `slow` now, it may wait."""


class Refuse(NamedTuple):
    """Raise `call.miss(reason)`: upstream may not be called."""

    reason: MissReason


Decision = Replay | Forward | Wait | Recheck | Refuse
