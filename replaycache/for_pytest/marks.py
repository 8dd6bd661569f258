"""What `@pytest.mark.replay` says on a test, its class and its module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .._errors import ConfigurationError
from ..options import combined
from ..stores import check_is_cassette
from .cassette_paths import Siblings, file_name, module_directory, named
from .pytest_private import marks_of_parameters

Rules = Mapping[str, Any]
"""What a mark says of how requests are recognised, and of what is kept out of the file."""


@dataclass(frozen=True)
class Marked:
    """What the marks of a test come to.

    Attributes:
        path: of its cassette.
        mode: as the marks have it.
        options: the others.
    """

    path: Path
    mode: Any
    options: dict[str, Any]


def rules_of(marked: Marked) -> Rules:
    """The rules on which tests with one cassette have to agree; None where the marks leave one to the suite."""
    return {name: marked.options.get(name) for name in ("match", "redact")}


def _marks(item: pytest.Item) -> list[pytest.Mark]:
    """The marks of a test, one a level, the nearest last.

    Raises:
        ConfigurationError: two stand on the same level.
    """
    levels: list[tuple[str, list[pytest.Mark]]] = []
    for node in item.listchain():
        if isinstance(node, pytest.Class):
            for kind in reversed(node.obj.__mro__):
                marks = vars(kind).get("pytestmark", [])
                levels.append((f"the class {kind.__name__}", marks if isinstance(marks, list) else [marks]))
        elif node is item and (of_parameters := list(marks_of_parameters(item))):
            own = [mark for mark in node.own_markers if not any(mark is other for other in of_parameters)]
            levels += [(f"the test {item.name}", own), (f"the parameters of {item.name}", of_parameters)]
        else:
            levels.append((f"the test {item.name}" if node is item else node.nodeid, list(node.own_markers)))
    found: list[pytest.Mark] = []
    for where, marks in levels:
        ours = [mark for mark in (getattr(mark, "mark", mark) for mark in marks) if mark.name == "replay"]
        if len(ours) > 1:
            raise ConfigurationError(f"{where} has {len(ours)} marks @pytest.mark.replay; leave one of them")
        found += ours
    return found


def read_marks(item: pytest.Item, siblings: Mapping[Any, Siblings]) -> Marked | None:
    """What the marks of a test come to; None where it has none.

    Args:
        item: the test.
        siblings: of each collector.

    Raises:
        ConfigurationError: a mark is wrong.
    """
    marks = _marks(item)
    if not marks:
        return None
    directory = module_directory(item.path)
    options: dict[str, Any] = {}
    name: Any = None
    for mark in marks:
        if len(mark.args) > 1:
            raise ConfigurationError(
                f"@pytest.mark.replay takes one name, and {mark.args!r} are {len(mark.args)}; "
                f"options have their names, as in replay('weather.json', mode='record')"
            )
        if "store" in mark.kwargs or "path" in mark.kwargs:
            raise ConfigurationError(
                "a mark takes no store: its cassette is named first, as in replay('weather.json')"
            )
        name = mark.args[0] if mark.args else name
        options = combined(options, mark.kwargs)
    mode = options.pop("mode", None)
    if name is None:
        nodes = [node for node in item.listchain() if isinstance(node, pytest.Class) or node is item]
        path = directory / file_name(siblings.get(node.parent, Siblings()).called(node.name) for node in nodes)
    else:
        if isinstance(name, (str, Path)) and name != "":
            check_is_cassette(name)
        tree = item.config.rootpath if item.path.is_relative_to(item.config.rootpath) else item.path.parent
        path = named(name, directory, tree)
    return Marked(path, mode, options)
