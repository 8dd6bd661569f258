"""What pytest collects: which tests are marked, which cassettes are theirs, and which of these they share."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .._errors import ConfigurationError
from .cassette_of_test import has_recordings
from .cassette_paths import Siblings
from .cassette_use import Collected
from .marks import Marked, read_marks

__all__ = ["Collection"]


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
        self._fresh: set[Path] = set()
        self._tests: Counter[str] = Counter()

    def add_made(self, collector: pytest.Collector, made: Any) -> None:
        """Takes what was made of one name of a module or class."""
        for node in made if isinstance(made, list) else [made]:
            if isinstance(node, (pytest.Item, pytest.Class)):
                self._siblings.setdefault(collector, Siblings()).add(node.name)

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
                self._tests[str(marked.path)] += 1
        # before the first test: what one test records does not make its neighbour replay
        self._fresh = {path for path in map(Path, self._tests) if not has_recordings(path)}

    def marked(self, item: pytest.Item) -> Marked | None:
        """What the marks of a test come to; None where it has none.

        Raises:
            ConfigurationError: a mark is wrong.
        """
        return read_marks(item, self._siblings)

    def is_shared(self, path: Path) -> bool:
        """Whether several tests have this cassette."""
        return self._tests[str(path)] > 1

    def is_fresh(self, path: Path) -> bool:
        """Whether `once` records this cassette: it had nothing when the tests began."""
        return path in self._fresh or not path.exists()
