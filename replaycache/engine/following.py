"""The session that transports follow which name neither a store nor a mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..system.calling_upstream import calling_upstream
from ..system.inheritance import Inherited

if TYPE_CHECKING:
    from .exchange import Exchange


class Following(NamedTuple):
    """What a transport finds that follows.

    Attributes:
        exchange: of the session in force; None where nothing is left to do but to call upstream, as the session
            does that already, or stands below.
    """

    exchange: Exchange | None


Find = Callable[[bool], Following | None]
"""Gives the session in force, for an asynchronous transport or not; None where there is none."""

_finds: tuple[Find, ...] = ()


def follow(find: Find) -> None:
    """From now on `find` says which session is in force, before those that said it until now."""
    global _finds
    _finds = (find, *_finds)


def unfollow(find: Find) -> None:
    """Takes back `follow`."""
    global _finds
    _finds = tuple(other for other in _finds if other is not find)


def followed(*, is_async: bool) -> Following | None:
    """The session in force; None where there is none."""
    for find in _finds:
        following = find(is_async)
        if following is not None:
            return following
    return None


class Follower:
    """A transport's own options, which hold in every session that it follows.

    Args:
        named: those that it was given, checked.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._last: tuple[Exchange, Exchange] | None = None

    def exchange(self, session: Exchange) -> Exchange:
        """The session's exchange, or one beside it."""
        if not self._named:
            return session
        last = self._last
        if last is None or last[0] is not session:
            self._last = last = (session, session.with_options(self._named))
        return last[1]


lent: Inherited[Exchange] = Inherited("replaycache_lent")
"""Of the transport whose place a mock has taken here: decides, if the mock asks the library's own all the same."""


def below(*, is_async: bool) -> Exchange | None:
    """What decides below that which others have put in the place of a transport; None: upstream is called."""
    if calling_upstream.here():
        return None
    exchange = lent.here()
    if exchange is not None:
        return exchange
    following = followed(is_async=is_async)
    return None if following is None else following.exchange
