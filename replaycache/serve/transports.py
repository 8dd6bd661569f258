"""The transports that calls are sent through: one on the store, and one for each cassette that calls name."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import anyio
import anyio.to_thread
import httpx2

from .._errors import ConfigurationError, MissReason, ReplayCacheError
from ..engine.diagnosis import Advice
from ..engine.exchange import Exchange
from ..engine.spool import Spool
from ..engine.waiting import Suspending
from ..httpx2 import AsyncReplayTransport
from ..options import Mode, Options, names_mode
from ..stores import CassetteStore, Store, open_store
from .settings import STORED_BYTES, Settings

CASSETTES_OPEN = 256
"""Sessions of cassettes that are kept open while nobody uses them."""

WAIT_SECONDS = 10.0
"""How long the end of a session waits for its calls."""


def _advice(modes: tuple[Mode, ...]) -> Advice:
    """What a miss says to do next, where calls may name these modes."""
    live = (
        "send it live, with the header x-replaycache-mode: off"
        if Mode.OFF in modes
        else "let it go live: start the proxy with --allowed-mode off, and send x-replaycache-mode: off"
    )
    following: dict[MissReason, str] = {
        "no_recording": "record it with {auto}",
        "already_played": "record the further call with {auto}\n"
        "or start at the first answer: another x-replaycache-session, or end this one by\n"
        "DELETE /_replaycache/cassettes/NAME",
        "expired": "record it again with {auto}\nor raise --ttl",
        "cassette_not_found": "record it with {once}",
        "not_cacheable": f"{live}\nor record it in a cassette: the header x-replaycache-cassette: NAME.json",
        "request_too_large": live,
    }
    return Advice(
        following,
        "Options are given to `replaycache serve`, or in [tool.replaycache] of pyproject.toml;\n"
        "Match(ignore=[...]) is a line there, below [tool.replaycache.match]: ignore = [...]",
        mode_as="the header x-replaycache-mode: {}, or --mode {}" if Mode.AUTO in modes else "--mode {}",
    )


class SessionBusy(Exception):
    """Calls of a session are in flight, and do not come to their end."""


class CallsUpstream(httpx2.AsyncBaseTransport):
    """Calls upstream, for all transports; made on the first live call, and closed by `shut`."""

    def __init__(self) -> None:
        self._below: httpx2.AsyncHTTPTransport | httpx2.AsyncClient | None = None
        self._making: anyio.Lock | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends it, over the proxies that the environment names if there are any."""
        below = self._below or await self._make()
        if isinstance(below, httpx2.AsyncClient):
            return await below.send(request, stream=True, auth=None, follow_redirects=False)
        return await below.handle_async_request(request)

    async def _make(self) -> httpx2.AsyncHTTPTransport | httpx2.AsyncClient:
        self._making = self._making or anyio.Lock()
        async with self._making:
            if self._below is None:
                make = httpx2.AsyncClient if getproxies() else httpx2.AsyncHTTPTransport
                # whoever calls is counted already
                limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30)
                # reading the system's certificates takes long, and others wait for this loop
                self._below = await anyio.to_thread.run_sync(lambda: make(limits=limits))
            return self._below

    async def aclose(self) -> None:
        """Does nothing: the transports above end one by one."""

    async def shut(self) -> None:
        """Closes the connections."""
        below, self._below = self._below, None
        if below is not None:
            await below.aclose()


class _Session:
    """One session of a cassette: its place in the sequence of answers."""

    def __init__(self, transport: AsyncReplayTransport, exchange: Exchange) -> None:
        self.transport = transport
        self.calls = 0
        self._exchange = exchange
        self.idle = anyio.Event()
        self.idle.set()

    def begin(self) -> None:
        self.calls += 1
        if self.calls == 1:
            self.idle = anyio.Event()

    def end(self) -> None:
        self.calls -= 1
        if not self.calls:
            self.idle.set()

    async def close(self, *, is_last: bool) -> list[str]:
        """Ends it, and says what is not in the cassette.

        Args:
            is_last: whether no other is open on the same file: what was read of that is let go of then.

        Raises:
            SecretFound, DriftFound: as a transport raises them.
        """
        told = list(self._exchange.tally.not_kept)
        try:
            await self.transport.aclose()
        finally:
            if is_last:
                self.transport.store.close()
        return told


