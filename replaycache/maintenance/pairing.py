"""Which recordings of two stores stand for each other: by key and order, by likeness, by place."""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from .._models import Recording, Request
from .facts import endpoint

COMPARED = 20_000
"""How many times two requests are held against each other in search of those that changed."""
NEAR = 300
"""How many requests of the other store a request is held against, the nearest in place first."""
LEFT = 10_000
"""Requests of a store for which a changed one is looked for."""
LIKE = 0.5
"""The share of two requests that is the same from which on one is taken for the other, changed."""
WORDS = 1000
"""Words of a request that are looked at."""


class Slot(Protocol):
    """Where a recording is kept.

    Attributes:
        key: of it.
    """

    @property
    def key(self) -> str: ...

    def recording(self) -> Recording | None:
        """What is kept there; None where it is gone meanwhile."""


Pair = tuple[int | None, int | None]
"""Indices of two recordings that stand for each other; None where one has no other."""


def pair(first: Sequence[Slot], second: Sequence[Slot], *, in_order: bool) -> list[Pair]:
    """Pairs the recordings of two stores.

    Those with one key stand for each other, first those whose answers are the same, then in their order. What is
    left is paired with a request to the same endpoint that is like it, or that stands behind the same one.

    Args:
        in_order: whether the order of both stores says something.
    """
    pairs = dict(_with_one_key(first, second))
    left = [index for index in range(len(first)) if index not in pairs]
    taken = set(pairs.values())
    right = [index for index in range(len(second)) if index not in taken]
    asked = _asked(first, left), _asked(second, right)
    pairs |= _alike(*asked)
    if in_order:
        pairs |= _in_one_gap(*asked, pairs)
    taken = set(pairs.values())
    return [
        *((index, pairs.get(index)) for index in range(len(first))),
        *((None, index) for index in right if index not in taken),
    ]


def moved(pairs: Sequence[Pair]) -> set[int]:
    """Indices of the first store whose recordings stand elsewhere in the second: as few as explain its order."""
    both = sorted((a, b) for a, b in pairs if a is not None and b is not None)
    ends: list[int] = []
    chains: list[list[int]] = []
    before: dict[int, int | None] = {}
    for a, b in both:
        at = bisect_left(ends, b)
        before[a] = chains[at - 1][-1] if at else None
        if at == len(ends):
            ends.append(b)
            chains.append([a])
        else:
            ends[at] = b
            chains[at].append(a)
    kept: set[int] = set()
    last = chains[-1][-1] if chains else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return {a for a, _ in both} - kept


# -- by key --------------------------------------------------------------------------------------------------


def _with_one_key(first: Sequence[Slot], second: Sequence[Slot]) -> Iterator[tuple[int, int]]:
    others: dict[str, list[int]] = defaultdict(list)
    for index, slot in enumerate(second):
        others[slot.key].append(index)
    mine: dict[str, list[int]] = defaultdict(list)
    for index, slot in enumerate(first):
        if slot.key in others:
            mine[slot.key].append(index)
    for key, left in mine.items():
        right = others[key]
        if len(left) == len(right) == 1:
            yield left[0], right[0]
            continue
        same = list(_with_one_answer(first, second, left, right))
        yield from same
        found, taken = {a for a, _ in same}, {b for _, b in same}
        rest = ([index for index in left if index not in found], [index for index in right if index not in taken])
        yield from zip(*rest, strict=False)


def _with_one_answer(
    first: Sequence[Slot], second: Sequence[Slot], left: list[int], right: list[int]
) -> Iterator[tuple[int, int]]:
    answers: dict[bytes, list[int]] = defaultdict(list)
    for index in right:
        answers[_answer(second[index])].append(index)
    for index in left:
        same = answers[_answer(first[index])]
        if same:
            yield index, same.pop(0)


def _answer(slot: Slot) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    recording = slot.recording()
    if recording is not None:
        digest.update(str(recording.head.status).encode())
        for segment in recording.body.segments:
            digest.update(segment.data)
    return digest.digest()


# -- by likeness ---------------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    at: int
    words: Counter[int]


_Endpoints = dict[str, list[_Asked]]


def _asked(slots: Sequence[Slot], which: list[int]) -> _Endpoints:
    """Requests by what they call, in their order: one is never taken for a changed one to another endpoint."""
    asked: _Endpoints = defaultdict(list)
    for index in which[:LEFT]:
        recording = slots[index].recording()
        if recording is not None:
            asked[endpoint(recording.request)].append(_Asked(index, _words(recording.request)))
    return asked


def _words(request: Request) -> Counter[int]:
    """What a request is made of: its words, each with the place at which it stands."""
    words: Counter[int] = Counter([hash(request.url)])
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        value = request.body[: 16 * WORDS].decode("utf-8", "replace")
    stack: list[tuple[str, Any]] = [("", value)]
    while stack and words.total() < WORDS:
        path, item = stack.pop()
        if isinstance(item, dict):
            stack += [(f"{path}.{name}", inner) for name, inner in item.items()]
        elif isinstance(item, list):
            stack += [(path, inner) for inner in item]
        elif isinstance(item, str):
            words.update(hash((path, word[0])) for word in islice(re.finditer(r"\w+", item[: 16 * WORDS]), WORDS))
        else:
            words[hash((path, str(item)))] += 1
    return words


def _likeness(one: Counter[int], other: Counter[int]) -> float:
    return 2 * (one & other).total() / (one.total() + other.total())


def _alike(first: _Endpoints, second: _Endpoints) -> dict[int, int]:
    """The requests that are like each other, the most alike first; of those the nearest in place."""
    found: list[tuple[float, int, int, int]] = []
    compared = max(1, COMPARED // max(1, sum(map(len, first.values()))))
    for called, asked in first.items():
        others = second.get(called, [])
        places = [other.at for other in others]
        room = min(compared, NEAR)
        for one in asked:
            start = max(0, min(bisect_left(places, one.at) - room // 2, len(others) - room))
            for other in others[start : start + room]:
                like = _likeness(one.words, other.words)
                if like >= LIKE:
                    found.append((-like, abs(one.at - other.at), one.at, other.at))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, a, b in sorted(found):
        if a not in pairs and b not in taken:
            pairs[a] = b
            taken.add(b)
    return pairs


def _in_one_gap(first: _Endpoints, second: _Endpoints, pairs: dict[int, int]) -> dict[int, int]:
    """Requests to one endpoint that stand behind the same other one, where both stores have one there."""
    mine = sorted(pairs)
    others = sorted(pairs.values())
    found: dict[int, int] = {}
    for called, asked in first.items():
        left = _by_gap((one.at for one in asked if one.at not in pairs), mine, pairs.__getitem__)
        taken = set(others)
        right = _by_gap((one.at for one in second.get(called, []) if one.at not in taken), others, int)
        for gap, indices in left.items():
            if len(indices) == len(right.get(gap, [])):
                found |= zip(indices, right[gap], strict=True)
    return found


def _by_gap(
    indices: Iterable[int], paired: list[int], stands_for: Callable[[int], int]
) -> dict[int | None, list[int]]:
    gaps: dict[int | None, list[int]] = defaultdict(list)
    for index in indices:
        at = bisect_left(paired, index)
        gaps[stands_for(paired[at - 1]) if at else None].append(index)
    return gaps
