"""A disk cache of a million recordings: what is as quick as with a hundred, and what grows with the store.

    python benchmarks/big_store.py --entries 1000000

fills a cache with that many recordings of small chats and another one with a hundred, and prints

- what an entry takes on the disk, over its response (head and body), for responses of several sizes;
- what a hit, a recorded call, and a process with one hit take of CPU time with the large cache, over the small
  one: by turns, so that other work on the machine meets both; the median of the rounds;
- what commands take with either, each in a process of its own: seconds, seconds of CPU, the peak of its memory;
- how long calls of another process, which records and replays, waited while `prune` removed a tenth.

A few thousand recordings come through the transport, spread among the others; the others are copies of them,
stored by `DiskStore.put` under seeded keys, as if recorded over the last hundred days. `--keep DIR` leaves the
cache in DIR, and fills up the one that lies there. A million entries take some minutes to store and four
gigabytes of disk. POSIX only: the memory of a process is what `wait4` says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from replaycache import Recording
from replaycache.httpx2 import ReplayTransport
from replaycache.stores import DiskStore

OUT = Path(__file__).parent / "out"
URL = "https://api.openai.com/v1/chat/completions"
HEADERS = {
    "authorization": "Bearer sk-benchmark",
    "content-type": "application/json",
}
SMALL = 100
ASKED = 2000
"""Recordings that come through the transport and are asked for again, at most."""
DAYS = 100
SEED = 20240607
SIZES = (500, 2_000, 30_000, 300_000, 3_000_000)
GOAL_OF_DISK = 2.0
GOAL_OF_GROWTH = 1.05


# -- requests, answers, caches -------------------------------------------------------------------------------


def question(number: int) -> dict[str, Any]:
    """A request; those of different numbers differ."""
    text = f"Question {number}: {words(number, 400)}"
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], "temperature": 0.2}


def words(seed: int, characters: int) -> str:
    """Seeded text."""
    draw = random.Random(SEED + seed)
    text = ""
    while len(text) < characters:
        text += "".join(draw.choices("etaoinshrdlu", k=draw.randint(1, 9))) + " "
    return text[:characters]


def completion(characters: int) -> bytes:
    """A chat completion of about so many bytes."""
    message = {"role": "assistant", "content": words(characters, max(1, characters - 400)), "refusal": None}
    return json.dumps(
        {
            "id": "chatcmpl-benchmark",
            "object": "chat.completion",
            "created": 1717761600,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 120, "completion_tokens": 90, "total_tokens": 210},
            "system_fingerprint": "fp_benchmark",
        }
    ).encode()


def client(store: DiskStore, mode: str, answer: bytes = b"") -> httpx2.Client:
    """A client that is answered from memory, where it is not replayed."""
    headers = {"content-type": "application/json", "x-request-id": "req_0123456789abcdef0123456789abcdef"}
    upstream = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=answer))
    # `MockTransport` is one of those that a session passes by; a transport that is given it records it
    return httpx2.Client(transport=ReplayTransport(upstream, store=store, mode=mode), headers=HEADERS)


def ask(using: httpx2.Client, number: int, status: str) -> None:
    """One call, which must have come out so."""
    response = using.post(URL, json=question(number))
    outcome = response.extensions["replaycache"]
    if outcome.status != status:
        raise RuntimeError(f"call {number} was not a {status}: {outcome}")


def fill(directory: Path, entries: int) -> tuple[DiskStore, list[int], float]:
    """A cache with so many recordings, the numbers of the questions it answers, how many it stored a second."""
    store = DiskStore(directory)
    started, already = time.perf_counter(), len(store)
    asked = list(range(min(ASKED, entries // 2)))
    copied: list[Recording] = []
    answers = [completion(characters) for characters in range(600, 2400, 90)]
    for number, answer in enumerate(answers):
        with client(store, "record", answer) as using:
            response = using.post(URL, json=question(number))
            found = store.get(response.extensions["replaycache"].key)
        assert found is not None
        copied.append(found)
    draw = random.Random(f"{SEED} {already}")
    now = time.time()
    waiting = iter(asked[len(answers) :])
    using = client(store, "auto", answers[0])
    every = max(1, (entries - len(store)) // max(1, len(asked)))
    place = 0
    while len_left(store, entries, place):
        if place % every == 0 and (number := next(waiting, None)) is not None:
            using.post(URL, json=question(number))
        share = place / entries
        store.put(draw.randbytes(16).hex(), copy(copied[place % len(copied)], now - DAYS * 86400 * (1 - share)))
        place += 1
    for number in waiting:
        using.post(URL, json=question(number))
    using.close()
    rate = max(0, len(store) - already) / (time.perf_counter() - started)
    return store, asked, rate


def len_left(store: DiskStore, entries: int, place: int) -> bool:
    """Whether more are to be stored; the store is asked now and then."""
    if place % 100:
        return True
    if place % 50_000 == 0 and place:
        print(f"  {len(store):,} stored", file=sys.stderr)
    return len(store) < entries


def copy(recording: Recording, recorded_at: float) -> Recording:
    """The same, recorded at another time."""
    return Recording(
        request=recording.request,
        head=recording.head,
        body=recording.body,
        digest=recording.digest,
        recorded_at=recorded_at,
        latency=recording.latency,
        usage=recording.usage,
        size=recording.size,
        duration=recording.duration,
    )


# -- by turns ------------------------------------------------------------------------------------------------


Batch = Callable[[int], float]
"""Does what is measured so many times; tells the seconds of CPU."""


def growth(small: Batch, large: Batch, rounds: int, calls: int) -> float:
    """CPU time of the large over that of the small, by turns: the median of the rounds."""
    order = random.Random(SEED)
    ratios = []
    for _ in range(rounds):
        first, second = order.sample([small, large], 2)
        spent = {first: first(calls), second: second(calls)}
        ratios.append(spent[large] / spent[small])
    return statistics.median(ratios)


def hits_of(store: DiskStore, asked: Sequence[int]) -> Batch:
    """Asks for what is stored: each time for others, which the transport has not seen before."""
    order = random.Random(SEED)
    return lambda calls: batch(store, "replay", order.sample(asked, calls), "hit")


def records_of(store: DiskStore) -> Batch:
    """Asks for what nobody has asked."""
    return lambda calls: batch(store, "auto", range(now := time.time_ns(), now + calls), "miss")


def batch(store: DiskStore, mode: str, numbers: Sequence[int], status: str) -> float:
    """Asks these questions, of which each must come out so; the seconds of CPU that it took."""
    with client(store, mode, completion(1500)) as using:
        bodies = [json.dumps(question(number)).encode() for number in numbers]
        using.post(URL, json=question(0))  # what is imported and opened with the first call
        started = time.process_time()
        outcomes = [using.post(URL, content=body).extensions["replaycache"].status for body in bodies]
        taken = time.process_time() - started
    if set(outcomes) != {status}:
        raise RuntimeError(f"not each call was a {status}: {outcomes}")
    return taken


# -- in processes of their own ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spent:
    """What a process took: seconds, seconds of CPU, and the peak of its memory in MB."""

    wall: float
    cpu: float
    memory: float


STARTER = """
import os, sys, time
started = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, used = os.wait4(process, 0)
print(status, time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
"""The peak of a process is never below the memory of the one that starts it, so that a small one does."""


def run(*arguments: str, environment: dict[str, str]) -> Spent:
    """Runs Python with these arguments.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", STARTER, sys.executable, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    )
    status, wall, cpu, peak = done.stdout.split()
    if status != "0":
        raise RuntimeError(f"{' '.join(arguments)} failed: {status}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Spent(float(wall), float(cpu), float(peak) * unit / (1 << 20))


FIRST_HIT = f"""
import sys, httpx2
from replaycache.httpx2 import ReplayTransport
with httpx2.Client(transport=ReplayTransport(store=sys.argv[1], mode="replay"), headers={HEADERS!r}) as client:
    client.post({URL!r}, content=sys.argv[2])
"""

BESIDE = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
from big_store import DiskStore, ask, client, completion
using = client(DiskStore(sys.argv[2]), "auto", completion(1500))
waits = {"miss": [], "hit": []}
ask(using, time.time_ns(), "miss")
print("ready", flush=True)
while not os.path.exists(sys.argv[3]):
    number = time.time_ns()
    for status in waits:
        started = time.perf_counter()
        ask(using, number, status)
        waits[status].append(time.perf_counter() - started)
    time.sleep(0.002)
told = {status: [sorted(found)[len(found) // 2], max(found), len(found)] for status, found in waits.items()}
print(json.dumps(told))
"""


@contextmanager
def beside(directory: Path, scratch: Path, environment: dict[str, str]) -> Iterator[dict[str, list[float]]]:
    """Another process that records and replays; how long its calls took is there when the block is over."""
    stop = scratch / "stop"
    stop.unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", BESIDE, str(Path(__file__).parent), str(directory), str(stop)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    process.stdout.readline()
    waits: dict[str, list[float]] = {}
    try:
        yield waits
    finally:
        stop.touch()
        told, _ = process.communicate()
    waits.update(json.loads(told))


LAST = "prune --older-than 90d -q --yes"
COMMANDS = (
    "ls --limit 20",
    "ls --sort size --limit 20",
    "show KEY",
    "stats",
    "stats --recordings",
    "prune --older-than 90d -q --dry-run",
    "prune --max-size 1MB -q --dry-run",
    "prune KEY -q",
    LAST,
)
"""In their order; KEY is the beginning of one."""


def arguments_of(command: str, directory: Path, key: str) -> list[str]:
    """A command as a process is given it."""
    name, *rest = command.split()
    place = str(directory) if "KEY" not in rest else f"{directory}#{key[:10]}"
    return ["-m", "replaycache", name, place, *(word for word in rest if word != "KEY")]


# -- what is printed -----------------------------------------------------------------------------------------


def line(name: str, *cells: str) -> None:
    """A line of a table."""
    print(name.ljust(36) + "".join(cell.rjust(11) for cell in cells))
    sys.stdout.flush()


def disk_sizes(scratch: Path) -> list[dict[str, Any]]:
    """What an entry takes on the disk, over its response."""
    rows = []
    line("on the disk", "response", "an entry", "over it", f"goal {GOAL_OF_DISK:g}")
    for size in SIZES:
        entries = max(20, min(1000, 30_000_000 // size))
        answer = completion(size)
        store = DiskStore(scratch / f"size-{size}")
        with client(store, "record", answer) as using:
            for number in range(entries):
                ask(using, number, "miss")
        found = next(store.newest(1))[1]
        response = found.size + sum(len(name) + len(value) + 4 for name, value in found.head.headers)
        store.close()
        taken = sum(path.stat().st_blocks * 512 for path in Path(store.location).rglob("*") if path.is_file())
        ratio = taken / entries / response
        rows.append({"response": response, "entry": taken / entries, "ratio": ratio, "goal": GOAL_OF_DISK})
        met = "met" if ratio <= GOAL_OF_DISK else "MISSED"
        line(f"{size:,} bytes", f"{response:,}", f"{taken / entries:,.0f}", f"{ratio:.2f}", met)
    return rows


def main() -> None:
    """Fills the caches, measures, and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the large cache; default 1,000,000")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="leave the large cache in DIR, or use what is there"
    )
    parser.add_argument("--rounds", type=int, default=60, help="of what is done by turns; default 60")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as scratch:
        measure(options.entries, options.keep or Path(scratch, "large"), Path(scratch), options.rounds)


def measure(entries: int, directory: Path, scratch: Path, rounds: int) -> None:
    """Everything, printed as it comes."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "PYTHONPYCACHEPREFIX": str(scratch / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    sizes = disk_sizes(scratch)

    small, few, _ = fill(scratch / "small", SMALL)
    large, many, rate = fill(directory, entries)
    print(f"\n{len(large):,} recordings, filled up with {rate:,.0f} a second")
    grown = {
        "a hit": growth(hits_of(small, few), hits_of(large, many), rounds, 25),
        "a recorded call": growth(records_of(small), records_of(large), rounds, 15),
    }
    firsts: dict[Path, list[float]] = {scratch / "small": [], directory: []}
    asked = json.dumps(question(0), separators=(",", ":"), ensure_ascii=False)
    for _ in range(max(3, rounds // 6)):
        for where, found in firsts.items():
            found.append(run("-c", FIRST_HIT, str(where), asked, environment=environment).cpu)
    grown["a process with one hit"] = min(firsts[directory]) / min(firsts[scratch / "small"])
    line("CPU, large over small", "ratio", "", "", f"goal {GOAL_OF_GROWTH:g}")
    for name, ratio in grown.items():
        line(name, f"{ratio:.3f}", "", "", "met" if ratio <= GOAL_OF_GROWTH else "MISSED")

    print()
    line("commands", f"{SMALL}: CPU s", "large: s", "CPU s", "peak MB")
    keys = {where: next(DiskStore(where).keys()) for where in firsts}
    taken: list[dict[str, Any]] = []
    waits: dict[str, list[float]] = {}
    for command in COMMANDS:
        spent = {}
        for where, key in keys.items():
            arguments = arguments_of(command, where, key)
            if command == LAST and where == directory:
                with beside(where, scratch, environment) as waits:
                    spent[where] = run(*arguments, environment=environment)
            else:
                spent[where] = run(*arguments, environment=environment)
        one, other = spent[scratch / "small"], spent[directory]
        line(command, f"{one.cpu:.2f}", f"{other.wall:.2f}", f"{other.cpu:.2f}", f"{other.memory:.0f}")
        taken.append({"command": command, "small": asdict(one), "large": asdict(other)})

    print()
    line("beside that prune", "calls", "median ms", "longest ms")
    for status, (median, longest, calls) in waits.items():
        what = "recorded" if status == "miss" else "replayed"
        line(what, f"{calls:,.0f}", f"{1000 * median:.1f}", f"{1000 * longest:.0f}")
    OUT.mkdir(exist_ok=True)
    data = {"benchmark": "big_store", "python": platform.python_version(), "entries": entries, "rate": rate}
    data |= {"disk": sizes, "growth": grown, "commands": taken, "beside": waits}
    (OUT / "big_store.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
