"""What it adds to a call to be recorded in the disk cache: over MockTransport, and over a server on loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from callers import Kind, replay
from measure import Clock, Figure, Sample, by_turns, difference
from run import Row, Run, library_of
from traffic import CHAT, HEADERS, LONG, Answer, chat_answer, chat_request, events, mock
from upstream import running

__all__ = ["Recorder", "added", "rows"]


def rows(run: Run, library: str) -> Iterator[Row]:
    """Small calls, long requests, streams."""
    kinds: tuple[tuple[Kind, str, float], ...] = (("sync", "", 150), ("async", " async", 250))
    for kind, told, goal in kinds:
        yield Row(
            f"recording.{library}.{kind}.small",
            f"small, {library}{told}",
            "µs",
            lambda kind=kind: over_mock(run, library, kind),
            goal,
        )
        yield Row(
            f"recording.{library}.{kind}.small-loopback",
            f"small, loopback, {library}{told}",
            "µs",
            lambda kind=kind: over_loopback(run, library, kind),
            goal,
        )
    yield Row(
        f"recording.{library}.sync.300k",
        f"300 KB request, {library}",
        "µs",
        lambda: over_mock(run, library, "sync", characters=LONG),
        1500,
    )
    for kind, told, _ in kinds:
        yield Row(
            f"recording.{library}.{kind}.stream",
            f"400-chunk stream, {library}{told}",
            "µs",
            lambda kind=kind: over_mock(run, library, kind, stream=True),
            600,
        )
        yield Row(
            f"recording.{library}.{kind}.first-chunk",
            f"1st chunk, loopback, {library}{told}",
            "µs",
            lambda kind=kind: over_loopback(run, library, kind, stream=True),
            300,
        )


class Recorder:
    """Asks new questions through a client and times them.

    Args:
        library: httpx or httpx2.
        kind: of client.
        transport: of the client.
        url: where it asks.
        answer: the right one.
        stream: ask for a stream.
        until_first: the clock stops at the first chunk.
        recorded: every call has to tell that it was recorded.
    """

    def __init__(
        self,
        run: Run,
        library: ModuleType,
        kind: Kind,
        transport: Any,
        url: str,
        answer: Answer,
        *,
        stream: bool = False,
        until_first: bool = False,
        recorded: bool = False,
    ) -> None:
        self.run, self.kind, self.url, self.answer = run, kind, url, answer
        self.stream, self.until_first, self.recorded = stream, until_first, recorded
        self.client = (library.AsyncClient if kind == "async" else library.Client)(transport=transport)

    def batch(self, bodies: list[bytes]) -> Sample:
        """Asks each of the bodies and sums up the seconds."""
        if self.kind == "async":
            asked = self._ask_async(bodies)
            samples, read, responses = self.run.loop.run_until_complete(asked)
        else:
            samples, read, responses = self._ask(bodies)
        expected = list(self.answer.chunks) if self.stream else self.answer.body
        if self.until_first:
            expected = self.answer.body
        for result, response in zip(read, responses, strict=True):
            assert result == expected, "another answer"
            if self.recorded:
                assert response.extensions["replaycache"].status == "miss", "a call was not recorded"
        return Sample(sum(sample.wall for sample in samples), sum(sample.cpu for sample in samples))

    def _ask(self, bodies: list[bytes]) -> tuple[list[Sample], list[Any], list[Any]]:
        samples, read, responses = [], [], []
        for body in bodies:
            started, cpu = time.perf_counter(), time.process_time()
            if not self.stream:
                response = self.client.post(self.url, content=body, headers=HEADERS)
                samples.append(Sample(time.perf_counter() - started, time.process_time() - cpu))
                read.append(response.content)
            else:
                with self.client.stream("POST", self.url, content=body, headers=HEADERS) as response:
                    chunks = response.iter_raw()
                    first = next(chunks)
                    at_first = Sample(time.perf_counter() - started, time.process_time() - cpu)
                    every = [first, *chunks]
                whole = Sample(time.perf_counter() - started, time.process_time() - cpu)
                samples.append(at_first if self.until_first else whole)
                read.append(b"".join(every) if self.until_first else every)
            responses.append(response)
        return samples, read, responses

    async def _ask_async(self, bodies: list[bytes]) -> tuple[list[Sample], list[Any], list[Any]]:
        samples, read, responses = [], [], []
        for body in bodies:
            started, cpu = time.perf_counter(), time.process_time()
            if not self.stream:
                response = await self.client.post(self.url, content=body, headers=HEADERS)
                samples.append(Sample(time.perf_counter() - started, time.process_time() - cpu))
                read.append(response.content)
            else:
                async with self.client.stream("POST", self.url, content=body, headers=HEADERS) as response:
                    chunks = response.aiter_raw()
                    first = await anext(chunks)
                    at_first = Sample(time.perf_counter() - started, time.process_time() - cpu)
                    every = [first]
                    async for chunk in chunks:
                        every.append(chunk)
                whole = Sample(time.perf_counter() - started, time.process_time() - cpu)
                samples.append(at_first if self.until_first else whole)
                read.append(b"".join(every) if self.until_first else every)
            responses.append(response)
        return samples, read, responses


def new_bodies(characters: int, *, stream: bool) -> Iterator[bytes]:
    """Requests of which no two are the same."""
    text = json.dumps(chat_request(0, characters, stream=stream))
    number = 0
    while True:
        number += 1
        yield text.replace("Question 0", f"Question {number}").encode()


def added(
    bare: Callable[[list[bytes]], Sample],
    recorded: Callable[[list[bytes]], Sample],
    bodies: Iterator[bytes],
    calls: int,
    rounds: int,
    by: Clock,
) -> Figure:
    """Microseconds that the second takes more for a call than the first; every call has a new body."""
    arms = [lambda _, arm=arm: arm([next(bodies) for _ in range(calls)]) for arm in (bare, recorded)]
    floor, subject = by_turns(arms, rounds)
    return difference(floor, subject, by, 1e6, calls, batch=calls)


def over_mock(run: Run, library_name: str, kind: Kind, characters: int = 60, *, stream: bool = False) -> Figure:
    """The upstream answers from memory, so that CPU time tells what is ours."""
    library = library_of(library_name)
    answer = events() if stream else chat_answer()
    directory = run.workspace / f"recorded-{library_name}-{kind}-{characters}-{stream}"

    def upstream() -> Any:
        return mock(library, answer, streamed=stream)

    transport = replay(library, kind, upstream(), store=str(directory), mode="auto")
    bare = Recorder(run, library, kind, upstream(), CHAT, answer, stream=stream)
    recorded = Recorder(run, library, kind, transport, CHAT, answer, stream=stream, recorded=True)
    calls = 20 if characters < LONG and not stream else 3
    rounds = run.plan.rounds
    bodies = new_bodies(characters, stream=stream)
    return added(bare.batch, recorded.batch, bodies, calls, rounds, "CPU")


def over_loopback(run: Run, library_name: str, kind: Kind, *, stream: bool = False) -> Figure:
    """The upstream is a server in another process; of a stream, only the time to its first chunk counts."""
    library = library_of(library_name)
    answer = events() if stream else chat_answer()
    directory = run.workspace / f"loopback-{library_name}-{kind}-{stream}"

    def upstream() -> Any:
        return library.AsyncHTTPTransport() if kind == "async" else library.HTTPTransport()

    transport = replay(library, kind, upstream(), store=str(directory), mode="auto")
    with running() as base:
        url = f"{base}/v1/chat/completions"
        bare, recorded = (
            Recorder(run, library, kind, each, url, answer, stream=stream, until_first=stream, recorded=ours)
            for each, ours in ((upstream(), False), (transport, True))
        )
        calls = 5 if stream else 10
        return added(bare.batch, recorded.batch, new_bodies(60, stream=stream), calls, run.plan.rounds, "CPU")
