"""A live call that is recorded takes at most 150 microseconds longer, its first chunk 0.3 ms.

A server in another process answers over loopback; calls with and without a ReplayTransport around the
library's own transport take turns. Every call has a new body, so that every one is recorded.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from measure import percentile
from report import Bar, Column, arguments, draw, goal, print_table, save
from traffic import HEADERS, chat_request
from upstream import CHUNKS, running

from replaycache.stores import DiskStore

COLUMNS = (
    Column("case", 32, right=False),
    Column("bare us", 7),
    Column("added", 6),
    Column("p10-p90", 11),
    Column("cpu", 5),
    Column("goal", 13),
)
WARM_UP = 30


@dataclass(frozen=True)
class Added:
    """What recording adds to a call, in seconds: the median of the pairs' differences, and their spread.

    Attributes:
        bare: the median of the bare call.
        cpu: the median added CPU time of the process, the store's write included.
    """

    bare: float
    median: float
    low: float
    high: float
    cpu: float
    pairs: int


Timed = Callable[[bytes], Any]
"""Makes one call; gives the wall and CPU seconds up to what counts."""


def whole_call(client: Any, url: str) -> Timed:
    """Times a call up to its whole answer."""

    def timed(body: bytes) -> tuple[float, float]:
        started, cpu = time.perf_counter(), time.process_time()
        client.post(url, content=body, headers=HEADERS)
        return time.perf_counter() - started, time.process_time() - cpu

    return timed


def async_whole_call(client: Any, url: str) -> Timed:
    """Times an asynchronous call up to its whole answer."""

    async def timed(body: bytes) -> tuple[float, float]:
        started, cpu = time.perf_counter(), time.process_time()
        await client.post(url, content=body, headers=HEADERS)
        return time.perf_counter() - started, time.process_time() - cpu

    return timed


def first_chunk(client: Any, url: str) -> Timed:
    """Times a call up to the first chunk of its stream, and reads the others."""

    def timed(body: bytes) -> tuple[float, float]:
        started, cpu = time.perf_counter(), time.process_time()
        with client.stream("POST", url, content=body, headers=HEADERS) as response:
            chunks = response.iter_raw()
            next(chunks)
            taken = time.perf_counter() - started, time.process_time() - cpu
            for _ in chunks:
                pass
        return taken

    return timed


def async_first_chunk(client: Any, url: str) -> Timed:
    """Times an asynchronous call up to the first chunk of its stream, and reads the others."""

    async def timed(body: bytes) -> tuple[float, float]:
        started, cpu = time.perf_counter(), time.process_time()
        async with client.stream("POST", url, content=body, headers=HEADERS) as response:
            chunks = response.aiter_raw()
            await anext(chunks)
            taken = time.perf_counter() - started, time.process_time() - cpu
            async for _ in chunks:
                pass
        return taken

    return timed


async def compare(bare: Timed, recorded: Timed, bodies: Iterator[bytes], pairs: int) -> Added:
    """Calls both by turns, the first of each pair drawn by lot; all in one run of the loop, as programs do."""

    async def run(timed: Timed) -> tuple[float, float]:
        result = timed(next(bodies))
        return await result if inspect.isawaitable(result) else result

    for _ in range(WARM_UP):
        await run(bare)
        await run(recorded)
    order = random.Random(7)
    taken: dict[Timed, list[tuple[float, float]]] = {bare: [], recorded: []}
    for _ in range(pairs):
        for timed in (bare, recorded) if order.random() < 0.5 else (recorded, bare):
            taken[timed].append(await run(timed))
    walls = [ours[0] - theirs[0] for ours, theirs in zip(taken[recorded], taken[bare], strict=True)]
    cpus = [ours[1] - theirs[1] for ours, theirs in zip(taken[recorded], taken[bare], strict=True)]
    return Added(
        statistics.median(wall for wall, _ in taken[bare]),
        statistics.median(walls),
        percentile(walls, 0.1),
        percentile(walls, 0.9),
        statistics.median(cpus),
        pairs,
    )


def new_bodies(*, stream: bool) -> Iterator[bytes]:
    """Requests of which no two are the same; they are made before they are needed."""
    text = json.dumps(chat_request(0, stream=stream))
    number = 0
    while True:
        number += 1
        yield text.replace("Question 0", f"Question {number}").encode()


@contextmanager
def clients(library: ModuleType, kind: str, store: DiskStore, loop: Any) -> Iterator[tuple[Any, Any]]:
    """A bare client and one that records."""
    adapter = importlib.import_module(f"replaycache.{library.__name__}")
    if kind == "sync":
        with (
            library.Client(transport=library.HTTPTransport()) as bare,
            library.Client(transport=adapter.ReplayTransport(library.HTTPTransport(), store=store)) as recorded,
        ):
            yield bare, recorded
        return
    bare = library.AsyncClient(transport=library.AsyncHTTPTransport())
    transport = adapter.AsyncReplayTransport(library.AsyncHTTPTransport(), store=store)
    recorded = library.AsyncClient(transport=transport)
    try:
        yield bare, recorded
    finally:
        loop.run_until_complete(bare.aclose())
        loop.run_until_complete(recorded.aclose())


def measure_way(library: ModuleType, kind: str, base: str, pairs: int) -> Iterator[tuple[str, Added, float]]:
    """A whole call and a first chunk, with their goals in seconds."""
    asynchronous = kind == "async"
    loop = asyncio.new_event_loop()
    url = f"{base}/v1/chat/completions"
    cases = (
        ("small call", async_whole_call if asynchronous else whole_call, False, 150e-6),
        (f"first of {CHUNKS} chunks", async_first_chunk if asynchronous else first_chunk, True, 300e-6),
    )
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory:
        store = DiskStore(Path(directory))
        with clients(library, kind, store, loop) as (bare, recorded):
            for name, timer, stream, limit in cases:
                before = len(store)
                added = loop.run_until_complete(
                    compare(timer(bare, url), timer(recorded, url), new_bodies(stream=stream), pairs)
                )
                assert len(store) - before == pairs + WARM_UP, "not every call was recorded"
                yield f"{library.__name__} {kind}: {name}", added, limit
        store.close()
    loop.close()


def main() -> None:
    """Measures every way and reports."""
    parser = arguments(__doc__)
    options = parser.parse_args()
    pairs = 150 if options.quick else 1000
    rows, bars, data = [], [], []
    with running() as base:
        for library_name in ("httpx2", "httpx"):
            library = importlib.import_module(library_name)
            for kind in ("sync", "async"):
                for name, added, limit in measure_way(library, kind, base, pairs):
                    micros = round(added.median * 1e6)
                    rows.append(
                        [
                            name,
                            f"{added.bare * 1e6:,.0f}",
                            f"{micros:+}",
                            f"{added.low * 1e6:+.0f}..{added.high * 1e6:+.0f}",
                            f"{added.cpu * 1e6:+.0f}",
                            goal(micros, limit * 1e6),
                        ]
                    )
                    bars.append(Bar(name, micros, limit * 1e6))
                    data.append({"case": name, "goal": limit, **vars(added)})
    print_table(COLUMNS, rows, ["added: median of the pairs' differences, in us; cpu: the same of CPU time"])
    save("live", data, pairs=pairs)
    draw("live", "what recording adds to a live call over loopback", "microseconds added", bars)


if __name__ == "__main__":
    main()
