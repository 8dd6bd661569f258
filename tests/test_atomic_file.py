"""A file is written whole or not at all, and nothing of it is seen before."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replaycache.system.atomic_file import clear, created, replaced

ROOT = Path(__file__).resolve().parent.parent
linux = pytest.mark.skipif(sys.platform != "linux", reason="files without a name are Linux's")


def refuse_nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As older kernels and some file systems do."""
    if sys.platform != "linux":
        return
    real = os.open

    def refuse(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a security policy may."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "link", refuse)


WAYS: list[Callable[[pytest.MonkeyPatch], None]] = [lambda monkeypatch: None, refuse_nameless, refuse_links]


@pytest.fixture(params=WAYS, ids=["as it is", "no nameless files", "no links"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system knows and allows."""
    request.param(monkeypatch)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("named", [True, False])
def test_a_file_takes_its_place_with_the_permissions_of_the_one_before(tmp_path: Path, named: bool) -> None:
    path = tmp_path / "deep" / "file.txt"
    data = os.urandom(300_000)
    with replaced(path, named=named) as file:
        file.write(b"first")
    made = path.stat().st_mode & 0o777
    path.chmod(0o600)

    with replaced(path, named=named) as file:
        file.write(data)
        assert path.read_bytes() == b"first"

    assert path.read_bytes() == data
    if sys.platform != "win32":
        (tmp_path / "other").touch()
        assert made == (tmp_path / "other").stat().st_mode & 0o777
        assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["file.txt"]


@pytest.mark.usefixtures("way")
def test_permissions_that_the_umask_would_take_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.touch()
    path.chmod(0o666)

    with replaced(path) as file:
        file.write(b"x")

    assert path.stat().st_mode & 0o666 == 0o666


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("named", [True, False])
def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path, named: bool) -> None:
    path = tmp_path / "file.txt"
    path.write_text("before")

    def fail() -> None:
        with replaced(path, named=named) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["file.txt"]


@linux
def test_nothing_has_a_name_before_it_is_whole(tmp_path: Path) -> None:
    with replaced(tmp_path / "file.txt") as file:
        file.write(b"half")
        file.flush()
        assert os.listdir(tmp_path) == []


def test_a_name_ends_as_the_files_and_can_be_read_by(tmp_path: Path) -> None:
    with replaced(tmp_path / "file.txt", named=True) as file:
        file.write(b"half")
        file.flush()
        [name] = os.listdir(tmp_path)
        assert name.endswith(".file.txt")
        assert Path(file.name) == tmp_path / name
        assert Path(file.name).read_bytes() == b"half"


@pytest.mark.usefixtures("way")
@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    kept, link = tmp_path / "elsewhere" / "kept.txt", tmp_path / "link.txt"
    link.symlink_to(kept)

    for text in (b"one", b"two"):
        with replaced(link) as file:
            file.write(text)
        assert kept.read_bytes() == text

    assert link.is_symlink()
    assert os.listdir(kept.parent) == ["kept.txt"]


def test_what_a_killed_process_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    path = tmp_path / "kept" / "a+b.txt"
    for name in (".1.0123abcd.a+b.txt", ".1.0123abcd.aab.txt", ".1.0123abcd.other.txt", "a+b.txt"):
        (path.parent / name).touch()

    clear(path)
    clear(tmp_path / "missing" / "file.txt")

    assert sorted(os.listdir(path.parent)) == [".1.0123abcd.aab.txt", ".1.0123abcd.other.txt", "a+b.txt"]


as_administrator = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="nobody else can give a file to another user"
)


@as_administrator
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("named", [True, False])
def test_a_file_of_another_users_stays_that_users(tmp_path: Path, named: bool) -> None:
    """What a container writes as the administrator is replaced outside of it by its owner."""
    path = tmp_path / "file.txt"
    path.touch()
    os.chown(path, 65533, 65534)
    path.chmod(0o640)

    with replaced(path, named=named) as file:
        file.write(b"x")

    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65533, 65534, 0o640)


@as_administrator
def test_a_group_to_which_the_file_cannot_be_given_is_not_taken_for_another(tmp_path: Path) -> None:
    """Of a file for the group `a` there would be one for the group `b`."""
    directory = Path("/tmp") / f"replaycache-group-{os.getpid()}"
    directory.mkdir()
    try:
        path = directory / "file.txt"
        path.touch()
        for made in (directory, path):
            os.chown(made, 65534, 65533)
        path.chmod(0o664)
        code = (
            "import os, sys\nfrom replaycache.system.atomic_file import replaced\n"
            "os.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
            "with replaced(sys.argv[1]) as file:\n    file.write(b'x')"
        )
        subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)

        found = path.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65534, 65534, 0o644)
        assert path.read_bytes() == b"x"
    finally:
        shutil.rmtree(directory)


@pytest.mark.usefixtures("way")
def test_a_file_for_its_user_alone_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "salt"
    before = os.umask(0)
    try:
        assert created(path, b"first")
        assert not created(path, b"second")
    finally:
        os.umask(before)

    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["salt"]
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_is_not_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "salt").symlink_to(tmp_path / "elsewhere")

    assert not created(tmp_path / "salt", b"first")
    assert not (tmp_path / "elsewhere").exists()
