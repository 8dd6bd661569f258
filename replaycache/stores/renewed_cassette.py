"""A cassette that several sessions of one run record anew together."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable

from .._models import Recording
from ..match import Identity
from .cassette import CassetteStore, Entry, Identify

__all__ = ["RenewedCassette"]


class RenewedCassette(CassetteStore):
    """A cassette in which every recording from before the run is replaced, once.

    A session plays what the run has recorded so far, and what it records itself takes the places of the recordings
    from before, one by one. So the sessions of a run get the same answers to the same request, and leave as many
    as the one that asked most often needs. Recordings from before whose turn did not come stay; `left` tells
    them, for whoever knows when the run is over.

    A recording is known by a mark, a hash of its text in the file.

    Args:
        path: of the file.
        renewed: the marks of what the run has recorded so far.
    """

    def __init__(self, path: str | os.PathLike[str], renewed: Iterable[str] = ()) -> None:
        super().__init__(path)
        self._before = list(renewed)
        self._renewed: dict[int, Entry] = {}
        self._asked: set[Identity] = set()

    @property
    def renewed(self) -> list[str]:
        """The marks of what the run has recorded, this session included, in no particular order."""
        with self._lock:
            self._all()
            return [_mark(entry) for entry in self._renewed.values()]

    @property
    def left(self) -> list[str]:
        """The marks of the recordings from before, of the requests that this session recorded."""
        with self._lock:
            return [
                _mark(entry)
                for identity in self._asked
                for entry in self._index.get(identity, ())
                if self._is_old(entry)
            ]

    def recordings(self, identity: Identity, identify: Identify) -> list[Recording]:
        """What the run has recorded of a request so far.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            entries = self._indexed(identify).get(identity, ())
            renewed = {id(entry.recording) for entry in entries if id(entry) in self._renewed}
            return [one for one in super().recordings(identity, identify) if id(one) in renewed]

    def append(self, recording: Recording, identity: Identity, identify: Identify) -> None:
        """Takes a recording in place of the next one from before, or behind the others.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            entries = self._indexed(identify).setdefault(identity, [])
            number = next((number for number, entry in enumerate(entries) if self._is_old(entry)), len(entries))
            if number < len(entries):
                self._fill(entries, number, recording)
                self._write()
            else:
                super().append(recording, identity, identify)
            self._asked.add(identity)
            self._renewed[id(entries[number])] = entries[number]

    def drop(self, marks: Iterable[str]) -> None:
        """Removes the recordings with these marks.

        Raises:
            CassetteError: the file cannot be read or written.
        """
        with self._lock:
            unwanted = set(marks)
            for entry in self._all():
                if entry.recording is not None and _mark(entry) in unwanted:
                    entry.recording = None
                    self._changed = True
            self._write()

    def _all(self) -> list[Entry]:
        is_first = self._entries is None
        entries = super()._all()
        if is_first:
            counts = Counter(self._before)
            self._renewed = {}
            self._asked = set()
            for entry in entries if counts else ():
                mark = _mark(entry)
                if counts[mark]:
                    counts[mark] -= 1
                    self._renewed[id(entry)] = entry
        return entries

    def _is_old(self, entry: Entry) -> bool:
        return entry.recording is not None and id(entry) not in self._renewed


def _mark(entry: Entry) -> str:
    return hashlib.blake2b(entry.text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
