"""Stores that somebody else has written to: no error of another library, no answer of another call, no waiting."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from replaycache import CacheMiss, CassetteError, Match, ReplayCacheError, StoreUnavailable, Usage
from replaycache.accounts.noted import Noted
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, DiskStore
from replaycache.stores.cassette.journal import line_of
from replaycache.stores.cassette.text import dump_recording
from tests.cli.recorded import CHAT, answer_json, cassette, chat, disk, replaycache
from tests.stores.samples import LARGE
from tests.tables import one_in

NONSENSE: list[Any] = [
    "x",
    None,
    0,
    -1,
    1.5,
    1e308,
    float("inf"),
    b"\xff",
    -(1 << 63),
    (1 << 63) - 1,
    "",
    "\x1b[2J\x9b",
    "9" * 400,
    b"",
]
OBEYED = set("\x1b\x07\x9b\u202e")
LARGE_ANSWER = answer_json("x" * LARGE)


def execute(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement, values)


def is_ours(doing: Callable[[], Any]) -> None:
    """Whether it is done, or fails by an error of ours."""
    try:
        doing()
    except ReplayCacheError:
        pass


def command(*arguments: str) -> None:
    done = replaycache(*arguments)
    assert not set(done.stdout + done.stderr) & OBEYED


ROWS = ("key", "store_time", "expire_time", "size", "mode", "filename", "value")
COMMANDS = (("ls",), ("stats", "--recordings"), ("scan",), ("scrub", "--dry-run"))


@pytest.mark.parametrize("value", one_in(7, NONSENSE), ids=repr)
@pytest.mark.parametrize("column", ROWS)
def test_a_row_may_hold_anything(tmp_path: Path, column: str, value: Any) -> None:
    path = tmp_path / "cache"
    keys = disk(path, chat("one"), chat("two", LARGE_ANSWER))
    where = "WHERE rowid = (SELECT min(rowid) FROM Cache)" if column == "key" else ""
    execute(path / "cache.db", f"UPDATE Cache SET {column} = ? {where}", value)  # our own names
    store = DiskStore(path)

    for key in keys:
        is_ours(lambda: store.get(key))  # noqa: B023  # called at once
    for doing in (store.keys, store.stored, store.strays, lambda: store.newest(9)):
        is_ours(lambda: list(doing()))  # noqa: B023  # called at once
    assert repr(store)
    for name, *options in COMMANDS:
        command(name, str(path), *options)
    command("prune", "--older-than", "1d", "--dry-run", "--yes", "--store", str(path))
    store.put(keys[0], chat("one"))
    assert store.get(keys[0]) is not None


@pytest.mark.parametrize("value", one_in(4, NONSENSE), ids=repr)
def test_the_number_of_recordings_may_be_anything(tmp_path: Path, value: Any) -> None:
    disk(tmp_path, chat("one"), chat("two"))
    execute(tmp_path / "cache.db", "UPDATE Settings SET value = ? WHERE key = 'count'", value)

    is_ours(lambda: len(DiskStore(tmp_path)))
    assert repr(DiskStore(tmp_path))
    command("ls", str(tmp_path))


@pytest.mark.parametrize("name", ["disk", "close", "eviction_policy", "sqlite_evil"])
def test_settings_may_be_anything_where_the_tables_are_made(tmp_path: Path, name: str) -> None:
    """diskcache takes them for attributes of its own."""
    (key,) = disk(tmp_path, chat("one"))
    execute(tmp_path / "cache.db", "INSERT OR REPLACE INTO Settings VALUES (?, 'x')", name)
    execute(tmp_path / "cache.db", "PRAGMA user_version = 0")

    is_ours(lambda: DiskStore(tmp_path).put(key, chat("one")))
    is_ours(lambda: DiskStore(tmp_path).get(key))


_CALLS = ("run", "hour", "provider", "status", "requests", "input_tokens", "seconds", "took", "bytes")
LEDGER: list[Any] = [
    *(("calls", name) for name in _CALLS),
    *(("units", name) for name in ("hour", "unit", "amount")),
    *(("runs", name) for name in ("run", "program", "started")),
    *(("played", name) for name in ("key", "at")),
]


@pytest.mark.parametrize("place", one_in(6, LEDGER), ids=" ".join)
def test_what_was_noted_may_be_anything(tmp_path: Path, place: tuple[str, str]) -> None:
    """It is told or refused, by every command that asks for it."""
    table, column = place
    path = tmp_path / "cache"
    (key,) = disk(path, chat("one"))
    store = DiskStore(path)
    store.note(
        Noted("hit", key, Usage("openai", "gpt-4o-mini", 10, 20, units=(("web_searches", 2.0),)), 1, 0.1, 9)
    )
    store.close()
    before = (path / "usage.db").read_bytes()
    for value in NONSENSE:
        (path / "usage.db").write_bytes(before)
        try:
            execute(path / "usage.db", f"UPDATE {table} SET {column} = ?", value)  # our own names
        except sqlite3.IntegrityError:
            continue
        for each in ("hour", "day", "run"):
            is_ours(lambda: store.ledger.entries(each))  # type: ignore[arg-type]  # noqa: B023  # called at once
        command("stats", str(path), "--by", "run")
        command("prune", "--unused-for", "1d", "--dry-run", "--yes", "--store", str(path))


# -- what is no file -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    (key,) = disk(path, chat("one", LARGE_ANSWER))
    (value,) = path.rglob("*.val")
    value.unlink()
    os.mkfifo(value)
    os.mkfifo(tmp_path / "a.json")
    cassette(tmp_path / "b.json", chat("one"))
    os.mkfifo(tmp_path / ".b.json.journal")

    with pytest.raises(StoreUnavailable, match="it is no file"):
        DiskStore(path).get(key)
    assert list(DiskStore(path).newest(9)) == []
    for name in ("a.json", "b.json"):
        with pytest.raises(CassetteError, match="it is no file"):
            CassetteStore(tmp_path / name).all()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no endless file")
def test_a_file_without_an_end_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to("/dev/zero")

    with pytest.raises(CassetteError, match="it is no file"):
        CassetteStore(tmp_path / "a.json").all()


# -- another recording's answer ------------------------------------------------------------------------------


def answer_to(store: Any, asked: str) -> bytes | None:
    """What is replayed; None where that is a miss."""
    body = chat(asked).request.body
    try:
        with httpx.Client(transport=ReplayTransport(store=store, mode="replay")) as client:
            return client.post(CHAT, content=body, headers={"content-type": "application/json"}).content
    except CacheMiss:
        return None


@pytest.mark.parametrize("answers", [("one", "two"), ("x" * LARGE, "y" * LARGE)], ids=["inline", "in files"])
def test_entries_that_were_swapped_answer_nobody(tmp_path: Path, answers: tuple[str, str]) -> None:
    path = tmp_path / "cache"
    made = [chat(text[:3], answer_json(text)) for text in answers]
    keys = disk(path, *made)
    for one, text in zip(made, answers, strict=True):
        assert answer_to(DiskStore(path), text[:3]) == one.body.read()
    execute(path / "cache.db", "UPDATE Cache SET key = key || ' ' ")
    for key, other in zip(keys, reversed(keys), strict=True):
        execute(path / "cache.db", "UPDATE Cache SET key = ? WHERE key = ? || ' '", key, other)

    for text in answers:
        assert answer_to(DiskStore(path), text[:3]) is None


def test_value_files_that_were_swapped_answer_nobody(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    disk(path, chat("one", answer_json("x" * LARGE)), chat("two", answer_json("y" * LARGE)))
    first, second = path.rglob("*.val")
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)

    assert answer_to(DiskStore(path), "one") is answer_to(DiskStore(path), "two") is None


def test_a_row_that_names_another_rows_file_answers_nobody(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    keys = disk(path, chat("one", answer_json("x" * LARGE)), chat("two", answer_json("y" * LARGE)))
    execute(
        path / "cache.db",
        "UPDATE Cache SET filename = (SELECT filename FROM Cache WHERE key = ?) WHERE key = ?",
        keys[0],
        keys[1],
    )

    assert answer_to(DiskStore(path), "one") == answer_json("x" * LARGE)
    assert answer_to(DiskStore(path), "two") is None


@pytest.mark.parametrize(
    "filename", ["../../outside.val", "/etc/passwd", "ab/cd/../../../x.val", "ab/cd/ef.txt", "ab/cd/ef.val\n"]
)
def test_a_row_leads_nowhere_else(tmp_path: Path, filename: str) -> None:
    outside = tmp_path / "outside.val"
    outside.write_bytes(b"mine")
    path = tmp_path / "cache"
    (key,) = disk(path, chat("one", LARGE_ANSWER))
    execute(path / "cache.db", "UPDATE Cache SET filename = ?", filename)
    store = DiskStore(path)

    with pytest.raises(ReplayCacheError, match="replaycache did not write"):
        store.get(key)
    store.delete(key)
    assert outside.read_bytes() == b"mine"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_directory_that_is_a_link_is_neither_written_to_nor_emptied(tmp_path: Path) -> None:
    path, outside = tmp_path / "cache", tmp_path / "outside"
    (key,) = disk(path, chat("one", LARGE_ANSWER))
    (value,) = path.rglob("*.val")
    value.parent.parent.rename(outside)
    for number in range(256):
        (path / f"{number:02x}").symlink_to(outside)
    before = sorted(outside.rglob("*.val"))
    store = DiskStore(path)

    with pytest.raises(StoreUnavailable, match="is a link"):
        store.put("other", chat("two", LARGE_ANSWER))
    store.delete(key)
    assert sorted(outside.rglob("*.val")) == before


def test_a_journal_answers_for_what_stands_in_it_alone(tmp_path: Path) -> None:
    """A change that names another recording's mark takes its place, and not its key."""
    path = tmp_path / "a.json"
    cassette(path, chat("one", answer_json("1")), chat("two", answer_json("2")))
    marks = [entry.mark for entry in CassetteStore(path)._file.view().entries]
    change = {"text": dump_recording(chat("three", answer_json("3"))), "replaces": marks[0], "after": marks[1]}
    (tmp_path / ".a.json.journal").write_bytes(line_of(b'{"base": ""}') + line_of(json.dumps(change).encode()))

    assert answer_to(CassetteStore(path), "one") is None
    assert answer_to(CassetteStore(path), "two") == answer_json("2")
    assert answer_to(CassetteStore(path), "three") == answer_json("3")


