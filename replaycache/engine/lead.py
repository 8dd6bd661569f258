"""Who of those that ask the same at once calls upstream: one call's flight and claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..match import Identity
from ..system.calling_upstream import calling_upstream
from .flights import ClaimedElsewhere, Claiming, Flight, Owner, board, landings

if TYPE_CHECKING:
    from ..stores import Store
    from .recorder import Recorder

_WAITS = 2
"""So often a call waits for other processes."""


class Neighbours(NamedTuple):
    """Those who ask the same store.

    Attributes:
        store: a cache.
        owner: says who asks here.
        claims: by which processes tell each other who calls upstream; None where they do not.
    """

    store: Store
    owner: Callable[[], Owner]
    claims: Claiming | None


class Lead:
    """The flight and the claim of one call, while it has them.

    Args:
        neighbours: who may ask the same; None where each call goes on its own.
    """

    __slots__ = ("_awaited", "_claimed", "_flight", "_is_alone", "_neighbours", "_waits")

    def __init__(self, neighbours: Neighbours | None) -> None:
        self._neighbours = neighbours
        self._flight: Flight | None = None
        self._claimed: str | None = None
        self._awaited: Flight | None = None
        self._waits = 0
        self._is_alone = neighbours is None

    @property
    def is_settled(self) -> bool:
        """Whether it is settled that this call goes upstream, as the leader or on its own."""
        return self._is_alone or (self._flight is not None and self._awaited is None)

    def go_on(self) -> None:
        """The wait is over. Whose leader left or was killed may lead now, or waits for one that was quicker:
        all that waited for it make one call. Who waited in vain otherwise waits for nobody any more."""
        awaited = self._awaited
        self._is_alone = awaited is None or not awaited.is_left or self._waits == _WAITS

    def take_off(self, identity: Identity) -> Flight | None:
        """Leads, or goes on its own where it would wait for itself: None. Otherwise what is to be waited for."""
        neighbours = self._neighbours
        if neighbours is None or self.is_settled:
            return None
        if self._flight is None:
            owner = neighbours.owner()
            mine = Flight((neighbours.store.identity, identity), owner)
            # known before it is aloft, as the claim before it is taken: an interrupt finds what is to be let go
            self._flight = mine
            flight = board(mine)
            if flight is not mine:
                self._flight = None
                self._awaited = None if flight.blocks(owner) else flight
                return self._awaited
        self._awaited = self._claim(neighbours.claims, identity.key)
        return self._awaited

    def _claim(self, claims: Claiming | None, key: str) -> ClaimedElsewhere | None:
        if claims is None:
            return None
        self._claimed = key
        if claims.claim(key):
            return None
        self._waits += 1
        return ClaimedElsewhere(claims, key)

    def may_have_missed(self, before: int | None) -> bool:
        """Whether somebody may have stored an answer since the store was read.

        Args:
            before: how many flights had landed when it was read; None where that is not known.
        """
        neighbours = self._neighbours
        if neighbours is None or self._flight is None:
            return False
        return neighbours.claims is not None or landings() != before

    def listen(self, leader: Recorder) -> None:
        """From now on what comes of upstream's answer tells whether it is worth waiting for."""
        flight = self._flight  # another thread may land meanwhile
        if flight is not None:
            flight.leader = leader

    def land(self, *, is_left: bool = False) -> None:
        """Nobody waits for this call any more. If interrupted, it is to be called again.

        Args:
            is_left: whether its caller left, and upstream did not fail: those who waited make one call.
        """
        claimed, neighbours = self._claimed, self._neighbours
        if claimed is not None and neighbours is not None and neighbours.claims is not None:
            # while the flight is up nobody else in this process claims the key: it may be released twice
            with calling_upstream.begun():
                neighbours.claims.release(claimed)
            self._claimed = None
        flight = self._flight
        if flight is not None:
            flight.is_left = flight.is_left or is_left
            flight.land()
            self._flight = None
