"""A cassette's file among processes: written through a journal where it is large, whole at every moment."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from replaycache import Redact, ReplayCacheWarning
from replaycache.stores import CassetteStore
from replaycache.stores.cassette import file as cassette_file
from replaycache.stores.cassette.entry import Entry
from replaycache.stores.cassette.file import CassetteFile
from replaycache.stores.cassette.journal import Journal
from replaycache.stores.cassette.pending import Pending
from tests.engine.parts import answer_in_full, call_of, exchange, sent
from tests.scripted_server import ScriptedServer, counting_answers
from tests.stores.test_cassette import fill, recorded
from tests.stores.test_cassette_sessions import ask, sync_client
from tests.tables import first_of

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL, LARGE = 0, 300 << 10
"""Bytes that stand in a file before it is written to; a large one is written through a journal."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="of systems that fork and kill")


def asked_in(path: Path) -> list[str]:
    """What the recordings of a cassette ask, through replaycache."""
    return [one.request.json()["messages"][0]["content"].rstrip("x") for one in CassetteStore(path).all()]


def in_file(path: Path) -> list[str]:
    """The same, without replaycache."""
    recordings = json.loads(path.read_bytes())["recordings"]
    return [one["request"]["json"]["messages"][0]["content"].rstrip("x") for one in recordings]


def filled(path: Path, size: int) -> Path:
    """A cassette of about so many bytes."""
    fill(path, recorded("first" + "x" * size))
    return path


def journal_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.journal")


def with_journal(path: Path, *prompts: str) -> CassetteStore:
    """A store on a large cassette, whose recordings stand in the journal and not in the file."""
    store = CassetteStore(filled(path, LARGE))
    store.append(recorded("second"))
    for prompt in prompts:
        store.append(recorded(prompt))
    return store


@contextmanager
def abandoned(path: Path, *prompts: str) -> Iterator[None]:
    """A process with such a store was killed before the block."""
    code = (
        "import os, sys\nfrom tests.stores.test_cassette_file import *\n"
        "store = with_journal(Path(sys.argv[1]), *sys.argv[2:])\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), *prompts], cwd=ROOT, check=True)
    assert journal_of(path).exists()
    yield
    assert os.listdir(path.parent) == [path.name]


# -- several processes, killed at any moment -----------------------------------------------------------------

WRITER = """
import os, sys
from replaycache.stores import CassetteStore
from tests.stores.samples import recording
path, name = sys.argv[1:]
store = CassetteStore(path)
number = 0
while os.read(0, 1):
    store.append(recording(asked=f"{name} {number}"))
    os.write(1, b".")
    number += 1
"""


class _Writer:
    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.acknowledged = 0

    def let_record(self, count: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"." * count)

    def wait_for(self, count: int) -> None:
        """Returns when it has said of so many recordings more that they are kept."""
        assert self.process.stdout is not None
        for _ in range(count):
            assert self.process.stdout.read(1) == b"."
            self.acknowledged += 1

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        told, _ = self.process.communicate()
        self.acknowledged += len(told)

    def prompts(self) -> list[str]:
        return [f"{self.name} {number}" for number in range(self.acknowledged)]


@posix
@pytest.mark.exhaustive
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_of_eight_writers_that_are_killed_nothing_acknowledged_is_missing(tmp_path: Path, size: int) -> None:
    path = filled(tmp_path / "c.json", size)
    source = random.Random(size)
    writers = [_Writer(path, f"w{number}") for number in range(8)]
    killed: list[_Writer] = []
    for round_ in range(10):
        writer = writers.pop(source.randrange(8))
        count = source.randrange(1, 12)
        writer.let_record(count)
        for one in [writer, *writers]:
            one.let_record(20)
        writer.wait_for(count)
        writer.kill()
        killed.append(writer)
        assert set(in_file(path)) <= set(asked_in(path))  # whole for whoever reads it, with us or without
        writers.append(_Writer(path, f"again{round_}"))
        found = set(asked_in(path))
        assert [prompt for one in killed for prompt in one.prompts() if prompt not in found] == []
    for writer in writers:
        writer.let_record(1)
        writer.wait_for(1)
        writer.kill()

    found = asked_in(path)
    for writer in killed + writers:
        own = [prompt for prompt in found if prompt.split()[0] == writer.name]
        numbers = [int(prompt.split()[1]) for prompt in own]
        assert numbers == list(range(len(numbers))), [one for one in range(max(numbers)) if one not in numbers]
        assert len(numbers) in (writer.acknowledged, writer.acknowledged + 1)
    assert in_file(path) == found
    assert os.listdir(tmp_path) == ["c.json"]


READER = """
import sys
from tests.stores.test_cassette_file import *
path = Path(sys.argv[1])
seen = 0
while b"last" not in path.read_bytes():
    found = in_file(path)
    assert len(found) >= seen, "it held more before"
    assert len(found) == len(set(found))
    seen = len(found)
"""


@pytest.mark.parametrize("size", first_of([LARGE, SMALL]))
def test_a_reader_finds_a_whole_file_that_only_grows(tmp_path: Path, size: int) -> None:
    path = filled(tmp_path / "c.json", size)
    reader = subprocess.Popen([sys.executable, "-c", READER, str(path)], cwd=ROOT)
    store = CassetteStore(path)
    for number in range(300):
        store.append(recorded(f"{number}"))
    store.append(recorded("last"))
    store.close()

    assert reader.wait(60) == 0
    assert os.listdir(tmp_path) == ["c.json"]


# -- the journal ---------------------------------------------------------------------------------------------


def test_what_stands_in_the_journal_is_there_for_others_and_ends_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store = with_journal(path, "a", "b")
    assert journal_of(path).exists()
    assert in_file(path) == ["first", "second"]

    code = "import sys\nfrom tests.stores.test_cassette_file import *\nprint(asked_in(Path(sys.argv[1])))"
    seen = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )

    assert seen.stdout.strip() == str(["first", "second", "a", "b"])
    store.append(recorded("c"))
    store.close()
    assert in_file(path) == ["first", "second", "a", "b", "c"]
    assert os.listdir(tmp_path) == ["c.json"]


