"""One SQLite file that belongs to its user, under threads, processes, forks and interrupts.

SQLite asks three things of who uses it (https://www.sqlite.org/howtocorrupt.html), and this module is where they
are kept:

- Nobody else opens its files. On POSIX, closing any descriptor of a file drops every lock that the process holds
  on it, SQLite's too, and another process then takes the log away under the feet of this one.
- No connection is carried over a fork, nor closed in the child. SQLite also knows, for the whole process, which
  files are open and which locks it has on them; a child would believe that it has its parent's. So no connection
  is open while the process forks: the fork waits for what is under way, which is never long, and closes the rest.
- Whoever was interrupted in a transaction ends it. A connection on which anything was raised is closed, which
  takes back what it had not committed.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from .._errors import StoreUnavailable
from . import forking
from .private_files import OTHERS, refuse_planted

ATTEMPT_SECONDS = 0.03
"""Seconds for which one attempt waits for a lock. Between two attempts the process may fork; an event loop is kept
no longer than this."""

LOOK_SECONDS = 0.02
"""Seconds after which a reader looks whether the file is still the one that it has open."""

_CANNOT_WRITE = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)
"""What SQLite says where it cannot make the files that it needs beside one that it only reads."""

_HARMLESS = frozenset(
    {0, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
)
"""After these a connection is what it was before. It is kept: where the disk is full, a new one might not read."""

_BESIDE = ("-wal", "-shm", "-journal")
"""What the names of the files end with that SQLite makes beside one, with the mode of that one."""

T = TypeVar("T")

_making = forking.new_lock()


def make_private(path: str) -> None:
    """Makes an empty file with mode 0600 where there is none; one that is there is not opened.

    Raises:
        StoreUnavailable: what is there is a link, or a stranger's.
        OSError: it cannot be made.
    """
    # one thread at a time, before any opens it: to close it later would drop the locks of who has opened it
    with _making:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            refuse_planted(path)


def is_busy(error: BaseException) -> bool:
    """Whether an error says that somebody else has a lock."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: BaseException) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html); 0 where it is none of its errors."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


_CAUSES = {
    sqlite3.SQLITE_BUSY: "another process holds its lock",
    sqlite3.SQLITE_LOCKED: "another process holds its lock",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written here",
}


def reason(error: Exception) -> str:
    """Why a database cannot be used."""
    return _CAUSES.get(_code(error)) or str(error) or type(error).__name__


def advice(error: Exception, elsewhere: str) -> str:
    """What to do about it, in sentences. Nothing is lost by following that.

    Args:
        elsewhere: how another place is named: "with …".
    """
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"Wait until that is done, or end it, or name another place {elsewhere}."
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return (
            f"It is damaged, or another program's. Move it aside, or name another place {elsewhere}. SQLite's own "
            f"program may bring back what it holds: sqlite3 FILE .recover"
        )
    return f"Check its permissions and the space left on its disk, or name another place {elsewhere}."


_NO_POOL = -1


class _Connection(sqlite3.Connection):
    """A connection that knows which file it has, in which process, and when its pool was last closed."""

    file: tuple[int, ...] = ()
    process: int = 0
    pool: int = 0
    frozen: tuple[int, ...] | None = None
    is_laid_out = False
    looked_at = 0.0

    def __del__(self) -> None:
        """Nobody has its database any more. The collector calls this anywhere: it never waits."""
        if self.process != os.getpid():
            return
        me = threading.get_ident()
        _closers.add(me)
        try:
            if forking.is_under_way():
                _dropped.append(self)
            else:
                self.close()
        finally:
            _closers.discard(me)


