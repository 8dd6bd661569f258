"""Recording a response body while it passes: complete, or not at all."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ._models import Body, ResponseHead, Segment
from .content_encoding import UndecodableContent, make_decoder
from .format import FileSegments
from .sse import StreamState, StreamWatcher, stream_end

__all__ = ["Ending", "Recorder", "Spooled"]

SEGMENT_BYTES = 256 << 10
SEGMENT_CHUNKS = 8192
MEMORY_LIMIT = 1 << 20
"""A body larger than this many bytes goes to a spool."""


class Ending(Enum):
    """How a response body came to its end."""

    END = "end"
    """Upstream ended it, cleanly."""
    CLOSED = "closed"
    """The caller closed it, or dropped it."""
    FAILED = "failed"
    """An error or a cancellation broke it off."""


class Spooled(Protocol):
    """Where segments go that are too many for memory."""

    def append(self, segment: Segment) -> None:
        """Takes a segment."""

    @property
    def segments(self) -> FileSegments:
        """All that were taken."""


class Recorder:
    """Takes every chunk as it passes and knows, at the end, whether the answer is whole.

    Args:
        path: of the request's URL.
        head: of the response, with all its headers.
        started: when the head arrived, on the clock that `feed` is given.
        spool: makes a place for a body that is too large for memory.
    """

    def __init__(self, path: str, head: ResponseHead, started: float, spool: Callable[[], Spooled]) -> None:
        self._started = started
        self._make_spool = spool
        self._spool: Spooled | None = None
        self._segments: list[Segment] = []
        self._held = 0
        self._last = 0
        self._raw_size = 0
        self._raw_whole: int | None = None
        self._clear()
        self.reason = ""
        content_type = head.header("content-type") or ""
        length = head.header("content-length")
        if length is not None and length.isascii() and length.isdigit():
            self._raw_whole = int(length)
        # where the end of the connection may be the end of the body, a cut looks like an end
        self._framed = length is not None or (head.header("transfer-encoding") or "").lower() == "chunked"
        self._checks_json = (
            not self._framed and content_type.partition(";")[0].strip().lower() == "application/json"
        )
        end = stream_end(path, content_type)
        self._watcher = StreamWatcher(end, content_type) if end is not None else None
        try:
            self._decoder = make_decoder(head.header("content-encoding"))
        except UndecodableContent as error:
            self._give_up(str(error))

    @property
    def size(self) -> int:
        """Bytes taken so far, content-encoding undone."""
        return self._held + self._size

    @property
    def duration(self) -> float:
        """Seconds from the response head to the last chunk so far."""
        return self._last / 1e6

    @property
    def ends_soon(self) -> bool:
        """Whether the stream said itself that little is to come."""
        return self._watcher is not None and self._watcher.ends_soon

    @property
    def failed(self) -> bool:
        """Whether the stream said itself that the answer failed."""
        return self._watcher is not None and self._watcher.state is StreamState.FAILED

    def feed(self, data: bytes, now: float) -> None:
        """Takes a chunk as the transport delivered it at `now`. Never raises: it gives up instead."""
        if self.reason:
            return
        self._raw_size += len(data)
        offset = max(0, round((now - self._started) * 1e6))
        try:
            if self._decoder is None:
                self._take(data, offset)
            else:
                for piece in self._decoder.feed(data):
                    self._take(piece, offset)
        except UndecodableContent as error:
            self._give_up(f"its content-encoding cannot be undone: {error}")
        except OSError as error:
            self._give_up(f"there is no room to record it: {error}")

    def _take(self, data: bytes, offset: int) -> None:
        if not data:
            return
        self._parts.append(data)
        self._lengths.append(len(data))
        self._offsets.append(offset)
        self._last = offset
        self._size += len(data)
        if self._watcher is not None:
            self._watcher.feed(data)
        if self._size >= SEGMENT_BYTES or len(self._parts) >= SEGMENT_CHUNKS:
            self._cut()

    def _cut(self) -> None:
        """Closes the current segment."""
        if not self._parts:
            return
        segment = Segment(b"".join(self._parts), 0, self._lengths, self._offsets)
        self._held += self._size
        self._clear()
        self._segments.append(segment)
        if self._held > MEMORY_LIMIT:
            if self._spool is None:
                self._spool = self._make_spool()
            for waiting in self._segments:
                self._spool.append(waiting)
            self._segments.clear()

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._lengths = array("I")
        self._offsets = array("Q")
        self._size = 0

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        self._segments.clear()
        self._spool = None
        self._clear()

    def finish(self, ending: Ending, *, partly: bool = False) -> Body | None:
        """The body, if the answer is whole; otherwise None, and `reason` says why. To be called once.

        Args:
            ending: how the body ended.
            partly: gives what came of a body that the caller closed, too; `reason` says that it is not all.
        """
        reason = self.reason or self._missing(ending)
        if reason and (self.reason or not partly or ending is not Ending.CLOSED):
            self._give_up(reason)
            return None
        try:
            self._cut()
        except OSError as error:
            self._give_up(f"there is no room to record it: {error}")
            return None
        self.reason = reason
        return Body(self._spool.segments if self._spool is not None else self._segments)

    def is_whole(self, ending: Ending) -> bool:
        """Whether nothing is missing if the body ends now, in this way."""
        return not self.reason and not self._missing(ending)

    def _missing(self, ending: Ending) -> str:
        """What is missing for a whole answer; empty where nothing is."""
        watcher = self._watcher
        done = watcher is not None and watcher.may_close
        if ending is not Ending.END and not done and not self._all_bytes_came():
            if ending is Ending.CLOSED:
                return "the caller closed the response before its end"
            return "the response broke off"
        if watcher is not None and not done:
            if self._framed:
                watcher.end()
            if watcher.state is StreamState.OPEN:
                return "the stream ended without its terminal event"
        if self._decoder is not None and not done:
            try:
                self._decoder.end()
            except UndecodableContent as error:
                return str(error)
        if self._raw_whole is not None and ending is Ending.END and self._raw_size < self._raw_whole:
            return "the body is shorter than its content-length"
        if self._checks_json and not self._is_json():
            return "the connection's end was the body's end, and the JSON is cut short"
        return ""

    def _all_bytes_came(self) -> bool:
        return self._raw_whole is not None and self._raw_size >= self._raw_whole

    def _is_json(self) -> bool:
        try:
            segments = self._segments if self._spool is None else self._spool.segments
            json.loads(b"".join((*(segment.data for segment in segments), *self._parts)))
        except ValueError:
            return False
        return True
