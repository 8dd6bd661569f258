"""What a session came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from .._errors import BudgetExceeded, CacheMiss

__all__ = ["Tally"]


@dataclass(slots=True)
class Tally:
    """What a session came to.

    Attributes:
        replayed: calls that a recording answered.
        recorded: answers that were stored.
        misses: of a cassette, what was refused.
        over_budget: of a cassette, what was not sent, as it would have cost more than it may.
        unsent: how many calls were not sent for that, to a cache too.
        played: the recordings that were replayed, by their `id`; they live as long as their store.
        drifts: in mode `verify`, the answers that differ in shape from what was recorded.
        raises_drifts: whether one of them is to be raised at the end.
        secrets: recordings of a cassette that were not written because of what they hold.
        not_kept: calls to a cassette that were answered live and are not in it, and why; not those that the user's
            own word leaves out.
        idle_rules: paths in `Match(ignore=...)` and `Redact(body=...)` that led nowhere in all that was asked.
        met_rules: those that led somewhere.
        own_way: calls that went through a transport of the user's that names a store or a mode of its own.
        named_mode: the origins of the calls that were sent upstream and named their mode themselves.
    """

    replayed: int = 0
    recorded: int = 0
    misses: list[CacheMiss] = field(default_factory=list)
    over_budget: list[BudgetExceeded] = field(default_factory=list)
    unsent: int = 0
    played: set[int] = field(default_factory=set)
    drifts: list[str] = field(default_factory=list)
    raises_drifts: bool = False
    secrets: list[str] = field(default_factory=list)
    not_kept: list[str] = field(default_factory=list)
    idle_rules: list[str] = field(default_factory=list)
    met_rules: list[str] = field(default_factory=list)
    own_way: int = 0
    named_mode: set[str] = field(default_factory=set)
