"""Recording and replaying without a transport in the user's code.

`install()` puts one replay cache under every client of httpx and httpx2 in the process, `use_cassette()` puts a
cassette under those that are used inside it. Both work through one place: where a client chooses the transport
for a URL, that transport is wrapped, whatever it is and whenever the client was made.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import inspect
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from types import ModuleType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar, Unpack, overload

from .._errors import ConfigurationError, DriftFound, ReplayCacheWarning, SecretFound
from ..engine.diagnosis import Advice
from ..engine.exchange import Exchange
from ..engine.following import Following, follow, unfollow
from ..engine.held_back import is_held_back
from ..engine.spool import Spool
from ..engine.tally import Tally
from ..engine.upstream import step_back, survey
from ..engine.waiting import Blocking, Suspending
from ..engine.wrapping import LIBRARIES, check_library, check_transport
from ..options import Mode, ModeName, OptionArguments, Options, combined, names_mode
from ..stores import Store, check_is_cassette, open_store
from ..system.calling_upstream import calling_upstream
from ..system.forking import new_lock
from ..system.importing import when_imported
from ..system.inheritance import Inherited
from ..system.patching import Patches
from .connections import listen, unlisten
from .past import Past

P = ParamSpec("P")
R = TypeVar("R")


class _Session:
    """One store under the clients of both libraries; all of them share one place in its sequences."""

    def __init__(
        self, store: Store | str | os.PathLike[str] | Sequence[Store | str] | None, options: Options
    ) -> None:
        self.store, self._owns_store = open_store(store)
        self._blocking = Exchange(options, self.store, Spool, Blocking.owner)
        self._suspending = Exchange(options, self.store, Spool, Suspending.owner, beside=self._blocking)
        self._blocking.leaves_imports_alone = self._suspending.leaves_imports_alone = True
        self.tally = self._blocking.tally
        self.calls = 0
        self.is_over = False
        self.warns = True
        self.outer: _Session | None = None
        self.past = Past(options, self.store, self.tally)

    def around(self, library: ModuleType, adapter: ModuleType, inner: Any, is_async: bool) -> Any:
        """The transport that stands in for `inner`."""
        kind = adapter.AsyncReplayTransport if is_async else adapter.ReplayTransport
        found = survey(library, inner, (adapter.ReplayTransport, adapter.AsyncReplayTransport))
        # one that names its store or mode is the user's own word about this client
        self.tally.own_way += any(not transport.follows for transport in found.ours)
        if found.ours or found.in_process:
            # the application under test, or a mock; what of the rest is asked, if any, only that knows
            kind.stand_in(found.transports, found.pools)
            return inner
        check_transport(inner, library.__name__, "handle_async_request" if is_async else "handle_request")
        self.calls += 1
        return kind.around(inner, self._suspending if is_async else self._blocking)

    def exchange(self, *, is_async: bool) -> Exchange:
        """For a transport that follows the session: it makes a call now."""
        self.calls += 1
        return self._suspending if is_async else self._blocking

    @property
    def covered(self) -> bool:
        """Whether calls came that it recorded or replayed, or that the user's own word leaves to others."""
        return bool(self.calls or self.tally.own_way)

    @property
    def advice(self) -> Advice:
        """What the text of a miss says to do next."""
        return self._blocking.advice

    def advise(self, advice: Advice) -> None:
        """Says what the text of a miss says to do next."""
        self._blocking.advice = self._suspending.advice = advice

    def finish_dropped(self) -> None:
        """Closes responses that were let go of unclosed; what only their loop could read on is kept as it is."""
        for still_open in self._blocking.responses.at_the_end():
            still_open.read_ahead()
        for still_open in self._suspending.responses.at_the_end():
            still_open.keep_whole()
        while (body := self._blocking.responses.next_dropped()) is not None:
            body.finish()
        while (body := self._suspending.responses.next_dropped()) is not None:
            body.keep()

    async def finish_dropped_here(self) -> None:
        """Closes responses of this loop that were let go of unclosed."""
        for still_open in self._suspending.responses.at_the_end():
            await still_open.read_ahead()
        while (body := self._suspending.responses.next_dropped()) is not None:
            await body.finish()

    def close(self) -> None:
        """Lets go of the store, and says if calls went past it, or are not in it."""
        self.is_over = True
        # each is done, whatever the others raise; the last error is the one that is raised, and where warnings are
        # errors, they are the least
        try:
            self.finish_dropped()
        finally:
            try:
                if self._owns_store:
                    self.store.close()
            finally:
                try:
                    self.past.tell(covered=self.covered)
                finally:
                    try:
                        self._suspending.keeper.end()
                    finally:
                        self._blocking.close(warns=self.warns)

    def end(self) -> None:
        """Says what is not in its cassette, where nothing can be raised any more."""
        self._suspending.keeper.end()
        self._blocking.end()


