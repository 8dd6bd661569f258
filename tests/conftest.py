from __future__ import annotations

import gc
import importlib
import itertools
import os
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import replaycache
from tests.drivers import ALL, ASYNC, Driver

collect_ignore = ["neighbours", "sdks"]  # they need environments of their own: nox -f .ci/noxfile.py

# What a run of pytest inside the process imports is taken out of sys.modules after it, and a second copy of a
# module has classes and globals of its own: so all is there before, but for the plugins, which such a run loads.
PLUGINS = ("replaycache.pytest_plugin", "replaycache.vcr")
for library in ("httpx", "httpx2", "trio", "anyio._backends._asyncio", "anyio._backends._trio", "genai_prices"):
    importlib.import_module(library)
for backend in ("httpcore", "httpcore2"):
    importlib.import_module(backend)
for module in pkgutil.walk_packages(replaycache.__path__, "replaycache."):
    if not module.name.startswith((*PLUGINS, "replaycache.__main__")):
        importlib.import_module(module.name)

# no judgement by the clock: the machine may be busy
settings.register_profile("normal", max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("normal"), max_examples=400)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))


@pytest.hookimpl(tryfirst=True)  # before those that the command line leaves out are
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a table with the mark `sampled`, all rows but so many are `exhaustive`."""
    tables: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if (mark := item.get_closest_marker("sampled")) and not item.get_closest_marker("exhaustive"):
            tables[item.nodeid.partition("[")[0], mark.args[0]].append(item)
    for (_, count), rows in tables.items():
        kept = {number * len(rows) // count for number in range(count)}
        for number, row in enumerate(rows):
            if number not in kept:
                row.add_marker("exhaustive")


def pytest_collection_finish() -> None:
    """Takes what was collected out of the garbage collector's sight: tests that call it look only at their own."""
    gc.collect()
    gc.freeze()


_numbers = itertools.count()


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


@pytest.fixture(scope="session", autouse=True)
def _no_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody here speaks TLS, and a client that reads the system's certificates costs more than most tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SSL_CERT_FILE", raising=False)
        environment.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("no-certificates")))
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, _caches: Path) -> None:
    """No test sees the user's cache, settings or proxies, nor that it runs in continuous integration.

    Nor is a program that it starts in the development mode in which the tests may be: they look at what it says.
    """
    others = ("CI", "PYTHONDEVMODE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    for name in list(os.environ):
        if name.startswith("REPLAYCACHE_") or name.upper() in others:
            monkeypatch.delenv(name)
    monkeypatch.setenv("REPLAYCACHE_DIR", str(_caches / str(next(_numbers))))


@pytest.fixture(params=ALL, ids=str)
def driver(request: pytest.FixtureRequest) -> Driver:
    """Every client library, synchronous and asynchronous."""
    return request.param  # type: ignore[no-any-return]  # pytest's parameters have no type


@pytest.fixture(params=ASYNC, ids=str)
def async_driver(request: pytest.FixtureRequest) -> Driver:
    """Every client library, asynchronous."""
    return request.param  # type: ignore[no-any-return]  # pytest's parameters have no type
