"""The file of a cassette, as one process sees it: read once, changed by several sessions, written when due."""

from __future__ import annotations

import os
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..._errors import CassetteError
from ..._printable import printable
from ...match import Identity
from ...redaction.seal import holds_sealed
from ...system.atomic_file import replaced
from ...system.forking import new_lock, new_reentrant_lock
from ...system.regular_file import read_regular
from . import salt as _salt
from .entry import Entry, Identify
from .journal import Change, Journal, Noted, apply, digest_of
from .lock import locked
from .pending import Pending
from .renewal import Renewal
from .text import dump, load_written, salt_in, slices
from .turns import Turns

SMALL = 256 << 10
"""Bytes up to which a file is written anew for every recording."""

SHARE = 20
"""A larger one is written anew when what that took last is no more than this part of the time since."""

_Signature = tuple[tuple[int, int, int] | None, int]


class View:
    """What a file held at one time.

    Attributes:
        entries: in the order of the file.
        exists: whether there was a file.
    """

    def __init__(self, entries: tuple[Entry, ...], *, exists: bool) -> None:
        self.entries = entries
        self.exists = exists
        self._holds_placeholders: bool | None = None
        self._index: dict[Identity, list[Entry]] = {}
        self._indexed_by: Identify | None = None

    @property
    def holds_placeholders(self) -> bool:
        """Whether something was replaced in one of the recordings."""
        if self._holds_placeholders is None:
            self._holds_placeholders = any(b"REDACTED-" in entry.text for entry in self.entries)
        return self._holds_placeholders

    def index(self, identify: Identify) -> dict[Identity, list[Entry]]:
        """The recordings of each request, in their order.

        Raises:
            CassetteError: the file holds nonsense.
        """
        if self._indexed_by != identify:
            index: dict[Identity, list[Entry]] = {}
            for entry in self.entries:
                index.setdefault(entry.identity(identify), []).append(entry)
            self._index, self._indexed_by = index, identify
        return self._index


