"""A store on disk: one SQLite file, laid out by diskcache, and a file of its own for each large recording, and for
the body of a large request, which a hit has no use for."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from .._errors import ConfigurationError, CorruptRecording, StoreError, StoreUnavailable
from .._models import Recording
from .._printable import printable
from ..accounts.ledger import Ledger
from ..redaction.seal import SALT_BYTES, salt_of_text, salt_text
from ..system.atomic_file import created
from ..system.database import ATTEMPT_SECONDS, Database, advice, is_busy, make_private, reason
from ..system.private_files import make_directory, who_else_writes
from ..system.regular_file import open_regular, read_regular
from ..wire.patterns import lazy_pattern
from . import StoreBusy
from .claims import Claims
from .decoded import Decoded
from .format import OpenFile, decode, decode_file, encode
from .slowness import Slowness

FILE_FROM = 512 << 10
"""Recordings of this many bytes or more get a file of their own, which is streamed."""

APART_FROM = 32 << 10
"""Bodies of requests of this many bytes or more get a file of their own, which a hit does not read."""

AT_ONCE = 128 << 10
"""Bytes of a recording that is stored while an event loop waits."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that is writing."""

STRAY_AFTER = 3600.0
"""Seconds after which a value's file without a row is nobody's: its row is written a moment after it."""

DATABASE = "cache.db"
CLAIMS = "claims.lock"
"""The file beside the recordings by which processes tell which of them calls upstream."""

SALT = "salt"
"""The file beside the recordings with which what is redacted and counts is sealed."""

LEDGER = "usage.db"
"""The file beside the recordings where what was asked of them is noted."""

_VERSION = 1
_SETTINGS = {
    "disk_min_file_size": FILE_FROM,
    # nothing is culled behind our back: `put` does what was asked for
    "eviction_policy": "none",
    "size_limit": 1 << 62,
    "cull_limit": 0,
    "statistics": 0,
    "tag_index": 0,
    # where a file is cut short while it is mapped, the process that reads it is killed
    "sqlite_mmap_size": 0,
}
_INLINE, _IN_A_FILE = 1, 2
"""What diskcache's column `mode` says of a value: its bytes are in the row, or in the file that the row names. The
file that a row of the first kind names has the body of the request."""

# the row's own key is looked at, and not only that of the index, which may be damaged where the row is not
_GET = """
    SELECT mode, filename, value FROM Cache
    WHERE rowid = (SELECT rowid FROM Cache WHERE key = ?1 AND raw = 1) AND key = ?1
    AND (expire_time IS NULL OR expire_time > ?2)
"""
_NEW = """
    INSERT INTO Cache (key, raw, store_time, access_time, expire_time, size, mode, filename, value)
    VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key, raw) DO NOTHING
"""
_REPLACE = """
    UPDATE Cache SET
        store_time = ?2, access_time = ?2, expire_time = ?3, size = ?4, mode = ?5, filename = ?6, value = ?7
    WHERE key = ?1 AND raw = 1
"""
_INDEX_OF_FILES = "CREATE INDEX IF NOT EXISTS Cache_filename ON Cache (filename) WHERE filename IS NOT NULL"
# diskcache's has every recording in it, and costs each that is stored a page more; most have no end
_INDEXES = f"""
    BEGIN IMMEDIATE;
    DROP INDEX IF EXISTS Cache_expire_time;
    CREATE INDEX Cache_expire_time ON Cache (expire_time) WHERE expire_time IS NOT NULL;
    {_INDEX_OF_FILES};
    COMMIT;
"""
_TOLD = "key, coalesce(length(value), 0) + size, store_time, expire_time"
"""What is told of an entry without reading its value."""
_PAGE = 500
_PAGE_OF_VALUES = 16
"""Rows that are read at once where all are gone through: nobody is kept from writing meanwhile."""

_MOST_REMOVED = 50
"""Recordings that one that is stored takes the place of: who stores it does not wait until a cache that was given
a limit much later is down to it."""