def _captured() -> _Session | None:
    session = _current()
    return None if session is _installed else session


_here: Inherited[_Session] = Inherited("replaycache_session", _captured)
_installed: _Session | None = None
_everywhere: list[_Session] = []
_open: list[_Session] = []
"""The cassettes that are in use, in whatever context."""
_users = 0
_patching = new_lock()
_patches = Patches()


def _current() -> _Session | None:
    """The innermost cassette of this context, or of the process; else the installed.

    A task or thread that outlives its cassette has it no more.
    """
    session = _here.here()
    while session is not None and session.is_over:  # generators leave theirs in any order
        session = session.outer
    if session is not None:
        return session
    return _everywhere[-1] if _everywhere and not _everywhere[-1].is_over else _installed


# -- the one place ---------------------------------------------------------------------------------------


def _patch() -> None:
    """Wraps where clients choose their transports, of the libraries that are imported or will be; once for all."""
    global _users
    with _patching:
        _users += 1
        if _users == 1:
            # one that is imported meets nobody there; one that another thread is importing is met below
            for name in LIBRARIES:
                _waiting.append(when_imported(name, functools.partial(_meet, name)))
            follow(_followed)
            Inherited.hold()
            listen(_heard)
    try:
        for name in LIBRARIES:
            if name in sys.modules:
                _meet(name)
    except BaseException:
        _unpatch()
        raise


def _unpatch() -> None:
    global _users
    with _patching:
        _users -= 1
        if not _users:
            unlisten(_heard)
            unfollow(_followed)
            while _waiting:
                _waiting.pop()()
            _patches.restore()
            step_back()
            _patched.clear()
            Inherited.release()


_waiting: list[Callable[[], None]] = []
_patched: set[str] = set()
"""The libraries that are patched, by the names that they have themselves."""


def _meet(name: str) -> None:
    """A library is imported, or is being imported, while somebody records or replays."""
    if sys.modules[name] is None:  # so a module is kept from being imported
        return
    # waits for another thread that imports it, and holds no lock that this may wait for
    library = importlib.import_module(name)
    check_library(library)
    name = library.__name__  # `httpx2.alias_httpx()` makes two names of one module
    adapter = importlib.import_module(f"replaycache.{name}")
    with _patching:
        if not _users or name in _patched:
            return
        for kind in (library.Client, library.AsyncClient):
            make = functools.partial(_choosing, library, adapter, kind is library.AsyncClient)
            _patches.replace(kind, "_transport_for_url", make)
        _patched.add(name)


def _choosing(library: ModuleType, adapter: ModuleType, is_async: bool, original: Any) -> Any:
    def transport_for_url(self: Any, url: Any) -> Any:
        inner = original(self, url)
        session = _current()
        if session is None or calling_upstream.here():  # it is a part of a transport that is called already
            return inner
        return session.around(library, adapter, inner, is_async)

    return transport_for_url


def _followed(is_async: bool) -> Following | None:
    session = _current()
    if session is None:
        return None
    return Following(None if calling_upstream.here() else session.exchange(is_async=is_async))


# -- calls that go past it -------------------------------------------------------------------------------


def _heard(event: str, connecting: socket.socket | None, address: Any) -> None:
    session = _current()
    if session is not None:
        session.past.hear(event, connecting, address)
        return
    for other in tuple(_open):
        other.past.hear_elsewhere(event, connecting, address)


