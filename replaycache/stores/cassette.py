"""A store in one file that people read, review and commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from .._errors import CassetteError, ConfigurationError
from .._models import Recording
from ..match import Identity, Match
from ..system.atomic_file import replaced
from ..system.forking import new_reentrant_lock
from .cassette_lock import locked
from .cassette_text import dump, dump_recording, load

__all__ = ["CassetteStore", "Entry", "Identify"]

Identify = Callable[[Recording], Identity]
"""Makes the identity of a recording from its request: no key is trusted from the file."""


class Entry:
    """A recording and its text in the file; without a recording, a place whose recording is to be replaced."""

    def __init__(self, recording: Recording) -> None:
        self.recording: Recording | None = recording
        self.before = recording
        self._text: str | None = None

    @property
    def text(self) -> str:
        """As it stands in the file."""
        if self._text is None:
            self._text = dump_recording(self.before)
        return self._text

    def is_answered_by(self, recording: Recording) -> bool:
        """Whether a new recording brings nothing that this one does not have."""
        old = self.before
        return (
            old.head.status == recording.head.status
            and old.complete == recording.complete
            and old.verdict == recording.verdict
            and old.request == recording.request
            and old.body.read() == recording.body.read()
        )


class CassetteStore:
    """Keeps recordings in one JSON file, in the order in which they were made.

    The file is read on first use and written after every recording, by replacing it whole. Several processes
    may record into one cassette: what another has written meanwhile is kept. `with cassette.deferred():` writes
    once, at the end of the block, and not at all if the block fails.

    Args:
        path: of the file; its directory is made when the first recording is written.

    Raises:
        ConfigurationError: the path does not end in `.json`.
    """

    repeats: Literal["sequence"] = "sequence"
    slow = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        if self.path.suffix.lower() != ".json":
            raise ConfigurationError(f"a cassette's path ends in .json, unlike {str(path)!r}")
        self.location = str(self.path)
        self.identity = f"cassette:{os.path.realpath(self.path)}"
        self._match = Match()
        self._lock = new_reentrant_lock()
        self._entries: list[Entry] | None = None
        self._loaded: bytes | None = None
        self._had_recordings = False
        self._added: list[Entry] = []
        self._removed: list[Entry] = []
        self._index: dict[Identity, list[Entry]] = {}
        self._indexed_by: Identify | None = None
        self._deferred = 0
        self._changed = False

    # -- what a session asks for -------------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    @property
    def had_recordings(self) -> bool:
        """Whether there were recordings in the file when it was first read.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            self._all()
            return self._had_recordings

    def recordings(self, identity: Identity, identify: Identify) -> list[Recording]:
        """The recordings of a request, in the order in which they were made.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            found = self._indexed(identify).get(identity, ())
            recordings = [entry.recording for entry in found if entry.recording is not None]
        for recording in recordings:
            iter(recording.body.segments)  # nonsense in the file shows now, not in the middle of an answer
        return recordings

    def all(self) -> list[Recording]:
        """Every recording, in the order of the file.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            return [entry.recording for entry in self._all() if entry.recording is not None]

    def append(self, recording: Recording, identity: Identity, identify: Identify) -> None:
        """Adds a recording behind the others.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            index = self._indexed(identify)
            entry = Entry(_kept(recording))
            self._all().append(entry)
            self._added.append(entry)
            index.setdefault(identity, []).append(entry)
            self._write()

    def replace(self, number: int, recording: Recording, identity: Identity, identify: Identify) -> None:
        """Takes a recording as the `number`-th of its request in a session that records it anew.

        The first one empties the places of all recordings that the request had; each further one fills a place,
        or is added. What came back unchanged keeps its lines.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            places = self._indexed(identify).setdefault(identity, [])
            if number == 0:
                for entry in places:
                    entry.recording = None
                    self._changed = True
            if number >= len(places):
                self.append(recording, identity, identify)
                return
            self._fill(places, number, recording)
            self._write()

    def _fill(self, places: list[Entry], number: int, recording: Recording) -> None:
        """Takes a recording in one of the places of its request; what it has already keeps its lines."""
        old = places[number]
        if old.is_answered_by(recording):
            old.recording = old.before
            return
        new = Entry(_kept(recording))
        entries = self._all()
        entries[entries.index(old)] = places[number] = new
        self._removed.append(old)
        self._added.append(new)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Writes at the end of the block, and only if it does not raise.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            self._deferred += 1
        try:
            yield
        except BaseException:
            with self._lock:
                self._deferred -= 1
                self._forget()
            raise
        with self._lock:
            self._deferred -= 1
            self._write()

    # -- the protocol of stores --------------------------------------------------------------------------

    def _identify(self, recording: Recording) -> Identity:
        return self._match.identity(recording.request, sample=recording.sample)

    def _keyed(self) -> dict[str, list[Entry]]:
        keyed: dict[str, list[Entry]] = {}
        for identity, entries in self._indexed(self._identify).items():
            keyed[identity.key] = [entry for entry in entries if entry.recording is not None]
        return {key: entries for key, entries in keyed.items() if entries}

    def get(self, key: str) -> Recording | None:
        """The last recording whose request has this key under `Match()`; None where there is none."""
        with self._lock:
            entries = self._keyed().get(key)
            return entries[-1].recording if entries else None

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` in place of all whose request has this key."""
        with self._lock:
            identity = self._identify(recording)
            self.replace(0, recording, identity, self._identify)

    def delete(self, key: str) -> bool:
        """Removes the recordings whose request has this key; tells whether there were any."""
        with self._lock:
            entries = self._keyed().get(key, [])
            for entry in entries:
                entry.recording = None
            if entries:
                self._changed = True
                self._write()
            return bool(entries)

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last in the file first."""
        with self._lock:
            recordings = [entry.recording for entry in reversed(self._all()) if entry.recording is not None]
        for recording in recordings[:limit]:
            yield self._identify(recording).key, recording

    def keys(self) -> Iterator[str]:
        """The keys under `Match()`, in the order of the file."""
        with self._lock:
            names = list(self._keyed())
        yield from names

    def __len__(self) -> int:
        with self._lock:
            return sum(entry.recording is not None for entry in self._all())

    def close(self) -> None:
        """Forgets what was read, so that the next use reads the file again."""
        with self._lock:
            if not self._deferred:
                self._forget()

    def __repr__(self) -> str:
        counted = "" if self._entries is None else f", {len(self)} recordings"
        return f"<CassetteStore {self.location}{counted}>"

    # -- the file ----------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._entries = None
        self._loaded = None
        self._added, self._removed, self._changed = [], [], False
        self._index, self._indexed_by = {}, None

    def _all(self) -> list[Entry]:
        if self._entries is None:
            self._loaded = self._read(self.path)
            self._entries = self._parse(self._loaded)
            self._had_recordings = bool(self._entries)
        return self._entries

    def _read(self, path: Path) -> bytes | None:
        """What stands in the file; None where there is none."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CassetteError(f"{self.location} cannot be read: {error.strerror}. Check the path.") from error

    def _parse(self, text: bytes | None) -> list[Entry]:
        if text is None:
            return []
        return [Entry(recording) for recording in load(text, self.location)]

    def _indexed(self, identify: Identify) -> dict[Identity, list[Entry]]:
        if self._indexed_by != identify or self._entries is None:
            index: dict[Identity, list[Entry]] = {}
            for entry in self._all():
                index.setdefault(identify(entry.before), []).append(entry)
            self._index, self._indexed_by = index, identify
        return self._index

    def _write(self) -> None:
        if self._deferred or not (self._added or self._removed or self._changed):
            return
        with locked(self.path) as file:
            on_disk = self._read(file)
            if on_disk != self._loaded:
                self._merge(self._parse(on_disk))
            text = dump(entry.text for entry in self._all() if entry.recording is not None).encode("utf-8")
            if text != on_disk:
                self._replace(file, text)
            self._loaded = text
            self._added, self._removed, self._changed = [], [], False

    def _merge(self, others: list[Entry]) -> None:
        """Takes over what another process has written since the file was read."""
        theirs = {entry.text for entry in others}
        mine = [
            entry
            for entry in self._all()
            if entry.recording is None or entry in self._added or entry.text in theirs
        ]
        known = {entry.text for entry in (*mine, *self._removed)}
        self._entries = mine + [entry for entry in others if entry.text not in known]
        self._indexed_by = None

    def _replace(self, path: Path, text: bytes) -> None:
        try:
            with replaced(path) as file:
                file.write(text)
        except OSError as error:
            raise CassetteError(
                f"{self.location} cannot be written: {error.strerror}. The file is as it was; check the "
                f"directory's permissions and the space left."
            ) from error


def _kept(recording: Recording) -> Recording:
    """A recording as it comes back from the file, so that what is played does not depend on who recorded it."""
    return load(dump([dump_recording(recording)]).encode("utf-8"), "what was recorded")[0]
