"""One disk cache under several openers: transports, threads, processes, forks, and where it cannot be written."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import replaycache
from replaycache import StoreUnavailable
from replaycache._models import Body, Segment
from replaycache.accounts.noted import Noted
from replaycache.httpx import AsyncReplayTransport, ReplayTransport
from replaycache.stores import DiskStore
from tests.tables import first_of

from .samples import large, recording

ROOT = Path(__file__).resolve().parents[2]
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")

PRELUDE = """
import asyncio, json, os, random, sys, threading
import httpx
from pathlib import Path
from replaycache.httpx import AsyncReplayTransport, ReplayTransport
from replaycache.stores import DiskStore
from tests.stores.samples import large, recording

directory = sys.argv[1]

def answer(request):
    size = json.loads(request.content)["size"]
    return httpx.Response(200, json={"choices": [{"finish_reason": "stop", "message": {"content": "x" * size}}]})

def asking(who, number):
    return {"model": "m", "messages": [{"role": "user", "content": f"{os.getpid()} {who} {number}"}],
            "size": 700_000 if number % 20 == 7 else number}

URL = "http://api.test/v1/chat/completions"
upstream = httpx.MockTransport(answer)

def record(who, count, acknowledged):
    with httpx.Client(transport=ReplayTransport(upstream, store=directory)) as client:
        for number in range(count):
            outcome = client.post(URL, json=asking(who, number)).extensions["replaycache"]
            assert outcome.status == "miss", outcome
            acknowledged.append(outcome.key)

async def record_async(who, count, acknowledged):
    async with httpx.AsyncClient(transport=AsyncReplayTransport(upstream, store=directory)) as client:
        for number in range(count):
            outcome = (await client.post(URL, json=asking(who, number))).extensions["replaycache"]
            assert outcome.status == "miss", outcome
            acknowledged.append(outcome.key)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own, with what `PRELUDE` has."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 120) -> str:
    """What it printed; it is an error if it failed."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"it hangs: {process.communicate()[1]}") from None
    assert (process.returncode, err) == (0, ""), err
    return out


def check(directory: Path, acknowledged: set[str]) -> None:
    """What was acknowledged is there, for a reader of its own, and the database is sound."""
    with closing(sqlite3.connect(directory / "cache.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = DiskStore(directory)
    assert acknowledged - set(store.keys()) == set()
    assert all(store.get(key) is not None for key in acknowledged)
    assert len(store) == len(list(store.keys()))
    store.close()


def ls(directory: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "replaycache", "ls", "--json", str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line)["key"] for line in done.stdout.splitlines()]


# -- several openers ---------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_what_is_recorded_beside_another_process_that_lists_is_seen_by_all(tmp_path: Path) -> None:
    """Two clients with a transport each, and a shell: what README shows."""
    code = """
        acknowledged = []
        with httpx.Client(transport=ReplayTransport(upstream, store=directory)) as one:
            with httpx.Client(transport=ReplayTransport(upstream, store=directory)) as other:
                for number in range(20):
                    client = (one, other)[number % 2]
                    outcome = client.post(URL, json=asking("both", number)).extensions["replaycache"]
                    acknowledged.append(outcome.key)
                    if number in (1, 4):
                        print(json.dumps(acknowledged), flush=True)
                        sys.stdin.readline()
                asyncio.run(record_async("task", 5, acknowledged))
                print(json.dumps(acknowledged), flush=True)
                sys.stdin.readline()
    """
    directory = tmp_path / "cache"
    process = start(code, directory)
    assert process.stdin is not None
    assert process.stdout is not None
    acknowledged: list[str] = []
    for count in (2, 5, 25):
        acknowledged = json.loads(process.stdout.readline())
        assert len(acknowledged) == count
        assert set(ls(directory)) == set(acknowledged)
        process.stdin.write("\n")
        process.stdin.flush()
    finish(process)

    check(directory, set(acknowledged))


OPENING = """
    seed, transports, count = map(int, sys.argv[2:5])
    chance = random.Random(seed)
    acknowledged, failed = [], []

    def run(who, of_tasks):
        try:
            for part in range(3):
                if of_tasks:
                    asyncio.run(record_async(f"{who} {part}", count, acknowledged))
                else:
                    record(f"{who} {part}", count, acknowledged)
        except BaseException as error:
            failed.append(f"{who}: {error!r}")

    threads = [threading.Thread(target=run, args=(number, number % 2)) for number in range(transports)]
    for thread in threads:
        thread.start()
    children = []
    while any(thread.is_alive() for thread in threads):
        what = chance.choice(["list", "prune", "fork", "join", "join"])
        if what == "fork" and hasattr(os, "fork") and len(children) < 4:
            child = os.fork()
            if not child:
                mine = []
                try:
                    record("child", 3, mine)
                    Path(f"{directory}.{os.getpid()}").write_text(json.dumps(mine))
                except BaseException as error:
                    os.write(2, repr(error).encode())
                    os._exit(1)
                os._exit(0)
            children.append(child)
        elif what in ("list", "prune"):
            store = DiskStore(directory)
            store.delete("0" * 32) if what == "prune" else list(store.keys())
            store.close()
        else:
            chance.choice(threads).join(0.01)
    for child in children:
        if os.waitpid(child, 0)[1]:
            failed.append(f"child {child}")
    assert not failed, failed
    Path(f"{directory}.{os.getpid()}").write_text(json.dumps(acknowledged))
