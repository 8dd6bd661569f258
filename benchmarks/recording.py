"""What it adds to a call to be recorded in the disk cache: over MockTransport, and over a server on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from callers import Kind, replay
from measure import Figure, Sample, by_turns, difference
from run import Row, Run, library_of
from traffic import CHAT, HEADERS, LONG, Answer, chat_answer, chat_request, events, mock
from upstream import running

__all__ = ["Recorder", "added", "new_bodies", "rows"]


def rows(run: Run, library: str) -> Iterator[Row]:
    """Small calls, long requests, streams."""
    kinds: tuple[tuple[Kind, str, float], ...] = (("sync", library, 150), ("async", f"{library} async", 250))
    for kind, told, small in kinds:
        cases: tuple[tuple[str, str, float, dict[str, Any]], ...] = (
            ("small", "small", small, {}),
            ("small-loopback", "small, loopback", small, {"loopback": True}),
            ("300k", "300 KB request", 1500, {"characters": LONG}),
            ("stream", "400-chunk stream", 600, {"stream": True}),
            ("first-chunk", "1st chunk, loopback", 300, {"stream": True, "loopback": True}),
        )
        for name, what, goal, options in cases:
            yield Row(
                f"recording.{library}.{kind}.{name}",
                f"{what}, {told}",
                "µs",
                partial(measure, run, library, kind, **options),
                goal,
            )
    for name, what, options in (
        ("small", "small", {}),
        ("300k", "300 KB request", {"characters": LONG}),
        ("stream", "400-chunk stream", {"stream": True}),
    ):
        yield Row(
            f"recording.{library}.kept-{name}",
            f"loop kept, {what}, {library}",
            "ms",
            partial(kept, run, library, **options),
            30,
        )


@dataclass
class Recorder:
    """Asks new questions through a client and times them.

    Attributes:
        recorded: every call has to tell that it was recorded.
        until_first: the clock stops at the first chunk.
    """

    run: Run
    library: ModuleType
    kind: Kind
    transport: Any
    url: str
    answer: Answer
    stream: bool = False
    until_first: bool = False
    recorded: bool = False

    @cached_property
    def client(self) -> Any:
        """The client over the transport."""
        return (self.library.AsyncClient if self.kind == "async" else self.library.Client)(
            transport=self.transport
        )

    def batch(self, bodies: list[bytes]) -> Sample:
        """Asks each of the bodies and sums up the seconds."""
        self.last, wall, cpu = bodies[-1], 0.0, 0.0
        if self.kind == "async":
            asked = self.run.loop.run_until_complete(self._ask_async(bodies))
        else:
            asked = [(self._stream if self.stream else self._post)(body) for body in bodies]
        for taken, read, response in asked:
            wall, cpu = wall + taken.wall, cpu + taken.cpu
            if self.stream and not self.until_first:
                assert read == list(self.answer.chunks), "another answer, or in other chunks"
            assert b"".join(read) == self.answer.body, "another answer"
            if self.recorded:
                assert response.extensions["replaycache"].status == "miss", "a call was not recorded"
        return Sample(wall, cpu)

    def _post(self, body: bytes) -> tuple[Sample, list[bytes], Any]:
        started = time.perf_counter(), time.process_time()
        response = self.client.post(self.url, content=body, headers=HEADERS)
        return _since(started), [response.content], response

    def _stream(self, body: bytes) -> tuple[Sample, list[bytes], Any]:
        started = time.perf_counter(), time.process_time()
        with self.client.stream("POST", self.url, content=body, headers=HEADERS) as response:
            chunks = response.iter_raw()
            read = [next(chunks)]
            first = _since(started)
            read += chunks
        return first if self.until_first else _since(started), read, response

    async def _ask_async(self, bodies: list[bytes]) -> list[tuple[Sample, list[bytes], Any]]:
        return [await (self._async_stream if self.stream else self._async_post)(body) for body in bodies]

    async def _async_post(self, body: bytes) -> tuple[Sample, list[bytes], Any]:
        started = time.perf_counter(), time.process_time()
        response = await self.client.post(self.url, content=body, headers=HEADERS)
        return _since(started), [response.content], response

    async def _async_stream(self, body: bytes) -> tuple[Sample, list[bytes], Any]:
        started = time.perf_counter(), time.process_time()
        async with self.client.stream("POST", self.url, content=body, headers=HEADERS) as response:
            chunks = response.aiter_raw()
            read = [await anext(chunks)]
            first = _since(started)
            read += [chunk async for chunk in chunks]
        return first if self.until_first else _since(started), read, response


def _since(started: tuple[float, float]) -> Sample:
    cpu = time.process_time() - started[1]
    return Sample(time.perf_counter() - started[0], cpu)


def new_bodies(characters: int, *, stream: bool) -> Iterator[bytes]:
    """Requests of which no two are the same."""
    text = json.dumps(chat_request(0, characters, stream=stream))
    number = 0
    while True:
        number += 1
        yield text.replace("Question 0", f"Question {number}").encode()


Batch = Callable[[list[bytes]], Sample]


def added(bare: Batch, recorded: Batch, bodies: Iterator[bytes], calls: int, rounds: int) -> Figure:
    """Microseconds that the second takes more for a call than the first; every call has a new body."""
    arms = [lambda _, arm=arm: arm([next(bodies) for _ in range(calls)]) for arm in (bare, recorded)]
    floor, subject = by_turns(arms, rounds)
    return difference(floor, subject, "CPU", 1e6, calls, batch=calls)


def kept(run: Run, library_name: str, characters: int = 60, *, stream: bool = False) -> Figure:
    """For how long an event loop runs nothing else while a call is recorded: of 99 calls in 100 it is less."""
    library = library_of(library_name)
    answer = events() if stream else chat_answer()
    directory = str(run.workspace / f"kept-{library_name}-{characters}-{stream}")
    transport = replay(library, "async", mock(library, answer, streamed=stream), store=directory, mode="auto")
    recorder = Recorder(run, library, "async", transport, CHAT, answer, stream, recorded=True)
    bodies = new_bodies(characters, stream=stream)
    gaps: list[float] = []
    calls = 10 if run.quick else 200

    async def tick() -> None:
        while True:
            left = time.perf_counter()
            await asyncio.sleep(0)
            gaps.append(time.perf_counter() - left)

    async def ask() -> None:
        await recorder._ask_async([next(bodies)])
        ticking = asyncio.ensure_future(tick())
        for _ in range(calls):
            await asyncio.sleep(0)
            for _, read, _ in await recorder._ask_async([next(bodies)]):
                assert b"".join(read) == answer.body, "another answer"
        ticking.cancel()

    run.loop.run_until_complete(ask())
    longest = sorted(gaps)[-max(1, calls // 100) :]
    return Figure(longest[0] * 1e3, None, longest[-1] * 1e3, "wall")


def measure(
    run: Run,
    library_name: str,
    kind: Kind,
    characters: int = 60,
    *,
    stream: bool = False,
    loopback: bool = False,
) -> Figure:
    """Over an upstream that answers from memory, or a server on loopback; there, a stream's first chunk counts."""
    library = library_of(library_name)
    answer = events() if stream else chat_answer()
    directory = str(run.workspace / f"recorded-{library_name}-{kind}-{characters}-{stream}-{loopback}")

    def upstream() -> Any:
        if not loopback:
            return mock(library, answer, streamed=stream)
        return library.AsyncHTTPTransport() if kind == "async" else library.HTTPTransport()

    with running() if loopback else nullcontext(CHAT.partition("/v1")[0]) as base:

        def recorder(transport: Any, *, recorded: bool = False) -> Recorder:
            url = f"{base}/v1/chat/completions"
            return Recorder(run, library, kind, transport, url, answer, stream, stream and loopback, recorded)

        ours = recorder(replay(library, kind, upstream(), store=directory, mode="auto"), recorded=True)
        calls = 3 if stream or characters == LONG else 20
        bodies = new_bodies(characters, stream=stream)
        figure = added(recorder(upstream()).batch, ours.batch, bodies, calls, run.plan.rounds)
        recorder(replay(library, kind, store=directory, mode="replay")).batch([ours.last])
    return figure
