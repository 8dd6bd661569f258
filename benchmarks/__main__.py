"""The whole suite: `python benchmarks`, or a part of it.

Exit status 1 where an answer was wrong or a benchmark broke; never for a goal that was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import hits
import many
import memory
import peers
import recording
import starting
import stores
from environments import interpreter
from report import OUT, Result, draw, print_header, print_result, result, save, versions
from run import Row, Run

import cassettes

HERE = Path(__file__).resolve().parent

Group = Callable[[Run], Iterator[Row]]
GROUPS: dict[str, Group] = {
    "Hits in the disk cache, httpx2, over MockTransport": partial(hits.plain_rows, library="httpx2"),
    "Hits in the disk cache, httpx, over MockTransport": partial(hits.plain_rows, library="httpx"),
    "Hits in the disk cache through the OpenAI client": hits.openai_rows,
    "Hits of many at once, httpx2: throughput over the floor's": partial(many.rows, library="httpx2"),
    "Hits of many at once, httpx: throughput over the floor's": partial(many.rows, library="httpx"),
    "Added to a call that is recorded, httpx2": partial(recording.rows, library="httpx2"),
    "Added to a call that is recorded, httpx": partial(recording.rows, library="httpx"),
    "From the start of a process: CPU over the bare client": starting.rows,
    "Peak memory: a long stream, over the bare client; in a cassette": memory.rows,
    "Cassettes": cassettes.rows,
    "Disk caches": stores.rows,
    **{f"Beside others: {name}": partial(peers.rows, name=name) for name in peers.PEERS},
}


def main() -> int:
    """Runs the groups that are asked for, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a short run, with fewer rounds and smaller stores")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose id or name contains it")
    parser.add_argument("--list", action="store_true", help="name the rows, and measure nothing")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="install those that are missing into out/environments, and measure them",
    )
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIRECTORY", help="for the results")
    parser.add_argument("--group", help=argparse.SUPPRESS)
    parser.add_argument("--workspace", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if find_spec("replaycache") is None:  # this checkout, then
        sys.path.insert(1, str(HERE.parent))
    if options.group:
        return _run_group(options.group, Run(options.quick, options.workspace), options.only)
    if options.list:
        for group in GROUPS.values():
            for row in group(Run(options.quick, HERE)):
                if _chosen(row, options.only):
                    print(f"{row.id:38}  {row.what}")
        return 0
    return _run_all(options)


def _run_all(options: argparse.Namespace) -> int:
    import replaycache

    started = time.perf_counter()
    if not any(_chosen(row, options.only) for group in GROUPS.values() for row in group(Run(options.quick, HERE))):
        print(f"no row has {options.only!r} in its id or name: --list names them", file=sys.stderr)
        return 2
    print(f"replaycache {replaycache.__version__} from {Path(replaycache.__file__).parent}")
    found: list[Result] = []
    broken = False
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as workspace:
        for name, group in GROUPS.items():
            if not any(_chosen(row, options.only) for row in group(Run(options.quick, HERE))):
                continue
            print_header(name)
            group_started, cpu_started = time.perf_counter(), _children_cpu()
            python = interpreter(name.removeprefix("Beside others: "), install=options.peers)
            command = [python, str(HERE), "--group", name, "--workspace", workspace, "--only", options.only]
            process = subprocess.Popen(
                [*command, *(["--quick"] if options.quick else [])],
                stdout=subprocess.PIPE,
                text=True,
                env=_environment(Path(workspace)),
            )
            assert process.stdout is not None
            for line in process.stdout:
                found.append(json.loads(line))
                print_result(found[-1])
            broken |= process.wait() != 0
            save(found, options.out / "results.json", complete=False, versions=versions())
            cpu = _children_cpu() - cpu_started
            print(f"({time.perf_counter() - group_started:.0f} s, {cpu:.0f} s of CPU)")
    taken = time.perf_counter() - started
    print_header("All")
    for each in found:
        print_result(each)
    missed = sum(each["met"] is False for each in found)
    met = sum(each["met"] is True for each in found)
    print(
        f"\n{met} goals met, {missed} missed; {taken:.0f} s, {_children_cpu():.0f} s of CPU"
        + ("; SOMETHING BROKE, see above" if broken else "")
    )
    complete = not options.quick and not options.only and not broken
    save(found, options.out / "results.json", complete=complete, seconds=round(taken), versions=versions())
    draw(found, options.out / "results.svg")
    return int(broken)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment(workspace: Path) -> dict[str, str]:
    """Of a group's process: another interpreter finds the same replaycache, and nothing else of here."""
    import replaycache

    link = workspace / "package" / "replaycache"
    if not link.exists():
        link.parent.mkdir()
        link.symlink_to(Path(replaycache.__file__).resolve().parent)
    return {**os.environ, "PYTHONPATH": str(link.parent)}


def _run_group(name: str, run: Run, only: str) -> int:
    """Measures the rows of a group and prints each as a line of JSON."""
    from replaycache import Refused

    status = 0
    for row in GROUPS[name](run):
        if not _chosen(row, only):
            continue
        try:
            figure = row.measure()
        except (Exception, Refused):  # a miss is no Exception
            print(f"{row.id} broke:", file=sys.stderr)
            traceback.print_exc()
            status = 1
            continue
        print(json.dumps(result(row, figure)), flush=True)
    return status


def _chosen(row: Row, only: str) -> bool:
    return only in row.id or only in row.what


if __name__ == "__main__":
    sys.exit(main())