@pytest.mark.parametrize(
    "change",
    [
        {"text": 5},
        {"text": "    {}"},
        {"text": "    {\n    },\n    {\n    }"},
        {"text": "    {\n    }\n  ]\n}\n"},
        {"text": "    []"},
        {"replaces": 5},
        {"replaces": "x", "after": ["x"]},
    ],
    ids=json.dumps,
)
def test_a_journal_of_nonsense_gets_into_no_cassette(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "a.json"
    cassette(path, chat("one"))
    before = path.read_bytes()
    (tmp_path / ".a.json.journal").write_bytes(line_of(b'{"base": ""}') + line_of(json.dumps(change).encode()))

    for _ in range(2):
        with pytest.raises(CassetteError, match=r"\.a\.json\.journal holds what replaycache did not write"):
            CassetteStore(path).all()
    assert path.read_bytes() == before


def test_the_key_of_a_match_is_no_claim(tmp_path: Path) -> None:
    """What lies under a key is confirmed by its digest; a digest that is another's is none."""
    path = tmp_path / "cache"
    one, two = chat("one", answer_json("1")), chat("two", answer_json("2"))
    store = DiskStore(path)
    store.put(Match().key(one.request), two.with_parts(digest=""))

    assert answer_to(DiskStore(path), "one") is None