def test_a_store_that_nobody_closed_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    code = (
        "import gc, sys\nfrom tests.stores.test_cassette_file import *\n"
        "with_journal(Path(sys.argv[1]), 'a')\ngc.collect()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True)

    assert os.listdir(tmp_path) == ["c.json"]
    assert in_file(path) == ["first", "second", "a"]


@posix
@pytest.mark.parametrize("torn", first_of(['{"text":"    {\\n      \\"request', "{", '{"text"', "\0\0\0"]))
def test_a_last_line_that_was_torn_is_none_and_harms_no_other(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "c.json"
    with abandoned(path, "a"):
        with journal_of(path).open("a") as file:
            file.write(torn)
        assert asked_in(path) == ["first", "second", "a"]


@posix
def test_a_line_that_a_disk_changed_is_none_and_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with abandoned(path, "apple", "b"):
        journal = journal_of(path)
        journal.write_bytes(journal.read_bytes().replace(b"apple", b"ample"))
        assert asked_in(path) == ["first", "second", "b"]


@posix
def test_a_writer_goes_on_behind_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    store = with_journal(path, "a")
    with journal_of(path).open("a") as file:
        file.write('{"text":"torn')
    store.append(recorded("b"))
    store.close()

    assert in_file(path) == ["first", "second", "a", "b"]


@posix
def test_a_file_that_was_restored_while_a_journal_was_left_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    path, committed = tmp_path / "c.json", tmp_path.parent / f"{tmp_path.name}-committed.json"
    fill(committed, recorded("committed"))
    with abandoned(path, "a", "b"):
        shutil.copy(committed, path)
        assert asked_in(path) == ["committed", "a", "b"]


@posix
def test_a_file_that_was_removed_takes_its_journal_with_it(tmp_path: Path) -> None:
    """`remove it and record again` is what our messages advise."""
    path = tmp_path / "c.json"
    with abandoned(path, "a"):
        path.unlink()
        assert asked_in(path) == []
        assert not journal_of(path).exists()
        fill(path, recorded("again"))
        assert asked_in(path) == ["again"]


@posix
def test_a_journal_whose_changes_are_made_already_is_not_made_again(tmp_path: Path) -> None:
    """Its writer was killed between the two."""
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server:
        fill(path, recorded("first" + "x" * LARGE))
        with sync_client(path) as client:
            ask(client, server.url, "twice")
            ask(client, server.url, "twice")

    store = CassetteStore(path)
    session = store.begin()
    _, one, other = store.all()
    identify = store._identify
    identity = identify(one)
    turns = [session.ask_anew(identity) for _ in range(2)]
    # what came back unchanged: the second goes with the first answer, and comes again with its own
    session.renew(one, identity, turns[0], identify)
    session.renew(other, identity, turns[1], identify)
    store.append(recorded("a"))
    journal = journal_of(path).read_bytes()
    expected = [one.body.read() for one in store.all()]
    seen_before_it_goes = _capture_journal_at_replacement(path, store)

    assert journal
    assert seen_before_it_goes.startswith(journal)
    journal_of(path).write_bytes(seen_before_it_goes)
    again = CassetteStore(path)
    assert [one.body.read() for one in again.all()] == expected
    again.close()
    assert os.listdir(tmp_path) == ["c.json"]


@posix
@pytest.mark.parametrize("has_written", [True, False])
def test_what_another_writes_as_soon_as_the_file_is_replaced_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_written: bool
) -> None:
    """It locks the new file, while the first one still has the old."""
    path = tmp_path / "c.json"
    monkeypatch.setattr(cassette_file, "SHARE", 1e9)  # all but the first is written down beside the file
    filled(path, LARGE)
    one, other = CassetteFile(path), CassetteFile(path)

    def add(file: CassetteFile, prompt: str) -> None:
        file.write(Pending(0, Entry.of(recorded(prompt))))

    add(one, "a")
    if has_written:
        add(other, "b")
    add(one, "c")
    replace = os.replace

    def replacing(source: Any, target: Any) -> None:
        monkeypatch.setattr(os, "replace", replace)
        replace(source, target)
        add(other, "meanwhile")

    monkeypatch.setattr(os, "replace", replacing)
    one.settle()
    add(one, "d")
    one.settle()
    other.settle()

    assert sorted(in_file(path)) == sorted(["first", "a", *("b" * has_written), "c", "meanwhile", "d"])
    assert os.listdir(tmp_path) == ["c.json"]


def _capture_journal_at_replacement(path: Path, store: CassetteStore) -> bytes:
    """Settles, and gives the journal as it was when the file was put in its place."""
    found: list[bytes] = []
    replace = os.replace

    def replacing(source: Any, target: Any) -> None:
        found.append(journal_of(path).read_bytes())
        replace(source, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "replace", replacing)
        store.close()
    return found[0]


# -- what the machine refuses -----------------------------------------------------------------------------------


def as_nobody(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Runs code as a user whom permissions bind."""
    drop = "import os\nif not os.geteuid(): os.setgid(65534); os.setuid(65534)\n"
    code = f"import sys\nfrom tests.stores.test_cassette_file import *\n{drop}path = Path(sys.argv[1])\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def open_directory(tmp_path: Path) -> Iterator[Path]:
    """One that every user may reach."""
    directory = Path("/tmp") / f"replaycache-test-{os.getpid()}-{tmp_path.name}"
    directory.mkdir()
    yield directory
    directory.chmod(0o755)
    shutil.rmtree(directory)


@posix
def test_a_read_only_directory_with_a_journal_replays_what_is_in_both(open_directory: Path) -> None:
    path = open_directory / "c.json"
    with abandoned(path, "a"):
        open_directory.chmod(0o555)
        done = as_nobody("print(asked_in(path)); fill(path, recorded('b'))", path)
        assert done.stdout.strip() == str(["first", "second", "a"])
        assert "CassetteError" in done.stderr
        assert "cannot be written" in done.stderr
        open_directory.chmod(0o755)
        assert asked_in(path) == ["first", "second", "a"]


FULL = """
import resource, signal, sys
import replaycache
from tests.stores.test_cassette_file import *
path, limit = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = CassetteStore(path)
kept = store.all()
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
try:
    for number in range(100):
        store.append(recorded(f"full {number}" + "x" * 3000))
except replaycache.CassetteError as error:
    print(number, "cannot be written" in str(error), flush=True)
before = asked_in(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
store.append(recorded("after"))
store.close()
"""


@posix
@pytest.mark.parametrize(("size", "limit"), [(SMALL, 50 << 10), (LARGE, 400 << 10)])
def test_a_full_disk_is_told_and_what_could_not_be_written_comes_with_the_next(
    tmp_path: Path, size: int, limit: int
) -> None:
    path = filled(tmp_path / "c.json", size)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), str(limit)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    failed, is_told = done.stdout.split()
    assert is_told == "True"
    assert in_file(path) == ["first", *(f"full {number}" for number in range(int(failed) + 1)), "after"]
    assert os.listdir(tmp_path) == ["c.json"]


@posix
def test_nobody_else_reads_the_journal_of_a_private_cassette(tmp_path: Path) -> None:
    path = filled(tmp_path / "c.json", LARGE)
    path.chmod(0o600)
    before = os.umask(0)
    try:
        store = CassetteStore(path)
        store.append(recorded("a"))
        store.append(recorded("b"))
        assert journal_of(path).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
        store.close()

    assert asked_in(path) == ["first", "a", "b"]
    assert path.stat().st_mode & 0o777 == 0o600


@posix
def test_who_may_not_read_the_cassette_any_more_may_not_read_its_journal(tmp_path: Path) -> None:
    path = filled(tmp_path / "c.json", LARGE)
    path.chmod(0o644)
    store = CassetteStore(path)
    store.append(recorded("a"))
    store.append(recorded("b"))
    assert journal_of(path).stat().st_mode & 0o777 == 0o644

    path.chmod(0o600)
    store.append(recorded("c"))

    assert journal_of(path).stat().st_mode & 0o777 == 0o600
    store.close()
    assert asked_in(path) == ["first", "a", "b", "c"]


@posix
def test_nobody_else_reads_what_a_forked_process_hands_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = tmp_path / "temporary"
    handed.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(handed))
    store = CassetteStore(tmp_path / "c.json")
    before = os.umask(0)
    try:
        with store.deferred():
            child = os.fork()
            if not child:
                store.append(recorded("from the child"))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            (journal,) = handed.iterdir()
            assert journal.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)

    assert asked_in(tmp_path / "c.json") == ["from the child"]
    assert list(handed.iterdir()) == []


@posix
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_forked_process_writes_its_own(tmp_path: Path, size: int) -> None:
    path = filled(tmp_path / "c.json", size)
    store = CassetteStore(path)
    store.append(recorded("parent 0"))
    children = []
    for name in ("one", "two"):
        child = os.fork()
        if not child:
            try:
                for number in range(20):
                    store.append(recorded(f"{name} {number}"))
            finally:
                os._exit(0)
        children.append(child)
    for number in range(1, 20):
        store.append(recorded(f"parent {number}"))
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    store.close()

    found = in_file(path)
    for name in ("parent", "one", "two"):
        assert [one for one in found if one.startswith(name)] == [f"{name} {number}" for number in range(20)]
    assert os.listdir(tmp_path) == ["c.json"]


def test_a_cassette_cut_short_while_it_is_open_is_told_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server, sync_client(path) as client:
        ask(client, server.url, "a")
        whole = path.read_bytes()
        path.write_bytes(whole[:-20])
        with pytest.warns(ReplayCacheWarning, match="cut short or edited"):
            ask(client, server.url, "b")
        assert path.read_bytes() == whole[:-20]

        path.write_bytes(whole)
        ask(client, server.url, "c")

    assert in_file(path) == ["a", "b", "c"]


def test_a_cassette_that_nobody_uses_is_forgotten_without_the_collector(tmp_path: Path) -> None:
    """The next use of it in the process is another one: what was asked then stands behind nothing of this one."""
    made = exchange(CassetteStore(tmp_path / "a.json"), redact=Redact(body=["user"]))
    answer_in_full(sent(call_of(made)))
    file = weakref.ref(made.store._file)  # type: ignore[attr-defined]  # of a cassette
    gc.disable()
    try:
        made.end()
        del made
        assert file() is None
    finally:
        gc.enable()


def test_a_journal_that_cannot_be_written_leaves_no_empty_one(tmp_path: Path) -> None:
    journal = Journal.beside(tmp_path / "gone.json")  # whose access it cannot take over

    with pytest.raises(FileNotFoundError):
        journal.note_played("mark")

    assert list(tmp_path.iterdir()) == []


def test_an_empty_journal_goes_with_the_next_recording(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    fill(path, recorded("one"))
    journal_of(path).touch()  # as a disk leaves it that fails when it is to be removed, too

    fill(path, recorded("two"))

    assert [file.name for file in tmp_path.iterdir()] == ["c.json"]
    assert len(CassetteStore(path).all()) == 2
