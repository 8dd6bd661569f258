"""One request's way through replaycache, for every transport.

    call = exchange.call(method, url, headers)      an adapter, for each request
    call.identify(body)                             where `call.needs_body`
    call.decide(call.load())                        Replay | Forward | Wait | Recheck | Refuse

    Replay    the adapter answers from the recording's chunks
    Forward   the adapter calls upstream; then call.respond(), call.feed() for every chunk,
              call.settle() exactly once, and call.save() where that says so
    Wait      an identical request is in flight: wait for it, call.go_alone(), load and decide again
    Recheck   load and decide again
    Refuse    raise call.miss(): upstream may not be called

Nothing here knows a client library, opens a file, starts a thread or awaits: adapters do, and the store
that they were given. Every method may be called from any thread, one at a time.
"""

from __future__ import annotations

import logging
import secrets
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import xxhash

from ._errors import (
    CacheMiss,
    CassetteError,
    ConfigurationError,
    CorruptRecording,
    DriftFound,
    MissReason,
    ReplayCacheWarning,
    SecretFound,
    StoreError,
)
from ._models import Headers, Outcome, Recording, Request, ResponseHead
from .drift import compare
from .flights import Flight, Owner, board, landings
from .match import Identity
from .match import providers as _providers
from .match import url as _url
from .nearest import CANDIDATES, Difference, find_nearest
from .options import Mode, Options, parse_duration, parse_sample
from .recorder import Ending, Recorder, Spooled
from .sequence import Sequence, SequenceStore
from .stored_form import stored_form

if TYPE_CHECKING:
    from .stores import Store

__all__ = [
    "CALL_HEADERS",
    "DRAIN_BYTES",
    "DRAIN_SECONDS",
    "Call",
    "Decision",
    "Exchange",
    "Forward",
    "Recheck",
    "Refuse",
    "Replay",
    "Tally",
    "Wait",
    "incomplete",
]

logger = logging.getLogger("replaycache")

CALL_HEADERS = frozenset({"x-replaycache-mode", "x-replaycache-sample", "x-replaycache-ttl"})
"""Options of one call, through any SDK's extra headers. They are never sent upstream."""

DRAIN_SECONDS = 10.0
DRAIN_BYTES = 16 << 20
"""Bounds for reading to its end what a caller closed early (`on_abandon="drain"`)."""

SEARCH_SECONDS = 0.025
"""How long the nearest recording is looked for, so that a miss stays quick in a large store."""

ALIASES = 4096
"""How many bodies are remembered by their raw hash, so that they need not be made canonical again."""


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
    """Load and decide again."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Raise `call.miss(reason)`."""

    reason: MissReason


Decision = Replay | Forward | Wait | Recheck | Refuse


_READING = frozenset({Mode.AUTO, Mode.REPLAY, Mode.VERIFY})


class _Endpoint(NamedTuple):
    origin: str
    netloc: bytes
    path: str
    generates: bool


@lru_cache(maxsize=1024)
def _endpoint(method: str, url: str) -> _Endpoint:
    parsed = _url.parse(url)
    generates = _providers.generates(method, parsed.path)
    return _Endpoint(parsed.origin, parsed.netloc.encode("latin-1", "replace"), parsed.path, generates)


def _with_host(url: str, host: str) -> str:
    """The URL by which a server that goes by the Host header knows it."""
    parsed = _url.parse(url)
    if parsed.netloc == host.lower():
        return url
    return f"{parsed.scheme}://{host}{url[url.index(parsed.path, len(parsed.scheme) + 3) :]}"


class _Known(NamedTuple):
    """What is known of a request whose raw bytes were seen before."""

    identity: Identity
    cacheable: bool


@dataclass(slots=True)
class Tally:
    """What a session came to.

    Attributes:
        replayed: calls that a recording answered.
        recorded: answers that were stored.
        misses: of a cassette, what was refused.
        played: the recordings that were replayed, by their `id`; they live as long as their store.
        drifts: in mode `verify`, the answers that differ in shape from what was recorded.
        secrets: recordings of a cassette that were not written because of what they hold.
    """

    replayed: int = 0
    recorded: int = 0
    misses: list[CacheMiss] = field(default_factory=list)
    played: set[int] = field(default_factory=set)
    drifts: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)


