"""Coverage-guided fuzzing: `python tests/fuzz`, or some targets: `python tests/fuzz --seconds 600 sse answer`.

Prints how often each target ran and what it found; every input that failed lies in a file, with its traceback
beside it. Exit status 1 where one did.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = HERE / "out"


class Ran(NamedTuple):
    """How one target ran."""

    name: str
    executions: int
    seconds: float
    crashes: list[Path]
    fault: str


def run(name: str, bound: str) -> Ran:
    """Runs one target in a process of its own, as long as `guided` takes a bound."""
    out = OUT / name
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("crash-*"), *out.glob("timeout-*"), *out.glob("oom-*")):
        old.unlink()
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(out), bound, str(HERE / "seeds" / name)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    counted = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    found = [
        path
        for path in sorted(out.iterdir())
        if re.match("crash-|timeout-|oom-", path.name) and path.suffix != ".txt"
    ]
    fault = "" if counted or found else done.stderr[-2000:]
    return Ran(name, int(counted[1]) if counted else 0, time.monotonic() - began, found, fault)


def main() -> int:
    """Runs the targets that are asked for, one after the other."""
    sys.path.insert(0, str(ROOT))
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--seconds", type=int, default=60, metavar="N", help="for each target; 60 where it is not given"
    )
    parser.add_argument(
        "--runs",
        type=int,
        metavar="N",
        help="so many inputs for each, the same each time",
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all where none is named"
    )
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}")
    if find_spec("atheris") is None:
        parser.error("atheris is not installed: pip install --group fuzz")
    print(f"{'target':<16}{'executions':>12}{'seconds':>9}{'crashes':>9}", flush=True)
    is_clean = True
    for name in given.targets or TARGETS:
        ran = run(name, f"runs={given.runs}" if given.runs else f"max_total_time={given.seconds}")
        is_clean = is_clean and not ran.crashes and not ran.fault
        print(f"{name:<16}{ran.executions:>12,}{ran.seconds:>9.0f}{len(ran.crashes):>9}", flush=True)
        for path in ran.crashes:
            print(f"    {path.relative_to(ROOT)}")
        if ran.fault:
            print(ran.fault)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