class Transports:
    """All of them.

    Attributes:
        options: of calls that name no cassette.

    Args:
        hooks: `on_hit`, `on_miss`, `on_store`.
        tell: what nobody else can be told, by its level.

    Raises:
        ConfigurationError: an option is wrong, or does not go together with the store.
    """

    def __init__(self, settings: Settings, hooks: Mapping[str, Any], tell: Callable[[str, str], None]) -> None:
        options = {"max_request_bytes": STORED_BYTES, **settings.options}
        self.options = Options.parse({**options, **hooks})
        if self.options.repeats == "numbered":
            raise ConfigurationError(
                "repeats='numbered' counts the requests of one process, and a proxy serves many: say --repeats "
                "same, and let callers name the answer that they want, by the header x-replaycache-sample"
            )
        self._of_cassettes = Options.parse(
            {
                "mode": None if names_mode(options.get("mode")) else "once",
                **options,
                "budget": self.options.budget,  # one for all
                **hooks,
            }
        )
        self._modes = _allowed_modes(settings.allowed_modes, self.options.mode)
        self._advice = _advice(self._modes)
        self._cassettes = settings.cassettes
        self._tell = tell
        self.store: Store
        self.store, self._owns_store = open_store(settings.store)
        self._upstream = CallsUpstream()
        self._exchange = Exchange(self.options, self.store, Spool, Suspending.owner)
        self._exchange.advice = self._advice
        self._main = AsyncReplayTransport.around(self._upstream, self._exchange)
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()
        self._opening: anyio.Lock | None = None

    def check_mode(self, name: str) -> None:
        """Whether a call may name a mode.

        Raises:
            ConfigurationError: it is none, or none that may be named here.
        """
        where = "x-replaycache-mode"
        if Mode.parse(name, where) not in self._modes:
            raise ConfigurationError(
                f"{where}: {name}: calls may not name this mode here, but {', '.join(self._modes)}; who starts "
                f"the proxy lets them: --allowed-mode {name}"
            )

    @asynccontextmanager
    async def lent(self, cassette: str | None, session: str) -> AsyncIterator[AsyncReplayTransport]:
        """The transport for a call, for as long as the call takes.

        Args:
            cassette: that the call names; None for the store.
            session: that it names; empty where it names none.

        Raises:
            ConfigurationError: the name is none that may be used.
            CassetteError: the file cannot be read.
        """
        if cassette is None:
            yield self._main
            return
        path = self._path(cassette)
        _check_session(session)
        if self._opening is None:
            self._opening = anyio.Lock()
        async with self._opening:
            found = self._sessions.get((cassette, session))
            if found is None:
                found = await anyio.to_thread.run_sync(self._open, path)
                self._sessions[cassette, session] = found
            self._sessions.move_to_end((cassette, session))
            found.begin()
        try:
            await self._let_go_of_some()
            yield found.transport
        finally:
            found.end()

    def _open(self, path: Path) -> _Session:
        store = CassetteStore(path)
        exchange = Exchange(self._of_cassettes, store, Spool, Suspending.owner)
        exchange.advice = self._advice
        return _Session(AsyncReplayTransport.around(self._upstream, exchange), exchange)

    def _path(self, name: str) -> Path:
        where = f"x-replaycache-cassette: {name}"
        if self._cassettes is None:
            raise ConfigurationError(
                f"{where}: this proxy has no directory for cassettes; start it with --cassettes DIR"
            )
        parts = name.split("/")
        if not re.fullmatch(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,512}", name) or any(
            not part or part.startswith(".") or part != part.strip() for part in parts
        ):
            raise ConfigurationError(
                f"{where}: name a file below the directory of --cassettes, such as weather/today.json: no '..', "
                f"no part that begins with a dot, and no path from the root"
            )
        if not name.lower().endswith(".json"):
            raise ConfigurationError(f"{where}: a cassette's name ends in .json")
        path = self._cassettes.joinpath(*parts)
        try:
            found = path.resolve()  # newer Pythons leave a link that leads to itself
            is_below = found.is_relative_to(self._cassettes.resolve()) and not found.is_symlink()
        except (OSError, RuntimeError):  # it leads to itself
            is_below = False
        if not is_below:
            raise ConfigurationError(f"{where}: a symbolic link leads out of the directory of --cassettes")
        return path

    async def _let_go_of_some(self) -> None:
        """Ends the sessions that were not used for the longest time, where there are too many."""
        beyond = len(self._sessions) - CASSETTES_OPEN
        if beyond <= 0:
            return
        idle = [name for name, session in self._sessions.items() if not session.calls]
        for name in idle[:beyond]:
            await self._close(name, self._sessions.pop(name))

    async def _close(self, name: tuple[str, str], session: _Session) -> None:
        try:
            await session.close(is_last=self._is_last(name[0]))
        except ReplayCacheError as error:
            self._tell("error", f"{name[0]}: {error}")

    def _is_last(self, cassette: str) -> bool:
        return all(name != cassette for name, _ in self._sessions)

    async def end_sessions(self, cassette: str, session: str | None) -> tuple[int, list[str]]:
        """Ends sessions of a cassette: the next call starts at the first answer.

        Args:
            cassette: its name.
            session: its name; None for all of the cassette.

        Returns:
            How many there were, and what is not in the cassette.

        Raises:
            ConfigurationError: the name is none that may be used.
            SessionBusy: a call of one is in flight.
            SecretFound, DriftFound: as a transport raises them when it is closed.
        """
        self._path(cassette)
        names = [name for name in self._sessions if name[0] == cassette and session in (None, name[1])]
        for name in names:
            # whose client has the last byte may still be storing it
            with anyio.move_on_after(WAIT_SECONDS):
                await self._sessions[name].idle.wait()
            if self._sessions[name].calls:
                raise SessionBusy(f"{cassette}: a call is in flight; end the session when it is over")
        told: list[str] = []
        raised: ReplayCacheError | None = None
        ended = 0
        for name in names:
            found = self._sessions.pop(name, None)
            if found is not None:
                ended += 1
                try:
                    told += await found.close(is_last=self._is_last(cassette))
                except ReplayCacheError as error:
                    raised = error
        if raised is not None:
            raise raised
        return ended, told

    async def close(self) -> None:
        """Ends everything; what goes wrong in that is told."""
        while self._sessions:
            await self._close(*self._sessions.popitem(last=False))
        try:
            await self._main.aclose()
        except ReplayCacheError as error:
            self._tell("error", str(error))
        if self._owns_store:
            self.store.close()
        await self._upstream.shut()


def _allowed_modes(named: tuple[str, ...], mode: Mode) -> tuple[Mode, ...]:
    """Who starts a proxy that replays has said that nothing goes live: no caller says otherwise."""
    if named:
        return tuple(map(Mode, named))
    return (mode,) if mode is Mode.REPLAY else tuple(Mode)


def _check_session(session: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._:@/+=-]{0,200}", session):
        raise ConfigurationError(
            f"x-replaycache-session: {session!r} is no name; write up to 200 letters, digits and ._:@/+=-"
        )
