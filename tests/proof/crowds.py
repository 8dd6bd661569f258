"""Many who ask at once: threads, tasks and processes, hits and misses, whole and streamed, some cancelled."""

from __future__ import annotations

import json
import random
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import anyio

from tests.drivers import Driver
from tests.scripted_server import Received, ScriptedServer, Wire

from .asking import Question, ask, ask_in_task
from .children import Child
from .leaks import Had
from .places import Place
from .scenarios import Trying, scenario
from .tally import Tally


class Counting:
    """Answers over a socket, and counts the questions."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Received, wire: Wire) -> None:
        question = Question.of(request.body)
        with self._lock:
            self.asked[request.body.decode()] += 1
        if not question.streamed:
            wire.answer(question.answer())
            return
        wire.start_chunks()
        for chunk in question.chunks():
            wire.chunk(chunk)
        wire.end_chunks()


def questions_of(chance: random.Random, name: str, count: int) -> list[Question]:
    sizes = [50, 50, 500, 5_000, 60_000]
    return [Question(f"{name} {at}", chance.choice(sizes), chance.random() < 0.4) for at in range(count)]


def threads(place: Place, url: str, seed: int, count: int, each: int) -> str:
    """Threads on one client ask the same questions in an order of their own."""
    tally, chance = Tally(), random.Random(seed)
    driver = Driver(chance.choice(["httpx", "httpx2"]), "sync")
    questions = questions_of(random.Random(seed >> 8), place.name, each)
    before = Had.now()
    limits = driver.module.Limits(max_connections=None)
    inner = driver.module.HTTPTransport(limits=limits)
    transport = driver.transport(inner, store=place.name, mode="auto")
    with driver.module.Client(transport=transport, timeout=120) as client:

        def run(order: list[Question]) -> None:
            for question in order:
                with tally.ours("a thread"):
                    answer, outcome = ask(client, question, f"{url}/v1/chat/completions")
                    if answer != question.answer():
                        tally.count("wrong", f"{question}")
                    if outcome.status == "live":
                        tally.count("lost", f"{question} was not stored: {outcome.reason}")

        started = [
            threading.Thread(target=run, args=(chance.sample(questions, each),), daemon=True) for _ in range(count)
        ]
        for thread in started:
            thread.start()
        ends = time.monotonic() + 240
        for thread in started:
            thread.join(max(0.0, ends - time.monotonic()))
            if thread.is_alive():
                tally.count("hangs", f"a thread of {place.kind}, seed {seed}")
                return tally.dumped()
    before.count_more(tally, f"threads, {place.kind}", kept=("claims.lock",))
    return tally.dumped()


def tasks(place: Place, url: str, seed: int, count: int, each: int, cancelled: float) -> str:
    """Tasks on one client; some are cancelled at a moment of chance, some have too little time."""
    tally, chance = Tally(), random.Random(seed)
    driver = Driver(chance.choice(["httpx", "httpx2"]), chance.choice(["asyncio", "trio"]))
    questions = questions_of(random.Random(seed >> 8), place.name, each)
    before = Had.now()
    answered = 0

    async def run(client: Any, order: list[Question]) -> None:
        nonlocal answered
        for question in order:
            with tally.ours("a task", driver.module.TimeoutException):
                answer, outcome = await ask_in_task(client, question, f"{url}/v1/chat/completions")
                if answer != question.answer():
                    tally.count("wrong", f"{question}")
                if outcome.status == "live":
                    tally.count("lost", f"{question} was not stored: {outcome.reason}")
                answered += 1

    async def broken_off(client: Any, order: list[Question]) -> None:
        with anyio.move_on_after(chance.expovariate(4)):
            await run(client, order)

    async def main() -> None:
        limits = driver.module.Limits(max_connections=100)
        transport = driver.transport(
            driver.module.AsyncHTTPTransport(limits=limits), store=place.name, mode="auto"
        )
        async with driver.module.AsyncClient(transport=transport, timeout=120) as client:
            with anyio.fail_after(240):
                async with anyio.create_task_group() as group:
                    for _ in range(count):
                        how = broken_off if chance.random() < cancelled else run
                        group.start_soon(how, client, chance.sample(questions, min(each, 5)))
                for question in questions:  # nobody waits for one who was cancelled
                    await run(client, [question])
            if driver.how == "asyncio":
                import asyncio

                await asyncio.sleep(0)
                if left := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
                    tally.count("leaks", f"tasks: {left}")

    # what trio says of a generator of the client library's that a cancelled task has left
    warnings.filterwarnings("ignore", "Async generator", ResourceWarning)
    try:
        anyio.run(main, backend=driver.how)
    except TimeoutError:
        tally.count("hangs", f"tasks, {driver}, {place.kind}, seed {seed}: {answered} were answered")
        return tally.dumped()
    before.count_more(tally, f"tasks, {driver}, {place.kind}", kept=("claims.lock",))
    return tally.dumped()


def connections_to(url: str) -> int:
    """How many of this machine are open to a server."""
    port = f"{int(url.rsplit(':', 1)[1]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(f":{port}") and line.split()[3] == "01" for line in lines)


def crowd(kind: str, who: str, count: int, each: int, cancelled: float = 0.0) -> Trying:
    """A scenario of so many processes, threads or tasks, each of which asks so many questions."""

    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for _ in range(times):
            tally.times += 1
            place, seed = Place(kind, directory), chance.randrange(1 << 30)
            counting = Counting()
            with ScriptedServer(counting) as upstream:
                if who == "processes":
                    children = []
                    for at in range(count):
                        work = (tasks, place, upstream.url, seed + at % 256, 20, each, cancelled)
                        work = work if at % 2 else (threads, place, upstream.url, seed + at % 256, 8, each)
                        children.append(Child(*work))
                elif who == "threads":
                    children = [Child(threads, place, upstream.url, seed, count, each)]
                else:
                    children = [Child(tasks, place, upstream.url, seed, count, each, cancelled)]
                for child in children:
                    found = child.counted(tally, 300)
                    if found is not None:
                        tally.add(Tally.loaded(found))
                ends = time.monotonic() + 10
                while (left := connections_to(upstream.url)) and time.monotonic() < ends:
                    time.sleep(0.05)
                if left:
                    tally.count("leaks", f"{left} connections to upstream")
            if not cancelled:
                for body, number in counting.asked.items():
                    if number != 1:
                        tally.count(
                            "wrong", f"{number} calls for {json.loads(body)} of {who}, {kind}, seed {seed}"
                        )

    return tries


for kind in ("disk", "shared"):
    scenario(f"64 threads, 40 questions: {kind}", few=1, many=30, seconds=60, is_long=True)(
        crowd(kind, "threads", 64, 40)
    )
    scenario(f"1,000 tasks, 60 questions: {kind}", few=1, many=30, seconds=120, is_long=True)(
        crowd(kind, "tasks", 1000, 60)
    )
    scenario(f"1,000 tasks, 40% cancelled: {kind}", few=1, many=30, seconds=120, is_long=True)(
        crowd(kind, "tasks", 1000, 60, 0.4)
    )
    scenario(f"8 processes of tasks and threads: {kind}", few=1, many=30, seconds=120, is_long=True)(
        crowd(kind, "processes", 8, 20)
    )
scenario("8 threads, 10 questions: disk", few=1, many=100, seconds=20)(crowd("disk", "threads", 8, 10))
scenario("60 tasks, 40% cancelled: disk", few=1, many=100, seconds=20)(crowd("disk", "tasks", 60, 10, 0.4))
