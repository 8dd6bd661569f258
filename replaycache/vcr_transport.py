"""Puts a VCR.py cassette under the transports of httpx and httpx2, where VCR.py itself stands.

That is below the clients and below transports that retry or log: each attempt is a request of its own, as it was
when VCR.py recorded it.
"""

from __future__ import annotations

import contextvars
import functools
import importlib
import importlib.util
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, cast

from ._errors import CacheMiss, MissReason, ReplayCacheWarning
from ._models import Recording
from .call import Call
from .exchange import Exchange
from .options import Mode, Options
from .spool import Spool
from .stores import Store
from .vcr_cassette import VcrCassette
from .vcr_messages import VcrRequest, changed, response_of
from .waiting import Blocking, Suspending

__all__ = ["playing"]

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


# -- deciding --------------------------------------------------------------------------------------------


class _Exchange(Exchange):
    """An exchange that asks VCR.py's rules, not keys, which recording answers a request."""

    def __init__(self, cassette: VcrCassette, owner: Callable[[], Any], in_process: bool) -> None:
        options = Options.parse({"mode": cassette.engine_mode})
        # of a store's methods, an exchange with a sequence uses those that the cassette has
        super().__init__(options, cast("Store", cassette), Spool, owner)
        self.cassette = cassette
        self.in_process = in_process

    def call(
        self, method: str, url: str, headers: Iterable[tuple[bytes, bytes]], target: bytes | None = None
    ) -> Call:
        plain = super().call(method, url, headers, target)
        call = _Call(self, plain.method, plain.url, headers, plain.found)
        call.mode, call.sample, call.ttl = plain.mode, plain.sample, plain.ttl
        return call


class _Call(Call):
    """A request as VCR.py's hooks leave it."""

    __slots__ = ("_asked", "_cassette", "_in_process")

    def __init__(self, exchange: _Exchange, *rest: Any) -> None:
        super().__init__(exchange, *rest)
        self._cassette = exchange.cassette
        self._in_process = exchange.in_process
        self._asked: VcrRequest | None = None

    def identify(self, body: bytes | None) -> None:
        if body is not None:
            self._body = body
            asked = self._cassette.ask(VcrRequest.of(self.request))
            if asked is None:
                self.mode = Mode.OFF
                self.outcome.reason = "it is no concern of the cassette, as vcr_config says"
                return
            self._asked = asked
            self._request = asked.to_request()
            self.url = self._request.url
            body = self._request.body
        super().identify(body)

    def load(self) -> Recording | None:
        if self._asked is None or self.mode not in (Mode.AUTO, Mode.REPLAY):
            return None
        found, self._why = self._cassette.play(self._asked)
        if found is None and self._in_process:
            self.mode = Mode.OFF
            self.outcome.reason = "the application in this process answers it"
        return found

    def miss(self, reason: MissReason) -> CacheMiss:
        miss = super().miss(reason)
        if self._asked is not None:
            miss.add_note(self._cassette.explain(self._asked))
        return miss

    def save(self) -> None:
        recording = self._pending
        if recording is not None and self._head is not None:
            try:
                response = self._cassette.ask_response(response_of(self._head, recording.body.read()))
                if response is None:
                    self.forget()
                    self.outcome.reason = "before_record_response dropped it"
                    return
                found = changed(recording, response)
            except Exception as error:  # noqa: BLE001  # a hook of the user's may raise anything
                self.forget()
                self.outcome.reason = f"before_record_response failed: {error!r}"
                self._exchange.warn(f"before_record_response failed: {error!r}. The answer was not stored.")
                return
            found.head = self._exchange.options.redact.head(found.head)
            self._pending = found
        super().save()


# -- playing ---------------------------------------------------------------------------------------------


class _Upstream:
    """The transport as it was before, for requests that go out."""

    def __init__(self, transport: Any, original: Callable[..., Any]) -> None:
        self._transport = transport
        self._original = original

    def handle_request(self, request: Any) -> Any:
        token = _sending.set(True)
        try:
            return self._original(self._transport, request)
        finally:
            _sending.reset(token)

    async def handle_async_request(self, request: Any) -> Any:
        token = _sending.set(True)
        try:
            return await self._original(self._transport, request)
        finally:
            _sending.reset(token)


