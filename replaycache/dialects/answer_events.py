"""The events of an answer, however it is framed: told as an `AnswerWatcher` tells it, by the first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .answering import answering
from .apis.bedrock import unwrapped
from .framing.sse import Event
from .progress import Progress
from .watcher import Answering, AnswerWatcher


class AnswerEvents(NamedTuple):
    """The events of an answer.

    Attributes:
        events: their names, or the `type` in their data where they have none, and their data.
        is_stream: whether there are any, and they are not the one object of a document.
    """

    events: list[tuple[str, dict[str, Any]]]
    is_stream: bool


def inner_event(value: dict[str, Any]) -> dict[str, Any]:
    """The event inside of one that only carries it; else the very one."""
    return unwrapped(value) or value


class _Collected(Progress):
    """Keeps what comes, whatever its form."""

    has_done_marker = False

    def __init__(self, asked: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__(asked)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.is_document = False

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return True

    def take(self, name: str, value: dict[str, Any]) -> None:
        inner = inner_event(value)
        kind = inner.get("type")
        self.events.append((name, value) if inner is value else (kind if isinstance(kind, str) else "", inner))

    def document(self, value: dict[str, Any]) -> None:
        self.take("", value)
        self.is_document = True


_ANY = Answering((_Collected,), other_media=True, is_known=True)


def answer_events(pieces: Iterable[bytes], content_type: str = "") -> AnswerEvents:
    """The events of a body whose data is a JSON object; of one that failed, those until then.

    Args:
        content_type: of the response; only where the first bytes leave a doubt does it tell.
    """
    watcher = AnswerWatcher(_ANY, content_type)
    for piece in pieces:
        watcher.feed(piece)
    watcher.end()
    found = watcher.progress
    if not isinstance(found, _Collected):
        return AnswerEvents([], is_stream=False)
    return AnswerEvents(found.events, not found.is_document)


def events_by_piece(pieces: Iterable[bytes], content_type: str = "") -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """For each piece of a body the events that end in it, as `answer_events` gives them of all."""
    watcher = AnswerWatcher(_ANY, content_type)
    told = 0
    for piece in pieces:
        watcher.feed(piece)
        found = watcher.progress
        events = found.events if isinstance(found, _Collected) else []
        yield events[told:]
        told = len(events)


class _Listening(AnswerWatcher):
    """Keeps every event as it was sent, whatever it says and whatever came before it."""

    def __init__(self, answering: Answering, content_type: str) -> None:
        super().__init__(answering, content_type)
        self.events: list[Event] = []

    def _look_at(self, event: Event) -> None:
        self.events.append(event)


def events_as_sent(method: str, path: str, pieces: Iterable[bytes], content_type: str) -> list[Event] | None:
    """Every event of an answer, those behind its end too; None of a body that is no stream.

    Args:
        method: of the request, in upper case.
        path: of its URL.
        pieces: of the body, content-encoding undone.
        content_type: of the response; only where the first bytes leave a doubt does it tell.
    """
    watcher = _Listening(answering(method, path), content_type)
    for piece in pieces:
        watcher.feed(piece)
    watcher.end()
    return watcher.events if watcher.is_stream else None