class CassetteFile:
    """A cassette's file. Every method may be called from any thread. Where the file cannot be read or written
    `CassetteError` is raised, and it is as it was.

    Attributes:
        renewal: what the sessions on it record anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shown = printable(str(path))
        self.renewal = Renewal()
        self._lock = new_reentrant_lock()
        self._entries: list[Entry] | None = None
        self._exists = False
        self._salt: bytes | None = None
        self._seen: _Signature | None = None
        self._view: View | None = None
        self._pending: list[Pending] = []
        self._process = os.getpid()
        self._deferred = 0
        self._handed_over: Journal | None = None
        self._turns = Turns()
        self._sessions: weakref.WeakSet[object] = weakref.WeakSet()
        self._is_left = False
        self._written_at = 0.0
        self._took = 0.0

    # -- reading -----------------------------------------------------------------------------------------

    def view(self) -> View:
        """What the file holds now, what is pending included."""
        with self._lock:
            self._check_process()
            is_idle = not self._pending and not self._deferred
            if self._entries is None or (is_idle and self._signature() != self._seen):
                self._read()
            if self._view is None:
                entries = list(self._entries or ())
                with self._turns.tentative():
                    apply(entries, self._changes(self._pending, entries))
                self._view = View(tuple(entries), exists=self._exists or os.path.exists(self.path))
            return self._view

    def salt(self) -> bytes:
        """With which what is redacted and counts is sealed."""
        with self._lock:
            self.view()
            return _salt.of_path(self.path) if self._salt is None else self._salt

    def adopt_salt(self, salt: bytes) -> bool:
        """Takes over the salt of another store; False where there is one already, and it is another."""
        with self._lock:
            self.view()
            is_in_use = any(entry is not None and holds_sealed(entry.text) for _, entry, *_ in self._pending)
            if self._salt is None and not is_in_use:
                self._salt = salt
            return self._salt == salt

    @property
    def count(self) -> int | None:
        """How many recordings there were when it was looked at last; None where it was not."""
        view = self._view
        return None if view is None else len(view.entries)

    def _read(self) -> None:
        text, noted, seen = self._consistent()
        entries = [] if text is None else [Entry(written) for written in load_written(text, self._shown)]
        if text is not None and noted.changes:
            _take_over(entries, noted, text)
        self._salt = None if text is None else salt_in(text, str(self.path))
        self._entries, self._exists, self._view, self._seen = entries, text is not None, None, seen
        if noted.changes and not self._deferred:
            with suppress(CassetteError):  # it can be read as it is
                self.settle()

    def _consistent(self) -> tuple[bytes | None, Noted, _Signature]:
        """The file's text and its journal, as they were at one moment; nobody waits for a lock to read."""
        while True:
            before = self._signature()
            noted = self._noted_in(self._journal)
            text = self._text(self.path)
            if self._signature()[0] == before[0]:
                return text, noted, before

    def _text(self, path: Path) -> bytes | None:
        try:
            return read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from error

    def _noted_in(self, journal: Journal) -> Noted:
        try:
            return journal.read()
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> CassetteError:
        return CassetteError(f"{self._shown} cannot be read: {error.strerror}. Check the path.")

    @property
    def _journal(self) -> Journal:
        return Journal.beside(os.path.realpath(self.path))

    @property
    def version_read(self) -> str:
        """What the file was when it was read, or written last: differs from `version` where others changed it."""
        return repr(self._seen)

    @property
    def version(self) -> str:
        """What the file is now."""
        return repr(self._signature())

    def _signature(self, journal: Journal | None = None) -> _Signature:
        """Differs where the file or its journal was changed by anybody."""
        try:
            status = os.stat(self.path)
        except OSError:
            return None, 0
        return (status.st_ino, status.st_mtime_ns, status.st_size), (journal or self._journal).size

    # -- what sessions ask and record ----------------------------------------------------------------------

    def enter(self, session: object) -> None:
        """A session on it begins."""
        with self._lock:
            self._sessions.add(session)

    def leave(self, session: object) -> None:
        """A session on it is over."""
        with self._lock:
            self._sessions.discard(session)
            if self._is_left and not self._sessions:
                self._turns.clear()
                self._is_left = False

    def turn(self) -> int:
        """A request is asked: its place in the order of asking, of all sessions on this file in this process."""
        with self._lock:
            return self._turns.next()

    def play(self, turn: int, entry: Entry) -> None:
        """What was asked at `turn` is answered by what stands in the file: what is asked next comes behind it."""
        with self._lock:
            self._turns.answer(turn, entry, is_new=False)
            if self._check_process() and self._handed_over is not None:
                with suppress(OSError):  # that it was played is no reason to fail
                    self._handed_over.note_played(entry.mark)

    def write(self, *pending: Pending) -> None:
        """Writes recordings; those that could not be written are written together with the next."""
        with self._lock:
            if self._entries is None:
                self._read()
            if self._check_process():
                changes = self._changes(pending, self._entries or ())
                assert self._handed_over is not None
                try:
                    self._handed_over.append(changes, "")
                except OSError as error:
                    raise CassetteError(
                        f"{printable(self._handed_over.path)} cannot be written ({error.strerror}), and this "
                        f"forked process has no other way to say what it recorded"
                    ) from error
                return
            self._pending += pending
            self._view = None
            if not self._deferred:
                self._flush()

    def _check_process(self) -> bool:
        """Whether this is a forked process whose parent has deferred writing; leaves the parent its own."""
        if os.getpid() == self._process:
            return False
        if self._deferred:
            return True
        self._process = os.getpid()
        self._pending.clear()
        return False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Writes at the end of the block, and only if it does not raise; what forked processes record, too."""
        with self._lock:
            self._check_process()
            self._deferred += 1
            if self._handed_over is None:
                name = f"replaycache-{os.getpid()}-{os.urandom(8).hex()}.journal"
                self._handed_over = Journal(os.path.join(tempfile.gettempdir(), name))
        try:
            yield
        except BaseException:
            with self._lock:
                if self._end_deferral():
                    self._take_handed_over()
                    self._forget()
            raise
        with self._lock:
            if self._end_deferral():
                changes = self._take_handed_over()
                if self._pending or changes:
                    self._flush(changes, at_once=True)

    def _end_deferral(self) -> bool:
        self._deferred -= 1
        return not self._deferred and os.getpid() == self._process

    @property
    def handed_over(self) -> list[str]:
        """The marks of the recordings that forked processes made while writing is deferred."""
        with self._lock:
            if self._handed_over is None or not self._handed_over.size:
                return []
            return [entry.mark for entry, *_ in self._handed_over.read().changes if entry is not None]

    @property
    def played_by_others(self) -> list[str]:
        """The marks of the recordings that forked processes played while writing is deferred."""
        with self._lock:
            return [] if self._handed_over is None else self._handed_over.played()

    def _take_handed_over(self) -> list[Change]:
        journal, self._handed_over = self._handed_over, None
        if journal is None or not journal.size:
            return []
        changes = journal.read().changes
        journal.remove()
        return changes

    def settle(self, anew: Callable[[bytes], bool] | None = None) -> None:
        """Sees to it that everything stands in the file, and nothing beside it.

        Args:
            anew: receives the file as it is, and says whether it is written in any case.
        """
        with self._lock:
            if self._deferred or os.getpid() != self._process:
                return
            is_due = self._pending or self._journal.size
            if is_due or (anew is not None and anew(self._text(self.path) or b"")):
                self._flush(at_once=True)

    def forget(self) -> None:
        """The next use reads the file again."""
        with self._lock:
            if not self._deferred:
                self._forget()

    def _forget(self) -> None:
        self._entries = self._view = self._seen = None
        self._pending = []
        if self._sessions:
            self._is_left = True  # the others go on
        else:
            self._turns.clear()

    # -- writing -----------------------------------------------------------------------------------------

    def _changes(self, pending: Iterable[Pending], entries: Sequence[Entry]) -> list[Change]:
        """What is to be written, told so that any process can do it: first what has a place, then what is new."""
        changes: list[Change] = []
        after_these: list[Entry] = []
        for turn, entry, replaces, is_first in sorted(pending, key=lambda one: (one.replaces is None, one.turn)):
            if changes:
                after_these = after_these or list(entries)
                apply(after_these, changes[-1:])
                entries = after_these
            if replaces is not None:
                change = Change(entry, replaces.mark)
            else:
                after, before = self._turns.neighbours(turn, entries) if turn else (None, None)
                if after is not None:
                    change = Change(entry, after=after.mark)
                else:
                    change = Change(entry, before="" if before is None else before.mark, is_first=is_first)
            changes.append(change)
            if entry is not None and turn:
                self._turns.answer(turn, entry, is_new=True)
        return changes

    def _flush(self, more: Iterable[Change] = (), *, at_once: bool = False) -> None:
        """Writes what is pending into the file or its journal."""
        with self._turns.tentative():
            changes = [*self._changes(self._pending, self._entries or ()), *more]
            may_wait = not at_once and bool(changes) and self._may_wait()
            with locked(self.path, clears=not may_wait) as target:
                journal = Journal.beside(target)
                may_wait = may_wait and os.path.exists(target)
                if may_wait:
                    self._write_down(target, journal, changes)
                else:
                    self._write_anew(target, journal, changes)
        for turn, entry, _, _ in self._pending:
            if entry is not None and turn:
                self._turns.answer(turn, entry, is_new=True)
        self._pending = []
        self._view = None
        if not may_wait:
            self._clear()

    def _may_wait(self) -> bool:
        """Whether the file is better not written now."""
        status, noted = self._signature()
        size = 0 if status is None else status[2]
        return size > SMALL and time.monotonic() - self._written_at < SHARE * self._took and noted < size // 2

    def _write_down(self, target: Path, journal: Journal, changes: list[Change]) -> None:
        before = self._signature(journal)
        try:
            base = "" if before[1] else digest_of([self._text(target) or b""])
            journal.append(changes, base)
        except OSError as error:
            raise self._unwritable(error) from error
        assert self._entries is not None
        apply(self._entries, changes)
        _unsettled.add(self)
        if before == self._seen:
            self._seen = self._signature(journal)

    def _write_anew(self, target: Path, journal: Journal, changes: list[Change]) -> None:
        began = time.monotonic()
        signature = self._signature(journal)
        if self._entries is None or signature != self._seen:
            self._merge(target, journal)
        assert self._entries is not None
        entries = list(self._entries)
        apply(entries, changes)
        if self._salt is None and any(holds_sealed(entry.text) for entry in entries):
            self._salt = _salt.of_path(self.path)
        pieces = _whole(entries, self._salt)
        if (entries or self._exists) and not self._is(target, pieces):
            if signature[1]:
                with suppress(OSError):  # it is needed only by one who finds the journal still there
                    journal.expect(digest_of(pieces))
            noted = journal.size
            # what comes after this may be the next writer's, who locks the new file
            self._seen = self._replace(target, pieces), noted
            self._exists = True
        else:
            with suppress(OSError):
                journal.remove()
            self._seen = self._signature(journal)
        self._entries = entries
        self._written_at = time.monotonic()
        self._took = self._written_at - began

    def _clear(self) -> None:
        """Removes the journal, all of which stands in the file, unless others have written since."""
        # an empty one was left by a disk that failed: it says nothing, and lies there
        if self._seen is not None and (self._seen[1] or os.path.lexists(self._journal.path)):
            with suppress(CassetteError, OSError), locked(self.path) as target:
                journal = Journal.beside(target)
                if self._signature(journal) != self._seen:
                    return
                journal.remove()
                self._seen = self._signature(journal)
        _unsettled.discard(self)

    def _merge(self, target: Path, journal: Journal) -> None:
        """Takes over what other processes have written since the file was read."""
        text, noted = self._text(target), self._noted_in(journal)
        spans = [] if text is None else slices(text)
        known = {entry.mark: entry for entry in self._entries or ()}
        if text is None or spans is None:
            entries = [] if text is None else [Entry(written) for written in load_written(text, self._shown)]
        else:
            entries = []
            for start, end in spans:
                entry = Entry(text=text[start:end])
                entries.append(known.get(entry.mark, entry))
        if text is not None:
            _take_over(entries, noted, text)
        if text is not None:
            self._salt = salt_in(text, str(self.path)) or self._salt
        self._entries, self._exists = entries, text is not None

    def _is(self, path: Path, pieces: list[bytes]) -> bool:
        """Whether a file holds just that."""
        try:
            has_the_size = path.stat().st_size == sum(map(len, pieces))
        except OSError:
            return False
        return has_the_size and self._text(path) == b"".join(pieces)

    def _replace(self, path: Path, pieces: list[bytes]) -> tuple[int, int, int]:
        """Puts a new file in the place of the old; gives its signature."""
        try:
            with replaced(path) as file:
                file.writelines(pieces)
                file.flush()
                status = os.fstat(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _unwritable(self, error: OSError) -> CassetteError:
        return CassetteError(
            f"{self._shown} cannot be written: {error.strerror}. The file is as it was; check the directory's "
            f"permissions and the space left."
        )


def _whole(entries: list[Entry], salt: bytes | None) -> list[bytes]:
    """A file's text, in pieces: the whole of a large one is not in memory twice."""
    head, tail = dump((), salt).encode().split(b"[]")
    if not entries:
        return [head, b"[]", tail]
    pieces = [head, b"[\n"]
    for entry in entries:
        pieces += (entry.text, b",\n")
    pieces[-1] = b"\n  ]"
    return [*pieces, tail]