class _Playing:
    """A cassette while its test runs."""

    def __init__(self, cassette: VcrCassette, may_connect: Callable[[str], bool]) -> None:
        self.cassette = cassette
        self.exchanges = {
            (method, in_process): _Exchange(cassette, owner, in_process)
            for method, owner in (("handle_request", Blocking.owner), ("handle_async_request", Suspending.owner))
            for in_process in (False, True)
        }
        self.may_connect = may_connect
        self.elsewhere: set[str] = set()

    def heard(self, connecting: socket.socket, host: str, port: int) -> None:
        """Something that is neither httpx nor httpx2 connects.

        Raises:
            RuntimeError: it would be a live call that VCR.py would have answered or refused.
        """
        self.elsewhere.add(f"{host}:{port}")
        if self.cassette.record_mode == "none" and port in (80, 443) and not self.may_connect(host):
            connecting.close()  # who connects expects an OSError, and would leave it open
            raise RuntimeError(
                f"Network is disabled for host {host!r}: this test is marked vcr, its record mode is 'none', and "
                f"the client that connects is neither httpx nor httpx2, so replaycache.vcr cannot answer it. "
                f"Allow the address with --allowed-hosts, or leave this test to pytest-recording."
            )


_playing: _Playing | None = None
_sending: contextvars.ContextVar[bool] = contextvars.ContextVar("replaycache_vcr_sending", default=False)
_changing = threading.Lock()


@contextmanager
def playing(cassette: VcrCassette, may_connect: Callable[[str], bool]) -> Iterator[None]:
    """Answers every request of httpx and httpx2 in the process from `cassette`, for as long as the block runs.

    Args:
        cassette: whose recordings are played, and to which new ones go.
        may_connect: tells of a host or an address whether other clients may connect to it.

    Raises:
        SecretFound: at the end, if recordings held what looks like a credential; they are not in the cassette.
    """
    global _playing
    originals: list[tuple[Any, str, Any]] = []
    with _changing:
        before, _playing = _playing, _Playing(cassette, may_connect)
        current = _playing
        try:
            for name in ("httpx", "httpx2"):
                if importlib.util.find_spec(name) is not None:
                    _patch(name, originals)
        except BaseException:
            _restore(originals)
            _playing = before
            raise
    _listen()
    try:
        yield
    finally:
        with _changing:
            _restore(originals)
            _playing = before
    for exchange in current.exchanges.values():
        exchange.close()
    if current.elsewhere:
        warnings.warn(
            f"this test is marked vcr, and something that is neither httpx nor httpx2 connected to "
            f"{', '.join(sorted(current.elsewhere))}: what it asked there was neither recorded nor replayed",
            ReplayCacheWarning,
            stacklevel=2,
        )


def _patch(name: str, originals: list[tuple[Any, str, Any]]) -> None:
    library = importlib.import_module(name)
    adapter = importlib.import_module(f"replaycache.{name}")
    for transport, method in (*_TRANSPORTS, *_IN_PROCESS):
        kind = getattr(library, transport)
        original = getattr(kind, method)
        originals.append((kind, method, original))
        stand_in = _asynchronous if method == "handle_async_request" else _synchronous
        setattr(kind, method, stand_in(adapter, original, (transport, method) in _IN_PROCESS))


def _restore(originals: list[tuple[Any, str, Any]]) -> None:
    while originals:
        kind, method, original = originals.pop()
        setattr(kind, method, original)


def _synchronous(adapter: Any, original: Any, in_process: bool) -> Any:
    @functools.wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        current = _playing
        if current is None:
            return original(self, request)
        exchange = current.exchanges["handle_request", in_process]
        return adapter.ReplayTransport.around(_Upstream(self, original), exchange).handle_request(request)

    return handle_request


def _asynchronous(adapter: Any, original: Any, in_process: bool) -> Any:
    @functools.wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        current = _playing
        if current is None:
            return await original(self, request)
        exchange = current.exchanges["handle_async_request", in_process]
        return await adapter.AsyncReplayTransport.around(_Upstream(self, original), exchange).handle_async_request(
            request
        )

    return handle_async_request


# -- calls that go past it -------------------------------------------------------------------------------

_listening = False


def _listen() -> None:
    """Hears of every connection of the process. An audit hook stays for good, so there is one."""
    global _listening
    if not _listening:
        _listening = True
        sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    current = _playing
    if event != "socket.connect" or current is None or _sending.get():
        return
    address = arguments[1]
    if isinstance(address, tuple) and len(address) >= 2 and not _is_local(str(address[0])):
        current.heard(arguments[0], str(address[0]), int(address[1]))


def _is_local(host: str) -> bool:
    # servers that a test starts, databases, and the socket pairs of Windows
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", "")
