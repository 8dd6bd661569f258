"""What the disk store does beyond what every store does: files, permissions, damage, processes."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import diskcache
import pytest

from replaycache import (
    ConfigurationError,
    CorruptRecording,
    Recording,
    ReplayCacheWarning,
    StoreError,
    StoreUnavailable,
)
from replaycache.stores import DiskStore, MemoryStore, Store, StoreBusy, default_directory, open_store

from .samples import large, recording

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")


@contextmanager
def database(directory: Path) -> Iterator[sqlite3.Connection]:
    """The database behind the store's back."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection, connection:
        yield connection


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def filled(directory: Path, **entries: Any) -> None:
    """Puts recordings into a store and closes it, so that all of it is in its files."""
    store = DiskStore(directory)
    for key, made in entries.items():
        store.put(key, made)
    store.close()


def python(code: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Another process, with the samples at hand."""
    prelude = "import os, sys\nfrom replaycache.stores import DiskStore\n"
    prelude += "from replaycache import *\nfrom tests.stores.samples import large, recording\n"
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", prelude + textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    """What it printed; it is an error if it failed."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


# Where it keeps things, and who may read them


@pytest.fixture
def permissive() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(directory: Path, kind: Callable[[int], bool]) -> dict[str, int]:
    return {
        str(path.relative_to(directory)): stat.S_IMODE(path.stat().st_mode)
        for path in (directory, *directory.rglob("*"))
        if kind(path.stat().st_mode)
    }


@posix
@pytest.mark.usefixtures("permissive")
def test_files_are_for_the_user_alone(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    store = DiskStore(directory)
    store.put("small", recording())
    store.put("large", large())
    found = modes(directory, stat.S_ISREG)

    assert {"cache.db", "cache.db-wal", "cache.db-shm"} < set(found)
    assert sum(name.endswith(".val") for name in found) == 1
    assert set(found.values()) == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@posix
@pytest.mark.usefixtures("permissive")
def test_directories_within_are_for_the_user_alone(tmp_path: Path) -> None:
    """Also where the directory itself was made by somebody else, for everybody."""
    directory = tmp_path / "cache"
    directory.mkdir()
    with pytest.warns(ReplayCacheWarning, match="others may write"):
        DiskStore(directory).put("large", large())
    found = modes(directory, stat.S_ISDIR)
    del found["."]

    assert len(found) == 2
    assert set(found.values()) == {0o700}


def test_a_variable_of_the_environment_is_not_taken_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expand it"):
        DiskStore(tmp_path / "$HOME")


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "with space",
        "ünïcödé \U0001f39e",
        "a/b/c",
        "quote'quote\"",
        "per%20cent?&#",
        "x$NAME_OF_NOTHING",
    ],
)
def test_any_path_is_a_directory(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is a name: nothing in it is expanded but a leading `~`."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USER", "someone")
    if os.name == "nt" and set(name) & set('"?'):
        pytest.skip("Windows refuses the name")
    store = DiskStore(tmp_path / name)
    store.put("k", recording())
    store.put("large", large())

    assert store.location == str(tmp_path / name)
    assert (tmp_path / name / "cache.db").stat().st_size > 0
    assert [made for made in tmp_path.iterdir() if made.name != name.partition("/")[0]] == []
    assert DiskStore(str(tmp_path / name)).get("large") == large()


def test_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    DiskStore("~/cache").put("k", recording())

    assert DiskStore(tmp_path / "cache").get("k") == recording()


def test_a_relative_path_stays_where_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that changes its directory later keeps its store."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = DiskStore("cache")
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.put("k", recording())

    assert DiskStore(tmp_path / "cache").get("k") == recording()
    assert list((tmp_path / "elsewhere").iterdir()) == []


@posix
def test_the_same_place_by_two_names_is_the_same(tmp_path: Path) -> None:
    filled(tmp_path / "cache", k=recording())
    (tmp_path / "link").symlink_to(tmp_path / "cache")
    store = DiskStore(tmp_path / "link")

    assert store.identity == DiskStore(tmp_path / "cache").identity
    assert store.get("k") == recording()


def test_nothing_is_made_before_the_first_use(tmp_path: Path) -> None:
    DiskStore(tmp_path / "cache").close()

    assert not (tmp_path / "cache").exists()


# Nothing that it reads is executed


