"""One writer of a cassette at a time, whoever it is; and what is left of writers that were killed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from replaycache import CassetteError, ReplayCacheWarning
from replaycache.stores import CassetteStore
from replaycache.stores.cassette import lock as cassette_lock
from tests.stores.test_cassette import fill, recorded

if sys.platform == "win32":
    pytest.skip("Windows locks a file of the user's", allow_module_level=True)

import fcntl

from tests.tables import first_of

ROOT = Path(__file__).resolve().parent.parent.parent
WRITER = """
import os, sys
from tests.stores.test_cassette import CassetteStore, identity_of, recorded
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = CassetteStore(path)
for number in range(count):
    made = recorded(f"{name} {number}")
    store.append(made)
"""
NO_LOCKS = """
import errno, fcntl, os
flock = fcntl.flock
def refuse(file, flags):
    where = os.readlink(f"/proc/self/fd/{file}") if isinstance(file, int) else ""
    if "/state/" not in where:
        raise OSError(errno.ENOTSUP, "Operation not supported")
    flock(file, flags)
fcntl.flock = refuse
"""


def start(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    """What each printed to standard error."""
    printed = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), printed
    return printed


def asked_in(path: Path) -> list[str]:
    return [item.request.json()["messages"][0]["content"] for item in CassetteStore(path).all()]


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


# -- several writers -------------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_processes_in_different_environments_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "c.json"
    places = {name: tmp_path / name for name in "ab"}
    for place in places.values():
        place.mkdir()

    finish(*(start(WRITER, str(path), name, "200", TMPDIR=str(place)) for name, place in places.items()))

    asked = asked_in(path)
    for name in "ab":
        assert [text for text in asked if text[0] == name] == [f"{name} {number}" for number in range(200)]
    assert len(asked) == 400
    assert os.listdir(path.parent) == ["c.json"]
    assert [os.listdir(place) for place in places.values()] == [[], []]


def test_threads_with_stores_of_their_own_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.json"
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            store = CassetteStore(path)
            for number in range(25):
                made = recorded(f"{name} {number}")
                store.append(made)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert sorted(asked_in(path)) == sorted(f"{name} {number}" for name in "abcd" for number in range(25))
    assert os.listdir(path.parent) == ["c.json"]


@pytest.mark.exhaustive
def test_who_starts_while_the_file_is_made_finds_none_or_a_whole_one(tmp_path: Path) -> None:
    whole = tmp_path / "whole.json"
    fill(whole, recorded("one"))
    path = tmp_path / "c.json"
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            os.link(whole, path)
            os.unlink(path)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        found = {len(CassetteStore(path)) for _ in range(3000)}
    finally:
        done.set()
        thread.join()

    assert found <= {0, 1}


# -- a lock that somebody else has -----------------------------------------------------------------------


@pytest.mark.parametrize("is_there", [True, False])
def test_a_lock_that_another_process_keeps_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    monkeypatch.setattr(cassette_lock, "LOCK_TIMEOUT", 0.05)
    path = tmp_path / "c.json"
    if is_there:
        fill(path, recorded("before"))
    before = path.read_bytes() if is_there else None
    store = CassetteStore(path)

    with held_by_another(path if is_there else tmp_path):
        with pytest.raises(CassetteError, match=r"c\.json cannot be written.*another process.*lsof"):
            store.append(recorded("one"))
        assert (path.read_bytes() if path.exists() else None) == before

    store.append(recorded("two"))
    assert asked_in(path) == [*(["before"] if is_there else []), "one", "two"]


def test_a_link_is_locked_where_it_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, link = tmp_path / "elsewhere" / "kept.json", tmp_path / "c.json"
    fill(kept, recorded("one"))
    link.symlink_to(kept)

    with monkeypatch.context() as short, held_by_another(kept):
        short.setattr(cassette_lock, "LOCK_TIMEOUT", 0.05)
        with pytest.raises(CassetteError, match="another process"):
            fill(link, recorded("two"))

    fill(link, recorded("three"))
    assert asked_in(kept) == ["one", "three"]
    assert link.is_symlink()


def test_a_link_to_a_cassette_that_is_yet_to_be_made(tmp_path: Path) -> None:
    kept, link = tmp_path / "elsewhere" / "kept.json", tmp_path / "c.json"
    link.symlink_to(kept)

    fill(link, recorded("one"))

    assert asked_in(kept) == ["one"]
    assert link.is_symlink()


def test_the_lock_is_waited_for_on_the_file_that_took_the_place(tmp_path: Path) -> None:
    """Somebody keeps a file locked that has been replaced since (a checkout does so)."""
    path, other = tmp_path / "c.json", tmp_path / "other.json"
    fill(path, recorded("old"))
    fill(other, recorded("new"))
    with held_by_another(path):
        writer = threading.Thread(target=fill, args=(path, recorded("mine")))
        writer.start()
        os.replace(other, path)
        writer.join()

    # in an order that follows from when the writer first read the file
    assert sorted(asked_in(path)) == ["mine", "new"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_cassette_that_changes_places_before_it_is_locked_is_locked_where_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    path, new = tmp_path / "c.json", tmp_path / "new.json"
    if is_there:
        fill(path, recorded("old"))
    fill(new, recorded("new"))
    monkeypatch.setattr(cassette_lock, "LOCK_TIMEOUT", 0.05)
    real = fcntl.flock

    def come_first(file: int, flags: int) -> None:
        if new.exists():
            os.replace(new, path)
        real(file, flags)

    with held_by_another(new):
        monkeypatch.setattr(fcntl, "flock", come_first)
        with pytest.raises(CassetteError, match="another process"):
            fill(path, recorded("mine"))

    fill(path, recorded("mine"))
    assert asked_in(path) == ["new", "mine"]


def test_a_directory_in_which_nothing_may_be_made(tmp_path: Path) -> None:
    directory = tmp_path / "closed"
    directory.mkdir(mode=0o555)
    if os.geteuid() == 0:
        directory = Path("/sys")  # not even for root
        if not directory.is_dir():
            pytest.skip("root may write everywhere")

    with pytest.raises(CassetteError, match=r"c\.json cannot be written.*permissions"):
        fill(directory / "c.json", recorded())


# -- forked processes ------------------------------------------------------------------------------------

FORKED = """
import os, sys, threading
from replaycache.stores.cassette.lock import locked
is_held, may_go = threading.Event(), threading.Event()
def hold():
    with locked(sys.argv[1]):
        is_held.set()
        may_go.wait()
