"""What goes wrong with one answer that is replayed, and when.

plan.course(read_timeout)       how long its head takes, and whether it comes at all
plan.steps(read_timeout)        its chunks, pauses, and what it breaks off with
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from .._faults import Fault
from .._models import Body

SILENCE_SECONDS = 60.0
"""How long a stall without an end lasts where the client has no time-out of its own to end it."""

Met = dict[tuple[str, str], list[int]]
"""How many calls of a key each of the faults of a text has met, by both."""

ErrorName = Literal["ConnectError", "ReadError", "ReadTimeout", "RemoteProtocolError"]


class Break(NamedTuple):
    """The connection breaks.

    Attributes:
        error: the class of the client library's error, as that raises it where a server does the same.
        text: of it.
    """

    error: ErrorName
    text: str


class Step(NamedTuple):
    """What comes next of a body: a chunk, a pause, or its breaking off.

    Attributes:
        data: of a chunk.
        offset: of the chunk, in microseconds from the response head.
        seconds: for which nothing comes.
        broken: what it breaks off with.
    """

    data: bytes = b""
    offset: int = 0
    seconds: float = 0.0
    broken: Break | None = None


class Course(NamedTuple):
    """What comes of a call up to its head.

    Attributes:
        seconds: that the head takes.
        broken: what the call breaks off with instead of a head; None where one comes.
        is_whole: whether the caller gets the whole recording, if it reads on.
    """

    seconds: float
    broken: Break | None
    is_whole: bool


_REFUSED = Break("ConnectError", "[Errno 111] Connection refused")
_RESET = Break("ReadError", "[Errno 104] Connection reset by peer")
_CUT = Break(
    "RemoteProtocolError",
    "peer closed connection without sending complete message body (incomplete chunked read)",
)
_SILENT = Break("ReadTimeout", "timed out")
_ENDS = {"refuse": _REFUSED, "reset": _RESET, "cut": _CUT}


class Plan(NamedTuple):
    """What goes wrong with one answer.

    Attributes:
        text: the faults that are due.
        faults: the same.
        body: of the recording, or of what is answered in its place.
    """

    text: str
    faults: tuple[Fault, ...]
    body: Body

    def course(self, read_timeout: float | None) -> Course:
        """What comes of the call up to its head.

        Args:
            read_timeout: seconds for which the client waits for what is to come; None for any time.
        """
        seconds = sum(fault.seconds or 0.0 for fault in self.faults if fault.kind == "delay")
        if seconds and read_timeout is not None and seconds >= read_timeout:
            return Course(read_timeout, self._told(_SILENT), is_whole=False)
        broken = next((_ENDS[fault.kind] for fault in self.faults if fault.is_before_head), None)
        is_lost = any(
            fault.ends or (fault.kind == "stall" and _outlasts(fault.seconds, read_timeout))
            for fault in self.faults
        )
        return Course(seconds, None if broken is None else self._told(broken), not is_lost)

    def steps(self, read_timeout: float | None) -> Iterator[Step | None]:
        """The body: its chunks, and what disturbs them.

        None stands where others may run. What breaks off is the last that comes, and comes again for ever: nobody
        finds an end behind it.

        Args:
            read_timeout: as above.
        """
        ahead = [fault for fault in self.faults if fault.kind in ("cut", "stall", "reset")]
        chunks = size = 0
        for coming in self._cut_anew():
            if coming is None:
                yield None
                continue
            data, offset = coming
            while True:
                yield from self._met(ahead, chunks, size, read_timeout)
                rooms = [fault.bytes - size for fault in ahead if fault.bytes is not None]
                rooms = [room for room in rooms if room < len(data)]
                if not rooms:
                    break
                part, data = data[: min(rooms)], data[min(rooms) :]
                size += len(part)
                yield Step(part, offset)
            yield Step(data, offset)
            chunks += 1
            size += len(data)
        # where the body is shorter, they are met at its end: what was to be broken is never whole
        yield from self._met(ahead, None, size, read_timeout)

    def _met(
        self, ahead: list[Fault], chunks: int | None, size: int, read_timeout: float | None
    ) -> Iterator[Step]:
        """What is met here, and taken from the list; at the end of the body, where `chunks` is None, all of it."""
        for fault in list(ahead):
            if chunks is None or _is_reached(fault, chunks, size):
                ahead.remove(fault)
                yield from self._of(fault, read_timeout)

    def _of(self, fault: Fault, read_timeout: float | None) -> Iterator[Step]:
        broken = _ENDS.get(fault.kind)
        if fault.kind == "stall":
            if read_timeout is not None and _outlasts(fault.seconds, read_timeout):
                yield Step(seconds=read_timeout)
                broken = _SILENT
            elif fault.seconds is None:
                yield Step(seconds=SILENCE_SECONDS)
                broken = _CUT
            else:
                yield Step(seconds=fault.seconds)
        while broken is not None:
            yield Step(broken=self._told(broken))

    def _cut_anew(self) -> Iterator[tuple[bytes, int] | None]:
        size = next((fault.size for fault in self.faults if fault.kind == "resplit"), 0)
        if not size:
            yield from self.body.timed()
            return
        rest, offset = b"", 0
        for coming in self.body.timed():
            if coming is None:
                yield None
                continue
            data, offset = coming
            data = rest + data
            whole = len(data) - len(data) % size
            for at in range(0, whole, size):
                yield data[at : at + size], offset
            rest = data[whole:]
        if rest:
            yield rest, offset

    def _told(self, broken: Break) -> Break:
        return broken._replace(text=f"{broken.text} (by replaycache, for fault={self.text!r})")


def _is_reached(fault: Fault, chunks: int, size: int) -> bool:
    """Whether a fault is met behind so many chunks, or so many bytes, of a body."""
    return chunks >= (fault.after or 0) if fault.bytes is None else size >= fault.bytes


def _outlasts(seconds: float | None, read_timeout: float | None) -> bool:
    return read_timeout is not None and (seconds is None or seconds >= read_timeout)
