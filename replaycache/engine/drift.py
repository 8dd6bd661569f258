"""Where a live answer differs from the recorded one: in shape, in values, or only in what always differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .._models import Recording
from ..dialects.assembled import assembled, events_of
from ..dialects.registry import DIALECTS

__all__ = ["Drift", "compare"]

SHOWN = 8
"""Places that are listed of each kind."""

_VOLATILE_NAME = re.compile(
    r"(^|_)(id|ids|created|created_at|timestamp|fingerprint|etag|date|time|duration|latency)$"
    r"|(?:[a-z](?:Id|At|Time|Date))$|_(at|ms|time|duration)$"
    rf"|^({'|'.join(sorted({name for dialect in DIALECTS for name in dialect.noise}))})$"
)
_VOLATILE_VALUE = re.compile(
    rf"{'|'.join(pattern for dialect in DIALECTS for pattern in dialect.ids)}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"
)


@dataclass(frozen=True, slots=True)
class Drift:
    """How a live answer differs from the recorded one.

    Attributes:
        shape: what a program that reads the answer would notice: a member that came or went, another type,
            another status.
        values: paths whose values differ.
        volatile: paths whose values differ every time: ids, time stamps, fingerprints.
    """

    shape: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.shape or self.values)

    def __str__(self) -> str:
        parts = []
        for name, places in (("shape", self.shape), ("values", self.values)):
            if places:
                more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
                parts.append(f"{name}: {', '.join(places[:SHOWN])}{more}")
        return "; ".join(parts) or "no drift"


def compare(recorded: Recording, live: Recording) -> Drift:
    """Compares two answers to one request.

    Bodies that are JSON are compared by path, with every item of an array counting alike; streams by the paths
    of their events and by the text that these add up to; others byte by byte.
    """
    shape: set[str] = set()
    if recorded.head.status != live.head.status:
        shape.add(f"status {recorded.head.status} became {live.head.status}")
    before, after = (_media_type(recording) for recording in (recorded, live))
    if before != after:
        shape.add(f"content-type {before or 'none'} became {after or 'none'}")
    old, new = recorded.body.read(), live.body.read()
    if "event-stream" in before or "ndjson" in before or "jsonl" in before:
        return _streams(shape, old, new)
    try:
        return _values(shape, json.loads(old), json.loads(new))
    except (ValueError, RecursionError):
        return Drift(tuple(sorted(shape)), () if old == new else ("body",))


def _media_type(recording: Recording) -> str:
    return (recording.head.header("content-type") or "").partition(";")[0].strip().lower()


def _streams(shape: set[str], old: bytes, new: bytes) -> Drift:
    before, after = ({kind for event in events_of(body) for kind in _kinds("", event)} for body in (old, new))
    shape |= set(_shape_changes(before, after))
    said = () if assembled(old) == assembled(new) else ("the text of the stream",)
    return Drift(tuple(sorted(shape)), said)


def _values(shape: set[str], old: Any, new: Any) -> Drift:
    shape |= set(_shape_changes(set(_kinds("", old)), set(_kinds("", new))))
    values: set[str] = set()
    volatile: set[str] = set()
    before, after = dict(_leaves("", old)), dict(_leaves("", new))
    for path in before.keys() & after.keys():
        if type(before[path]) is type(after[path]) and before[path] != after[path]:
            (volatile if _is_volatile(path, before[path], after[path]) else values).add(path)
    return Drift(tuple(sorted(shape)), tuple(sorted(values)), tuple(sorted(volatile)))


def _is_volatile(path: str, old: Any, new: Any) -> bool:
    name = re.split(r"[.\[]", path.rstrip("]0123456789["))[-1]
    texts = isinstance(old, str) and isinstance(new, str)
    return _VOLATILE_NAME.search(name) is not None or (
        texts and bool(_VOLATILE_VALUE.fullmatch(old) and _VOLATILE_VALUE.fullmatch(new))
    )


_TYPES = {dict: "object", list: "array", str: "text", bool: "boolean", int: "number", float: "number"}


def _kinds(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every path with the type that stands there, items of an array under one path."""
    yield path or "the body", _TYPES.get(type(value), "null")
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _kinds(f"{path}.{name}" if path else name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _kinds(f"{path}[*]", item)


def _shape_changes(before: set[tuple[str, str]], after: set[tuple[str, str]]) -> Iterator[str]:
    old: dict[str, set[str]] = {}
    new: dict[str, set[str]] = {}
    for kinds, known in ((before, old), (after, new)):
        for path, kind in kinds:
            known.setdefault(path, set()).add(kind)
    for path in old.keys() | new.keys():
        was, became = old.get(path, set()), new.get(path, set())
        if not became:
            yield f"{path} is gone"
        elif not was:
            yield f"{path} is new"
        # null beside a type says that the member may be missing, which one answer cannot tell
        elif (was - {"null"}) != (became - {"null"}) and (was - {"null"}) and (became - {"null"}):
            yield f"{path} was {' or '.join(sorted(was))}, is {' or '.join(sorted(became))}"


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    else:
        yield path or "the body", value
