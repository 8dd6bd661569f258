"""What goes past a session, by other clients than it covers: refused where it replays, told in other modes."""

from __future__ import annotations

import logging
import socket
from typing import Any, NamedTuple

from .._errors import CassetteError, ReplayCacheWarning
from ..engine.tally import Tally
from ..options import Mode, Options
from ..stores import Store
from ..system.calling_upstream import calling_upstream
from ..system.warning import warn
from ..wire.hosts import HostPattern
from .askers import who_asks
from .connections import LOOK_UPS, names_of
from .guard import Guard, destination, is_loopback, shown

__all__ = ["Past"]

logger = logging.getLogger("replaycache")

MOST = 10
"""Hosts that are told."""

_COVERED = "only calls of clients on httpx and httpx2 are"


class _Reached(NamedTuple):
    """A host that was connected to.

    Attributes:
        host: without its port.
        is_own: whether it is this machine.
        asker: the module that asked first.
    """

    host: str
    is_own: bool
    asker: str


class Past:
    """Connections that are made during a session, but not by it.

    Args:
        options: of the session.
        store: its own.
        tally: its own.

    Attributes:
        refuses: whether connections are refused where the session replays; not where a test runner does it.
    """

    def __init__(self, options: Options, store: Store, tally: Tally) -> None:
        self._mode = options.mode
        self._store = store
        self._tally = tally
        self._ignored = tuple(map(HostPattern.parse, options.ignore_hosts))
        once = "mode once replays a cassette that has recordings"
        self._why = once if options.mode is Mode.ONCE else "in mode replay nothing goes live"
        self._guard = Guard(
            self._ignored,
            why=f"{self._why}, and {_COVERED} replayed",
            way_out="To leave the host alone: ignore_hosts=['{host}']",
        )
        self._hosts: dict[str, _Reached] = {}
        self.refuses = True

    def hear(self, event: str, connecting: socket.socket | None, address: Any) -> None:
        """Something connects, sends or looks up a name while the session holds.

        Raises:
            ConnectionRefusedError: it may not, as the session replays.
            socket.gaierror: a name may not be looked up.
        """
        if calling_upstream.here():
            return
        if self._replays:
            if self.refuses:
                self._guard.hear(event, connecting, address)
            return
        where = None if event in LOOK_UPS else destination(event, connecting, address)
        if where is None:
            return
        host, port = where
        names = (host, *names_of(host))
        if not any(pattern.admits(name, port) for name in names for pattern in self._ignored):
            name = shown(names[-1], port)
            if name not in self._hosts:
                self._hosts[name] = _Reached(names[-1], is_loopback(host), who_asks())

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
        own_way, self._tally.own_way = self._tally.own_way, 0
        if own_way:  # the user's own word, and no reason to warn
            logger.info("%d calls went by transports with a store or mode of their own", own_way)
        told: list[str] = []
        refused, self._guard.refused = self._guard.refused, []
        if refused:
            told.append(
                f"connections were refused, for {self._why}, and {_COVERED} replayed: "
                f"{_listed(refused, '; ')}. ignore_hosts leaves hosts alone"
            )
        named, self._tally.named_mode = self._tally.named_mode, set()
        if named and self.refuses and self._replays:
            told.append(f"calls went live, as their x-replaycache-mode says: to {_listed(sorted(named))}")
        reached, self._hosts = {name: one for name, one in self._hosts.items() if not (one.is_own and covered)}, {}
        if reached:
            first = "something" if covered else "no client of httpx or httpx2 was used, but something"
            asked = _listed([f"{name}, asked by {one.asker}" for name, one in reached.items()], "; ")
            told.append(
                f"{first} connected to {asked}. What it asked there was neither recorded nor replayed: {_COVERED}"
            )
            others = list(dict.fromkeys(one.host for one in reached.values() if not one.is_own))
            if others:
                told.append(
                    f"Where the session replays, this is refused; ignore_hosts={others[:MOST]} leaves it alone"
                )
        if told:
            warn(". ".join(told), ReplayCacheWarning)


def _listed(items: list[str], separator: str = ", ") -> str:
    more = f"{separator}and {len(items) - MOST} more" if len(items) > MOST else ""
    return separator.join(items[:MOST]) + more
