"""Tells of every connection of the process, every datagram and every look-up of a name, before it is made.

That is as far as they go through the sockets of Python: what a library does by itself (uvloop, gRPC, pycares) is
out of reach, and a name that a socket itself is to connect to is looked up first. The events are those of
https://docs.python.org/3/library/audit_events.html.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any

from ..system.forking import new_lock
from ..system.patching import Patches

__all__ = ["CONNECT", "LOOK_UPS", "Listener", "listen", "names_of", "unlisten"]

Listener = Callable[[str, socket.socket | None, Any], None]
"""Receives the audit event, the socket that is about to connect or to send, and the address.

What it raises goes to who connects. Where a name is about to be looked up there is no socket, and the address is
the name and the port or service, each as it was given, or None.
"""

CONNECT = "socket.connect"
LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname")
_EVENTS = frozenset({CONNECT, "socket.sendto", "socket.sendmsg", *LOOK_UPS})

MOST_NAMES = 10_000
"""Addresses whose names are remembered."""

_listeners: tuple[Listener, ...] = ()
_is_hooked = False
_changing = new_lock()
_patches = Patches()
_names: dict[str, set[str]] = {}


def listen(listener: Listener) -> None:
    """Tells `listener` of every connection, after those that listen already."""
    global _listeners, _is_hooked
    with _changing:
        _listeners = (*_listeners, listener)
        if len(_listeners) == 1:
            _patch()
        if not _is_hooked:  # an audit hook stays for good, so there is one
            _is_hooked = True
            sys.addaudithook(_tell)


def unlisten(listener: Listener) -> None:
    """Tells `listener` no more."""
    global _listeners
    with _changing:
        _listeners = tuple(item for item in _listeners if item != listener)
        if not _listeners:
            _patches.restore()
            _names.clear()


def names_of(address: str) -> Iterable[str]:
    """The names that were looked up, while somebody listened, and have this address."""
    return tuple(_names.get(address, ()))


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listeners or event not in _EVENTS:
        return
    connecting, address = (None, (*arguments, None)[:2]) if event in LOOK_UPS else arguments
    try:
        for listener in _listeners:
            listener(event, connecting, address)
    except OSError:
        raise
    except BaseException:
        if event == CONNECT:
            connecting.close()  # who connects expects an OSError, and would leave it open
        raise


# -- what the events do not tell -------------------------------------------------------------------------


def _patch() -> None:
    _patches.replace(socket.socket, "connect_ex", _returning)
    _patches.replace(socket, "getaddrinfo", _remembering)
    _patches.replace(socket, "gethostbyname", _remembering)
    if sys.platform == "win32":
        from asyncio import IocpProactor

        _patches.replace(IocpProactor, "connect", _telling)


def _returning(original: Callable[..., int]) -> Callable[..., int]:
    """Whoever calls `connect_ex` expects the number of an error, not the error."""

    def connect_ex(self: socket.socket, address: Any, /) -> int:
        try:
            return original(self, address)
        except ConnectionRefusedError:
            return errno.ECONNREFUSED

    return connect_ex


def _remembering(original: Callable[..., Any]) -> Callable[..., Any]:
    """Who is about to connect to an address has its name no more."""

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(host, *args, **kwargs)
        addresses = {found} if isinstance(found, str) else {str(address[0]) for *_, address in found}
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str):
            with _changing:
                for address in addresses - {name}:
                    _names.setdefault(address, set()).add(name)
                while len(_names) > MOST_NAMES:
                    del _names[next(iter(_names))]
        return found

    return look_up


def _telling(original: Callable[..., Any]) -> Callable[..., Any]:
    """Event loops of Windows connect without an event."""

    def connect(self: Any, connecting: socket.socket, address: Any) -> Any:
        _tell(CONNECT, (connecting, address))
        return original(self, connecting, address)

    return connect