_FAILURES = (OSError, sqlite3.Error, ValueError, TypeError, OverflowError)
"""What fails where the disk does, or where the database holds something else than was written."""

_value_file = lazy_pattern(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]+\.val")


def _is_number(value: Any) -> bool:
    """Whether it can be a time or a size: SQLite keeps any value in any column."""
    return type(value) in (int, float) and -1e18 < value < 1e18


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _ValueFiles:
    """The files of large recordings, named and placed as diskcache does it."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def path(self, filename: Any) -> str:
        """Where the file of a row lies.

        Raises:
            CorruptRecording: the name leads elsewhere: nobody has it from here.
        """
        if not isinstance(filename, str) or _value_file().fullmatch(filename.replace(os.sep, "/")) is None:
            raise CorruptRecording("the database holds a value that replaycache did not write")
        return os.path.join(self._directory, filename)

    def write(self, pieces: Iterable[bytes]) -> tuple[str, int]:
        """Writes a new file; gives its name and its size.

        Raises:
            OSError: it cannot be written; nothing is left of it.
        """
        number = os.urandom(16).hex()
        filename = os.path.join(number[:2], number[2:4], f"{number[4:]}.val")
        size = 0
        try:
            with self._create(os.path.join(self._directory, filename)) as file:
                for piece in pieces:
                    size += file.write(piece)
        except BaseException:
            self.remove(filename)
            raise
        return filename, size

    def _create(self, path: str) -> BinaryIO:
        """Opens a new file, in directories of its own; another process may be removing those as empty."""
        inner = os.path.dirname(path)
        for left in range(9, -1, -1):
            try:
                make_directory(inner)
                if _leads_away(path):
                    raise OSError(errno.ELOOP, "a directory in it is a link", os.path.dirname(inner))
                return open(path, "xb", opener=_private)
            except FileNotFoundError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def read(self, filename: Any, size: int) -> bytes:
        """All of a file of so many bytes.

        Raises:
            OSError: it cannot be read.
            CorruptRecording: it is of another size, or its name leads elsewhere.
        """
        file = OpenFile(open_regular(self.path(filename)))
        if file.size != size:
            raise CorruptRecording("the file of its request's body is another")
        return file.read_at(0, size)

    def remove(self, filename: Any) -> None:
        """Removes the file that a row names, if any, and its directories where they are empty. What is not there,
        or elsewhere, is left."""
        try:
            path = self.path(filename)
            if _leads_away(path):
                return
            os.remove(path)
            for _ in range(2):
                path = os.path.dirname(path)
                os.rmdir(path)
        except (OSError, CorruptRecording):
            pass  # another has removed it, or another file lies beside it

    def all(self) -> Iterator[os.DirEntry[str]]:
        """Every file that could be a value's."""
        for directory in _directories(self._directory):
            for inner in _directories(directory.path):
                for entry in _entries(inner.path):
                    if _value_file().fullmatch(self.name(entry)) is not None:
                        yield entry

    def take_from_others(self) -> None:
        """Sees to it that nobody else reads or writes them, in whatever way they were made."""
        for entry in self.all():
            if entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # removed meanwhile
                    os.chmod(entry.path, 0o600)

    def name(self, entry: os.DirEntry[str]) -> str:
        """The name by which a row knows a file, with `/` whatever the system."""
        return os.path.relpath(entry.path, self._directory).replace(os.sep, "/")


def _leads_away(path: str) -> bool:
    """Whether a value's file would lie outside of the cache: one of its directories is a link, as we make none."""
    inner = os.path.dirname(path)
    return os.path.islink(inner) or os.path.islink(os.path.dirname(inner))


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as found:
            return list(found)
    except OSError:
        return []  # removed meanwhile


def _directories(directory: str) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(directory):
        if len(entry.name) == 2 and entry.is_dir(follow_symlinks=False):
            yield entry


class Stored(NamedTuple):
    """An entry of a disk cache: its key, its bytes, and when it was stored in seconds since 1970 (UTC)."""

    key: str
    size: int
    at: float


