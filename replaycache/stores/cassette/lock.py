"""One writer of a cassette at a time, in whatever process, thread or environment it writes.

The lock is on the cassette itself, so that no two processes can disagree about where it is, and no file is left
for it. It ends with its process, however that ends.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._errors import CassetteError, ReplayCacheWarning
from ...system.atomic_file import clear

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another process that is writing the same cassette."""

SHORTEST_PAUSE = 0.0005
"""Seconds between the first two attempts; each further pause is twice as long."""

LONGEST_PAUSE = 0.01
"""Seconds between attempts, at most."""

_NO_LOCKS = {
    errno.EBADF,  # NFS, where it is open for reading
    errno.EINVAL,
    errno.ENOLCK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
}

logger = logging.getLogger("replaycache")


class _NotSupported(OSError):
    """The file system knows no locks."""


@contextmanager
def locked(path: str | os.PathLike[str], *, clears: bool = True, patience: float | None = None) -> Iterator[Path]:
    """Lets nobody else write the cassette `path` during the block; gives the file that `path` leads to.

    Threads exclude each other as processes do. Where the cassette is replaced in the block, that is the last that
    may be done to it: the next writer locks the new file.

    What killed writers left beside the cassette is removed. The directory is made if it is missing.

    Where the file system knows no locks, only the processes of this user on this machine exclude each other, and a
    `ReplayCacheWarning` says so.

    Args:
        path: of the cassette.
        clears: whether what killed writers left is removed: it takes longer where the directory holds many files.
        patience: seconds to wait for another process; `LOCK_TIMEOUT` where it is not given.

    Raises:
        CassetteError: another process has held it for so long, or the cassette cannot be reached.
    """
    lock = _Lock()
    patience = LOCK_TIMEOUT if patience is None else patience
    try:
        if not _wait(lambda: _take(lock, os.path.realpath(path)), patience):
            raise CassetteError(
                f"{path} cannot be written: another process has had it locked, or its directory, for more than "
                f"{patience:g} seconds. The file is as it was. End that process (lsof and fuser tell which); "
                f"what was recorded here meanwhile is written together with the next recording."
            )
        if clears and lock.is_sure:
            clear(lock.target)
    except OSError as error:
        lock.release()
        raise CassetteError(
            f"{path} cannot be written: {error.strerror}. The file is as it was; check the permissions of its "
            f"directory."
        ) from error
    except BaseException:
        lock.release()
        raise
    try:
        yield Path(lock.target)
    finally:
        lock.release()


@contextmanager
def locked_by_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """Waits, for as long as it takes, until nobody else is in such a block for `path`.

    `path` is of a file for nothing else, in a directory of this user's; it is made, and stays.

    Raises:
        OSError: it cannot be made.
    """
    lock = _Lock()
    try:
        try:
            _wait(lambda: lock.take(path, _MAKING), None)
        except _NotSupported as error:
            _warn_once(
                "run",
                f"{path} cannot be locked ({error.strerror}): give no two processes of the run tests that have a "
                f"cassette in common.",
            )
        yield
    finally:
        lock.release()


def _wait(attempt: Callable[[], bool], seconds: float | None) -> bool:
    """Repeats `attempt` until it succeeds; False where it has not for so long."""
    until = None if seconds is None else time.monotonic() + seconds
    pause = SHORTEST_PAUSE
    while not attempt():
        if until is not None and time.monotonic() > until:
            return False
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return True


_MAKING = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class _Lock:
    """A lock by an open file; one that is not taken may be released, too.

    Attributes:
        target: the file that is written under it.
        is_sure: whether everybody who writes that file waits for it, and not only this user.
    """

    def __init__(self) -> None:
        self.target = ""
        self.is_sure = True
        self._file: int | None = None
        self._place = 0

    def take(self, path: str | os.PathLike[str], access: int = os.O_RDONLY, place: int = 0) -> bool:
        """Locks the file or directory that `path` leads to, unless somebody else has done so.

        Args:
            access: how it is opened.
            place: in the file, where the system knows locks of parts; elsewhere all of it is locked.

        Raises:
            _NotSupported: the file system knows no locks.
            OSError: it cannot be opened.
        """
        self._place = place
        # a pipe is not waited for
        self._file = os.open(path, access | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0), 0o600)
        _held.add(self)
        taken = False
        try:
            taken = _lock(self._file, place) and _leads_to(path, self._file)
        except FileNotFoundError:
            pass  # it was removed before it was locked
        finally:
            if not taken:
                self.release()
        return taken

    def release(self) -> None:
        """Lets go."""
        file = self._file
        if file is None:
            return
        try:
            # a forked process may have the file open, too, and closing it here would leave it locked
            _unlock(file, self._place)
        except OSError:
            pass
        self.forget()
        os.close(file)

    def forget(self) -> None:
        """Is not taken any more."""
        self._file = None
        _held.discard(self)

    def leave(self) -> None:
        """In a forked process: leaves it to the parent, which has it still."""
        file = self._file
        self._file = None
        if file is not None:
            os.close(file)


