"""Processes that are killed while they record."""

from __future__ import annotations

import json
import os
import random
import select
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import anyio
import anyio._backends._asyncio  # what is imported here is imported in no forked process

import replaycache.engine.answer
import replaycache.httpx
import replaycache.httpx2
import replaycache.stores.cassette
import replaycache.stores.disk  # noqa: F401  # the same
from replaycache import CacheMiss, ReplayCacheError
from tests.drivers import ASYNC, SYNC, Driver

from .asking import Question, Upstream, ask, ask_in_task
from .children import Child
from .places import Place
from .scenarios import scenario
from .tally import Tally

SIZES = (10, 1_000, 30_000, 200_000, 600_000)
"""Bytes of answers: some get a file of their own in a disk cache."""


def record(place: Place, who: int, seed: int, tells: int) -> None:
    """Records until it is killed. Tells what it begins, and what is stored once the outcome says so."""
    chance = random.Random(seed)
    driver = chance.choice([*SYNC, *(one for one in ASYNC if one.how == "asyncio")])
    upstream = Upstream(driver)
    asked: list[Question] = []

    def begin(number: int) -> tuple[Question, dict[str, str]]:
        headers = {}
        if asked and chance.random() < 0.25:
            question = chance.choice(asked)
            headers["x-replaycache-mode"] = "record"
        else:
            question = Question(f"{who} {number}", chance.choice(SIZES), chance.random() < 0.4)
            asked.append(question)
        upstream.made = number
        tell("begun", number, question)
        return question, headers

    def tell(what: str, number: int, question: Question) -> None:
        line = f"{what} {number} {json.dumps(question.body)}\n".encode()
        assert len(line) <= select.PIPE_BUF
        os.write(tells, line)

    def end(number: int, question: Question, answer: bytes, outcome: Any) -> None:
        if answer != question.answer(number):
            tell("wrong", number, question)
        elif outcome.status == "miss":
            tell("stored", number, question)

    async def in_task() -> None:
        transport = driver.transport(upstream.transport, store=place.name, mode="auto")
        async with driver.module.AsyncClient(transport=transport) as client:
            for number in range(10_000):
                question, headers = begin(number)
                end(number, question, *await ask_in_task(client, question, **headers))

    if driver.is_async:
        anyio.run(in_task)
    with driver.module.Client(
        transport=driver.transport(upstream.transport, store=place.name, mode="auto")
    ) as client:
        for number in range(10_000):
            question, headers = begin(number)
            end(number, question, *ask(client, question, **headers))


def check(place: Place, told: list[tuple[str, int, str]]) -> Any:
    """What is stored is whole, what was acknowledged is there, and nobody is waited for: what is not so."""
    tally = Tally()
    begun: dict[str, list[int]] = defaultdict(list)
    stored: dict[str, list[int]] = defaultdict(list)
    for what, number, body in told:
        if what == "begun":
            begun[body].append(number)
        elif what == "stored":
            stored[body].append(number)
        elif what == "wrong":
            tally.count("wrong", f"while it was recorded: {body}")
    driver = Driver("httpx2", "sync")
    upstream = Upstream(driver, made=-1)

    def client(mode: str) -> Any:
        return driver.module.Client(transport=driver.transport(upstream.transport, store=place.name, mode=mode))

    with client("replay") as replaying:
        for body, numbers in begun.items():
            question = Question.of(body.encode())
            found: list[int] = []
            try:
                while not found or place.kind == "cassette":  # that has them all, in their order
                    answer, _ = ask(replaying, question)
                    which = [number for number in numbers if answer == question.answer(number)]
                    found += which or [-1]
            except CacheMiss:
                pass
            except ReplayCacheError as error:
                tally.count("lost" if body in stored else "wrong", f"{body}: {error!r}")
                continue
            if -1 in found or found != sorted(found):
                tally.count("wrong", f"{body}: of {numbers} it has {found}")
            elif set(stored[body]) - set(found) if place.kind == "cassette" else stored[body][-1:] > found:
                tally.count("lost", f"{body}: of {stored[body]} it has {found}")
    with client("auto") as recording:
        for body in [one for one in begun if not stored[one]][:8]:
            started = time.monotonic()
            answer, outcome = ask(recording, Question.of(body.encode()))
            if outcome.status == "live":
                tally.count("lost", f"afterwards nothing can be stored: {outcome}")
            if time.monotonic() - started > place.patience:
                tally.count("hangs", f"{body} took {time.monotonic() - started:.1f} seconds")
        answer, outcome = ask(recording, Question("afterwards"))
        if (answer, outcome.status) != (Question("afterwards").answer(-1), "miss"):
            tally.count("lost", f"afterwards nothing can be stored: {outcome}")
    store = place.open()
    if len(store) != len(list(store.keys())) and place.kind != "cassette":  # of a key that may have several
        tally.count("wrong", "it miscounts what it has")
    if place.kind == "disk":
        for path in place.path.glob("*/*/*.val"):
            os.utime(path, (0, 0))
        store.remove_strays()
        with_files = len(list(place.path.glob("*/*/*.val")))
        named = store._database.read("SELECT count(*) FROM Cache WHERE filename IS NOT NULL")[0][0]
        if with_files != named:
            tally.count("leaks", f"{with_files} files for {named} rows")
    store.close()
    for name in place.left_beside():
        tally.count("leaks", f"{name} is left beside it")
    return tally.dumped()


def kill_round(tally: Tally, place: Place, chance: random.Random) -> None:
    """Starts up to eight, kills them at a moment of chance, and looks."""
    tally.times += 1
    reading, writing = os.pipe()
    try:
        seeds = [chance.randrange(1 << 30) for _ in range(chance.randint(1, 8))]
        children = [Child(record, place, who, seed, writing) for who, seed in enumerate(seeds)]
        os.close(writing)
        data, wanted = b"", chance.randint(0, 40)
        ends = time.monotonic() + 60
        while data.count(b"stored") < wanted and time.monotonic() < ends:
            data += os.read(reading, 1 << 16)
        time.sleep(chance.uniform(0, 0.03))
        chance.shuffle(children)
        for child in children:
            child.kill()
            if chance.random() < 0.3:
                time.sleep(chance.uniform(0, 0.01))
        for child in children:
            child.wait()
            if errors := child.errors():
                tally.count("foreign", errors[-2000:])
        while more := os.read(reading, 1 << 16):
            data += more
    finally:
        os.close(reading)
    lines = [line.split(" ", 2) for line in data.decode().splitlines()]
    told = [(what, int(number), body) for what, number, body in lines]
    found = Child(check, place, told).counted(tally, 120)
    if found is not None:
        tally.add(Tally.loaded(found))


def killed(kind: str) -> Any:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for _ in range(times):
            kill_round(tally, Place(kind, directory), chance)

    return tries


for kind in ("disk", "cassette", "shared"):
    scenario(f"kill -9 while 1-8 record: {kind}", few=1, many=200, seconds=20, is_long=kind == "shared")(
        killed(kind)
    )