class Database:
    """A file of rows. All methods may be called from any thread, and in a forked child.

    What fails is raised as SQLite, or the system, has it: `sqlite3.Error` or `OSError`. `is_busy`, `reason` and
    `advice` tell what it means.

    Args:
        lay_out: makes the file, and the tables in it, which may be there already. It is called by several
            processes at once.
        version: of the tables, from 1 on. A file of a newer version is refused by `StoreUnavailable`.
        check: looks at each new connection; raises where the file is another program's.
        take_from_others: takes from others what lies beside the file and is not SQLite's. It is called where they
            may read or write the file, before that is taken from them: where it is broken off, it is called again.

    Attributes:
        users: the threads that are using the file at this moment.
    """

    def __init__(
        self,
        path: str,
        *,
        lay_out: Callable[[], None],
        version: int,
        check: Callable[[sqlite3.Connection], None] | None = None,
        take_from_others: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self._lay_out = lay_out
        self._version = version
        self._check = check
        self._take_from_others = take_from_others
        self._was_taken = os.name != "posix"
        self._pool = 0
        self._idle: deque[_Connection] = deque()
        self.users: set[int] = set()
        _databases[id(self)] = self

    @property
    def exists(self) -> bool:
        """Whether the file is there.

        Raises:
            OSError: that cannot be known.
        """
        try:
            os.stat(self.path)
        except FileNotFoundError:
            return False
        return True

    def read(self, query: str, values: Sequence[Any] = (), *, patience: float = 0.0) -> list[Any]:
        """The rows of a query; none where the file is not there or has no tables yet. Writes nothing.

        Args:
            patience: seconds to wait where somebody has a lock that keeps readers out.
        """
        try:
            return self._read(query, values)
        except sqlite3.OperationalError as error:
            if not patience or not is_busy(error):
                raise
            return _patiently(patience, self._read, query, values)

    def _read(self, query: str, values: Sequence[Any]) -> list[Any]:
        connection = self._taken_lately() or self._take()
        if connection is None:
            return []
        try:
            rows = connection.execute(query, values).fetchall()
        except BaseException as error:
            self._let_go(connection, error)
            if isinstance(error, sqlite3.OperationalError) and "no such table" in str(error):
                return []  # it is being made at this moment
            raise
        self._give_back(connection)
        return rows

    @contextmanager
    def transaction(self, patience: float) -> Iterator[sqlite3.Connection]:
        """A connection that writes; all of the block is written, or nothing. Makes the file where there is none.

        Args:
            patience: seconds to wait for others who are writing.
        """
        connection = _patiently(patience, self._begin)
        try:
            yield connection
            if connection.process != os.getpid():
                raise _left_to_parent(self.path)
            connection.execute("COMMIT")
        except BaseException as error:
            self._let_go(connection, error)
            raise
        self._give_back(connection)

    def run(self, statement: str, *, patience: float) -> list[Any]:
        """Runs a statement that can stand in no transaction, such as VACUUM.

        Args:
            patience: seconds to wait for others who are using the file.
        """
        return _patiently(patience, self._run, statement)

    def _run(self, statement: str) -> list[Any]:
        connection = self._taken_to_write()
        try:
            rows = connection.execute(statement).fetchall()
        except BaseException as error:
            self._let_go(connection, error)
            raise
        self._give_back(connection)
        return rows

    def close(self) -> None:
        """Closes what is open. The next use opens it again."""
        me = forking.enter(self.users)
        try:
            self._pool += 1
            _close_all(self._idle)
        finally:
            self.users.discard(me)

    # -- connections ---------------------------------------------------------------------------------------

    def _begin(self) -> _Connection:
        connection = self._taken_to_write()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except BaseException as error:
            self._let_go(connection, error)
            raise
        return connection

    def _taken_to_write(self) -> _Connection:
        """A connection to a file that has its tables, and is this user's alone."""
        refuse_planted(self.path)
        self._take_it_from_others()
        while True:
            connection = self._take()
            if connection is not None:
                if connection.is_laid_out:
                    return connection
                try:
                    # `lay_out` is not asked to wait for a lock, and may know no end of it
                    connection.execute("BEGIN IMMEDIATE")
                    connection.execute("ROLLBACK")
                except BaseException as error:
                    self._let_go(connection, error)
                    raise
                connection.pool = _NO_POOL  # the next one finds the tables
                self._give_back(connection)
            self._make()

    def _take_it_from_others(self) -> None:
        """Sees to it, once, that nobody else reads or writes the file, in whatever way it was made."""
        if self._was_taken:
            return
        try:
            is_open = os.lstat(self.path).st_mode & OTHERS
        except FileNotFoundError:
            return
        # some file systems give everything to everybody, whatever is asked of them
        self._was_taken = True
        if not is_open:
            return
        if self._take_from_others is not None:
            self._take_from_others()
        for ending in (*_BESIDE, ""):
            with suppress(OSError):  # it is not there, or of the user's who gave it to this one
                os.chmod(self.path + ending, 0o600)

    def _make(self) -> None:
        me = forking.enter(self.users)
        try:
            self._lay_out()
            with closing(sqlite3.connect(self.path, timeout=ATTEMPT_SECONDS, isolation_level=None)) as connection:
                connection.execute(f"PRAGMA user_version = {self._version}")
        finally:
            self.users.discard(me)

    def _taken_lately(self) -> _Connection | None:
        """A connection to read with, if it was looked a moment ago whether the file is still the same."""
        me = forking.enter(self.users)
        try:
            connection = self._idle.pop()
        except IndexError:
            pass
        else:
            if time.monotonic() - connection.looked_at < LOOK_SECONDS:
                return connection
            self._idle.append(connection)
        self.users.discard(me)
        return None

    def _take(self) -> _Connection | None:
        """A connection for one use; None where there is no file."""
        me = forking.enter(self.users)
        try:
            try:
                found = os.stat(self.path)
            except FileNotFoundError:
                self.users.discard(me)
                return None
            file = (found.st_dev, found.st_ino)
            while True:
                try:
                    connection = self._idle.pop()
                except IndexError:
                    if not stat.S_ISREG(found.st_mode):
                        # a pipe would be waited for
                        raise sqlite3.OperationalError(f"{self.path} is no file") from None
                    return self._connect(file)
                if connection.file == file and (
                    connection.frozen is None or connection.frozen == _state(self.path)
                ):
                    if connection.frozen is None:
                        connection.looked_at = time.monotonic()
                    return connection
                connection.close()  # the file was removed, or another has taken its place
        except BaseException:
            self.users.discard(me)
            raise

    def _give_back(self, connection: _Connection) -> None:
        if connection.pool == self._pool:
            self._idle.append(connection)
        else:
            _close(connection)
        self.users.discard(threading.get_ident())

    def _let_go(self, connection: _Connection, error: BaseException) -> None:
        """Takes back what was not committed. A connection that may have come to harm is closed."""
        try:
            is_unharmed = isinstance(error, Exception) and _code(error) in _HARMLESS
            if is_unharmed and connection.process == os.getpid():
                connection.rollback()
                self._give_back(connection)
            else:
                _close(connection)
        except BaseException:
            _close(connection)
            raise
        finally:
            self.users.discard(threading.get_ident())

    def _connect(self, file: tuple[int, ...]) -> _Connection:
        if file in _left_behind:
            raise _left_to_parent(self.path)
        try:
            connection = self._opened(file, "mode=rw")
        except sqlite3.OperationalError as error:
            if _code(error) not in _CANNOT_WRITE:
                raise
            connection = self._opened_where_nothing_can_be_written(file)
        return connection

    def _opened_where_nothing_can_be_written(self, file: tuple[int, ...]) -> _Connection:
        """A connection that needs no other file beside its own."""
        state = _state(self.path)
        if not state[-1]:
            # nobody has it open, or its log would be there; whether that stays so is looked at before each use
            connection = self._opened(file, "mode=ro&immutable=1")
            connection.frozen = state
            return connection
        # in this mode the index of the log is in memory, and others are kept out: so it is for one use only
        connection = self._opened(file, "mode=rw", "PRAGMA locking_mode = EXCLUSIVE")
        connection.pool = _NO_POOL
        return connection

    def _opened(self, file: tuple[int, ...], how: str, *first: str) -> _Connection:
        connection = sqlite3.connect(
            f"{Path(self.path).as_uri()}?{how}",
            uri=True,
            timeout=ATTEMPT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        connection.file, connection.process, connection.pool = file, os.getpid(), self._pool
        try:
            for statement in (*first, "PRAGMA synchronous = NORMAL", "PRAGMA trusted_schema = OFF"):
                connection.execute(statement)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > self._version:
                raise StoreUnavailable(
                    f"a newer version of replaycache wrote {self.path} (format {version}, and this one reads up "
                    f"to {self._version}); upgrade it"
                )
            connection.is_laid_out = version == self._version
            if self._check is not None:
                self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _state(path: str) -> tuple[int, ...]:
    """What changes when a file is written: times and sizes, last that of its log."""
    found = os.stat(path)
    try:
        log = os.stat(f"{path}-wal").st_size
    except FileNotFoundError:
        log = 0
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, log


def _patiently(seconds: float, attempt: Callable[..., T], *arguments: Any) -> T:
    """Tries again and again where somebody has a lock, for so many seconds."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return attempt(*arguments)
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= ends:
                raise
        time.sleep(ATTEMPT_SECONDS / 10)


def _left_to_parent(path: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"this process was forked while its parent was busy in {path}, and cannot use that safely. Start "
        f"processes by 'spawn' or 'forkserver', or before threads start."
    )


def _close(connection: _Connection) -> None:
    """Closes a connection that was in use; one of a parent, which a signal handler forked meanwhile, is kept."""
    if connection.process == os.getpid():
        connection.close()
    else:
        _of_parent.append(connection)


def _close_all(connections: deque[_Connection]) -> None:
    while True:
        try:
            connection = connections.pop()
        except IndexError:
            return
        connection.close()


# -- forks -------------------------------------------------------------------------------------------------

_databases: weakref.WeakValueDictionary[int, Database] = weakref.WeakValueDictionary()
_closers: set[int] = set()
"""Threads that are closing what was dropped."""
_dropped: deque[_Connection] = deque()
"""What was dropped while the process forked."""
_unfinished: set[tuple[int, ...]] = set()
"""Files that are still in use while the process forks."""
_left_behind: set[tuple[int, ...]] = set()
"""In a child: files in which its parent was busy, so that what SQLite knows of them is not the child's."""
_of_parent: list[_Connection] = []
"""In a child: connections that were open when it was forked. They are not closed here."""


def _all_databases() -> list[Database]:
    # `valuerefs` copies in one step: other threads make databases meanwhile
    found = (reference() for reference in _databases.valuerefs())
    return [database for database in found if database is not None]


def _before_fork(ends: float) -> None:
    me = threading.get_ident()
    _unfinished.clear()
    for database in _all_databases():
        is_left = forking.wait_for(database.users, ends)
        is_mine = me in database.users  # a signal handler forks
        if is_mine or not is_left:
            try:
                found = os.stat(database.path)
            except OSError:
                continue
            _unfinished.add((found.st_dev, found.st_ino))
        database.close()
        if is_mine:
            database.users.add(me)
    forking.wait_for(_closers, ends)
    _close_all(_dropped)


def _in_child() -> None:
    _left_behind.update(_unfinished)
    # dropped between the last look and the fork
    _left_behind.update(connection.file for connection in _dropped)
    _of_parent.extend(_dropped)
    _dropped.clear()
    for database in _all_databases():
        database.users.clear()
    _closers.clear()


forking.on_fork(_before_fork, _in_child)
