"""Which recordings of a cache may go, and removing them in bounded memory while others go on writing."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from .._errors import CorruptRecording, StoreError
from .._models import Recording
from ..stores import DiskStore
from .selection import Selection, models_of

AT_ONCE = 50
"""Entries that are removed in one transaction, which others who write wait for."""

FORGOTTEN_AT_ONCE = 5000
"""Entries after which the ledger is told, whose transactions cost more."""


class Candidate(NamedTuple):
    """An entry of a cache.

    Attributes:
        key: of its request.
        size: bytes of the entry.
        recorded_at: when it was recorded, or stored where that is not known; in seconds since 1970 (UTC).
        used_at: when it was played last, or else stored.
        goes: whether it may go for what it is itself.
        model: as it was asked for; empty where it is not known, and of what does not go by itself.
        status: of the response; 0 where the entry is damaged.
        stored_at: when the entry was written; 0 where the store does not tell.
    """

    key: str
    size: int
    recorded_at: float
    used_at: float
    goes: bool
    model: str = ""
    status: int = 0
    stored_at: float = 0.0

    @classmethod
    def of(cls, key: str, recording: Recording) -> Candidate:
        """One that goes, of a store that tells no more than its recordings do."""
        at, model = recording.recorded_at, next(iter(models_of(recording)), "")
        return cls(key, recording.size, at, at, goes=True, model=model, status=recording.head.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What may go.

    Args:
        recorded_before: in seconds since 1970 (UTC).
        unused_since: not played, and not stored, since then.
        selection: by model and status.
        damaged: only what is damaged.
        max_size: bytes that may be left; of what is left by the others, the oldest go until it is so.
        everything: all of them.
        least_used_first: with `max_size`, those go first that were not played for longest.
    """

    recorded_before: float | None = None
    unused_since: float | None = None
    selection: Selection = field(default_factory=Selection)
    damaged: bool = False
    everything: bool = False
    max_size: int | None = None
    least_used_first: bool = False

    @property
    def is_by_entry(self) -> bool:
        """Whether an entry may go for what it is itself."""
        return (
            self.everything
            or self.recorded_before is not None
            or self.unused_since is not None
            or self.damaged
            or not self.selection.is_everything
        )

    def age(self, recorded_at: float, used_at: float) -> float:
        """The moment by which an entry is the oldest."""
        return used_at if self.least_used_first else recorded_at

    def take(self, recorded_at: float, used_at: float, recording: Recording | None) -> bool:
        """Whether an entry goes for what it is itself.

        Args:
            recorded_at: in seconds since 1970 (UTC).
            used_at: likewise.
            recording: None where it is damaged.
        """
        if not self.is_by_entry:
            return False
        if self.recorded_before is not None and recorded_at >= self.recorded_before:
            return False
        if self.unused_since is not None and used_at >= self.unused_since:
            return False
        if recording is None:
            return (self.damaged or self.everything) and self.selection.is_everything
        return not self.damaged and self.selection.takes(recording)


@dataclass(frozen=True, slots=True)
class Oldest:
    """Of what stays by itself, what goes so that the rest fits.

    Attributes:
        until: everything of an earlier time goes, in seconds since 1970 (UTC).
        of_then: how many of just that time go.
    """

    until: float
    of_then: int


def candidates(
    store: DiskStore,
    rules: Rules,
    *,
    keys: Iterable[str] | None = None,
    unread: Callable[[str], None] = lambda why: None,
    oldest: Oldest | None = None,
    began: float | None = None,
    newest_first: bool = False,
) -> Iterator[Candidate]:
    """The entries of a cache as the rules look at them, in bounded memory.

    Args:
        keys: of those that are looked at; None for all.
        unread: told why an entry cannot be read.
        oldest: what else goes.
        began: what was stored since is not what was meant, and stays; in seconds since 1970 (UTC).
        newest_first: those that were stored last come first; otherwise last.

    Raises:
        StoreError: the cache as a whole cannot be read.
    """
    played: dict[str, float] = {}
    if rules.unused_since is not None or rules.least_used_first:
        played = store.ledger.last_played()

    of_then = oldest.of_then if oldest is not None else 0

    def goes(at: float, recorded_at: float, used_at: float, recording: Recording | None) -> bool:
        # a clock that was put back leaves entries of the future, which are old
        if began is not None and began <= at <= time.time():
            return False
        if rules.take(recorded_at, used_at, recording):
            return True
        if oldest is None:
            return False
        nonlocal of_then
        age = rules.age(recorded_at, used_at)
        of_then -= age == oldest.until
        return age < oldest.until or (age == oldest.until and of_then >= 0)

    for (key, size, at), recording in store.recordings(keys, newest_first=newest_first, check=rules.damaged):
        last_played = played.get(key, 0.0)
        try:
            if isinstance(recording, StoreError):
                raise recording
            recorded_at, used_at = recording.recorded_at or at, max(at or recording.recorded_at, last_played)
            is_going = goes(at, recorded_at, used_at, recording)
            models = models_of(recording) if is_going else ()
        except CorruptRecording as error:
            unread(str(error))
            used_at = max(at, last_played)
            yield Candidate(key, size, at, used_at, goes(at, at, used_at, None), stored_at=at)
            continue
        except StoreError as error:  # of a newer version: not ours to judge
            unread(str(error))
            continue
        model, status = models[0] if models else "", recording.head.status
        yield Candidate(key, size or recording.size, recorded_at, used_at, is_going, model, status, at)


def oldest(found: Iterable[Candidate], rules: Rules) -> Oldest | None:
    """What goes by `max_size`; None where what stays fits. It keeps a few bytes of each entry.

    Args:
        found: all candidates, in the order in which they are stored.
        rules: with `max_size`.
    """
    times, rooms = array("d"), array("q")
    for candidate in found:
        if not candidate.goes:
            times.append(rules.age(candidate.recorded_at, candidate.used_at))
            rooms.append(_room(candidate))
    left = sum(rooms)
    until, of_then = 0.0, 0
    most = rules.max_size or 0
    for place in sorted(range(len(times)), key=times.__getitem__):
        if left <= most:
            break
        of_then = of_then + 1 if of_then and times[place] == until else 1
        until = times[place]
        left -= rooms[place]
    return Oldest(until, of_then) if of_then else None


_PAGE = 4096


def _room(candidate: Candidate) -> int:
    """Bytes that an entry takes on the disk, about: SQLite and file systems deal in pages."""
    return candidate.size + 200 if candidate.size < _PAGE - 500 else (candidate.size // _PAGE + 1) * _PAGE + 200


def remove(store: DiskStore, found: Iterable[Candidate]) -> Generator[Candidate, None, None]:
    """Removes what goes, a few at a time, and gives it as it is gone. `DiskStore.compact` gives its room back.

    What was recorded anew since it was looked at is not what was meant, and stays. Where this is broken off, what
    was given so far is gone, and of the few that come next all or none.

    Raises:
        StoreError: the cache cannot be written.
    """
    following = (candidate for candidate in found if candidate.goes)
    unforgotten: list[str] = []
    try:
        while some := {one.key: one for one in islice(following, AT_ONCE)}:
            gone = store.remove({key: one.stored_at for key, one in some.items()})
            unforgotten += gone
            if len(unforgotten) >= FORGOTTEN_AT_ONCE:
                store.ledger.forget(unforgotten)
                unforgotten.clear()
            for key in gone:
                yield some[key]
    finally:
        if unforgotten:
            store.ledger.forget(unforgotten)
