"""What an answer came to, as its dialect tells it: while it passes, and of one that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._models import AnswerEnd, Recording, ResponseHead
from ..wire import url as _url
from .answering import ANY_ANSWER, answering
from .request_body import members
from .watcher import AnswerWatcher

Told = Callable[[dict[str, Any]], None] | None


def watcher_of(
    method: str,
    path: str,
    head: ResponseHead,
    asked: Callable[[], Mapping[str, Any] | None],
    told: Told = None,
) -> AnswerWatcher:
    """What reads along with an answer.

    Args:
        method: of the request, in upper case.
        path: of its URL.
        asked: gives the members of the request's body, where they are needed.
        told: receives what it tells, as `AnswerWatcher` has it.
    """
    # errors and redirections are of no form of its dialect
    known = answering(method, path) if 200 <= head.status < 300 else ANY_ANSWER
    return AnswerWatcher(known, head.header("content-type") or "", lambda: asked() or {}, told)


def watched(recording: Recording, told: Told = None) -> AnswerWatcher:
    """What has read all of a stored answer.

    Raises:
        CorruptRecording: its stored entry is damaged.
    """
    request, path = recording.request, _url.parse(recording.request.url).path
    watcher = watcher_of(request.method, path, recording.head, lambda: members(request), told)
    for segment in recording.body.segments:
        watcher.feed(segment.data)
    watcher.end()
    return watcher


def answer_end(recording: Recording) -> AnswerEnd:
    """How the answer of a recording ended.

    Raises:
        CorruptRecording: its stored entry is damaged.
    """
    return end_told_by(watched(recording), recording.head)


def end_told_by(watcher: AnswerWatcher, head: ResponseHead) -> AnswerEnd:
    """How an answer ended, where all of it was looked at."""
    if head.status >= 400:
        return AnswerEnd("failed", watcher.finish_reasons)
    if head.status >= 300 or head.status == 204:
        return AnswerEnd("whole")
    return AnswerEnd(watcher.verdict, watcher.finish_reasons)