thread = threading.Thread(target=hold)
thread.start()
is_held.wait()
if not os.fork():
    sys.stdin.read()  # outlives its parent
    os._exit(0)
if sys.argv[2] == "lets go":
    may_go.set()
    thread.join()
print("forked", flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("is_there", first_of([True, False]))
@pytest.mark.parametrize("parent", first_of(["is killed", "lets go"]))
def test_a_process_forked_during_a_write_keeps_nobody_waiting(tmp_path: Path, parent: str, is_there: bool) -> None:
    path = tmp_path / "c.json"
    if is_there:
        fill(path, recorded("before"))
    process = start(FORKED, str(path), parent)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "forked\n"
        if parent == "is killed":
            process.kill()
            process.wait()
        finish(start(WRITER, str(path), "a", "1"))
    finally:
        process.kill()
        process.communicate()  # closes its child's input, too

    assert asked_in(path)[-1] == "a 0"


SHARED = """
import os, signal, sys, threading
from tests.stores.test_cassette import CassetteStore, identity_of, recorded
store = CassetteStore(sys.argv[1])
is_inside, may_go = threading.Event(), threading.Event()
def look(text):
    is_inside.set()
    may_go.wait()
    return False
def add():
    store.rewrite(lambda number, recording: recording, anew=look)
    store.append(recorded("parent"))
thread = threading.Thread(target=add, daemon=True)
thread.start()
is_inside.wait()
child = os.fork()
if not child:
    signal.alarm(30)
    store.append(recorded("child"))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
may_go.set()
thread.join()
"""


def test_a_forked_process_may_go_on_with_a_store_that_a_thread_was_using(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("before"))

    finish(start(SHARED, str(path)))

    assert sorted(asked_in(path)) == ["before", "child", "parent"]


# -- killed processes ------------------------------------------------------------------------------------

KILLED = """
import errno, json, os, random, signal, sys, time
from tests.stores.test_cassette import CassetteStore, identity_of, recorded
path, kind = sys.argv[1:]
if kind == "named":
    open_ = os.open
    def refuse(name, flags, *arguments, **options):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return open_(name, flags, *arguments, **options)
    os.open = refuse

def write(round_, pipe):
    store = CassetteStore(path)
    number = 0
    while True:
        made = recorded(f"{round_} {number}" + "x" * 20_000)
        store.append(made)
        os.write(pipe, b".")
        number += 1

random.seed(5)
acknowledged = []
left = 0
for round_ in range(30):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        write(round_, writing)
    os.close(writing)
    os.read(reading, 1)  # it is at work
    time.sleep(random.uniform(0, 0.01))  # not to wait for anything: the moment is any
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    count = 1
    while data := os.read(reading, 100):
        count += len(data)
    os.close(reading)
    acknowledged += [f"{round_} {number}" for number in range(count)]
    left = max(left, len(os.listdir(os.path.dirname(path))))
    found = [item.request.json()["messages"][0]["content"].rstrip("x") for item in CassetteStore(path).all()]
    assert set(acknowledged) <= set(found), (acknowledged, found)
    assert len(found) <= len(acknowledged) + round_ + 1  # what was written, and not yet acknowledged
print(json.dumps(left))
"""


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="files without a name are Linux's")
@pytest.mark.parametrize("kind", first_of(["nameless", "named"]))
def test_writers_that_are_killed_leave_a_whole_cassette_and_nothing_beside_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c.json"

    killed = start(KILLED, str(path), kind)
    printed, told = killed.communicate(timeout=300)
    assert killed.returncode == 0, told
    assert json.loads(printed) <= 3  # the journal of a large one; and each one removes what the last one left

    fill(path, recorded("after"))
    assert os.listdir(tmp_path) == ["c.json"]


