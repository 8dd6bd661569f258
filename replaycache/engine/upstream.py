"""What is upstream, and what is not: applications under test, and mocks, answer in the process.

Told by what answers in the end: whatever a transport may ask is looked through, and below the libraries' own
transports stand their pools of connections, where mocks put themselves too. Where some of it answers in the
process and some calls upstream, nobody knows which of it a request reaches before it does: what calls upstream is
stood in for.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple
from weakref import WeakValueDictionary, ref

__all__ = ["Survey", "is_mocked", "is_replaced", "stand_in", "step_back", "survey"]

_METHODS = ("handle_request", "handle_async_request")
_IN_PROCESS = ("ASGITransport", "WSGITransport", "MockTransport")
_OWN = (
    ("HTTPTransport", "handle_request", "ConnectionPool"),
    ("AsyncHTTPTransport", "handle_async_request", "AsyncConnectionPool"),
)
"""The transports of a library that call upstream, by which method they are called, and what they ask."""
_BELOW = ("httpcore", "httpcore2")

MOST = 64
"""What is looked at inside of a transport."""
DEPTH = 3
"""Containers and functions in each other that are looked into for what a transport may ask."""


class Survey(NamedTuple):
    """What is inside of a transport, itself included.

    Attributes:
        in_process: whether something answers in the process.
        is_mocked: whether something has taken the place of the library's own transport, or of its pool.
        transports: what calls upstream.
        pools: of connections, below what has taken the place of the library's own transport.
        ours: transports of ours; they look through what they have inside themselves.
    """

    in_process: bool
    is_mocked: bool
    transports: list[Any]
    pools: list[Any]
    ours: list[Any]


def survey(library: Any, transport: Any, ours: tuple[type, ...] = ()) -> Survey:
    """Looks through a transport.

    Args:
        library: whose transport it is.
        transport: any.
        ours: the classes of ours.
    """
    found = [transport]
    in_process = mocked = has_handler = False
    transports: list[Any] = []
    pools: list[Any] = []
    own: list[Any] = []
    for item in found:  # it grows on the way
        kind = type(item)
        if issubclass(kind, ours):
            own.append(item)
            continue
        if issubclass(kind, _kinds(library, _IN_PROCESS)):
            in_process = True
            continue
        method = _own_method(library, kind)
        if method and _has_other(library, item, method):
            mocked = True
            pool = getattr(item, "_pool", None)
            if pool is not None and not _is_mocked_pool(pool):
                pools.append(pool)
        elif method:
            transports.append(item)
        elif _is_pool(kind):
            if _is_mocked_pool(item):
                in_process = True
            else:
                pools.append(item)
            continue
        inside = [] if kind in _kinds(library, _librarys_own) else _inside(library, item)
        if not method:
            if callable(getattr(item, "app", None)) or _is_put_there(item):
                in_process = True
            elif callable(getattr(item, "handler", None)):
                has_handler = True  # a mock's, where nobody else is asked; else it is told of what others answer
            elif not inside and not _is_client(kind):
                transports.append(item)
        found += [value for value in inside if not any(value is known for known in found)][: MOST - len(found)]
    in_process = in_process or mocked or (has_handler and not transports and not pools)
    return Survey(in_process, mocked, transports, pools, own)


_librarys_own = tuple(name for name, *_ in _OWN)


@functools.cache
def _kinds(library: Any, names: tuple[str, ...]) -> tuple[type, ...]:
    return tuple(getattr(library, name) for name in names)


def _own_method(library: Any, kind: type) -> str:
    """By which method a transport of the library that calls upstream is called; empty where it is none."""
    for name, method, _ in _OWN:
        if issubclass(kind, getattr(library, name)):
            return method
    return ""


# -- what has taken the place of the library's own -----------------------------------------------------------


def is_mocked(library: Any, transport: Any) -> bool:
    """Whether a mock has taken the place of the library's own transport, or of its pool of connections."""
    method = _own_method(library, type(transport))
    return bool(method) and _has_other(library, transport, method)


def is_replaced(library: Any, *, is_async: bool) -> bool:
    """The same of a transport of the library's that is still to be made."""
    name, method, pool = _OWN[is_async]
    if not _is_of((library.__name__,), getattr(getattr(library, name), method)):
        return True
    backend = sys.modules.get(library.__name__.replace("httpx", "httpcore"))
    kind = getattr(backend, pool, None)
    return isinstance(kind, type) and not _is_of(_roots(kind), getattr(kind, method))


def _has_other(library: Any, transport: Any, method: str) -> bool:
    """Whether what answers is not the library's own: of the class, of this one transport, or below."""
    put = vars(transport).get(method)
    pool = getattr(transport, "_pool", None)
    return (
        (put is not None and not _stands_in(transport))
        or not _is_of((library.__name__,), getattr(_own_class(library, method), method))
        or (pool is not None and _is_mocked_pool(pool))
    )


def _own_class(library: Any, method: str) -> Any:
    return getattr(library, next(name for name, called, _ in _OWN if called == method))


