"""What is upstream, and what is not: applications under test, and mocks, answer in the process.

Told by what answers in the end: whatever a transport may ask is looked through, and below the libraries' own
transports stand their pools of connections, where mocks put themselves too. Where some of it answers in the
process and some calls upstream, nobody knows which of it a request reaches before it does: what calls upstream is
stood in for.
"""

import dis
import functools
import sys
from collections.abc import Callable
from types import CodeType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any, NamedTuple
from weakref import WeakValueDictionary, ref

_METHODS = ("handle_request", "handle_async_request")
_IN_PROCESS = ("ASGITransport", "WSGITransport", "MockTransport")
_OWN = (
    ("HTTPTransport", "handle_request", "ConnectionPool"),
    ("AsyncHTTPTransport", "handle_async_request", "AsyncConnectionPool"),
)
"""The transports of a library that call upstream, by which method they are called, and what they ask."""
_CALLING = tuple(name for name, *_ in _OWN)
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
    kind: Any = type(transport)
    if kind in _kinds(library, _CALLING):  # as most are
        method = _own_method(library, kind)
        if not _has_other(library, transport, method):
            return Survey(False, False, [transport], [], [])
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
        inside = [] if kind in _kinds(library, _CALLING) else _inside(library, item, method)
        if not method:
            if callable(getattr(item, "app", None)) or _is_put_there(item) or _is_over_a_mock(kind):
                in_process = True
            elif callable(getattr(item, "handler", None)):
                has_handler = True  # a mock's, where nobody else is asked; else it is told of what others answer
            elif not inside and not _is_client(kind):
                transports.append(item)
        found += [value for value in inside if not any(value is known for known in found)][: MOST - len(found)]
    in_process = in_process or mocked or (has_handler and not transports and not pools)
    return Survey(in_process, mocked, transports, pools, own)


@functools.cache
def _kinds(library: Any, names: tuple[str, ...]) -> tuple[type, ...]:
    return tuple(getattr(library, name) for name in names)


@functools.cache
def _own_method(library: Any, kind: Any) -> str:
    """By which method a transport of the library that calls upstream is called; empty where it is none."""
    for name, method, _ in _OWN:
        if issubclass(kind, getattr(library, name)):
            return method
    return ""


# -- what has taken the place of the library's own -----------------------------------------------------------


def is_mocked(library: Any, transport: Any) -> bool:
    """Whether a mock has taken the place of the library's own transport, or of its pool of connections."""
    kind: Any = type(transport)
    method = _own_method(library, kind)
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
    pool = getattr(transport, "_pool", None)
    return (
        (method in vars(transport) and not _stands_in(transport))
        or not _is_of((library.__name__,), getattr(_own_class(library, method), method))
        or (pool is not None and _is_mocked_pool(pool))
    )


@functools.cache
def _own_class(library: Any, method: str) -> Any:
    return getattr(library, next(name for name, called, _ in _OWN if called == method))


@functools.cache
def _is_pool(kind: Any) -> bool:
    """Whether it is one of connections, of the library below a client library."""
    return bool(_called(kind)) and any(root in _BELOW for root in _roots(kind))


@functools.cache
def _called(kind: Any) -> tuple[str, ...]:
    return tuple(method for method in _METHODS if hasattr(kind, method))


def _is_mocked_pool(pool: Any) -> bool:
    kind: Any = type(pool)
    called = _called(kind)
    for method in called:
        if method in getattr(pool, "__dict__", ()) and not _stands_in(pool):
            return True
        if not _is_of(_roots(kind), getattr(kind, method)):
            return True
    # what answers is made up as it is asked, or by its own library's mock of a network
    backend: Any = type(getattr(pool, "_network_backend", None))
    return not called or _is_mock_backend(backend)


@functools.cache
def _is_mock_backend(kind: Any) -> bool:
    library = sys.modules.get(kind.__module__.partition(".")[0])
    mocks = (getattr(library, "MockBackend", None), getattr(library, "AsyncMockBackend", None))
    return issubclass(kind, tuple(mock for mock in mocks if isinstance(mock, type)))


@functools.cache
def _roots(kind: Any) -> tuple[str, ...]:
    return tuple(base.__module__.partition(".")[0] for base in kind.__mro__)