_held: set[_Lock] = set()
"""All that are open; never iterated but in a forked process, in which nobody else is."""


def _after_fork() -> None:
    for lock in _held:
        lock.leave()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, place: int) -> bool:
        os.lseek(file, place, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: int, place: int) -> None:
        os.lseek(file, place, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

    def _leads_to(path: str | os.PathLike[str], file: int) -> bool:
        return True  # a file that is open is not removed or replaced here

    def _take(lock: _Lock, target: str) -> bool:
        # the cassette itself could not be replaced while it is open
        lock.target = target
        os.makedirs(os.path.dirname(target), exist_ok=True)
        return _take_of_user(lock)

else:
    import fcntl

    def _lock(file: int, place: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise _NotSupported(error.errno, error.strerror) from error
            raise
        return True

    def _unlock(file: int, place: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def _leads_to(path: str | os.PathLike[str], file: int) -> bool:
        return os.path.samestat(os.stat(path), os.fstat(file))

    def _take(lock: _Lock, target: str) -> bool:
        """Takes the lock on a cassette, or on its directory where it is yet to be made."""
        lock.target = target
        lock.is_sure = True
        directory = os.path.dirname(target)
        is_there = os.path.lexists(target)
        if not is_there:
            os.makedirs(directory, exist_ok=True)
        try:
            taken = lock.take(target if is_there else directory)
        except FileNotFoundError:
            return False
        except _NotSupported as error:
            taken = _take_otherwise(lock, error, is_there)
        except PermissionError as error:
            if is_there:
                raise
            taken = _take_of_user_instead(lock, error)
        if taken and os.path.lexists(target) != is_there:
            lock.release()
            return False
        return taken

    def _take_otherwise(lock: _Lock, reason: OSError, is_there: bool) -> bool:
        """Takes the lock in the way of NFS, which locks only what is open for writing, or else this user's."""
        if is_there and reason.errno == errno.EBADF:
            try:
                return lock.take(lock.target, os.O_RDWR)
            except OSError:
                pass
        return _take_of_user_instead(lock, reason)

    def _take_of_user_instead(lock: _Lock, reason: OSError) -> bool:
        """Takes the lock of this user, where the cassette has none."""
        lock.is_sure = False
        told = f"{lock.target} cannot be locked against other processes ({reason.strerror})"
        try:
            taken = _take_of_user(lock)
        except OSError as error:
            where = "" if error.filename is None else f", {error.filename}"
            _warn_once(
                "nobody",
                f"{told}, and neither can a file of yours ({error.strerror}{where}). Record into it from one "
                f"process at a time.",
            )
            return True
        if taken:
            _warn_once(
                "user",
                f"{told}. Those of yours on this machine wait for each other; do not record into it from other "
                f"machines, or as other users, at the same time.",
            )
        return taken


def _take_of_user(lock: _Lock) -> bool:
    """Takes the lock that the processes of this user have for a cassette.

    Raises:
        OSError: the user has no directory for it, or not alone, or it knows no locks either.
    """
    import platformdirs

    directory = Path(platformdirs.user_state_dir("replaycache", appauthor=False))
    if not directory.is_absolute():
        raise FileNotFoundError(errno.ENOENT, "you have no home directory")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.stat()
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or others_write):
        raise PermissionError(errno.EPERM, "others may write there", str(directory))
    digest = hashlib.blake2b(os.fsencode(os.path.normcase(lock.target)), digest_size=8).digest()
    return lock.take(directory / "cassettes.lock", _MAKING, int.from_bytes(digest) & 0x3FFFFFFF)


_told: set[str] = set()


def _warn_once(kind: str, message: str) -> None:
    if kind in _told:
        return
    _told.add(kind)
    try:
        warnings.warn(message, ReplayCacheWarning, stacklevel=2)
    except ReplayCacheWarning:
        # warnings are errors here, but what was paid for is to be written
        logger.warning("%s", message)
