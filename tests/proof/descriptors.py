"""A process that may open no further file."""

from __future__ import annotations

import os
import random
import resource
from pathlib import Path
from typing import Any

from replaycache import CacheMiss, ReplayCacheError
from tests.drivers import Driver
from tests.scripted_server import Received, ScriptedServer, Wire

from .asking import Question, Upstream, ask
from .children import Child
from .leaks import Had
from .places import Place
from .scenarios import Trying, scenario
from .tally import Tally

SIZES = (10, 10, 40_000, 600_000, 2_000_000)
"""Bytes of answers: the largest are spooled while they are recorded."""


def answer(request: Received, wire: Wire) -> None:
    wire.answer(Question.of(request.body).answer())


def exhaust(place: Place, seed: int, url: str) -> str:
    """Asks while but a few files can be opened, and again when that is over."""
    tally, chance = Tally(times=1), random.Random(seed)
    driver = Driver(chance.choice(["httpx", "httpx2"]), "sync")
    is_real = chance.random() < 0.3
    where = f"{place.kind}, seed {seed}"
    questions = [Question(f"{number}", chance.choice(SIZES), chance.random() < 0.3) for number in range(12)]
    # the client library's own error, where it cannot connect
    allowed = (driver.module.TransportError, OSError) if is_real else ()
    before = Had.now()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    acknowledged: list[Question] = []
    with tally.ours(where):
        for number in range(3):
            inner: Any = None if is_real else Upstream(driver).transport
            asked_at = url if is_real else "http://api.test"
            with driver.module.Client(transport=driver.transport(inner, store=place.name, mode="auto")) as client:
                # what is never opened before is opened with the limit, too
                if number:
                    used = len(os.listdir("/proc/self/fd")) - 1
                    resource.setrlimit(resource.RLIMIT_NOFILE, (used + chance.randrange(0, 9), hard))
                try:
                    for question in chance.choices(questions, k=10):
                        done = False
                        with tally.ours(where, *allowed):
                            got, outcome = ask(client, question, f"{asked_at}/v1/chat/completions")
                            done = True
                            if got != question.answer():
                                tally.count("wrong", f"{where}: {len(got)} bytes for {question}")
                            if outcome.status == "miss":
                                acknowledged.append(question)
                        if not done and not is_real and place.kind != "cassette":
                            tally.count("wrong", f"{where}: a call in mode auto failed")
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with driver.module.Client(transport=driver.transport(store=place.name, mode="replay")) as client:
        for question in dict.fromkeys(acknowledged):
            try:
                got, _ = ask(client, question, f"{asked_at}/v1/chat/completions")
                if got != question.answer():
                    tally.count("wrong", f"{where}: {len(got)} bytes for {question}")
            except (CacheMiss, ReplayCacheError) as error:
                tally.count("lost", f"{where}: {question}: {error!r}")
    inner = Upstream(driver).transport
    with driver.module.Client(transport=driver.transport(inner, store=place.name, mode="auto")) as client:
        if ask(client, Question("afterwards"))[1].status != "miss":
            tally.count("lost", f"{where}: afterwards nothing is stored")
    # the file of the claims is never closed: that would let go of them
    before.count_more(tally, where, kept=("claims.lock",))
    for name in place.left_beside():
        tally.count("leaks", f"{where}: {name}")
    return tally.dumped()


def exhausting(kind: str) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        with ScriptedServer(answer) as upstream:
            for _ in range(times):
                place, seed = Place(kind, directory), chance.randrange(1 << 30)
                found = Child(exhaust, place, seed, upstream.url).counted(tally, 120)
                if found is not None:
                    tally.add(Tally.loaded(found))

    return tries


for kind in ("disk", "cassette", "shared"):
    scenario(f"no further file can be opened: {kind}", few=3, many=500, is_long=kind != "disk")(exhausting(kind))