def test_only_what_a_writer_of_this_cassette_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    left = [".4711.0123abcd.c.json", ".1.ffffffff.c.json"]
    others = [
        ".4711.0123abcd.d.json",  # of another cassette
        ".4711.0123abcd.cc.json",
        ".4711.0123abcdx.c.json",
        ".4711.0123ABCD.c.json",
        ".x.0123abcd.c.json",
        ".4711.0123abcd.c.json.bak",
        ".4711.0123abcd.c.json\n",
        "4711.0123abcd.c.json",
        ".c.json",
        "precious.json",
    ]
    for name in [*left, *others]:
        (tmp_path / name).write_text("x")
    (tmp_path / ".4711.aaaaaaaa.c.json").symlink_to("precious.json")
    (tmp_path / ".4711.bbbbbbbb.c.json").mkdir()

    fill(path, recorded())

    assert {item.name for item in tmp_path.iterdir()} == {
        "c.json",
        ".4711.aaaaaaaa.c.json",
        ".4711.bbbbbbbb.c.json",
        *others,
    }
    assert all((tmp_path / name).read_text() == "x" for name in others)


# -- file systems that know no locks ---------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's own lock is; nobody has been warned yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(cassette_lock, "_told", set())
    return tmp_path / "state" / "replaycache"


@contextmanager
def refusing(monkeypatch: pytest.MonkeyPatch, number: int, refused: Callable[[int], bool]) -> Iterator[None]:
    real = fcntl.flock

    def flock(file: int, flags: int) -> None:
        if refused(file):
            raise OSError(number, os.strerror(number))
        real(file, flags)

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", flock)
        yield


