"""The scenarios by name, and how one is run: in a process of its own, which a fault may take with it."""

from __future__ import annotations

import importlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from replaycache import ReplayCacheWarning

from .tally import Tally

__all__ = ["MODULES", "Scenario", "all_scenarios", "compiled", "run", "scenario"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODULES = ("kills", "damage", "disks", "clocks", "descriptors", "endings", "versions", "crowds", "memory")

Trying = Callable[[Tally, int, random.Random, Path], None]
"""Takes where it counts, how often it tries, its source of chance, and an empty directory."""


@dataclass(frozen=True)
class Scenario:
    """One fault.

    Attributes:
        name: of it, as it stands in the table.
        tries: tries it.
        few: so often the suite tries it.
        many: so often the table does.
        seconds: that one try may take, on a busy machine.
        is_long: whether the suite leaves it to where there is time.
        shim: a library in C that is loaded before that of the system.
    """

    name: str
    tries: Trying
    few: int
    many: int
    seconds: float
    is_long: bool
    shim: str


_known: dict[str, Scenario] = {}


def scenario(
    name: str, *, few: int, many: int, seconds: float = 10, is_long: bool = False, shim: str = ""
) -> Callable[[Trying], Trying]:
    """Makes a function known as a scenario; see `Scenario`."""

    def known(tries: Trying) -> Trying:
        _known[name] = Scenario(name, tries, few, many, seconds, is_long, shim)
        return tries

    return known


@cache
def all_scenarios() -> dict[str, Scenario]:
    """In the order of the table."""
    for module in MODULES:
        importlib.import_module(f"{__package__}.{module}")
    return _known


@cache
def compiled(name: str) -> Path | None:
    """A library of this directory; None where it cannot be made."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        return None
    made = Path(tempfile.mkdtemp(prefix="replaycache-shim-")) / f"{name}.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(made), str(HERE / f"{name}.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return made


def run(chosen: Scenario, times: int, seed: int) -> Tally:
    """Tries a scenario so many times."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if chosen.shim:
        library = compiled(chosen.shim)
        if library is None:
            return Tally(absent="it takes Linux and a C compiler")
        environment["LD_PRELOAD"] = str(library)
    directory = Path(tempfile.mkdtemp(prefix="replaycache-proof-"))
    environment["TMPDIR"] = environment["REPLAYCACHE_DIR"] = str(directory / "tmp")
    (directory / "tmp").mkdir()
    (directory / "place").mkdir()
    command = [sys.executable, "-X", "faulthandler", "-m", f"{__package__}.scenarios"]
    arguments = [chosen.name, str(times), str(seed), str(directory / "place")]
    with open(directory / "out", "w+") as out, open(directory / "err", "w+") as err:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        is_hanging = not _has_ended(process.pid, 60 + chosen.seconds * times)
        if is_hanging:
            os.kill(process.pid, signal.SIGABRT)
            _has_ended(process.pid, 60)
        os.killpg(process.pid, signal.SIGKILL)  # what it started; the number is its own until it is waited for
        process.wait()
        told, errors = (_read(file) for file in (out, err))
    shutil.rmtree(directory, ignore_errors=True)
    lines = told.splitlines()
    tally = Tally.loaded(lines[-1]) if lines and not process.returncode else Tally(times=times)
    if is_hanging:
        tally.count("hangs", errors)
    elif process.returncode or errors:
        tally.count("foreign", f"it ended with {process.returncode}: {errors}")
    return tally


def _has_ended(pid: int, seconds: float) -> bool:
    """Waits so long for a child to end, and leaves it to be waited for."""
    watched = os.pidfd_open(pid)
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def main(name: str, times: str, seed: str, directory: str) -> None:
    tally = Tally()
    chosen = all_scenarios()[name]
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", ReplayCacheWarning)  # that something is told is tested elsewhere
    chosen.tries(tally, int(times), random.Random(int(seed)), Path(directory))
    print(tally.dumped(), flush=True)


if __name__ == "__main__":
    # under its own name: the modules of the scenarios import it by that
    importlib.import_module(f"{__package__}.scenarios").main(*sys.argv[1:])
