"""One target, guided by what of our code its inputs reach: `python -m tests.fuzz.guided TARGET OUT BOUND SEEDS`.

BOUND is `max_total_time=SECONDS`, by chance; or `runs=NUMBER`, the same each time.

What fails is written to OUT, once for each place at which it does, and the run goes on.
"""

from __future__ import annotations

import sys
import traceback
from hashlib import sha256
from pathlib import Path

import atheris

from tests.fuzz.targets import target as target_of

LONGEST = 4096
"""Bytes of an input."""
SLOWEST = 20
"""Seconds that one may take: what takes longer is a failure, and ends the run."""
MOST_MEMORY = 2048
"""MiB."""


def place_of(error: BaseException) -> str:
    """What tells one failure from another: its type, and the lines of our code through which it came."""
    frames = [
        f"{Path(frame.filename).name}:{frame.name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "replaycache" in frame.filename or "fuzz" in frame.filename
    ]
    return sha256("\n".join([type(error).__name__, *frames[-4:]]).encode()).hexdigest()[:12]


def main(name: str, out: Path, bound: str, seeds: Path) -> None:
    """Runs it; does not return."""
    with atheris.instrument_imports(
        include=["replaycache", "tests.match.reference"], enable_loader_override=False
    ):
        target = target_of(name)
    seen: set[str] = set()

    def once(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:
            place = place_of(error)
            if place not in seen:
                seen.add(place)
                (out / f"crash-{place}").write_bytes(data)
                (out / f"crash-{place}.txt").write_text(
                    "".join(traceback.format_exception(error)), "utf-8", "replace"
                )

    corpus = out / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    atheris.Setup(
        [
            sys.argv[0],
            f"-{bound}",
            f"-seed={1 if bound.startswith('runs') else 0}",  # 0 is by chance
            f"-max_len={LONGEST}",
            f"-timeout={SLOWEST}",
            f"-rss_limit_mb={MOST_MEMORY}",
            f"-artifact_prefix={out}/",
            "-print_final_stats=1",
            "-verbosity=0",
            str(corpus),
            str(seeds),
        ],
        once,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