class Exchange:
    """What a transport keeps between requests.

    Args:
        options: checked.
        store: where recordings are.
        spool: makes a place for a body that is too large for memory.
        owner: says who asks.

    Raises:
        ConfigurationError: an option does not go together with the store.
    """

    def __init__(
        self, options: Options, store: Store, spool: Callable[[], Spooled], owner: Callable[[], Owner]
    ) -> None:
        repeats = options.repeats or store.repeats
        if repeats == "sequence" and store.repeats == "same":
            raise ConfigurationError(
                "repeats='sequence' needs a store that keeps recordings in order (a cassette), and "
                f"{store.location} is a cache"
            )
        self.options = options
        self.store = store
        self.spool = spool
        self.owner = owner
        self.is_cache = store.repeats == "same"
        self.sequence = (
            None if self.is_cache else Sequence(cast("SequenceStore", store), repeats, self._identify_recording)
        )
        self.drains = (options.on_abandon or ("discard" if self.is_cache else "drain")) == "drain"
        self.tally = Tally()
        self._aliases: dict[Hashable, _Known] = {}
        self._seed = secrets.randbits(64)
        self._wanted = frozenset(
            name.encode()
            for name in (*options.match.key_headers, "host", "content-type", "content-encoding", *CALL_HEADERS)
        )
        # these two receive the whole request, so that every header may count
        self._all_headers = options.match.normalize is not None or options.match.cacheable is not None
        self._needs_body_always = not self.is_cache or options.match.cacheable is not None
        self._warned = False
        # a cassette is made to be committed, a cache stays with its user
        self.replaces_secrets = not self.is_cache and options.redact.secrets == "replace"

    def call(
        self, method: str, url: str, headers: Iterable[tuple[bytes, bytes]], target: bytes | None = None
    ) -> Call:
        """The next request.

        Args:
            method: in upper case.
            url: absolute.
            headers: as the client library has them.
            target: what is asked for instead of the URL's path and query, if anything.

        Raises:
            ConfigurationError: one of `CALL_HEADERS` has a wrong value.
        """
        wanted = self._wanted
        found = [(name, value) for key, value in headers if (name := key.lower()) in wanted or self._all_headers]
        if target is not None:
            url = _endpoint(method, url).origin + target.decode("latin-1")
        for name, value in found:
            if name == b"host" and value != _endpoint(method, url).netloc:
                url = _with_host(url, value.decode("latin-1"))
        return Call(self, method, url, headers, found)

    def keep(self, head: ResponseHead) -> bool:
        """Whether a response with this head is stored."""
        if self.options.keep is not None:
            return bool(self.options.keep(head))
        return not self.is_cache or 200 <= head.status < 300

    def _without_secrets(self, request: Request) -> Request:
        if not self.replaces_secrets:
            return request
        from .credentials import replace_in_request

        return replace_in_request(stored_form(request, self.options.redact))

    def _identify_recording(self, recording: Recording) -> Identity:
        match, redact = self.options.match, self.options.redact
        return match.identity(recording.request, sample=recording.sample, redact=redact)

    def resolve(self, mode: Mode) -> Mode:
        """The mode that `once` comes to, for the cassette as the session found it; others stay.

        Raises:
            CassetteError: the cassette cannot be read.
        """
        if mode is not Mode.ONCE:
            return mode
        has_recordings = not self.is_cache and cast("SequenceStore", self.store).had_recordings
        return Mode.REPLAY if has_recordings else Mode.AUTO

    def recall(self, call: Call, body: bytes) -> _Known:
        """The identity of a request, canonicalised only if its raw bytes are new.

        The raw hash is seeded with a number that nobody outside knows, so that no two bodies can be made
        to meet in it.
        """
        head = b"\0".join((call.method.encode(), call.url.encode(), b"%d" % call.sample, *_flat(call.found)))
        alias = (
            xxhash.xxh3_128_digest(head, self._seed),
            xxhash.xxh3_128_digest(body, self._seed),
            len(body),
        )
        known = self._aliases.get(alias)
        if known is None:
            request = self._without_secrets(call.request)
            match, redact = self.options.match, self.options.redact
            known = _Known(
                match.identity(request, sample=call.sample, redact=redact),
                not self.is_cache or match.is_cacheable(request),
            )
            if len(self._aliases) >= ALIASES:
                self._aliases.clear()
            self._aliases[alias] = known
        return known

    def save(self, recording: Recording, identity: Identity, mode: Mode) -> None:
        """Stores a recording.

        Raises:
            StoreError: the store failed.
            CassetteError: the file cannot be written.
        """
        if self.sequence is None:
            self.store.put(identity.key, recording)
            return
        from .credentials import find_in_recording, replace

        if self.replaces_secrets:
            recording = replace(recording)
        places = find_in_recording(recording)
        if places:
            in_url = any(place.where == "request.url" for place in places)
            what = (
                "a request" if in_url else f"{recording.request.method} {_url.parse(recording.request.url).path}"
            )
            found = f"{what}: {', '.join(str(place) for place in places)}"
            self.tally.secrets.append(found)
            raise SecretFound(f"a recording was not written, for it holds what looks like a credential. {found}")
        if mode is Mode.RECORD:
            self.sequence.renew(recording, identity)
        else:
            self.sequence.add(recording, identity)

    def verify(self, expected: Recording | None, live: Recording) -> None:
        """Reports where a live answer differs from the recorded one."""
        what = f"{live.request.method} {live.request.url}"
        if expected is None:
            self.report(f"nothing is recorded for {what}, so its answer cannot be verified")
            return
        drift = compare(expected, live)
        if drift.shape:
            self.tally.drifts.append(f"{what}: {drift}")
        if drift and not (drift.shape and self.options.on_drift == "raise"):
            self.report(f"the answer to {what} is not what was recorded: {drift}")

    def close(self) -> None:
        """Raises what a session is told at its end.

        Raises:
            SecretFound: recordings held what looks like a credential and were not written.
            DriftFound: answers differ in shape from what was recorded, and `on_drift` is `"raise"`.
        """
        secrets, self.tally.secrets = self.tally.secrets, []
        if secrets:
            listed = "".join(f"\n  {found}" for found in secrets)
            raise SecretFound(
                f"not written to {self.store.location}, for it holds what looks like a credential:{listed}\n"
                "Take it out of what is sent, name its place in Redact(...), or use Redact(secrets='replace')."
            )
        drifts, self.tally.drifts = self.tally.drifts, []
        if drifts and self.options.on_drift == "raise":
            raise DriftFound("upstream no longer answers as recorded:\n" + "\n".join(drifts))

    def report(self, message: str) -> None:
        """Warns, but never fails the caller's call."""
        try:
            warnings.warn(message, ReplayCacheWarning, stacklevel=2)
        except ReplayCacheWarning:
            # warnings are errors here, but nothing of ours fails the caller's call
            logger.warning("%s", message)

    def warn(self, message: str) -> None:
        """Says once that something went wrong that does not concern the caller's call."""
        if self._warned:
            logger.warning("%s", message)
            return
        self._warned = True
        self.report(message)


