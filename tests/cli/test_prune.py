"""`replaycache prune`."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from replaycache import Body, Chunk, Recording
from replaycache.accounts.amounts import parse_size
from replaycache.accounts.noted import Noted
from replaycache.maintenance.pruning import AT_ONCE, Rules, candidates, remove
from replaycache.stores import DiskStore

from .recorded import answer_json, cassette, chat, disk, replaycache

DAY = 86400.0


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def _keys(cache: Path) -> set[str]:
    store = DiskStore(cache)
    try:
        return set(store.keys())
    finally:
        store.close()


def _stored_ago(cache: Path, **seconds: float) -> None:
    """Moves the time at which entries were stored into the past, as only passing time would."""
    with closing(sqlite3.connect(cache / "cache.db")) as database, database:
        for key, ago in seconds.items():
            database.execute("UPDATE Cache SET store_time = ? WHERE key = ?", (time.time() - ago, key.lstrip("_")))


def _large(asked: str, size: int, age: float = 60) -> Recording:
    return chat(asked, Body.of([Chunk(bytes(range(256)) * (size // 256), 0.1)]), age=age)


def test_it_needs_to_be_told_what_goes(cache: Path) -> None:
    disk(cache, chat())

    done = replaycache("prune", str(cache))

    assert done.exit_code == 2
    assert "--older-than" in done.stderr
    assert len(_keys(cache)) == 1


def test_by_age(cache: Path) -> None:
    old, new = disk(cache, chat("old", age=40 * DAY), chat("new", age=DAY))

    done = replaycache("prune", str(cache), "--older-than", "30d")

    assert done.exit_code == 0
    assert done.stdout.split("\t")[0] == old
    assert "1 recording removed" in done.stderr
    assert "1 is left" in done.stderr
    assert _keys(cache) == {new}


def test_a_recording_whose_time_is_not_known_is_as_old_as_it_is_stored(cache: Path) -> None:
    recording = chat()
    recording.recorded_at = 0.0
    disk(cache, recording)

    replaycache("prune", str(cache), "--older-than", "1d", "--yes")

    assert len(_keys(cache)) == 1


def test_by_model_with_a_pattern_and_by_status(cache: Path) -> None:
    mini, large, failed = disk(
        cache,
        chat("a", model="gpt-4o-mini"),
        chat("b", answer_json(model="o3-2025"), model="o3"),
        chat("c", answer_json(model="o3-2025"), model="o3", status=429),
    )

    assert replaycache("prune", str(cache), "--status", "4xx").exit_code == 0
    assert _keys(cache) == {mini, large}
    replaycache("prune", str(cache), "--model", "gpt-4*")
    assert _keys(cache) == {large}
    assert failed


def test_all_that_is_given_must_fit(cache: Path) -> None:
    keys = disk(cache, chat("a", age=40 * DAY), chat("b", answer_json(model="o3"), model="o3", age=40 * DAY))

    replaycache("prune", str(cache), "--older-than", "30d", "--model", "o3")

    assert _keys(cache) == {keys[0]}


def test_least_recently_used(cache: Path) -> None:
    played, idle, fresh = disk(cache, chat("played", age=90 * DAY), chat("idle", age=90 * DAY), chat("fresh"))
    _stored_ago(cache, **{f"_{played}": 90 * DAY, f"_{idle}": 90 * DAY})
    store = DiskStore(cache)
    store.note(Noted("hit", played))
    store.close()

    done = replaycache("prune", str(cache), "--unused-for", "30d", "--json")

    assert json.loads(done.stdout)["removed"][0]["key"] == idle
    assert _keys(cache) == {played, fresh}


def test_what_was_stored_a_moment_ago_is_in_use_however_old_its_answer(cache: Path) -> None:
    disk(cache, chat(age=400 * DAY))

    replaycache("prune", str(cache), "--unused-for", "30d", "--yes")

    assert len(_keys(cache)) == 1


def test_by_size_the_oldest_go_until_the_rest_fits(cache: Path) -> None:
    keys = disk(cache, *(_large(f"number {number}", 100_000, age=1000 - number) for number in range(20)))
    limit = 600_000

    done = replaycache("prune", str(cache), "--max-size", "600kB", "-q")

    assert done.exit_code == 0
    left = _keys(cache)
    assert left == set(keys[-len(left) :])
    assert 4 <= len(left) <= 5
    size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert size <= limit + 64_000


def test_by_size_the_least_recently_used_go(cache: Path) -> None:
    keys = disk(cache, *(_large(f"number {number}", 100_000) for number in range(4)))
    _stored_ago(cache, **{f"_{key}": DAY for key in keys})
    store = DiskStore(cache)
    store.note(Noted("hit", keys[0]))
    store.close()

    replaycache("prune", str(cache), "--max-size", "150k", "--lru")

    assert _keys(cache) == {keys[0]}


def test_the_disk_has_the_room_again(cache: Path) -> None:
    recordings = [_large(f"number {number}", 200_000) for number in range(10)] + [_large("file", 2_000_000)]
    disk(cache, chat("stays", answer_json(model="other"), model="other"), *recordings)

    def size() -> int:
        return sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())

    before = size()
    done = replaycache("prune", str(cache), "--model", "gpt-4o-mini", "--json")

    told = json.loads(done.stdout)
    assert told["count"] == 11
    assert told["kept"] == 1
    assert before - size() == told["freed"]
    assert size() < 100_000


def test_a_process_that_reads_meanwhile_does_not_stop_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(cache, chat("a"), chat("b"))
    monkeypatch.setattr("replaycache.stores.disk.LOCK_TIMEOUT", 0.05)
    with closing(sqlite3.connect(cache / "cache.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM Cache").fetchone()

        done = replaycache("prune", str(cache), "--all", "--yes")

    assert done.exit_code == 0
    assert "another process is reading it" in done.stderr
    assert not _keys(cache)


def test_a_dry_run_changes_nothing(cache: Path) -> None:
    keys = disk(cache, chat("a"), chat("b"))

    done = replaycache("prune", str(cache), "--all", "--dry-run")

    assert done.exit_code == 0
    assert "2 recordings would go" in done.stderr
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == set(keys)
    assert _keys(cache) == set(keys)


def test_the_last_recordings_go_only_when_that_is_confirmed(cache: Path) -> None:
    disk(cache, chat("a"), chat("b"))

    refused = replaycache("prune", str(cache), "--older-than", "1s")

    assert refused.exit_code == 3
    assert "All 2 recordings" in refused.stderr
    assert "--yes" in refused.stderr
    assert len(_keys(cache)) == 2
    assert replaycache("prune", str(cache), "--all", "--yes").exit_code == 0
    assert not _keys(cache)


def test_nothing_to_remove_is_no_failure(cache: Path) -> None:
    disk(cache, chat())

    done = replaycache("prune", str(cache), "--older-than", "52w")

    assert done.exit_code == 0
    assert done.stdout == ""
    assert "0 recordings removed" in done.stderr


def test_what_was_played_is_forgotten_with_the_recording(cache: Path) -> None:
    (key,) = disk(cache, chat())
    store = DiskStore(cache)
    store.note(Noted("hit", key))
    store.close()

    replaycache("prune", str(cache), "--all", "--yes")

    assert DiskStore(cache).ledger.last_played() == {}


def _damage(cache: Path, key: str) -> None:
    with closing(sqlite3.connect(cache / "cache.db")) as database, database:
        database.execute("UPDATE Cache SET value = substr(value, 1, 60) WHERE key = ?", (key,))


def test_damaged_entries_are_told_and_removed_on_request(cache: Path) -> None:
    damaged, whole = disk(cache, chat("a"), chat("b"))
    _damage(cache, damaged)

    told = replaycache("prune", str(cache), "--model", "o3")
    assert told.exit_code == 0
    assert "1 entry cannot be read" in told.stderr
    assert _keys(cache) == {damaged, whole}

    removed = replaycache("prune", str(cache), "--damaged")
    assert removed.exit_code == 0
    assert _keys(cache) == {whole}


def test_a_recording_of_a_newer_format_stays(cache: Path) -> None:
    (key,) = disk(cache, chat())
    with closing(sqlite3.connect(cache / "cache.db")) as database, database:
        (value,) = database.execute("SELECT value FROM Cache").fetchone()
        database.execute("UPDATE Cache SET value = ?", (value[:7] + b"\x63" + value[8:],))

    done = replaycache("prune", str(cache), "--damaged", "--yes")

    assert done.exit_code == 0
    assert _keys(cache) == {key}


def test_a_ledger_of_a_newer_version_is_not_guessed_at(cache: Path) -> None:
    disk(cache, chat())
    with closing(sqlite3.connect(cache / "usage.db")) as database:
        database.execute("PRAGMA user_version = 99")

    done = replaycache("prune", str(cache), "--unused-for", "1d", "--yes")

    assert done.exit_code == 3
    assert "newer version" in done.stderr
    assert len(_keys(cache)) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--older-than", "soon"], "soon"),
        (["--max-size", "much"], "much"),
        (["--status", "fine"], "fine"),
        (["--all", "--lru"], "--max-size"),
    ],
)
def test_wrong_use(cache: Path, arguments: list[str], told: str) -> None:
    disk(cache, chat())

    done = replaycache("prune", str(cache), *arguments)

    assert done.exit_code == 2
    assert told in done.stderr
    assert len(_keys(cache)) == 1


def test_a_recording_goes_by_its_key_or_the_beginning_of_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third, fourth = disk(cache, *map(chat, "abcd"))

    dry = replaycache("prune", first[:8], "--store", str(cache), "--dry-run")
    assert dry.stdout.split("\t")[0] == first
    assert "1 recording would go" in dry.stderr
    assert _keys(cache) == {first, second, third, fourth}

    done = replaycache("prune", first[:8], second, first, "--store", str(cache), "--json")
    told = json.loads(done.stdout)
    assert (told["count"], told["kept"]) == (2, 2)
    assert [gone["key"] for gone in told["removed"]] == [first, second]
    assert _keys(cache) == {third, fourth}

    quiet = replaycache("prune", f"{cache}#{third[:6]}", "-q")
    assert (quiet.exit_code, quiet.stdout) == (0, "")

    monkeypatch.setenv("REPLAYCACHE_DIR", str(cache))
    assert replaycache("prune", fourth[:6].upper()).exit_code == 0
    assert not _keys(cache)


def test_by_its_key_a_recording_is_told_as_by_rules(cache: Path) -> None:
    (key,) = disk(cache, chat(age=9 * DAY))
    _stored_ago(cache, **{f"_{key}": 3 * DAY})

    by_rules = replaycache("prune", str(cache), "--all", "--dry-run", "--json")
    by_key = replaycache("prune", key, "--store", str(cache), "--dry-run", "--json")

    assert json.loads(by_key.stdout) == json.loads(by_rules.stdout)


def test_a_damaged_entry_goes_by_its_key(cache: Path) -> None:
    damaged, whole = disk(cache, chat("a"), chat("b"))
    _damage(cache, damaged)

    done = replaycache("prune", damaged[:8], "--store", str(cache), "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["removed"][0]["status"] is None
    assert _keys(cache) == {whole}


def test_of_a_cassette_only_the_lines_of_the_recording_go(tmp_path: Path) -> None:
    path, expected = tmp_path / "c.json", tmp_path / "expected.json"
    recordings = [chat(text, age=age) for age, text in enumerate(("a", "b", "c", "d"))]
    cassette(path, *recordings)
    cassette(expected, recordings[1])
    before = path.read_text()

    dry = replaycache("prune", f"{path}#1", "--dry-run")
    assert dry.stdout.rstrip("\n").split("\t")[6] == f"{path}#1"
    assert path.read_text() == before

    done = replaycache("prune", f"{path}#1", f"{path}#3", "4", "--store", str(path), "--json")

    told = json.loads(done.stdout)
    assert [gone["number"] for gone in told["removed"]] == [1, 3, 4]
    assert told["freed"] == len(before) - path.stat().st_size
    assert path.read_text() == expected.read_text()
    assert [item.name for item in tmp_path.iterdir() if item != expected] == ["c.json"]


def test_the_first_and_the_last_of_a_cassette_go_by_place_and_by_key(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    cassette(path, chat("a"), chat("b"))
    key = json.loads(replaycache("ls", str(path), "--json").stdout.splitlines()[-1])["key"]

    assert replaycache("prune", f"{path}#{key[:8]}").exit_code == 0
    assert [
        json.loads(line)["number"] for line in replaycache("show", str(path), "--json").stdout.splitlines()
    ] == [1]
    assert replaycache("prune", f"{path}#1").exit_code == 0
    assert json.loads(path.read_text()) == {"format": "replaycache/1", "recordings": []}


def test_recordings_of_several_stores_go_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        cassette(path, chat("a"), chat("b"))

    done = replaycache("prune", *(f"{path}#2" for path in paths))

    assert done.exit_code == 0
    assert "2 recordings removed" in done.stderr
    assert [len(json.loads(path.read_text())["recordings"]) for path in paths] == [1, 1]


def test_a_key_of_several_recordings_is_ambiguous_in_a_cassette(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    cassette(path, chat("a"), chat("b"), chat("a", answer_json("Again.")))
    key = json.loads(replaycache("ls", str(path), "--json").stdout.splitlines()[0])["key"]
    before = path.read_text()

    done = replaycache("prune", f"{path}#{key[:8]}")

    assert done.exit_code == 2
    assert "#1, #3" in done.stderr
    assert path.read_text() == before


def test_digits_are_a_number_where_a_cassette_has_so_many(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    cassette(path, *(chat(str(number)) for number in range(1001)))

    assert json.loads(replaycache("show", f"{path}#1000", "--json").stdout)["number"] == 1000
    done = replaycache("prune", f"{path}#1000", "--json")

    assert json.loads(done.stdout)["removed"][0]["number"] == 1000


def test_where_one_name_is_wrong_nothing_goes(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    cassette(path, chat("a"), chat("b"))
    before = path.read_text()

    for name, status, told in (
        (f"{path}#3", 1, "there is no recording 3"),
        (f"{path}#0", 1, "there is no recording 0"),
        (f"{path}#ffff", 1, "begins with ffff"),
        (f"{path}#what", 2, "neither a key"),
        (f"{path}#", 2, "neither a key"),
        (str(path), 2, f"{path}#3"),
        (str(tmp_path / "nowhere.json#1"), 3, "does not exist"),
    ):
        done = replaycache("prune", f"{path}#1", name)
        assert (done.exit_code, done.stdout) == (status, ""), done.stderr
        assert told in done.stderr
        assert path.read_text() == before


def test_another_recorders_file_is_not_changed(tmp_path: Path) -> None:
    from tests.cli.test_opening import HAR

    path = tmp_path / "a.har"
    path.write_text(json.dumps(HAR))
    before = path.read_bytes()

    done = replaycache("prune", f"{path}#1")

    assert done.exit_code == 3
    assert "only read" in done.stderr
    assert path.read_bytes() == before


def test_names_and_rules_exclude_each_other(cache: Path) -> None:
    (key,) = disk(cache, chat())

    for arguments in ([f"{cache}#{key}", "--all"], [key, "--store", str(cache), "--model", "o3"]):
        done = replaycache("prune", *arguments, "--yes")
        assert done.exit_code == 2
        assert "one or the other" in done.stderr
    assert _keys(cache) == {key}
    assert replaycache("prune", "--store", str(cache), "--all", "--yes").exit_code == 0
    assert not _keys(cache)


def test_a_cassette_is_no_cache(tmp_path: Path) -> None:
    cassette(tmp_path / "c.json", chat())

    done = replaycache("prune", str(tmp_path / "c.json"), "--all")

    assert done.exit_code == 2
    assert "works on a cache" in done.stderr
    assert "FILE.json#3" in done.stderr


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    done = replaycache("prune", str(tmp_path / "nowhere"), "--all")

    assert done.exit_code == 3
    assert "does not exist" in done.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("text", "size"),
    [("1000", 1000), ("500MB", 500_000_000), ("1.5k", 1500), ("2GiB", 2 << 30), ("3 TB", 3 * 10**12)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text, "--max-size") == size


@pytest.mark.parametrize("text", ["", "much", "5iB", "-1", "1.5.2MB"])
def test_what_is_no_size_is_told(text: str, cache: Path) -> None:
    done = replaycache("prune", str(cache), "--max-size", text)

    assert done.exit_code == 2
    assert f"--max-size={text!r} is no size" in done.stderr


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_model_is_not_every_model(name: str, cache: Path) -> None:
    """As in `--model "$MODEL"`, where nothing is set."""
    disk(cache, chat("a"), chat("b"))

    done = replaycache("prune", str(cache), "--model", name, "--yes")

    assert done.exit_code == 2
    assert "--model" in done.stderr
    assert len(_keys(cache)) == 2


def test_what_is_recorded_anew_while_one_is_asked_stays(cache: Path) -> None:
    old, other = disk(cache, chat("old", age=40 * DAY), chat("other", age=40 * DAY))
    _stored_ago(cache, **{f"_{old}": 40 * DAY, f"_{other}": 40 * DAY})
    store = DiskStore(cache)
    rules = Rules(recorded_before=time.time() - 30 * DAY)
    going = list(candidates(store, rules))

    disk(cache, chat("old", age=0))

    assert [candidate.goes for candidate in going] == [True, True]
    assert [candidate.key for candidate in remove(store, going)] == [other]
    assert list(store.keys()) == [old]
    store.close()


def test_of_equal_age_no_more_go_than_must(cache: Path) -> None:
    keys = disk(cache, *(_large(f"number {number}", 100_000) for number in range(6)))
    now = time.time() - DAY
    store = DiskStore(cache)
    for key in keys:
        recording = store.get(key)
        assert recording is not None
        recording.recorded_at = now
        store.put(key, recording)
    store.close()

    replaycache("prune", str(cache), "--max-size", "350k")

    assert _keys(cache) == set(keys[3:])


def test_what_by_size_goes_is_listed_with_its_model(cache: Path) -> None:
    disk(cache, chat("a", model="gpt-4o", age=DAY), chat("b"))

    done = replaycache("prune", str(cache), "--max-size", "1500", "--dry-run")

    assert [line.split("\t")[3:5] for line in done.stdout.splitlines()] == [["gpt-4o", "200"]]


def test_others_record_while_it_removes(cache: Path) -> None:
    keys = disk(cache, *(chat(str(number)) for number in range(3 * AT_ONCE)))
    store = DiskStore(cache)
    rules = Rules(everything=True)

    gone = remove(store, candidates(store, rules, began=time.time()))
    assert next(gone).key == keys[0]
    with closing(sqlite3.connect(cache / "cache.db", timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody is waited for
        other.rollback()
    (meanwhile,) = disk(cache, chat("meanwhile"))
    assert [candidate.key for candidate in gone] == keys[1:]

    assert list(store.keys()) == [meanwhile]
    store.close()


def test_broken_off_it_has_removed_what_it_told_and_forgotten_it(cache: Path) -> None:
    keys = disk(cache, *(chat(str(number)) for number in range(3 * AT_ONCE)))
    store = DiskStore(cache)
    for key in keys:
        store.note(Noted("hit", key))
    store.ledger.flush()

    gone = remove(store, candidates(store, Rules(everything=True)))
    told = {next(gone).key for _ in range(AT_ONCE + 1)}
    gone.close()

    assert told <= set(keys) - set(store.keys())
    assert set(store.ledger.last_played()) == set(store.keys()) == set(keys[2 * AT_ONCE :])
    assert all(store.get(key) for key in store.keys())  # noqa: SIM118  # a store is no dict
    store.close()


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform == "win32", reason="no signal reaches one process alone there")
def test_interrupted_it_has_removed_what_it_listed_and_keeps_the_rest(cache: Path) -> None:
    # the list is longer than a pipe holds, so that the signal finds the program at work
    recordings = [chat(str(number)) for number in range(1500)]
    keys = disk(cache, *recordings)
    process = subprocess.Popen(
        [sys.executable, "-m", "replaycache", "prune", str(cache), "--all", "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # `communicate` passes over what is read ahead
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate()

    assert process.returncode == 130, told
    left = _keys(cache)
    listed = [line.split("\t")[0] for line in (first + rest).decode().splitlines()]
    assert listed[:-1] == keys[: len(listed) - 1]  # the last line may be cut
    assert left
    assert left.isdisjoint(listed[:-1])
    store = DiskStore(cache)
    assert all(store.get(key) == recordings[keys.index(key)] for key in left)
    store.close()
    assert replaycache("prune", str(cache), "--all", "--yes", "-q").exit_code == 0
    assert not _keys(cache)


def test_a_large_database_is_not_written_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replaycache.cli.prune.WRITTEN_ANEW", 0)
    disk(cache, *(_large(f"number {number}", 100_000, age=(number % 3) * DAY) for number in range(30)))
    before = sum(path.stat().st_size for path in cache.iterdir())

    done = replaycache("prune", str(cache), "--older-than", "12h", "--json")

    told = json.loads(done.stdout)
    assert told["count"] == 20
    assert told["freed"] == before - sum(path.stat().st_size for path in cache.iterdir())
    assert told["freed"] > before * 0.6
