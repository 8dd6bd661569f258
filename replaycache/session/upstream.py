"""What is upstream, and what is not: applications under test, and mocks, answer in the process.

Told by what answers in the end: transports that retry or log are looked through, and below the libraries' own
transports stand their connection pools, where mocks put themselves too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["answers_in_process", "is_mocked", "looked_through"]

_IN_PROCESS = ("ASGITransport", "WSGITransport", "MockTransport")
_OWN = (("HTTPTransport", "handle_request"), ("AsyncHTTPTransport", "handle_async_request"))
"""The transports of a library that call upstream, and by which method they are called."""

MOST = 16
"""Transports inside of one that are looked at."""


def looked_through(library: Any, transport: Any) -> list[Any]:
    """A transport and those inside of it, the outer first.

    Args:
        library: whose transport it is.
        transport: any.
    """
    bases = (library.BaseTransport, library.AsyncBaseTransport)
    found = [transport]
    for outer in found:  # it grows on the way
        if len(found) > MOST:
            break
        found += [
            inner
            for inner in _held(outer)
            if isinstance(inner, bases) and not any(inner is known for known in found)
        ]
    return found


def _held(transport: Any) -> Iterator[Any]:
    for value in getattr(transport, "__dict__", {}).values():
        if isinstance(value, (list, tuple)):
            yield from value
        else:
            yield value


def answers_in_process(library: Any, transport: Any) -> bool:
    """Whether a transport that answers in the end does so without calling anybody.

    What has an application or a handler inside asks that one: the transports of test clients have an `app`, those
    that tests make for themselves a `handler`, as the library's own mock does.
    """
    kinds = tuple(getattr(library, name) for name in _IN_PROCESS)
    asks_another = any(callable(getattr(transport, name, None)) for name in ("app", "handler"))
    return asks_another or isinstance(transport, kinds) or is_mocked(library, transport)


def is_mocked(library: Any, transport: Any) -> bool:
    """Whether a mock has taken the place of the library's own transport, or of its pool of connections.

    A function that others wrapped names the module of what it wraps; one of a mock's its own.
    """
    for name, method in _OWN:
        if isinstance(transport, getattr(library, name)):
            pool = type(getattr(transport, "_pool", None))
            return not (
                _is_of(library, getattr(getattr(library, name), method))
                and (pool is type(None) or _is_of(pool, getattr(pool, method, None)))
            )
    return False


def _is_of(owner: Any, function: Any) -> bool:
    module: str = getattr(owner, "__module__", None) or owner.__name__
    return _root(module) == _root(str(getattr(function, "__module__", "")))


def _root(module: str) -> str:
    return module.partition(".")[0]
