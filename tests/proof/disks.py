"""Disks that are full, that fail, and directories that go away."""

from __future__ import annotations

import ctypes
import errno
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from replaycache import CacheMiss, CassetteError, ReplayCacheError
from tests.drivers import Driver

from .asking import Question, Upstream, ask
from .children import Child
from .places import Place
from .scenarios import Trying, scenario
from .tally import Tally

DRIVER = Driver("httpx2", "sync")
PATIENCE = 30.0
"""Seconds within which a call is answered, on whatever disk: somebody else's lock is waited for at most 10."""


class Recording:
    """Somebody who records, and knows what was acknowledged.

    Args:
        tally: where it counts.
        place: of the store.
        where: what is tried, for people.
    """

    def __init__(self, tally: Tally, place: Place, where: str) -> None:
        self._tally = tally
        self._place = place
        self._where = where
        self._made = 0
        self.begun: dict[Question, list[int]] = {}
        self.stored: dict[Question, list[int]] = {}
        self._replaced: set[Question] = set()
        self._upstream = Upstream(DRIVER)

    @contextmanager
    def client(self, mode: str = "auto") -> Iterator[Any]:
        """A client of the store; what its end raises is ours."""
        inner = self._upstream.transport
        with self._tally.ours(f"{self._where}, at its end", CassetteError):
            with DRIVER.module.Client(
                transport=DRIVER.transport(inner, store=self._place.name, mode=mode)
            ) as client:
                yield client

    def ask(self, client: Any, question: Question, *, anew: bool = False) -> str:
        """Asks, and judges the answer; tells what became of it."""
        self._made += 1
        self._upstream.made = self._made
        self.begun.setdefault(question, []).append(self._made)
        headers = {"x-replaycache-mode": "record"} if anew else {}
        if anew and self._place.kind == "cassette" and self.stored.get(question):
            # the first that a session records anew takes the place of what was there: one of both is to be found
            self._replaced.add(question)
            self.stored[question] = []
        started = time.monotonic()
        status = ""
        with self._tally.ours(self._where, *((CassetteError,) if self._place.kind == "cassette" else ())):
            answer, outcome = ask(client, question, **headers)
            status = outcome.status
            if not any(answer == question.answer(number) for number in self.begun[question]):
                self._tally.count("wrong", f"{self._where}: {len(answer)} bytes for {question}")
            if status == "miss":
                self.stored.setdefault(question, []).append(self._made)
        if not status and self._place.kind != "cassette":
            self._tally.count("wrong", f"{self._where}: a call in mode auto failed for {question}")
        if time.monotonic() - started > PATIENCE:
            self._tally.count("hangs", f"{self._where}: {time.monotonic() - started:.0f} seconds")
        return status

    def forget(self) -> None:
        """What was stored until now is not held to be there."""
        self.stored.clear()
        self._replaced.clear()

    def check(self) -> None:
        """The disk is well again: everything acknowledged is there, for another process."""
        found = Child(self._check).counted(self._tally, 60)
        if found is not None:
            self._tally.add(Tally.loaded(found))

    def _check(self) -> str:
        self._tally = Tally()
        with self.client("replay") as client:
            for question, numbers in self.begun.items():
                played: list[int] = []
                stored = self.stored.get(question, [])
                try:
                    while not played or self._place.kind == "cassette":
                        answer, _ = ask(client, question)
                        played += [number for number in numbers if answer == question.answer(number)] or [-1]
                except CacheMiss:
                    pass
                except ReplayCacheError as error:
                    self._tally.count("lost" if stored else "wrong", f"{self._where}: {question}: {error!r}")
                    continue
                if -1 in played:
                    self._tally.count("wrong", f"{self._where}: {question} of {numbers} has {played}")
                elif question in self._replaced and not played:
                    self._tally.count("lost", f"{self._where}: {question} was there, and nothing is")
                elif set(stored) - set(played) if self._place.kind == "cassette" else stored[-1:] > played:
                    self._tally.count("lost", f"{self._where}: {question} of {stored} has {played}")
        with self.client() as client:
            if (status := self.ask(client, Question("afterwards"))) != "miss":
                self._tally.count("lost", f"{self._where}: afterwards nothing is stored: {status!r}")
        self._place.open().close()
        for name in self._place.left_beside():
            self._tally.count("leaks", f"{self._where}: {name} is left beside it")
        return self._tally.dumped()


# -- full ------------------------------------------------------------------------------------------------------


