"""One request on its way: what is decided about it, and what becomes of its response."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .._errors import CacheMiss, CorruptRecording, MissReason, SecretFound
from .._models import Headers, Outcome, Recording, Request, ResponseHead
from ..dialects import providers as _providers
from ..match import Identity
from ..options import Mode, parse_duration, parse_sample
from ..stores import StoreBusy
from ..wire import url as _url
from .diagnosis import diagnose
from .flights import ClaimedElsewhere, Flight, board, landings
from .recorder import Ending, Recorder
from .sampling import current_sample
from .stored_form import stored_form

if TYPE_CHECKING:
    from .exchange import Exchange, Unclosed

__all__ = [
    "CALL_HEADERS",
    "Call",
    "Decision",
    "Endpoint",
    "Forward",
    "Recheck",
    "Refuse",
    "Replay",
    "Wait",
    "endpoint",
]

CALL_HEADERS = frozenset({"x-replaycache-mode", "x-replaycache-sample", "x-replaycache-ttl"})
"""Options of one call, through any SDK's extra headers. They are never sent upstream."""


LATE_SECONDS = 1.0
"""For how long, at most, a response is read on that was let go of: another call waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Answer from the recording; `pace` spaces its chunks."""

    recording: Recording
    outcome: Outcome
    pace: float


@dataclass(frozen=True, slots=True)
class Forward:
    """Call upstream."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a flight is over; then `call.go_alone()`."""

    flight: Flight


@dataclass(frozen=True, slots=True)
class Recheck:
    """Load and decide again; where the store is `slow` now, it may wait."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Raise `call.miss(reason)`."""

    reason: MissReason


Decision = Replay | Forward | Wait | Recheck | Refuse


_READING = frozenset({Mode.AUTO, Mode.REPLAY, Mode.VERIFY})


class Endpoint(NamedTuple):
    origin: str
    netloc: bytes
    path: str
    generates: bool


@lru_cache(maxsize=1024)
def endpoint(method: str, url: str) -> Endpoint:
    parsed = _url.parse(url)
    generates = _providers.generates(method, parsed.path)
    return Endpoint(parsed.origin, parsed.netloc.encode("latin-1", "replace"), parsed.path, generates)


