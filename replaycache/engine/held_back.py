"""Whether what names no mode of its own replays, as nothing is to go live that nobody asked for.

A test runner says so for the time of a test; it runs one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_holders = 0


@contextmanager
def holding_back() -> Iterator[None]:
    """During the block it is so, in the whole process."""
    global _holders
    _holders += 1
    try:
        yield
    finally:
        _holders -= 1


def is_held_back() -> bool:
    """Whether it is so now."""
    return _holders > 0
