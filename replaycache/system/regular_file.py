"""Reading a file that may turn out to be none: a pipe keeps its reader waiting, and a device has no end."""

from __future__ import annotations

import errno
import os
import stat


def open_regular(path: str | os.PathLike[str]) -> int:
    """Opens a regular file for reading; gives its descriptor.

    Raises:
        OSError: it cannot be opened, or is none.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return file
    os.close(file)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    raise OSError(errno.EINVAL, "it is no file", os.fspath(path))


def read_regular(path: str | os.PathLike[str]) -> bytes:
    """All that stands in a regular file.

    Raises:
        OSError: it cannot be read, or is none.
    """
    with open(open_regular(path), "rb") as file:
        return file.read()