def _flat(pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [item for pair in pairs for item in pair]


class Call:
    """One request on its way. Adapters make it by `Exchange.call`."""

    __slots__ = (
        "_alone",
        "_body",
        "_exchange",
        "_expected",
        "_flight",
        "_head",
        "_headers",
        "_identity",
        "_landings",
        "_latency",
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
        self._exchange = exchange
        self._headers = headers
        self.method = method
        self.url = url
        self.found = found
        self.mode = options.mode
        self.sample = options.sample
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
        self._storable = True
        self._recorder: Recorder | None = None
        self._head: ResponseHead | None = None
        self._pending: Recording | None = None
        self._settled = False
        self._sent_at = self._latency = self._recorded_at = 0.0
        if self.mode is Mode.OFF:
            self.outcome.reason = "the mode is off"
            self.needs_body = False
        else:
            self.needs_body = exchange._needs_body_always or _endpoint(method, url).generates

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
        try:
            return self._exchange.store.get(self._identity.key)
        except Exception as error:
            if self.mode is Mode.REPLAY:
                raise
            if not isinstance(error, CorruptRecording):
                self._storable = False
                self.outcome.reason = f"the store failed: {error}"
            self._exchange.warn(f"{error} The call goes live.")
            return None

    def decide(self, found: Recording | None) -> Decision:
        """What to do, given what `load` found."""
        mode = self.mode
        if mode is Mode.OFF:
            return Forward()
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
        reason = self._why
        if found is not None and (self._exchange.sequence is not None or self._is_confirmed(found)):
            age = time.time() - found.recorded_at
            if self.ttl is None or age <= self.ttl:
                self._land()
                return self._replay(found, age)
            reason = "expired"
        if mode is Mode.REPLAY:
            return Refuse(reason)
        return self._take_off()

    def _is_confirmed(self, found: Recording) -> bool:
        # the key's hash is not cryptographic: the digest of the canonical request confirms the hit
        return self._identity is not None and found.digest == self._identity.digest and found.complete

    def _alone_forward(self) -> Forward:
        self._land()
        return Forward()

    def _replay(self, found: Recording, age: float) -> Replay:
        outcome = self.outcome
        outcome.status, outcome.recorded_at, outcome.age = "hit", found.recorded_at, max(0.0, age)
        tally = self._exchange.tally
        tally.replayed += 1
        if not self._exchange.is_cache:
            tally.played.add(id(found))
        return Replay(found, outcome, self._exchange.options.pace)

    def _take_off(self) -> Decision:
        if self._flight is not None or self._alone or not self._exchange.is_cache or self._identity is None:
            return Forward()
        owner = self._exchange.owner()
        flight, leads = board((self._exchange.store.identity, self._identity), owner)
        if leads:
            self._flight = flight
            # another flight may have landed since the store was read
            return Forward() if landings() == self._landings else Recheck()
        return Forward() if flight.blocks(owner) else Wait(flight)

    def go_alone(self) -> None:
        """Waits for no other call any more."""
        self._alone = True

    def miss(self, reason: MissReason) -> CacheMiss:
        """The error that tells what was asked, why nothing matched, what comes nearest, and what to do."""
        exchange = self._exchange
        asked = stored_form(self.request, exchange.options.redact)
        nearest: Recording | None = None
        places: list[Difference] = []
        if reason in ("no_recording", "expired", "already_played"):
            try:
                nearest, places = find_nearest(asked, _for_a_while(exchange.store.newest(CANDIDATES)))
            except StoreError as error:
                logger.debug("no nearest recording: %s", error)
        key = self._identity.key if self._identity is not None else ""
        lines = [f"no recording answers this request, and mode is {self.mode}: upstream was not called."]
        lines.append(f"  asked    {asked.method} {asked.url}{_about(asked)}")
        if key:
            lines.append(f"  key      {key}")
        lines.append(f"  why      {reason}: {_REASONS[reason]} {exchange.store.location}")
        if nearest is not None:
            when = datetime.fromtimestamp(nearest.recorded_at, UTC).strftime(" %Y-%m-%d %H:%M:%SZ")
            dated = when if nearest.recorded_at else ""  # what others recorded may bear no date
            lines.append(f"  nearest  recorded{dated}" + (", which differs in" if places else ""))
            lines.extend(f"             {place}" for place in places[:5])
            if len(places) > 5:
                lines.append(f"             and {len(places) - 5} more places")
        lines.append(f"  next     {_NEXT[reason]}")
        logger.info("miss %s %s", key, reason)
        miss = CacheMiss("\n".join(lines), reason=reason, request=asked, nearest=nearest, key=key)
        if not exchange.is_cache:
            exchange.tally.misses.append(miss)
        return miss

    def sending(self) -> None:
        """Upstream is about to be called."""
        self._sent_at = time.perf_counter()

    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, decoded: bool = False) -> Outcome:
        """Takes the head of upstream's response; says what becomes of it so far.

        Args:
            status: of the response.
            headers: as the client library has them.
            decoded: whether the chunks that follow have lost the content-encoding that the headers name.
        """
        now = time.perf_counter()
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
                self._recorder = Recorder(_endpoint(self.method, self.url).path, head, now, self._exchange.spool)
                self.outcome.reason = "the response's body has not been read to its end"
            else:
                self.outcome.reason = f"a response with status {status} is not kept"
        if self._recorder is None:
            self._land()
        elif self._flight is not None:
            self._flight.hand_over()
        return self.outcome

    def resume(self) -> None:
        """The caller asks for the next chunk."""
        if self._flight is not None:
            self._flight.resume()

    def feed(self, data: bytes) -> None:
        """Takes a chunk that is handed to the caller."""
        if self._recorder is not None:
            self._recorder.feed(data, time.perf_counter())
            if self._flight is not None:
                self._flight.hand_over()

    def should_drain(self) -> bool:
        """Whether a response that the caller closes now is to be read to its end all the same."""
        return (
            self._exchange.drains
            and not self._settled
            and self._recorder is not None
            and not self._recorder.reason
            and not self._recorder.is_whole(Ending.CLOSED)
        )

    def settle(self, ending: Ending) -> bool:
        """Says how the response ended; the first time counts. Tells whether there is something to `save`."""
        if self._settled:
            return False
        self._settled = True
        recorder, self._recorder = self._recorder, None
        if recorder is None or self._head is None or self._identity is None:
            self._land()
            return False
        failed = recorder.failed
        body = recorder.finish(ending, partly=not self._exchange.is_cache)
        if body is None:
            self.outcome.reason = recorder.reason
        elif failed and self._exchange.is_cache:
            self.outcome.reason = "the stream ended in an error"
            body = None
        if body is None:
            self._land()
            return False
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
        )
        return True

    def save(self) -> None:
        """Stores what `settle` left to store. Never fails the caller's call: it warns instead."""
        recording, self._pending = self._pending, None
        if recording is None or self._identity is None:
            return
        if self.mode is Mode.VERIFY:
            self.outcome.reason = "the mode is verify"
            if recording.complete:
                self._exchange.verify(self._expected, recording)
            return
        try:
            self._exchange.save(recording, self._identity, self.mode)
        except SecretFound as error:
            self.outcome.reason = str(error)
            self._exchange.report(str(error))
        except Exception as error:  # noqa: BLE001  # a store of the user's may raise anything
            self.outcome.reason = f"the store failed: {error}"
            self._exchange.warn(f"{error} The answer was not stored.")
        else:
            self.outcome.status, self.outcome.reason = "miss", ""
            self._exchange.tally.recorded += 1
        finally:
            self._land()

    def forget(self) -> None:
        """Stores nothing of what is left to `save`."""
        if self._pending is not None:
            self._pending = None
            self.outcome.reason = "the response was dropped, not closed"
            self._land()

    def _land(self) -> None:
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.land()


