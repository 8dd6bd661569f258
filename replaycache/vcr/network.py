"""Connections while a test runs: those that are refused, and those of clients that replaycache does not cover."""

from __future__ import annotations

import contextvars
import re
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from .._errors import Refused, ReplayCacheWarning
from ..session.connections import CONNECT, listen, unlisten
from ..system.patching import Patches


def _is_allowed(host: object, allowed: Sequence[str] | None) -> bool:
    """Whether one of the regular expressions matches the beginning of a host or an address."""
    text = bytes(host).decode("utf-8", "replace") if isinstance(host, bytes | bytearray) else str(host)
    return any(re.match(pattern, text) for pattern in allowed or ())


@contextmanager
def blocked(allowed: Sequence[str] | None) -> Iterator[None]:
    """Refuses every connection of a socket, but to hosts and addresses that `allowed` matches.

    Sockets of the kind that a process talks to itself through are left alone where the system has them only as
    connections.
    """
    pairing = threading.local()

    def paired(socketpair: Callable[..., Any]) -> Callable[..., Any]:
        def pair(*args: Any, **kwargs: Any) -> Any:
            pairing.active = True
            try:
                return socketpair(*args, **kwargs)
            finally:
                pairing.active = False

        return pair

    def refuse(event: str, connecting: socket.socket | None, address: Any) -> None:
        if event != CONNECT:
            return
        host = address[0] if isinstance(address, tuple) else address
        if not getattr(pairing, "active", False) and not _is_allowed(host, allowed):
            raise RuntimeError(f"Network is disabled for host {host!r}")

    patches = Patches()
    patches.replace(socket, "socketpair", paired)
    listen(refuse)
    try:
        yield
    finally:
        unlisten(refuse)
        patches.restore()


is_covered: contextvars.ContextVar[bool] = contextvars.ContextVar("replaycache_vcr_is_covered", default=False)
"""Whether what connects is a transport of httpx or httpx2 that a cassette stands under."""


class OtherClients:
    """Clients that are neither of httpx nor of httpx2, while a marked test runs.

    Args:
        refuse: whether their connections to the ports of HTTP are refused, as a cassette could not answer them.
        allowed: regular expressions of the hosts and addresses to which they are not.
    """

    def __init__(self, refuse: bool, allowed: Sequence[str] | None) -> None:
        self._refuse = refuse
        self._allowed = allowed
        self._addresses: set[str] = set()
        self._names: set[str] = set()
        self._covered: set[str] = set()

    def hear(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        """Something connects, or looks up a name.

        Raises:
            Refused: it would be a live call that VCR.py would have answered or refused. Not a RuntimeError as
                where the network is blocked, for clients would try again.
        """
        if event not in (CONNECT, "socket.getaddrinfo") or is_covered.get():
            return
        if not isinstance(address, tuple) or len(address) < 2 or _is_local(str(address[0])):
            return
        if connecting is None:
            self._hear_of_name(*address)
            return
        host, port = str(address[0]), int(address[1])
        self._addresses.add(f"{host}:{port}")
        if self._refuse and port in (80, 443) and not _is_allowed(host, self._allowed):
            raise Refused(
                f"Network is disabled for host {host!r}: this test is marked vcr, its record mode is 'none', and "
                f"the client that connects is neither httpx nor httpx2, so replaycache.vcr cannot answer it. "
                f"Allow the address with --allowed-hosts, or leave this test to pytest-recording."
            )

    def _hear_of_name(self, host: object, port: object) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if self._refuse and host is not None and str(port) in ("80", "443", "http", "https"):
            self._names.add(name)

    def except_for(self, host: str) -> None:
        """A covered client goes out to this host; it may look up the name in a thread of its own."""
        self._covered.add(host)

    def names(self) -> list[str]:
        """The names that they looked up to call them over HTTP, where that would be refused."""
        return sorted(self._names - self._covered)

    def warn(self) -> None:
        """Says where they connected to."""
        if self._addresses:
            warnings.warn(
                f"this test is marked vcr, and something that is neither httpx nor httpx2 connected to "
                f"{', '.join(sorted(self._addresses))}: what it asked there was neither recorded nor replayed",
                ReplayCacheWarning,
                stacklevel=2,
            )


def _is_local(host: str) -> bool:
    # servers that a test starts, databases, and the socket pairs of Windows
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host in ("localhost", "")
