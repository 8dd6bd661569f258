"""What calls have to know of faults."""

from typing import NamedTuple

from ..system.forking import postponed

__all__ = ["Faulty", "Met", "read_fault"]

Met = dict[tuple[str, str], list[int]]
"""How many calls of a key each of the faults of a text has met, by both."""


class Faulty(NamedTuple):
    """What a block of `replaycache.fault` says.

    Attributes:
        fault: its text; empty for none.
        met: counts its calls.
    """

    fault: str
    met: Met


def read_fault(text: str, where: str) -> str:
    """The text of a fault, once it was looked at.

    Raises:
        ConfigurationError: it is none.
    """
    with postponed():
        from .._faults import parse_fault  # most calls have none

    parse_fault(text, where)
    return text
