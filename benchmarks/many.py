"""Hits of many at once against as many workers of the floor: calls a second, ours over theirs."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from callers import Kind, caller, replay, right
from hits import SMALL
from measure import Clock, Figure, Sample, by_turns, clocked, ratio
from run import Row, Run, library_of
from traffic import Item, mock

__all__ = ["rows"]

TASKS, THREADS, PROCESSES = 64, 8, 2
GOAL = 0.75


def rows(run: Run, library: str) -> Iterator[Row]:
    """Tasks of one loop, threads, processes."""
    ways: tuple[tuple[str, str, Callable[[Run, str], Figure]], ...] = (
        ("tasks", f"{TASKS} asyncio tasks", tasks),
        ("threads", f"{THREADS} threads", threads),
        ("processes", f"{PROCESSES} processes", processes),
    )
    for name, what, measure in ways:
        yield Row(
            f"many.{library}.{name}",
            f"{what}, {library}",
            "x",
            lambda measure=measure: measure(run, library),
            GOAL,
            at_least=True,
        )


def tasks(run: Run, library_name: str) -> Figure:
    """One asynchronous client, called by many tasks of one loop."""
    each = 2 if run.quick else 5

    async def worker(call: Callable[[Item], Any], items: Sequence[Item]) -> Any:
        for item in items:
            result = await call(item)
        return result

    def batch(call: Callable[[Item], Any], check: Callable[[Any, Item], None]) -> Sample:
        async def together() -> list[Any]:
            return await asyncio.gather(*(worker(call, _items(number, each)) for number in range(TASKS)))

        with clocked() as taken:
            results = run.loop.run_until_complete(together())
        for number, result in enumerate(results):
            check(result, _items(number, each)[-1])
        return taken()

    floor, hit = _calls(library_name, "async", _directory(run))
    arms = [lambda _, arm=arm: batch(*arm) for arm in (floor, hit)]
    return _throughput(by_turns(arms, run.plan.rounds), "CPU")


def threads(run: Run, library_name: str) -> Figure:
    """One client, called by many threads."""
    each = 10 if run.quick else 50

    def worker(call: Callable[[Item], Any], items: Sequence[Item]) -> Any:
        for item in items:
            result = call(item)
        return result

    with ThreadPoolExecutor(THREADS) as pool:

        def batch(call: Callable[[Item], Any], check: Callable[[Any, Item], None]) -> Sample:
            with clocked() as taken:
                waiting = [pool.submit(worker, call, _items(number, each)) for number in range(THREADS)]
                results = [each.result() for each in waiting]
            for number, result in enumerate(results):
                check(result, _items(number, each)[-1])
            return taken()

        floor, hit = _calls(library_name, "sync", _directory(run))
        arms = [lambda _, arm=arm: batch(*arm) for arm in (floor, hit)]
        return _throughput(by_turns(arms, run.plan.rounds), "wall")


def processes(run: Run, library_name: str) -> Figure:
    """Processes that have a client each, over one directory."""
    each = 50 if run.quick else 150
    context = multiprocessing.get_context("spawn")
    pipes = []
    workers = []
    for _ in range(PROCESSES):
        ours, theirs = context.Pipe()
        workers.append(context.Process(target=_serve, args=(theirs, library_name, _directory(run), each)))
        workers[-1].start()
        theirs.close()
        pipes.append(ours)

    def batch(arm: int) -> Sample:
        with clocked() as taken:
            for pipe in pipes:
                pipe.send(arm)
            cpu = sum(pipe.recv() for pipe in pipes)
        return Sample(taken().wall, cpu)

    try:
        arms = [lambda _, arm=arm: batch(arm) for arm in (0, 1)]
        return _throughput(by_turns(arms, run.plan.rounds), "wall")
    finally:
        for pipe in pipes:
            pipe.close()
        for worker in workers:
            worker.join()


def _serve(pipe: Connection, library_name: str, directory: str, each: int) -> None:
    """A worker process: calls the arm that it is told, and answers with the CPU time that this took."""
    arms = _calls(library_name, "sync", directory)
    items = _items(0, each)
    while True:
        try:
            call, check = arms[pipe.recv()]
        except EOFError:
            return
        with clocked() as taken:
            for item in items:
                result = call(item)
        check(result, items[-1])
        pipe.send(taken().cpu)


Arms = tuple[tuple[Callable[[Item], Any], Callable[[Any, Item], None]], ...]


def _calls(library_name: str, kind: Kind, directory: str) -> Arms:
    """The floor and the hit, each with what checks its answer."""
    library = library_of(library_name)
    floor = caller(library, kind, mock(library, SMALL.answer, streamed=False), SMALL)
    hit = caller(library, kind, replay(library, kind, store=directory, mode="replay"), SMALL)

    def unnumbered(result: bytes, _: Item) -> None:
        assert result == SMALL.answer.body, "the floor gave another answer"

    return (floor, unnumbered), (hit, right(SMALL))


def _directory(run: Run) -> str:
    """A filled cache that has what is asked for."""
    directory = str(run.stored(run.many))
    library = library_of("httpx2")
    upstream = mock(library, SMALL.answer, streamed=True, numbered=True)
    with replay(library, "sync", upstream, store=directory, mode="auto") as transport:
        call = caller(library, "sync", transport, SMALL)
        for item in SMALL.items:
            right(SMALL)(call(item), item)
    return directory


def _items(worker: int, count: int) -> list[Item]:
    return [SMALL.items[(worker + index) % len(SMALL.items)] for index in range(count)]


def _throughput(samples: list[list[Sample]], by: Clock) -> Figure:
    """The floor's time over ours."""
    floor, hit = samples
    return ratio(hit, floor, by)
