"""From the start of the process to the first hit costs at most 40 ms of CPU over the bare client.

Every figure is a fresh process: user and system time from `wait4`, by turns, medians. The floor is the same
script with a MockTransport.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import fresh_environment
from report import Bar, Column, arguments, draw, goal, print_table, save

COLUMNS = (
    Column("process", 34, right=False),
    Column("cpu ms", 7),
    Column("added", 6),
    Column("min-max", 11),
    Column("wall ms", 7),
    Column("goal", 10),
)
GOAL = 40

_ASK = """
body = b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}'
response = client.post("https://api.openai.com/v1/chat/completions", content=body,
                       headers={"content-type": "application/json"})
assert response.json() == {"answer": 42}
"""
_BARE = """
import LIBRARY
client = LIBRARY.Client(transport=LIBRARY.MockTransport(lambda request: LIBRARY.Response(
    200, headers={"content-type": "application/json"}, content=b'{"answer": 42}')))
"""
_IMPORT = _BARE.replace("import LIBRARY\n", "import LIBRARY\nimport replaycache.LIBRARY\n")
_HIT = """
import sys
import LIBRARY
from replaycache.LIBRARY import ReplayTransport
client = LIBRARY.Client(transport=ReplayTransport(store=sys.argv[1], mode="replay"))
"""
_RECORD = """
import sys
import LIBRARY
from replaycache.LIBRARY import ReplayTransport
upstream = LIBRARY.MockTransport(lambda request: LIBRARY.Response(
    200, headers={"content-type": "application/json"}, content=b'{"answer": 42}'))
client = LIBRARY.Client(transport=ReplayTransport(upstream, store=sys.argv[1]))
"""


def run(bytecode: Path, script: str, *arguments: str) -> tuple[float, float]:
    """CPU and wall seconds of a process that runs the script."""
    environment = fresh_environment(str(bytecode))
    started = time.perf_counter()
    command = [sys.executable, "-c", script, *arguments]
    process = subprocess.Popen(command, env=environment, cwd=tempfile.gettempdir())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the process failed:\n{script}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


def fill_in_a_process(bytecode: Path, directory: Path, entries: int) -> None:
    """Fills a store with recordings, in a process of its own, and adds the one that is asked for."""
    here = str(Path(__file__).resolve().parent)
    script = (
        f"import sys; sys.path.insert(0, {here!r})\n"
        "from pathlib import Path\nfrom traffic import fill\n"
        "fill(Path(sys.argv[1]), int(sys.argv[2])).close()"
    )
    run(bytecode, script, str(directory), str(entries - 1))
    run(bytecode, _script(_RECORD, "httpx2"), str(directory))


def _script(beginning: str, library: str) -> str:
    return (beginning + _ASK).replace("LIBRARY", library)


Figures = list[tuple[float, float]]


def measure_library(library: str, bytecode: Path, directories: dict[int, Path], rounds: int) -> dict[str, Figures]:
    """CPU and wall seconds of every process, round by round."""
    processes: dict[str, tuple[str, ...]] = {
        f"{library}: bare client": (_script(_BARE, library),),
        f"{library}: and the adapter imported": (_script(_IMPORT, library),),
    }
    for entries, directory in directories.items():
        processes[f"{library}: first hit, {entries:,} stored"] = (_script(_HIT, library), str(directory))
    for process in processes.values():
        run(bytecode, *process)
    taken: dict[str, Figures] = {name: [] for name in processes}
    for _ in range(rounds):
        for name, process in processes.items():
            taken[name].append(run(bytecode, *process))
    return taken


def main() -> None:
    """Fills the stores, runs every process, and reports."""
    parser = arguments(__doc__)
    parser.add_argument("--entries", default="100,10000", help="sizes of the store; default 100,10000")
    options = parser.parse_args()
    rounds = 7 if options.quick else 25
    rows, bars, data = [], [], []
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory:
        directories = {int(size): Path(directory) / size for size in options.entries.split(",")}
        bytecode = Path(directory) / "bytecode"
        for entries, path in directories.items():
            fill_in_a_process(bytecode, path, entries)
        for library in ("httpx2", "httpx"):
            taken = measure_library(library, bytecode, directories, rounds)
            floor, *others = taken
            base = [cpu for cpu, _ in taken[floor]]
            for name, figures in taken.items():
                added = [(cpu - bare) * 1e3 for (cpu, _), bare in zip(figures, base, strict=True)]
                cpu = statistics.median(cpu for cpu, _ in figures) * 1e3
                wall = statistics.median(wall for _, wall in figures) * 1e3
                median = round(statistics.median(added), 1)
                limit = GOAL if name in others and "hit" in name else None
                spread = "" if name == floor else f"{min(added):.0f}..{max(added):.0f}"
                difference = "" if name == floor else f"{median:+.0f}"
                rows.append([name, f"{cpu:.0f}", difference, spread, f"{wall:.0f}", goal(median, limit)])
                data.append({"process": name, "cpu": cpu, "wall": wall, "added": median, "goal": limit})
                if name != floor:
                    bars.append(Bar(name, median, limit))
    print_table(COLUMNS, rows, ["added: median of the rounds' differences in CPU time to the bare client, in ms"])
    save("startup", data, rounds=rounds)
    draw("startup", "from the start of the process to the first hit", "ms of CPU over the bare client", bars)


if __name__ == "__main__":
    main()
