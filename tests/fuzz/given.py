"""What a target makes of the bytes that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

__all__ = ["Given", "cut_anywhere"]

T = TypeVar("T")


class Given:
    """Bytes from whose beginning decisions are taken; the rest is the input itself.

    Args:
        data: it. Where there is none left every decision is the first of those that there are.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, below: int) -> int:
        """A number from 0 on, smaller than `below`, of the next byte."""
        taken = self._data[self._at : self._at + 1]
        self._at += 1
        return taken[0] % below if taken else 0

    def choice(self, options: Sequence[T]) -> T:
        """One of these."""
        return options[self.number(len(options))]

    def line(self) -> bytes:
        """Up to the next line feed, which is taken, too."""
        line, _, _ = self._data[self._at :].partition(b"\n")
        self._at += len(line) + 1
        return line

    def rest(self) -> bytes:
        """All that is left."""
        rest, self._at = self._data[self._at :], len(self._data)
        return rest


def cut_anywhere(data: bytes, most: int = 10) -> list[list[bytes]]:
    """The ways in which a body may come: as a whole, a byte at a time, and in two, cut at about `most` places that
    are others for every body."""
    step = max(1, len(data) // most)
    first = 1 + crc32(data) % step
    halves = [[data[:at], data[at:]] for at in range(first, len(data), step)]
    return [[data], [data[at : at + 1] for at in range(len(data))], *halves]
