"""What stores, transports, sessions and outcomes look like in a notebook."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from replaycache import Mode, Outcome, use_cassette
from replaycache.engine.tally import Tally
from replaycache.for_pytest.cassette_of_test import Cassette
from replaycache.stores import CassetteStore, DiskStore, MemoryStore, Store

from .stores.samples import recording


def filled(store: Store) -> Store:
    store.put("00", recording(b"SECRET answer"))
    return store


def test_stores_say_where_they_are_and_how_much_they_hold(tmp_path: Path) -> None:
    directory, file = tmp_path / "cache", tmp_path / "a.json"

    assert repr(DiskStore(directory)) == f"<DiskStore {directory}>"
    assert not directory.exists()
    assert repr(filled(DiskStore(directory))) == f"<DiskStore {directory}, 1 recordings>"
    assert repr(CassetteStore(file)) == f"<CassetteStore {file}>"
    cassette = filled(CassetteStore(file))
    assert len(cassette) == 1
    assert repr(cassette) == f"<CassetteStore {file}, 1 recordings>"
    assert repr(filled(MemoryStore())) == "<MemoryStore of 1 recordings>"


def test_a_store_that_fails_can_still_be_shown(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    filled(store)
    store.close()
    (tmp_path / "cache.db").write_bytes(b"no database" * 100)

    assert repr(store).startswith(f"<DiskStore {tmp_path}, which fails: ")


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("name", ["ReplayTransport", "AsyncReplayTransport"])
def test_transports_say_their_mode_and_their_store(library: str, name: str) -> None:
    transport: Any = getattr(importlib.import_module(f"replaycache.{library}"), name)

    shown = repr(transport(store=":memory:", mode="replay"))

    assert shown == f"<{name} mode replay, <MemoryStore of 0 recordings>>"


def test_a_cassette_in_use_says_what_it_came_to(tmp_path: Path) -> None:
    cassette = use_cassette(tmp_path / "a.json")
    shown = f"<use_cassette {tmp_path / 'a.json'}, mode once"

    assert repr(cassette) == f"{shown}>"
    with cassette:
        assert repr(cassette) == f"{shown}: 0 replayed, 0 recorded, 0 missed>"


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (Outcome("live", reason="the mode is off"), "<Outcome live (the mode is off)>"),
        (Outcome("miss", key="0123456789abcdef", store="/a"), "<Outcome miss 0123456789ab in /a>"),
        (
            Outcome("hit", key="0123456789abcdef", store="/a", recorded_at=1_700_000_000.0, age=3.0),
            "<Outcome hit 0123456789ab recorded 2023-11-14 22:13:20Z in /a>",
        ),
    ],
)
def test_an_outcome_reads_as_a_sentence(outcome: Outcome, shown: str) -> None:
    assert repr(outcome) == shown


def test_a_test_shows_its_cassette_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    tally = Tally()
    tally.replayed = 2

    shown = repr(Cassette(file, Mode.REPLAY, CassetteStore(file), tally))

    assert shown == f"<Cassette {file}, mode replay: 2 replayed, 0 recorded, 0 missed>"
