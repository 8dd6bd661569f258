"""A stream of 100 MB is recorded and replayed in a few MB more memory than the bare client needs to read it.

Every figure is the peak of the resident set of a fresh process, by `getrusage`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

from measure import fresh_environment
from report import Bar, Column, arguments, draw, goal, print_table, save

COLUMNS = (
    Column("case", 34, right=False),
    Column("bare MB", 7),
    Column("ours MB", 7),
    Column("added", 5),
    Column("stream", 7),
    Column("goal", 10),
)
GOAL = 5
MEGABYTE = 1 << 20

_PROGRAM = """
import asyncio, resource, sys
LIBRARY_IMPORT
kind, way, directory, size, chunk = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])

class Upstream(LIBRARY.SyncByteStream, LIBRARY.AsyncByteStream):
    def pieces(self):
        for number in range(size // chunk):
            head = b'data: {"number": %d, "text": "' % number
            yield head + b"x" * (chunk - len(head) - 4) + b'"}\\n\\n'
        yield b"data: [DONE]\\n\\n"
    def __iter__(self):
        yield from self.pieces()
    async def __aiter__(self):
        for piece in self.pieces():
            yield piece

upstream = LIBRARY.MockTransport(lambda request: LIBRARY.Response(
    200, headers={"content-type": "text/event-stream"}, stream=Upstream()))
options = dict(content=b'{"stream": true, "number": %d}' % size, headers={"content-type": "application/json"})
url = "https://api.openai.com/v1/chat/completions"

def transport(name):
    if way == "bare":
        return upstream
    from replaycache import LIBRARY as adapter
    if way == "record":
        return getattr(adapter, name)(upstream, store=directory, mode="record")
    return getattr(adapter, name)(store=directory, mode="replay")

def read():
    client = LIBRARY.Client(transport=transport("ReplayTransport"))
    with client.stream("POST", url, **options) as response:
        return sum(map(len, response.iter_raw()))

async def read_async():
    client = LIBRARY.AsyncClient(transport=transport("AsyncReplayTransport"))
    total = 0
    async with client.stream("POST", url, **options) as response:
        async for piece in response.aiter_raw():
            total += len(piece)
    return total

total = read() if kind == "sync" else asyncio.run(read_async())
assert total == size // chunk * chunk + len(b"data: [DONE]\\n\\n"), total
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak if sys.platform == "darwin" else peak * 1024)
"""


def peak(library: str, kind: str, way: str, directory: str, size: int, chunk: int) -> float:
    """The peak of the resident set of a process that reads such a stream, in MB."""
    program = _PROGRAM.replace("LIBRARY_IMPORT", f"import {library}").replace("LIBRARY", library)
    program = program.replace(f"from replaycache import {library} as", f"import replaycache.{library} as")
    done = subprocess.run(
        [sys.executable, "-c", program, kind, way, directory, str(size), str(chunk)],
        env=fresh_environment(os.path.join(directory, "bytecode")),
        cwd=directory,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout) / MEGABYTE


Peaks = tuple[float, float, float]


def measure_case(library: str, kind: str, size: int, chunk: int, runs: int) -> dict[str, Peaks]:
    """For recording and replaying: the bare client's peak, ours, and ours with a stream of one chunk."""
    ways = ("bare", "record", "replay")
    peaks: dict[tuple[str, int], list[float]] = {(way, length): [] for way in ways for length in (size, chunk)}
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory:
        for way in ways:
            peak(library, kind, way, directory, chunk, chunk)  # compiles what it imports
        for _ in range(runs):
            for way, length in peaks:
                peaks[way, length].append(peak(library, kind, way, directory, length, chunk))
    median = {which: statistics.median(figures) for which, figures in peaks.items()}
    return {way: (median["bare", size], median[way, size], median[way, chunk]) for way in ("record", "replay")}


def main() -> None:
    """Runs every process and reports."""
    parser = arguments(__doc__)
    parser.add_argument("--megabytes", type=int, default=100, help="size of the stream; default 100")
    parser.add_argument("--runs", type=int, default=1, help="processes a figure, whose median is taken; default 1")
    options = parser.parse_args()
    rows, bars, data = [], [], []
    size = options.megabytes * MEGABYTE
    for library in ("httpx2", "httpx"):
        for kind in ("sync",) if options.quick else ("sync", "async"):
            for chunk in (1 << 10, 64 << 10):
                figures = measure_case(library, kind, size, chunk, options.runs)
                for way, (bare, ours, idle) in figures.items():
                    name = f"{library} {kind}: {way}, {chunk >> 10} KB chunks"
                    added, of_the_stream = round(ours - bare, 1), ours - idle
                    cells = [f"{bare:.1f}", f"{ours:.1f}", f"{added:+.1f}", f"{of_the_stream:+.1f}"]
                    rows.append([name, *cells, goal(added, GOAL)])
                    bars.append(Bar(name, added, GOAL))
                    data.append({"case": name, "bare": bare, "ours": ours, "idle": idle, "goal": GOAL})
    notes = [
        f"a stream of {options.megabytes} MB; peak of the resident set",
        "stream: ours against ours with a stream of one chunk; the rest of what",
        "is added is replaycache's code and what it imports (diskcache, SQLite, orjson)",
    ]
    print_table(COLUMNS, rows, notes)
    save("memory", data, megabytes=options.megabytes)
    draw("memory", f"a stream of {options.megabytes} MB", "MB over the bare client", bars)


if __name__ == "__main__":
    main()