def _take_over(entries: list[Entry], noted: Noted, text: bytes) -> None:
    """Makes the changes of a journal that are not made yet.

    Args:
        text: the file's. Where the journal does not know it, somebody else put it there, and some of the changes
            may be in it.
    """
    changes = noted.changes
    done = noted.bases.get(digest_of([text]))
    if done is not None:
        changes = changes[done:]
    else:
        there = {entry.mark for entry in entries}
        changes = [change for change in changes if change.entry is None or change.entry.mark not in there]
    apply(entries, changes)


# -- of a process --------------------------------------------------------------------------------------------

_files: weakref.WeakValueDictionary[str, CassetteFile] = weakref.WeakValueDictionary()
_unsettled: set[CassetteFile] = set()
"""Those that have written into a journal which is still there: they outlive their stores."""
_finding = new_lock()


def file_at(path: Path) -> CassetteFile:
    """The file of a cassette; all who use it in this process share it."""
    name = os.path.realpath(path)
    with _finding:
        file = _files.get(name)
        if file is None or os.path.realpath(file.path) != name:
            file = _files[name] = CassetteFile(path)
        return file


def settle_all() -> None:
    """Settles every file that is in use or not settled, as the process ends."""
    for file in {*_files.values(), *_unsettled}:
        with suppress(CassetteError):
            file.settle()
