"""What may import what, and what importing costs."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import replaycache

PACKAGE = Path(replaycache.__file__).parent
CLIENT_LIBRARIES = {"httpx", "httpx2", "openai", "anthropic", "aiohttp", "requests"}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {_name(path): path for path in PACKAGE.rglob("*.py") if _name(path)}


@cache
def _imports(name: str) -> tuple[set[str], set[str]]:
    """Modules of the package and top-level modules of others that a module imports, wherever in it."""
    package = name.split(".") if MODULES[name].name == "__init__.py" else name.split(".")[:-1]
    own: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            others |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            others.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] + (node.module or "").split(".")
            module = ".".join(part for part in base if part)
            for alias in node.names:
                full = f"{module}.{alias.name}" if module else alias.name
                if full in MODULES:
                    own.add(full)
                elif module:
                    own.add(module)
    return own, others


def _rooms() -> dict[str, set[str]]:
    """CONTRIBUTING's table: each room, and the rooms that it may use."""
    text = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    names = [re.findall(r"`(\w+)`", row[0]) for row in rows]
    every = {name for found in names for name in found}
    rooms: dict[str, set[str]] = {}
    for found, row in zip(names, rows, strict=True):
        told = set(re.findall(r"`(\w+)`", row[2]))
        for name in found:
            assert name not in rooms, f"{name} is told twice"
            rooms[name] = every - told - {name, "__main__"} if "all but" in row[2] else told
    return rooms


def _room(module: str) -> str:
    return module.partition(".")[0]


ROOMS = _rooms()


def test_contributing_tells_of_every_room_once() -> None:
    assert set(ROOMS) == {_room(name) for name in MODULES}
    assert set().union(*ROOMS.values()) <= set(ROOMS)
    TopologicalSorter(ROOMS).prepare()  # it raises where rooms go round in a circle


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_uses_what_its_room_may_use(name: str) -> None:
    used = {_room(module) for module in _imports(name)[0]}

    assert used - {_room(name)} <= ROOMS[_room(name)]


@pytest.mark.parametrize("name", sorted(name for name in MODULES if _room(name) != "dialects"))
def test_only_dialects_know_of_one_api(name: str) -> None:
    assert not {module for module in _imports(name)[0] if module.startswith("dialects.apis")}


def test_every_room_uses_what_its_row_tells() -> None:
    used = {
        room: {_room(other) for name in MODULES if _room(name) == room for other in _imports(name)[0]}
        for room in ROOMS
    }

    for room, told in ROOMS.items():
        if room not in ("cli", "session"):  # whose rows tell of all, and of what is imported by its name
            assert told <= used[room], room


def test_no_modules_name_each_other() -> None:
    """Nor do they go round in a circle, whether at run time or for the type checker."""
    TopologicalSorter({name: _imports(name)[0] - {name, _room(name)} for name in MODULES}).prepare()


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in set(MODULES) - {"httpx", "httpx2", "cli.demo_session", "maintenance.verifying"}
        if _room(name) != "serve"  # it calls upstream by one
    ),
)
def test_only_adapters_import_a_client_library(name: str) -> None:
    assert not _imports(name)[1] & CLIENT_LIBRARIES


@pytest.mark.parametrize("name", sorted(name for name in MODULES if _room(name) != "cli"))
def test_only_the_command_line_imports_what_its_extra_brings(name: str) -> None:
    assert not _imports(name)[1] & {"click", "rich", "pygments"}


def test_a_plain_install_brings_no_library_of_command_lines() -> None:
    """Where click, rich and pygments are all there, `import httpx` imports its own command line."""
    text = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text("utf-8")
    coming = [Requirement(line) for line in tomllib.loads(text)["project"]["dependencies"]]
    brought: set[str] = set()
    while coming:
        requirement = coming.pop()
        if requirement.name not in brought and (requirement.marker is None or requirement.marker.evaluate()):
            brought.add(requirement.name)
            coming += [Requirement(line) for line in requires(requirement.name) or ()]

    assert "httpcore" in brought
    assert not brought & {"click", "rich", "pygments"}


@pytest.mark.parametrize(
    "name", ["engine.exchange", "engine.recorder", "match", "dialects.watcher", "redaction.redact"]
)
def test_the_core_does_no_io(name: str) -> None:
    assert not _imports(name)[1] & {
        "asyncio",
        "anyio",
        "io",
        "os",
        "pathlib",
        "socket",
        "sqlite3",
        "tempfile",
        "threading",
    }


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_store_is_imported_by_the_core(name: str) -> None:
    if name not in {"cli.demo_session", "stores"}:
        assert not _imports(name)[0] & {"stores.cassette", "stores.disk", "stores.memory"} - {name}


def _loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_client_library_and_no_store() -> None:
    loaded = _loaded_by("import replaycache")

    assert not loaded & (CLIENT_LIBRARIES | {"diskcache", "sqlite3", "anyio", "click", "pickle"})
    assert not {name for name in loaded if name.startswith("replaycache.stores.")}


