"""Makes a test of a function that asks through an SDK: recorded from a server, replayed when it has gone."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import replaycache
from tests.sdks.provider_server import ProviderServer

__all__ = ["replays"]

Ask = Callable[[str, Any], Any]


def replays(
    library: str | None, *, is_async: bool | None = None, by_install: bool = True, store: str = "cache"
) -> Callable[[Ask], Callable[..., None]]:
    """Tests a function of a server's URL and a transport that gives what it was answered, as plain values.

    The test runs it twice: by a transport of replaycache that the function hands to its SDK, and by `install()`,
    where the transport is None and the SDK makes its own client.

    Args:
        library: `httpx` or `httpx2`, whose transport the SDK takes; None where it takes none.
        is_async: whether that transport is the asynchronous one; None: as the function is.
        by_install: False where the SDK goes past `install()`.
        store: its name; what is no generating call is recorded only in a cassette.
    """

    def decorate(ask: Ask) -> Callable[..., None]:
        takes_async = inspect.iscoroutinefunction(ask) if is_async is None else is_async
        ways = ["transport"] * (library is not None) + ["install"] * by_install

        @pytest.mark.parametrize("way", ways)
        def test(way: str, tmp_path: Path) -> None:
            def run(url: str, mode: str) -> Any:
                options = {"store": str(tmp_path / store), "mode": mode}
                if way == "install":
                    return _by_install(ask, url, options)
                return _by_transport(ask, url, f"replaycache.{library}", takes_async, options)

            with ProviderServer() as server:
                recorded = run(server.url, "auto")
                asked = len(server.requests)
            assert asked
            assert str(server.number) in str(recorded)
            assert run(server.url, "replay") == recorded
            assert len(server.requests) == asked

        test.__doc__ = ask.__doc__
        return test

    return decorate


def _by_install(ask: Ask, url: str, options: dict[str, str]) -> Any:
    replaycache.install(**options)  # type: ignore[arg-type]  # the options' names are not known to be those
    try:
        answer = ask(url, None)
        return asyncio.run(answer) if inspect.iscoroutine(answer) else answer
    finally:
        replaycache.uninstall()


def _by_transport(ask: Ask, url: str, module: str, is_async: bool, options: dict[str, str]) -> Any:
    adapter = importlib.import_module(module)
    if inspect.iscoroutinefunction(ask):

        async def answer() -> Any:
            async with adapter.AsyncReplayTransport(**options) as transport:
                return await ask(url, transport)

        return asyncio.run(answer())
    if is_async:
        return ask(url, adapter.AsyncReplayTransport(**options))  # closed with the loop that the SDK runs
    with adapter.ReplayTransport(**options) as transport:
        return ask(url, transport)
