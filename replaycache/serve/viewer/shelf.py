"""The recordings of a store as the viewer names them: by key, in a file also by number, for keys repeat there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from ..._errors import StoreError
from ..._models import Recording
from ...engine.sealing import seal_of
from ...match import Match
from ...redaction.redactor import Redactor
from ...stores import CassetteStore, LayeredStore, Store, StoreBusy

LOOKED_THROUGH = 5000
"""Recordings of a file that are looked through for a key, the last first."""

KEYS = 20_000
"""Recordings of a file whose keys are remembered: to make one takes longer than to look at a recording."""


class Shelved(NamedTuple):
    """A recording and where it is.

    Attributes:
        key: by which it is found.
        number: in a file, from 1 on, in its order; 0 in a cache.
        recording: its value.
    """

    key: str
    number: int
    recording: Recording


class Shelf:
    """Finds, lists and removes recordings. Each method may wait for the store, and raises `StoreError` or
    `CassetteError` where that cannot be read or written, or the entry is damaged.

    Args:
        store: a cache or a cassette.
        match: the rules in force, by which a cassette's recordings have their keys.
    """

    def __init__(self, store: Store, match: Match) -> None:
        self.store = store
        self._match = match
        self._redactor = Redactor(seal=seal_of(store), counting=match.key_headers)
        self._keys: dict[int, tuple[Recording, str]] = {}

    def count(self) -> int:
        """The number of recordings; of a layered store that of the layer with most, for who looks on."""
        # to tell those apart that several layers have takes a look at every key
        layers = self.store.layers if isinstance(self.store, LayeredStore) else (self.store,)
        return max(map(len, layers))

    def newest(self, start: int, limit: int) -> Iterator[Shelved]:
        """Recordings, the last stored first."""
        if not isinstance(self.store, CassetteStore):
            for key, recording in islice(self.store.newest(start + limit), start, None):
                yield Shelved(key, 0, recording)
            return
        every = self.store.all()
        for number in range(len(every) - start, max(0, len(every) - start - limit), -1):
            yield Shelved(self._key_of(every[number - 1]), number, every[number - 1])

    def find(self, key: str, number: int = 0) -> Shelved | None:
        """A recording by its key, of a file the last that has it, or the one of that number if it has that key."""
        if isinstance(self.store, CassetteStore):
            if number:
                found = next(self.newest(self.count() - number, 1), None) if number <= self.count() else None
                return found if found is not None and found.key == key else None
            return next((one for one in self.newest(0, LOOKED_THROUGH) if one.key == key), None)
        try:
            recording = self.store.get(key)
        except StoreBusy:  # called again, it waits
            recording = self.store.get(key)
        return None if recording is None else Shelved(key, 0, recording)

    def remove(self, key: str, number: int = 0) -> bool:
        """Removes a recording; False where there is none, or another has its number."""
        if not isinstance(self.store, CassetteStore):
            return self.store.delete(key)
        found = self.find(key, number)
        return found is not None and self.store.remove([found.number - 1]) == 1

    def _key_of(self, recording: Recording) -> str:
        known = self._keys.get(id(recording))
        if known is not None and known[0] is recording:
            return known[1]
        if len(self._keys) >= KEYS:
            self._keys.clear()
        key = self._made_key(recording)
        self._keys[id(recording)] = recording, key
        return key

    def _made_key(self, recording: Recording) -> str:
        try:
            identity = self._match.identity(
                recording.request,
                sample=recording.sample,
                redactor=self._redactor,
                unknown=recording.request.unknown,
            )
        except StoreError:
            raise
        except Exception:  # noqa: BLE001  # a user's `normalize` may fail, and the recording can be shown all the same
            return Match().identity(recording.request, sample=recording.sample).key
        return identity.key
