"""What may stand inside a `ReplayTransport`, and around it."""

from __future__ import annotations

from typing import Any

from .._errors import ConfigurationError

LIBRARIES = {"httpx": ">=0.27,<1", "httpx2": ">=2.10,<3"}
"""The client libraries, each with an adapter of its name, and the versions that are known."""

_NAMES = (
    "ASGITransport",
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncClient",
    "AsyncHTTPTransport",
    "BaseTransport",
    "ByteStream",
    "Client",
    "HTTPTransport",
    "MockTransport",
    "ReadError",
    "Request",
    "RequestNotRead",
    "Response",
    "ResponseNotRead",
    "StreamConsumed",
    "SyncByteStream",
    "WSGITransport",
)
"""What is used of them."""


def check_library(library: Any) -> None:
    """Checks that a client library is built as it is known to be.

    Raises:
        ConfigurationError: it is not.
    """
    name = library.__name__
    missing = [needed for needed in _NAMES if not hasattr(library, needed)]
    missing += [
        f"{kind}._transport_for_url"
        for kind in ("Client", "AsyncClient")
        if kind not in missing and not hasattr(getattr(library, kind), "_transport_for_url")
    ]
    if missing:
        version = getattr(library, "__version__", "one without a version")
        raise ConfigurationError(
            f"replaycache works with {name}{LIBRARIES[name]}, and {version} is imported, which has no "
            f"{missing[0]}: pip install '{name}{LIBRARIES[name]}'"
        )


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


def check_transport(transport: Any, library: str, method: str) -> None:
    """Checks the transport of a client, which a session is about to wrap.

    Raises:
        TypeError: it does not answer this kind of client.
    """
    if callable(getattr(transport, method, None)):
        return
    name = type(transport).__name__
    client, twin = ("AsyncClient", "Client") if method == "handle_async_request" else ("Client", "AsyncClient")
    other = "handle_request" if method == "handle_async_request" else "handle_async_request"
    instead = f"; it is one for {library}.{twin}" if callable(getattr(transport, other, None)) else ""
    raise TypeError(f"{name} is no transport for {library}.{client}: it has no {method}{instead}")


def check_response(response: Any, base: type, library: str, transport: Any) -> None:
    """Checks what a transport answered.

    Raises:
        TypeError: it is no response of the library.
    """
    if isinstance(response, base):
        return
    name = type(transport).__name__
    if hasattr(response, "__await__"):
        if hasattr(response, "close"):
            response.close()  # nobody awaits it
        raise TypeError(f"{name} answered with what is to be awaited; it is a transport for {library}.AsyncClient")
    other = _library_of(response)
    what = f"a response of {other}" if other and other != library else repr(response)[:80]
    raise TypeError(f"{name} is a transport of {library} and answered with {what}; return {library}.Response")


def lacks(transport: Any, name: str, library: str) -> AttributeError:
    """What is raised where one of our transports has no attribute of this name.

    Clients of the other kind call what it has not.
    """
    kind = type(transport).__name__
    if name in ("handle_async_request", "aclose", "__aenter__"):
        return AttributeError(f"{kind} is for {library}.Client; {library}.AsyncClient takes AsyncReplayTransport")
    if name in ("handle_request", "close", "__enter__"):
        return AttributeError(f"{kind} is for {library}.AsyncClient; {library}.Client takes ReplayTransport")
    return AttributeError(f"{kind!r} object has no attribute {name!r}")
