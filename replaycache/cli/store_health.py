"""What a store holds, and what is wrong with where it lies."""

from __future__ import annotations

import os
import stat
import time
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from .._errors import ReplayCacheError, ReplayCacheWarning
from ..stores import CassetteStore, DiskStore, Store, open_store
from ..stores.cassette.lock import locked
from ..system.private_files import OTHERS
from .opening import size_on_disk

PATIENCE = 5.0
"""Seconds to wait for another process that writes a cassette."""

_AHEAD = 60.0
"""Seconds by which clocks of machines that share a disk may differ."""

_LOOKED_AT = 20


class Health(NamedTuple):
    """What is told of a store.

    Attributes:
        location: of it.
        recordings: how many; None where it cannot be read.
        size: bytes on this disk; None where it lies elsewhere.
        mode: the permissions of its directory or file, as in `0700`; empty where there are none.
        problems: what is wrong, each with what to do.
    """

    location: str
    recordings: int | None
    size: int | None
    mode: str
    problems: list[str]


def look_at(named: Any, *, writes: bool) -> list[Health]:
    """Looks at a store, or at each of several caches; nothing in them is changed.

    Args:
        named: as `open_store` takes it.
        writes: whether it is to be written to.
    """
    if isinstance(named, (list, tuple)):
        return [one for each in named for one in look_at(each, writes=writes)]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ReplayCacheWarning)
        try:
            store = open_store(named)[0]
        except ReplayCacheError as error:
            return [Health(str(named) if "://" not in str(named) else "", None, None, "", [str(error)])]
        problems: list[str] = []
        count = None
        try:
            if isinstance(store, DiskStore) and not store.is_ours:
                problems.append(f"{store.location} is a disk cache of another program: name another directory")
                writes = False
            count = len(store)
            problems += _of_clock(store)
            problems += _of_files(store, writes=writes)
        except ReplayCacheError as error:
            problems.append(str(error))
        finally:
            store.close()
    problems += [str(one.message) for one in told if isinstance(one.message, ReplayCacheWarning)]
    path = Path(store.location)
    is_here = isinstance(store, (DiskStore, CassetteStore)) and path.exists()
    size = size_on_disk(store) if is_here else None
    mode = f"{stat.S_IMODE(path.stat().st_mode):04o}" if is_here and os.name != "nt" else ""
    return [Health(store.location, count, size, mode, problems)]


def _of_clock(store: Store) -> Iterator[str]:
    """Recordings of the future: of another machine's clock, or of this one's before it was set."""
    newest = max(
        (recording.recorded_at for _, recording in islice(store.newest(_LOOKED_AT), _LOOKED_AT)), default=0
    )
    ahead = newest - time.time()
    if ahead > _AHEAD:
        yield (
            f"{store.location} has recordings of the future, by {ahead:,.0f} seconds: the clock of this machine "
            f"is slow, or that of the one that recorded them is fast, and ttl goes by both. Set the clock"
        )


def _of_files(store: Store, *, writes: bool) -> Iterator[str]:
    if not isinstance(store, (DiskStore, CassetteStore)):
        return
    path = Path(store.location)
    there = next(one for one in (path, *path.parents) if one.exists())
    if writes and not os.access(there, os.W_OK):
        yield (
            f"{there} cannot be written by you: what is there is replayed, and nothing is recorded. Give yourself "
            f"the permission, or name another place with REPLAYCACHE_DIR or store="
        )
        return
    if there != path:
        return
    if isinstance(store, DiskStore):
        open_to_others = _open_to_others(path)
        if open_to_others:
            yield f"others may read {', '.join(open_to_others)} in {path}: chmod -R go-rwx {path}"
            return
    if writes:
        if isinstance(store, DiskStore):
            store.delete("")  # a transaction that finds nothing: it takes the lock, and the disk
        else:
            with locked(path, clears=False, patience=PATIENCE):
                pass


def _open_to_others(directory: Path) -> list[str]:
    """The files that others than the user may read; none where they do not come into the directory."""
    if os.name == "nt" or not directory.stat().st_mode & OTHERS:
        return []
    return sorted(one.name for one in directory.iterdir() if one.is_file() and one.stat().st_mode & OTHERS)
