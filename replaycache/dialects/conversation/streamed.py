"""The events of a streamed answer, folded into the answer that the same endpoint gives without a stream."""

from __future__ import annotations

from typing import Any

from ..progress import tells_failure
from ..readings import READINGS

__all__ = ["folded"]

_FOLDS = tuple(fold for reading in READINGS for fold in reading.folds)


def folded(events: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """One answer for many events, by the form of the first of them that is known; empty where none is.

    Args:
        events: names and data, in order.
    """
    known = (fold for name, event in events for form, fold in _FOLDS if form.fits(name, event))
    fold = next(known, None)
    answer: dict[str, Any] = {}
    if fold is not None:
        whole = fold()
        for name, event in events:
            whole.take(name, event)
        answer = whole.answer
    error = next((event for name, event in events if tells_failure(name, event)), None)
    return answer if error is None else answer | {"error": error.get("error") or error}
