"""Interpreters that end with streams open, and processes that fork with a store open."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from replaycache import CacheMiss, ReplayCacheError
from tests.drivers import Driver

from .asking import Question, Upstream, ask
from .children import Child
from .places import KINDS, Place
from .scenarios import ROOT, Trying, scenario
from .tally import Tally

WHOLE = [Question("whole", 200), Question("whole and streamed", 2_000, streamed=True)]
OPEN = [Question(f"open {number}", 50_000, streamed=True) for number in range(3)]
WAYS = ("sync", "asyncio", "trio", "thread", "daemon")
ENDS = ("return", "exit", "raise", "_exit", "SIGINT", "SIGTERM", "dropped")

TRIOS_OWN = "ignore:Async generator:ResourceWarning"
"""What trio says to a user who leaves a generator of the client library's."""

PROGRAM = """
import anyio, os, signal, sys, threading
from tests.drivers import Driver
from tests.proof.asking import URL, Upstream, ask, ask_in_task
from tests.proof.endings import OPEN, WHOLE

library, way, end, store = sys.argv[1:]
driver = Driver(library, way if way in ("asyncio", "trio") else "sync")
upstream = Upstream(driver)
transport = driver.transport(upstream.transport, store=store, mode="auto")
held = []

def finish():
    if end == "exit":
        sys.exit(3)
    if end == "raise":
        raise ValueError("of the user's")
    if end == "_exit":
        os._exit(3)
    if end.startswith("SIG"):
        signal.raise_signal(getattr(signal, end))
    if end == "dropped":
        held.clear()

def request(client, question):
    return client.build_request("POST", URL, json=question.body)

def in_thread():
    client = driver.module.Client(transport=transport)
    for question in WHOLE:
        assert ask(client, question)[0] == question.answer()
    for question in OPEN:
        response = client.send(request(client, question), stream=True)
        chunks = response.iter_raw()
        next(chunks), next(chunks)
        held.append((client, response, chunks))

async def in_task():
    client = driver.module.AsyncClient(transport=transport)
    for question in WHOLE:
        assert (await ask_in_task(client, question))[0] == question.answer()
    for question in OPEN:
        response = await client.send(request(client, question), stream=True)
        chunks = response.aiter_raw()
        await anext(chunks), await anext(chunks)
        held.append((client, response, chunks))
    finish()

if driver.is_async:
    anyio.run(in_task, backend=way)
elif way == "sync":
    in_thread()
else:
    opened = threading.Event()
    def reads():
        in_thread()
        opened.set()
        if way == "daemon":
            threading.Event().wait()
        for _, _, chunks in held:
            list(chunks)
    threading.Thread(target=reads, daemon=way == "daemon").start()
    opened.wait()
if not driver.is_async:
    finish()
"""


def check(place: Place) -> str:
    """What was read to its end is there; what was open is there whole, or a miss, or says that it is not whole."""
    tally = Tally()
    driver = Driver("httpx2", "sync")
    with driver.module.Client(transport=driver.transport(store=place.name, mode="replay")) as client:
        for question in (*WHOLE, *OPEN):
            try:
                if ask(client, question)[0] != question.answer():
                    tally.count("wrong", f"{question}")
            except (CacheMiss, ReplayCacheError) as error:
                if question in WHOLE:
                    tally.count("lost", f"{question}: {error!r}")
    for name in place.left_beside():
        tally.count("leaks", name)
    return tally.dumped()


def end_with_streams(tally: Tally, place: Place, library: str, way: str, end: str) -> None:
    tally.times += 1
    where = f"{library}, {way}, {end}, {place.kind}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-W",
            "error",
            "-W",
            TRIOS_OWN,
            "-c",
            PROGRAM,
            library,
            way,
            end,
            place.name,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        tally.count("hangs", f"{where}: {process.communicate()[1]}")
        return
    is_users = end in ("raise", "SIGINT")
    ends_so = err.rstrip().endswith(
        {"raise": "ValueError: of the user's", "SIGINT": "KeyboardInterrupt"}.get(end, "")
    )
    # the loop's own groups of what the user raised
    if out or "Exception ignored" in err or (err and not (is_users and ends_so)) or " error(s)" in err:
        tally.count("foreign", f"{where}: {out}{err}")
    found = Child(check, place).counted(tally, 60)
    if found is not None:
        told = Tally.loaded(found)
        told.told = [f"{where}: {one}" for one in told.told]
        tally.add(told)


