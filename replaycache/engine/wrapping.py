"""What may stand inside a `ReplayTransport`, and around it."""

from __future__ import annotations

from typing import Any

__all__ = ["LIBRARIES", "check_inner", "check_request"]

LIBRARIES = ("httpx", "httpx2")
"""The client libraries, each with an adapter of its name."""


def _library_of(value: Any) -> str:
    for kind in type(value).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in LIBRARIES:
            return root
    return ""


def check_inner(inner: Any, base: type, library: str, method: str) -> None:
    """Checks the transport that is to be wrapped.

    Args:
        inner: what the user gave; None for the library's own.
        base: the transport class of the library it must be for.
        library: that library's name.
        method: the method through which a transport is called.

    Raises:
        TypeError: it is of the other library, for the other kind of client, or no transport.
    """
    if inner is None or isinstance(inner, base):
        return
    name = "AsyncReplayTransport" if method == "handle_async_request" else "ReplayTransport"
    other = _library_of(inner)
    if other and other != library:
        raise TypeError(
            f"{name} of replaycache.{library} wraps a transport of {library}, and {type(inner).__name__} is of "
            f"{other}; use `from replaycache.{other} import {name}`, with a client of {other}"
        )
    if isinstance(inner, type):
        raise TypeError(f"inner is a transport, not a class; call it: {inner.__name__}()")
    if callable(getattr(inner, method, None)):
        return
    if hasattr(inner, "send") and hasattr(inner, "build_request"):
        raise TypeError(
            f"{name} goes into a client, not around one: {library}.{type(inner).__name__}(transport={name}())"
        )
    for twin, twin_method in (
        ("ReplayTransport", "handle_request"),
        ("AsyncReplayTransport", "handle_async_request"),
    ):
        if callable(getattr(inner, twin_method, None)):
            raise TypeError(f"{name} cannot wrap {type(inner).__name__}, which has no {method}; use {twin}")
    raise TypeError(f"inner is a transport with a method {method}, not {inner!r}")


def check_request(request: Any, base: type, library: str, name: str) -> None:
    """Checks that a client of the right library calls.

    Raises:
        TypeError: it is a client of the other library.
    """
    if isinstance(request, base):
        return
    other = _library_of(request) or type(request).__module__.partition(".")[0]
    raise TypeError(
        f"{name} of replaycache.{library} was given to a client of {other}; use "
        f"`from replaycache.{other} import {name}`"
    )
