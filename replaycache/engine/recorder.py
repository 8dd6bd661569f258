"""Recording a response body while it passes.

An interrupt (Ctrl-C, a test's timeout, a lack of memory) can fall between any two steps, also between a chunk's
arrival and its keeping. So the recorder is told before upstream is asked for a chunk, and whoever asks for the
next one while that is owed has lost it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Literal

from .._models import Body, ResponseHead, Segment
from ..wire.content_encoding import UndecodableContent, is_known, make_decoder

if TYPE_CHECKING:
    from ..dialects.watcher import AnswerWatcher
    from .spool import Spool

SEGMENT_BYTES = 256 << 10
SEGMENT_CHUNKS = 8192
"""A segment has these at least, and not much more: whether it has is looked every `LOOK_BYTES`."""
MEMORY_LIMIT = 1 << 20
"""A body larger than this many bytes goes to a spool."""
LOOK_BYTES = 32 << 10
"""After so many bytes, at the latest, it is looked what they say: an event loop waits meanwhile."""

LOST = "a chunk of it was lost to an interrupt"
NO_MEMORY = "there is no memory to record it"


class Ending(Enum):
    """How a response body came to its end."""

    END = "end"
    """Upstream ended it, cleanly."""
    CLOSED = "closed"
    """The caller closed it, or dropped it."""
    FAILED = "failed"
    """An error broke it off."""
    CANCELLED = "cancelled"
    """Its reader was cancelled or interrupted."""
    CUT = "cut"
    """The caller had left it, and an error broke it off while the rest was read."""

    @classmethod
    def by(cls, error: BaseException) -> Ending:
        """How a body ends that is broken off by that."""
        return cls.FAILED if isinstance(error, Exception) else cls.CANCELLED


LEFT = (Ending.CLOSED, Ending.CUT)
"""Endings in which what came is right as far as it goes, and the caller wanted no more."""


class _TooLarge(Exception):
    """The store does not keep so large a body; the text says it."""


class Recorder:
    """Takes every chunk as it passes and knows, at the end, whether all of the body came.

    Chunks are looked into many at a time, or when somebody asks what they say.

    Attributes:
        reason: why not all of the body is there; empty where it is.
        heard: when a chunk last came or was asked for.

    Args:
        watcher: reads along, and tells what the answer is.
        head: of the response, with all its headers.
        started: when the head arrived, on the clock that `ask` and `feed` are given.
        spool: makes a place for a body that is too large for memory.
        is_framed: whether the end of a body is told where no header says so, as in HTTP/2.
        has_body: whether there is one at all: answers to HEAD and with status 204 or 304 have none.
        largest: bytes that the store takes of a body, content-encoding undone; None where it takes any.
    """

    def __init__(
        self,
        watcher: AnswerWatcher,
        head: ResponseHead,
        started: float,
        spool: Callable[[], Spool],
        *,
        is_framed: bool = False,
        has_body: bool = True,
        largest: int | None = None,
    ) -> None:
        self._watcher = watcher
        self._turn = [True]  # whoever takes it out looks; no lock, for the collector may come in between
        self.heard = started
        self._largest = largest
        self._has_body = has_body
        self._started = started
        self._make_spool = spool
        self._spool: Spool | None = None
        self._segments: list[Segment] = []
        self._held = 0
        self._last = started
        self._raw_size = 0
        self._raw_whole: int | None = None
        self._chunk: Literal["", "asked", "taking"] = ""
        self._is_ending = False
        self._is_over = False
        self._looked = 0  # of the parts
        self._look_at = 0  # so many of their bytes
        self._clear()
        self.reason = ""
        length = head.header("content-length")
        if length is not None and length.isascii() and length.isdigit():
            self._raw_whole = int(length)
        # where the end of the connection may be the end of the body, a cut looks like an end
        is_chunked = (head.header("transfer-encoding") or "").lower() == "chunked"
        self._framed = is_framed or is_chunked or length is not None
        try:
            encoding = head.header("content-encoding")
            # one that nobody knows, such as aws-chunked, is left as it is, as clients leave it
            self._decoder = make_decoder(encoding) if is_known(encoding) else None
        except UndecodableContent as error:
            self._give_up(str(error))

    @property
    def watcher(self) -> AnswerWatcher:
        """What has read along, and tells what the answer is."""
        self._look()
        return self._watcher

    @property
    def size(self) -> int:
        """Bytes taken so far, content-encoding undone."""
        return self._held + self._size

    @property
    def duration(self) -> float:
        """Seconds from the response head to the last chunk so far."""
        last = self._came[-1] if self._came else self._last
        return max(0, round((last - self._started) * 1e6)) / 1e6

    @property
    def is_owed(self) -> bool:
        """Whether upstream was asked for a chunk that was not taken: somebody waits for it, or it was lost."""
        return self._chunk != ""

    def ask(self, now: float) -> None:
        """Upstream is about to be asked for the next chunk. Gives up where the one before is still owed."""
        if self._chunk and not self._is_over:
            self._give_up(LOST)
        self._chunk = "asked"
        self.heard = now

    def feed(self, data: bytes, now: float) -> None:
        """Takes a chunk as the transport delivered it at `now`. Fails nobody: it gives up instead.

        Only what interrupts the program goes through, and then the recorder gives up at the next step.
        """
        # first, so that `finish` in another thread sees this, or is seen here
        self._chunk = "taking"
        self.heard = now
        if self._is_over:
            return
        try:
            if self._decoder is not None:
                self._raw_size += len(data)
                for piece in self._decoder.feed(data):
                    if piece:
                        self._take(piece, now)
            elif data:  # as in `_take`; most chunks come through here
                self._parts.append(data)
                self._came.append(now)
                self._size += len(data)
                if self._size >= self._look_at:
                    self._take_stock()
        except UndecodableContent as error:
            self._give_up(f"its content-encoding cannot be undone: {error}")
        except _TooLarge as error:
            self._give_up(str(error))
        except OSError as error:
            if error.errno is None:
                raise  # no system's error: a signal's handler raised it, such as an alarm's `TimeoutError`
            self._give_up(f"there is no room to record it: {error}")
        except MemoryError:
            self._give_up(NO_MEMORY)
        self._chunk = ""

    def _take(self, data: bytes, now: float) -> None:
        self._parts.append(data)
        self._came.append(now)
        self._size += len(data)
        if self._size >= self._look_at:
            self._take_stock()

    def _take_stock(self) -> None:
        if self._largest is not None and self.size > self._largest:
            raise _TooLarge(f"its body is larger than the {self._largest:,} bytes that the store keeps")
        self._look(is_taking=True)

    def _look(self, *, is_taking: bool = False) -> None:
        """Lets the watcher see what it has not seen yet, unless another thread is at it.

        Args:
            is_taking: whether the current segment is closed where it is full.
        """
        try:
            self._turn.pop()
        except IndexError:
            return
        parts = self._parts
        looked, count = self._looked, len(parts)
        if count > looked:
            self._watcher.feed(b"".join(parts[looked:count]) if count > looked + 1 else parts[looked])
            self._looked = count
            self._look_again_later()
        if is_taking and (self._size >= SEGMENT_BYTES or len(self._parts) >= SEGMENT_CHUNKS):
            self._cut()
        self._turn.append(True)  # not where it was interrupted: what was looked at by half is of no use

    def _look_again_later(self) -> None:
        most = self._size + LOOK_BYTES
        self._look_at = most if self._largest is None else min(most, self._largest + 1 - self._held)

    def _cut(self) -> None:
        """Closes the current segment."""
        if not self._parts:
            return
        started = self._started
        lengths = array("I", map(len, self._parts))
        try:
            offsets = array("Q", [round((came - started) * 1e6) for came in self._came])
        except OverflowError:  # a clock was put back
            offsets = array("Q", [max(0, round((came - started) * 1e6)) for came in self._came])
        segment = Segment(b"".join(self._parts), 0, lengths, offsets)
        self._held += self._size
        self._last = self._came[-1]
        self._clear()
        self._segments.append(segment)
        if self._held > MEMORY_LIMIT:
            spool = self._spool
            if spool is None:
                spool = self._spool = self._make_spool()
            for waiting in self._segments:
                spool.append(waiting)
            self._segments.clear()

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._came: list[float] = []
        self._size = 0
        self._looked = 0
        self._look_again_later()

    def _give_up(self, reason: str) -> None:
        self.reason = reason  # first: `finish` in another thread looks for it last
        self._is_over = True
        self._segments = []
        self._spool = None
        self._clear()

    def finish(self, ending: Ending, *, partly: bool = False) -> Body | None:
        """The body, if it is all there; otherwise None, and `reason` says why. To be called once.

        Another thread may be in `feed`: what it takes then is not kept, nor is anything that came before it.

        Args:
            ending: how the body ended.
            partly: gives what came of a body that the caller left, too; `reason` says that it is not all.
        """
        self._is_over = True
        try:
            reason = self.reason or self._torn() or self._missing(ending)
            if reason and (self.reason or self._torn() or not partly or ending not in LEFT):
                self._give_up(reason)
                return None
            self._cut()
            body = Body(self._segments if self._spool is None else self._spool.segments)
        except OSError as error:
            if error.errno is None:
                raise
            self._give_up(f"there is no room to record it: {error}")
            return None
        except MemoryError:
            self._give_up(NO_MEMORY)
            return None
        if self.reason:
            return None  # a second reader asked meanwhile
        self.reason = reason
        return body

    def is_whole(self, ending: Ending) -> bool:
        """Whether nothing is missing if the body ends now, in this way."""
        return not self.reason and not self._torn() and not self._missing(ending)

    def _torn(self) -> str:
        """Why nothing of it can be relied on, where it was broken off in the middle of a step."""
        return LOST if self._is_ending or self._chunk == "taking" or not self._turn else ""

    def _missing(self, ending: Ending) -> str:
        """What is missing of the body; empty where nothing is."""
        if not self._has_body:
            return ""
        watcher = self.watcher
        if ending is not Ending.END and not watcher.is_over and not self._all_bytes_came():
            if ending is Ending.CLOSED:
                return "the caller closed the response before its end"
            if ending is Ending.CUT:
                return "the caller closed the response before its end, and the rest of it broke off"
            return "the response broke off"
        if not watcher.is_over:
            self._is_ending = True
            watcher.end()
            self._is_ending = False
            if self._decoder is not None:
                try:
                    self._decoder.end()
                except UndecodableContent as error:
                    return str(error)
            if not self._framed and not watcher.tells_its_end:
                return "the connection's end was the body's end, and the answer does not tell that it is whole"
        if self._raw_whole is not None and ending is Ending.END and self._came_raw < self._raw_whole:
            return "the body is shorter than its content-length"
        return ""

    def _all_bytes_came(self) -> bool:
        return self._raw_whole is not None and self._came_raw >= self._raw_whole

    @property
    def _came_raw(self) -> int:
        """Bytes that came, content-encoding and all."""
        return self.size if self._decoder is None else self._raw_size
