"""When the pieces of a streamed answer came, as a line of bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._models import Body

BARS = " ▁▂▃▄▅▆▇█"
ASCII_BARS = " .:-=+*#@"


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the chunks of a body came.

    Attributes:
        counts: of each slice of time, the bytes that came in it.
        chunks: their number.
        first, last: seconds from the response head to the first and to the last chunk.
        longest_pause: seconds between two chunks, at most.
    """

    counts: tuple[int, ...]
    chunks: int
    first: float
    last: float
    longest_pause: float

    def bars(self, characters: str = BARS) -> str:
        """A character a slice of time: empty, then from low to high; what is not empty is never shown as empty."""
        most = max(self.counts, default=0)
        if not most:
            return ""
        steps = len(characters) - 1
        return "".join(characters[-(-count * steps // most)] for count in self.counts)


def timeline(body: Body, width: int) -> Timeline:
    """The timeline of a body, in one pass and in memory that its length does not change.

    Args:
        width: slices of time, between the response head and the last chunk.
    """
    chunks, first, last, pause = 0, 0, 0, 0
    for segment in body.segments:
        for offset in segment.offsets:
            if not chunks:
                first = offset
            else:
                pause = max(pause, offset - last)
            last = max(last, offset)
            chunks += 1
    counts = [0] * width
    for segment in body.segments:
        _count(counts, segment.lengths, segment.offsets, last)
    return Timeline(tuple(counts), chunks, first / 1e6, last / 1e6, pause / 1e6)


def _count(counts: list[int], lengths: Sequence[int], offsets: Sequence[int], last: int) -> None:
    width = len(counts)
    for length, offset in zip(lengths, offsets, strict=True):
        counts[min(width - 1, offset * width // last) if last else 0] += length
