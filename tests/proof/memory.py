"""Memory after many hits, and after many misses."""

from __future__ import annotations

import gc
import random
from pathlib import Path

from tests.drivers import Driver

from .asking import Question, Upstream, ask
from .children import Child
from .leaks import rss
from .places import Place
from .scenarios import Trying, scenario
from .tally import Tally

ALLOWED = 4 << 20
"""Bytes that the second half of many calls may take more than the first: allocators are not exact."""


def grow(place: Place, count: int, hits: bool) -> str:
    """Asks so often, and compares the memory after a half with that at the end."""
    tally, driver = Tally(times=count), Driver("httpx2", "sync")
    inner = Upstream(driver).transport
    questions = [Question(f"{number}", 200, number % 4 == 0) for number in range(500)]
    with driver.module.Client(transport=driver.transport(inner, store=place.name, mode="auto")) as client:
        for question in questions:
            ask(client, question)
        sizes = []
        for half in range(2):
            for number in range(count // 2):
                question = questions[number % 500] if hits else Question(f"{half} {number}", 200, number % 4 == 0)
                answer, outcome = ask(client, question)
                if answer != question.answer() or outcome.status != ("hit" if hits else "miss"):
                    tally.count("wrong", f"{question}: {outcome}")
            gc.collect()
            sizes.append(rss())
    if sizes[1] - sizes[0] > ALLOWED:
        tally.count("leaks", f"{sizes[0]:,} bytes after {count // 2} calls and {sizes[1]:,} after {count}")
    return tally.dumped()


def growing(kind: str, hits: bool) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        found = Child(grow, Place(kind, directory), times, hits).counted(tally, 60 + times / 10)
        if found is not None:
            tally.add(Tally.loaded(found))

    return tries


for kind in ("disk", "shared"):
    scenario(f"memory over hits: {kind}", few=20_000, many=200_000, seconds=0.1, is_long=True)(growing(kind, True))
    scenario(f"memory over misses: {kind}", few=4_000, many=20_000, seconds=0.1, is_long=True)(
        growing(kind, False)
    )
