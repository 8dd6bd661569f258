"""Clocks that jump both ways while recordings have an age and an end."""

from __future__ import annotations

import ctypes
import random
import threading
import time
from pathlib import Path
from typing import Any

from replaycache.stores import DiskStore, RedisStore
from tests.drivers import Driver

from .asking import Question, Upstream, ask
from .children import Child
from .places import Place
from .scenarios import Trying, scenario
from .tally import Tally

DRIVER = Driver("httpx2", "sync")
LONG = 3600.0
"""Seconds of `ttl` and `max_age`."""
JUMPS = (1.0, 60.0, 3000.0, 4000.0, 86_400.0, 1e7, 6e8)
"""Seconds; the last leads before 2010 or beyond 2040, and several of them to 1970."""
NEAR = 60.0
"""Seconds about an end in which either is right."""


class Clock:
    """The clock of this process, which is behind or before the others'."""

    def __init__(self) -> None:
        self._move = ctypes.CDLL(None).move_clock
        self._move.argtypes = [ctypes.c_double]
        self.moved = 0.0

    def jump(self, chance: random.Random) -> None:
        self.moved += chance.choice(JUMPS) * chance.choice((-1, 1)) if chance.random() < 0.8 else -self.moved
        self.moved = max(-2e9, min(4e9, self.moved))
        self._move(self.moved)


def jumped(place: Place, seed: int) -> str:
    """Asks while the clock jumps; what is answered is as old as the clock says, and never less than nothing."""
    tally, chance = Tally(times=1), random.Random(seed)
    clock = Clock()
    bound = chance.choice(["ttl", "max_age"] if place.kind != "cassette" else ["ttl"])
    where = f"{place.kind}, {bound}, seed {seed}"
    store: Any = place.name
    if bound == "max_age":
        store = RedisStore(place.name, max_age=LONG) if place.kind == "shared" else DiskStore(store, max_age=LONG)
    upstream = Upstream(DRIVER)
    inner = upstream.transport
    # one answer for a question, also of a cassette
    options = {"repeats": "same", **({"ttl": LONG} if bound == "ttl" else {})}
    transport = DRIVER.transport(inner, store=store, mode="auto", **options)
    recorded: dict[int, tuple[float, int]] = {}
    with tally.ours(where), DRIVER.module.Client(transport=transport) as client:
        for made in range(1, 60):
            if chance.random() < 0.4:
                clock.jump(chance)
            number = chance.randrange(6)
            question = Question(f"{number}", chance.choice([10, 10, 600_000]) if number > 3 else 10, number == 3)
            key = hash(question)
            upstream.made = made
            started, now = time.monotonic(), time.time()
            answer, outcome = ask(client, question)
            if time.monotonic() - started > 25:
                tally.count("hangs", f"{where}: {time.monotonic() - started:.0f} seconds")
            at, before = recorded.get(key, (None, 0))
            if outcome.status == "hit":
                if answer != question.answer(before):
                    tally.count("wrong", f"{where}: {question}: another answer than was stored last")
                elif at is not None and now - at > LONG + NEAR and bound == "ttl":
                    tally.count("wrong", f"{where}: {question} is {now - at} seconds old and was replayed")
                elif outcome.age is None or outcome.age < 0 or abs(outcome.age - max(0, now - at)) > NEAR:
                    tally.count("wrong", f"{where}: {question}: age {outcome.age}, and it is {now - at}")
            else:
                if at is not None and 0 <= now - at < LONG - NEAR and bound == "ttl":
                    tally.count("lost", f"{where}: {question}, {now - at} seconds old, is {outcome}")
                if answer != question.answer(made):
                    tally.count("wrong", f"{where}: {question}: not what upstream answered")
                if outcome.status == "live":
                    tally.count("lost", f"{where}: {question} was not stored: {outcome}")
                recorded[key] = (now, made)
    return tally.dumped()


def share(place: Place, seed: int) -> str:
    """Those who ask the same at once make one call, whatever the clock does meanwhile."""
    tally, chance = Tally(times=1), random.Random(seed)
    clock = Clock()
    upstream = Upstream(DRIVER)
    answered = threading.Semaphore(0)
    transport = DRIVER.transport(upstream.transport, store=place.name, mode="auto")
    with DRIVER.module.Client(transport=transport) as client:

        def ask_all() -> None:
            for number in range(6):
                with tally.ours(f"{place.kind}, seed {seed}"):
                    if ask(client, Question(f"{number}", 30_000))[0] != Question(f"{number}", 30_000).answer():
                        tally.count("wrong", f"{place.kind}, seed {seed}: {number}")
                    answered.release()

        threads = [threading.Thread(target=ask_all, daemon=True) for _ in range(6)]
        for thread in threads:
            thread.start()
        for _ in range(36):
            clock.jump(chance)
            if not answered.acquire(timeout=40):
                tally.count("hangs", f"{place.kind}, seed {seed}")
                return tally.dumped()
        for thread in threads:
            thread.join()
    if upstream.calls != 6:
        tally.count("wrong", f"{place.kind}, seed {seed}: {upstream.calls} calls for 6 questions")
    return tally.dumped()


def jumping(work: Any, kinds: tuple[str, ...]) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for number in range(times):
            kind = kinds[number % len(kinds)]
            found = Child(work, Place(kind, directory), chance.randrange(1 << 30)).counted(tally, 120)
            if found is not None:
                tally.add(Tally.loaded(found))

    return tries


for kind in ("disk", "cassette", "shared"):
    scenario(f"a clock that jumps: {kind}", few=2, many=300, is_long=kind == "cassette", shim="clock")(
        jumping(jumped, (kind,))
    )
scenario("a clock that jumps while several ask", few=2, many=100, shim="clock")(jumping(share, ("disk", "shared")))
