"""What pytest collects: which tests are marked, which cassettes are theirs, and which of these they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .._errors import ConfigurationError
from .cassette_of_test import has_recordings
from .cassette_paths import Siblings
from .cassette_use import Collected, find_orphans
from .marks import Marked, Rules, read_marks, rules_of

_HARM = {
    "match": "what one of them has recorded the other may miss",
    "redact": "what one of them keeps out of the file the other may write into it",
}


class Collection:
    """Takes what pytest collects, piece by piece.

    Attributes:
        collected: what it comes to; where workers run the tests, it is theirs.
    """

    def __init__(self) -> None:
        self.collected = Collected()
        self._siblings: dict[Any, Siblings] = {}
        self._modules: dict[str, str] = {}
        self._deselected: list[pytest.Item] = []
        self._children: list[pytest.Item] = []
        self._rules: dict[Path, tuple[str, Rules]] = {}
        self._orphans: list[Path] | None = None
        self._fresh: set[Path] = set()
        self._tests: Counter[str] = Counter()

    def add_made(self, collector: pytest.Collector, made: Any) -> None:
        """Takes what was made of one name of a module or class."""
        for node in made if isinstance(made, list) else [made]:
            if isinstance(node, (pytest.Item, pytest.Class)):
                self._siblings.setdefault(collector, Siblings()).add(node.name)

    def add_children(self, children: Iterable[Any]) -> None:
        """Takes what was found in a collector, also what nobody has asked for."""
        self._children += (child for child in children if isinstance(child, pytest.Item))

    def add_collector(self, collector: pytest.Collector) -> None:
        """Takes what is about to be searched for tests."""
        if isinstance(collector, pytest.Directory):
            self.collected.directories.append(str(collector.path))
        elif isinstance(collector, pytest.Module):
            self._modules[collector.nodeid] = str(collector.path)

    def add_report(self, report: pytest.CollectReport) -> None:
        """Takes away a module that could not be collected whole."""
        if not report.passed:
            self._modules.pop(report.nodeid.partition("::")[0], None)

    def add_deselected(self, items: list[pytest.Item]) -> None:
        """Takes tests that will not run, and own their cassettes all the same."""
        self._deselected += items

    def finish(self, items: list[pytest.Item]) -> None:
        """Takes the tests that will run."""
        self.collected.modules = sorted(set(self._modules.values()))
        owners = self.collected.owners
        for item in (*items, *self._deselected):
            try:
                marked = self.marked(item)
            except ConfigurationError:
                continue  # said when the test is set up
            if marked is not None:
                owners[item.nodeid] = str(marked.path)
                self._rules.setdefault(marked.path, (item.nodeid, rules_of(marked)))
                self._tests[str(marked.path)] += 1
        # before the first test: what one test records does not make its neighbour replay
        self._fresh = {path for path in map(Path, self._tests) if not has_recordings(path)}

    def marked(self, item: pytest.Item) -> Marked | None:
        """What the marks of a test come to; None where it has none.

        Raises:
            ConfigurationError: a mark is wrong.
        """
        return read_marks(item, self._siblings)

    def disagreement(self, marked: Marked) -> str:
        """What is told of a test whose marks give its cassette other rules than the first of its tests does."""
        first = self._rules.get(marked.path)
        if first is None:
            return ""
        test, rules = first
        names = [name for name, rule in rules_of(marked).items() if rule != rules[name]]
        if not names:
            return ""
        return (
            f"the test's cassette {marked.path.name} is that of {test} too, whose mark has another "
            f"{' and '.join(names)}: {'; '.join(_HARM[name] for name in names)}. Say it once, in a mark of their "
            f"class or module or in the fixture replay_options, or give each its own cassette."
        )

    @property
    def orphans(self) -> list[Path]:
        """The cassettes that no test owns, as far as this run can tell: of the files that were looked into."""
        if self._orphans is None:
            collected = self.collected
            owners = dict(collected.owners)
            for item in self._children:
                with suppress(ConfigurationError):
                    if item.nodeid not in owners and (marked := self.marked(item)) is not None:
                        owners[item.nodeid] = str(marked.path)
            directories = list(map(Path, collected.directories))
            self._orphans, _ = find_orphans(replace(collected, owners=owners), directories)
        return self._orphans

    def is_shared(self, path: Path) -> bool:
        """Whether several tests have this cassette."""
        return self._tests[str(path)] > 1

    def is_fresh(self, path: Path) -> bool:
        """Whether `once` records this cassette: it had nothing when the tests began."""
        return path in self._fresh or not path.exists()
