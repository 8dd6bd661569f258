"""Mutation testing of the rooms where a mistake is worst: `python .ci/mutate.py --sample 200 match engine`.

mutmut changes one thing at a time and runs the tests that reach it. As all of it takes hours, a sample is drawn
from each room, the same for the same seed. Prints a table, and every mutant that no test noticed; look at one
with `mutmut show NAME`. What is mutated and which tests run stands in pyproject.toml.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("match", "dialects", "engine", "redaction")
KILLED, SURVIVED, UNTESTED = 1, 0, (5, 33)
"""How a mutant's run ended, as mutmut keeps it."""


def mutants() -> dict[str, dict[str, int | None]]:
    """Of each room the mutants that were made, and how they ended; None: they were not run."""
    found: dict[str, dict[str, int | None]] = {room: {} for room in ROOMS}
    for room in ROOMS:
        for path in sorted((ROOT / "mutants" / "replaycache" / room).rglob("*.meta")):
            found[room] |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return found


def mutmut(*names: str) -> None:
    """Runs those mutants; they are made where they are not there."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *names]
    subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603  # all of it is ours


def main() -> None:
    """Draws a sample, runs it, and tells."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--sample", type=int, default=100, metavar="N", help="mutants of each room; 100 where not given"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], metavar="ROOM", help=f"of {', '.join(ROOMS)}")
    given = parser.parse_args()
    if not (ROOT / "mutants" / "mutmut-stats.json").exists():
        mutmut("none.of.this.name")  # makes them, and finds out which tests reach what
    made = mutants()
    drawn = {
        room: random.Random(given.seed).sample(sorted(made[room]), min(given.sample, len(made[room])))  # noqa: S311
        for room in given.rooms or ROOMS
    }
    for names in drawn.values():
        mutmut(*names)
    ended = mutants()
    survivors: list[str] = []
    print(f"{'room':<12}{'mutants':>9}{'run':>6}{'killed':>8}{'survived':>10}{'untested':>10}{'score':>8}")
    for room, names in drawn.items():
        count: Counter[str] = Counter()
        for name in names:
            code = ended[room][name]
            if code is None:
                continue
            kind = "untested" if code in UNTESTED else "survived" if code == SURVIVED else "killed"
            count[kind] += 1
            survivors += [f"{kind}: {name}"] * (kind != "killed")
        run = count.total()
        score = f"{count['killed'] / run:.0%}" if run else "-"
        told = (len(made[room]), run, count["killed"], count["survived"], count["untested"])
        print(f"{room:<12}{told[0]:>9}{told[1]:>6}{told[2]:>8}{told[3]:>10}{told[4]:>10}{score:>8}")
    print("\n".join(survivors))


if __name__ == "__main__":
    main()
