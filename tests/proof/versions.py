"""One store, used by this version and by a newer one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from replaycache import CacheMiss, CassetteError, CorruptRecording, StoreError
from replaycache.stores import disk
from replaycache.stores import format as entries
from replaycache.stores.cassette import text
from replaycache.stores.redis import store as shared
from tests.drivers import Driver

from .asking import Question, Upstream, ask
from .children import Child
from .places import KINDS, Place
from .scenarios import Trying, scenario
from .tally import Tally

DRIVER = Driver("httpx2", "sync")
SIZES = (10, 600_000, 3_000_000)
"""Bytes of answers: in a row or a value, in a file, in pieces."""


def become_newer(*, whole_cache: bool) -> None:
    """Makes this process one of the next version: of entries, or of the layout of the cache."""
    if whole_cache:
        disk._VERSION += 1
        return
    entries.VERSION += 1
    shared._VERSION += 1
    shared._IN_PIECES = shared._MAGIC + bytes([shared._VERSION])
    newer = "replaycache/2"
    text._OPENING = text._OPENING.replace(text.FORMAT, newer)
    text.FORMAT = newer


def record(place: Place, questions: list[Any], newer: bool, whole_cache: bool) -> list[Any]:
    """Records in mode auto, as either version; tells what was answered wrongly, and what was stored."""
    if newer:
        become_newer(whole_cache=whole_cache)
    tally, stored = Tally(), []
    transport = DRIVER.transport(Upstream(DRIVER).transport, store=place.name, mode="auto")
    errors = (CassetteError,) if place.kind == "cassette" else ()
    with tally.ours(place.kind, *errors), DRIVER.module.Client(transport=transport) as client:
        for question in [Question(*one) for one in questions]:
            with tally.ours(place.kind, *errors):
                answer, outcome = ask(client, question)
                if answer != question.answer():
                    tally.count("wrong", f"{question}")
                if outcome.status == "miss":
                    stored.append(question)
    return [tally.dumped(), stored]


def replay(place: Place, questions: list[Any], newer: bool, whole_cache: bool) -> list[Any]:
    """What the questions come to in mode replay: `hit`, `miss`, `wrong`, or the text of the error."""
    if newer:
        become_newer(whole_cache=whole_cache)
    found = []
    with DRIVER.module.Client(transport=DRIVER.transport(store=place.name, mode="replay")) as client:
        for question in [Question(*one) for one in questions]:
            try:
                found.append("hit" if ask(client, question)[0] == question.answer() else "wrong")
            except CacheMiss:
                found.append("miss")
            except CorruptRecording as error:
                found.append(f"damaged: {error}")
            except (StoreError, CassetteError) as error:
                found.append(str(error))
    return found


def two_versions(tally: Tally, place: Place, chance: random.Random) -> None:
    """The older one first or not; then both by turns. Neither takes what the other stored for something else."""
    tally.times += 1
    whole_cache = place.kind == "disk" and chance.random() < 0.3
    where = f"{place.kind}{', the layout' if whole_cache else ''}"
    sizes = SIZES if place.kind != "cassette" else SIZES[:2]
    questions = [Question(f"{number}", chance.choice(sizes), chance.random() < 0.3) for number in range(6)]
    by: dict[Question, bool] = {}
    for newer in chance.choices([False, True], k=3):
        some = chance.sample(questions, 3)
        found = Child(record, place, some, newer, whole_cache).counted(tally, 60)
        if found is None:
            return
        tally.add(Tally.loaded(found[0]))
        for one in found[1]:
            by.setdefault(Question(*one), newer)
    is_newer = any(by.values())
    for newer in (True, False):
        found = Child(replay, place, questions, newer, whole_cache).counted(tally, 60)
        if found is None:
            return
        for question, came in zip(questions, found, strict=True):
            told = f"{where}: {question}, stored by {by.get(question)}, is to {newer}: {came}"
            refuses_all = not newer and is_newer and (whole_cache or place.kind == "cassette")
            if refuses_all or (question in by and by[question] and not newer):
                if "newer" not in came and "upgrade" not in came.lower():
                    tally.count("wrong" if came == "wrong" else "foreign", told)
            elif question in by and came != "hit":
                tally.count("wrong" if came == "wrong" else "lost", told)
            elif question not in by and came != "miss":
                tally.count("wrong", told)


def mixed(kind: str) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for _ in range(times):
            two_versions(tally, Place(kind, directory), chance)

    return tries


for kind in KINDS:
    scenario(f"a store of two versions: {kind}", few=2, many=200, is_long=kind == "shared")(mixed(kind))
