from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.drivers import ALL, ASYNC, Driver

collect_ignore = ["sdks"]  # each file there needs an environment of its own: nox -f .ci/noxfile.py

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