@pytest.mark.parametrize(("library", "other"), [("httpx", "httpx2"), ("httpx2", "httpx")])
def test_an_adapter_loads_only_its_library(library: str, other: str) -> None:
    loaded = _loaded_by(f"import replaycache.{library}")
    by_itself = _loaded_by(f"import {library}")

    assert library in loaded
    assert not (loaded - by_itself) & {other, "diskcache", "sqlite3", "anyio"}
    assert "replaycache.dialects.readings" not in loaded
    on_demand = ("budget", "drift", "ledger", "nearest", "prices", "usage")
    assert not loaded & {f"replaycache.{name}" for name in on_demand}


_ASKING = """
import json, re, sys
import LIBRARY
before = set(sys.modules)
from replaycache.LIBRARY import ReplayTransport
answers = LIBRARY.MockTransport(lambda request: LIBRARY.Response(200, json={"answer": 42}))
with LIBRARY.Client(transport=ReplayTransport(answers, store=sys.argv[1])) as client:
    answer = client.post("https://api.openai.com/v1/chat/completions", json={"model": "m", "messages": []})
ours = [vars(module) for name, module in list(sys.modules.items()) if name.startswith("replaycache")]
print(json.dumps({
    "status": answer.extensions["replaycache"].status,
    "loaded": sorted(set(sys.modules) - before),
    "patterns": sorted({name for own in ours for name in own if type(own[name]) is re.Pattern}),
    "dataclasses": sorted({
        f"{kind.__module__}.{kind.__qualname__}"
        for own in ours
        for kind in own.values()
        if (made := vars(kind).get("__dataclass_params__") if type(kind) is type else None)
        and (made.init or made.repr or made.eq or made.frozen)
    }),
}))
"""


@pytest.fixture(params=["httpx", "httpx2"])
def first_hit(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What a fresh process has loaded and made behind its first hit."""
    told: dict[str, Any] = {}
    for expected in ("miss", "hit"):
        command = [sys.executable, "-c", _ASKING.replace("LIBRARY", request.param), str(tmp_path / "cache")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        assert told["status"] == expected
    return told


def test_a_hit_loads_nothing_that_only_records_or_explains(first_hit: dict[str, Any]) -> None:
    loaded = {name.removeprefix("replaycache.") for name in first_hit["loaded"]}

    assert not loaded & {
        "_faults",
        "dialects.answering",
        "dialects.answers",
        "dialects.readings",
        "dialects.watcher",
        "engine.answer",
        "engine.faulting",
        "engine.faults",
        "engine.nearest",
        "engine.plan",
        "engine.retry_after",
        "match.backtracking",
        "match.explanation",
        "match.scrubs",
        "redaction.credentials",
        "stores.cassette",
        "stores.memory",
    }
    assert not {name for name in loaded if name.startswith(("dialects.framing", "session"))}
    assert not loaded & {"anyio", "asyncio", "concurrent", "decimal", "heapq", "hmac", "secrets", "sysconfig"}


def test_a_hit_makes_no_class_and_no_pattern_that_it_has_no_use_for(first_hit: dict[str, Any]) -> None:
    """A frozen dataclass takes a millisecond to make, a pattern a part of one: see `Value`."""
    assert not first_hit["dataclasses"]
    assert set(first_hit["patterns"]) <= {"WORD", "_URL"}


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_adapter_without_its_library_says_what_to_install(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import replaycache.{library}"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr.rstrip().endswith(f"which is not installed: pip install {library}")


IMPORTED_BY_USERS = {"replaycache", *(f"replaycache.{name}" for name in ("httpx", "httpx2", "stores"))}


@pytest.mark.parametrize(
    "name", ["replaycache", *(f"replaycache.{name}" for name in sorted(MODULES) if name != "__main__")]
)
def test_a_list_of_public_names_is_whole(name: str) -> None:
    """A list says which names of others are handed on; elsewhere a name without an underscore is public."""
    module = importlib.import_module(name)
    if not hasattr(module, "__all__"):
        assert name not in IMPORTED_BY_USERS
        return

    assert module.__all__ == sorted(module.__all__, key=lambda item: (not item.isupper(), item[0].islower(), item))
    assert all(hasattr(module, public) for public in module.__all__)


def test_the_package_exports_what_users_need() -> None:
    assert {"CacheMiss", "Match", "Mode", "Outcome", "Redact", "Refused", "ReplayCacheError"} <= set(
        replaycache.__all__
    )


def test_errors_form_the_tree_that_is_promised() -> None:
    errors = replaycache
    assert issubclass(errors.CorruptRecording, errors.StoreError)
    assert issubclass(errors.StoreUnavailable, errors.StoreError)
    for name in ("StoreError", "CassetteError", "SecretFound", "DriftFound", "ConfigurationError"):
        assert issubclass(getattr(errors, name), errors.ReplayCacheError)
    for name in ("CacheMiss", "BudgetExceeded"):
        assert issubclass(getattr(errors, name), errors.Refused)
    assert not issubclass(errors.Refused, Exception)