class DiskStore:
    """Keeps recordings in a directory.

    Nothing is removed unless asked for. The directory is made with mode 0700, its files with 0600, when something
    is stored; files that others could read are taken from them then, and no link that was planted there is
    followed. Reading writes nothing: a cache is replayed while another process writes to it, on a full disk, and
    where it may not be written. A `ReplayCacheWarning` tells of a directory in which others may write.

    Args:
        directory: made where it does not exist.
        size_limit: bytes; when they are exceeded the recordings stored first are removed, up to 50 for each that
            is stored. None: no limit.
        max_age: seconds after which a recording is no longer found, and removed likewise. None: no limit.

    Raises:
        ConfigurationError: an argument has a wrong value.

    Attributes:
        ledger: notes what was asked of the cache, in a file beside the recordings.
        claims: which process calls upstream for a key.
    """

    repeats: Literal["same"] = "same"
    connects = False

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        size_limit: int | None = None,
        max_age: float | None = None,
    ) -> None:
        for name, value in (("size_limit", size_limit), ("max_age", max_age)):
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e18
            ):
                raise ConfigurationError(f"DiskStore({name}=...) takes a number above 0, not {value!r}")
        path = Path(directory).expanduser().absolute()
        if os.path.expandvars(path) != str(path):
            raise ConfigurationError(f"the directory {str(path)!r} names a variable of the environment; expand it")
        self.location = str(path)
        self.identity = f"disk:{os.path.realpath(path)}"
        self._is_busy = self._has_stored = False
        self._slowness = Slowness(self.location)
        self._size_limit = size_limit
        self._max_age = max_age
        self._salt: bytes | None = None
        self._files = _ValueFiles(self.location)
        self._decoded = Decoded()
        self._database = Database(
            os.path.join(self.location, DATABASE),
            lay_out=self._lay_out,
            version=_VERSION,
            check=_check,
            take_from_others=self._take_from_others,
        )
        self.ledger = Ledger(os.path.join(self.location, LEDGER))
        self.claims = Claims(os.path.join(self.location, CLAIMS))
        self.note = self.ledger.note
        begun = time.monotonic()
        _warn_of_others(self.location)
        self._slowness.note("reading", begun)

    @property
    def slow(self) -> bool:
        """Whether the next call may have to wait: for another process, or for a disk that was slow lately."""
        return self._is_busy or self._slowness.is_known

    def _lay_out(self) -> None:
        import diskcache  # for whoever makes a cache: to read one takes SQLite alone

        make_directory(self.location)
        # SQLite gives its other files the mode of this one
        make_private(self._database.path)
        try:
            cache = diskcache.Cache.__new__(diskcache.Cache)
            try:
                diskcache.Cache.__init__(cache, self.location, **_SETTINGS)
            finally:  # where it fails it has opened the file, too, and may have taken a setting for its `close`
                diskcache.Cache.close(cache)
            path = self._database.path
            with closing(sqlite3.connect(path, timeout=ATTEMPT_SECONDS, isolation_level=None)) as rows:
                rows.executescript(_INDEXES)
        except _FAILURES:
            raise
        except Exception as error:  # it sets its attributes by what stands in the database
            raise ValueError(f"its settings are none: {error}") from error

    def _take_from_others(self) -> None:
        self._files.take_from_others()
        with suppress(OSError):  # there is none yet
            os.chmod(os.path.join(self.location, SALT), 0o600)

    def salt(self) -> bytes:
        """With which what is redacted and counts is sealed. Where it can be neither read nor kept, it is one of
        this process alone: what was sealed before is not found then, and nothing wrong is."""
        if self._salt is None:
            self._salt = self._keep_salt(os.urandom(SALT_BYTES))
        return self._salt

    def adopt_salt(self, salt: bytes) -> bool:
        """Takes over the salt of another store, from which recordings come; False where it has another already."""
        if self._salt is None:
            self._salt = self._keep_salt(salt)
        return self._salt == salt

    def _keep_salt(self, salt: bytes) -> bytes:
        """The salt in its file, which is `salt` where there was none."""
        path = Path(self.location, SALT)
        with suppress(OSError):
            make_directory(self.location)
            created(path, f"{salt_text(salt)}\n".encode())
        try:
            return salt_of_text(read_regular(path).decode("ascii"))
        except FileNotFoundError:
            return salt  # it can be kept nowhere
        except (OSError, ValueError) as error:
            _warn_of_salt(path, error)
            return salt

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise self._unavailable(doing, error) from error

    def _unavailable(self, doing: str, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"{doing} the disk cache {printable(self.location)} failed: {reason(error)}. "
            f"{advice(error, 'with REPLAYCACHE_DIR or store=')}"
        )

    # -- the protocol of stores ------------------------------------------------------------------------------

    def get(self, key: str) -> Recording | None:
        """The recording under `key`; None where there is none.

        Raises:
            StoreBusy: another process keeps readers out; `slow` is true until one `get` has waited for it.
        """
        begun = time.monotonic()
        patience = LOCK_TIMEOUT if self.slow else 0.0
        try:
            rows = self._database.read(_GET, (key, time.time()), patience=patience)
            self._is_busy = False
            if not rows:
                return None
            mode, filename, value = rows[0]
            if filename is None and mode == _INLINE and type(value) is bytes:
                return self._decoded.recording(key, value)
            return self._of_current_row(key, rows[0], patience)
        except StoreError as error:
            raise type(error)(f"{error} (key {key} in {printable(self.location)})") from error
        except _FAILURES as error:
            if is_busy(error) and not patience:
                self._is_busy = True
                raise StoreBusy(f"another process keeps the disk cache {self.location} to itself") from error
            raise self._unavailable("reading", error) from error
        finally:
            self._slowness.note("reading", begun)

    def _of_current_row(self, key: str, row: Any, patience: float) -> Recording | None:
        """What a row holds; that which took its place where its file was removed since the row was read."""
        missing: Any = None
        while True:
            try:
                return self._of_row(key, *row)
            except FileNotFoundError as error:
                filename = row[1]
                if filename == missing:
                    raise CorruptRecording("its file is gone") from error
                missing = filename
            rows = self._database.read(_GET, (key, time.time()), patience=patience)
            if not rows:
                return None
            row = rows[0]

    def _of_row(self, key: str, mode: Any, filename: Any, value: Any, *, check: bool = True) -> Recording:
        """What a row holds.

        Raises:
            FileNotFoundError: its file is gone.
            CorruptRecording: it is damaged, or none of ours.
        """
        if mode == _INLINE and type(value) is bytes:
            return decode(value, None if filename is None else partial(self._body_apart, key, filename))
        if mode == _IN_A_FILE:
            return decode_file(self._files.path(filename), check=check)
        raise CorruptRecording("the database holds a value that replaycache did not write")

    def _body_apart(self, key: str, filename: Any, size: int) -> bytes:
        """The body of a request that lies in a file, once somebody asks for so many bytes of it.

        Raises:
            CorruptRecording: the file is gone, or another.
            StoreError: the disk fails.
        """
        try:
            try:
                return self._files.read(filename, size)
            except FileNotFoundError:
                # whoever recorded the call anew has most often asked in the same bytes
                rows = self._database.read(_GET, (key, time.time()), patience=LOCK_TIMEOUT)
                if rows and rows[0][0] == _INLINE and rows[0][1] not in (None, filename):
                    return self._files.read(rows[0][1], size)
                raise
        except FileNotFoundError as error:
            raise CorruptRecording("the file of its request's body is gone") from error
        except _FAILURES as error:
            raise StoreError(f"the file of a request's body cannot be read: {error}") from error

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` under `key`, in place of what was there."""
        self._store(key, recording, LOCK_TIMEOUT)

    def put_at_once(self, key: str, recording: Recording) -> None:
        """The same, where an event loop may be kept by it: `ATTEMPT_SECONDS` for another process that is writing,
        and as long as a disk that was not slow lately takes for `AT_ONCE` bytes; never for the first, which may
        make the files.

        Raises:
            StoreBusy: it is not done so.
        """
        has_bound = self._size_limit is not None or self._max_age is not None  # what is beyond it goes at each put
        is_quick = self._has_stored and not has_bound and not self.slow
        if not is_quick or recording.size + len(recording.request.body) > AT_ONCE:
            raise StoreBusy(f"storing in the disk cache {self.location} may take long")
        try:
            self._store(key, recording, 0.0)
        except StoreUnavailable as error:
            if error.__cause__ is not None and is_busy(error.__cause__):
                raise StoreBusy(f"another process writes to the disk cache {self.location}") from error
            raise

    def _store(self, key: str, recording: Recording, patience: float) -> None:
        begun = time.monotonic()
        with self._guard("writing"):
            # here and not at every hit, which would go through a large body for its size and duration
            recording.measure()
            while not self._put(key, recording, patience):
                pass  # its file was taken for a stray: the clock had jumped
            self._make_room(key)
        if self._has_stored:  # the first may make the files, which takes long on any disk
            self._slowness.note("writing", begun)
        self._has_stored = True

    def _put(self, key: str, recording: Recording, patience: float) -> bool:
        """Stores a recording; False where its file was removed before its row could name it."""
        now = time.time()
        ends = None if self._max_age is None else now + self._max_age
        mode, value, filename, size = self._kept(recording)
        try:
            with self._database.transaction(patience) as rows:
                if filename is not None and not os.path.exists(self._files.path(filename)):
                    return False
                row = (key, now, ends, size, mode, filename, value)
                old = None
                if not rows.execute(_NEW, row).rowcount:
                    old = rows.execute("SELECT filename FROM Cache WHERE key = ? AND raw = 1", (key,)).fetchone()
                    rows.execute(_REPLACE, row)
        except BaseException:
            if filename is not None and not self._is_named(key, filename):
                self._files.remove(filename)
            raise
        if old is not None:
            self._files.remove(old[0])
        return True

    def _kept(self, recording: Recording) -> tuple[int, bytes | None, str | None, int]:
        """A recording as its row has it: where it lies, its bytes there, the name of its file and its size."""
        body = recording.request.body
        apart = len(body) >= APART_FROM
        pieces: list[bytes] = []
        size = 0
        stream = encode(recording, apart=apart)
        for piece in stream:
            pieces.append(piece)
            size += len(piece)
            if size >= FILE_FROM:  # then all of it is there
                return _IN_A_FILE, None, *self._files.write(encode(recording) if apart else chain(pieces, stream))
        if apart:
            return _INLINE, b"".join(pieces), *self._files.write([body])
        return _INLINE, b"".join(pieces), None, 0

    def _is_named(self, key: str, filename: str) -> bool:
        """Whether a row names a file, or may: what was interrupted may have been committed."""
        try:
            return bool(self._database.read("SELECT 1 FROM Cache WHERE key = ? AND filename = ?", (key, filename)))
        except _FAILURES:
            return True

    def _make_room(self, newest: str) -> None:
        """Removes what is too old, and then what was stored first until the rest fits; `_MOST_REMOVED` of each."""
        if self._max_age is not None:
            some = f"SELECT rowid FROM Cache WHERE expire_time < ? LIMIT {_MOST_REMOVED}"  # noqa: S608  # a number of ours
            self._remove_where(f"rowid IN ({some})", time.time())
        if self._size_limit is None:
            return
        for _ in range(_MOST_REMOVED):
            if self._volume() <= self._size_limit:
                return
            first = self._database.read("SELECT min(rowid) FROM Cache WHERE key <> ?", (newest,))
            if not self._remove_where("rowid = ?", first[0][0]):
                return

    def _volume(self) -> int:
        """Bytes of the database and of the values' files."""
        ((pages, page_size, size),) = self._database.read(
            "SELECT page_count, page_size, (SELECT value FROM Settings WHERE key = 'size') "
            "FROM pragma_page_count, pragma_page_size"
        )
        return int(pages) * int(page_size) + int(size)

    def _remove_where(self, condition: str, value: Any) -> int:
        """Removes rows and their files; tells how many."""
        with self._database.transaction(LOCK_TIMEOUT) as rows:
            found = rows.execute(f"SELECT filename FROM Cache WHERE {condition}", (value,)).fetchall()  # noqa: S608  # our own conditions
            rows.execute(f"DELETE FROM Cache WHERE {condition}", (value,))  # noqa: S608  # the same
        for (filename,) in found:
            self._files.remove(filename)
        return len(found)

    def delete(self, key: str) -> bool:
        """Removes the recording under `key`; tells whether there was one."""
        with self._guard("writing"):
            return self._database.exists and bool(self._remove_where("raw = 1 AND key = ?", key))

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last stored first; see `Store.newest`."""
        found = 0
        columns = "key, mode, filename, value"
        for key, mode, filename, value in self._rows(columns, "raw = 1", _PAGE_OF_VALUES, newest_first=True):
            if found == limit:
                return
            try:
                recording = self._of_row(key, mode, filename, value, check=False)
                if mode == _INLINE and filename is not None:
                    _ = recording.request  # its file may be gone
            except (StoreError, *_FAILURES):
                continue
            found += 1
            yield key, recording

    def keys(self) -> Iterator[str]:
        """The keys, the first stored first."""
        for (key,) in self._rows("key", "raw = 1"):
            yield key

    def __len__(self) -> int:
        rows = self._read_patiently("SELECT value FROM Settings WHERE key = 'count'")
        if rows and not (type(rows[0][0]) is int and 0 <= rows[0][0] <= sys.maxsize):
            rows = self._read_patiently("SELECT count(*) FROM Cache")
        return int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Closes what is open; the store may be used again."""
        self.ledger.flush()
        self._database.close()
        self._decoded.forget()

    # -- beyond the protocol ---------------------------------------------------------------------------------

    @property
    def is_ours(self) -> bool:
        """Whether the directory holds a cache that replaycache made, or nothing yet.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with self._guard("reading"):
            rows = self._read_patiently(
                "SELECT key, value FROM Settings WHERE key IN ('size_limit', 'cull_limit')"
            )
            if not rows and not (self._database.exists and os.path.getsize(self._database.path)):
                return True
            return dict(rows) == {"size_limit": _SETTINGS["size_limit"], "cull_limit": _SETTINGS["cull_limit"]}

    def stored(self) -> Iterator[Stored]:
        """What is stored, the first first, without reading it."""
        now = time.time()
        for told in self._rows(_TOLD, "raw = 1"):
            stored = _stored(told, now)
            if stored is not None:
                yield stored

    def recordings(
        self, keys: Iterable[str] | None = None, *, newest_first: bool = False, check: bool = False
    ) -> Iterator[tuple[Stored, Recording | StoreError]]:
        """What is stored with its recording, or with why that cannot be read, in bounded memory: the first first.

        Args:
            keys: of what is asked for, in their order; None for all.
            newest_first: of all, the last first.
            check: whether large recordings are read to their end, so that damage anywhere in them is told.

        Raises:
            StoreUnavailable: the cache as a whole cannot be read.
        """
        columns = f"{_TOLD}, mode, filename, value"
        if keys is None:
            rows = self._rows(columns, "raw = 1", _PAGE_OF_VALUES, newest_first=newest_first)
        else:
            query = f"SELECT {columns} FROM Cache WHERE key = ? AND raw = 1"  # noqa: S608  # our own words
            rows = (row for key in keys for row in self._read_patiently(query, (key,)))
        now = time.time()
        for *told, mode, filename, value in rows:
            stored = _stored(told, now)
            if stored is not None:
                recording = self._read(stored.key, mode, filename, value, check)
                if recording is not None:
                    yield stored, recording

    def _read(self, key: str, mode: Any, filename: Any, value: Any, check: bool) -> Recording | StoreError | None:
        """What a row holds, or why that cannot be read; None where it was removed since."""
        try:
            recording = self._of_row(key, mode, filename, value, check=check)
            if check and mode == _INLINE:
                _ = recording.request  # its body may lie in a file
            return recording
        except FileNotFoundError:
            try:  # it was replaced or removed since the row was read, unless its file is gone
                return self.get(key)
            except StoreError as error:
                return error
        except StoreError as error:
            return type(error)(f"{error} (key {key} in {printable(self.location)})")
        except _FAILURES as error:
            return self._unavailable("reading", error)

    def keys_from(self, beginning: str) -> list[str]:
        """The keys that begin so, sorted; the others are not read.

        Raises:
            StoreUnavailable: the cache cannot be read.
        """
        rows = self._read_patiently(
            "SELECT key FROM Cache WHERE key >= ?1 AND key < ?2 AND raw = 1 ORDER BY key",
            (beginning, beginning + chr(sys.maxunicode)),
        )
        return [key for (key,) in rows]

    def remove(self, stored: Mapping[str, float]) -> list[str]:
        """Removes the entries that are still as they were told, and overwrites what the database held of them.

        What was stored anew meanwhile stays. All of them go or none; others who write wait until that is done, so
        that a few at once are enough.

        Args:
            stored: their keys, with when they were stored, as `Stored` has it.

        Returns:
            the keys of what was removed.

        Raises:
            StoreUnavailable: the cache cannot be written.
        """
        gone: list[str] = []
        files = []
        with self._guard("writing"), self._database.transaction(LOCK_TIMEOUT) as rows:
            rows.execute("PRAGMA secure_delete = ON")
            for key, at in stored.items():
                found = rows.execute(
                    "SELECT rowid, store_time, filename FROM Cache WHERE key = ? AND raw = 1", (key,)
                ).fetchone()
                if found is None or _moment(found[1]) != at:
                    continue
                rows.execute("DELETE FROM Cache WHERE rowid = ?", (found[0],))
                gone.append(key)
                files.append(found[2])
        for filename in files:
            self._files.remove(filename)
        return gone

    def strays(self) -> list[tuple[str, int]]:
        """Files of values that no row names, left by processes that were killed: their names and bytes.

        Raises:
            StoreUnavailable: the cache cannot be read.
        """
        old = time.time() - STRAY_AFTER
        found = {}
        for entry in self._files.all():
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # removed meanwhile
            if status.st_mtime < old:
                found[self._files.name(entry)] = status.st_size
        if found:  # asked for after the files: a row is there as long as its file
            for (filename,) in self._rows("filename", "filename IS NOT NULL"):
                found.pop(str(filename).replace(os.sep, "/"), None)
        return sorted(found.items())

    def remove_strays(self) -> list[tuple[str, int]]:
        """Removes the files of values that no row names; tells which, and their bytes.

        Raises:
            StoreUnavailable: the cache cannot be read or written.
        """
        found = self.strays()
        if not found:
            return []
        strays = []
        # nobody comes to name one of them meanwhile; whether somebody has since they were found, the index tells
        with self._guard("writing"), self._database.transaction(LOCK_TIMEOUT) as rows:
            rows.execute(_INDEX_OF_FILES)
            for name, size in found:
                filename = name.replace("/", os.sep)
                if not rows.execute("SELECT 1 FROM Cache WHERE filename = ?", (filename,)).fetchall():
                    self._files.remove(filename)
                    strays.append((name, size))
        return strays

    @property
    def size_on_disk(self) -> int:
        """Bytes of all files in the directory."""
        size = 0
        for directory, _, names in os.walk(self.location):
            for name in names:
                try:
                    size += os.path.getsize(os.path.join(directory, name))
                except OSError:
                    continue  # removed meanwhile
        return size

    def compact(self, *, most: int | None = None) -> None:
        """Gives the room of what was removed back to the disk, so that nothing of it is left there.

        The database is written anew, while others who write wait. One of more than `most` bytes is not: what
        `remove` took out is overwritten then, and its room given back, but traces may be left of what was moved or
        replaced before.

        Raises:
            StoreUnavailable: there is no room to do it, or other processes are using the cache.
        """
        with self._guard("compacting"):
            if most is None or os.path.getsize(self._database.path) <= most or not self._gives_room_back():
                self._database.run("VACUUM", patience=LOCK_TIMEOUT)
            ends = time.monotonic() + LOCK_TIMEOUT
            while self._database.run("PRAGMA wal_checkpoint(TRUNCATE)", patience=LOCK_TIMEOUT)[0][0]:
                if time.monotonic() > ends:
                    raise sqlite3.OperationalError("another process is reading it")
                time.sleep(0.01)

    def _gives_room_back(self) -> bool:
        """Whether each transaction gives the pages that it frees back to the disk, as diskcache has it."""
        return self._database.read("PRAGMA auto_vacuum", patience=LOCK_TIMEOUT) == [(1,)]

    def _rows(
        self, columns: str, condition: str, at_once: int = _PAGE, *, newest_first: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """The rows that fit, a page at a time, with keys that are text."""
        order, beyond, place = ("DESC", "<", 1 << 62) if newest_first else ("ASC", ">", -1 << 62)
        while True:
            page = self._read_patiently(
                f"SELECT rowid, {columns} FROM Cache WHERE rowid {beyond} ? AND typeof(key) = 'text' "  # noqa: S608  # our own words
                f"AND {condition} ORDER BY rowid {order} LIMIT {at_once}",
                (place,),
            )
            for _, *row in page:
                yield tuple(row)
            if len(page) < at_once:
                return
            place = page[-1][0]

    def _read_patiently(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._guard("reading"):
            return self._database.read(query, values, patience=LOCK_TIMEOUT)

    def __repr__(self) -> str:
        location = printable(self.location)
        if not os.path.exists(self._database.path):
            return f"<DiskStore {location}>"
        try:
            return f"<DiskStore {location}, {len(self)} recordings>"
        except StoreError as error:
            return f"<DiskStore {location}, which fails: {error}>"


_told: set[str] = set()


def _stored(told: Sequence[Any], now: float) -> Stored | None:
    """What the columns `_TOLD` say of an entry; None where it is no longer found."""
    key, size, at, ends = told
    if _is_number(ends) and ends <= now:
        return None
    return Stored(key, int(size) if _is_number(size) else 0, _moment(at))


def _moment(at: Any) -> float:
    return float(at) if _is_number(at) else 0.0


def _warn_of_others(directory: str) -> None:
    """Says, once, that others may put answers into a cache."""
    why = who_else_writes(directory)
    if not why or directory in _told:
        return
    from ..system.warning import warn

    _told.add(directory)
    warn(
        f"others may write in {directory}, the directory of a disk cache ({why}): they can remove what it holds, "
        f"and put answers of their own there. Take that from them (chmod go-w), or name a directory of your own "
        f"with REPLAYCACHE_DIR or store=."
    )


def _warn_of_salt(path: Path, error: Exception) -> None:
    from ..system.warning import warn_harmlessly

    warn_harmlessly(
        f"the salt of the disk cache, {printable(str(path))}, cannot be used ({printable(str(error))}): what "
        f"was redacted in its recordings is not found. Restore the file, or remove it."
    )


def _check(database: sqlite3.Connection) -> None:
    """Refuses a database whose values another program has serialised in a way of its own."""
    try:
        settings = dict(database.execute("SELECT key, value FROM Settings WHERE key LIKE 'disk_%'").fetchall())
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return  # it is new
        raise
    foreign = settings.keys() - {"disk_min_file_size", "disk_pickle_protocol"}
    if foreign:
        raise StoreUnavailable(f"its values are not replaycache's: it has the setting {min(foreign)}")