# -- what users call -------------------------------------------------------------------------------------


def install(
    *,
    store: Store | str | os.PathLike[str] | Sequence[Store | str] | None = None,
    mode: Mode | ModeName | None = None,
    **options: Unpack[OptionArguments],
) -> None:
    """Puts one replay cache under every client of httpx and httpx2, from now on, in this process.

    Clients that exist already and those on other transports are included; one that has a transport of
    replaycache keeps that. Installing again takes the place of what was installed.

    What is not given here is as `replaycache run` was told, the environment says, or else `[tool.replaycache]`
    of the nearest pyproject.toml; what is redacted there is redacted, too. None that is given is the default,
    whatever that file says.

    Args:
        store: where recordings are kept: a store, or text: `":memory:"`, the path of a cassette ending in
            `.json`, or of a directory, `redis://HOST`; or a list of caches, one before the other. None where
            nobody says it: the user's disk cache.
        mode: a mode. None where nobody says it: `auto`.
        options: the others of `replaycache.Options`.

    Raises:
        ConfigurationError: an option is misspelt or wrong, here or there, or a library works in a way that is not
            known.
    """
    from ..configuration import defaults  # who calls none of this pays for no file

    file = defaults()
    around, mode_as = _lasting or (file.options, file.mode_as)
    named = {name: value for name, value in (("store", store), ("mode", mode)) if value is not None}
    install_options(combined(around, {**named, **options}), "" if mode is not None else mode_as)


def install_options(options: Mapping[str, Any], mode_as: str = "", *, lasts: bool = False) -> None:
    """As `install`, with the options that are given here alone.

    Args:
        options: with `store`.
        mode_as: how a mode is named where this one was, with `{}` for it, if not as the options have it.
        lasts: whether they hold for who installs again, as far as he names no others, and in all processes.

    Raises:
        ConfigurationError: as `install`.
    """
    global _installed, _lasting
    if lasts:
        _lasting = options, mode_as
    options = dict(options)
    session = _Session(options.pop("store", None), Options.parse(options))
    session.past.tells_own_way = True
    session.past.reaches_children = _lasting is not None
    session.advise(session.advice._replace(mode_as=mode_as))
    before = _installed
    if before is None:
        _patch()
    _installed = session
    if not _leaves_in_order:
        _leaves_in_order.append(atexit.register(_finish_installed))
    if before is not None:
        before.close()


_lasting: tuple[Mapping[str, Any], str] | None = None
_leaves_in_order: list[Callable[[], None]] = []


def _finish_installed() -> None:
    """At the end of the process, where nothing was uninstalled."""
    if _installed is not None:
        _installed.finish_dropped()
        _installed.past.tell(covered=_installed.covered)
        _installed.end()


def installed() -> Past | None:
    """What goes past the session that is installed; None where none is."""
    return None if _installed is None else _installed.past


def uninstall() -> None:
    """Takes back what `install` did; does nothing where nothing is installed."""
    global _installed
    session, _installed = _installed, None
    if session is not None:
        _unpatch()
        session.close()


class _Unsaid(str):
    """A mode that nobody named."""

    __slots__ = ()


_UNSAID: Any = _Unsaid("once")


def tell_mode(mode: Mode) -> None:
    """Has the misses of the session that holds here tell of the mode that its user knows it by."""
    session = _current()
    if session is not None:
        session.advise(session.advice._replace(mode=mode))


