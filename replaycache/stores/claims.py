"""Which process calls upstream for a key, while it does.

A claim is a lock on one byte of a file beside the recordings, at a place that follows from the key. The system
lets go of it when its process ends, however that ends, so that nobody waits for a process that is gone.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from ..system.private_files import make_directory


class Claims:
    """The claims of this process on the keys of one directory. All methods may be called from any thread.

    None of them takes a lock of Python's: a claim is let go by the collector, too.

    Args:
        path: of the file, which is made with the first claim, and its directory too.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def claim(self, key: str) -> bool:
        """Claims a key that nobody in this process has claimed; False where another process has.

        True, too, where the file system knows no such locks: then each process goes on its own.
        """
        try:
            return _lock(self.path, _place(key))
        except OSError:
            return True

    def is_free(self, key: str) -> bool:
        """Whether no other process has claimed a key."""
        try:
            return not _is_taken(self.path, _place(key))
        except OSError:
            return True

    def release(self, key: str) -> None:
        """Lets go of a key."""
        try:
            _unlock(self.path, _place(key))
        except OSError:
            pass  # the system does it when the process ends


def _place(key: str) -> int:
    return int(key[:15], 16)


def _open(path: str, flags: int = 0) -> int:
    flags |= os.O_RDWR | os.O_CREAT
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        # the first calls of a cache that is not there yet: what comes of them makes it anyhow
        make_directory(os.path.dirname(path))
        return os.open(path, flags, 0o600)


if sys.platform == "win32":
    import msvcrt

    _handles: dict[tuple[str, int], int] = {}

    def _lock(path: str, place: int) -> bool:
        place &= 0x3FFFFFFF
        handle = _open(path)
        try:
            os.lseek(handle, place, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(handle)
            return False
        _handles[path, place] = handle
        return True

    def _is_taken(path: str, place: int) -> bool:
        if not _lock(path, place):
            return True
        _unlock(path, place)
        return False

    def _unlock(path: str, place: int) -> None:
        handle = _handles.pop((path, place & 0x3FFFFFFF), None)
        if handle is not None:
            os.close(handle)

else:
    import fcntl
    import struct
    from typing import NamedTuple

    class _Form(NamedTuple):
        """How a system has what C calls a `struct flock`."""

        layout: str
        names: tuple[str, ...]

    _FORMS = {
        "linux": _Form("hhqqi", ("l_type", "l_whence", "l_start", "l_len", "l_pid")),
        "darwin": _Form("qqihh", ("l_start", "l_len", "l_pid", "l_type", "l_whence")),
    }
    """Those that are known; elsewhere a lock is looked at by taking it."""

    _files: dict[str, int] = {}
    """Open files by their paths. None is ever closed: that would let go of every lock of this process in it."""

    def _file(path: str) -> int:
        file = _files.get(path)
        if file is not None:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), os.fstat(file)):
                    return file
        file = _files[path] = _open(path, os.O_CLOEXEC | os.O_NOFOLLOW)
        with suppress(OSError):  # another user's
            os.fchmod(file, 0o600)  # who may read it may keep others from their claims
        return file

    def _lock(path: str, place: int) -> bool:
        file = _file(path)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _is_taken(path: str, place: int) -> bool:
        # who looks by taking it keeps another from it, who then believes that somebody calls upstream
        form = _FORMS.get(sys.platform)
        if form is not None:
            lock = {"l_type": fcntl.F_WRLCK, "l_whence": os.SEEK_SET, "l_start": place, "l_len": 1, "l_pid": 0}
            asked = struct.pack(form.layout, *(lock[name] for name in form.names))
            told = struct.unpack(form.layout, fcntl.fcntl(_file(path), fcntl.F_GETLK, asked))
            return bool(told[form.names.index("l_type")] != fcntl.F_UNLCK)
        if not _lock(path, place):
            return True
        _unlock(path, place)
        return False

    def _unlock(path: str, place: int) -> None:
        file = _files.get(path)
        if file is not None:
            fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
