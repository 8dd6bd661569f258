"""Cassettes: recording into one, opening one, and hits in one; vcrpy and cassetter beside us.

Those two match by the body, too; by default they would answer any question with any answer.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
from callers import caller, replay, right
from measure import Arm, Figure, Sample, interleave
from recording import Recorder, added, new_bodies
from run import Row, Run
from starting import cpu_seconds
from traffic import CHAT, HEADERS, LONG, Case, Item, chat_answer, chat_request, events, mock
from upstream import running

__all__ = ["rows"]

PATH = "/numbered/v1/chat/completions"
MATCHED: dict[str, Any] = {"match_on": ["method", "uri", "body"]}


@dataclass
class Cassettes:
    """The cassettes of a run, each recorded when it is first needed."""

    run: Run
    recorded: dict[int, tuple[Path, list[Sample]]] = field(default_factory=dict)
    opened: dict[str, list[list[float]] | str] = field(default_factory=dict)

    def ours(self, size: int) -> tuple[Path, list[Sample]]:
        """A cassette of that many small chats, and what each of them took to be recorded."""
        if size not in self.recorded:
            path = self.run.workspace / f"cassette-{size}.json"
            case = _chats(size)
            transport = replay(
                httpx2,
                "sync",
                mock(httpx2, case.answer, streamed=True, numbered=True),
                store=str(path),
                mode="auto",
            )
            samples = []
            with httpx2.Client(transport=transport) as client:
                for item in case.items:
                    started, cpu = time.perf_counter(), time.process_time()
                    client.post(CHAT, content=item.body, headers=HEADERS)
                    samples.append(Sample(time.perf_counter() - started, time.process_time() - cpu))
                started, cpu = time.perf_counter(), time.process_time()
            samples.append(Sample(time.perf_counter() - started, time.process_time() - cpu))  # of closing it
            self.recorded[size] = path, samples
        return self.recorded[size]

    def seconds_to_open(self, who: str, size: int) -> list[list[float]] | str:
        """CPU seconds of importing the recorder and of the first answer, of fresh processes; or why not."""
        name = f"{who}-{size}"
        if name not in self.opened:
            self.opened[name] = self._open(who, size)
        return self.opened[name]

    def _open(self, who: str, size: int) -> list[list[float]] | str:
        item = _chats(size).items[size // 2]
        body, answer = self.run.workspace / f"{who}-{size}.body", self.run.workspace / f"{who}-{size}.answer"
        body.write_bytes(item.body)
        answer.write_bytes(item.answer.body)
        url = CHAT
        if who == "replaycache":
            path, _ = self.ours(size)
        else:
            if find_spec({"vcrpy": "vcr"}.get(who, who)) is None:
                return f"{who} is not installed"
            path = self.run.workspace / f"{who}-{size}.yaml"
            url = _record_theirs(who, path, size)
        rounds = 2 if self.run.quick else 9
        return cpu_seconds(self.run, ["open_cassette", who, str(path), url, str(body), str(answer)], rounds)


def rows(run: Run) -> Iterator[Row]:
    """Recording, opening, hits."""
    cassettes = Cassettes(run)
    many = run.many
    opened = 100 if run.quick else 1_000
    yield Row(
        "cassettes.record.all",
        f"recording {many:,} calls, in all",
        "s",
        lambda: in_all(cassettes, many),
        None if run.quick else 10,
    )
    yield Row(
        "cassettes.record.last",
        f"the {many:,}th call over the 100th",
        "x",
        lambda: last_over_early(cassettes, many),
        1.5,
    )
    for name, what, characters, stream in (
        ("300k", "300 KB request into a cassette", LONG, False),
        ("stream", "400-chunk stream into a cassette", 60, True),
    ):
        yield Row(
            f"cassettes.record.{name}",
            what,
            "µs",
            lambda name=name, characters=characters, stream=stream: record_one(run, characters, stream=stream),
        )
    for size in (opened, many):
        yield Row(
            f"cassettes.open.{'few' if size == opened else 'many'}",
            f"open, first answer, {size:,} stored",
            "ms",
            lambda size=size: opening(cassettes, "replaycache", size),
        )
    for who, goal in (("cassetter", 0.25), ("vcrpy", 0.1)):
        yield Row(
            f"cassettes.open.{who}",
            f"the same of {who}, {opened:,} stored",
            "ms",
            lambda who=who: opening(cassettes, who, opened),
            ours=False,
        )
        yield Row(
            f"cassettes.open.over-{who}",
            f"open, first answer, over {who}",
            "x",
            lambda who=who: opening_over(cassettes, who, opened, start=1),
            goal,
        )
        yield Row(
            f"cassettes.open.over-{who}-with-imports",
            f"with imports, over {who}",
            "x",
            lambda who=who: opening_over(cassettes, who, opened, start=0),
        )
    for size in (opened, many):
        yield Row(
            f"cassettes.hit.{'few' if size == opened else 'many'}",
            f"a hit in a cassette of {size:,}",
            "x",
            lambda size=size: hits(cassettes, size),
            1.4,
        )
    yield Row(
        "cassettes.hit.growth",
        f"a hit, {many:,} over {opened:,}",
        "x",
        lambda: growth(cassettes, opened, many),
        1.05,
    )


def in_all(cassettes: Cassettes, size: int) -> Figure:
    """CPU seconds of all calls, and of closing the cassette."""
    _, samples = cassettes.ours(size)
    cpu, wall = sum(sample.cpu for sample in samples), sum(sample.wall for sample in samples)
    return Figure(cpu, by="CPU", details={"cpu": cpu, "wall": wall})


def last_over_early(cassettes: Cassettes, size: int) -> Figure:
    """The median of the last forty calls over that of forty about the hundredth."""
    _, samples = cassettes.ours(size)
    early = [sample.cpu for sample in samples[80:120]]
    late = [sample.cpu for sample in samples[-41:-1]]
    return Figure(
        statistics.median(late) / statistics.median(early),
        by="CPU",
        details={"early_us": statistics.median(early) * 1e6, "late_us": statistics.median(late) * 1e6},
    )


def record_one(run: Run, characters: int, *, stream: bool) -> Figure:
    """Microseconds that are added to a call; every batch has a new cassette."""
    answer = events() if stream else chat_answer()
    directory = run.directory(f"cassettes-{characters}-{stream}")
    number = iter(range(1_000_000))

    def upstream() -> Any:
        return mock(httpx2, answer, streamed=stream)

    def recorded(bodies: list[bytes]) -> Sample:
        store = str(directory / f"{next(number)}.json")
        transport = replay(httpx2, "sync", upstream(), store=store, mode="auto")
        recorder = Recorder(run, httpx2, "sync", transport, CHAT, answer, stream=stream, recorded=True)
        with transport:
            return recorder.batch(bodies)

    bare = Recorder(run, httpx2, "sync", upstream(), CHAT, answer, stream=stream)
    rounds = 3 if run.quick else 21
    return added(bare.batch, recorded, new_bodies(characters, stream=stream), 3, rounds)


def opening(cassettes: Cassettes, who: str, size: int) -> Figure:
    """Milliseconds from opening the cassette to the first answer."""
    found = cassettes.seconds_to_open(who, size)
    if isinstance(found, str):
        return Figure(None, cannot=found)
    taken = [first * 1e3 for _, first in found]
    imports = statistics.median(each for each, _ in found) * 1e3
    return Figure(statistics.median(taken), min(taken), max(taken), "CPU", details={"imports_ms": imports})


def opening_over(cassettes: Cassettes, who: str, size: int, start: int) -> Figure:
    """Ours over theirs: without the imports (1), or with them (0)."""
    ours, theirs = (cassettes.seconds_to_open(each, size) for each in ("replaycache", who))
    if isinstance(ours, str) or isinstance(theirs, str):
        return Figure(None, cannot=theirs if isinstance(theirs, str) else str(ours))
    sums = [[sum(line[start:]) for line in found] for found in (ours, theirs)]
    ratios = [our / their for our, their in zip(*sums, strict=True)]
    return Figure(statistics.median(sums[0]) / statistics.median(sums[1]), min(ratios), max(ratios), "CPU")


def hits(cassettes: Cassettes, size: int) -> Figure:
    """Hits over the floor, each of another recording."""
    case = _chats(size)
    items = case.items[size // 2 : size // 2 + 50]
    floor = caller(httpx2, "sync", mock(httpx2, case.answer, streamed=False), case)

    def unnumbered(result: bytes, _: Item) -> None:
        assert result == case.answer.body, "the floor gave another answer"

    hit = _player(cassettes, size)
    arms = Arm(lambda: floor, unnumbered), Arm(hit, right(case))
    return interleave(*arms, items, cassettes.run.plan, calls=len(items))


def growth(cassettes: Cassettes, few: int, many: int) -> Figure:
    """Hits in the larger cassette over the same in the smaller."""
    case = _chats(few)
    items = case.items[few // 2 : few // 2 + 50]
    arms = [Arm(_player(cassettes, size), right(case)) for size in (few, many)]
    return interleave(*arms, items, cassettes.run.plan, calls=len(items))


def _player(cassettes: Cassettes, size: int) -> Callable[[], Callable[[Item], Any]]:
    """Gives what plays a cassette from its beginning, with its file read: a recording is played once by each."""
    from replaycache.stores import CassetteStore

    path, _ = cassettes.ours(size)
    store = CassetteStore(path)
    case = _chats(size)
    first = case.items[0]

    def play() -> Callable[[Item], Any]:
        call = caller(httpx2, "sync", replay(httpx2, "sync", store=store, mode="replay"), case)
        right(case)(call(first), first)
        return call

    return play


def _chats(size: int) -> Case:
    return Case(chat_request, range(size), chat_answer())


def _record_theirs(who: str, path: Path, size: int) -> str:
    """Has the other record its cassette from a server on loopback, and gives the address; it is gone then."""
    items = _chats(size).items
    with running() as base:

        def record(cassette: Any, some: list[Item]) -> None:
            with cassette, httpx2.Client() as client:
                for item in some:
                    client.post(base + PATH, content=item.body, headers=HEADERS).raise_for_status()

        if who == "cassetter":
            from cassetter import use_cassette

            record(use_cassette(path, record_mode="once", **MATCHED), items)
        else:
            import vcr

            # what a call takes grows with the cassette that it is recorded into, so they are put together
            parts = []
            for start in range(0, size, 100):
                part = path.with_suffix(f".{start}.yaml")
                record(vcr.use_cassette(str(part), record_mode="all", **MATCHED), items[start : start + 100])
                parts.append(part.read_text("utf-8").removeprefix("interactions:\n").removesuffix("version: 1\n"))
            path.write_text("interactions:\n" + "".join(parts) + "version: 1\n", encoding="utf-8")
    return base + PATH
