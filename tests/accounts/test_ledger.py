"""What a cache was asked for is noted, and nothing of that disturbs a call."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replaycache
from replaycache import CacheMiss, StoreUnavailable, Usage
from replaycache.accounts.ledger import FLUSH_CALLS, PRICE_TIERS, TOLD_APART, Entry, Ledger
from replaycache.accounts.noted import Noted
from replaycache.accounts.savings import of_ledger
from replaycache.stores import DiskStore
from tests.drivers import ASYNC, SYNC, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT

ANSWER = {"model": "m-1", "usage": {"prompt_tokens": 30, "completion_tokens": 4, "total_tokens": 34}}


def answers_with_usage(request: Received, wire: Wire) -> None:
    wire.answer(json.dumps(ANSWER).encode())


def total(entries: Iterable[Entry]) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in entries:
        found[entry.status] += entry.requests
    return found


def units(entries: Iterable[Entry]) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in entries:
        found.update(dict(entry.usage.units))
    return found


def in_process(code: str, directory: Path, **options: Any) -> subprocess.Popen[str]:
    """Runs code that has `store` and `note(n)` in a process of its own."""
    start = """
        import os, signal, sys
        from replaycache.stores import DiskStore
        from replaycache.accounts.noted import Noted
        store = DiskStore(sys.argv[1])
        def note(count):
            for number in range(count):
                store.note(Noted("hit", f"{number:032x}", None, 1.0, 0.0, 10))
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(code), str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process: subprocess.Popen[str], status: int = 0) -> None:
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (status, "", "")


# -- what is noted -----------------------------------------------------------------------------------------


def test_every_kind_of_call_is_noted(driver: Driver, tmp_path: Path) -> None:
    hosts = []

    async def body() -> None:
        with ScriptedServer(answers_with_usage) as server:
            hosts.append(server.url)
            async with driver.client(store=str(tmp_path)) as client:
                for _ in range(3):
                    await client.post(server.url + CHAT, json=ASKED)
                await client.request("GET", server.url + "/v1/models")
                with pytest.raises(CacheMiss):
                    await client.post(
                        server.url + CHAT, json={"model": "other"}, headers={"x-replaycache-mode": "replay"}
                    )
                await client.post(server.url + CHAT, json=ASKED, headers={"x-replaycache-mode": "off"})

    driver.run(body)

    entries = {entry.status: entry for entry in DiskStore(tmp_path).ledger.entries()}
    assert total(entries.values()) == {"hit": 2, "miss": 1, "live": 1, "refused": 1}
    size = len(json.dumps(ANSWER))
    assert entries["hit"].usage == Usage(hosts[0], "m-1", 60, 8)
    assert entries["miss"].usage == Usage(hosts[0], "m-1", 30, 4)
    assert entries["live"].usage == entries["refused"].usage == Usage("", "")
    assert (entries["hit"].size, entries["miss"].size) == (2 * size, size)
    assert entries["hit"].seconds == pytest.approx(2 * entries["miss"].seconds, abs=1e-5)
    assert entries["miss"].took == entries["miss"].seconds > 0
    assert entries["hit"].took > 0
    assert entries["live"].seconds > 0


def test_an_answer_that_tells_nothing_is_noted_with_its_model(driver: Driver, tmp_path: Path) -> None:
    hosts = []

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            hosts.append(server.url)
            async with driver.client(store=str(tmp_path)) as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)

    entries = DiskStore(tmp_path).ledger.entries()
    assert [(entry.status, entry.usage) for entry in entries] == [
        ("hit", Usage(hosts[0], ASKED["model"])),
        ("miss", Usage(hosts[0], ASKED["model"])),
    ]
    assert not entries[0].usage.is_told


def test_waiting_as_recorded_saves_no_time(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with ScriptedServer(answers_with_usage) as server:
            async with driver.client(store=str(tmp_path), pace=1) as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)

    hit = next(entry for entry in DiskStore(tmp_path).ledger.entries() if entry.status == "hit")
    assert hit.took >= hit.seconds > 0


