"""Which recordings of a cache may go, and removing them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .._errors import CorruptRecording, StoreError
from ..stores import DiskStore, Store
from .selection import Selection, models_of

__all__ = ["Candidate", "Rules", "candidates", "chosen", "remove", "unchanged"]


class Candidate(NamedTuple):
    """An entry of a cache.

    Attributes:
        key: of its request.
        size: bytes of the entry.
        recorded_at: when it was recorded, or stored where that is not known; in seconds since 1970 (UTC).
        used_at: when it was played last, or else stored.
        fits: whether the selection takes it.
        model: as it was asked for; empty where it is not known.
        status: of the response; 0 where the entry is damaged.
        stored_at: when the entry was written; 0 where the store does not tell.
    """

    key: str
    size: int
    recorded_at: float
    used_at: float
    fits: bool
    model: str = ""
    status: int = 0
    stored_at: float = 0.0


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


def candidates(
    store: Store,
    rules: Rules,
    damaged: Callable[[str, str], None],
    keys: Collection[str] | None = None,
) -> Iterator[Candidate]:
    """The entries of a cache as the rules look at them. Recordings are read only where the rules need it.

    Args:
        store: a cache.
        rules: what may go.
        damaged: told the key of each entry that cannot be read, and why.
        keys: of those that are looked at; None for all.

    Raises:
        StoreError: the cache as a whole cannot be read.
    """
    played: dict[str, float] = {}
    if isinstance(store, DiskStore) and (rules.unused_since is not None or rules.least_used_first):
        played = store.ledger.last_played()
    for key, size, at in _stored(store):
        if keys is not None and key not in keys:
            continue
        try:
            recording = store.get(key)
            if recording is None:
                continue
            models = models_of(recording)
        except CorruptRecording as error:
            damaged(key, str(error))
            fits = (rules.damaged or rules.everything) and rules.selection.is_everything
            yield Candidate(key, size, at, max(at, played.get(key, 0.0)), fits, stored_at=at)
            continue
        except StoreError as error:  # of a newer version: not ours to judge
            damaged(key, str(error))
            continue
        yield Candidate(
            key,
            size or recording.size,
            recording.recorded_at or at,
            max(at or recording.recorded_at, played.get(key, 0.0)),
            not rules.damaged and rules.selection.takes(recording),
            models[0] if models else "",
            recording.head.status,
            at,
        )


def _stored(store: Store) -> Iterable[tuple[str, int, float]]:
    if isinstance(store, DiskStore):
        return store.stored()
    return ((key, 0, 0.0) for key in store.keys())  # noqa: SIM118  # a store is no dict


def chosen(found: Iterable[Candidate], rules: Rules) -> tuple[list[Candidate], int]:
    """What is to go, and how many entries there are."""
    going: list[Candidate] = []
    staying: list[Candidate] = []
    count = 0
    for candidate in found:
        count += 1
        goes = rules.is_by_entry and candidate.fits
        if rules.recorded_before is not None and candidate.recorded_at >= rules.recorded_before:
            goes = False
        if rules.unused_since is not None and candidate.used_at >= rules.unused_since:
            goes = False
        (going if goes else staying).append(candidate)
    if rules.max_size is not None:
        left = sum(_room(candidate) for candidate in staying)
        order = sorted(
            staying,
            key=lambda candidate: candidate.used_at if rules.least_used_first else candidate.recorded_at,
        )
        for candidate in order:
            if left <= rules.max_size:
                break
            going.append(candidate)
            left -= _room(candidate)
    return going, count


_PAGE = 4096


def _room(candidate: Candidate) -> int:
    """Bytes that an entry takes on the disk, about: SQLite and file systems deal in pages."""
    return candidate.size + 200 if candidate.size < _PAGE - 500 else (candidate.size // _PAGE + 1) * _PAGE + 200


def unchanged(store: Store, going: list[Candidate]) -> list[Candidate]:
    """Those that are still as they were looked at: what was recorded anew meanwhile is not what was meant.

    Raises:
        StoreError: the cache cannot be read.
    """
    if not isinstance(store, DiskStore):
        return going
    stored = {entry.key: entry.at for entry in store.stored()}
    return [candidate for candidate in going if stored.get(candidate.key) == candidate.stored_at]


def remove(store: Store, keys: list[str], removed: Callable[[], None]) -> int:
    """Removes entries; returns how many of them were still there. `DiskStore.compact` gives their room back.

    Args:
        store: a cache.
        keys: of the entries.
        removed: called after each.

    Raises:
        StoreError: the cache cannot be written; entries removed until then are gone.
    """
    count = 0
    for key in keys:
        count += store.delete(key)
        removed()
    if isinstance(store, DiskStore):
        store.ledger.forget(keys)
    return count
