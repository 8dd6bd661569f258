"""Finding credentials in a text, in time that grows with its length alone."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate

from .table import BY_THEMSELVES, CREDENTIALS, IN_CONTEXT, Credential

__all__ = [
    "Finding",
    "find",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Text that looks like a credential: what kind, and where it begins and ends."""

    name: str
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """What looks like a credential in `text`, in order and without overlaps, in time linear in its length."""
    return list(_remembered(text) if len(text) <= _SHORT else _find(text))


@lru_cache(maxsize=4096)
def _remembered(text: str) -> list[Finding]:
    return _find(text)


def _find(text: str) -> list[Finding]:
    hits = [*_search(IN_CONTEXT, text, _lower(text), [0], [0])]
    runs = _runs(text)
    if runs:
        words = [text[start:end] for start, end in runs]
        begins = [0, *accumulate(len(word) + 1 for word in words)]
        hits += _search(BY_THEMSELVES, text, "\n".join(words), begins, [start for start, _ in runs])
    findings: list[Finding] = []
    last = 0
    for start, rank, end in sorted(hits):
        if start >= last:
            findings.append(Finding(CREDENTIALS[rank].name, start, end))
            last = end
    return findings


def _lower(text: str) -> str:
    lowered = text.lower()
    # the only character whose lower case is longer than itself
    return lowered if len(lowered) == len(text) else text.replace("\u0130", "i").lower()


_SHORT = 200
"""Characters of a text that is likely to come again: names and values of headers, URLs."""

_LEAST = 20
"""Characters of the shortest credential that tells by itself."""
_IS_OF_TOKEN = bytes(97 if chr(code).isalnum() or chr(code) in "_-.~+/=:%\\" else 32 for code in range(128)).ljust(
    256
)


def _runs(text: str) -> list[tuple[int, int]]:
    """Where characters of tokens stand in rows that are long enough: prose has next to none of those."""
    kinds = text.encode("ascii", "replace").translate(_IS_OF_TOKEN)
    runs = []
    start = kinds.find(b"a" * _LEAST)
    while start >= 0:
        end = kinds.find(b" ", start)
        end = len(kinds) if end < 0 else end
        runs.append((start, end))
        start = kinds.find(b"a" * _LEAST, end)
    return runs


@cache
def _compile(row: Credential) -> re.Pattern[str]:
    """Not compiled before its mark is met: all of them at once would be most of the import."""
    return re.compile(row.pattern, re.ASCII | re.IGNORECASE if row.in_context else re.ASCII)


def _search(
    rows: Sequence[tuple[int, Credential]], text: str, marked: str, begins: list[int], places: list[int]
) -> Iterator[tuple[int, int, int]]:
    """Start, rank and end of the matches in `text`.

    Marks are looked for in `marked`, which holds parts of `text`: what begins at one of `begins` there has its
    place in `text` at the same index of `places`.
    """
    present = {rank for rank, row in rows for mark in row.marks if mark in marked}
    for rank, row in rows:
        if row.marks and rank not in present:
            continue
        for match in _matches(row, text, marked, begins, places):
            group = "value" if "value" in match.re.groupindex else 0
            value = match[group].rstrip(".")
            if row.is_one(value):
                yield match.start(group), rank, match.start(group) + len(value)


def _matches(
    row: Credential, text: str, marked: str, begins: list[int], places: list[int]
) -> Iterator[re.Match[str]]:
    def place(at: int) -> int:
        index = bisect_right(begins, at) - 1
        return places[index] + at - begins[index]

    if not row.marks:
        pattern = _compile(row)
        for found in pattern.finditer(marked):
            match = pattern.match(text, place(found.start()))
            if match is not None:
                yield match
    for mark in row.marks:
        at = marked.find(mark)
        while at >= 0:
            pattern = _compile(row)
            there = place(at)
            behind = at + 1
            for before in row.before:
                match = pattern.match(text, there - before) if there >= before else None
                if match is not None:
                    yield match
                    behind = max(behind, at + match.end() - there)
                    break
            at = marked.find(mark, behind)