class use_cassette:  # noqa: N801  # used as a function is
    """Records into a cassette, or replays from it, what is called inside.

        with use_cassette("tests/cassettes/weather.json"):
            client.chat.completions.create(...)

        @use_cassette("weather.json")
        async def test_weather(): ...

    A context manager and a decorator, for synchronous and asynchronous code. It holds for its own context:
    tasks that run at the same time may use different cassettes, and threads started inside it use its own.
    Each entry is a session of its own: it starts at the first recording.

    Args:
        path: of the cassette, ending in `.json`; or a store.
        mode: a mode; `once` replays a cassette that has recordings, and records otherwise. Where none is named,
            it replays in a marked test whose mode is `replay`, as it is in CI.
        options: the others of `replaycache.Options`.

    Raises:
        ConfigurationError: an option is misspelt or wrong, or the path does not end in `.json`.
        CassetteError: on the first call, where the file cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Store,
        *,
        mode: Mode | ModeName | None = _UNSAID,
        **options: Unpack[OptionArguments],
    ) -> None:
        if inspect.isroutine(path) or inspect.isclass(path):
            raise ConfigurationError("use_cassette takes a path: @use_cassette('cassettes/ask.json')")
        check_is_cassette(path)
        self._store = path
        self._options = Options.parse({"mode": mode, **options})
        self._is_mode_unsaid = isinstance(mode, _Unsaid) or not names_mode(mode)
        self._entered: list[_Session] = []

    def __enter__(self) -> Self:
        options, outer = self._options, _current()
        replays = self._is_mode_unsaid and is_held_back()
        session = _Session(self._store, replace(options, mode=Mode.REPLAY) if replays else options)
        if replays and outer is not None:
            session.advise(outer.advice)
        _patch()
        _open.append(session)
        session.outer = _here.here()
        _here.set(session)
        self._entered.append(session)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session = self._session
        self._entered.remove(session)
        _open.remove(session)
        # no token: it may be left in another context than it was entered in, or before one that was entered later
        if _here.here() is session:
            _here.set(session.outer)
        _unpatch()
        try:
            session.close()
        except (DriftFound, SecretFound, ReplayCacheWarning):
            if error is None:  # what the block itself raised says more
                raise

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._session.finish_dropped_here()
        except BaseException as broken_off:
            self.__exit__(type(broken_off), broken_off, broken_off.__traceback__)
            raise
        self.__exit__(kind, error, traceback)

    @contextmanager
    def everywhere(self, advice: Advice | None = None, *, refuses: bool = True) -> Iterator[Self]:
        """Enters it for the whole process: for tasks and threads, too, that are older than it.

        Where the block is left, nothing of it stays. Of several, the last holds; a cassette of a context or
        of a task goes before it. Meant for whoever runs one thing at a time, as a test runner does.

        Args:
            advice: what the text of a miss says to do next, to users of that test runner.
            refuses: whether it refuses other clients' connections where it replays, and warns of what is not kept;
                not where that runner does it.
        """
        with self:
            session = self._session
            session.past.refuses = session.warns = refuses
            if advice is not None:
                session.advise(advice)
            _everywhere.append(session)
            try:
                yield self
            finally:
                _everywhere.remove(session)

    @property
    def tally(self) -> Tally:
        """What the session came to so far.

        Raises:
            RuntimeError: it is not entered.
        """
        return self._session.tally

    @property
    def store(self) -> Store:
        """The cassette in use.

        Raises:
            RuntimeError: it is not entered.
        """
        return self._session.store

    @property
    def _session(self) -> _Session:
        if not self._entered:
            raise RuntimeError("use_cassette has a cassette only while it is entered")
        # one object may be entered in several tasks at once
        session = _here.here()
        while session is not None and session not in self._entered:
            session = session.outer
        return session or self._entered[-1]

    def __repr__(self) -> str:
        if not self._entered:
            return f"<use_cassette {self._store!s}, mode {self._options.mode}>"
        told = str(self.tally)
        if self.tally.own_way:
            told += f", {self.tally.own_way} by transports with a store or mode of their own"
        return f"<use_cassette {self._store!s}, mode {self._options.mode}: {told}>"

    def _again(self) -> use_cassette:
        fresh = copy(self)
        fresh._entered = []
        return fresh

    @overload
    def __call__(self, function: Callable[P, R]) -> Callable[P, R]: ...

    @overload
    def __call__(self, function: Any) -> Any: ...

    def __call__(self, function: Any) -> Any:
        """Decorates a function or a coroutine function."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def in_coroutine(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await function(*args, **kwargs)

            return in_coroutine
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError(
                f"use_cassette cannot decorate the generator {function.__qualname__}; use it inside, as `with`"
            )

        @functools.wraps(function)
        def in_function(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return in_function
