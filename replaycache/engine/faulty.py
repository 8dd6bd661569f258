"""The fault that holds in a context, by `replaycache.fault`: what a hit has to know of it."""

from typing import NamedTuple

from ..system.forking import postponed
from ..system.inheritance import Inherited
from .blocks import Held

__all__ = ["Faulty", "Met", "faulty", "read_fault"]

Met = dict[tuple[str, str], list[int]]
"""How many calls of a key each of the faults of a text has met, by both."""


class Faulty(NamedTuple):
    """What holds in a block.

    Attributes:
        fault: its text; empty for none.
        met: counts its calls.
    """

    fault: str
    met: Met


faulty: Inherited[Held] = Inherited("replaycache_fault")
"""A `Faulty`."""


def read_fault(text: str, where: str) -> str:
    """The text of a fault, once it was looked at.

    Raises:
        ConfigurationError: it is none.
    """
    with postponed():
        from .._faults import parse_fault  # most calls have none

    parse_fault(text, where)
    return text
