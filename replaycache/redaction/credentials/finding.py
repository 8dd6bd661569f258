"""Finding credentials in a text, in time that grows with its length alone."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import accumulate

from ...wire.encoded import contents_of_data_urls
from .credential import Credential
from .escapes import View, views_of
from .plausible import is_cut, is_random
from .table import BY_THEMSELVES, CREDENTIALS, IN_CONTEXT


@dataclass(frozen=True, slots=True)
class Finding:
    """Text that looks like a credential: what kind, and where it begins and ends.

    Attributes:
        name: the kind.
        start: where it begins.
        end: where it ends.
        value: what it says, where it is escaped with that undone.
        depth: how often escapes had to be undone to read it; 0 where it stands as it is.
    """

    name: str
    start: int
    end: int
    value: str = field(repr=False)
    depth: int = 0


def find(text: str) -> list[Finding]:
    """What looks like a credential in `text`, in order and without overlaps, in time linear in its length.

    Where the text holds escapes it is searched with them undone too, level by level, as JSON in a text of JSON
    has them.
    """
    return list(_remembered(text) if len(text) <= _SHORT else _find(text))


@lru_cache(maxsize=4096)
def _remembered(text: str) -> list[Finding]:
    return _find(text)


def _find(text: str) -> list[Finding]:
    views = views_of(text)
    found = _find_in(views[0], [(0, len(text))])
    if len(views) == 1:
        return found
    every = [*found]
    for view in views[1:]:
        # the rest of it was searched one level before; a row of characters of tokens is taken as a whole
        every += _find_in(view, _around((at - _AROUND, at + _AROUND) for at in view.changed()))
    return _without_overlaps(every)


def _find_in(view: View, parts: list[tuple[int, int]]) -> list[Finding]:
    """What is found in a text by marks that stand in some parts of it."""
    text = view.text
    plain = text.encode("ascii", "replace")
    lowered = plain.lower().decode("ascii")
    hits = [*_search(_NEAR_ANYTHING, text, _Part(lowered, parts))]
    runs = _runs(plain, parts)
    with_digits = [(start, end) for start, end in runs if _DIGIT.search(plain, start, end)]
    if with_digits:
        near = _around((start - _BEFORE_IT, end) for start, end in with_digits)
        hits += _search(_NEAR_TOKENS, text, _Part(lowered, near))
    # a name in lower case and without a digit is no token of any kind
    tokens = [span for span in runs if not text[slice(*span)].islower()]
    tokens = sorted({*with_digits, *tokens})
    if tokens:
        hits += _search(_BY_THEMSELVES, text, _Part(text, tokens))
    data = contents_of_data_urls(text) if hits else []
    findings: list[Finding] = []
    last = 0
    for start, rank, end in sorted(hits):
        if start < last or _is_within(data, start) or _is_in_a_blob(text, start):
            continue
        place, behind = (view.place(start), view.place(end)) if view.depth else (start, end)
        findings.append(Finding(CREDENTIALS[rank].name, place, behind, text[start:end], view.depth))
        last = end
    return findings


def _around(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that overlap as one, none before the beginning."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((max(start, 0), end))
    return joined


def _without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """Of those that overlap, the longest; of equal ones, that for which the fewest escapes were undone."""
    kept: list[Finding] = []
    starts: list[int] = []
    for finding in sorted(findings, key=lambda one: (one.start - one.end, one.depth)):
        index = bisect_left(starts, finding.start)
        if (index and kept[index - 1].end > finding.start) or (
            index < len(kept) and kept[index].start < finding.end
        ):
            continue
        starts.insert(index, finding.start)
        kept.insert(index, finding)
    return kept


def _is_within(spans: list[tuple[int, int]], at: int) -> bool:
    index = bisect_right(spans, (at, at)) - 1
    return index >= 0 and spans[index][0] <= at < spans[index][1]


def _is_in_a_blob(text: str, start: int) -> bool:
    """Whether what stands before looks drawn at random for so long that this is a part of it: base64 may hold any
    text of its alphabet."""
    if start < _BLOB:
        return False
    before = text[start - _BLOB : start]
    return _BASE64.fullmatch(before + text[start : start + _HEAD]) is not None and is_random(before)


_SHORT = 200
"""Characters of a text that is likely to come again: names and values of headers, URLs."""

_LEAST = 16
"""Characters of the shortest value that is told by its form, or by a word near it that is not for passwords."""
_BEFORE_IT = 96
"""Characters before such a value in which what tells of it stands."""
_AROUND = 400
"""Characters around an escape in which the mark stands of what looks otherwise when it is undone."""
_DIGIT = re.compile(rb"[0-9]")
_BLOB, _HEAD = 48, 12
_BASE64 = re.compile(r"[A-Za-z0-9+/]+|[A-Za-z0-9_-]+")
_IS_OF_TOKEN = bytes(97 if chr(code).isalnum() or chr(code) in "_-.~+/=:%@" else 32 for code in range(128)).ljust(
    256
)

_BY_THEMSELVES = tuple((mark, rank) for rank, row in BY_THEMSELVES for mark in row.marks)
_NEAR_TOKENS = tuple((mark, rank) for rank, row in IN_CONTEXT for mark in row.marks if row.is_long)
_NEAR_ANYTHING = tuple((mark, rank) for rank, row in IN_CONTEXT for mark in row.marks if not row.is_long)


def _runs(text: bytes, parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where characters of tokens stand in rows that are long enough: prose has next to none of those."""
    kinds = text.translate(_IS_OF_TOKEN)
    runs: list[tuple[int, int]] = []
    for first, last in parts:
        since = runs[-1][1] if runs else 0
        start = kinds.find(b"a" * _LEAST, max(kinds.rfind(b" ", since, first) + 1, since))
        while 0 <= start < last:
            end = kinds.find(b" ", start)
            end = len(kinds) if end < 0 else end
            runs.append((start, end))
            start = kinds.find(b"a" * _LEAST, end)
    return runs


