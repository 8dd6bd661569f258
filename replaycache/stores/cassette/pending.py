"""What is to be written into a cassette."""

from __future__ import annotations

from typing import NamedTuple

from .entry import Entry


class Pending(NamedTuple):
    """What is to be written.

    Attributes:
        turn: when it was asked for; see `CassetteFile.turn`. 0 where it comes behind all others.
        entry: what comes; None where something only goes.
        replaces: what goes.
        is_first: whether it stands before all others, where nothing else was asked for.
    """

    turn: int
    entry: Entry | None
    replaces: Entry | None = None
    is_first: bool = False
