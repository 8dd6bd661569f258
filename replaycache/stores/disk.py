"""A store on disk, on diskcache: one SQLite file, and a file of its own for each large recording."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import diskcache

from .._errors import ConfigurationError, CorruptRecording, StoreError, StoreUnavailable
from .._models import Recording
from ..claims import Claims
from ..format import decode, decode_file, encode
from ..ledger import Ledger

__all__ = ["DiskStore", "Stored"]

FILE_FROM = 512 << 10
"""Recordings of this many bytes or more get a file of their own, which is streamed."""

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process that is writing."""


CLAIMS = "claims.lock"
"""The file beside the recordings by which processes tell which of them calls upstream."""

LEDGER = "usage.db"
"""The file beside the recordings where what was asked of them is noted."""

_FAILURES = (OSError, sqlite3.Error, diskcache.Timeout, AssertionError, TypeError, ValueError)
"""What diskcache raises where the disk fails, or where its database holds something else than it wrote."""


_VALUE_FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]+\.val")


class _File:
    """Where a large value lies."""

    def __init__(self, path: str) -> None:
        self.path = path


class _Pieces:
    """A value that is written in pieces; `path` is the file it went to, if any."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.path: str | None = None


class _BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """diskcache's serialisation for text keys and byte values, and for nothing else.

    The base class pickles what it does not know and unpickles what a database says is a pickle, so that
    whoever can write to the cache can run code in its readers (CVE-2025-69872). Here neither happens.
    """

    def put(self, key: Any) -> tuple[Any, bool]:
        if not isinstance(key, str):
            raise TypeError(f"a key is text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        return key if raw and isinstance(key, str) else ""  # of a row that replaycache did not write

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, str | None, Any]:
        pieces: list[bytes] = []
        size = 0
        stream = encode(value.recording)
        for piece in stream:
            pieces.append(piece)
            size += len(piece)
            if size >= FILE_FROM:
                filename, value.path = self.filename(key, value)
                size = self._write_file(value.path, pieces, stream)
                return size, diskcache.core.MODE_BINARY, filename, None
        return 0, diskcache.core.MODE_RAW, None, sqlite3.Binary(b"".join(pieces))

    def _write_file(self, path: str, first: list[bytes], rest: Iterator[bytes]) -> int:
        size = 0
        with self._create(path) as file:
            try:
                for pieces in (first, rest):
                    for piece in pieces:
                        size += file.write(piece)
            except BaseException:
                file.close()
                self.remove(os.path.relpath(path, self._directory))
                raise
        return size

    def _create(self, path: str) -> BinaryIO:
        """Opens a new file, in directories of its own; another process may be removing those as empty."""
        inner = os.path.dirname(path)
        for left in range(9, -1, -1):
            try:
                for directory in (os.path.dirname(inner), inner):
                    os.makedirs(directory, mode=0o700, exist_ok=True)
                return open(path, "xb", opener=_private)
            except FileNotFoundError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def remove(self, file_path: str) -> None:
        if self._inside(file_path) is not None:
            super().remove(file_path)

    def _inside(self, filename: str) -> str | None:
        """The path of a value's file; None where diskcache did not make the name, so that it leads elsewhere."""
        if _VALUE_FILE.fullmatch(filename.replace(os.sep, "/")) is None:
            return None
        return os.path.join(self._directory, filename)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> bytes | _File:
        if mode == diskcache.core.MODE_RAW and isinstance(value, bytes):
            return value
        if mode == diskcache.core.MODE_BINARY and isinstance(filename, str):
            path = self._inside(filename)
            if path is not None:
                return _File(path)
        raise CorruptRecording("the database holds a value that replaycache did not write")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _Closer:
    """Closes a thread's connection when the thread is gone; from Python 3.13 on an open one warns."""

    def __init__(self, connection: sqlite3.Connection, connections: set[sqlite3.Connection]) -> None:
        self._connection = connection
        self._connections = connections
        connections.add(connection)

    def __del__(self) -> None:
        self._connections.discard(self._connection)
        self._connection.close()


