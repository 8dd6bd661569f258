"""What the tests of a run made of their cassettes: the counts, the unused recordings, the orphaned files.

Where only a part of the tests was selected, or one of them failed, nothing can be said about what the others would
have played: then nothing is said.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..system.regular_file import open_regular
from .cassette_paths import DIRECTORY, module_directory

if TYPE_CHECKING:
    from .._models import Recording
    from ..accounts.prices import Total


@dataclass
class Use:
    """What one test made of its cassette.

    Attributes:
        path: of the cassette.
        judges: whether the test shows which recordings are needed: it passed, and its answers came from the file.
        replayed: calls that a recording answered.
        recorded: answers that were written.
        missed: calls that were refused.
        not_kept: calls that were answered live and are not in the cassette, and why.
        discarded: answers that are not kept for the test failed.
        own_way: calls that went through a transport that names a store or a mode of its own.
        played: the numbers of the recordings that were replayed, from 0.
        stored: how many recordings the cassette has.
        version: which state of its file that is.
        renews: whether the test recorded it anew, and passed.
        renewed: the marks of the recordings that the run had made by then.
        drifts: in mode `verify`, the answers that differ in shape from what was recorded.
        idle_rules: paths in the rules that led nowhere in anything that was asked.
        met_rules: those that led somewhere.
        used: what the answers that were replayed used, each a `Usage` as a list.
        prices: the test's own, as the option takes them.
    """

    path: str
    judges: bool = False
    replayed: int = 0
    recorded: int = 0
    missed: int = 0
    not_kept: list[str] = field(default_factory=list)
    discarded: int = 0
    own_way: int = 0
    played: list[int] = field(default_factory=list)
    stored: int = 0
    version: str = ""
    renews: bool = False
    renewed: list[str] = field(default_factory=list)
    drifts: list[str] = field(default_factory=list)
    idle_rules: list[str] = field(default_factory=list)
    met_rules: list[str] = field(default_factory=list)
    used: list[list[Any]] = field(default_factory=list)
    prices: dict[str, Any] = field(default_factory=dict)

    def note_usage(self, replayed: Iterable[Recording]) -> None:
        """Takes what the answers that were replayed used."""
        from ..dialects.usage import usage_of

        for recording in replayed:
            try:
                usage = recording.usage = recording.usage or usage_of(recording)
            except Exception:  # noqa: BLE001, S112  # what it used is no reason to fail a test
                continue
            if usage is not None:
                self.used.append([*usage[:-1], [list(unit) for unit in usage.units]])


@dataclass
class Collected:
    """What was collected.

    Attributes:
        owners: the cassette of each marked test, by the test's node id; also of those that were deselected.
        modules: the files whose tests were all collected.
        directories: those that were searched for tests.
    """

    owners: dict[str, str] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)


def find_saved(uses: Iterable[Use]) -> Total:
    """What the recordings that were replayed would have cost, asked for now, each at the prices of its test."""
    from .._models import Usage
    from ..accounts.prices import Prices, Total

    counted: dict[str, tuple[Prices, Counter[Usage]]] = {}
    for use in uses:
        _, counts = counted.setdefault(repr(use.prices), (Prices(use.prices), Counter()))
        counts.update(Usage._make((*used[:-1], tuple(map(tuple, used[-1])))) for used in use.used)
    return Total.of(prices.total(counts) for prices, counts in counted.values())


def find_unused(uses: Mapping[str, Use], collected: Collected, selected: Iterable[Path]) -> dict[str, list[int]]:
    """The recordings that no test played, by the paths of their cassettes.

    A cassette is judged where all of its tests passed, each replaying it, and nobody has changed its file since.

    Args:
        uses: by the tests' node ids.
        collected: the run's.
        selected: the files and directories whose tests were all asked for.
    """
    from ..stores import CassetteStore

    judging = {test: use for test, use in uses.items() if use.judges}
    unused: dict[str, list[int]] = {}
    for path, judged in _used_by_all(judging, collected, selected):
        if {use.version for use in judged} != {CassetteStore(path).version}:
            continue
        played = {number for use in judged for number in use.played}
        left = [number for number in range(max(use.stored for use in judged)) if number not in played]
        if left:
            unused[path] = left
    return unused


def find_renewed(uses: Mapping[str, Use], collected: Collected, selected: Iterable[Path]) -> dict[str, list[str]]:
    """The marks of the recordings that a run in mode `record` made, by the paths of the cassettes it made anew.

    Whatever else such a cassette holds is left over. While a test of the cassette did not run or did not pass, it
    may need that: then the cassette is not among them. Takes what `find_unused` does.
    """
    renewing = {test: use for test, use in uses.items() if use.renews}
    found: dict[str, list[str]] = {}
    for path, renewed in _used_by_all(renewing, collected, selected):
        made: Counter[str] = Counter()
        for use in renewed:
            made |= Counter(use.renewed)  # each tells what the run had made by then
        found[path] = list(made.elements())
    return found


def _used_by_all(
    uses: Mapping[str, Use], collected: Collected, selected: Iterable[Path]
) -> Iterator[tuple[str, list[Use]]]:
    """Each cassette whose tests are all among these, if no further test can share it; and what they made of it."""
    whole = list(selected)
    tests: dict[str, list[str]] = {}
    for test, path in collected.owners.items():
        tests.setdefault(path, []).append(test)
    for path, owners in sorted(tests.items()):
        if all(test in uses for test in owners) and _is_owned_by(path, owners, collected, whole):
            yield path, [uses[test] for test in owners]


def _is_owned_by(path: str, owners: list[str], collected: Collected, whole: list[Path]) -> bool:
    """Whether no further test can share the cassette: one that was not collected."""
    for module in map(Path, collected.modules):
        directory = module_directory(module)
        if directory in Path(path).parents:
            if _is_below(module, whole):
                return True
            # only some of the module's tests: nobody else has a cassette that is called after a test
            return len(owners) == 1 and _is_called_after(path, owners[0])
    left_out = any(_modules_left_out(Path(directory), collected) for directory in collected.directories)
    return not left_out and _is_below(Path(path), whole)


def _is_called_after(path: str, test: str) -> bool:
    _, _, name = test.partition("::")
    return Path(path).stem == name.replace("::", ".")


def _is_below(path: Path, whole: list[Path]) -> bool:
    return any(place == path or place in path.parents for place in whole)


def _modules_left_out(directory: Path, collected: Collected) -> list[Path]:
    """The test modules of a directory that have cassettes and were not collected."""
    cassettes = directory / DIRECTORY
    try:
        names = sorted(entry.name for entry in os.scandir(cassettes) if entry.is_dir())
    except OSError:
        return []
    modules = [directory / f"{name}.py" for name in names]
    return [module for module in modules if str(module) not in collected.modules and module.exists()]


def find_orphans(collected: Collected, selected: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The cassette files that no collected test owns; and the modules that may own some, but were not collected.

    Files that are no cassettes of ours are passed over, and so are those of the modules that were not collected.
    """
    owned = set(collected.owners.values())
    orphans: list[Path] = []
    left_out: list[Path] = []
    whole = list(selected)
    # pytest also opens the directories above the selected ones, but looks only for those in them
    for directory in (Path(name) for name in sorted(collected.directories) if _is_below(Path(name), whole)):
        modules = _modules_left_out(directory, collected)
        left_out += modules
        theirs = [module_directory(module) for module in modules]
        for path in sorted((directory / DIRECTORY).rglob("*.json")):
            if str(path) in owned or any(place in path.parents for place in theirs):
                continue
            if _is_cassette(path):
                orphans.append(path)
    return orphans, left_out


def _is_cassette(path: Path) -> bool:
    try:
        with open(open_regular(path), "rb") as file:
            return b'"replaycache/' in file.read(200)
    except OSError:
        return False
