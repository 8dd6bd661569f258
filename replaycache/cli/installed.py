"""What is installed, as the metadata of packages has it: versions, extras, what SDKs run on, plugins of pytest."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module, metadata
from typing import NamedTuple

from .._errors import ConfigurationError
from ..engine.wrapping import LIBRARIES, check_library

TRANSPORTS = (*LIBRARIES, "aiohttp", "requests", "urllib3", "grpcio")
"""What SDKs call upstream by; those of ours come first."""

SDKS = (
    "openai", "anthropic", "google-genai", "mistralai", "groq", "together", "cohere", "ollama", "huggingface-hub",
    "litellm", "langchain-openai", "langchain-anthropic", "pydantic-ai", "instructor", "openai-agents",
    "llama-index", "mcp", "boto3",
)  # fmt: skip
"""Those that tests/sdks runs, and boto3, which needs the proxy; what each runs on its own metadata says."""

EXTRAS = {
    "brotli": "answers that come in br",
    "cli": "this command line",
    "httpx2": "clients of httpx2",
    "prices": "money in stats and reports, budgets",
    "redis": "shared stores",
    "serve": "the proxy",
    "vcr": "YAML of other recorders",
    "zstd": "answers that come in zstd",
}
"""What each is for."""

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*([^;]*?)\s*(?:;(.*))?")
_OF_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)")
_DEPTH = 3
_PATIENCE = 120
"""Seconds."""


class Sdk(NamedTuple):
    """An SDK that is installed.

    Attributes:
        name: of its package.
        version: of it.
        on: what it calls upstream by.
        covered: whether a transport, `install()` and cassettes see its calls.
    """

    name: str
    version: str
    on: tuple[str, ...]
    covered: bool


class _Requirement(NamedTuple):
    name: str
    versions: str
    extra: str


def version(name: str) -> str:
    """The version of a package; empty where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _requirements(name: str) -> Iterator[_Requirement]:
    try:
        found = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return
    for line in found:
        match = _REQUIREMENT.fullmatch(line)
        if match is not None:
            extra = _OF_EXTRA.search(match[3] or "")
            yield _Requirement(_normal(match[1]), match[2].strip("() "), extra[1] if extra else "")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _fits(found: str, wanted: str) -> bool:
    """Whether a version is one of `>=1.2,<3`; what is written in other ways is not looked at."""
    for sign, bound in re.findall(r"(>=|<)\s*([\d.]+)", wanted):
        if (_numbers(found) >= _numbers(bound)) is not (sign == ">="):
            return False
    return True


def _numbers(text: str) -> list[int]:
    numbers = list(map(int, re.findall(r"\d+", re.split(r"[^\d.]", text, maxsplit=1)[0])))
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


def sdks() -> list[Sdk]:
    """Those that are installed."""
    installed = [(name, found, _runs_on(name)) for name in SDKS if (found := version(name))]
    return [Sdk(*one, covered=not LIBRARIES.keys().isdisjoint(one[2])) for one in installed]


def _runs_on(name: str) -> tuple[str, ...]:
    """What it requires to call upstream: one of our libraries, by whatever way, or else what comes first."""
    level, first = {name}, set[str]()
    for _ in range(_DEPTH):
        level = {one.name for package in level for one in _requirements(package) if not one.extra}
        first = first or level.intersection(TRANSPORTS)
        ours = level.intersection(LIBRARIES)
        if ours:
            first = ours
            break
    return tuple(one for one in TRANSPORTS if one in first)


def extras() -> dict[str, bool]:
    """Whether each extra is installed."""
    found = dict.fromkeys(EXTRAS, True)
    for one in _requirements("replaycache"):
        if one.extra and not version(one.name):
            found[one.extra] = False
    return found


def library_problems() -> Iterator[str]:
    """What is installed in a version that does not do, each with what to do."""
    (wanted,) = metadata.metadata("replaycache").get_all("Requires-Python", [""])
    python = ".".join(map(str, sys.version_info[:3]))
    if not _fits(python, wanted):
        yield f"Python {python} is not supported, which has to be {wanted}: use another interpreter"
    needs = {one.name: one.versions for one in _requirements("replaycache")} | LIBRARIES
    for name, versions in needs.items():
        found = version(name)
        if found and not _fits(found, versions):
            yield f"{name} {found} is not supported: pip install '{name}{versions}'"
        elif found and name in LIBRARIES:
            try:
                check_library(import_module(name))
            except (ConfigurationError, ImportError) as error:
                yield str(error)


def plugins() -> dict[str, str]:
    """The version of pytest, and of each package that has plugins of it; none where it is not installed."""
    found = version("pytest")
    if not found:
        return {}
    packages = {one.dist.name for one in metadata.entry_points(group="pytest11") if one.dist is not None}
    return {"pytest": found} | {name: version(name) for name in sorted(packages)}


def plugin_problems() -> Iterator[str]:
    """Why pytest does not start with all its plugins: two that have one name end it."""
    if not version("pytest"):
        return
    with tempfile.TemporaryDirectory() as empty:
        command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", "--rootdir", empty]
        try:
            done = subprocess.run(  # noqa: S603
                command, cwd=empty, capture_output=True, text=True, errors="replace", timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired:
            yield f"pytest has not started within {_PATIENCE} seconds: a plugin of it waits (-p no:NAME)"
            return
    lines = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.strip()]
    if done.returncode not in (0, 5):  # there are no tests
        told = lines[-1] if lines else f"it ends with {done.returncode}"
        yield f"pytest does not start with the plugins that are installed: {told}"