def test_hits_write_nothing_until_the_store_is_closed(driver: Driver, tmp_path: Path) -> None:
    def disk() -> dict[str, tuple[int, int]]:
        return {item.name: (item.stat().st_mtime_ns, item.stat().st_size) for item in tmp_path.iterdir()}

    async def body() -> None:
        with ScriptedServer(answers_with_usage) as server:
            async with driver.client(store=str(tmp_path)) as client:
                await client.post(server.url + CHAT, json=ASKED)
                before = disk()
                for _ in range(10):
                    assert outcome_of(await client.post(server.url + CHAT, json=ASKED)).status == "hit"
                assert disk() == before
        assert disk() != before

    driver.run(body)

    assert total(Ledger(str(tmp_path / "usage.db")).entries()) == {"hit": 10, "miss": 1}
    assert (tmp_path / "usage.db").stat().st_mode & 0o777 == 0o600


names = st.text(max_size=3) | st.sampled_from(["gpt-4.1", "m" * 500, "\ud800", "a\0b"])
usages = st.builds(
    Usage,
    names,
    names,
    st.integers(0, 300_000),
    st.integers(0, 1 << 53),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    names,
    st.lists(st.tuples(st.sampled_from(["web_searches", "input_audio_tokens"]), st.integers(0, 9))).map(tuple),
)
calls = st.builds(
    Noted,
    st.sampled_from(["hit", "miss", "live", "refused"]),
    st.sampled_from(["k1", "k2"]),
    st.none() | usages,
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(0, 1 << 40),
)


@settings(max_examples=25)
@given(st.lists(st.lists(calls, max_size=8), max_size=3))
def test_sums_are_those_of_what_was_noted(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Noted]]
) -> None:
    ledger = Ledger(str(tmp_path_factory.mktemp("ledger") / "usage.db"))
    for batch in batches:
        for call in batch:
            ledger.note(call)
        ledger.flush()
    noted = [call for batch in batches for call in batch]
    used = [call.usage for call in noted if call.usage is not None]

    parts: tuple[Literal["hour", "day", "run"], ...] = ("hour", "day", "run")
    for each in parts:
        entries = ledger.entries(each)
        assert total(entries) == Counter(call.status for call in noted)
        for place in range(2, 7):
            assert sum(entry.usage[place] for entry in entries) == pytest.approx(sum(use[place] for use in used))
        assert sum(amount for entry in entries for _, amount in entry.usage.units) == sum(
            amount for use in used for _, amount in use.units
        )
        for name in ("seconds", "took", "size"):
            expected = sum(getattr(call, name) for call in noted)
            assert sum(getattr(entry, name) for entry in entries) == pytest.approx(expected)
    assert set(ledger.last_played()) == {call.key for call in noted if call.status == "hit"}