@cache
def _compile(row: Credential) -> re.Pattern[str]:
    """Not compiled before its mark is met: all of them at once would be most of the import."""
    return re.compile(row.pattern, re.ASCII | re.IGNORECASE if row.in_context else re.ASCII)


@cache
def _compile_mark(mark: str, then: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(mark)}(?={then})", re.ASCII)


_NEVER = re.compile(r"(?!)")


class _Part:
    """Parts of a text, one behind the other, in which marks are looked for."""

    __slots__ = ("_begins", "_places", "text")

    def __init__(self, text: str, spans: list[tuple[int, int]]) -> None:
        texts = [text[start:end] for start, end in spans]
        self.text = "\n".join(texts)
        self._begins = [0, *accumulate(len(text) + 1 for text in texts)]
        self._places = [start for start, _ in spans]

    def place(self, at: int) -> int:
        """Where a character of the parts stands in the text."""
        index = bisect_right(self._begins, at) - 1
        return self._places[index] + at - self._begins[index]


def _search(rows: Iterable[tuple[str, int]], text: str, part: _Part) -> Iterator[tuple[int, int, int]]:
    """Start, rank and end of the matches in `text` whose marks stand in a part of it.

    Args:
        rows: marks and the ranks of the rows that have them.
        text: the whole.
        part: where marks are looked for.
    """
    marked = part.text
    present = sorted({rank for mark, rank in rows if mark in marked})
    for rank in present:
        row = CREDENTIALS[rank]
        for match in _matches(row, text, part):
            group = "value" if "value" in match.re.groupindex else 0
            if match[group] is None:
                continue
            value = match[group].rstrip(".")
            end = match.start(group) + len(value)
            if row.is_one(value) and not (row.in_context and is_cut(value, text[end : end + 16])):
                yield match.start(group), rank, end


def _matches(row: Credential, text: str, part: _Part) -> Iterator[re.Match[str]]:
    marked = part.text
    for mark in row.marks:
        at = _next(row, mark, marked, 0)
        pattern = _compile(row) if at >= 0 else _NEVER
        while at >= 0:
            there = part.place(at)
            behind = at + 1
            for before in row.before:
                match = pattern.match(text, there - before) if there >= before else None
                if match is not None:
                    yield match
                    behind = max(behind, at + match.end() - there)
                    break
            at = _next(row, mark, marked, behind)


def _next(row: Credential, mark: str, marked: str, at: int) -> int:
    if not row.then:
        return marked.find(mark, at)
    match = _compile_mark(mark, row.then).search(marked, at)
    return -1 if match is None else match.start()
