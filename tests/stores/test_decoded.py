"""A recording that was found before is found again without being decoded, and never one that is gone."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from replaycache import CorruptRecording
from replaycache.stores import DiskStore

from .samples import recording
from .test_disk import damaged_entries, filled, stored_value


def test_the_same_bytes_are_decoded_once(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(b"answer"))
    store = DiskStore(tmp_path)

    first = store.get("k")

    assert first == recording(b"answer")
    assert store.get("k") is first


def test_what_another_has_recorded_anew_is_found(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(b"first"))
    store, another = DiskStore(tmp_path), DiskStore(tmp_path)

    for body in (b"first", b"other", b"first"):
        another.put("k", recording(body))
        assert store.get("k") == recording(body)
        assert store.get("k") == recording(body)


@pytest.mark.parametrize("how", ["by itself", "by another"])
def test_what_was_removed_is_not_found(tmp_path: Path, how: str) -> None:
    filled(tmp_path, k=recording())
    store = DiskStore(tmp_path)
    assert store.get("k") == recording()

    (store if how == "by itself" else DiskStore(tmp_path)).delete("k")

    assert store.get("k") is None


def test_what_was_damaged_since_is_damaged(tmp_path: Path) -> None:
    filled(tmp_path, k=recording(b"answer"))
    value = stored_value(tmp_path, "k")
    store = DiskStore(tmp_path)
    changed = [value[:-1], value[:20] + b"?" + value[21:], value[:-20] + b"?" + value[-19:]]

    for damaged in damaged_entries(tmp_path, "k", iter(changed)):
        assert damaged != value
        with pytest.raises(CorruptRecording):
            store.get("k")
    for _ in damaged_entries(tmp_path, "k", iter([value])):
        assert store.get("k") == recording(b"answer")


def test_a_key_does_not_find_what_was_found_under_another(tmp_path: Path) -> None:
    filled(tmp_path, a=recording(b"a"), b=recording(b"b"))
    store = DiskStore(tmp_path)

    for _ in range(2):
        assert store.get("a") == recording(b"a")
        assert store.get("b") == recording(b"b")


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    writer = DiskStore(tmp_path)
    for number in range(400):
        writer.put(f"k{number}", recording(bytes(60_000)))
    writer.close()
    store = DiskStore(tmp_path)
    tracemalloc.start()
    try:
        for number in range(400):
            found = store.get(f"k{number}")
            assert found is not None
            assert found.request.body  # what is decoded when it is asked for counts, too
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used < 10 << 20
