"""Other plugins' suites do beside ours what they do without it: in one environment, with all of them installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import NamedTuple

import pytest

SUITES = Path(__file__).parent / "suites"
RIVALS = {"pytest_recording": "cassetter", "cassetter": "recording"}
"""Whose flags each other's are, so that they cannot both be loaded: with or without ours."""


class Suite(NamedTuple):
    """A suite, the arguments of its runs, one after the other, and what has to come of the last."""

    name: str
    runs: Sequence[Sequence[str]]
    outcomes: str


TABLE = [
    Suite("pytest_recording", [["--record-mode=once"], [], ["--block-network"]], "4 passed"),
    Suite("cassetter", [["--record-mode=once"], ["--record-mode=none"]], "2 passed"),
    Suite(
        "pytest_replay",
        [["--replay-record-dir=played"], ["--replay=played/.pytest-replay.txt"]],
        "1 failed, 3 passed",
    ),
    Suite(
        "pytest_socket",
        [["--randomly-dont-reorganize"], ["--randomly-dont-reorganize", "--allow-hosts=127.0.0.1"]],
        "6 passed",
    ),
    Suite("respx", [[]], "3 passed, 1 error"),
    Suite("pytest_httpx", [[]], "4 passed, 1 error"),
    Suite("pytest_xdist", [["-n2", "--dist=loadgroup"]], "1 failed, 4 passed"),
    Suite("pytest_rerunfailures", [["--reruns=1"], ["--reruns=1", "-n2"]], "1 failed, 1 passed, 3 rerun"),
    Suite("pytest_randomly", [[], ["-p", "no:xdist"]], "6 passed"),
]


def run(name: str, place: Path, *arguments: str) -> str:
    """Runs a suite with all the plugins that go together, always in the same order; gives what it prints."""
    command = [sys.executable, "-m", "pytest", "-rA", "-p", f"no:{RIVALS.get(name, 'cassetter')}"]
    ended = subprocess.run(
        [*command, "--randomly-seed=7", *arguments, f"suite_{name}.py"],
        cwd=place,
        env={**{key: value for key, value in os.environ.items() if key != "CI"}, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


def place_for(name: str, place: Path) -> Path:
    place.mkdir()
    for file in (f"suite_{name}.py", "upstream.py"):
        shutil.copy(SUITES / file, place)
    return place


def outcomes(printed: str) -> list[str]:
    """Each test with what became of it, in the order in which they ran; workers have none."""
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED|RERUN|XFAIL|XPASS) (\S+)", printed, re.M)
    return sorted(f"{outcome} {test}" for outcome, test in found)


def files(place: Path) -> list[str]:
    found = (path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
    return sorted(name for name in found if "__pycache__" not in name and ".pytest_cache" not in name)


def test_every_neighbour_is_here() -> None:
    installed = {entry.name.removeprefix("pytest_") for entry in entry_points(group="pytest11")}

    assert {
        "recording",
        "cassetter",
        "replay",
        "socket",
        "respx",
        "httpx",
        "xdist",
        "rerunfailures",
        "randomly",
        "replaycache",
    } <= installed


@pytest.mark.parametrize("suite", TABLE, ids=[suite.name for suite in TABLE])
def test_a_neighbour_does_what_it_did(suite: Suite, tmp_path: Path) -> None:
    alone, beside = (place_for(suite.name, tmp_path / name) for name in ("alone", "beside"))
    for arguments in suite.runs:
        without = run(suite.name, alone, "-p", "no:replaycache", *arguments)
        with_ours = run(suite.name, beside, *arguments)

        assert "replaycache: mode" in with_ours
        assert "replaycache: mode" not in without
        assert outcomes(with_ours) == outcomes(without) != []
        assert files(beside) == files(alone)
    assert suite.outcomes in without


@pytest.mark.parametrize("rival", sorted(RIVALS))
def test_ours_works_beside_all_of_them(rival: str, tmp_path: Path) -> None:
    place = place_for("replaycache", tmp_path / "ours")
    loaded = ["-p", f"no:{RIVALS[rival]}"]
    recorded = run("replaycache", place, *loaded)
    replayed = run("replaycache", place, "--replay-mode=replay", "-n2", *loaded)

    for printed in (recorded, replayed):
        assert outcomes(printed) == [
            "FAILED suite_replaycache.py::test_misses",
            "PASSED suite_replaycache.py::test_recorded",
            "PASSED suite_replaycache.py::test_unmarked",
        ]
        assert "CacheMiss" in printed
    assert "1 recorded, 1 missed" in recorded
    assert "1 replayed, 0 recorded, 1 missed" in replayed
