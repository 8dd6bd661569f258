"""The calls that a proxy answered lately, for people who look on."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from .._models import Request

__all__ = ["CallLog", "SeenCall"]

KEPT = 1000
"""Calls that are remembered."""


@dataclass(slots=True)
class SeenCall:
    """One call, as far as it has come.

    Attributes:
        number: counts from 1.
        method: in upper case.
        upstream: the name by which the proxy knows who is called.
        path: behind that, without the query.
        at: when it came, in seconds since 1970 (UTC).
        status: `"hit"`, `"miss"` or `"live"` as in an `Outcome`; `"refused"` where upstream may not be called,
            `"failed"` where it could not be; empty while that is open.
        fault: what was made to go wrong with what was replayed; empty where nothing was.
        reason: why it is `"live"`, `"refused"` or `"failed"`, for people.
        code: the status of the response; 0 while there is none.
        key: under which its answer is stored, or would be; empty where it has none.
        store: what answered, or would have.
        first: seconds until the response's head was there.
        seconds: until all of it was; None while it comes.
        size: bytes of the body so far.
        is_stream: whether the answer is a stream of events.
        request: in its stored form, where it was looked for and not found.
        changed: grows with each change of any call.
    """

    number: int
    method: str
    upstream: str
    path: str
    at: float = field(default_factory=time.time)
    status: str = ""
    fault: str = ""
    reason: str = ""
    code: int = 0
    key: str = ""
    store: str = ""
    first: float = 0.0
    seconds: float | None = None
    size: int = 0
    is_stream: bool = False
    request: Request | None = None
    changed: int = 0


class CallLog:
    """Remembers the last calls. Used from one event loop.

    Args:
        kept: how many.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._numbers = itertools.count(1)
        self._changes = 0
        self._calls: OrderedDict[int, SeenCall] = OrderedDict()

    @property
    def changes(self) -> int:
        """How many changes there were."""
        return self._changes

    def begin(self, method: str, upstream: str, path: str) -> SeenCall:
        """A call has come; whoever answers it fills in the rest and says so by `note`."""
        call = SeenCall(next(self._numbers), method, upstream, path)
        self._calls[call.number] = call
        while len(self._calls) > self._kept:
            self._calls.popitem(last=False)
        self.note(call)
        return call

    def note(self, call: SeenCall) -> None:
        """Something in it has changed."""
        self._changes += 1
        call.changed = self._changes

    def get(self, number: int) -> SeenCall | None:
        """The call of that number, while it is remembered."""
        return self._calls.get(number)

    def since(self, change: int) -> list[SeenCall]:
        """The calls that changed after the change of that number, the oldest first; all of them after 0."""
        return [call for call in self._calls.values() if call.changed > change]
