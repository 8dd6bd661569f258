"""What a session came to."""

from __future__ import annotations

from .._errors import BudgetExceeded, CacheMiss


class Tally:
    """What a session came to.

    Attributes:
        replayed: calls that a recording answered.
        disturbed: those of them that a fault has disturbed.
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

    def __init__(self) -> None:
        self.replayed = 0
        self.disturbed = 0
        self.recorded = 0
        self.misses: list[CacheMiss] = []
        self.over_budget: list[BudgetExceeded] = []
        self.unsent = 0
        self.played: set[int] = set()
        self.drifts: list[str] = []
        self.raises_drifts = False
        self.secrets: list[str] = []
        self.not_kept: list[str] = []
        self.idle_rules: list[str] = []
        self.met_rules: list[str] = []
        self.own_way = 0
        self.named_mode: set[str] = set()

    def __str__(self) -> str:
        return f"{self.replayed} replayed, {self.recorded} recorded, {len(self.misses)} missed"
