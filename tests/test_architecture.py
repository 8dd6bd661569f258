"""What may import what, and what importing costs."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import replaycache

PACKAGE = Path(replaycache.__file__).parent
CLIENT_LIBRARIES = {"httpx", "httpx2", "openai", "anthropic", "aiohttp", "requests"}

CLI = {"cli", *(f"cli.{path.stem}" for path in (PACKAGE / "cli").glob("*.py") if path.stem != "__init__")}
"""The command line: one layer, above all but `__main__`; a module of it is listed by being there."""

LAYERS: tuple[set[str], ...] = (
    {"_errors", "_models", "amounts", "atomic_file", "connections", "patching"},
    {"inheritance", "tally"},
    {
        "credentials",
        "credentials.finding",
        "credentials.places",
        "credentials.plausible",
        "credentials.replacing",
        "credentials.table",
        "credentials.texts",
    },
    {
        "answer_objects",
        "assembled",
        "content_encoding",
        "flights",
        "claims",
        "format",
        "ledger",
        "nearest",
        "redact",
        "sse",
        "timeline",
        "token_counts",
    },
    {"match", "match.json", "match.multipart", "match.providers", "match.url", "spool", "cassette_text", "drift"},
    {
        "budget",
        "options",
        "prices",
        "recorder",
        "sequence",
        "stored_form",
        "stores",
        "stores.cassette",
        "stores.disk",
        "stores.memory",
        "stores.renewed_cassette",
        "stores.rewritten_cassette",
        "usage",
    },
    {
        "foreign",
        "foreign.cassetter",
        "foreign.documents",
        "foreign.go_vcr",
        "foreign.har",
        "foreign.har_writing",
        "foreign.interactions",
        "foreign.ruby_vcr",
        "foreign.safe_yaml",
        "foreign.vcrpy",
        "foreign.vcrpy_writing",
        "selection",
    },
    {"moving", "pruning", "scanning"},
    {"scrubbing"},
    {
        "conversation",
        "conversation.answered",
        "conversation.asked",
        "conversation.parts",
        "conversation.streamed",
        "conversation.values",
    },
    {"request_text"},
    {"call", "diagnosis", "exchange", "reporting", "sampling", "waiting", "wrapping"},
    {"httpx", "httpx2", "session"},
    {"run_savings", "running", "savings", "verifying"},
    {
        "demo",
        "for_pytest",
        "for_pytest.cassette_paths",
        "for_pytest.held_refusals",
        "for_pytest.marks",
        "for_pytest.network_guard",
        "for_pytest.suite_options",
        "stats_page",
    },
    {
        "for_pytest.advice",
        "for_pytest.cassette_of_test",
        "for_pytest.cassette_use",
        "for_pytest.cassettes_of_run",
    },
    {"vcr.cassette", "vcr.exchange", "vcr.messages", "vcr.network", "vcr.rules", "vcr.transport"},
    {"pytest_plugin", "vcr"},
    CLI,
    {"__main__"},
)
"""From the ground up: a module imports from its own layer and from those below."""


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {_name(path): path for path in PACKAGE.rglob("*.py") if _name(path)}


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


def test_every_module_has_its_layer() -> None:
    assert set().union(*LAYERS) == set(MODULES)


def test_contributing_tells_of_every_module_once() -> None:
    text = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = Counter(name for row in rows for name in re.findall(r"`([^`]+)`", row))
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert named == Counter([*(f"{name}.py" for name in modules), *(f"{name}/" for name in packages)])


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_down(name: str) -> None:
    level = next(index for index, layer in enumerate(LAYERS) if name in layer)
    allowed = set().union(*LAYERS[: level + 1])

    assert _imports(name)[0] <= allowed


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"httpx", "httpx2", "demo", "verifying"}))
def test_only_adapters_import_a_client_library(name: str) -> None:
    assert not _imports(name)[1] & CLIENT_LIBRARIES


@pytest.mark.parametrize("name", ["exchange", "recorder", "match", "sse", "redact"])
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
    if name not in {"demo", "stores", "stores.renewed_cassette", "stores.rewritten_cassette"}:
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
    on_demand = ("budget", "drift", "ledger", "nearest", "prices", "usage")
    assert not loaded & {f"replaycache.{name}" for name in on_demand}


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_adapter_without_its_library_says_what_to_install(library: str) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; import replaycache.{library}"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr.rstrip().endswith(f"which is not installed: pip install {library}")


@pytest.mark.parametrize(
    "name", ["replaycache", *(f"replaycache.{name}" for name in sorted(MODULES) if name != "__main__")]
)
def test_public_names_are_listed_and_there(name: str) -> None:
    module = importlib.import_module(name)

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
