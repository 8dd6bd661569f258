"""A disk cache that others could read or write, or where they have put something."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from replaycache import ReplayCacheWarning, StoreUnavailable
from replaycache.accounts.noted import Noted
from replaycache.httpx import ReplayTransport
from replaycache.stores import DiskStore
from tests.scripted_server import ScriptedServer, counting_answers

from .samples import large, recording

ROOT = Path(__file__).resolve().parents[2]
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
NOBODY = 65534
STRANGER = 65533

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files belong to users as POSIX has it")
as_administrator = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="nobody else can give a file to another user"
)


def modes(directory: Path) -> dict[str, int]:
    return {
        str(path.relative_to(directory)): stat.S_IMODE(path.lstat().st_mode)
        for path in directory.rglob("*")
        if path.is_file()
    }


def use(*stores: DiskStore) -> None:
    """Everything that writes."""
    for store in stores:
        store.put("k", recording())
        store.put("large", large())
        store.salt()
        store.note(Noted("hit", "k"))
        store.claims.claim("00")
        store.ledger.flush()


# -- a cache that was made for everybody -------------------------------------------------------------------------


def test_a_cache_that_others_could_read_is_taken_from_them_where_it_is_written(tmp_path: Path) -> None:
    use(DiskStore(tmp_path / "cache"))
    before = modes(tmp_path / "cache")
    assert {"cache.db-wal", "cache.db-shm", "claims.lock", "salt", "usage.db"} < before.keys()
    for name in before:
        (tmp_path / "cache" / name).chmod(0o644)

    store = DiskStore(tmp_path / "cache")
    assert store.get("large") == large()
    assert set(modes(tmp_path / "cache").values()) == {0o644}, "reading writes nothing"
    store.put("another", recording())

    left = modes(tmp_path / "cache")
    # the ledger and the claims are not written yet
    assert {name for name, mode in left.items() if mode != 0o600} == {"claims.lock", "usage.db"}
    store.note(Noted("hit", "k"))
    store.close()
    assert modes(tmp_path / "cache")["usage.db"] == 0o600
    assert (store.get("k"), store.get("large")) == (recording(), large())


def test_another_process_takes_the_claims_from_others(tmp_path: Path) -> None:
    (tmp_path / "claims.lock").touch(0o666)
    (tmp_path / "claims.lock").chmod(0o666)

    DiskStore(tmp_path).claims.claim("00")

    assert modes(tmp_path) == {"claims.lock": 0o600}


# -- a directory in which others may write -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_directory_in_which_others_may_write_is_told_once(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    directory.chmod(mode)

    with pytest.warns(ReplayCacheWarning) as told:
        use(DiskStore(directory), DiskStore(directory))

    assert len(told) == 1
    assert all(
        text in str(told[0].message) for text in (str(directory), f"{mode:04o}", "chmod", "REPLAYCACHE_DIR")
    )
    assert told[0].filename == __file__
    assert set(modes(directory).values()) == {0o600}


def test_a_directory_that_others_only_read_is_not_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use(DiskStore(tmp_path))


@pytest.fixture
def reached(tmp_path: Path) -> Iterator[Path]:
    """A directory that every user may reach."""
    directory = Path("/tmp") / f"replaycache-privacy-{os.getpid()}-{tmp_path.name}"
    directory.mkdir()
    yield directory
    shutil.rmtree(directory)


def as_nobody(code: str, directory: Path, cache: Path) -> str:
    """What a user without rights says who runs code with the name of a cache's directory."""
    before = f"""
        import grp, os, pwd, sys, sysconfig, warnings, replaycache.system.warning
        from replaycache import StoreUnavailable
        from replaycache.stores import DiskStore
        from tests.stores.samples import recording
        # what is read of the installation may not be read by everybody
        sysconfig.get_paths()
        DiskStore(sys.argv[2]).put("k", recording())
        os.setgroups([])
        os.setgid({NOBODY}); os.setuid({NOBODY})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(before) + textwrap.dedent(code), str(directory), str(cache)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


WARNINGS = """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        DiskStore(sys.argv[1])
    print(*(warning.message for warning in told))
