"""Files and directories that are for this user alone, whatever his umask, and that nobody else has put there."""

from __future__ import annotations

import os
import stat

from .._errors import StoreUnavailable

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The bits of a mode that give something to others than the user."""


def make_directory(path: str) -> None:
    """Makes a directory with mode 0700, and so those above it that are missing. One that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    above = os.path.dirname(path)
    if above != path and not os.path.exists(above):
        make_directory(above)
    try:
        os.mkdir(path, 0o700)
    except OSError:
        if not os.path.isdir(path):
            raise


def refuse_planted(path: str) -> None:
    """Sees to it that a file may be written to, as far as somebody else could have put it there.

    A symbolic link leads away from the place, whoever made it. A file is a stranger's unless it is this user's or
    the administrator's. The administrator writes to those of the directory's owner, too; and so does everybody
    where a mount gives all files to that owner.

    Raises:
        StoreUnavailable: it is a link, or a stranger's.
        OSError: it cannot be looked at.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise StoreUnavailable(
            f"{path} is a symbolic link, and replaycache writes through none. Remove it, or name the directory "
            f"that it leads to with REPLAYCACHE_DIR or store="
        )
    if hasattr(os, "geteuid") and found.st_uid not in (os.geteuid(), 0):
        directory = os.path.dirname(path)
        is_owners = found.st_uid == os.stat(directory).st_uid
        if is_owners and (os.geteuid() == 0 or _gives_away(directory)):
            return
        raise StoreUnavailable(
            f"{path} belongs to another user (uid {found.st_uid}), who would read what is written there. Name a "
            f"directory of your own with REPLAYCACHE_DIR or store="
        )


def _gives_away(directory: str) -> bool:
    """Whether a file that this user makes in a directory is another's."""
    path = os.path.join(directory, f".{os.getpid()}.{os.urandom(4).hex()}.owner")
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return False
    try:
        return os.fstat(file).st_uid != os.geteuid()
    finally:
        os.close(file)
        os.unlink(path)


def who_else_writes(directory: str) -> str:
    """By what others than this user may write in a directory; empty where they may not, or it is not there.

    The administrator is no other. Neither is the group that has the user's name and nobody else in it, which many
    systems give each user; nor, for the administrator, the owner of the directory, who mounted it in a container.
    """
    if not hasattr(os, "geteuid"):
        return ""
    try:
        found = os.stat(directory)
    except OSError:
        return ""
    me = os.geteuid()
    if me and found.st_uid not in (me, 0):
        return f"it belongs to another user, uid {found.st_uid}"
    mode = f"its mode is {stat.S_IMODE(found.st_mode):04o}"
    if found.st_mode & stat.S_IWOTH:
        return mode
    if found.st_mode & stat.S_IWGRP and found.st_gid and not _is_alone_in(found.st_gid, me):
        return mode
    return ""


def _is_alone_in(group: int, user: int) -> bool:
    import grp
    import pwd

    try:
        name = pwd.getpwuid(user).pw_name
        found = grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == name and not set(found.gr_mem) - {name}


def give_permissions(file: int, like: os.stat_result) -> None:
    """Gives an open file the mode of another, for the same people; where that cannot be, for fewer.

    Raises:
        OSError: the mode cannot be changed.
    """
    mode = stat.S_IMODE(like.st_mode)
    found = os.fstat(file)
    if found.st_uid != like.st_uid or found.st_gid != like.st_gid:
        try:
            os.fchown(file, like.st_uid, like.st_gid)
        except OSError:
            try:
                os.fchown(file, -1, like.st_gid)
            except OSError:
                # what its group may, another group would: it is left what everybody may
                mode &= ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
    os.fchmod(file, mode)
