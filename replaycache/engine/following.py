"""The session that transports follow which name neither a store nor a mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .exchange import Exchange

__all__ = ["Find", "follow", "followed"]

Find = Callable[[bool], "Exchange | None"]
"""Gives the exchange of the session in force, for an asynchronous transport or not; None where there is none."""

_find: Find | None = None


def follow(find: Find | None) -> None:
    """From now on `find` says which session is in force; None where there can be none."""
    global _find
    _find = find


def followed(*, is_async: bool) -> Exchange | None:
    """The exchange of the session in force."""
    return None if _find is None else _find(is_async)