def test_calls_of_different_tiers_of_prices_are_added_up_apart(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    for size in (1, *(tier + more for tier in PRICE_TIERS for more in (0, 1))):
        ledger.note(Noted("hit", "k", Usage("openai", "m", size)))

    entries = ledger.entries()
    assert len(entries) == len(PRICE_TIERS) + 1
    assert {entry.usage.input_tokens for entry in entries} >= {1 + PRICE_TIERS[0], 524_289}


def test_hours_days_and_what_came_since(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    day = int(time.time()) // 86400 * 86400 - 7 * 86400
    for at in (day + 5, day + 3599, day + 3600, day + 86399, day + 86400):
        monkeypatch.setattr(time, "time", lambda at=at: float(at))
        ledger.note(Noted("live", "k"))
    monkeypatch.undo()

    def found(each: Literal["hour", "day"], since: float = 0) -> list[tuple[int, int]]:
        return [(entry.when - day, entry.requests) for entry in ledger.entries(each, since=since)]

    assert found("hour") == [(0, 2), (3600, 1), (82800, 1), (86400, 1)]
    assert found("day") == [(0, 4), (86400, 1)]
    assert found("hour", day + 3600) == [(3600, 1), (82800, 1), (86400, 1)]
    assert found("hour", day + 3599) == found("hour")


# -- what is old -------------------------------------------------------------------------------------------


def at(moment: float) -> Any:
    """A clock that stands at a moment, in seconds since 1970."""
    return mock.patch.object(time, "time", return_value=moment)


def as_another_process(path: str, name: str) -> None:
    """Makes what this process noted since the last time another one's."""
    with closing(sqlite3.connect(path)) as database, database:
        mine = database.execute("SELECT run, started FROM runs WHERE program <> 'other'").fetchall()
        for run, started in mine:
            database.execute("INSERT INTO runs (run, program, started) VALUES (?, 'other', ?)", (name, started))
            database.execute("DELETE FROM runs WHERE run = ?", (run,))
            for table in ("calls", "units"):
                database.execute(f"UPDATE {table} SET run = ? WHERE run = ?", (name, run))


priced = st.builds(
    Usage,
    st.just("openai"),
    st.sampled_from(["gpt-4.1", "none"]),
    st.sampled_from([0, 10, 300_000]),
    st.integers(0, 9),
    units=st.sampled_from([(), (("web_searches", 1),), (("input_audio_tokens", 3), ("web_searches", 2))]),
)
dated = st.tuples(
    st.builds(
        lambda day, hour: day * 86400 + hour * 3600, st.sampled_from([0, 1, 89, 90, 91, 179]), st.integers(0, 23)
    ),
    st.builds(
        Noted,
        st.sampled_from(["hit", "miss"]),
        st.just("k"),
        st.none() | priced,
        st.integers(0, 99),
        st.integers(0, 99),
        st.integers(0, 1 << 30),
    ),
)


@pytest.mark.exhaustive
@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(dated, max_size=9), max_size=4), st.integers(0, 86399))
def test_what_is_old_is_added_up_by_day_and_no_sum_changes(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[tuple[int, Noted]]], hour: int
) -> None:
    ledger = Ledger(str(tmp_path_factory.mktemp("ledger") / "usage.db"))
    start = int(time.time()) // 86400 * 86400 - 300 * 86400
    now = start + 180 * 86400 + hour
    told_apart = (now - TOLD_APART) // 86400 * 86400
    for number, calls in enumerate(runs):
        for since, call in calls:
            with at(start + since):
                ledger.note(call)
        with at(start):  # nothing is old yet
            ledger.flush()
            if calls:
                as_another_process(ledger.path, f"run {number}")
    with at(start):
        days, lines = ledger.entries("day"), of_ledger(ledger)
        hours = ledger.entries("hour", since=told_apart)

    with at(now):
        ledger.note(Noted("refused", "k"))
        ledger.flush()
        ledger.note(Noted("refused", "k"))

        def without_mine(entries: list[Entry]) -> list[Entry]:
            return [entry for entry in entries if (entry.status, entry.usage) != ("refused", Usage("", ""))]

        assert without_mine(ledger.entries("day")) == without_mine(days)
        assert without_mine(ledger.entries("hour", since=told_apart)) == without_mine(hours)
        by_run = ledger.entries("run")
        found = of_ledger(ledger)
    assert (found.total.saved, found.total.spent) == (lines.total.saved, lines.total.spent)
    assert total(by_run) == total(days) + Counter(refused=2)
    assert units(by_run) == units(days)
    old = {
        number
        for number, calls in enumerate(runs)
        if calls and all(start + since < told_apart for since, _ in calls)
    }
    assert not {f"run {number}" for number in old} & {entry.run for entry in by_run}
    assert all(entry.program == "" for entry in by_run if entry.run == "")


def test_many_runs_of_long_ago_take_no_room(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    day = int(time.time()) // 86400 * 86400 - 200 * 86400
    for number in range(50):
        with at(day + number):
            ledger.note(Noted("hit", "k", Usage("openai", "gpt-4.1", 10, 1), 1.0))
            ledger.flush()
        as_another_process(ledger.path, f"run {number}")

    ledger.note(Noted("miss", "k"))
    mine, *others = ledger.entries("run")[::-1]

    assert (mine.status, mine.requests) == ("miss", 1)
    assert [(entry.run, entry.when, entry.requests, entry.seconds) for entry in others] == [("", day, 50, 50.0)]
    assert [entry.run for entry in ledger.entries("run", newest=9)] == [mine.run]
    with closing(sqlite3.connect(ledger.path)) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]
        assert database.execute("SELECT count(*) FROM calls").fetchall() == [(2,)]


