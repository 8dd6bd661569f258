"""A disk cache, gone through and removed from, entry by entry."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import CorruptRecording, Recording, StoreError
from replaycache.stores import DiskStore

from .samples import large, recording


def _execute(directory: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(directory / "cache.db")) as database, database:
        database.execute(statement, values)


def _read(store: DiskStore, *, check: bool = False) -> dict[str, Recording | StoreError]:
    return {stored.key: found for stored, found in store.recordings(check=check)}


def test_everything_comes_with_its_recording_in_the_order_in_which_it_was_stored(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    asked = [f"{number:02}" for number in range(40)]
    for text in asked:
        store.put(text, recording(asked=text))
    store.put("large", large())

    found = list(store.recordings())

    assert [stored.key for stored, _ in found] == [*asked, "large"]
    assert [stored for stored, _ in found] == list(store.stored())
    assert [stored for stored, _ in store.recordings(newest_first=True)] == [stored for stored, _ in found][::-1]
    assert all(recording == store.get(stored.key) for stored, recording in found)
    assert [stored.key for stored, _ in store.recordings(["07", "none", "large", "03"])] == ["07", "large", "03"]


def test_what_cannot_be_read_comes_with_the_reason(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    for key in ("cut", "whole", "newer", "strange"):
        store.put(key, recording(asked=key))
    store.put("lost", large())
    (file,) = tmp_path.rglob("*.val")
    file.unlink()
    _execute(tmp_path, "UPDATE Cache SET value = substr(value, 1, 60) WHERE key = 'cut'")
    with closing(sqlite3.connect(tmp_path / "cache.db")) as database:
        (value,) = database.execute("SELECT value FROM Cache WHERE key = 'newer'").fetchone()
    _execute(tmp_path, "UPDATE Cache SET value = ? WHERE key = 'newer'", value[:7] + b"\x63" + value[8:])
    _execute(tmp_path, "UPDATE Cache SET mode = 4 WHERE key = 'strange'")

    found = _read(store)

    kinds = {key: type(what) for key, what in found.items()}
    assert kinds == {
        "cut": CorruptRecording,
        "whole": Recording,
        "newer": StoreError,
        "strange": CorruptRecording,
        "lost": CorruptRecording,
    }
    assert all(key in str(what) for key, what in found.items() if isinstance(what, StoreError))


def test_a_large_recording_is_read_to_its_end_where_that_is_asked(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.put("large", large())
    (file,) = tmp_path.rglob("*.val")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    assert isinstance(_read(store, check=True)["large"], CorruptRecording)
    assert isinstance(_read(store)["large"], Recording)


def test_what_is_no_longer_found_does_not_come(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, max_age=3600)
    for key in ("old", "new"):
        store.put(key, recording(asked=key))
    _execute(tmp_path, "UPDATE Cache SET expire_time = 1 WHERE key = 'old'")

    assert list(_read(store)) == ["new"]


@given(st.lists(st.text("0123456789abcdef", min_size=4, max_size=6), unique=True, max_size=8), st.data())
def test_keys_that_begin_alike(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], data: st.DataObject
) -> None:
    store = DiskStore(tmp_path_factory.mktemp("cache"))
    for key in keys:
        store.put(key, recording())
    beginning = data.draw(st.sampled_from(keys) if keys else st.just("abcd"))[: data.draw(st.integers(1, 6))]

    assert store.keys_from(beginning) == sorted(key for key in keys if key.startswith(beginning))
    store.close()


def test_to_look_for_a_key_is_not_to_go_through_all_of_them(tmp_path: Path) -> None:
    """Entries elsewhere may be unreadable: their pages are never asked for."""
    store = DiskStore(tmp_path)
    for number in range(2000):
        store.put(f"{number:08x}", recording(asked=str(number)))
    store.close()
    path = tmp_path / "cache.db"
    with closing(sqlite3.connect(path)) as database:
        try:
            pages = [
                database.execute(
                    "SELECT max(pageno) FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (name,)
                ).fetchone()[0]
                for name in ("Cache", "Cache_key_raw")
            ]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite does not tell where its pages are")
    data = bytearray(path.read_bytes())
    for page in pages:
        data[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(data)

    assert store.keys_from("00000010") == ["00000010"]
    with pytest.raises(StoreError):
        list(store.keys())
    store.close()


def test_what_was_stored_anew_since_it_was_told_is_not_removed(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    for key in ("a", "b", "c", "large"):
        store.put(key, large() if key == "large" else recording(asked=key))
    told = {stored.key: stored.at for stored in store.stored()}
    store.put("b", recording(asked="anew"))
    store.delete("c")

    assert store.remove(told) == ["a", "large"]
    assert list(store.keys()) == ["b"]
    assert not list(tmp_path.rglob("*.val"))
    assert len(store) == 1


def test_what_was_removed_is_in_no_file_of_the_cache(tmp_path: Path) -> None:
    """Though the database is not written anew."""
    store = DiskStore(tmp_path)
    marks = {f"key{number}": f"marked-{number:04}-" for number in range(300)}
    for number, (key, mark) in enumerate(marks.items()):
        store.put(key, recording(asked=mark * (1 + number % 40 * 10)))
    before = store.size_on_disk
    going = [(stored.key, stored.at) for number, stored in enumerate(store.stored()) if number % 3]

    for place in range(0, len(going), 7):
        store.remove(dict(going[place : place + 7]))
    store.compact(most=0)

    store.close()
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    gone = {key for key, _ in going}
    assert len(gone) == 200
    assert all((marks[key].encode() in left) == (key not in gone) for key in marks)
    assert store.size_on_disk < before / 2
    assert all((store.get(key) is None) == (key in gone) for key in marks)
    store.close()