def _is_of(roots: tuple[str, ...], function: Any) -> bool:
    """Whether a function is one of these packages', or others have wrapped one of theirs and say so."""
    if _seen.get(id(function)) is function:
        return True
    outer, function = function, _unwrapped(function)
    names = getattr(function, "__globals__", None)  # what a mock copies from its model does not reach there
    module = getattr(function, "__module__", "") if names is None else names.get("__name__", "")
    if str(module).partition(".")[0] not in roots:
        return False
    if outer is function:
        _seen[id(function)] = function
    return True


_seen: dict[int, Any] = {}
"""Functions of the libraries, which are asked about at each request."""


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


def _is_over_a_mock(kind: Any) -> bool:
    """Whether a transport runs over aiohttp, and a mock has taken the place of how its sessions ask."""
    sessions = getattr(sys.modules.get("aiohttp"), "ClientSession", None)
    seen = getattr(sys.modules.get(kind.__module__), "aiohttp", None)
    if sessions is None or getattr(seen, "ClientSession", None) is not sessions:
        return False
    return not all(_is_of(("aiohttp",), getattr(sessions, name)) for name in ("request", "_request"))


# -- what is inside ------------------------------------------------------------------------------------------


def _inside(library: Any, item: Any, method: str) -> list[Any]:
    """What it may ask: transports and clients, held by it or by what its methods see."""
    found: list[Any] = []
    for name, value in getattr(item, "__dict__", {}).items():
        if not (method and name == "_pool"):
            _collect(library, value, DEPTH, found)
    kind: Any = type(item)
    slots, functions = _of_class(library, kind)
    for name in slots:
        _collect(library, getattr(item, name, None), DEPTH, found)
    for function in functions:
        _collect(library, function, DEPTH, found)
    return [value for value in found if value is not item]


@functools.lru_cache(1024)
def _of_class(library: Any, kind: Any) -> tuple[tuple[str, ...], tuple[FunctionType, ...]]:
    """The slots of a class, and those of its functions that see more than modules and classes."""
    slots: list[str] = []
    functions: list[FunctionType] = []
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("builtins", library.__name__):
            continue
        named = vars(base).get("__slots__", ())
        slots += (named,) if isinstance(named, str) else named
        functions += [value for value in vars(base).values() if type(value) is FunctionType]
    seeing = [function for function in functions if function.__closure__ or _global_names(function.__code__)]
    return tuple(slots), tuple(seeing)


def _collect(library: Any, value: Any, depth: int, found: list[Any]) -> None:
    kind: Any = type(value)
    if value.__class__ is not kind and isinstance(value, (library.BaseTransport, library.AsyncBaseTransport)):
        found.append(value)  # a mock in the likeness of one
        return
    what = _sort_of(kind)
    if what is None:
        return
    if what == "asked":
        found.append(value)
    elif depth:
        for inner in _seen_by(value, what):
            _collect(library, inner, depth - 1, found)


@functools.lru_cache(4096)
def _sort_of(kind: Any) -> str | None:
    if kind is FunctionType:
        return "function"
    if kind is MethodType:
        return "method"
    if kind is functools.partial:
        return "partial"
    if issubclass(kind, dict):
        return "dict"
    if issubclass(kind, (list, tuple, set, frozenset)):
        return "list"
    return "asked" if _called(kind) or _is_client(kind) else None


def _seen_by(value: Any, what: str) -> list[Any]:
    if what == "list":
        return list(value)[:MOST]
    if what == "dict":
        return list(value.values())[:MOST]
    if what == "method":
        return [value.__self__]
    if what == "partial":
        return [value.func, *value.args, *value.keywords.values()]
    return [_content(cell) for cell in value.__closure__ or ()] + _globals_of(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return None


def _globals_of(function: FunctionType) -> list[Any]:
    """What a function sees outside of itself, but for what cannot be asked."""
    seen = [function.__globals__.get(name) for name in _global_names(function.__code__)]
    return [value for value in seen if type(value) not in (ModuleType, type, NoneType, FunctionType)]


@functools.lru_cache(4096)
def _global_names(code: CodeType) -> tuple[str, ...]:
    return tuple({step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"})


def _is_client(kind: Any) -> bool:
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