def _for_a_while(newest: Iterator[tuple[str, Recording]]) -> Iterator[Recording]:
    """As many recordings as can be looked at in `SEARCH_SECONDS`."""
    until = time.perf_counter() + SEARCH_SECONDS
    for _, recording in newest:
        yield recording
        if time.perf_counter() > until:
            return


def incomplete() -> CassetteError:
    """The error at the end of a recording that is not all of the answer: it never looks like its end."""
    return CassetteError(
        "the recording ends here, but the answer did not: whoever recorded it closed the response early, and the "
        "rest did not come within the bounds. Record it again with mode='record', reading it to its end."
    )


_REASONS: dict[MissReason, str] = {
    "no_recording": "nothing is stored under this key in",
    "already_played": "every recording of it was played already from",
    "expired": "what is stored is older than ttl in",
    "cassette_not_found": "there is no such file:",
    "not_cacheable": "a cache keeps only calls that generate:",
    "request_too_large": "the body is larger than max_request_bytes:",
}

_NEXT: dict[MissReason, str] = {
    "no_recording": "record it with mode='auto' (or REPLAYCACHE_MODE=auto); if the difference does not matter, "
    "leave it out of the key with Match(ignore=[...]) or Match(scrub=[...])",
    "already_played": "record the further call, or allow repeats='same'",
    "expired": "record it again with mode='auto', or raise ttl",
    "cassette_not_found": "record it with mode='once'",
    "not_cacheable": "send it with the header x-replaycache-mode: off, or widen Match(cacheable=...)",
    "request_too_large": "raise max_request_bytes, or send it with the header x-replaycache-mode: off",
}


def _about(request: Request) -> str:
    try:
        body = request.json()
    except (ValueError, RecursionError):
        return f" ({len(request.body)} bytes)" if request.body else ""
    if not isinstance(body, dict):
        return ""
    parts = [f"model {body['model']}"] if isinstance(body.get("model"), str) else []
    for name in ("messages", "input", "contents"):
        if isinstance(body.get(name), list):
            parts.append(f"{len(body[name])} {name}")
    return f" ({', '.join(parts)})" if parts else ""
