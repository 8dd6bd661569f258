"""The events of a streamed answer, folded into the answer that the same endpoint gives without a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..answer_events import events_by_piece
from ..fold import Fold
from ..progress import tells_failure
from ..readings import READINGS
from ..values import Part
from .answered import answered

_FOLDS = tuple(fold for reading in READINGS for fold in reading.folds)


def folded(events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """One answer for many events, by the form of the first of them that is known; empty where none is."""
    fold = _fold_of(events)
    answer: dict[str, Any] = {}
    if fold is not None:
        for name, event in events:
            fold.take(name, event)
        answer = fold.answer
    error = next((event for name, event in events if tells_failure(name, event)), None)
    return answer if error is None else answer | {"error": error.get("error") or error}


def _fold_of(events: list[tuple[str, dict[str, Any]]]) -> Fold | None:
    known = (fold for name, event in events for form, fold in _FOLDS if form.fits(name, event))
    fold = next(known, None)
    return None if fold is None else fold()


def said_by_pieces(pieces: Iterable[bytes], content_type: str = "") -> Iterator[list[Part]]:
    """What each piece of a stream adds to what its answer says, for people who watch it come.

    Of a part that grows, only what is new. Of a stream in no form that is known, nothing.

    Args:
        pieces: of the body, content-encoding undone, from its start.
        content_type: of the response; only where the first bytes leave a doubt does it tell.
    """
    fold: Fold | None = None
    before: list[Part] = []
    earlier: list[tuple[str, dict[str, Any]]] = []
    for events in events_by_piece(pieces, content_type):
        if fold is None:
            earlier += events
            fold = _fold_of(events)
            events = earlier
        if fold is None or not events:
            yield []
            continue
        for name, event in events:
            fold.take(name, event)
        now = [part for turn in answered(fold.answer) for part in turn.parts if part.kind != "data"]
        yield [part for old, part in _grown(before, now) if part.text or part != old]
        before = now


def _grown(before: list[Part], now: list[Part]) -> Iterator[tuple[Part | None, Part]]:
    """Each part as it was, and what is new in it."""
    for place, part in enumerate(now):
        old = before[place] if place < len(before) else None
        if old is None or old.kind != part.kind:
            yield None, part
        elif part.text != old.text:
            yield old, part._replace(text=part.text.removeprefix(old.text))
