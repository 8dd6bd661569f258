"""Refuses connections, datagrams and look-ups of names, as an operating system does that has no network.

A name is refused before it is looked up, so that the refusal is the same with and without a network. Unix sockets
are let through.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from ..system.calling_upstream import asking_store, calling_upstream
from ..wire.hosts import HostPattern
from .askers import who_asks
from .connections import LOOK_UPS, REVERSE, SPAWNED, STARTED, has_address, names_asked, names_of

_LOOPBACK = HostPattern.parse("localhost")
_PAIRING = ("socketpair", "_fallback_socketpair")


class Guard:
    """Refuses what goes to other hosts than those that are allowed.

    Args:
        allowed: the hosts that may be reached.
        why: of a refusal, for its text.
        way_out: what to do about it; `{host}` stands for the host.
        loopback: whether it may be reached.
        live_calls: whether our own transports may call upstream.

    Attributes:
        refused: where to, and who asked; each is told once.
        started: who started other processes, where it does not hold.
    """

    def __init__(
        self,
        allowed: Iterable[HostPattern],
        *,
        why: str,
        way_out: str,
        loopback: bool = True,
        live_calls: bool = True,
    ) -> None:
        self._allowed = tuple(allowed)
        self._why = why
        self._way_out = way_out
        self._loopback = loopback
        self._live_calls = live_calls
        self.refused: list[str] = []
        self.started: list[str] = []

    def hear(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        """Something connects, sends or looks up a name, or starts another process.

        Raises:
            ConnectionRefusedError: it may not.
            socket.gaierror: a name may not be looked up.
        """
        if event in (STARTED, SPAWNED):
            who = who_asks()
            if who not in self.started:
                self.started.append(who)
            return
        where = destination(event, connecting, address)
        if asking_store.here():  # the user named it as the place of recordings
            return
        if where is None or (self._live_calls and calling_upstream.here()) or self.admits(*where):
            return
        host, port = where
        is_proxy = _is_proxy(host, port)
        told = f"{shown(host, port)}{' (a proxy)' if is_proxy else ''}, asked by {who_asks()}"
        if told not in self.refused:
            self.refused.append(told)
        way_out = self._way_out.replace("{host}", shown(host, port if is_proxy else None))
        text = f"replaycache refuses to connect to {told}: {self._why}. {way_out}"
        if event in LOOK_UPS:
            raise socket.gaierror(socket.EAI_NONAME, text)
        raise ConnectionRefusedError(errno.ECONNREFUSED, text)

    def admits(self, host: str, port: int | None) -> bool:
        """Whether a host may be reached.

        Args:
            host: a name or an address.
            port: where; None where it is not known.
        """
        # who speaks to a proxy speaks to whatever is behind it
        if is_loopback(host) and ((self._loopback and not _is_proxy(host, port)) or _is_pairing()):
            return True
        if any(self._allows(name, port) for name in (host, *names_of(host))):
            return True
        # a name that was looked up before anybody listened, or in a way that does not show what was found
        names = {pattern.name for pattern in self._allowed} | set(names_asked())
        return _is_address(host) and any(
            name and not _is_address(name) and self._allows(name, port) and has_address(name, host)
            for name in names
        )

    def _allows(self, name: str, port: int | None) -> bool:
        return any(
            pattern.admits(name, port) or (port is None and pattern.admits(name, pattern.port))
            for pattern in self._allowed
        )


def destination(event: str, connecting: socket.socket | None, address: Any) -> tuple[str, int | None] | None:
    """The host that is reached for, and its port where that is known; None where nothing leaves the machine."""
    if connecting is not None and connecting.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    if not isinstance(address, tuple) or len(address) < 2:
        return None  # a socket that is connected already, or what the socket itself refuses
    host, port = address[:2]
    if isinstance(host, (bytes, bytearray)):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str):
        return None
    host = host.lower().removesuffix(".")
    if event in LOOK_UPS and (_is_own(host) or (_is_address(host) and event not in REVERSE)):
        return None
    return host or "0.0.0.0", port if isinstance(port, int) else None  # noqa: S104  # nothing is bound to it


def shown(host: str, port: int | None) -> str:
    """A host for people, as `--allowed-hosts` and `ignore_hosts` take it."""
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def why_nothing_goes_live(mode: str) -> str:
    """Why that is so, where this mode replays."""
    if mode == "once":
        return "mode once replays a cassette that has recordings"
    return "in mode replay nothing goes live"


def started_text(who: str) -> str:
    """Says who started other processes, to whom nothing said here applies."""
    return f"{who} started other processes of Python, where replaycache holds only what they install themselves"


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return _LOOPBACK.admits(host, None)
    except ValueError:  # no host at all; the socket refuses it
        return False


def _is_proxy(host: str, port: int | None) -> bool:
    """Whether the environment names it as a proxy, which all loopback names of a port are."""
    if port is None:
        return False
    from urllib.request import getproxies  # it takes time to import, and most sessions see no connection

    for scheme, url in getproxies().items():
        if scheme == "no":  # the hosts that are reached without one
            continue
        try:
            named = urlsplit(url if "://" in url else f"//{url}")
            name, its_port = named.hostname or "", named.port or (443 if named.scheme == "https" else 80)
        except ValueError:
            continue
        if its_port == port and (name == host or (is_loopback(name) and is_loopback(host))):
            return True
    return False


def _is_own(name: str) -> bool:
    return name in ("", socket.gethostname().lower()) or is_loopback(name)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_pairing() -> bool:
    """Whether a pair of sockets is being made, which Windows has only as a connection to itself."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "socket" and frame.f_code.co_name in _PAIRING:
            return True
        frame = frame.f_back  # type: ignore[assignment]  # None above the outermost
    return False
