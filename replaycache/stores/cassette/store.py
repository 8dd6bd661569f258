"""A store in one file that people read, review and commit."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from ..._errors import CassetteError, ConfigurationError
from ..._models import Recording
from ..._printable import printable
from ...match import Identity, Match
from .entry import Entry
from .file import file_at, settle_all
from .pending import Pending
from .session import CassetteSession


class CassetteStore:
    """Keeps recordings in one JSON file, in the order in which they were asked for.

    The file is read on first use, and what is recorded is in it, or written down beside it, before the call that
    recorded it is over; see `settle`. Several processes may record into one cassette: what another has written
    meanwhile is kept. `with cassette.deferred():` writes once, at the end of the block, and not at all if the
    block fails. All stores of a process on one file share what they read.

    Attributes:
        largest: bytes of an answer's body that a new recording may have.

    Args:
        path: of the file; its directory is made when the first recording is written.

    Raises:
        ConfigurationError: the path does not end in `.json`.
    """

    repeats: Literal["sequence"] = "sequence"
    slow = False
    # as text it is a third larger, and hosts of repositories refuse files of 100 MB
    largest = 64 << 20

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        if self.path.suffix.lower() != ".json":
            raise ConfigurationError(f"a cassette's path ends in .json, unlike {str(path)!r}")
        self.location = str(self.path)
        self.identity = f"cassette:{os.path.realpath(self.path)}"
        self._match = Match()
        self._file = file_at(self.path)
        self._first: CassetteSession | None = None

    # -- what a session asks for -------------------------------------------------------------------------

    def begin(self) -> CassetteSession:
        """A session on it; the file is read when the session first asks for something."""
        session = CassetteSession(self._file)
        self._first = self._first or session
        return session

    @property
    def had_recordings(self) -> bool:
        """Whether there were recordings in the file when its first session began; before that, whether there are.

        Raises:
            CassetteError: the file cannot be read.
        """
        return bool(self._file.view().entries) if self._first is None else self._first.had_recordings

    # -- as a file ---------------------------------------------------------------------------------------

    def all(self) -> list[Recording]:
        """Every recording, in the order of the file.

        Raises:
            CassetteError: the file cannot be read.
        """
        return [entry.recording for entry in self._file.view().entries]

    def salt(self) -> bytes:
        """With which what is redacted and counts is sealed; it stands in the file where something is.

        Raises:
            CassetteError: the file cannot be read.
        """
        return self._file.salt()

    def adopt_salt(self, salt: bytes) -> bool:
        """Takes over the salt of another store, from which recordings come; False where it has another already.

        Raises:
            CassetteError: the file cannot be read.
        """
        return self._file.adopt_salt(salt)

    @property
    def version_read(self) -> str:
        """What the file was when it was read, or written last: differs from `version` where others changed it."""
        return self._file.version_read

    @property
    def version(self) -> str:
        """What the file is now."""
        return self._file.version

    def append(self, *recordings: Recording) -> None:
        """Adds recordings behind the others.

        Raises:
            CassetteError: the file cannot be read or written, or a recording is larger than `largest`.
        """
        for recording in recordings:
            self._check_size(recording)
        if recordings:
            self._file.view()
            self._file.write(*(Pending(0, Entry.of(recording)) for recording in recordings))

    def _check_size(self, recording: Recording) -> None:
        if recording.size > self.largest:
            raise CassetteError(
                f"{printable(self.location)} was not written: the answer to {recording.request.method} "
                f"{recording.request.url} has {recording.size:,} bytes, and a cassette takes up to "
                f"{self.largest:,} of one. Keep it in a disk cache, or leave it out."
            )

    def remove(self, numbers: Iterable[int]) -> int:
        """Removes recordings by their numbers, from 0 on, in the order of the file; tells how many there were.

        Raises:
            CassetteError: the file cannot be read or written.
        """
        entries = self._file.view().entries
        going = [entries[number] for number in sorted(set(numbers)) if 0 <= number < len(entries)]
        return self._remove(going)

    def _remove(self, going: list[Entry]) -> int:
        if going:
            self._file.write(*(Pending(0, None, entry) for entry in going))
        return len(going)

    def rewrite(self, change: Callable[[int, Recording], Recording], *, anew: Callable[[bytes], bool]) -> None:
        """Puts what `change` gives in place of each recording, in the same order; the file is written once.

        Args:
            change: receives the number of a recording, from 1 on, and the recording; gives the very same where
                it is to stay.
            anew: receives the file as it is, and says whether it is written even if no recording changes: what
                stands in it beside the recordings is gone then.

        Raises:
            CassetteError: the file cannot be read or written; it is as it was.
        """
        pending = []
        for number, entry in enumerate(self._file.view().entries, 1):
            new = change(number, entry.recording)
            if new is not entry.recording:
                pending.append(Pending(0, Entry.of(new), entry))
        if pending:
            self._file.write(*pending)
        self._file.settle(anew)

    def deferred(self) -> AbstractContextManager[None]:
        """Writes at the end of the block, and only if it does not raise; also what forked processes record in it.

        Raises:
            CassetteError: the file cannot be written.
        """
        return self._file.deferred()

    @property
    def handed_over(self) -> int:
        """How many recordings forked processes have made in the block of `deferred`."""
        return len(self._file.handed_over)

    @property
    def played_by_others(self) -> list[Recording]:
        """The recordings that forked processes have played in the block of `deferred`, each time that they did."""
        entries = {entry.mark: entry for entry in self._file.view().entries}
        return [entries[mark].recording for mark in self._file.played_by_others if mark in entries]

    def settle(self) -> None:
        """Sees to it that all that was recorded stands in the file, and nothing beside it.

        Raises:
            CassetteError: the file cannot be written.
        """
        self._file.settle()

    # -- the protocol of stores --------------------------------------------------------------------------

    def _identify(self, recording: Recording) -> Identity:
        return self._match.identity(recording.request, sample=recording.sample)

    def _keyed(self) -> dict[str, list[Entry]]:
        index = self._file.view().index(self._identify)
        return {identity.key: entries for identity, entries in index.items()}

    def get(self, key: str) -> Recording | None:
        """The last recording whose request has this key under `Match()`; None where there is none."""
        entries = self._keyed().get(key)
        return entries[-1].recording if entries else None

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` in place of all whose request has this key.

        Raises:
            CassetteError: the file cannot be read or written, or the recording is larger than `largest`.
        """
        self._check_size(recording)
        found = self._keyed().get(self._identify(recording).key, [])
        first = Pending(0, Entry.of(recording), found[0] if found else None)
        self._file.write(first, *(Pending(0, None, entry) for entry in found[1:]))

    def delete(self, key: str) -> bool:
        """Removes the recordings whose request has this key; tells whether there were any."""
        return bool(self._remove(self._keyed().get(key, [])))

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last in the file first."""
        entries = self._file.view().entries
        for entry in entries[: -limit - 1 : -1]:
            yield self._identify(entry.recording).key, entry.recording

    def keys(self) -> Iterator[str]:
        """The keys under `Match()`, in the order of the file."""
        yield from list(self._keyed())

    def __len__(self) -> int:
        return len(self._file.view().entries)

    def close(self) -> None:
        """Sees to it that all stands in the file; the next use reads it again."""
        self._file.settle()
        self._file.forget()

    def __repr__(self) -> str:
        count = self._file.count
        return f"<CassetteStore {printable(self.location)}{'' if count is None else f', {count} recordings'}>"


atexit.register(settle_all)
