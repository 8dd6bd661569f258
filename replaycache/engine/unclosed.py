"""Responses that nobody has closed: those that are still held, and those that were let go of."""

from __future__ import annotations

import gc
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .asked import Asked


class Unclosed(Protocol):
    """A body that its reader has not closed."""

    def read_ahead(self) -> Any:
        """Reads what little is to come, for a reader who may yet come for it; to be awaited, as `finish`."""

    def finish(self) -> Any:
        """Closes it, reading on within bounds; to be awaited in asynchronous code."""

    def keep(self) -> None:
        """Stores what came of it, without reading on."""

    def keep_whole(self) -> None:
        """Stores the answer if all of it is there, without reading on."""


class Settling(Protocol):
    """A response that is being recorded.

    Attributes:
        asked: what it answers.
    """

    asked: Asked

    @property
    def open_body(self) -> Unclosed | None:
        """Its body, where it is still open, though nothing or little is to come of it."""


class OpenResponses:
    """The responses of one transport, or of a session's, that are open.

    Attributes:
        is_over: whether that is; what comes of them then is in no cassette.
        held: those that are being recorded.
        dropped: bodies that nobody closed, and that are still to be drained or saved.
    """

    def __init__(self) -> None:
        self.is_over = False
        self.held: set[Settling] = set()
        self.dropped: deque[Unclosed] = deque()

    def at_the_end(self) -> list[Unclosed]:
        """The bodies of open responses of which nothing or little is to come; those let go of are in `dropped`."""
        if not self.held:
            return []
        gc.collect()
        return [body for response in list(self.held) if (body := response.open_body) is not None]

    def next_dropped(self) -> Unclosed | None:
        """The next of the bodies that nobody closed; None where there is none."""
        try:
            return self.dropped.popleft()
        except IndexError:
            return None