def is_read_only(file: int) -> bool:
    return fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="XDG_STATE_HOME is Linux's")
def test_where_no_locks_are_known_this_users_processes_lose_nothing_and_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "c.json"

    printed = finish(
        *(start(NO_LOCKS + WRITER, str(path), name, "60", XDG_STATE_HOME=str(tmp_path / "state")) for name in "ab")
    )

    assert sorted(asked_in(path)) == sorted(f"{name} {number}" for name in "ab" for number in range(60))
    assert os.listdir(path.parent) == ["c.json"]
    for told in printed:
        assert told.count("ReplayCacheWarning") == 1
        assert "c.json cannot be locked against other processes (Operation not supported)" in told
        assert "do not record into it from other machines, or as other users" in told


@pytest.mark.parametrize(
    "number", [errno.ENOTSUP, errno.ENOLCK, errno.EBADF, errno.EINVAL, errno.ENOSYS], ids=errno.errorcode.get
)
def test_where_nothing_can_be_locked_recording_goes_on_and_it_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path, number: int
) -> None:
    path = tmp_path / "c.json"
    with refusing(monkeypatch, number, lambda file: True):
        with pytest.warns(ReplayCacheWarning, match="Record into it from one process at a time") as told:
            fill(path, recorded("one"), recorded("two"))

    assert len(told) == 1
    assert asked_in(path) == ["one", "two"]


def test_nfs_locks_what_is_open_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("one"))

    with refusing(monkeypatch, errno.EBADF, is_read_only):
        fill(path, recorded("two"))
        with held_for_writing(path):
            monkeypatch.setattr(cassette_lock, "LOCK_TIMEOUT", 0.05)
            with pytest.raises(CassetteError, match="another process"):
                fill(path, recorded("three"))

    assert asked_in(path) == ["one", "two"]
    assert not state.exists()


@contextmanager
def held_for_writing(path: Path) -> Iterator[None]:
    with open(path, "r+b") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


def make_open_to_all(state: Path, victim: Path) -> None:
    state.mkdir(parents=True)
    state.chmod(0o777)


def make_link_of_the_lock(state: Path, victim: Path) -> None:
    state.mkdir(parents=True, mode=0o700)
    (state / "cassettes.lock").symlink_to(victim)


def make_file_of_the_directory(state: Path, victim: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("")


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_STATE_HOME is Linux's")
@pytest.mark.parametrize(
    "prepare",
    [make_open_to_all, make_link_of_the_lock, make_file_of_the_directory],
    ids=["open", "link", "file"],
)
def test_nothing_that_others_may_have_put_there_is_locked_followed_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path, prepare: Any
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    prepare(state, victim)
    before = sorted(tmp_path.rglob("*"))

    with refusing(monkeypatch, errno.ENOTSUP, is_read_only):
        with pytest.warns(ReplayCacheWarning, match=r"neither can a file of yours .*from one process at a time"):
            fill(tmp_path / "c.json", recorded("one"))

    assert asked_in(tmp_path / "c.json") == ["one"]
    assert victim.read_text() == "precious"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "c.json"])


def test_what_other_machines_may_be_writing_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    theirs = tmp_path / ".4711.0123abcd.c.json"
    theirs.write_text("half")

    with refusing(monkeypatch, errno.ENOTSUP, is_read_only), pytest.warns(ReplayCacheWarning):
        fill(tmp_path / "c.json", recorded())

    assert theirs.read_text() == "half"


def test_a_warning_that_is_an_error_does_not_keep_a_recording_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing(monkeypatch, errno.ENOTSUP, lambda file: True):
        fill(tmp_path / "c.json", recorded("one"))

    assert asked_in(tmp_path / "c.json") == ["one"]
    assert "cannot be locked" in caplog.text
