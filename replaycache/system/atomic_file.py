"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .private_files import give_permissions


@contextmanager
def replaced(path: str | os.PathLike[str], *, named: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` where the block ends, and vanishes where it raises.

    It lies in the directory of `path` meanwhile, where the system allows that without a name, so that nothing is
    left of it when the process is killed. A file that was there keeps its permissions, and its group and
    owner where this user may give it to them; a link stays one, and what it leads to is replaced.

    Args:
        named: gives the file a `name` by which it can be read before it takes its place; it ends as `path` does.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        before = target.stat()
    except FileNotFoundError:
        before = None
    # by the end of its name a reader knows what it is
    temporary = target.with_name(f".{os.getpid()}.{os.urandom(4).hex()}.{target.name}")
    nameless = None if named else _nameless(target.parent)
    try:
        with _open(temporary, before) if nameless is None else open(nameless, "w+b") as file:
            if before is not None:
                _give_permissions(file, temporary, before)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if nameless is not None:
                _name(file, temporary, before)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def clear(path: str | os.PathLike[str]) -> None:
    """Removes the files beside `path` that processes left which were killed while they replaced it.

    For whoever knows that nobody is replacing it now.
    """
    directory, name = os.path.split(os.path.realpath(path))
    left = re.compile(rf"\.[0-9]+\.[0-9a-f]{{8}}\.{re.escape(name)}")
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if left.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    os.unlink(entry.path)
    except OSError:
        pass  # they do no harm


def _open(path: Path, before: os.stat_result | None) -> BinaryIO:
    """A new file; where it takes the place of another, for nobody yet but the user."""
    mode = 0o666 if before is None else 0o600
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))


def _give_permissions(file: BinaryIO, path: Path, like: os.stat_result) -> None:
    if hasattr(os, "fchmod"):
        give_permissions(file.fileno(), like)
    else:
        os.chmod(path, stat.S_IMODE(like.st_mode))


def _nameless(directory: Path) -> int | None:
    """A new file in `directory` that has no name yet; None where the system knows no such files."""
    if sys.platform != "linux":
        return None
    try:
        file = os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError:
        return None  # it may be for another reason, which the attempt to make one with a name tells
    if os.path.exists(_reached(file)):
        return file
    os.close(file)
    return None


def _reached(file: int) -> str:
    return f"/proc/self/fd/{file}"


def _name(file: BinaryIO, path: Path, before: os.stat_result | None) -> None:
    """Gives a name to a file that has none."""
    try:
        # the absolute path stands for itself, and it is with a directory given that Python has the link followed
        os.link(_reached(file.fileno()), path, src_dir_fd=file.fileno())
    except OSError:
        # a rule of the system's may be against it
        with _open(path, before) as copy:
            if before is not None:
                _give_permissions(copy, path, before)
            file.seek(0)
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())


def created(path: str | os.PathLike[str], data: bytes) -> bool:
    """Makes a file for its user alone, whole or not at all; False where there is one already, which is left.

    Raises:
        OSError: it cannot be written.
    """
    directory, name = os.path.split(os.fspath(path))
    temporary = os.path.join(directory, f".{os.getpid()}.{os.urandom(4).hex()}.{name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            # a file system that knows no links, or a rule against them: whole for whoever comes later
            with open(os.open(path, flags, 0o600), "wb") as file:
                file.write(data)
    except FileExistsError:
        return False
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    return True