@scenario("an interpreter that ends with open streams", few=3, many=210, seconds=15)
def ended(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
    ways = list(itertools.product(("httpx", "httpx2"), WAYS, ENDS, KINDS))
    chance.shuffle(ways)
    for library, way, end, kind in itertools.islice(itertools.cycle(ways), times):
        end_with_streams(tally, Place(kind, directory), library, way, end)


# -- forks -----------------------------------------------------------------------------------------------------


def fork_with_store(place: Place, seed: int) -> str:
    """Both sides go on with what was opened before, while threads of the parent record."""
    tally, chance = Tally(times=1), random.Random(seed)
    where = f"{place.kind}, seed {seed}"
    warnings.simplefilter("ignore", DeprecationWarning)  # Python's own of forks beside threads
    driver = Driver(chance.choice(["httpx", "httpx2"]), "sync")
    transport = driver.transport(Upstream(driver).transport, store=place.name, mode="auto")
    reading, writing = os.pipe()
    stop = threading.Event()

    def record(who: str, count: int) -> None:
        for number in range(count):
            if stop.is_set():
                return
            question = Question(f"{who} {number}", sizes[number % len(sizes)], number % 3 == 0)
            answer, outcome = ask(client, question)
            if answer != question.answer():
                os.write(writing, b"wrong %s\n" % who.encode())
            os.write(writing, f"{outcome.status} {question.streamed:d} {question.size} {question.text}\n".encode())

    sizes = [10, 10, 600_000, 40_000]
    with tally.ours(where), driver.module.Client(transport=transport) as client:
        if chance.random() < 0.7:
            record("before", 2)
        opened = client.send(
            client.build_request("POST", "http://api.test/v1/chat/completions", json=OPEN[0].body), stream=True
        )
        chunks = opened.iter_raw()
        first = next(chunks)
        threads = [threading.Thread(target=record, args=(f"thread {at}", 12)) for at in range(chance.randrange(3))]
        for thread in threads:
            thread.start()
        children = []
        for at in range(chance.randint(1, 4)):
            child = os.fork()
            if not child:
                code = 1
                try:
                    record(f"child {at}", 4)
                    client.close()
                    place.open().close()
                    code = 0
                except BaseException as error:
                    os.write(2, f"child: {error!r}\n".encode())
                os._exit(code)
            children.append(child)
            record(f"parent {at}", 2)
        for child in children:
            if os.waitpid(child, 0)[1]:
                tally.count("foreign", f"{where}: a child failed")
        for thread in threads:
            thread.join()
        if first + b"".join(chunks) != OPEN[0].answer():
            tally.count("wrong", f"{where}: the stream that was open")
        opened.close()
    os.close(writing)
    told = b""
    while data := os.read(reading, 1 << 16):
        told += data
    acknowledged = []
    for line in told.decode().splitlines():
        status, _, rest = line.partition(" ")
        if status == "wrong":
            tally.count("wrong", f"{where}: {rest}")
        elif status == "miss":
            streamed, size, text = rest.split(" ", 2)
            acknowledged.append(Question(text, int(size), streamed == "1"))
        elif status == "live":
            tally.count("lost", f"{where}: not stored: {rest}")
    with driver.module.Client(transport=driver.transport(store=place.name, mode="replay")) as client:
        for question in acknowledged:
            try:
                if ask(client, question)[0] != question.answer():
                    tally.count("wrong", f"{where}: {question}")
            except (CacheMiss, ReplayCacheError) as error:
                tally.count("lost", f"{where}: {question}: {error!r}")
    for name in place.left_beside():
        tally.count("leaks", f"{where}: {name}")
    return tally.dumped()


def forking(kind: str) -> Trying:
    def tries(tally: Tally, times: int, chance: random.Random, directory: Path) -> None:
        for _ in range(times):
            found: Any = Child(fork_with_store, Place(kind, directory), chance.randrange(1 << 30)).counted(
                tally, 90
            )
            if found is not None:
                tally.add(Tally.loaded(found))

    return tries


for kind in KINDS:
    scenario(f"a fork with a store open: {kind}", few=2, many=200, is_long=kind == "shared")(forking(kind))
