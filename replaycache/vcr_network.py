"""Refuses connections while a test runs."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["blocked", "is_allowed"]

_pairing = threading.local()


def is_allowed(host: object, allowed: Sequence[str] | None) -> bool:
    """Whether one of the regular expressions matches the beginning of a host or an address."""
    text = bytes(host).decode("utf-8", "replace") if isinstance(host, bytes | bytearray) else str(host)
    return any(re.match(pattern, text) for pattern in allowed or ())


@contextmanager
def blocked(allowed: Sequence[str] | None) -> Iterator[None]:
    """Refuses every connection of a socket, but to hosts and addresses that `allowed` matches.

    Sockets of the kind that a process talks to itself through are left alone where the system has them only as
    connections.
    """
    socketpair = socket.socketpair

    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def guard(self: socket.socket, address: Any, /) -> Any:
            host = address[0] if isinstance(address, tuple) else address
            if getattr(_pairing, "active", False) or is_allowed(host, allowed):
                return original(self, address)
            self.close()  # who connects expects an OSError, and would leave it open
            raise RuntimeError(f"Network is disabled for host {host!r}")

        return guard

    def pairing(*args: Any, **kwargs: Any) -> Any:
        _pairing.active = True
        try:
            return socketpair(*args, **kwargs)
        finally:
            _pairing.active = False

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "socketpair", pairing)
        yield