class Planted:
    """Loading its pickle makes a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("size", ["small", "large"])
def test_no_pickle_is_loaded_from_a_value(tmp_path: Path, size: str) -> None:
    planted = [Planted(tmp_path / "executed")] + ["x" * 100_000] * (size == "large")
    with diskcache.Cache(tmp_path / "cache", disk_min_file_size=50_000) as cache:
        cache["k"] = planted
        pickle_protocol = cache.disk.pickle_protocol
    store = DiskStore(tmp_path / "cache")
    store.put("mine", recording())

    with pytest.raises(CorruptRecording, match="key k in"):
        store.get("k")
    assert dict(store.newest(10)) == {"mine": recording()}
    assert sorted(store.keys()) == ["k", "mine"]
    assert len(store) == 2
    assert not (tmp_path / "executed").exists()
    with pytest.raises(FileNotFoundError):  # it would have worked: what is loaded is executed
        pickle.loads(pickle.dumps(Planted(tmp_path / "no" / "executed"), pickle_protocol))


@pytest.mark.parametrize("key", ["a planted one", "a tuple", "bytes", "an integer", "a float"])
def test_keys_that_it_did_not_write_are_passed_over(tmp_path: Path, key: str) -> None:
    filled(tmp_path / "cache", first=recording(b"first"))
    foreign = {"a tuple": (1, 2), "bytes": b"k", "an integer": 5, "a float": 5.5}
    with diskcache.Cache(tmp_path / "cache", cull_limit=0) as cache:
        cache[foreign.get(key, Planted(tmp_path / "executed"))] = b"value"
    store = DiskStore(tmp_path / "cache")
    store.put("last", recording(b"last"))

    assert store.get("first") == recording(b"first")
    assert list(store.keys()) == ["first", "last"]
    assert not (tmp_path / "executed").exists()


def test_newest_passes_over_a_key_that_it_did_not_write(tmp_path: Path) -> None:
    filled(tmp_path / "cache", first=recording(b"first"))
    with diskcache.Cache(tmp_path / "cache", cull_limit=0) as cache:
        cache[Planted(tmp_path / "executed")] = b"value"
    store = DiskStore(tmp_path / "cache")
    store.put("last", recording(b"last"))

    assert dict(store.newest(10)) == {"last": recording(b"last"), "first": recording(b"first")}
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("value", ["text", "x" * 100_000, 5, 5.5, b"", b"bytes", b"x" * 100_000, None])
def test_values_that_it_did_not_write_are_damaged(tmp_path: Path, value: Any) -> None:
    with diskcache.Cache(tmp_path / "cache", disk_min_file_size=50_000) as cache:
        cache["k"] = value
    store = DiskStore(tmp_path / "cache")

    with pytest.raises(CorruptRecording):
        store.get("k")
    assert list(store.newest(10)) == []
    store.put("k", recording())
    assert store.get("k") == recording()


def test_a_cache_of_another_serialisation_is_refused(tmp_path: Path) -> None:
    with diskcache.Cache(tmp_path / "cache", disk=diskcache.JSONDisk, disk_compress_level=3) as cache:
        cache["k"] = [1]
    before = files(tmp_path / "cache")

    with pytest.raises(StoreUnavailable):
        DiskStore(tmp_path / "cache").get("k")
    assert files(tmp_path / "cache")["cache.db"] == before["cache.db"]


OUTSIDE = {
    "parent": lambda directory: os.path.join("..", "secret"),
    "through a directory": lambda directory: os.path.join("aa", "..", "..", "secret"),
    "absolute": lambda directory: str(directory.parent / "secret"),
    "link": lambda directory: "link",
}


def with_filename(directory: Path, outside: str) -> Path:
    """A store whose entry `k` names a file outside its directory, a valid one at that."""
    filled(directory, k=large())
    (name,) = (path for path in directory.rglob("*.val"))
    secret = directory.parent / "secret"
    shutil.copy(name, secret)
    if outside == "link":
        if os.name != "posix":
            pytest.skip("links as POSIX has them")
        (directory / "link").symlink_to(secret)
    (directory / "aa").mkdir(exist_ok=True)
    with database(directory) as connection:
        connection.execute("UPDATE Cache SET filename = ?", (OUTSIDE[outside](directory),))
    return secret


@pytest.mark.parametrize("outside", OUTSIDE)
def test_no_file_outside_the_directory_is_read(tmp_path: Path, outside: str) -> None:
    with_filename(tmp_path / "cache", outside)
    store = DiskStore(tmp_path / "cache")

    with pytest.raises(CorruptRecording):
        store.get("k")
    assert list(store.newest(10)) == []


@pytest.mark.parametrize("outside", ["parent", "through a directory", "absolute"])
@pytest.mark.parametrize("change", ["delete", "put", "cull"])
def test_no_file_outside_the_directory_is_removed(tmp_path: Path, outside: str, change: str) -> None:
    secret = with_filename(tmp_path / "cache", outside)
    store = DiskStore(tmp_path / "cache", size_limit=1 if change == "cull" else None)
    try:
        if change == "delete":
            store.delete("k")
        else:
            store.put("other" if change == "cull" else "k", recording())
    except StoreError:
        pass  # to refuse is as good

    assert secret.exists()


@pytest.mark.parametrize("filename", ["", ".", "cache.db", "nul\0byte", "aa", "x" * 5000, 5, 5.5, b"bytes"])
def test_a_filename_that_is_none_of_its_own_is_refused(tmp_path: Path, filename: Any) -> None:
    directory = tmp_path / "cache"
    filled(directory, k=large())
    (directory / "aa").mkdir(exist_ok=True)
    with database(directory) as connection:
        connection.execute("UPDATE Cache SET filename = ?", (filename,))
    store = DiskStore(directory)

    with pytest.raises(StoreError):
        store.get("k")
    assert list(store.newest(10)) == []


# Damage


DAMAGED = {
    "garbage": lambda whole: bytes(range(256)) * 64,
    "text": lambda whole: b"this is no database\n",
    "two bytes": lambda whole: b"SQ",
    "zeros": lambda whole: bytes(len(whole)),
    "head of another file": lambda whole: b"\x89PNG\r\n\x1a\n" + whole[8:],
    "body of another file": lambda whole: whole[:100] + os.urandom(len(whole) - 100),
    **{
        f"cut to {part}/16": lambda whole, part=part: whole[: len(whole) * part // 16 - 7] for part in range(1, 16)
    },
    "cut in its head": lambda whole: whole[:60],
    "cut to a page": lambda whole: whole[:4096],
    "short of a byte": lambda whole: whole[:-1],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_database_is_unavailable_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    directory = tmp_path / "cache"
    filled(directory, **{f"k{number}": recording(bytes(3000), asked=str(number)) for number in range(20)})
    path = directory / "cache.db"
    damaged = DAMAGED[damage](path.read_bytes())
    path.write_bytes(damaged)

    def use(work: Callable[[Store], object]) -> bool:
        """Whether the store was unavailable."""
        store = DiskStore(directory)
        try:
            work(store)
        except StoreUnavailable as error:
            found = error
        else:
            return False
        finally:
            store.close()
        assert str(directory) in str(found)
        return True

    whole = [recording(bytes(3000), asked=str(number)) for number in range(20)]
    failed = [
        use(lambda store: store.get("k1")),
        use(lambda store: list(store.keys())),
        use(lambda store: list(store.newest(20))),
        use(len),
    ]
    if damage == "short of a byte":  # SQLite takes the rest of the last page for zeros; what it gives is checked
        store = DiskStore(directory)
        found = dict(store.newest(20)) if not any(failed) else {}
        assert all(made == whole[int(key[1:])] for key, made in found.items())
        return
    assert failed == [True] * 4
    assert use(lambda store: store.put("k1", recording()))
    assert use(lambda store: store.delete("k1"))
    assert path.read_bytes() == damaged


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_flipped_byte_of_the_database_never_changes_an_answer(tmp_path: Path, step: int) -> None:
    """Wherever it is: the recording is found as it was, not found, or an error."""
    source = tmp_path / "source"
    filled(source, k=recording(b"answer"), other=recording(b"other answer"), large=large())
    whole = (source / "cache.db").read_bytes()
    (value,) = (path.relative_to(source) for path in source.rglob("*.val"))
    expected = {"k": recording(b"answer"), "other": recording(b"other answer"), "large": large()}
    # the places where something stands, thinned out
    places = [at for at, byte in enumerate(whole) if byte][::step]
    directory = tmp_path / "cache"
    (directory / value).parent.mkdir(parents=True)
    shutil.copy(source / value, directory / value)
    for at in places:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        for name in ("cache.db-wal", "cache.db-shm"):
            (directory / name).unlink(missing_ok=True)
        (directory / "cache.db").write_bytes(damaged)
        store = DiskStore(directory)
        for key, made in expected.items():
            try:
                found = store.get(key)
                assert found is None or found == made, f"byte {at}"
            except StoreError:
                pass
        try:
            assert all(found == expected.get(key, found) for key, found in store.newest(5)), f"byte {at}"
        except StoreError:
            pass
        store.close()


def damaged_entries(directory: Path, key: str, values: Iterator[bytes]) -> Iterator[bytes]:
    """Puts each of `values` in the place of the entry `key`, behind the store's back."""
    with database(directory) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for value in values:
            with connection:
                connection.execute("UPDATE Cache SET value = ? WHERE key = ?", (value, key))
            yield value