def _is_pool(kind: type) -> bool:
    """Whether it is one of connections, of the library below a client library."""
    return any(hasattr(kind, name) for name in _METHODS) and any(root in _BELOW for root in _roots(kind))


def _is_mocked_pool(pool: Any) -> bool:
    kind: Any = type(pool)
    for method in _METHODS:
        if method in getattr(pool, "__dict__", ()) and not _stands_in(pool):
            return True
        if hasattr(kind, method) and not _is_of(_roots(kind), getattr(kind, method)):
            return True
    if not any(hasattr(kind, method) for method in _METHODS):
        return True  # what answers is made up as it is asked
    # its own library's mock of a network
    backend = type(getattr(pool, "_network_backend", None))
    library = sys.modules.get(backend.__module__.partition(".")[0])
    mocks = (getattr(library, "MockBackend", None), getattr(library, "AsyncMockBackend", None))
    return issubclass(backend, tuple(mock for mock in mocks if isinstance(mock, type)))


@functools.cache
def _roots(kind: type) -> tuple[str, ...]:
    return tuple(base.__module__.partition(".")[0] for base in kind.__mro__)


def _is_of(roots: tuple[str, ...], function: Any) -> bool:
    """Whether a function is one of these packages', or others have wrapped one of theirs and say so."""
    function = _unwrapped(function)
    names = getattr(function, "__globals__", None)  # what a mock copies from its model does not reach there
    module = getattr(function, "__module__", "") if names is None else names.get("__name__", "")
    return str(module).partition(".")[0] in roots


def _unwrapped(function: Any) -> Any:
    for _ in range(MOST):
        inner = getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    return function


def _is_put_there(transport: Any) -> bool:
    """Whether a transport answers by what was put into its place: by no method of its own, or of another."""
    if _stands_in(transport) or _is_client(type(transport)):
        return False
    functions = [found for name in _METHODS if (found := getattr(transport, name, None)) is not None]
    return any(not isinstance(_unwrapped(function), MethodType) for function in functions)


# -- what is inside ------------------------------------------------------------------------------------------


def _inside(library: Any, item: Any) -> list[Any]:
    """What it may ask: transports and clients, held by it or by what its methods see."""
    its_pool = "_pool" if _own_method(library, type(item)) else ""
    values = [value for name, value in getattr(item, "__dict__", {}).items() if name != its_pool]
    for kind in type(item).__mro__:
        if kind.__module__.partition(".")[0] in ("builtins", library.__name__):
            continue
        slots = vars(kind).get("__slots__", ())
        values += [getattr(item, name, None) for name in ((slots,) if isinstance(slots, str) else slots)]
        values += [value for value in vars(kind).values() if isinstance(value, FunctionType)]
    found: list[Any] = []
    for value in values:
        found += [inner for inner in _asked(library, value, DEPTH) if inner is not item]
    return found


def _asked(library: Any, value: Any, depth: int) -> Iterator[Any]:
    kind = type(value)
    if kind in (str, bytes, int, float, bool, type(None)):
        return
    more: list[Any] = []
    if kind in (list, tuple, set, frozenset):
        more = list(value)[:MOST]
    elif issubclass(kind, dict):
        more = list(value.values())[:MOST]
    elif kind is FunctionType:
        more = [_content(cell) for cell in value.__closure__ or ()]
        more += [value.__globals__.get(name) for name in _global_names(value.__code__)]
    elif kind is MethodType:
        more = [value.__self__]
    elif kind is functools.partial:
        more = [value.func, *value.args, *value.keywords.values()]
    elif _is_transport(library, value) or _is_client(kind):
        yield value
    if depth:
        for inner in more:
            yield from _asked(library, inner, depth - 1)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return None


@functools.lru_cache(1024)
def _global_names(code: CodeType) -> tuple[str, ...]:
    return tuple({step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"})


def _is_transport(library: Any, value: Any) -> bool:
    return any(hasattr(type(value), name) for name in _METHODS) or isinstance(
        value, (library.BaseTransport, library.AsyncBaseTransport)
    )


def _is_client(kind: type) -> bool:
    return hasattr(kind, "build_request") and hasattr(kind, "send")


# -- standing in ---------------------------------------------------------------------------------------------

_standing: WeakValueDictionary[int, Any] = WeakValueDictionary()


def _stands_in(owner: Any) -> bool:
    return _standing.get(id(owner)) is owner


def stand_in(owner: Any, method: str, answer: Callable[[Any, Any], Any]) -> None:
    """From now on `answer(owner, request)` answers where `owner` is asked, whoever asks it.

    What takes no attributes is left as it is.
    """
    if _stands_in(owner):
        return
    try:
        here = ref(owner)  # it is to go when its user lets go of it, not when the collector runs

        @functools.wraps(getattr(type(owner), method))
        def ask(request: Any) -> Any:
            return answer(here(), request)

        setattr(owner, method, ask)
    except (AttributeError, TypeError):
        return
    _standing[id(owner)] = owner


def step_back() -> None:
    """Nobody stands in for anything any more."""
    for owner in list(_standing.values()):
        for method in _METHODS:
            vars(owner).pop(method, None)
    _standing.clear()
