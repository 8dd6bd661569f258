"""Tells of every connection of the process, every datagram and every look-up of a name, before it is made; and of
every other process of Python that it starts.

That is as far as they go through the sockets of Python: what a library does by itself (uvloop, gRPC, pycares) is
out of reach, and a name that a socket itself is to connect to is looked up first. The events are those of
https://docs.python.org/3/library/audit_events.html.
"""

from __future__ import annotations

import _socket
import errno
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any

from ..system.calling_upstream import calling_upstream
from ..system.forking import new_lock
from ..system.importing import when_imported
from ..system.patching import Patches

Listener = Callable[[str, socket.socket | None, Any], None]
"""Receives the audit event, the socket that is about to connect or to send, and the address.

What it raises goes to who connects. Where a name is about to be looked up there is no socket, and the address is
the name and the port or service, each as it was given, or None. Where another process of Python is about to be
started that is no copy of this one, the event is `STARTED` or `SPAWNED`, and there is neither.
"""

CONNECT = "socket.connect"
REVERSE = ("socket.gethostbyaddr", "socket.getnameinfo")
"""Look-ups of the name that an address has; the first takes names, too."""
LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname", *REVERSE)
STARTED = "a process of Python"
SPAWNED = "a process of multiprocessing"
_PROGRAMS = {"subprocess.Popen": 0, "os.posix_spawn": 0, "os.spawn": 1}
"""Where these events have the program that is started."""
# which names are asked for with which flags, an event of getnameinfo does not tell
_EVENTS = frozenset({CONNECT, "socket.sendto", "socket.sendmsg", *LOOK_UPS, *_PROGRAMS} - {REVERSE[1]})

MOST_NAMES = 10_000
"""Addresses whose names are remembered, and names."""

_listeners: tuple[Listener, ...] = ()
_is_hooked = False
_changing = new_lock()
_patches = Patches()
_waiting: list[Callable[[], None]] = []
_names: dict[str, set[str]] = {}
_asked: dict[str, None] = {}
_found: dict[str, set[str]] = {}


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
            while _waiting:
                _waiting.pop()()
            _patches.restore()
            for remembered in (_names, _asked, _found):
                remembered.clear()


def names_of(address: str) -> Iterable[str]:
    """The names that were looked up, while somebody listened, and have this address."""
    return tuple(_names.get(address, ()))


def names_asked() -> Iterable[str]:
    """The names that were looked up, while somebody listened, in a way that does not show their addresses."""
    return tuple(_asked)


def has_address(name: str, address: str) -> bool:
    """Whether a name has this address; looks it up, once while somebody listens, and nobody is told of that."""
    found = _found.get(name)
    if found is None:
        with calling_upstream.begun():
            try:
                found = {str(place[0]) for *_, place in socket.getaddrinfo(name, None)}
            except Exception:  # noqa: BLE001  # others may guard look-ups with errors of their own
                found = set()
        _found[name] = found
    return address in found


def _tell(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listeners or event not in _EVENTS:
        return
    connecting: socket.socket | None = None
    address: Any = None
    if event in _PROGRAMS:
        place = _PROGRAMS[event]
        if not _is_python(*arguments[place : place + 2]):
            return
        event = STARTED
    elif event in LOOK_UPS:
        address = (*arguments, None)[:2]
        if event == LOOK_UPS[1]:
            _remember_asked(arguments[0])
    else:
        connecting, address = arguments
    _tell_all(event, connecting, address)


def _tell_all(event: str, connecting: socket.socket | None, address: Any) -> None:
    try:
        for listener in _listeners:
            listener(event, connecting, address)
    except OSError:
        raise
    except BaseException:
        if event == CONNECT and connecting is not None:
            connecting.close()  # who connects expects an OSError, and would leave it open
        raise


def _is_python(program: Any, command: Any) -> bool:
    """Whether it is the interpreter that runs this process."""
    try:
        if program is None:  # so Windows has it, and looks into the command
            program = shlex.split(command, posix=False)[0].strip('"') if isinstance(command, str) else command[0]
        program = os.fsdecode(program)
        return _real(shutil.which(program) or program) in {_real(sys.executable), _real(_BASE)}
    except (OSError, TypeError, ValueError, IndexError):  # no program at all: whoever starts it is told
        return False


_BASE: str = getattr(sys, "_base_executable", sys.executable)
"""What a virtual environment's interpreter starts, where that is no link."""


def _real(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _remember_asked(host: Any) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str):
        _asked[name] = None
        if len(_asked) > MOST_NAMES:
            _asked.pop(next(iter(_asked)), None)


# -- what the events do not tell -------------------------------------------------------------------------


def _patch() -> None:
    _patches.replace(socket.socket, "connect_ex", _returning)
    # below `socket.getaddrinfo`, which others guard, and tell their guard by its identity when they take it away
    _patches.replace(_socket, "getaddrinfo", _remembering)
    _patches.replace(socket, "getnameinfo", _looking_up)
    if sys.platform == "win32":
        from asyncio import IocpProactor

        _patches.replace(IocpProactor, "connect", _telling)
    if hasattr(sys.modules.get(_SPAWN), "get_preparation_data"):  # another thread may be importing it
        _patch_spawn()
    elif _SPAWN not in sys.modules:
        _waiting.append(when_imported(_SPAWN, _meet_spawn))


_SPAWN = "multiprocessing.spawn"


def _meet_spawn() -> None:
    with _changing:
        if _listeners:
            _patch_spawn()


def _patch_spawn() -> None:
    _patches.replace(sys.modules[_SPAWN], "get_preparation_data", _preparing)


def _preparing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Processes of multiprocessing that are no forks begin with this, and without an event."""

    def get_preparation_data(*args: Any, **kwargs: Any) -> Any:
        _tell_all(SPAWNED, None, None)
        return original(*args, **kwargs)

    return get_preparation_data


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
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str):
            with _changing:
                for address in {str(place[0]) for *_, place in found} - {name}:
                    _names.setdefault(address, set()).add(name)
                while len(_names) > MOST_NAMES:
                    del _names[next(iter(_names))]
        return found

    return look_up


def _looking_up(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whether a name is looked up depends on the flags."""

    def getnameinfo(address: Any, flags: int, /) -> Any:
        if not flags & socket.NI_NUMERICHOST:
            _tell_all(REVERSE[1], None, address)
        return original(address, flags)

    return getnameinfo


def _telling(original: Callable[..., Any]) -> Callable[..., Any]:
    """Event loops of Windows connect without an event."""

    def connect(self: Any, connecting: socket.socket, address: Any) -> Any:
        _tell(CONNECT, (connecting, address))
        return original(self, connecting, address)

    return connect