def mounted(directory: Path, size: int) -> bool:
    """Mounts a small disk there, which goes with this process; False where this user may not."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x20000):  # CLONE_NEWNS
        return False
    steps = [
        ("mount", "--make-rprivate", "/"),
        ("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory)),
    ]
    return not any(subprocess.run(step, capture_output=True, check=False).returncode for step in steps)


def fill_up(place: Place, seed: int) -> str:
    """Records on a small disk until it is full, and goes on while there is no room, and when there is again."""
    tally, chance = Tally(), random.Random(seed)
    size = chance.randrange(300_000, 3_000_000) & ~4095
    tally.times += 1
    if not mounted(place.directory, size):
        return Tally(absent="a disk of its own cannot be mounted").dumped()
    recording = Recording(tally, place, f"a disk of {size} bytes, seed {seed}")
    filler = place.directory / "filler"
    sizes = (10, 5_000, 40_000, 300_000, 600_000)
    with recording.client() as client:
        refused = 0
        for number in range(200):
            question = Question(f"{number}", chance.choice(sizes), chance.random() < 0.3)
            refused += recording.ask(client, question) != "miss"
            if recording.stored and chance.random() < 0.3:
                recording.ask(client, chance.choice([*recording.stored]), anew=chance.random() < 0.5)
            if refused > 12:
                break
            if refused == 3 and not filler.exists():  # to the last byte
                with open(filler, "wb", buffering=0) as file:
                    try:
                        while True:
                            file.write(bytes(4096))
                    except OSError:
                        pass
        if not refused:
            tally.count("wrong", "the disk was never full")
        filler.unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,size=30000000", str(place.directory)], check=True)
    recording.check()
    return tally.dumped()


def full(kind: str) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for _ in range(times):
            found = Child(fill_up, Place(kind, directory), chance.randrange(1 << 30)).counted(tally, 300)
            if found is not None:
                tally.add(told := Tally.loaded(found))
                if told.absent:
                    tally.absent = told.absent
                    return

    return tries


# -- failing ---------------------------------------------------------------------------------------------------

ERRORS = {
    "EIO": (errno.EIO, False),
    "ENOSPC": (errno.ENOSPC, True),
    "EROFS": (errno.EROFS, True),
    "EDQUOT": (errno.EDQUOT, True),
    "EACCES": (errno.EACCES, False),
}


def fail(place: Place, name: str, first: int, last: int, then: int) -> list[Any]:
    """Records while operations fail; tells how many there were."""
    tally = Tally(times=1)
    shim = ctypes.CDLL(None)
    error, only_writes = ERRORS[name]
    upto = "on" if last > first else "only"
    recording = Recording(tally, place, f"{name} at operation {first} {upto}, {place.kind}, variant {then}")
    sizes = [200, 700, 600_000, 200]
    questions = [Question(f"q{number}", size, number == 1) for number, size in enumerate(sizes)]
    if then:  # the store is there already
        with recording.client() as client:
            for question in questions[:3]:
                recording.ask(client, question)
    shim.fail_below(str(place.directory).encode(), first, last, error, int(only_writes))
    with recording.client() as client:
        for question in questions:
            recording.ask(client, question)
        recording.ask(client, questions[0], anew=True)
        recording.ask(client, questions[2], anew=True)
        recording.ask(client, questions[1])
    counted = shim.operations_counted()
    shim.fail_below(b"", 0, 0, 0, 0)
    recording.check()
    return [tally.dumped(), counted]


def failing(kind: str, *, lasting: bool) -> Trying:
    """Every operation fails in its turn, with each error, in a store that is made and in one that is there."""

    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        variants = [(name, then) for name in ERRORS for then in (0, 1)]
        counts = dict.fromkeys(variants, 0)
        for name, then in variants:
            place = Place(kind, directory)
            found = Child(fail, place, name, 1 << 30, 1 << 30, then).counted(tally, 90)
            counts[name, then] = found[1] if found is not None else 0
            shutil.rmtree(place.directory)
        turns = [(name, then, first) for (name, then), count in counts.items() for first in range(1, count + 1)]
        chance.shuffle(turns)
        for name, then, first in turns[:times]:
            place = Place(kind, directory)
            last = 1 << 30 if lasting else first
            found = Child(fail, place, name, first, last, then).counted(tally, 240)
            tally.times += found is None
            if found is not None:
                tally.add(Tally.loaded(found[0]))
            shutil.rmtree(place.directory, ignore_errors=True)

    return tries


# -- gone ------------------------------------------------------------------------------------------------------


def vanish(place: Place, seed: int) -> str:
    """The directory is removed, moved away or replaced while it is used: what is recorded afterwards is there."""
    tally, chance = Tally(times=1), random.Random(seed)
    recording = Recording(tally, place, f"a directory that goes, seed {seed}")
    home, away = place.directory, place.directory.with_name(f"{place.directory.name}-away")
    other = place.directory.with_name(f"{place.directory.name}-other")
    with recording.client() as client:
        for number in range(24):
            question = Question(f"{number // 2}", chance.choice([10, 600_000]), chance.random() < 0.5)
            recording.ask(client, question)
            if chance.random() < 0.25:
                what = chance.choice(["remove", "move", "replace", "back"])
                gone = what != "back" or away.exists()
                if what == "remove":
                    shutil.rmtree(home, ignore_errors=True)
                elif what == "move" and home.exists() and not away.exists():
                    home.rename(away)
                elif what == "replace":
                    shutil.rmtree(other, ignore_errors=True)
                    shutil.copytree(home, other) if home.exists() else other.mkdir()
                    shutil.rmtree(home, ignore_errors=True)
                    other.rename(home)
                elif away.exists():
                    shutil.rmtree(home, ignore_errors=True)
                    away.rename(home)
                if gone and (what != "replace" or place.kind == "cassette"):
                    recording.forget()  # what went with it
    home.mkdir(exist_ok=True)
    recording.check()
    return tally.dumped()


def vanishing(kind: str) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for _ in range(times):
            found = Child(vanish, Place(kind, directory), chance.randrange(1 << 30)).counted(tally, 120)
            if found is not None:
                tally.add(Tally.loaded(found))

    return tries


for kind in ("disk", "cassette"):
    scenario(f"a disk that is full: {kind}", few=1, many=200, seconds=30)(full(kind))
for kind in ("disk", "cassette"):
    scenario(f"an operation that fails: {kind}", few=4, many=4000, seconds=10, shim="failing_disk")(
        failing(kind, lasting=False)
    )
    scenario(
        f"all fail from one on: {kind}",
        few=4,
        many=4000,
        seconds=20,
        is_long=kind == "cassette",
        shim="failing_disk",
    )(failing(kind, lasting=True))
for kind in ("disk", "cassette"):
    scenario(f"a directory that goes away: {kind}", few=2, many=500, seconds=10)(vanishing(kind))
