"""What can be decided about a request."""

from typing import TYPE_CHECKING, NamedTuple

from .._errors import MissReason
from .._models import Outcome, Recording
from .flights import Flight

if TYPE_CHECKING:
    from .plan import Plan


class Replay(NamedTuple):
    """Answer from the recording; `pace` spaces its chunks."""

    recording: Recording
    outcome: Outcome
    pace: float


class Disturb:
    """Answer from the recording, and have go wrong what `plan` says. Where its caller does not get all of it, the
    adapter calls `call.give_back()`."""

    __slots__ = ("outcome", "pace", "plan", "recording")  # a named tuple takes longer to make, at every start

    def __init__(self, recording: Recording, outcome: Outcome, pace: float, plan: "Plan") -> None:
        self.recording = recording
        self.outcome = outcome
        self.pace = pace
        self.plan = plan


class Forward(NamedTuple):
    """Call upstream.

    Attributes:
        missed: why no recording answers, where one was looked for.
        expected: what the answer is compared with.
        nearest: the recording that comes nearest, and where it differs, for the log; empty where nobody reads it.
    """

    missed: MissReason | None = None
    expected: Recording | None = None
    nearest: str = ""


class Wait(NamedTuple):
    """Wait until a flight is over; then `call.go_on()`, load and decide again."""

    flight: Flight


class Recheck:
    """Load and decide again; where the store is `slow` now, it may wait."""


class Refuse(NamedTuple):
    """Raise `call.miss(reason)`: upstream may not be called."""

    reason: MissReason


Decision = Replay | Disturb | Forward | Wait | Recheck | Refuse
