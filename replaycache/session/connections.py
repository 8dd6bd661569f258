"""Tells of every connection of the process, and of every look-up of a name, before it is made.

That is as far as they go through Python's own sockets.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Any

from ..system.forking import new_lock

__all__ = ["Listener", "listen", "unlisten"]

Listener = Callable[[socket.socket | None, Any], None]
"""Receives the socket that is about to connect, and the address; what it raises goes to who connects.

Where a name is about to be looked up there is no socket, and the address is the name and the port or service, each
as it was given.
"""

_listeners: tuple[Listener, ...] = ()
_is_hooked = False
_changing = new_lock()


def listen(listener: Listener) -> None:
    """Tells `listener` of every connection, after those that listen already."""
    global _listeners, _is_hooked
    with _changing:
        _listeners = (*_listeners, listener)
        if not _is_hooked:  # an audit hook stays for good, so there is one
            _is_hooked = True
            sys.addaudithook(_tell)


def unlisten(listener: Listener) -> None:
    """Tells `listener` no more."""
    global _listeners
    with _changing:
        _listeners = tuple(item for item in _listeners if item != listener)


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listeners:
        return
    if event == "socket.getaddrinfo":
        for listener in _listeners:
            listener(None, arguments[:2])
    elif event == "socket.connect":
        connecting, address = arguments
        try:
            for listener in _listeners:
                listener(connecting, address)
        except BaseException:
            connecting.close()  # who connects expects an OSError, and would leave it open
            raise
