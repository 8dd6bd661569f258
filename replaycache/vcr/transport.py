"""Puts a VCR.py cassette under the transports of httpx and httpx2, where VCR.py itself stands.

That is below the clients and below transports that retry or log: each attempt is a request of its own, as it was
when VCR.py recorded it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from ..engine.following import Following, follow, unfollow
from ..engine.upstream import is_mocked
from ..engine.waiting import Blocking, Suspending
from ..engine.wrapping import LIBRARIES
from ..session.connections import listen, unlisten
from ..system.patching import Patches
from .cassette import VcrCassette
from .exchange import VcrExchange
from .network import OtherClients, is_covered

_TRANSPORTS = (
    ("HTTPTransport", "handle_request"),
    ("AsyncHTTPTransport", "handle_async_request"),
)
"""The transports under which VCR.py stands, and by which method they are called."""

_IN_PROCESS = (
    ("MockTransport", "handle_request"),
    ("MockTransport", "handle_async_request"),
    ("WSGITransport", "handle_request"),
    ("ASGITransport", "handle_async_request"),
)
"""Its newer versions stand under these too. What is not recorded is left to the application there."""


@contextmanager
def playing(cassette: VcrCassette, allowed: Sequence[str] | None) -> Iterator[OtherClients]:
    """Answers every request of httpx and httpx2 in the process from `cassette`, for as long as the block runs.

    Args:
        cassette: whose recordings are played, and to which new ones go.
        allowed: regular expressions of the hosts and addresses to which other clients may connect.

    Returns:
        What is known of other clients.

    Raises:
        SecretFound: at the end, if recordings held what looks like a credential; they are not in the cassette.
    """
    others = OtherClients(cassette.record_mode == "none", allowed)
    played = _Played(cassette, others)
    patches = Patches()
    try:
        for library in _libraries():
            _patch(library, played, patches)
        follow(_stands_below)
        listen(others.hear)
        yield others
    finally:
        unlisten(others.hear)
        unfollow(_stands_below)
        patches.restore()
        played.is_over = True
    played.close()
    others.warn()


def _stands_below(is_async: bool) -> Following:
    """A transport of ours that names neither store nor mode has nothing to do above a cassette."""
    return Following(None)


class _Played:
    """A cassette while its test runs."""

    def __init__(self, cassette: VcrCassette, others: OtherClients) -> None:
        self.is_over = False
        self.others = others
        self._exchanges = {
            (method, in_process): VcrExchange(cassette, owner, in_process)
            for method, owner in (("handle_request", Blocking.owner), ("handle_async_request", Suspending.owner))
            for in_process in (False, True)
        }

    def exchange(self, method: str, in_process: bool) -> VcrExchange:
        """What decides about the requests of a transport that is called by this method."""
        return self._exchanges[method, in_process]

    def close(self) -> None:
        """Raises what a test is told at its end."""
        for exchange in self._exchanges.values():
            exchange.close()


class _Upstream:
    """The transport as it was before, for requests that go out."""

    def __init__(self, transport: Any, original: Callable[..., Any], others: OtherClients) -> None:
        self._transport = transport
        self._original = original
        self._others = others

    def handle_request(self, request: Any) -> Any:
        with self._covering(request):
            return self._original(self._transport, request)

    async def handle_async_request(self, request: Any) -> Any:
        with self._covering(request):
            return await self._original(self._transport, request)

    @contextmanager
    def _covering(self, request: Any) -> Iterator[None]:
        self._others.except_for(request.url.host)
        token = is_covered.set(True)
        try:
            yield
        finally:
            is_covered.reset(token)


def _libraries() -> list[ModuleType]:
    """The client libraries that are installed; one that has two names (`httpx2.alias_httpx()`) is one."""
    found = [
        importlib.import_module(name) for name in LIBRARIES if name in sys.modules or find_spec(name) is not None
    ]
    return list({id(library): library for library in found}.values())


def _patch(library: ModuleType, played: _Played, patches: Patches) -> None:
    adapter = importlib.import_module(f"replaycache.{library.__name__}")
    for transport, method in (*_TRANSPORTS, *_IN_PROCESS):
        kind = adapter.AsyncReplayTransport if method == "handle_async_request" else adapter.ReplayTransport
        exchange = played.exchange(method, (transport, method) in _IN_PROCESS)
        make = partial(_standing_in, library, kind, method, played, exchange)
        patches.replace(getattr(library, transport), method, make)


def _standing_in(
    library: ModuleType, kind: Any, method: str, played: _Played, exchange: VcrExchange, original: Any
) -> Callable[[Any, Any], Any]:
    """What is called in the place of a transport's method: what it gives is awaited where that is asynchronous."""

    def handle(self: Any, request: Any) -> Any:
        if played.is_over or is_mocked(library, self):
            return original(self, request)
        upstream = _Upstream(self, original, played.others)
        return getattr(kind.around(upstream, exchange), method)(request)

    return handle