def test_what_is_removed_is_forgotten(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    assert ledger.last_played() == {}
    ledger.forget(["a"])
    assert not (tmp_path / "usage.db").exists()
    before = time.time()
    for key in ("a", "b", "a"):
        ledger.note(Noted("hit", key))
    ledger.note(Noted("miss", "c"))

    assert all(before <= at <= time.time() for at in ledger.last_played().values())
    ledger.forget(["a", "unknown"])
    assert set(ledger.last_played()) == {"b"}
    assert total(ledger.entries()) == {"hit": 3, "miss": 1}


# -- processes and threads ---------------------------------------------------------------------------------


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    code = """
        for _ in range(20):
            note(10)
            store.ledger.flush()
        note(3)
    """
    processes = [in_process(code, tmp_path) for _ in range(4)]
    for process in processes:
        finish(process)

    ledger = DiskStore(tmp_path).ledger
    runs = Counter[str]()
    for entry in ledger.entries("run"):
        assert entry.program == "-c"
        runs[entry.run] += entry.requests
    assert list(runs.values()) == [203] * 4
    assert [entry.run for entry in ledger.entries("run", newest=2)] == list(runs)[2:]
    starts = [entry.started for entry in ledger.entries("run")]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("code", "noted"),
    [
        pytest.param("note(5)", 5, id="at its end"),
        pytest.param("note(5); del store", 5, id="of a store that is gone"),
        pytest.param("note(5); sys.exit(0)", 5, id="by exit"),
        pytest.param("note(5); store.close(); note(2)", 7, id="after close"),
    ],
)
def test_a_process_that_ends_writes_what_it_noted(tmp_path: Path, code: str, noted: int) -> None:
    finish(in_process(code, tmp_path))

    assert total(DiskStore(tmp_path).ledger.entries()) == {"hit": noted}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_writes_its_own_and_not_its_parents(tmp_path: Path) -> None:
    code = """
        note(5)
        child = os.fork()
        if not child:
            note(3)
            sys.exit(0)
        os.waitpid(child, 0)
        note(2)
    """
    finish(in_process(code, tmp_path))

    assert sorted(entry.requests for entry in DiskStore(tmp_path).ledger.entries("run")) == [3, 7]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_writes_what_it_noted(tmp_path: Path, method: str) -> None:
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, sys
            from replaycache.stores import DiskStore
            from replaycache.accounts.noted import Noted

            def work(directory):
                store = DiskStore(directory)
                for number in range(3):
                    store.note(Noted("hit", "k"))

            if __name__ == "__main__":
                work(sys.argv[1])
                child = multiprocessing.get_context({method!r}).Process(target=work, args=sys.argv[1:])
                child.start()
                child.join()
                sys.exit(child.exitcode)
            """
        )
    )
    environment = os.environ | {"PYTHONPATH": str(Path(replaycache.__file__).parents[1])}
    subprocess.run([sys.executable, script, tmp_path], check=True, timeout=60, env=environment)

    entries = DiskStore(tmp_path).ledger.entries("run")
    assert [(entry.program, entry.requests) for entry in entries] == [("program.py", 3)] * 2


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is not known to Windows")
def test_a_killed_process_loses_only_what_it_had_not_written(tmp_path: Path) -> None:
    finish(
        in_process("note(5); store.ledger.flush(); note(3); os.kill(os.getpid(), signal.SIGKILL)", tmp_path),
        -signal.SIGKILL,
    )

    ledger = DiskStore(tmp_path).ledger
    assert total(ledger.entries()) == {"hit": 5}
    ledger.note(Noted("miss", "k"))
    assert total(ledger.entries()) == {"hit": 5, "miss": 1}


def test_threads_that_note_and_flush_lose_nothing(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    barrier = threading.Barrier(6)

    def work(flushes: bool) -> None:
        barrier.wait()
        for number in range(2000):
            ledger.note(Noted("hit", "k"))
            if flushes and number % 100 == 0:
                ledger.flush()

    threads = [threading.Thread(target=work, args=(number < 2,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert total(ledger.entries()) == {"hit": 12_000}


def test_whoever_calls_does_not_wait_for_another_process_that_holds_the_file(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    ledger.note(Noted("miss", "k"))
    ledger.flush()
    other = sqlite3.connect(tmp_path / "usage.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for _ in range(FLUSH_CALLS + 5):  # waiting here, they would give up before the other lets go
        ledger.note(Noted("hit", "k"))
    other.execute("ROLLBACK")
    other.close()

    assert total(ledger.entries()) == {"hit": FLUSH_CALLS + 5, "miss": 1}


# -- where it cannot be written ----------------------------------------------------------------------------


def directory_in_its_place(path: Path) -> None:
    path.mkdir()


def pipe_in_its_place(path: Path) -> None:
    """Whoever opens it to read waits for somebody who writes."""
    os.mkfifo(path)


def damaged(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be taken for one" * 50)


def cut_short(path: Path) -> None:
    ledger = Ledger(str(path))
    for number in range(2000):
        ledger.note(Noted("hit", f"{number:032x}"))
    ledger.flush()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def newer(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("driver", [SYNC[0], ASYNC[-1]], ids=str)
@pytest.mark.parametrize(
    "spoil",
    [
        directory_in_its_place,
        damaged,
        cut_short,
        newer,
        pytest.param(
            pipe_in_its_place,
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here"),
        ),
    ],
)
def test_calls_go_on_where_nothing_can_be_noted(
    driver: Driver, tmp_path: Path, spoil: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    spoil(tmp_path / "usage.db")

    async def body() -> None:
        with ScriptedServer(answers_with_usage) as server:
            async with driver.client(store=str(tmp_path)) as client:
                answers = [await client.post(server.url + CHAT, json=ASKED) for _ in range(2)]
        assert [outcome_of(answer).status for answer in answers] == ["miss", "hit"]

    driver.run(body)

    assert capfd.readouterr() == ("", "")
    with pytest.raises(StoreUnavailable, match="upgrade it" if spoil is newer else "move it aside"):
        DiskStore(tmp_path).ledger.entries()


def test_what_another_program_wrote_into_it_is_an_error_that_says_so(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    ledger.note(Noted("hit", "k"))
    ledger.flush()
    database = sqlite3.connect(tmp_path / "usage.db")
    database.execute("UPDATE calls SET model = x'00'")
    database.commit()
    database.close()

    with pytest.raises(StoreUnavailable, match="move it aside"):
        ledger.entries()


def test_a_bit_that_turned_in_its_tables_is_an_error_that_says_so(tmp_path: Path) -> None:
    """SQLite quotes what it cannot read, and Python cannot read the quotation."""
    ledger = Ledger(str(tmp_path / "usage.db"))
    ledger.note(Noted("hit", "k"))
    ledger.flush()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = tmp_path / "usage.db"
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE", b"CREATE TABL\xc5"))

    for ask in (ledger.entries, ledger.last_played, lambda: ledger.forget(["k"])):
        with pytest.raises(StoreUnavailable, match="move it aside"):
            ask()


@pytest.mark.filterwarnings("error")
def test_whatever_is_noted_disturbs_no_call(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "usage.db"))
    for usage in (Usage("", "m", "many"), Usage(None, 7), Usage("", "m", units=((1, 2, 3),))):  # type: ignore[arg-type]  # wrong on purpose
        ledger.note(Noted("hit", "k", usage))
        ledger.flush()
    ledger.note(Noted("hit", "k"))

    assert total(ledger.entries()) == {"hit": 1}


def test_a_cache_that_is_removed_is_not_made_again(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "gone" / "usage.db"))
    ledger.note(Noted("hit", "k"))
    ledger.flush()

    assert not (tmp_path / "gone").exists()
    assert ledger.entries() == []
