"""What is noted of a call, and what a session came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ._errors import BudgetExceeded, CacheMiss
from ._models import Usage

__all__ = ["Noted", "Tally"]


class Noted(NamedTuple):
    """One call, as it is noted.

    Attributes:
        status: `hit`, `miss` (it went live and was recorded), `live` (it went live and was not), or `refused`.
        key: of the request.
        usage: what the answer came to; None where there is none.
        seconds: that the answer takes, or took, upstream.
        took: seconds that passed here until the answer was at hand.
        size: of the answer's body in bytes.
    """

    status: Literal["hit", "miss", "live", "refused"]
    key: str
    usage: Usage | None = None
    seconds: float = 0.0
    took: float = 0.0
    size: int = 0


@dataclass(slots=True)
class Tally:
    """What a session came to.

    Attributes:
        replayed: calls that a recording answered.
        recorded: answers that were stored.
        misses: of a cassette, what was refused.
        over_budget: what was not sent, as it would have cost more than it may.
        played: the recordings that were replayed, by their `id`; they live as long as their store.
        drifts: in mode `verify`, the answers that differ in shape from what was recorded.
        secrets: recordings of a cassette that were not written because of what they hold.
    """

    replayed: int = 0
    recorded: int = 0
    misses: list[CacheMiss] = field(default_factory=list)
    over_budget: list[BudgetExceeded] = field(default_factory=list)
    played: set[int] = field(default_factory=set)
    drifts: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
