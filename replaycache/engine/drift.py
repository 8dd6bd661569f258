"""Where two answers to one request differ: in shape, in values, or only in what always differs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._models import Recording
from .._printable import printable
from ..dialects.answer_events import events_as_sent
from ..dialects.answers import answer_end
from ..dialects.conversation import conversation
from ..dialects.usage import usage_of
from ..wire import url as _url
from .nearest import ABSENT, below, is_same
from .noise import Path, is_id, is_noise, is_noisy_header
from .pieces import Streamed

SHOWN = 8
"""Places that are listed of each kind."""
LARGE = 64 << 20
"""Bytes of a body that are decoded; larger ones are compared byte by byte."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a live answer differs from the recorded one.

    Attributes:
        shape: what a program that reads the answer would notice: a member that came or went, another type,
            another status, events in another order.
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
                parts.append(f"{name}: {', '.join(map(printable, places[:SHOWN]))}{more}")
        return "; ".join(parts) or "no drift"


class AnswerDifference(NamedTuple):
    """One place at which two answers differ.

    Attributes:
        path: of it, as far as people read answers.
        first: what stands there in the first; `nearest.ABSENT` where nothing does.
        second: what stands there in the second.
        is_noise: whether it differs every time: ids, time stamps, fingerprints.
        is_shape: whether `AnswerDifferences.shape` tells it.
    """

    path: str
    first: Any
    second: Any
    is_noise: bool = False
    is_shape: bool = False


@dataclass(slots=True)
class AnswerDifferences:
    """Where two answers differ.

    Attributes:
        shape: what a program that reads the answer would notice, in words.
        places: all of them, in the order of the answers.
    """

    shape: set[str] = field(default_factory=set)
    places: list[AnswerDifference] = field(default_factory=list)


def compare(recorded: Recording, live: Recording) -> Drift:
    """Compares two answers to one request, as `answer_differences` does."""
    found = answer_differences(recorded, live)
    told = [place for place in found.places if not place.is_shape]
    return Drift(
        tuple(sorted(found.shape)),
        tuple(place.path for place in told if not place.is_noise),
        tuple(place.path for place in told if place.is_noise),
    )


def answer_differences(first: Recording, second: Recording) -> AnswerDifferences:
    """Every difference between two answers that a client could see.

    Bodies that are JSON are compared by path; streams by what their events add up to, and then event by event, but
    for how texts were cut into pieces; a stream and a document by what both say; others byte by byte.

    Raises:
        CorruptRecording: one of them is damaged.
    """
    found = AnswerDifferences()
    _compare_heads(found, first, second)
    if first.complete != second.complete:
        found.places.append(AnswerDifference("complete", first.complete, second.complete))
    try:
        _compare_bodies(found, first, second)
    except RecursionError:
        _compare_bytes(found, first, second)
    return found


def _compare_heads(found: AnswerDifferences, first: Recording, second: Recording) -> None:
    one, other = first.head, second.head
    if one.status != other.status:
        found.shape.add(f"status {one.status} became {other.status}")
        found.places.append(AnswerDifference("status", one.status, other.status, is_shape=True))
    before, after = (_media_type(recording) for recording in (first, second))
    if before != after:
        found.shape.add(f"content-type {before or 'none'} became {after or 'none'}")
    for name in dict.fromkeys(name for name, _ in (*one.headers, *other.headers)):
        was, became = one.header(name), other.header(name)
        if was != became:
            found.places.append(
                AnswerDifference(
                    f"header {name}",
                    ABSENT if was is None else was,
                    ABSENT if became is None else became,
                    is_noisy_header(name),
                    name == "content-type" and before != after,
                )
            )


def _media_type(recording: Recording) -> str:
    return (recording.head.header("content-type") or "").partition(";")[0].strip().lower()


def _compare_bodies(found: AnswerDifferences, first: Recording, second: Recording) -> None:
    if max(first.body.size, second.body.size) > LARGE:
        _compare_bytes(found, first, second)
        return
    one, other = first.body.read(), second.body.read()
    if one == other:
        return
    streams = [_stream(recording, body) for recording, body in ((first, one), (second, other))]
    if streams[0] is not None and streams[1] is not None:
        _compare_streams(found, streams[0], streams[1])
    elif streams != [None, None]:
        was, became = ("one document" if stream is None else "a stream" for stream in streams)
        found.shape.add(f"{was} became {became}")
        found.places.append(AnswerDifference("body", was, became, is_shape=True))
        _compare_trees(found, _said(first), _said(second))
    else:
        try:
            values = [json.loads(body) if body else ABSENT for body in (one, other)]
        except ValueError:
            _compare_bytes(found, first, second)
        else:
            _compare_trees(found, *values)


def _stream(recording: Recording, body: bytes) -> Streamed | None:
    """What the events of an answer add up to; None of one that is no stream, or too large to be looked into."""
    request = recording.request
    content_type = recording.head.header("content-type") or ""
    events = events_as_sent(request.method, _url.parse(request.url).path, [body], content_type)
    return None if events is None or any(event.data is None for event in events) else Streamed(events)


