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

import gc
import secrets
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import xxhash

from .._errors import ConfigurationError, DriftFound, MissReason, SecretFound
from .._models import Recording, Request, ResponseHead
from ..match import Identity
from ..options import Mode, Options
from ..system.forking import postponed
from ..wire import url as _url
from .call import CALL_HEADERS, Call, endpoint
from .diagnosis import ADVICE
from .flights import Claiming, Owner
from .recorder import Spooled
from .reporting import Reporter
from .sequence import Identify, Sequence, SequenceStore
from .stored_form import stored_form
from .tally import Tally

if TYPE_CHECKING:
    from ..stores import Store

__all__ = ["DRAIN_BYTES", "Exchange", "Unclosed"]

DRAIN_SECONDS = 10.0
DRAIN_BYTES = 16 << 20
"""Bounds for reading to its end what a caller closed early (`on_abandon="drain"`)."""

FINISH_SECONDS = 0.5
"""Bound for the same where the model has stopped already, and only the end of its stream is to come."""

ALIASES = 4096
"""How many bodies are remembered by their raw hash, so that they need not be made canonical again."""


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


class _Known(NamedTuple):
    """What is known of a request whose raw bytes were seen before."""

    identity: Identity
    cacheable: bool


class Exchange:
    """What a transport keeps between requests.

    Attributes:
        call_type: what `call` makes.
        advice: what the text of a miss says to do next, by its reason.
        held: calls whose responses are being recorded.
        dropped: bodies that nobody closed, and that are still to be drained or saved.

    Args:
        options: checked.
        store: where recordings are.
        spool: makes a place for a body that is too large for memory.
        owner: says who asks.

    Raises:
        ConfigurationError: an option does not go together with the store.
    """

    call_type: type[Call] = Call
    advice: Mapping[MissReason, str] = ADVICE

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
        self.claims: Claiming | None = getattr(store, "claims", None) if self.is_cache else None
        self._identify = Identify(options.match, options.redact)
        self.sequence = None if self.is_cache else Sequence(cast("SequenceStore", store), repeats, self._identify)
        self._drains = (options.on_abandon or ("discard" if self.is_cache else "drain")) == "drain"
        self.held: set[Call] = set()
        self.dropped: deque[Unclosed] = deque()
        self.reporter = Reporter(options, store, self.is_cache, Tally())
        self._aliases: dict[Hashable, _Known] = {}
        self._seed = secrets.randbits(64)
        self._wanted = frozenset(
            name.encode()
            for name in (*options.match.key_headers, "host", "content-type", "content-encoding", *CALL_HEADERS)
        )
        # these two receive the whole request, so that every header may count
        self._all_headers = options.match.normalize is not None or options.match.cacheable is not None
        self.needs_body_always = not self.is_cache or options.match.cacheable is not None
        # a cassette is made to be committed, a cache stays with its user
        self.replaces_secrets = not self.is_cache and options.redact.secrets == "replace"

    def at_the_end(self) -> list[Unclosed]:
        """The bodies of open responses of which nothing or little is to come; those let go of are in `dropped`."""
        if not self.held:
            return []
        gc.collect()
        return [body for call in list(self.held) if (body := call.open_body) is not None]

    def next_dropped(self) -> Unclosed | None:
        """The next of the bodies that nobody closed; None where there is none."""
        try:
            return self.dropped.popleft()
        except IndexError:
            return None

    def drain_seconds(self, *, ends_soon: bool) -> float:
        """How long a response that the caller closed early is read on."""
        if self._drains:
            return DRAIN_SECONDS
        return FINISH_SECONDS if ends_soon else 0.0

    @property
    def tally(self) -> Tally:
        """What the session came to."""
        return self.reporter.tally

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
            url = endpoint(method, url).origin + target.decode("latin-1")
        for name, value in found:
            if name == b"host" and value != endpoint(method, url).netloc:
                url = _url.at_authority(url, value.decode("latin-1"))
        return self.call_type(self, method, url, headers, found)

    def keep(self, head: ResponseHead) -> bool:
        """Whether a response with this head is stored."""
        if self.options.keep is not None:
            return bool(self.options.keep(head))
        return not self.is_cache or 200 <= head.status < 300

    def _without_secrets(self, request: Request) -> Request:
        if not self.replaces_secrets:
            return request
        with postponed():
            from ..redaction.credentials import replace_in_request

        return replace_in_request(stored_form(request, self.options.redact))

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
            # the sequence may be shared: then it is the one whose cassette was gone through
            identify = self._identify if self.sequence is None else self.sequence.identify
            # of its headers, those that may count: the others need not be decoded for a hit
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in call.found)
            request = self._without_secrets(Request(call.method, call.url, headers, body))
            known = _Known(
                identify.of(request, call.sample),
                not self.is_cache or self.options.match.is_cacheable(request),
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
        with postponed():
            from ..redaction.credentials import find_in_recording, replace

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
            self.reporter.warn(f"nothing is recorded for {what}, so its answer cannot be verified")
            return
        with postponed():
            from .drift import compare

        drift = compare(expected, live)
        if drift.shape:
            self.tally.drifts.append(f"{what}: {drift}")
        if drift and not (drift.shape and self.options.on_drift == "raise"):
            self.reporter.warn(f"the answer to {what} is not what was recorded: {drift}")

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


def _flat(pairs: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [item for pair in pairs for item in pair]
