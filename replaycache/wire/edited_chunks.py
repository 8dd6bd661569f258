"""Changing a body that came in chunks, each of which keeps what it had of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate


def edited(chunks: Sequence[bytes], edits: Iterable[tuple[int, int, bytes]]) -> list[bytes]:
    """As many chunks, after the edits: what is put in goes to the chunk in which its edit begins.

    Args:
        edits: where each begins and ends in the whole body, and what comes there; in order, none overlaps another.
    """
    begins = [0, *accumulate(map(len, chunks))]
    data = b"".join(chunks)
    parts: list[list[bytes]] = [[] for _ in chunks]

    def chunk_at(place: int) -> int:
        return min(bisect_right(begins, place), len(chunks)) - 1

    def keep(start: int, end: int) -> None:
        index = chunk_at(start)
        while start < end:
            stop = min(end, begins[index + 1])
            parts[index].append(data[start:stop])
            start, index = stop, index + 1

    last = 0
    for start, end, new in edits:
        keep(last, start)
        parts[chunk_at(start)].append(new)
        last = end
    keep(last, len(data))
    return [b"".join(part) for part in parts]