"""


@as_administrator
def test_a_directory_of_another_users_is_told(reached: Path, tmp_path: Path) -> None:
    assert as_nobody(WARNINGS, reached, tmp_path) == "", "the administrator is trusted"
    os.chown(reached, STRANGER, STRANGER)
    assert f"it belongs to another user, uid {STRANGER}" in as_nobody(WARNINGS, reached, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DiskStore(reached)


@as_administrator
def test_a_group_that_others_are_in_is_told(reached: Path, tmp_path: Path) -> None:
    os.chown(reached, NOBODY, STRANGER)
    reached.chmod(0o770)
    assert "its mode is 0770" in as_nobody(WARNINGS, reached, tmp_path)


# -- what others have put there ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("name", ["cache.db", "cache.db-wal", "cache.db-shm", "usage.db", "claims.lock"])
def test_a_link_that_was_planted_is_not_written_through(tmp_path: Path, name: str, exists: bool) -> None:
    target = tmp_path / "precious"
    cache = tmp_path / "cache"
    if exists:
        use(DiskStore(cache))
        shutil.copytree(cache, tmp_path / "copy", ignore=shutil.ignore_patterns("*-wal", "*-shm"))
        cache = tmp_path / "copy"
        (cache / name).unlink(missing_ok=True)
        with closing(sqlite3.connect(target)) as database:
            database.execute("CREATE TABLE precious (x)")
    else:
        cache.mkdir()
    (cache / name).symlink_to(target)
    before = target.read_bytes() if exists else None

    store = DiskStore(cache)
    with suppress(StoreUnavailable):
        use(store)
    store.note(Noted("hit", "k"))
    store.ledger.flush()

    assert (target.read_bytes() if target.exists() else None) == before
    if name == "cache.db":
        with pytest.raises(StoreUnavailable, match=r"symbolic link.*Remove it, or name .*REPLAYCACHE_DIR"):
            store.put("k", recording())


def test_a_call_is_answered_where_a_link_was_planted(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "cache.db").symlink_to(tmp_path / "precious")

    with (
        ScriptedServer(counting_answers()) as server,
        pytest.warns(ReplayCacheWarning, match="symbolic link"),
        httpx.Client(transport=ReplayTransport(store=tmp_path / "cache")) as client,
    ):
        answered = client.post(server.url + "/v1/chat/completions", json=ASKED)

    assert answered.json() == {"answer": 1}
    assert not (tmp_path / "precious").exists()


@as_administrator
@pytest.mark.parametrize("name", ["cache.db", "usage.db"])
def test_a_file_of_a_strangers_is_not_written_to(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch(0o666)
    os.chown(tmp_path / name, STRANGER, STRANGER)

    store = DiskStore(tmp_path)
    with suppress(StoreUnavailable):
        use(store)
    store.note(Noted("hit", "k"))
    store.ledger.flush()

    assert (tmp_path / name).read_bytes() == b""
    if name == "cache.db":
        with pytest.raises(StoreUnavailable, match=f"belongs to another user .uid {STRANGER}"):
            store.put("k", recording())


@as_administrator
def test_a_file_of_the_owner_of_a_shared_directory_is_not_written_to(reached: Path, tmp_path: Path) -> None:
    """Who made it lets everybody in, and reads what they write."""
    for path in (reached / "cache.db", reached):
        path.touch()
        os.chown(path, STRANGER, STRANGER)
        path.chmod(0o777)
    writes = """
        warnings.simplefilter("ignore")
        try:
            DiskStore(sys.argv[1]).put("k", recording())
        except StoreUnavailable as error:
            print(error)
    """

    assert f"belongs to another user (uid {STRANGER})" in as_nobody(writes, reached, tmp_path / "own")
    assert (reached / "cache.db").read_bytes() == b""
    assert os.listdir(reached) == ["cache.db"]


@as_administrator
def test_where_everything_belongs_to_one_user_it_is_written(tmp_path: Path) -> None:
    """Of a container's mount, to the user outside."""
    use(DiskStore(tmp_path))
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, STRANGER, STRANGER)

    store = DiskStore(tmp_path)
    store.put("another", recording())

    assert (store.get("k"), store.get("another")) == (recording(), recording())