def stored_value(directory: Path, key: str) -> bytes:
    with database(directory) as connection:
        ((value,),) = connection.execute("SELECT value FROM Cache WHERE key = ?", (key,)).fetchall()
    return bytes(value)


def test_an_entry_truncated_anywhere_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(b"answer"), other=recording(b"other"))
    value = stored_value(tmp_path, "k")
    store = DiskStore(tmp_path)

    for _ in damaged_entries(tmp_path, "k", (value[:length] for length in range(len(value)))):
        with pytest.raises(CorruptRecording, match=f"key k in {re.escape(str(tmp_path))}"):
            store.get("k")
    assert [key for key, _ in store.newest(2)] == ["other"]
    assert store.get("other") == recording(b"other")


def test_an_entry_with_any_byte_changed_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(b"answer"))
    value = stored_value(tmp_path, "k")
    store = DiskStore(tmp_path)

    def flipped() -> Iterator[bytes]:
        for at in range(len(value)):
            damaged = bytearray(value)
            damaged[at] ^= 1 << at % 8
            yield bytes(damaged)

    for _ in damaged_entries(tmp_path, "k", flipped()):
        with pytest.raises(StoreError):
            store.get("k")


def test_a_file_truncated_or_changed_anywhere_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path, k=large())
    (path,) = tmp_path.rglob("*.val")
    whole = path.read_bytes()
    store = DiskStore(tmp_path)
    places = [*range(0, 1200, 7), *range(1200, len(whole), len(whole) // 60), *range(len(whole) - 17, len(whole))]

    for at in places:
        with path.open("r+b") as file:
            file.seek(at)
            file.write(bytes([whole[at] ^ 1 << at % 8]))
        with pytest.raises(StoreError):
            store.get("k")
        with path.open("r+b") as file:
            file.seek(at)
            file.write(whole[at : at + 1])
    assert store.get("k") == large()
    for at in reversed(places):
        os.truncate(path, at)
        with pytest.raises(CorruptRecording, match="key k in"):
            store.get("k")


def test_a_damaged_entry_can_be_replaced_and_deleted(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(), l=recording())
    list(damaged_entries(tmp_path, "k", iter([b"damaged"])))
    list(damaged_entries(tmp_path, "l", iter([b"damaged"])))
    store = DiskStore(tmp_path)
    store.put("k", recording(b"new"))

    assert store.delete("l")
    assert dict(store.newest(5)) == {"k": recording(b"new")}


@pytest.mark.parametrize("key", ["k", "l"])
def test_newest_gives_as_many_as_asked_where_one_is_damaged(tmp_path: Path, key: str) -> None:
    """What is passed over does not count."""
    filled(tmp_path, j=recording(b"j"), k=recording(b"k"), l=recording(b"l"))
    list(damaged_entries(tmp_path, key, iter([b"damaged"])))

    assert [name for name, _ in DiskStore(tmp_path).newest(2)] == [name for name in "lkj" if name != key]


def test_a_missing_file_is_a_damaged_entry(tmp_path: Path) -> None:
    filled(tmp_path, k=large(1), l=large(2), m=recording())
    for path in list(tmp_path.rglob("*.val")):
        path.unlink()
    store = DiskStore(tmp_path)

    with pytest.raises(CorruptRecording, match=r"gone.*key k in"):
        store.get("k")
    assert dict(store.newest(5)) == {"m": recording()}
    store.put("k", large(3))
    assert store.get("k") == large(3)
    assert store.delete("l")


def test_the_body_of_a_large_request_is_no_part_of_a_hit(tmp_path: Path) -> None:
    long = recording(asked="long " * 20_000)
    filled(tmp_path, k=long)
    (path,) = tmp_path.rglob("*.val")
    store = DiskStore(tmp_path)
    found = store.get("k")
    assert found is not None
    path.rename(path.with_suffix(".away"))

    assert found.body.read() == long.body.read()
    with pytest.raises(CorruptRecording, match="gone"):
        _ = found.request
    path.with_suffix(".away").rename(path)
    assert found == long
    (entry,) = store.stored()
    assert len(long.request.body) < entry.size < len(long.request.body) + 2000


@pytest.mark.parametrize("changed", [b"", b"short", b"x" * 100_043, b"x" * 200_000])
def test_the_body_of_another_request_is_damage(tmp_path: Path, changed: bytes) -> None:
    filled(tmp_path, k=recording(asked="long " * 20_000))
    (path,) = tmp_path.rglob("*.val")
    path.write_bytes(changed)
    found = DiskStore(tmp_path).get("k")
    assert found is not None

    with pytest.raises(CorruptRecording):
        _ = found.request


def test_the_file_of_a_request_goes_with_its_recording(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.put("k", recording(asked="long " * 20_000))
    store.put("k", recording(asked="longer " * 20_000))
    store.put("l", recording(asked="long " * 20_000))
    assert len(list(tmp_path.rglob("*.val"))) == 2
    assert store.get("k") == recording(asked="longer " * 20_000)
    assert not store.strays()

    store.put("l", recording())
    store.delete("k")
    assert not list(tmp_path.rglob("*.val"))
    assert store.get("l") == recording()


def test_a_recording_that_is_made_anew_while_it_is_in_use_keeps_its_request(tmp_path: Path) -> None:
    """Whoever records it anew has asked the same."""
    store = DiskStore(tmp_path)
    long = recording(asked="long " * 20_000)
    for key in "kl":
        store.put(key, long)
    found = store.get("k")
    gone_through = store.recordings()
    next(gone_through)
    for key in "kl":
        store.put(key, long)

    assert found == long
    assert [one for _, one in gone_through] == [long]


def test_a_recording_whose_request_is_gone_is_damaged_for_who_asks_for_it(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(asked="long " * 20_000), l=recording())
    (path,) = tmp_path.rglob("*.val")
    path.unlink()
    store = DiskStore(tmp_path)

    assert dict(store.newest(5)) == {"l": recording()}
    told = {entry.key: found for entry, found in store.recordings(check=True)}
    assert isinstance(told["k"], CorruptRecording)
    assert told["l"] == recording()


def test_where_the_answer_is_large_too_one_file_has_all(tmp_path: Path) -> None:
    made = large().with_parts(request=recording(asked="long " * 20_000).request)
    filled(tmp_path, k=made)

    assert len(list(tmp_path.rglob("*.val"))) == 1
    assert DiskStore(tmp_path).get("k") == made


def test_what_is_put_at_once_waits_for_nobody(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    put_until_it_is_fast(store)
    with closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another process writes"):
            store.put_at_once("l", recording())
        other.execute("ROLLBACK")
    assert store.get("l") is None

    put_until_it_is_fast(store)
    store.put_at_once("l", recording())
    assert store.get("l") == recording()


@pytest.mark.parametrize("bound", [{"max_age": 60.0}, {"size_limit": 1 << 30}])
def test_where_others_may_have_to_go_nothing_is_put_at_once(tmp_path: Path, bound: dict[str, Any]) -> None:
    """To remove them may take as long as another process writes."""
    store = DiskStore(tmp_path, **bound)
    put_until_it_is_fast(store)

    with pytest.raises(StoreBusy):
        store.put_at_once("l", recording())
    assert store.get("l") is None


def put_until_it_is_fast(store: DiskStore) -> None:
    """Making the files may take long, and so may anything where others use the machine."""
    store.put("k", recording())
    while store.slow:
        store.put("k", recording())


@posix
def test_a_file_that_may_not_be_read_is_a_store_error(tmp_path: Path) -> None:
    """Root may read everything, but no directory as a file."""
    filled(tmp_path, k=large())
    (path,) = tmp_path.rglob("*.val")
    path.unlink()
    path.mkdir()

    with pytest.raises(StoreError, match=re.escape(str(tmp_path))):
        DiskStore(tmp_path).get("k")


# A directory or a disk that refuses


REFUSED = {
    "under a file": lambda tmp_path: tmp_path / "file" / "cache",
    "a file": lambda tmp_path: tmp_path / "file",
    "a directory in the database's place": lambda tmp_path: tmp_path / "taken",
    "a name that is too long": lambda tmp_path: tmp_path / ("x" * 300),
    "a link to itself": lambda tmp_path: tmp_path / "loop" / "cache",
}


@pytest.mark.parametrize("refused", REFUSED)
def test_a_directory_that_cannot_be_used_is_unavailable(tmp_path: Path, refused: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "taken" / "cache.db").mkdir(parents=True)
    if os.name == "posix":
        (tmp_path / "loop").symlink_to(tmp_path / "loop")
    store = DiskStore(REFUSED[refused](tmp_path))

    for work in (
        lambda: store.get("k"),
        lambda: store.put("k", recording()),
        lambda: store.put("k", large()),
        lambda: store.delete("k"),
        lambda: list(store.keys()),
        lambda: list(store.newest(1)),
        lambda: len(store),
    ):
        with pytest.raises(StoreUnavailable, match=re.escape(store.location)) as raised:
            work()
        assert "REPLAYCACHE_DIR" in str(raised.value)
    store.close()
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="the system has no /proc")
def test_a_file_system_that_takes_no_directory_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="/proc/cache"):
        DiskStore("/proc/cache").put("k", recording())


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_locked_database_is_no_wrong_answer(tmp_path: Path, size: str) -> None:
    """While another process writes, what was stored can be read."""
    made = {"small": recording(), "large": large()}[size]
    filled(tmp_path, k=made)
    store = DiskStore(tmp_path)
    assert store.get("k") == made
    with closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM Cache")

        assert store.get("k") == made
        other.execute("ROLLBACK")
    assert store.get("k") == made


FULL = """
    import resource
    store = DiskStore(sys.argv[1])
    kept = {"small": recording(b"small"), "large": large(1)}
    for key, made in kept.items():
        store.put(key, made)
    store.get("small")
    files = lambda: {path: len(open(path, "rb").read()) for path, _, names in os.walk(sys.argv[1])
                     for path in [os.path.join(path, name) for name in names] if path.endswith(".val")}
    before = files()
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    refused = 0
    for key in ("small", "large", "new"):
        for made in (large(2), recording(os.urandom(400_000))):
            for _ in range(4):
                try:
                    store.put(key, made)
                except StoreUnavailable as error:
                    assert sys.argv[1] in str(error), error
                    refused += 1
                else:
                    kept[key] = made
                for name, expected in kept.items():
                    assert store.get(name) == expected, name
    assert refused
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert {key: store.get(key) for key in store.keys()} == kept
    assert len(store) == len(kept)
    named = sum(kept[key].body.size > 600_000 for key in kept)
    assert len(files()) == named, (before, files())
    store.put("new", large(3))
    assert store.get("new") == large(3)
    store.close()
    print(refused)
"""


@pytest.mark.sampled(1)
@posix
@pytest.mark.parametrize("limit", [1 << 10, 70 << 10, 500 << 10, 650 << 10])
def test_a_full_disk_is_unavailable_and_loses_nothing(tmp_path: Path, limit: int) -> None:
    """No file may grow beyond `limit` bytes: writes fail at different places, as on a full disk."""
    assert int(finished(python(FULL, tmp_path / "cache", limit))) > 0

    store = DiskStore(tmp_path / "cache")
    assert store.get("new") == large(3)
    assert dict(store.newest(9)).keys() == set(store.keys())


@posix
def test_a_disk_that_is_full_from_the_start_is_unavailable(tmp_path: Path) -> None:
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        try:
            DiskStore(sys.argv[1]).put("k", recording())
        except StoreUnavailable as error:
            print(error)
    """
    assert str(tmp_path / "cache") in finished(python(code, tmp_path / "cache"))

    DiskStore(tmp_path / "cache").put("k", recording())
    assert DiskStore(tmp_path / "cache").get("k") == recording()


# Several processes


def test_what_was_put_survives_the_end_of_the_process(tmp_path: Path) -> None:
    """However it ends: nothing is waiting to be written when `put` returns."""
    code = """
        store = DiskStore(sys.argv[1])
        store.put("small", recording())
        store.put("large", large())
        os.kill(os.getpid(), 9) if os.name == "posix" else os._exit(1)
    """
    process = python(code, tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if os.name == "posix" else 1), err

    store = DiskStore(tmp_path)
    assert store.get("small") == recording()
    assert store.get("large") == large()


@pytest.mark.parametrize("put", [recording(), large()])
def test_size_and_duration_of_what_was_put_are_known(tmp_path: Path, put: Recording) -> None:
    filled(tmp_path, one=put)

    kept = DiskStore(tmp_path).get("one")
    assert kept is not None
    assert kept.measured
    assert (kept.size, kept.duration) == (put.body.size, pytest.approx(put.latency + put.body.duration, abs=1e-6))


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    """Both write keys of their own and one in common, read everything, and delete some; they start at once."""
    code = """
        me = sys.argv[2]
        store = DiskStore(sys.argv[1])
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(60):
            key = f"{me}-{number}"
            made = large(number) if number % 20 == 0 else recording(key.encode() * 100)
            store.put(key, made)
            assert store.get(key) == made
            store.put("common", large(7) if number % 2 else recording(b"common"))
            found = store.get("common")
            assert found == large(7) or found == recording(b"common"), found
            for other, made in store.newest(5):
                assert made.body.read()
            if number % 10 == 5:
                assert store.delete(key)
        store.close()
    """
    processes = [python(code, tmp_path / "cache", me) for me in "ab"]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        finished(process)

    store = DiskStore(tmp_path / "cache")
    expected = {f"{me}-{number}" for me in "ab" for number in range(60) if number % 10 != 5}
    assert set(store.keys()) == expected | {"common"}
    assert len(store) == len(expected) + 1
    for me in "ab":
        for number in range(60):
            if number % 20 == 0:
                assert store.get(f"{me}-{number}") == large(number)
            elif number % 10 != 5:
                assert store.get(f"{me}-{number}") == recording(f"{me}-{number}".encode() * 100)
    store.close()
    named = [key for key in expected | {"common"} if store.get(key).body.size > 600_000]  # type: ignore[union-attr]
    assert len(list((tmp_path / "cache").rglob("*.val"))) == len(named)


def test_processes_that_make_the_directory_at_once_all_can_use_it(tmp_path: Path) -> None:
    code = """
        print("ready", flush=True)
        sys.stdin.readline()
        DiskStore(sys.argv[1]).put(sys.argv[2], recording(sys.argv[2].encode()))
    """
    processes = [python(code, tmp_path / "cache", number) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        finished(process)

    store = DiskStore(tmp_path / "cache")
    assert {key: made.body.read() for key, made in store.newest(9)} == {f"{n}": b"%d" % n for n in range(4)}


@posix
def test_a_forked_process_may_use_the_store(tmp_path: Path) -> None:
    code = """
        store = DiskStore(sys.argv[1])
        store.put("parent", large(1))
        child = os.fork()
        if not child:
            try:
                assert store.get("parent") == large(1)
                store.put("child", large(2))
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert store.get("child") == large(2)
        store.put("parent", recording())
        assert store.get("parent") == recording()
    """
    finished(python(code, tmp_path))


INTERLEAVED = """
    store, other = DiskStore(sys.argv[1]), DiskStore(sys.argv[1])
    other.put("k", large(1))
    store.get("none")
    changes = [change for change in sys.argv[2].split(",")]
    busy = False
    def between(event, arguments):
        # while the store is about to open the file of a large recording, another changes it
        global busy
        if busy or event != "open" or not changes or not str(arguments[0]).endswith(".val"):
            return
        busy = True
        change = changes.pop(0)
        if change == "deleted":
            other.delete("k")
        else:
            other.put("k", {"small": recording(b"small"), "large 2": large(2), "large 3": large(3)}[change])
        busy = False
    sys.addaudithook(between)
    found = store.get("k")
    assert not changes, "the file was not opened"
    last = sys.argv[2].split(",")[-1]
    expected = {"small": recording(b"small"), "large 2": large(2), "large 3": large(3), "deleted": None}[last]
    assert found == expected, found
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows does not remove a file that is about to be opened")
@pytest.mark.parametrize("changes", ["deleted", "small", "large 2", "large 2,large 3", "large 2,deleted"])
def test_a_recording_replaced_while_it_is_looked_up_is_found_as_it_is_then(tmp_path: Path, changes: str) -> None:
    finished(python(INTERLEAVED, tmp_path, changes))


@posix
def test_a_directory_that_another_removes_as_empty_does_not_fail_a_put(tmp_path: Path) -> None:
    """Whoever deletes the last file of a directory within the cache removes that too, at any moment."""
    code = """
        store = DiskStore(sys.argv[1])
        store.put("k", recording())
        times = 1
        def between(event, arguments):
            global times
            if event == "open" and times and str(arguments[0]).endswith(".val"):
                times -= 1
                os.removedirs(os.path.dirname(arguments[0]))
        sys.addaudithook(between)
        store.put("k", large())
        assert not times
        assert store.get("k") == large()
    """
    finished(python(code, tmp_path / "cache"))


# What is removed, and when


def settings_of(directory: Path) -> dict[str, Any]:
    with database(directory) as connection:
        return dict(connection.execute("SELECT key, value FROM Settings"))


def test_nothing_is_removed_unless_asked_for(tmp_path: Path) -> None:
    """diskcache removes what is beyond 1 GB by default."""
    filled(tmp_path, k=recording())

    found = settings_of(tmp_path)

    assert found["cull_limit"] == 0
    assert found["eviction_policy"] == "none"
    assert found["size_limit"] > 1 << 50
    with database(tmp_path) as connection:
        assert connection.execute("SELECT expire_time FROM Cache").fetchall() == [(None,)]


def test_a_store_without_limits_removes_nothing_of_one_with_them(tmp_path: Path) -> None:
    limited = DiskStore(tmp_path, size_limit=1 << 20)
    limited.put("k", large(1))
    store = DiskStore(tmp_path)
    for number in range(12):
        store.put(f"k{number}", large(number))

    assert len(store) == 13
    assert all(store.get(f"k{number}") == large(number) for number in range(12))


def test_size_limit_removes_the_recordings_stored_first(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, size_limit=5 << 20)
    for number in range(30):
        store.put(f"k{number}", large(number))
        store.get("k0")  # being read saves nobody
        assert store.get(f"k{number}") == large(number)
    left = list(store.keys())
    on_disk = sum(path.stat().st_size for path in tmp_path.rglob("*.val"))

    assert left == [f"k{number}" for number in range(30 - len(left), 30)]
    assert len(store) == len(left) >= 1
    assert on_disk < 6 << 20
    assert len(list(tmp_path.rglob("*.val"))) == len(left)


def test_size_limit_counts_small_recordings_too(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, size_limit=1 << 20)
    for number in range(120):
        store.put(f"k{number}", recording(os.urandom(50_000)))
    left = list(store.keys())

    assert left == [f"k{number}" for number in range(120 - len(left), 120)]
    assert 1 <= len(left) <= 24


def test_a_limit_that_comes_later_is_reached_by_and_by(tmp_path: Path) -> None:
    filled(tmp_path, **{f"old{number}": recording(b"x" * 5000) for number in range(120)})
    store = DiskStore(tmp_path, size_limit=100_000)

    store.put("new0", recording())
    left = list(store.keys())
    assert left == [*(f"old{number}" for number in range(50, 120)), "new0"]

    for number in range(1, 4):
        store.put(f"new{number}", recording())
    left = list(store.keys())
    assert left[-4:] == [f"new{number}" for number in range(4)]
    assert left[0] != "old50"
    store.close()
    assert (tmp_path / "cache.db").stat().st_size <= 100_000


def test_diskcache_itself_finds_what_has_an_end(tmp_path: Path) -> None:
    filled(tmp_path, first=recording())
    store = DiskStore(tmp_path, max_age=3600)
    store.put("second", recording())
    store.close()

    with diskcache.Cache(tmp_path) as cache:
        assert cache.expire(now=time.time() + 7200) == 1
        assert list(cache) == ["first"]


def test_what_has_become_too_old_goes_by_and_by(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, max_age=3600)
    for number in range(120):
        store.put(f"old{number}", recording())
    with closing(sqlite3.connect(tmp_path / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET expire_time = 1")

    counts = []
    for number in range(4):
        store.put(f"new{number}", recording())
        assert store.get("old119") is None
        counts.append(len(store))

    assert counts == [71, 22, 3, 4]


def test_max_age_ends_what_is_older(tmp_path: Path) -> None:
    """An age that has passed when `put` returns."""
    store = DiskStore(tmp_path, max_age=1e-9)
    store.put("k", recording())
    store.put("large", large())

    assert store.get("k") is None
    assert store.get("large") is None
    assert list(store.newest(5)) == []
    assert store.delete("k") is False


def test_max_age_leaves_what_is_younger(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, max_age=3600)
    store.put("k", recording())
    store.put("large", large())

    assert store.get("k") == recording()
    assert DiskStore(tmp_path).get("large") == large()


@pytest.mark.parametrize("name", ["size_limit", "max_age"])
@pytest.mark.parametrize("value", [0, -1, -0.5, True, False, "1", "12h", [], b"1", float("nan")])
def test_limits_are_numbers_above_zero(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        DiskStore(tmp_path, **{name: value})


# Opening by what an option names


def test_default_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "here"))
    store, made = open_store(None)

    assert default_directory() == tmp_path / "here"
    assert (store.location, made) == (str(tmp_path / "here"), True)
    assert isinstance(store, DiskStore)


def test_default_directory_takes_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("REPLAYCACHE_DIR", "~/there")

    assert default_directory() == tmp_path / "there"


@pytest.mark.parametrize("value", [None, ""])
def test_default_directory_without_the_variable(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("REPLAYCACHE_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("REPLAYCACHE_DIR", value)

    assert default_directory().is_absolute()
    assert "replaycache" in str(default_directory())


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux keeps caches")
def test_default_directory_is_where_the_system_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REPLAYCACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert default_directory() == tmp_path / "replaycache"


class Own:
    """A store of somebody else's; only its form matters here."""

    location, identity, repeats, slow = "nowhere", "own", "same", True

    def get(self, key: str) -> None:
        return None

    def put(self, key: str, made: object) -> None: ...

    def delete(self, key: str) -> bool:
        return False

    def newest(self, limit: int) -> Iterator[Any]:
        return iter(())

    def keys(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def close(self) -> None: ...


def test_open_store_takes_a_path(tmp_path: Path) -> None:
    for path in (tmp_path / "a.b", str(tmp_path / "with space"), os.fspath(tmp_path / "c")):
        store, made = open_store(path)

        assert isinstance(store, DiskStore)
        assert made
        assert store.location == str(path)
        assert not Path(path).exists()


def test_open_store_takes_memory() -> None:
    (first, made), (second, _) = open_store(":memory:"), open_store(":memory:")

    assert isinstance(first, MemoryStore)
    assert made
    assert first is not second


@pytest.mark.parametrize("given", [MemoryStore(), Own()], ids=lambda given: type(given).__name__)
def test_open_store_takes_a_store(given: Any) -> None:
    """An empty one too, which is false."""
    assert open_store(given) == (given, False)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "ftp://host/x",
        "s3://bucket",
        5,
        0,
        False,
        True,
        1.5,
        b"path",
        [],
        {},
        object(),
        DiskStore,
        MemoryStore,
        "~nobody-of-this-name/cache",
        "nul\x00byte",
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
def test_open_store_refuses_what_is_no_store(wrong: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_store(wrong)
    assert repr(wrong) in str(raised.value)


def test_the_stores_are_found_by_name_and_nothing_else() -> None:
    import replaycache.stores

    assert replaycache.stores.DiskStore is DiskStore
    with pytest.raises(AttributeError, match="NoStore"):
        _ = replaycache.stores.NoStore


@pytest.mark.parametrize(
    "statement",
    [
        "import replaycache",
        "import replaycache.stores",
        "from replaycache.stores import Store, open_store, default_directory; default_directory()",
        "from replaycache.stores import MemoryStore, open_store; open_store(':memory:')",
    ],
)
def test_importing_opens_no_database(statement: str) -> None:
    code = f"import sys; {statement}; print(*{{'diskcache', 'sqlite3', 'httpx', 'httpx2'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "\n"


@pytest.mark.parametrize("edited", [b"", b"no salt", b"0" * 32 + b"-0000\n", bytes(20)])
def test_a_salt_that_was_edited_is_told_and_left(tmp_path: Path, edited: bytes) -> None:
    """What was redacted with it is not found, and nothing wrong is."""
    salt = DiskStore(tmp_path).salt()
    assert DiskStore(tmp_path).salt() == salt
    (tmp_path / "salt").write_bytes(edited)

    with pytest.warns(ReplayCacheWarning, match="the salt of the disk cache, .*salt, cannot be used"):
        other = DiskStore(tmp_path).salt()
    assert len(other) == len(salt)
    assert other != salt
    assert (tmp_path / "salt").read_bytes() == edited