def _close_all(connections: set[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


class _Cache(diskcache.Cache):  # type: ignore[misc]  # diskcache has no types
    """diskcache's cache, whose connections are closed when their thread is gone, or the store."""

    def __init__(self, directory: str, **settings: Any) -> None:
        self._connections: set[sqlite3.Connection] = set()
        # the collector calls this before it finalises anything, and an open connection would warn then
        weakref.finalize(self, _close_all, self._connections).atexit = False
        super().__init__(directory, **settings)

    @property
    def _con(self) -> sqlite3.Connection:
        local = self._local
        if getattr(local, "pid", None) != os.getpid():
            self.close()  # a forked process may not use its parent's
            local.pid = os.getpid()
        connection: sqlite3.Connection | None = getattr(local, "con", None)
        if connection is None:
            # the threads of an event loop outlive a store; whoever lets go of it closes theirs
            connection = sqlite3.connect(
                os.path.join(self._directory, diskcache.core.DBNAME),
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
            )
            local.con, local.closer = connection, _Closer(connection, self._connections)
            try:
                self._set_up(connection)
            except sqlite3.Error:
                del local.con, local.closer
                raise
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        """Applies what the database says of its connections."""
        try:
            settings = connection.execute("SELECT key, value FROM Settings WHERE key LIKE 'sqlite_%'").fetchall()
        except sqlite3.OperationalError:
            return  # it is new
        for key, value in settings:
            self.reset(key, value, update=False)


class Stored(NamedTuple):
    """An entry of a disk cache: its key, its bytes, and when it was stored in seconds since 1970 (UTC)."""

    key: str
    size: int
    at: float


class DiskStore:
    """Keeps recordings in a directory.

    Nothing is removed unless asked for. The directory is made with mode 0700, its files with 0600.

    Args:
        directory: made on first use where it does not exist.
        size_limit: bytes; when they are exceeded the recordings stored first are removed. None: no limit.
        max_age: seconds after which a recording is no longer found. None: no limit.

    Raises:
        ConfigurationError: an argument has a wrong value.

    Attributes:
        ledger: notes what was asked of the cache, in a file beside the recordings.
        claims: which process calls upstream for a key.
    """

    repeats: Literal["same"] = "same"
    slow = False

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
        self._size_limit = size_limit
        self._max_age = max_age
        self._lock = threading.Lock()
        self._opened: Any = None
        self.ledger = Ledger(os.path.join(self.location, LEDGER))
        self.claims = Claims(os.path.join(self.location, CLAIMS))
        self.note = self.ledger.note

    @property
    def _cache(self) -> Any:
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = self._open()
        return self._opened

    def _open(self) -> Any:
        os.makedirs(self.location, mode=0o700, exist_ok=True)
        # SQLite gives its other files the mode of this one
        os.close(os.open(os.path.join(self.location, diskcache.core.DBNAME), os.O_RDWR | os.O_CREAT, 0o600))
        return _Cache(
            self.location,
            timeout=LOCK_TIMEOUT,
            disk=_BytesDisk,
            disk_min_file_size=FILE_FROM,
            # nothing is culled behind our back: `put` does what was asked for
            eviction_policy="none",
            size_limit=1 << 62,
            cull_limit=0,
            statistics=0,
            tag_index=0,
        )

    def _unavailable(self, doing: str, error: Exception) -> StoreUnavailable:
        what = "another process holds its lock" if isinstance(error, diskcache.Timeout) else str(error)
        return StoreUnavailable(
            f"{doing} the disk cache {self.location} failed: {what or type(error).__name__}. Check the "
            f"directory, its permissions and the space left on its disk, or choose another with "
            f"REPLAYCACHE_DIR or store=...; a damaged database can be removed with the directory."
        )

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise self._unavailable(doing, error) from error

    def get(self, key: str) -> Recording | None:
        """The recording under `key`; None where there is none."""
        try:
            value = self._cache.get(key)
            if value is None:
                return None
            if type(value) is bytes:
                return decode(value)
            return self._from_file(key, value)
        except StoreError as error:
            raise type(error)(f"{error} (key {key} in {self.location})") from error
        except _FAILURES as error:
            raise self._unavailable("reading", error) from error

    def _from_file(self, key: str, value: Any) -> Recording | None:
        missing = ""
        while True:
            try:
                return decode_file(value.path)
            except FileNotFoundError as error:
                # it was replaced or removed since the row was read, unless the row still names it
                if value.path == missing:
                    raise CorruptRecording("its file is gone") from error
                missing = value.path
            value = self._cache.get(key)
            if value is None:
                return None
            if type(value) is bytes:
                return decode(value)

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` under `key`, in place of what was there."""
        value = _Pieces(recording)
        try:
            # here and not at every hit, which would go through a large body for its size and duration
            recording.measure()
            self._cache.set(key, value, expire=self._max_age)
        except _FAILURES as error:
            if value.path is not None:
                self._cache.disk.remove(os.path.relpath(value.path, self.location))
            raise self._unavailable("writing", error) from error
        with self._guard("writing"):
            self._make_room(key)

    def _make_room(self, newest: str) -> None:
        """Removes what is too old, and then what was stored first until the rest fits."""
        cache = self._cache
        if self._max_age is not None:
            cache.expire()
        if self._size_limit is not None:
            for oldest in cache if cache.volume() > self._size_limit else ():
                if oldest != newest:
                    cache.delete(oldest)
                    if cache.volume() <= self._size_limit:
                        break

    def delete(self, key: str) -> bool:
        """Removes the recording under `key`; tells whether there was one."""
        with self._guard("writing"):
            return bool(self._cache.delete(key))

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last stored first; see `Store.newest`."""
        found = 0
        with self._guard("reading"):
            for key in reversed(self._cache):
                if found == limit:
                    return
                try:
                    value = self._cache.get(key) if key else None
                    if value is None:
                        continue
                    whole = type(value) is bytes
                    recording = decode(value) if whole else decode_file(value.path, check=False)
                except (StoreError, *_FAILURES):
                    continue
                found += 1
                yield key, recording

    def keys(self) -> Iterator[str]:
        """The keys, the first stored first."""
        with self._guard("reading"):
            yield from (key for key in self._cache if key)

    def __len__(self) -> int:
        with self._guard("reading"):
            return len(self._cache)

    def stored(self) -> Iterator[Stored]:
        """What is stored, the first first, without reading it."""
        with self._guard("reading"):
            rows = self._cache._sql(
                "SELECT key, CASE WHEN filename IS NULL THEN length(value) ELSE size END, store_time FROM Cache "
                "WHERE raw = 1 AND typeof(key) = 'text' AND (expire_time IS NULL OR expire_time > ?) "
                "ORDER BY rowid",
                (time.time(),),
            )
            yield from (Stored(key, int(size or 0), float(at or 0)) for key, size, at in rows)

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

    def compact(self) -> None:
        """Gives the room of what was removed back to the disk, so that nothing of it is left there.

        Raises:
            StoreUnavailable: there is no room to do it, or other processes are using the cache.
        """
        with self._guard("compacting"):
            self._cache._sql("VACUUM")
            ((busy, *_),) = self._cache._sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if busy:
                raise sqlite3.OperationalError("another process is reading it")

    def close(self) -> None:
        """Closes this thread's connection; the store may be used again."""
        self.ledger.flush()
        if self._opened is not None:
            self._opened.close()

    def __repr__(self) -> str:
        if self._opened is None:
            return f"<DiskStore {self.location}>"
        try:
            return f"<DiskStore {self.location}, {len(self)} recordings>"
        except StoreError as error:
            return f"<DiskStore {self.location}, which fails: {error}>"