class Call:
    """One request on its way. Adapters make it by `Exchange.call`."""

    __slots__ = (
        "_alone",
        "_began",
        "_body",
        "_body_of",
        "_claimed",
        "_exchange",
        "_expected",
        "_flight",
        "_head",
        "_headers",
        "_held",
        "_held_by",
        "_identity",
        "_is_busy",
        "_is_late",
        "_is_paid_for",
        "_landings",
        "_latency",
        "_looked",
        "_pending",
        "_recorded_at",
        "_recorder",
        "_request",
        "_sent_at",
        "_settled",
        "_storable",
        "_why",
        "found",
        "method",
        "mode",
        "needs_body",
        "outcome",
        "sample",
        "ttl",
        "url",
    )

    def __init__(
        self,
        exchange: Exchange,
        method: str,
        url: str,
        headers: Iterable[tuple[bytes, bytes]],
        found: list[tuple[bytes, bytes]],
    ) -> None:
        options = exchange.options
        self._began = time.perf_counter()
        self._exchange = exchange
        self._headers = headers
        self.method = method
        self.url = url
        self.found = found
        self.mode = options.mode
        number = current_sample()
        self.sample = options.sample if number is None else number
        self.ttl = options.ttl
        for name, _ in found:
            if name.startswith(b"x-replaycache-"):
                self._read_call_headers()
                break
        self.outcome = Outcome("live", store=exchange.store.location)
        self._identity: Identity | None = None
        self._body = b""
        self._request: Request | None = None
        self._landings = 0
        self._why: MissReason = "no_recording"
        self._expected: Recording | None = None
        self._flight: Flight | None = None
        self._alone = False
        self._claimed = False
        self._looked = False
        self._storable = True
        self._recorder: Recorder | None = None
        self._head: ResponseHead | None = None
        self._pending: Recording | None = None
        self._settled = False
        self._is_paid_for = False
        self._held: list[object] = []
        self._body_of: weakref.ref[Unclosed] | None = None
        self._held_by = 0
        self._is_late = False
        self._is_busy = False
        self._sent_at = self._latency = self._recorded_at = 0.0
        if self.mode is Mode.OFF:
            self.outcome.reason = "the mode is off"
            self.needs_body = False
        else:
            self.needs_body = exchange.needs_body_always or endpoint(method, url).generates

    def _read_call_headers(self) -> None:
        for name, value in self.found:
            if name.startswith(b"x-replaycache-"):
                where, text = name.decode(), value.decode("latin-1").strip()
                if name == b"x-replaycache-mode":
                    self.mode = Mode.parse(text, where)
                elif name == b"x-replaycache-sample":
                    self.sample = parse_sample(text, where)
                else:
                    self.ttl = parse_duration(text, where)
        self.found = [item for item in self.found if not item[0].startswith(b"x-replaycache-")]

    @property
    def has_call_headers(self) -> bool:
        """Whether the request carries headers that must not be sent upstream."""
        return any(name.lower().startswith(b"x-replaycache-") for name, _ in self._headers)

    @property
    def max_request_bytes(self) -> int:
        """How many bytes of a request's body are read."""
        return self._exchange.options.max_request_bytes

    @property
    def request(self) -> Request:
        """The request as a value, with its body once `identify` has it."""
        if self._request is None:
            headers: Headers = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in self._headers
                if not name.lower().startswith(b"x-replaycache-")
            )
            self._request = Request(self.method, self.url, headers, self._body)
        return self._request

    def identify(self, body: bytes | None) -> None:
        """Takes the request's body; None where it is larger than `max_request_bytes`."""
        if body is None:
            self._storable = False
            self.outcome.reason = f"the request's body is larger than max_request_bytes={self.max_request_bytes}"
            return
        self._body = body
        known = self._exchange.recall(self, body)
        self._identity = known.identity
        self.outcome.key = known.identity.key
        if not known.cacheable:
            self._storable = False
            self.outcome.reason = "a cache keeps only calls that generate, and this is none"

    def load(self) -> Recording | None:
        """Reads the store, where the request may be answered from it.

        Raises:
            StoreError: the store failed and the mode is `replay`.
            CassetteError: the cassette cannot be read.
        """
        self.mode = self._exchange.resolve(self.mode)
        if self._exchange.sequence is not None and self.mode is Mode.RECORD:
            self._exchange.sequence.check()
        if self._identity is None or not self._storable or self.mode not in _READING:
            return None
        if self._exchange.sequence is not None:
            found, self._why = self._exchange.sequence.take(self._identity)
            return found
        self._landings = landings()
        self._is_busy = False
        try:
            return self._exchange.store.get(self._identity.key)
        except StoreBusy:
            self._is_busy = True
            return None
        except Exception as error:
            if self.mode is Mode.REPLAY:
                raise
            if not isinstance(error, CorruptRecording):
                self._storable = False
                self.outcome.reason = f"the store failed: {error}"
            self._exchange.reporter.warn_once(f"{error} The call goes live.")
            return None

    def decide(self, found: Recording | None) -> Decision:
        """What to do, given what `load` found."""
        mode = self.mode
        if mode is Mode.OFF:
            return Forward()
        if self._is_busy:
            return Recheck()
        if self._identity is None or not self._storable:
            if mode is not Mode.REPLAY:
                if not self.outcome.reason:
                    self.outcome.reason = "a cache keeps only calls that generate, and this is none"
                return self._alone_forward()
            too_large = self.needs_body and self._identity is None
            return Refuse("request_too_large" if too_large else "not_cacheable")
        if mode is Mode.RECORD:
            return Forward()
        if mode is Mode.VERIFY:
            self._expected = found
            return Forward()
        self._looked = True
        if found is not None and (self._exchange.sequence is not None or self._is_confirmed(found)):
            age = time.time() - found.recorded_at
            if self.ttl is None or age <= self.ttl:
                self.land()
                return self._replay(found, age)
            self._why = "expired"
        if mode is Mode.REPLAY:
            return Refuse(self._why)
        return self._take_off()

    def _is_confirmed(self, found: Recording) -> bool:
        # the key's hash is not cryptographic: the digest of the canonical request confirms the hit
        return self._identity is not None and found.digest == self._identity.digest and found.complete

    def _alone_forward(self) -> Forward:
        self.land()
        return Forward()

    def _replay(self, found: Recording, age: float) -> Replay:
        outcome = self.outcome
        outcome.status, outcome.recorded_at, outcome.age = "hit", found.recorded_at, max(0.0, age)
        self._exchange.reporter.hit(found, outcome, time.perf_counter() - self._began)
        return Replay(found, outcome, self._exchange.options.pace)

    def _take_off(self) -> Decision:
        if self._flight is not None or self._alone or not self._exchange.is_cache or self._identity is None:
            return Forward()
        owner = self._exchange.owner()
        mine = Flight((self._exchange.store.identity, self._identity), owner)
        # known before it is aloft, and the claim before it is taken: an interrupt must find what is to be let go
        self._flight = mine
        flight = board(mine)
        if flight is not mine:
            self._flight = None
            return Forward() if flight.blocks(owner) else Wait(flight)
        claims = self._exchange.claims
        if claims is not None:
            self._claimed = True
            key = self._identity.key
            if not claims.claim(key):
                self._exchange.reporter.waiting(key)
                return Wait(ClaimedElsewhere(claims, key))
        # another flight, or that of another process, may have landed since the store was read
        first = claims is None and landings() == self._landings
        return Forward() if first else Recheck()

    def go_alone(self) -> None:
        """Waits for no other call any more."""
        self._alone = True

    def miss(self, reason: MissReason) -> CacheMiss:
        """The error that tells what was asked, why nothing matched, what comes nearest, and what to do."""
        exchange = self._exchange
        key = self._identity.key if self._identity is not None else ""
        miss = diagnose(
            stored_form(self.request, exchange.options.redact),
            reason,
            mode=self.mode,
            key=key,
            store=exchange.store,
            advice=exchange.advice,
        )
        exchange.reporter.refused(miss)
        return miss

    def sending(self) -> None:
        """Upstream is about to be called.

        Raises:
            BudgetExceeded: it may not be.
        """
        if self.mode is not Mode.OFF:
            exchange = self._exchange
            exchange.reporter.sending(self.outcome.key)
            if self._looked:
                asked = stored_form(self.request, exchange.options.redact)
                exchange.reporter.miss(asked, self._why, self.outcome.key)
        self._sent_at = time.perf_counter()

    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, decoded: bool = False) -> Outcome:
        """Takes the head of upstream's response; says what becomes of it so far.

        Args:
            status: of the response.
            headers: as the client library has them.
            decoded: whether the chunks that follow have lost the content-encoding that the headers name.
        """
        now = time.perf_counter()
        self._is_paid_for = 200 <= status < 300 and endpoint(self.method, self.url).generates
        if self._identity is not None and self._storable and self.mode is not Mode.OFF:
            head = ResponseHead(
                status,
                tuple(
                    (key, value.decode("latin-1"))
                    for name, value in headers
                    if not (key := name.decode("latin-1").lower()).startswith("content-")
                    or not decoded
                    or key in ("content-type", "content-disposition")
                ),
            )
            if self._exchange.keep(head):
                self._head = head
                self._latency = now - self._sent_at
                self._recorded_at = time.time()
                self._recorder = Recorder(endpoint(self.method, self.url).path, head, now, self._exchange.spool)
                self.outcome.reason = "the response's body has not been read to its end"
            else:
                self.outcome.reason = f"a response with status {status} is not kept"
        if self._recorder is None:
            self.land()
        elif self._flight is not None:
            self._flight.hand_over()
        return self.outcome

    def resume(self) -> None:
        """Upstream is about to be asked for the next chunk."""
        recorder, flight = self._recorder, self._flight  # another thread may settle meanwhile
        if recorder is not None:
            recorder.ask()
        if flight is not None:
            flight.resume()

    def feed(self, data: bytes) -> None:
        """Takes a chunk that is handed to the caller."""
        recorder, flight = self._recorder, self._flight
        if recorder is not None:
            recorder.feed(data, time.perf_counter())
            if flight is not None:
                flight.hand_over()

    def drain_seconds(self) -> float:
        """Seconds for which a response that is closed now is read on.

        0 where it is whole or is not stored, and where a chunk is owed: somebody waits for it, or it is lost.
        """
        recorder = self._recorder
        if self._settled or recorder is None or recorder.reason or recorder.is_owed:
            return 0.0
        if recorder.is_whole(Ending.CLOSED):
            return 0.0
        if self._held_by != os.getpid():
            return 0.0  # a forked process may not read from its parent's connections
        seconds = self._exchange.drain_seconds(ends_soon=recorder.ends_soon)
        return min(seconds, LATE_SECONDS) if self._is_late else seconds

    @property
    def is_whole(self) -> bool:
        """Whether all of the answer is there, though its response is still open."""
        recorder = self._recorder
        return not self._settled and recorder is not None and recorder.is_whole(Ending.CLOSED)

    @property
    def open_body(self) -> Unclosed | None:
        """The body of a response that is still open, though nothing or little is to come of it."""
        body = self._body_of() if self._body_of is not None else None
        recorder = self._recorder
        if body is None or self._settled or recorder is None:
            return None
        is_ours = self._held_by == os.getpid()
        return body if is_ours and (recorder.ends_soon or self.is_whole) else None

    def hold(self, upstream: object, body: Unclosed) -> None:
        """Keeps what is read from alive until the response has settled.

        A response that is let go of is garbage together with what it was read from, and of that the collector may
        close some before it comes to the response.
        """
        if self._recorder is not None:
            self._body_of = weakref.ref(body)
            self._held_by = os.getpid()
            self._held.append(upstream)
            self._exchange.held.add(self)

    def drop(self, body: Unclosed) -> None:
        """The response was let go of without being closed: where that is worth it, it is closed later.

        The collector may call this anywhere: nothing is saved here, and nothing read.
        """
        if self.is_whole or self.drain_seconds():
            self.land()  # nobody waits for what may never be taken up
            self._is_late = True
            self._exchange.dropped.append(body)
            # the body has all that it is read from; where it is lost on its way from there, that goes with it
            self._exchange.held.discard(self)
            return
        self.abandon("the response was dropped, not closed")

    def abandon(self, reason: str) -> None:
        """The response is of no use to anybody: settles, and stores nothing."""
        self.settle(Ending.FAILED)
        self.forget(reason)

    def settle(self, ending: Ending) -> bool:
        """Says how the response ended; the first time counts. Tells whether there is something to `save`.

        Whatever interrupts it, nobody waits for it any more.
        """
        if self._settled:
            return self._pending is not None
        self._settled = True
        recorder, self._recorder = self._recorder, None
        try:
            self._let_go()
            self._finish(recorder, ending)
        except BaseException:
            self._let_go()
            self.land()
            if self._pending is None:
                self.outcome.reason = "it was interrupted before it was stored"
            raise
        return self._pending is not None

    def _let_go(self) -> None:
        self._held.clear()
        self._exchange.held.discard(self)

    def _finish(self, recorder: Recorder | None, ending: Ending) -> None:
        """Leaves in `_pending` what is to be stored, or lands where nothing is."""
        if recorder is None or self._head is None or self._identity is None:
            self.land()
            if self._sent_at and self.mode is not Mode.OFF:
                if self._is_paid_for:
                    self._lose()
                self._pass()
            return
        failed = recorder.failed
        body = recorder.finish(ending, partly=not self._exchange.is_cache)
        if body is None:
            self.outcome.reason = recorder.reason
        elif failed and self._exchange.is_cache:
            self.outcome.reason = "the stream ended in an error"
            body = None
        if body is None:
            self.land()
            self._lose()
            self._pass()
            return
        if recorder.reason:
            self.outcome.reason = recorder.reason
        redact = self._exchange.options.redact
        self._pending = Recording(
            request=stored_form(self.request, redact),
            head=redact.head(self._head),
            body=body,
            digest=self._identity.digest,
            recorded_at=self._recorded_at,
            latency=self._latency,
            complete=not recorder.reason,
            sample=self.sample,
            size=recorder.size,
            duration=self._latency + recorder.duration,
        )

    def save(self) -> None:
        """Stores what `settle` left to store; does nothing when it is called again.

        Never fails the caller's call: it warns instead. Whatever interrupts it, nobody waits for it any more.
        """
        recording, self._pending = self._pending, None
        if recording is None or self._identity is None:
            return
        try:
            self._store(recording, self._identity)
        except BaseException:
            self.land()
            if self.outcome.status != "miss":
                self.outcome.reason = "storing it was interrupted"
            raise

    def _store(self, recording: Recording, identity: Identity) -> None:
        exchange = self._exchange
        exchange.reporter.answered(recording)
        if self.mode is Mode.VERIFY:
            self.outcome.reason = "the mode is verify"
            if recording.complete:
                exchange.verify(self._expected, recording)
            self._pass(recording)
            self.land()
            return
        try:
            exchange.save(recording, identity, self.mode)
        except SecretFound as error:
            self.outcome.reason = str(error)
            exchange.reporter.warn(str(error))
        except Exception as error:  # noqa: BLE001  # a store of the user's may raise anything
            self.outcome.reason = f"the store failed: {error}"
            exchange.reporter.warn_once(f"{error} The answer was not stored.")
        else:
            self.outcome.status = "miss"
            if recording.complete:
                self.outcome.reason = ""
        self.land()
        if self.outcome.status == "miss":
            exchange.reporter.stored(recording, self.outcome)
        else:
            self._pass(recording)

    def forget(self, reason: str) -> None:
        """Stores nothing of what is left to `save`."""
        if self._pending is not None:
            self._pending = None
            self.outcome.reason = reason
            self.land()

    def _lose(self) -> None:
        exchange = self._exchange
        exchange.reporter.lost(f"{self.method} {exchange.options.redact.url(self.url)}", self.outcome)

    def _pass(self, recording: Recording | None = None) -> None:
        self._exchange.reporter.passed(self.outcome, recording, time.perf_counter() - self._sent_at)

    def land(self) -> None:
        """Nobody waits for this call any more. If interrupted, it is to be called again."""
        if self._claimed and self._identity is not None and self._exchange.claims is not None:
            # while the flight is up nobody else in this process claims the key: it may be released twice
            self._exchange.claims.release(self._identity.key)
            self._claimed = False
        flight = self._flight
        if flight is not None:
            flight.land()
            self._flight = None
