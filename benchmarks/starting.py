"""From the start of a process to its first hit, entering a cassette, and `import httpx` beside replaycache.

Every figure is of fresh processes, by turns.
"""

from __future__ import annotations

import json
import re
import statistics
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from measure import Figure, Sample, by_turns, difference, fresh_environment, fresh_process
from run import Row, Run

__all__ = ["PROCESS", "cpu_seconds", "rows"]

PROCESS = str(Path(__file__).with_name("process.py"))
FEW = 100


def rows(run: Run) -> Iterator[Row]:
    """First hits, a cassette, importing httpx."""
    starts = Starts(run)
    for library in ("httpx2",) if run.quick else ("httpx2", "httpx"):
        yield Row(
            f"starting.{library}.imported",
            f"importing the adapter, {library}",
            "ms",
            lambda library=library: starts.over_bare(library, "imported"),
        )
        for size in (FEW, run.many):
            name = "few" if size == FEW else "many"
            yield Row(
                f"starting.{library}.first-hit-{name}",
                f"first hit, {size:,} stored, {library}",
                "ms",
                lambda library=library, size=size: starts.over_bare(library, size),
                40,
            )
    yield Row("starting.cassette.enter", "entering use_cassette, httpx2 only", "ms", lambda: entering(run, 1), 10)
    yield Row("starting.cassette.import", "importing use_cassette before that", "ms", lambda: entering(run, 0))
    yield Row(
        "starting.import-httpx.modules",
        "import httpx beside us, modules",
        "modules",
        lambda: importing_httpx(run, count=True),
        0,
    )
    yield Row("starting.import-httpx.cpu", "import httpx beside us, added", "ms", lambda: importing_httpx(run))


@dataclass
class Starts:
    """The processes of a run, by turns; those of a library start when the first of them is asked for."""

    run: Run
    samples: dict[str, dict[str | int, list[Sample]]] = field(default_factory=dict)

    def over_bare(self, library: str, which: str | int) -> Figure:
        """The CPU time over the bare client's: with the adapter imported, or with a hit among that many."""
        if library not in self.samples:
            self.samples[library] = self._measure(library)
        samples = self.samples[library]
        return difference(samples["bare"], samples[which], "CPU", 1e3)

    def _measure(self, library: str) -> dict[str | int, list[Sample]]:
        environment = fresh_environment(self.run.bytecode)
        commands: dict[str | int, list[str]] = {"bare": ["bare", library], "imported": ["imported", library]}
        for size in (FEW, self.run.many):
            directory = str(self.run.stored(size))
            fresh_process([PROCESS, "record", library, directory], environment)
            commands[size] = ["hit", library, directory]
        arms = [
            lambda _, command=command: fresh_process([PROCESS, *command], environment)[0]
            for command in commands.values()
        ]
        return dict(zip(commands, by_turns(arms, _rounds(self.run)), strict=True))


def _rounds(run: Run) -> int:
    return 3 if run.quick else 15


def cpu_seconds(run: Run, command: Sequence[str], rounds: int) -> list[list[float]]:
    """What processes of `process.py` print, round by round; a first one, which compiles, does not count."""
    environment = fresh_environment(run.bytecode)
    printed = [fresh_process([PROCESS, *command], environment)[1] for _ in range(rounds + 1)]
    return [[float(number) for number in line.split()] for line in printed[1:]]


def entering(run: Run, which: int) -> Figure:
    """Importing `use_cassette` (0), and entering it (1): a cassette of one recording."""
    from replaycache.httpx2 import ReplayTransport

    path = run.workspace / "small.json"
    if not path.exists():
        _record_small(path, ReplayTransport)
    taken = [line[which] * 1e3 for line in cpu_seconds(run, ["enter", "httpx2", str(path)], _rounds(run))]
    return Figure(statistics.median(taken), min(taken), max(taken), "CPU")


def _record_small(path: Path, transport: type) -> None:
    import httpx2
    from traffic import CHAT, HEADERS, chat_answer, chat_request, mock

    upstream = mock(httpx2, chat_answer(), streamed=False)
    with httpx2.Client(transport=transport(upstream, store=str(path), mode="auto")) as client:
        client.post(CHAT, content=json.dumps(chat_request(0)).encode(), headers=HEADERS).raise_for_status()


def importing_httpx(run: Run, *, count: bool = False) -> Figure:
    """`import httpx` where replaycache and what it requires is installed, over where httpx alone is.

    The two environments are directories of links to what is installed here.
    """
    import replaycache

    package = Path(replaycache.__file__).resolve().parent
    without, beside = run.workspace / "httpx-alone", run.workspace / "httpx-beside"
    if not without.exists():
        _environment(without, ["httpx"])
        _environment(beside, ["httpx", *_requirements(package)])
        (beside / "replaycache").symlink_to(package)
    taken: dict[Path, list[str]] = {}

    def arm(directory: Path) -> Sample:
        environment = {**fresh_environment(run.bytecode), "PYTHONPATH": str(directory)}
        sample, printed = fresh_process(["-S", PROCESS, "modules", "httpx"], environment)
        seconds, *taken[directory] = printed.split()
        return Sample(sample.wall, float(seconds))

    arms = [lambda _: arm(without), lambda _: arm(beside)]
    rounds = 1 if count else _rounds(run)
    figure = difference(*by_turns(arms, rounds), "CPU", 1e3)
    more = set(taken[beside]) - set(taken[without])
    if count:
        return Figure(len(more), by="count", details={"more": sorted(more)})
    return figure


def _requirements(package: Path) -> list[str]:
    """What a plain install of this replaycache requires."""
    project = package.parent / "pyproject.toml"
    if project.exists():
        found = tomllib.loads(project.read_text("utf-8"))["project"]["dependencies"]
    else:
        found = [each for each in distribution("replaycache").requires or () if "extra ==" not in each]
    return [re.split(r"[^\w.-]", each)[0] for each in found]


def _environment(directory: Path, names: Iterable[str]) -> None:
    """Links to all files of these distributions and of those that they require."""
    directory.mkdir()
    waiting, seen = list(names), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found: Distribution = distribution(name)
        except PackageNotFoundError:  # for another system
            continue
        waiting += [re.split(r"[^\w.-]", each)[0] for each in found.requires or () if "extra ==" not in each]
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            place = Path(str(found.locate_file(top)))
            if not (directory / top).exists():
                (directory / top).symlink_to(place)
