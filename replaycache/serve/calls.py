"""The calls that a proxy answered lately, for people who look on."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from .._models import Request

KEPT = 1000
"""Calls that are remembered."""

KEPT_BYTES = 32 << 20
"""Bytes of requests that are remembered with them."""


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
        request: in its stored form, where it was looked for and not found, while it is remembered.
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
        kept_bytes: of their requests.
    """

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._with_request: OrderedDict[int, SeenCall] = OrderedDict()
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
            self._forget_request(self._calls.popitem(last=False)[1])
        self.note(call)
        return call

    def keep_request(self, call: SeenCall, request: Request) -> None:
        """Remembers what a call asked, for as long as there is room: the oldest go, the call itself stays."""
        self._forget_request(call)
        if call.number not in self._calls or len(request.body) > self._kept_bytes:
            return
        call.request = request
        self._with_request[call.number] = call
        self._bytes += len(request.body)
        while self._bytes > self._kept_bytes:
            self._forget_request(next(iter(self._with_request.values())))

    def _forget_request(self, call: SeenCall) -> None:
        if self._with_request.pop(call.number, None) is not None and call.request is not None:
            self._bytes -= len(call.request.body)
            call.request = None

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
