"""Makes a test of a function that asks through an SDK: recorded from a server, replayed when it has gone.

What it asks for may be a stream, which a cache keeps only if it is whole.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

import replaycache
from tests.sdks.provider_server import Ending, ProviderServer

__all__ = ["caches", "replays"]

Ask = Callable[[str, Any], Any]
Run = Callable[[dict[str, str], str], Any]


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
        ways = _ways(ask, library, is_async, by_install)

        @pytest.mark.parametrize("way", ways)
        def test(way: str, tmp_path: Path) -> None:
            options = {"store": str(tmp_path / store)}
            with ProviderServer() as server:
                recorded = ways[way]({**options, "mode": "auto"}, server.url)
                asked = len(server.requests)
            assert asked
            assert str(server.number) in str(recorded)
            assert ways[way]({**options, "mode": "replay"}, server.url) == recorded
            assert len(server.requests) == asked

        test.__doc__ = ask.__doc__
        return test

    return decorate


def caches(
    library: str | None, *, failure: type[Exception] | None, by_install: bool = True
) -> Callable[[Ask], Callable[..., None]]:
    """Tests a function as `replays` does, which asks once, for a stream: a cache answers the second time if the
    first stream was whole, and asks the server again if that failed or ended before its end.

    Args:
        library: as for `replays`.
        failure: what the SDK raises where a stream tells a failure; None where it gives that as an answer.
        by_install: as for `replays`.
    """

    def decorate(ask: Ask) -> Callable[..., None]:
        ways = _ways(ask, library, None, by_install)

        @pytest.mark.parametrize("ending", get_args(Ending))
        @pytest.mark.parametrize("way", ways)
        def test(way: str, ending: Ending, tmp_path: Path) -> None:
            run = partial(ways[way], {"store": str(tmp_path / "cache"), "mode": "auto"})
            answers = []
            with ProviderServer(ending) as server:
                for _ in range(2):
                    with pytest.raises(failure) if failure and ending == "failed" else nullcontext():
                        answers.append(run(server.url))
            if ending == "whole":
                assert str(server.number) in str(answers[0])
                assert run(server.url) == answers[1] == answers[0]
                assert len(server.requests) == 1
            else:
                assert len(server.requests) == 2

        test.__doc__ = ask.__doc__
        return test

    return decorate


def _ways(ask: Ask, library: str | None, is_async: bool | None, by_install: bool) -> dict[str, Run]:
    """How the function is run with options of replaycache, of a server's URL; by the names of the ways."""
    ways: dict[str, Run] = {}
    if library is not None:
        takes_async = inspect.iscoroutinefunction(ask) if is_async is None else is_async
        ways["transport"] = partial(_by_transport, ask, f"replaycache.{library}", takes_async)
    if by_install:
        ways["install"] = partial(_by_install, ask)
    return ways


def _by_install(ask: Ask, options: dict[str, str], url: str) -> Any:
    replaycache.install(**options)  # type: ignore[arg-type]  # the options' names are not known to be those
    try:
        answer = ask(url, None)
        return asyncio.run(answer) if inspect.iscoroutine(answer) else answer
    finally:
        replaycache.uninstall()


def _by_transport(ask: Ask, module: str, is_async: bool, options: dict[str, str], url: str) -> Any:
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
