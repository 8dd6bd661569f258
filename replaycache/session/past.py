"""What goes past a session, by other clients than it covers: refused where it replays, told in other modes."""

from __future__ import annotations

import logging
import socket
from typing import Any, NamedTuple

from .._errors import CassetteError
from ..engine.tally import Tally
from ..options import Mode, Options
from ..stores import Store
from ..system.calling_upstream import calling_upstream
from ..system.warning import warn
from ..wire.hosts import HostPattern
from .askers import who_asks
from .connections import LOOK_UPS, SPAWNED, names_of
from .guard import Guard, destination, is_loopback, shown, started_text, why_nothing_goes_live

logger = logging.getLogger("replaycache")

MOST = 10
"""Hosts that are told."""

_COVERED = "only calls of clients on httpx and httpx2 are"


class Past:
    """Connections that are made during a session, but not by it.

    Args:
        options: of the session.
        store: its own.
        tally: its own.

    Attributes:
        refuses: whether connections are refused where the session replays; not where a test runner does it.
        reaches_children: whether it holds in processes of multiprocessing that are no forks.
        tally: what the session came to so far.
        tells_own_way: whether it tells how many calls went their own way; else they are logged.
    """

    def __init__(self, options: Options, store: Store, tally: Tally) -> None:
        self._mode = options.mode
        self._store = store
        self.tally = tally
        self._ignored = tuple(map(HostPattern.parse, options.ignore_hosts))
        self._why = why_nothing_goes_live(options.mode)
        self._guard = Guard(
            self._ignored,
            why=f"{self._why}, and {_COVERED} replayed",
            way_out="To leave the host alone: ignore_hosts=['{host}']",
        )
        self._hosts: dict[str, _Reached] = {}
        self._elsewhere: dict[str, _Reached] = {}
        self.refuses = True
        self.reaches_children = False
        self.tells_own_way = False

    def hear(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        """Something connects, sends, looks up a name or starts another process while the session holds.

        Raises:
            ConnectionRefusedError: it may not, as the session replays.
            socket.gaierror: a name may not be looked up.
        """
        if calling_upstream.here() or (event == SPAWNED and self.reaches_children):
            return
        if not self._replays:
            self._note(self._hosts, event, connecting, address)
        elif self.refuses:
            self._guard.hear(event, connecting, address)

    def hear_elsewhere(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        """The same happens in a thread or task, for which the session does not hold, while it is open."""
        if not calling_upstream.here():
            self._note(self._elsewhere, event, connecting, address)

    def _note(
        self, noted: dict[str, _Reached], event: str, connecting: socket.socket | None, address: Any
    ) -> None:
        where = None if event in LOOK_UPS else destination(event, connecting, address)
        if where is None:
            return
        host, port = where
        names = (host, *names_of(host))
        place = shown(names[-1], port)
        if place not in noted and not any(
            pattern.admits(name, port) for name in names for pattern in self._ignored
        ):
            noted[place] = _Reached(shown(names[-1], None), is_loopback(host), who_asks())

    @property
    def _replays(self) -> bool:
        """Whether nothing goes live: in mode `once`, where the cassette had recordings."""
        if self._mode is not Mode.ONCE:
            return self._mode is Mode.REPLAY
        try:
            return bool(getattr(self._store, "had_recordings", False))
        except CassetteError:  # it has some, and is refused when it is used
            return True

    def tell(self, *, covered: bool) -> None:
        """Says what went past, or was refused, in one warning; says it once.

        Args:
            covered: whether calls came that the session recorded or replayed. Where none did, connections to this
                machine are told, too: they may be what was meant to.
        """
        tally = self.tally
        told: list[str] = []
        own_way, tally.own_way = tally.own_way, 0
        if own_way:
            logger.info("%s", own_way_text(own_way))
            if self.tells_own_way:
                told.append(own_way_text(own_way))
        refused, self._guard.refused = self._guard.refused, []
        if refused:
            told.append(
                f"connections were refused, for {self._why}, and {_COVERED} replayed: "
                f"{_listed(refused, '; ')}. ignore_hosts leaves hosts alone"
            )
        started, self._guard.started = self._guard.started, []
        if started:
            told.append(f"{started_text(_listed(started))}; what they call may go live")
        named, tally.named_mode = tally.named_mode, set()
        if named and self.refuses and self._replays:
            told.append(f"calls went live, as their x-replaycache-mode says: to {_listed(sorted(named))}")
        hosts, self._hosts = _beyond(self._hosts, covered), {}
        if hosts:
            first = "" if covered else "no client of httpx or httpx2 was used, but "
            names = list(dict.fromkeys(one.name for one in hosts.values()))[:MOST]
            told.append(
                f"{first}{_told(hosts)}; what it asked there was neither recorded nor replayed: {_COVERED}. "
                f"Where the session replays, this is refused; ignore_hosts={names} leaves it alone"
            )
        elsewhere, self._elsewhere = _beyond(self._elsewhere, covered), {}
        if elsewhere:
            told.append(
                f"in threads or tasks that are older than the session, or outside of it, {_told(elsewhere)}; what "
                f"it asked there was neither recorded nor replayed"
            )
        if told:
            warn(". ".join(told))


class _Reached(NamedTuple):
    """A host that was reached past a session."""

    name: str
    is_own: bool
    who: str


def own_way_text(count: int) -> str:
    """Says how many calls went by transports that are the user's own word."""
    return f"{count} call{'s' * (count != 1)} went by transports with a store or mode of their own"


def _beyond(reached: dict[str, _Reached], covered: bool) -> dict[str, _Reached]:
    return {place: one for place, one in reached.items() if not (one.is_own and covered)}


def _told(reached: dict[str, _Reached]) -> str:
    by_who: dict[str, list[str]] = {}
    for place, one in reached.items():
        by_who.setdefault(one.who, []).append(place)
    return "; ".join(f"{who} connected to {_listed(places)}" for who, places in by_who.items())


def _listed(items: list[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(items) - MOST} more" if len(items) > MOST else ""
    return separator.join(items[:MOST]) + more
