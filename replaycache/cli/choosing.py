"""The options by which a command is told which recordings of a store are meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from ..moving import Moved, Taken, taken
from ..selection import Selection
from ..stores import Store
from .ls import parse_since, parse_status
from .opening import find_entry, is_cassette

__all__ = ["meant", "selection", "selection_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def selection_options(command: _Command) -> _Command:
    """Gives a command --model, --since and --status as `model`, `since` and `status`, each `str | None`."""
    for option in (
        click.option("--status", metavar="STATUS", help="Only this status: 200, or 4xx."),
        click.option("--since", metavar="TIME", help="Only what was recorded since: 2h, 7d, or 2026-11-21."),
        click.option("--model", metavar="TEXT", help="Only models with TEXT in their name, or like gpt-4*."),
    ):
        command = option(command)
    return command


def selection(model: str | None, since: str | None, status: str | None) -> Selection:
    """What these options mean.

    Raises:
        click.BadParameter: one is wrong.
    """
    return Selection(model=model, since=parse_since(since), statuses=parse_status(status))


def meant(store: Store, keys: tuple[str, ...], which: Selection, moved: Moved) -> Iterator[Taken]:
    """The recordings of a store that a user named, or else those of a selection.

    Args:
        store: opened.
        keys: as the user gave them; empty for all.
        which: of those, the ones that are meant.
        moved: notes what cannot be read.

    Raises:
        NothingMatches: there is no such key.
        click.UsageError: a key is ambiguous, or none.
        StoreError, CassetteError: the store cannot be read.
    """
    if not keys:
        yield from taken(store, moved, which)
        return
    for name in keys:
        entry = find_entry(store, name)
        if which.takes(entry.recording):
            where = f"recording {entry.number}" if entry.number else entry.key
            yield Taken(f"{store.location}, {where}", entry.recording, "" if is_cassette(store) else entry.key)
