from __future__ import annotations

import importlib
import pkgutil

import pytest
from hypothesis import HealthCheck, settings

import replaycache
from tests.drivers import ALL, ASYNC, Driver

collect_ignore = ["sdks"]  # each file there needs an environment of its own: nox -f .ci/noxfile.py

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
settings.register_profile("replaycache", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("replaycache")


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the user's cache, mode or proxies."""
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    for name in (
        "REPLAYCACHE_MODE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=ALL, ids=str)
def driver(request: pytest.FixtureRequest) -> Driver:
    """Every client library, synchronous and asynchronous."""
    return request.param  # type: ignore[no-any-return]  # pytest's parameters have no type


@pytest.fixture(params=ASYNC, ids=str)
def async_driver(request: pytest.FixtureRequest) -> Driver:
    """Every client library, asynchronous."""
    return request.param  # type: ignore[no-any-return]  # pytest's parameters have no type
