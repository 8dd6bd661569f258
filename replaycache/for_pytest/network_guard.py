"""Refuses connections, so that a test that would call out says so.

Everything is refused but Unix sockets and the hosts that are allowed; loopback is a host like any other. A name
is refused before it is looked up, so that the refusal looks the same with and without a network. What does not go
through Python's sockets (uvloop, gRPC) is out of reach.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, NamedTuple

from .._errors import ConfigurationError, Refused
from ..system.patching import Patches

__all__ = ["AllowedHost", "NetworkBlocked", "blocked_network", "parse_allowed_hosts"]


class NetworkBlocked(Refused):
    """A connection was refused because `--block-network` was given and its host is not allowed.

    Attributes:
        host: a name or an address.
        port: 0 where only a name was to be looked up.
    """

    def __init__(self, host: str, port: int) -> None:
        where = f"[{host}]" if ":" in host else host
        super().__init__(
            f"--block-network refuses to connect to {where}{f':{port}' if port else ''}. "
            f"Mark the test with @pytest.mark.replay, so that a cassette answers, "
            f"or allow the host: --allowed-hosts={where}"
        )
        self.host = host
        self.port = port


class AllowedHost(NamedTuple):
    """Which hosts may be reached: a pattern for the name or address, and a port or None for all."""

    pattern: re.Pattern[str]
    port: int | None

    def admits(self, host: str, port: int | None) -> bool:
        """Whether this host may be reached; `port` is None where it is not known yet."""
        return self.pattern.fullmatch(host) is not None and (None in (self.port, port) or self.port == port)


_ALLOWED = re.compile(r"(?:\[(?P<bracketed>[^\]]+)\]|(?P<host>[^\s:/@\[\]]+))(?::(?P<port>\d{1,5}))?")


def parse_allowed_hosts(text: str) -> tuple[AllowedHost, ...]:
    """Reads `host`, `host:port`, `[address]:port`, `*` for any characters, separated by commas.

    Raises:
        ConfigurationError: one of them is something else.
    """
    found: list[AllowedHost] = []
    for item in (part.strip() for part in text.split(",")):
        if not item:
            continue
        match = _ALLOWED.fullmatch(item)
        if match is None and not _is_address(item):
            raise ConfigurationError(
                f"--allowed-hosts={item!r} is no host; write api.example.com, 127.0.0.1:8080, [::1]:8080 or "
                f"*.example.com, separated by commas"
            )
        host = (match["bracketed"] or match["host"]) if match else item
        port = match["port"] if match else None
        pattern = ".*".join(re.escape(piece) for piece in host.lower().rstrip(".").split("*"))
        found.append(AllowedHost(re.compile(pattern), int(port) if port else None))
    return tuple(found)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _text(host: Any) -> str:
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    return str(host).lower().rstrip(".")


class _Guard:
    """Decides; remembers which addresses the allowed names have."""

    def __init__(self, allowed: Iterable[AllowedHost]) -> None:
        self._allowed = tuple(allowed)
        self._names: dict[str, set[str]] = {}
        self._apart = threading.local()

    def check(self, sock: socket.socket, address: Any) -> None:
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or getattr(self._apart, "on", False):
            return
        if not isinstance(address, tuple) or len(address) < 2:
            return  # the socket itself refuses it
        host, port = _text(address[0]), address[1]
        for name in (host, *self._names.get(host, ())):
            if any(allowed.admits(name, port) for allowed in self._allowed):
                return
        raise NetworkBlocked(host, port)

    def check_connection(self, sock: socket.socket, address: Any) -> None:
        try:
            self.check(sock, address)
        except NetworkBlocked:
            sock.close()  # who connects expects an OSError, and closes it only then
            raise

    def look_up(self, original: Callable[..., Any], host: Any, *args: Any, **kwargs: Any) -> Any:
        name = _text(host) if host is not None else ""
        admitted = any(allowed.admits(name, None) for allowed in self._allowed)
        if not admitted and name not in ("", "localhost", socket.gethostname().lower()) and not _is_address(name):
            raise NetworkBlocked(name, 0)
        found = original(host, *args, **kwargs)
        if admitted:
            for *_, address in found:
                self._names.setdefault(_text(address[0]), set()).add(name)
        return found

    @contextmanager
    def apart(self) -> Generator[None]:
        """Lets through what this thread does."""
        self._apart.on = True
        try:
            yield
        finally:
            self._apart.on = False


@contextmanager
def blocked_network(allowed: Iterable[AllowedHost] = ()) -> Generator[None]:
    """Refuses every connection of this process that `allowed` does not admit, in all threads."""
    guard = _Guard(allowed)

    def guarded_connect(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any, /) -> Any:
            guard.check_connection(self, address)
            return original(self, address)

        return connect

    def guarded_sendto(original: Callable[..., int]) -> Callable[..., int]:
        def sendto(self: socket.socket, *args: Any) -> int:
            guard.check(self, args[-1] if args else None)
            return original(self, *args)

        return sendto

    def guarded_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            return guard.look_up(original, host, *args, **kwargs)

        return getaddrinfo

    patches = Patches()
    try:
        patches.replace(socket.socket, "connect", guarded_connect)
        patches.replace(socket.socket, "connect_ex", guarded_connect)
        patches.replace(socket.socket, "sendto", guarded_sendto)
        patches.replace(socket, "getaddrinfo", guarded_getaddrinfo)
        if sys.platform == "win32":
            _replace_on_windows(patches, guard)
        yield
    finally:
        patches.restore()


if sys.platform == "win32":

    def _replace_on_windows(patches: Patches, guard: _Guard) -> None:
        """There event loops connect without the socket's own method, and make socket pairs over loopback."""
        from asyncio import IocpProactor

        def guarded_proactor_connect(original: Callable[..., Any]) -> Callable[..., Any]:
            def connect(self: Any, conn: socket.socket, address: Any) -> Any:
                guard.check_connection(conn, address)
                return original(self, conn, address)

            return connect

        def unguarded_socketpair(original: Callable[..., Any]) -> Callable[..., Any]:
            def socketpair(*args: Any, **kwargs: Any) -> Any:
                with guard.apart():
                    return original(*args, **kwargs)

            return socketpair

        patches.replace(IocpProactor, "connect", guarded_proactor_connect)
        patches.replace(socket, "socketpair", unguarded_socketpair)