def _compare_streams(found: AnswerDifferences, one: Streamed, other: Streamed) -> None:
    _compare_trees(found, one.tree, other.tree, is_stream=True)
    before, after = ([kind for kind in a.kinds if kind in b.kinds] for a, b in ((one, other), (other, one)))
    if before != after:
        found.shape.add("events came in another order")
        found.places.append(AnswerDifference("events", before, after, is_shape=True))
    if found.shape or not all(place.is_noise for place in found.places):
        return
    unlike = one.first_unlike(other)
    if unlike is not None:
        number, was, became = unlike
        found.places.append(
            AnswerDifference(
                f"event {number}", ABSENT if was is None else was, ABSENT if became is None else became
            )
        )


def _said(recording: Recording) -> dict[str, Any]:
    """What an answer says, whether it came in one piece or in many."""
    said = [
        {
            "role": turn.role,
            "parts": [{part.kind: _arguments(part.text), "name": part.name} for part in turn.parts],
        }
        for turn in conversation(recording).answered
    ]
    usage = usage_of(recording)
    told = {} if usage is None else {"model": usage.model, "tokens": (usage.input_tokens, usage.output_tokens)}
    return {"said": said, "finish_reasons": list(answer_end(recording).finish_reasons), **told}


def _arguments(text: str) -> Any:
    """The arguments of a tool's call, which some APIs give as text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _compare_bytes(found: AnswerDifferences, first: Recording, second: Recording) -> None:
    one, other = (_shown_bytes(recording) for recording in (first, second))
    if one != other:
        found.places.append(AnswerDifference("body", one, other))


def _shown_bytes(recording: Recording) -> str:
    digest, size = hashlib.blake2b(digest_size=8), 0
    for segment in recording.body.segments:
        digest.update(segment.data)
        size += len(segment.data)
    if size <= LARGE and not _media_type(recording).startswith(("image/", "audio/", "video/")):
        try:
            return recording.body.read().decode("utf-8")
        except UnicodeDecodeError:
            pass
    return f"{_media_type(recording) or 'bytes of an unknown type'}, {size:,} bytes, BLAKE2b {digest.hexdigest()}"


# -- decoded values ------------------------------------------------------------------------------------------


ITEM = -1
"""Stands in a path for any place in an array: a program reads all of them alike."""
_TYPES = {dict: "object", list: "array", str: "text", bool: "boolean", int: "number", float: "number"}


def _compare_trees(found: AnswerDifferences, one: Any, other: Any, *, is_stream: bool = False) -> None:
    """Compares decoded JSON. In a stream, names of members may be numbers, and a tuple is all that a value was."""
    changes = dict(_shape_changes(_types_in(one), _types_in(other)))
    for path, change in changes.items():
        if not (change in _GONE and changes.get(path[:-1]) == change):
            found.shape.add(f"{_shown_path(path, is_stream) or 'the body'} {change}")
    for path, was, became in _differing((), one, other):
        is_there = was is not ABSENT and became is not ABSENT
        found.places.append(
            AnswerDifference(
                _shown_path(path, is_stream) or "body",
                was,
                became,
                is_there and (is_noise(path) or (is_id(path, was) and is_id(path, became))),
                tuple(ITEM if isinstance(step, int) else step for step in path) in changes,
            )
        )


def _differing(path: Path, one: Any, other: Any) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from _differing((*path, name), one.get(name, ABSENT), other.get(name, ABSENT))
    elif isinstance(one, list) and isinstance(other, list):
        for place in range(max(len(one), len(other))):
            items = (values[place] if place < len(values) else ABSENT for values in (one, other))
            yield from _differing((*path, place), *items)
    elif not is_same(one, other):
        yield path, one, other


def _shown_path(path: Path, is_stream: bool) -> str:
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += "[*]" if step == ITEM else f"[{step}]"
        else:
            # the name of an event is one word, whatever stands in it
            shown = step if is_stream and not shown else below(shown, step)
    return shown


def _types_in(value: Any) -> dict[Path, set[str]]:
    """The types that stand at every path, items of an array under one path."""
    found: dict[Path, set[str]] = {}
    _note_types((), value, found)
    return found


def _note_types(path: Path, value: Any, found: dict[Path, set[str]]) -> None:
    if value is ABSENT:
        return
    for item in value if isinstance(value, tuple) else (value,):
        found.setdefault(path, set()).add(_TYPES.get(type(item), "null"))
    if isinstance(value, dict):
        for name, item in value.items():
            _note_types((*path, ITEM if isinstance(name, int) else name), item, found)
    elif isinstance(value, list):
        for item in value:
            _note_types((*path, ITEM), item, found)


_GONE = ("is gone", "is new")


def _shape_changes(old: dict[Path, set[str]], new: dict[Path, set[str]]) -> Iterator[tuple[Path, str]]:
    for path in dict.fromkeys((*old, *new)):
        was, became = old.get(path, set()), new.get(path, set())
        if not became:
            yield path, "is gone"
        elif not was:
            yield path, "is new"
        # null beside a type says that the member may be missing, which one answer cannot tell
        elif (was - {"null"}) != (became - {"null"}) and (was - {"null"}) and (became - {"null"}):
            yield path, f"was {' or '.join(sorted(was))}, is {' or '.join(sorted(became))}"
