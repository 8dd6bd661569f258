"""Files of a store that are cut short anywhere, or of which any bit is turned."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from replaycache import CassetteError
from replaycache.match import Match
from replaycache.stores import open_store
from tests.drivers import Driver

from .asking import Question, Upstream, ask
from .children import Child
from .scenarios import Trying, scenario
from .tally import Tally

DRIVER = Driver("httpx2", "sync")
QUESTIONS = [
    Question("small"),
    Question("streamed", 400, streamed=True),
    Question("in a file of its own", 530_000),
    Question("asked at length " * 2100, 50),
]
IN_A_CASSETTE = [*(Question(f"small {number}") for number in range(3)), Question("streamed", 400, streamed=True)]
# a journal is kept where the file is too large to be written anew each time
IN_A_JOURNAL = [Question("large", 700_000), *(Question(f"small {number}") for number in range(3))]
QUICK = ("cache.db and its log", ".val")
"""Files that the suite damages, too."""
AT_ONCE = 25
"""So many are tried in one process."""

Change = Callable[[bytes, int, random.Random], bytes]


def cut(data: bytes, at: int, chance: random.Random) -> bytes:
    return data[:at]


def flip(data: bytes, at: int, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def client_of(store: str, mode: str) -> Any:
    inner = Upstream(DRIVER).transport
    # the salt of the store counts for the keys, so that it is there and is used
    transport = DRIVER.transport(inner, store=store, mode=mode, match=Match(headers=["authorization"]))
    return DRIVER.module.Client(transport=transport, headers={"authorization": "Bearer somebody"})


def make(store: str, questions: list[Question], is_left: bool) -> None:
    """Records all of them; what is left is what a process leaves that is killed then."""
    with client_of(store, "auto") as client:
        for question in questions:
            for _ in range(2):
                assert ask(client, question)[0] == question.answer()
        if is_left:
            os._exit(0)


def whole(directory: Path, questions: list[Question], name: str, *, is_left: bool) -> dict[str, bytes]:
    """The files of a store with these recordings, by their names."""
    place = directory / "whole"
    place.mkdir()
    child = Child(make, str(place / name), questions, is_left)
    code, errors = child.wait(), child.errors()
    if code:
        raise AssertionError(errors)
    made = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    shutil.rmtree(place)
    return made


def check(directory: Path, tries: list[tuple[dict[str, bytes], str]], name: str, questions: list[Question]) -> str:
    """Asks damaged stores; what an edited cassette answers is its user's own, and not judged."""
    tally = Tally()
    is_cassette = name.endswith(".json")
    edited = f"flip {name} "
    for number, (files, what) in enumerate(tries):
        tally.times += 1
        place = directory / f"{os.getpid()}-{number}"
        for file, data in files.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_bytes(data)
        store = str(place / name)
        for mode in ("replay", "auto"):
            with tally.ours(f"{what}, mode {mode}, closing", CassetteError), client_of(store, mode) as client:
                for question in questions:
                    with tally.ours(f"{what}, mode {mode}"):
                        answer = None
                        answer, _ = ask(client, question)
                        if answer != question.answer() and not (is_cassette and what.startswith(edited)):
                            tally.count(
                                "wrong", f"{what}, mode {mode}: {len(answer)} bytes for {question.text[:30]}"
                            )
                    if answer is None and mode == "auto" and not is_cassette:
                        tally.count("wrong", f"{what}: a call in mode auto failed")
        with tally.ours(f"{what}, listing"):
            opened = open_store(store)[0]
            try:
                list(opened.keys())
                list(opened.newest(9))
                len(opened)
                if hasattr(opened, "ledger"):
                    list(opened.ledger.entries())
                    opened.ledger.last_played()
            finally:
                opened.close()
        shutil.rmtree(place)
    return tally.dumped()


def damaged(
    change: Change, name: str, questions: list[Question], endings: tuple[str, ...], is_left: bool
) -> Trying:
    """A scenario that changes one place of one of the files whose names end so."""

    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        files = whole(directory, questions, name, is_left=is_left)
        chosen = [file for file in files if file.endswith(endings)]
        assert {ending for ending in endings if any(file.endswith(ending) for file in chosen)} == set(endings), (
            list(files)
        )
        places = [(file, at) for file in chosen for at in range(len(files[file]))]
        if times < len(places):  # each file as often as the others
            each = [chance.choice(chosen) for _ in range(times)]
            places = [(file, chance.randrange(len(files[file]))) for file in each]
        for start in range(0, len(places), AT_ONCE):
            batch = [
                ({**files, file: change(files[file], at, chance)}, f"{change.__name__} {file} at {at}")
                for file, at in places[start : start + AT_ONCE]
            ]
            found = Child(check, directory, batch, name, questions).counted(tally, 20 * AT_ONCE)
            if found is None:
                tally.times += len(batch)
            else:
                tally.add(Tally.loaded(found))

    return tries


for change in (cut, flip):
    verb = {"cut": "cut short at", "flip": "bit turned in"}[change.__name__]
    for label, endings, is_left in (
        ("cache.db", ("cache.db",), False),
        ("cache.db and its log", ("cache.db", "cache.db-wal"), True),
        (".val", (".val",), False),
        ("usage.db", ("usage.db",), False),
        ("salt", ("salt",), False),
    ):
        scenario(f"{verb} any byte: {label}", few=10, many=2000, seconds=2, is_long=label not in QUICK)(
            damaged(change, "cache", QUESTIONS, endings, is_left)
        )
    scenario(f"{verb} any byte: a cassette's journal", few=10, many=2000, seconds=2, is_long=True)(
        damaged(change, "c.json", IN_A_JOURNAL, (".c.json.journal",), is_left=True)
    )
    scenario(f"{verb} any byte: cassette", few=10, many=100_000, seconds=2)(
        damaged(change, "c.json", IN_A_CASSETTE, ("c.json",), is_left=False)
    )
