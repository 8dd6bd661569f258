"""The proxy on a socket, by uvicorn, with a strict reading of requests."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import HANDLED_SIGNALS

from .._errors import ReplayCacheError
from .application import Application
from .forwarding import RESET
from .settings import Settings

HEAD_SECONDS = 60.0
"""How long the head of a request may take to come."""

SILENT_SECONDS = 60
"""After how long the kernel looks whether a client that is silent is still there."""


class CannotListen(ReplayCacheError):
    """Nobody can listen on that host and port."""


def listen(settings: Settings) -> socket.socket:
    """Takes the port.

    Raises:
        CannotListen: it is taken, or the host is none of this machine's.
    """
    host, port = settings.host, settings.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # asyncio sends what is small at once on a socket only that says it is of TCP
        taken = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
        try:
            if os.name != "nt":  # there it would share the port
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # its connections take that from it
            if hasattr(socket, "TCP_KEEPIDLE"):
                taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENT_SECONDS)
            taken.bind(address)
            taken.listen(2048)
        except BaseException:
            taken.close()
            raise
        return taken
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            told = f"port {port} of {host} is in use; stop what listens there, or name another: --port {port + 1}"
        elif error.errno in (errno.EACCES, errno.EPERM):
            told = f"port {port} of {host} may not be used; name one above 1023: --port 8377"
        else:
            told = (
                f"nobody can listen on {host}, port {port}: {error.strerror or error}; name an address of this "
                f"machine, such as --host 127.0.0.1"
            )
        raise CannotListen(told) from error


class Server(uvicorn.Server):
    """Serves an application until a signal ends it."""

    def __init__(self, application: Application, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=_StrictProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                # upstream's own are handed on
                server_header=False,
                date_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=max(0, round(settings.grace)),
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves on these sockets. A signal ends it in order from the beginning on, and takes effect then."""
        with self._holding_signals():
            super().run(sockets)

    @contextmanager
    def _holding_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        came: dict[int, None] = {}

        def hold(number: int, frame: FrameType | None) -> None:
            came[number] = None
            self.should_exit = True

        before = {int(number): signal.signal(number, hold) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


class _StrictConnection(h11.Connection):
    """Reads requests as h11 does, and refuses what another server might read otherwise."""

    def next_event(self) -> Any:
        if self.their_state is h11.IDLE:
            _check(self.trailing_data[0])
        return super().next_event()


_LINE_FOLD = re.compile(rb"\n[ \t]")
_BARE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|\0")
_FRAMING = re.compile(rb"^(transfer-encoding|content-length)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_LIST = re.compile(rb"^content-length[ \t]*:[^\r]*,", re.IGNORECASE | re.MULTILINE)


def _check(data: bytes) -> None:
    """Looks at the head of a request, as far as it has come.

    Raises:
        RemoteProtocolError: a line is folded or ends in another way, or the length is told twice.
    """
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    if _BARE.search(head) or _LINE_FOLD.search(head):
        raise h11.RemoteProtocolError("a line of the head is folded, or ends in another way than it must")
    if len(_FRAMING.findall(head)) > 1 or _LIST.search(head):
        raise h11.RemoteProtocolError("the head tells the length of the body twice")


class _StrictProtocol(H11Protocol):
    def __init__(self, config: uvicorn.Config, *args: Any, **named: Any) -> None:
        super().__init__(config, *args, **named)
        self.app = self._resettable(self.app)
        self.conn = _StrictConnection(h11.SERVER, config.h11_max_incomplete_event_size or (64 << 10))
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._expect_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        """Whoever sends the head byte by byte holds a connection for a while only."""
        if self._head_timer is not None:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _resettable(self, application: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[RESET] = self._reset
            await application(scope, receive, send)

        return answer

    def _reset(self) -> None:
        """Breaks the connection off as a peer does that is gone: the client finds it reset, and no end."""
        taken = self.transport.get_extra_info("socket")
        if taken is not None:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
