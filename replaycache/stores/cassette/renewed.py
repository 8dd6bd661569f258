"""A cassette that several sessions of one run record anew together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from ..._models import Recording
from ...match import Identity
from .entry import Entry, Identify
from .pending import Pending
from .session import CassetteSession
from .store import CassetteStore


class RenewedCassette(CassetteStore):
    """A cassette in which every recording from before the run is replaced, once.

    A session plays what the run has recorded so far, and what it records itself takes the places of the recordings
    of the same request from before, one by one, or stands behind what was asked for before it. So the sessions of
    a run get the same answers to the same request, and leave as many as the one that asked most often needs.
    Recordings from before whose turn did not come stay until `drop_others`: somebody knows when the run is over.

    A recording is known by a mark, a hash of its text in the file.
    """

    def __init__(self, path: str | os.PathLike[str], renewed: Iterable[str] = ()) -> None:
        super().__init__(path)
        self._renewed = Counter(renewed)

    @property
    def renewed(self) -> list[str]:
        """The marks of what the run has recorded, in no particular order.

        This session is included, and what forked processes have recorded in the block of `deferred`.
        """
        return [*self._renewed.elements(), *self._file.handed_over]

    def begin(self) -> CassetteSession:
        """A session that records anew what the run has not recorded yet."""
        return _RenewingSession(self)

    def drop_others(self) -> None:
        """Removes the recordings that the run has not made.

        Raises:
            CassetteError: the file cannot be read or written.
        """
        self._remove(self.others(self._file.view().entries))

    def others(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those that the run has not made."""
        counts = self._renewed.copy()
        left = []
        for entry in entries:
            if counts[entry.mark]:
                counts[entry.mark] -= 1
            else:
                left.append(entry)
        return left

    def take(self, entry: Entry) -> None:
        """The run has made it."""
        self._renewed[entry.mark] += 1


class _RenewingSession(CassetteSession):
    def __init__(self, cassette: RenewedCassette) -> None:
        super().__init__(cassette._file)
        self._cassette = cassette
        self._old: dict[int, Entry] | None = None
        self._gone: set[int] = set()

    @property
    def _from_before(self) -> dict[int, Entry]:
        """The recordings that the run has not made."""
        if self._old is None:
            self._old = {id(entry): entry for entry in self._cassette.others(self._held.entries)}
        return self._old

    def held(self, identity: Identity, identify: Identify) -> list[Entry]:
        return [one for one in super().held(identity, identify) if id(one) not in self._from_before]

    def add(
        self,
        recording: Recording,
        identity: Identity,
        turn: int,
        identify: Identify,
        replaces: Entry | None = None,
    ) -> Entry:
        left = self._from_before.keys() - self._gone
        old = next((one for one in super().held(identity, identify) if id(one) in left), None)
        entry = Entry.of(recording)
        if old is not None:
            if old.is_answered_by(recording):
                entry = old  # what came back unchanged keeps its lines
            self._gone.add(id(old))
        self._file.write(Pending(turn, entry, old))
        self._cassette.take(entry)
        return entry