"""


@pytest.mark.parametrize("seed", first_of(range(2)))
def test_openers_at_random_lose_nothing(tmp_path: Path, seed: int) -> None:
    """Transports in threads of processes open, close, list, prune and fork while all record."""
    chance = random.Random(seed)
    directory = tmp_path / "cache"
    processes = [
        start(OPENING, directory, chance.randrange(1 << 30), chance.randrange(1, 5), 8)
        for _ in range(chance.randrange(2, 5))
    ]
    for process in processes:
        finish(process)

    acknowledged = {key for path in tmp_path.glob("cache.*") for key in json.loads(path.read_text())}
    assert len(acknowledged) >= 24 * len(processes)
    check(directory, acknowledged)


@forks
def test_a_fork_returns_while_threads_record_and_its_child_can_use_the_cache(tmp_path: Path) -> None:
    code = """
        goes_on, acknowledged = True, []
        def work(who):
            part = 0
            while goes_on:
                part += 1
                record(f"{who} {part}", 3, acknowledged)
        record("first", 1, acknowledged)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for number in range(30):
            child = os.fork()
            if not child:
                try:
                    store = DiskStore(directory)
                    assert store.get(acknowledged[0]) is not None
                    store.put(f"child {number}", recording())
                except BaseException as error:
                    os.write(2, repr(error).encode())
                    os._exit(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        goes_on = False
        for thread in threads:
            thread.join()
        print(json.dumps(acknowledged + [f"child {number}" for number in range(30)]))
    """
    check(tmp_path, set(json.loads(finish(start(code, tmp_path)))))


@forks
def test_what_a_parent_was_doing_while_it_forked_is_not_its_childs(tmp_path: Path) -> None:
    """Where the fork could not wait until the parent was done, the child says so and reads nothing."""
    code = """
        import replaycache.system.database, replaycache.system.forking
        replaycache.system.forking.PATIENCE = 0.05
        store = DiskStore(directory)
        store.put("k", recording())
        database = replaycache.system.database.Database(
            f"{directory}/cache.db", lay_out=lambda: None, version=1)
        inside, outside = threading.Event(), threading.Event()
        def write():
            with database.transaction(1) as rows:
                inside.set()
                outside.wait()
        thread = threading.Thread(target=write)
        thread.start()
        inside.wait()
        child = os.fork()
        if not child:
            try:
                store.get("k")
            except BaseException as error:
                os.write(1, f"{type(error).__name__}: {error}".encode())
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        outside.set()
        thread.join()
        assert store.get("k") == recording()
    """
    out = finish(start(code, tmp_path))

    assert out.startswith("StoreUnavailable: this process was forked while its parent was busy")
    assert "spawn" in out


@pytest.mark.exhaustive
@forks
def test_a_fork_waits_for_what_is_used_though_others_are_being_opened(tmp_path: Path) -> None:
    code = """
        from replaycache.system.database import Database
        sys.setswitchinterval(1e-5)
        open_ones = [DiskStore(f"{directory}/{number}") for number in range(300)]
        used = open_ones[0]
        used.put("k", recording())
        goes_on = True
        def open_more():
            while goes_on:
                more = [Database(directory, lay_out=print, version=1) for _ in range(50)]
        threads = [threading.Thread(target=open_more, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(60):
            assert used.get("k") is not None
            child = os.fork()
            if not child:
                open_there = os.path.realpath(f"{directory}/0/cache.db") in [
                    os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                ] if sys.platform == "linux" else False
                os._exit(open_there)
            assert os.waitpid(child, 0)[1] == 0, "the child has what its parent had open"
        goes_on = False
        for thread in threads:
            thread.join()
    """
    finish(start(code, tmp_path))


@forks
def test_a_signal_handler_may_fork_while_its_thread_is_writing(tmp_path: Path) -> None:
    """The transaction is the parent's; its child, which comes back from the handler, too, writes nothing."""
    code = """
        import signal, replaycache.system.database
        store = DiskStore(directory)
        store.put("k", recording())
        database = replaycache.system.database.Database(f"{directory}/cache.db", lay_out=lambda: None, version=1)
        children = []
        signal.signal(signal.SIGUSR1, lambda *_: children.append(os.fork()))
        refused = ""
        try:
            with database.transaction(1) as rows:
                rows.execute("UPDATE Cache SET store_time = 1 WHERE key = 'k'")
                signal.raise_signal(signal.SIGUSR1)
                if not children[0]:
                    rows.execute("UPDATE Cache SET store_time = 2 WHERE key = 'k'")
        except replaycache.StoreUnavailable as error:
            refused = str(error)
        if not children[0]:
            try:
                store.get("k")
                refused = ""
            except replaycache.StoreUnavailable:
                pass
            os._exit("was forked" not in refused)
        assert not refused
        assert os.waitpid(children[0], 0)[1] == 0
        assert [stored.at for stored in store.stored()] == [1]
        store.put("l", recording())
    """
    finish(start("import replaycache\n" + textwrap.dedent(code), tmp_path))
    check(tmp_path, {"k", "l"})


@forks
def test_a_signal_handler_may_fork_while_its_thread_is_forking(tmp_path: Path) -> None:
    code = """
        import signal, replaycache.system.forking
        children = []
        def fork(*_):
            child = os.fork()
            if not child:
                os._exit(0)
            children.append(child)
        signal.signal(signal.SIGUSR1, fork)
        sent = []
        def interrupt(ends):
            if not sent:
                sent.append(True)
                signal.raise_signal(signal.SIGUSR1)
                assert replaycache.system.forking.is_under_way()
        replaycache.system.forking.on_fork(interrupt, lambda: None)
        fork()
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        assert not replaycache.system.forking.is_under_way()
        record("after", 1, children)
    """
    finish(start(code, tmp_path), timeout=30)


def test_nobody_but_sqlite_opens_its_files(tmp_path: Path) -> None:
    """To close any descriptor of them drops every lock that the process has on them."""
    code = """
        opened = []
        sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
        for _ in range(2):
            store = DiskStore(directory)
            store.put("k", recording())
            store.put("large", large())
            made = len(opened)
            assert store.get("k") and store.get("large") and len(store) == 2
            assert list(store.keys()) and list(store.stored()) and list(store.newest(5))
            store.size_on_disk, store.strays(), repr(store)
            store.delete("k")
            store.compact()
            from replaycache.accounts.noted import Noted
            store.note(Noted("hit", "k"))
            store.ledger.flush()
            store.ledger.entries()
            store.close()
            print(sum(path.endswith(("cache.db", "usage.db")) for path in opened))
            opened.clear()
    """
    # the first time they are made, by one descriptor each, before SQLite has them
    assert finish(start(code, tmp_path)).split() == ["2", "0"]


@pytest.fixture
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a cache is still the same is otherwise looked at after a moment only."""
    monkeypatch.setattr("replaycache.system.database.LOOK_SECONDS", 0.0)


@pytest.mark.usefixtures("looks_each_time")
def test_a_cache_that_was_removed_while_it_was_open_is_made_anew(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    store = DiskStore(directory)
    store.put("k", recording(b"before"))
    assert store.get("k") == recording(b"before")
    shutil.rmtree(directory)

    assert store.get("k") is None
    assert list(store.keys()) == []
    assert not directory.exists()
    store.put("k", recording(b"after"))
    assert store.get("k") == recording(b"after")
    assert DiskStore(directory).get("k") == recording(b"after")


@pytest.mark.usefixtures("looks_each_time")
def test_a_cache_that_another_was_put_in_the_place_of_is_read_as_that(tmp_path: Path) -> None:
    store, other = DiskStore(tmp_path / "cache"), DiskStore(tmp_path / "other")
    store.put("k", recording(b"before"))
    other.put("k", recording(b"after"))
    store.ledger.flush()
    other.close()
    shutil.move(tmp_path / "cache", tmp_path / "moved")
    shutil.move(tmp_path / "other", tmp_path / "cache")

    assert store.get("k") == recording(b"after")


# -- a cache that cannot be written, or not now ------------------------------------------------------------


def asked(driver: str, directory: Path, mode: str = "replay") -> bytes:
    """What a new transport answers."""

    async def ask() -> bytes:
        transport = AsyncReplayTransport(httpx.MockTransport(live), store=str(directory), mode=mode)
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.post(URL, json=BODY)).content

    if driver == "async":
        return asyncio.run(ask())
    transport = ReplayTransport(httpx.MockTransport(live), store=str(directory), mode=mode)
    with httpx.Client(transport=transport) as client:
        return client.post(URL, json=BODY).content


URL = "http://api.test/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
ANSWER = b'{"choices":[{"finish_reason":"stop"}]}'


def live(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=ANSWER, headers={"content-type": "application/json"})


both = pytest.mark.parametrize("driver", ["sync", "async"])


@both
def test_a_hit_does_not_wait_for_who_is_writing(tmp_path: Path, driver: str) -> None:
    asked(driver, tmp_path, "auto")
    with closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM Cache")

        assert asked(driver, tmp_path) == ANSWER


def test_a_task_that_waits_for_a_locked_cache_lets_others_run(tmp_path: Path) -> None:
    """The lock is let go of by another task of the same loop: a loop that waited would never come to that."""
    asked("async", tmp_path, "auto")

    async def main() -> None:
        transport = AsyncReplayTransport(store=str(tmp_path), mode="replay")
        with closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            async with httpx.AsyncClient(transport=transport) as client:
                asking = asyncio.create_task(client.post(URL, json=BODY))
                while not transport.store.slow:  # noqa: ASYNC110  # nothing tells of it but this
                    await asyncio.sleep(0)
                other.execute("ROLLBACK")
                other.close()
                response = await asking
        assert response.content == ANSWER
        assert response.extensions["replaycache"].status == "hit"
        assert not transport.store.slow

    asyncio.run(main())


def test_a_cache_that_stays_locked_is_told_with_its_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked("sync", tmp_path, "auto")
    monkeypatch.setattr("replaycache.stores.disk.LOCK_TIMEOUT", 0.05)
    with closing(sqlite3.connect(tmp_path / "cache.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreUnavailable, match="another process holds its lock") as raised:
            asked("sync", tmp_path)
        with pytest.warns(replaycache.ReplayCacheWarning, match="The call goes live"):
            assert asked("sync", tmp_path, "auto") == ANSWER
    assert "remove" not in str(raised.value)


UNWRITABLE = """
    import socket  # whoever becomes another user may not read the library any more
    import asyncio, anyio, anyio.to_thread, anyio.lowlevel, sqlite3, encodings.idna, urllib.request
    from anyio._backends import _asyncio
    from replaycache.dialects import usage
    from replaycache.accounts import prices
    kind, mode = sys.argv[2:4]
    if kind == "full":
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    elif os.geteuid() == 0:
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
    store = DiskStore(directory)
    if mode == "replay":
        assert store.get("k") == recording(), "miss"
        assert store.get("large") == large()
        assert len(store) == 2 and set(store.keys()) == {"k", "large"}
        try:
            store.put("new", recording())
        except Exception as error:
            print(type(error).__name__, error)
        assert store.get("k") == recording()
    store.close()
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions and limits as POSIX has them")
@pytest.mark.parametrize("kind", ["full", "read-only"])
@pytest.mark.parametrize("left", first_of(["killed", "closed"]))
def test_a_cache_that_cannot_be_written_replays(tmp_path: Path, kind: str, left: str) -> None:
    """A full disk, or a directory of somebody else's; whoever wrote it has closed it, or was killed."""
    directory = tmp_path / "cache"
    code = """
        store = DiskStore(directory)
        store.put("k", recording())
        store.put("large", large())
        if sys.argv[2] == "closed":
            store.close()
        os._exit(0)
    """
    finish(start(code, directory, left))
    if kind == "read-only":
        if left == "killed":
            pytest.skip("what a killed process had in its log is read by who may write beside it")
        for path in [directory, *directory.rglob("*"), *tmp_path.resolve().parents[:3], tmp_path]:
            if path == directory or directory in path.parents:
                path.chmod(0o555 if path.is_dir() else 0o444)
            elif path.owner() == directory.owner():
                path.chmod(path.stat().st_mode | 0o055)
    before = {path: path.stat().st_size for path in directory.rglob("*.db")}

    out = finish(start(UNWRITABLE, directory, kind, "replay"))

    assert out.startswith("StoreUnavailable writing the disk cache")
    assert "remove" not in out
    assert {path: path.stat().st_size for path in directory.rglob("*.db")} == before
    if kind == "read-only":
        directory.chmod(0o755)


def test_what_another_writes_is_seen_by_who_could_not_write(tmp_path: Path) -> None:
    """A database that is read as it stands is looked at anew when it changes."""
    code = """
        import resource
        store = DiskStore(directory)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        assert store.get("k") == recording()
        print("read", flush=True)
        sys.stdin.readline()
        assert store.get("new") == recording(b"new")
    """
    if os.name != "posix":
        pytest.skip("limits as POSIX has them")
    store = DiskStore(tmp_path)
    store.put("k", recording())
    store.close()
    process = start(code, tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "read\n"
    store.put("new", recording(b"new"))
    process.stdin.write("\n")
    process.stdin.flush()
    finish(process)


# -- what is left lying, and what is noted beside ----------------------------------------------------------


def test_files_of_values_without_a_row_are_found_and_removed(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.put("large", large())
    (named,) = tmp_path.rglob("*.val")
    stray = tmp_path / "ab" / "cd" / f"{'0' * 28}.val"
    fresh = stray.with_name(f"{'1' * 28}.val")
    other = tmp_path / "ab" / "notes.txt"
    stray.parent.mkdir(parents=True)
    for path in (stray, fresh, other):
        path.write_bytes(b"12345")
    long_ago = time.time() - 7200
    for path in (stray, other, named):
        os.utime(path, (long_ago, long_ago))

    assert store.strays() == [(f"ab/cd/{'0' * 28}.val", 5)]
    assert store.remove_strays() == [(f"ab/cd/{'0' * 28}.val", 5)]
    assert store.strays() == []
    assert (named.exists(), fresh.exists(), other.exists()) == (True, True, True)
    assert store.get("large") == large()


def test_a_file_that_is_being_written_is_nobodys_prey_though_the_clock_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = list(large().body.segments)
    passes: list[int] = []

    class Jumping:
        """Goes through the segments; when the file is being written, the clock is put on and others prune."""

        def __iter__(self) -> Iterator[Segment]:
            yield from segments
            passes.append(len(list(tmp_path.rglob("*.val"))))
            if passes[-1] and sum(passes) == 1:
                now = time.time()
                monkeypatch.setattr(time, "time", lambda: now + 7200)
                assert len(DiskStore(tmp_path).remove_strays()) == 1

    store = DiskStore(tmp_path)
    store.put("k", recording())
    store.put("large", recording(Body(Jumping()), asked="large"))

    found = store.get("large")
    assert found is not None
    assert found.body.read() == large().body.read()
    assert len(list(tmp_path.rglob("*.val"))) == 1


def test_notes_that_cannot_be_written_now_are_written_later(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    store.put("k", recording())
    store.note(Noted("hit", "k"))
    store.ledger.flush()
    with closing(sqlite3.connect(tmp_path / "usage.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store.note(Noted("hit", "k"))
        store.close()
        assert store.get("k") == recording()
        other.execute("ROLLBACK")

    assert sum(entry.requests for entry in store.ledger.entries()) == 2
