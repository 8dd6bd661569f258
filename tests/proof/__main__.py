"""Runs the proof and prints one table: `python tests/proof [--times N] [--seed N] [SCENARIO...]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.proof.scenarios import all_scenarios, run
from tests.proof.tally import COUNTED

ROW = "{:<39.39}{:>7}{:>6}{:>5}{:>6}{:>8}{:>6}"
"""79 columns."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python tests/proof",
        description="Tries every fault many times. Ends with 1 if anything but the number of tries is not zero.",
    )
    parser.add_argument("scenario", nargs="*", help="the beginning of the names of those to be tried; all without")
    parser.add_argument("--times", type=int, help="how often each is tried, instead of its own number")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of what is left to chance")
    parser.add_argument("--list", action="store_true", help="print the names and how often each is tried")
    given = parser.parse_args()
    beginnings = tuple(given.scenario) or ("",)
    chosen = [one for one in all_scenarios().values() if one.name.startswith(beginnings)]
    if not chosen:
        parser.error(f"there is no scenario {given.scenario[0]!r}; --list prints them")
    if given.list:
        for one in chosen:
            print(f"{one.many:>7} {one.name}")
        return 0
    print(f"seed {given.seed}")
    print(ROW.format("fault", "times", *(f"{what}" for what in COUNTED)))
    is_clean = True
    for one in chosen:
        tally = run(one, given.times or one.many, given.seed)
        if tally.absent:
            print(f"{one.name:<39.39} not tried here: {tally.absent}"[:80], flush=True)
            continue
        print(ROW.format(one.name, tally.times, *(getattr(tally, what) for what in COUNTED)), flush=True)
        is_clean = is_clean and tally.is_clean and tally.times > 0
        for told in tally.told:
            print(f"    {told}", file=sys.stderr, flush=True)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
