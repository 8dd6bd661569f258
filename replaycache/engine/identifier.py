"""Which requests are the same: their identities, made once for the same bytes."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import xxhash

from .._models import Request
from ..match import Identity
from ..options import Mode, Options
from ..system.forking import postponed
from ..wire import url as _url
from .asked import CALL_HEADERS, LEFT_OUT, NOT_CACHEABLE, PREFIX, Asked, endpoint
from .seen_credentials import SeenCredentials
from .sequence import Identify, Sequence
from .stored_form import stored_form

if TYPE_CHECKING:
    from .numbers import Numbers

_REPLAYING = (Mode.REPLAY, Mode.ONCE)

ALIASES = 4096
"""How many bodies are remembered by their raw hash, so that they need not be made canonical again."""


class _Known(NamedTuple):
    """What is known of a request whose raw bytes were seen before."""

    identity: Identity
    cacheable: bool
    keeps_body: bool


class Identifier:
    """Reads what a client library asks, and tells its identity.

    Args:
        options: checked.
        identify: makes an identity.
        sequence: the session's place in a cassette; None for a cache, where only calls that generate are of
            interest if `Match(cacheable=...)` does not say it.
        numbers: of identical requests; None where they are not numbered.
        seen: the credentials that the session has seen.
    """

    def __init__(
        self,
        options: Options,
        identify: Identify,
        sequence: Sequence | None,
        numbers: Numbers | None,
        seen: SeenCredentials,
    ) -> None:
        is_cache = sequence is None
        match = options.match
        self._options = options
        self._identify = identify
        self._redactor = identify.redactor
        self._sequence = sequence
        self._numbers = numbers
        self._seen = seen
        self._aliases: dict[Hashable, _Known] = {}
        self._seed = int.from_bytes(os.urandom(8), "big")
        self._wanted = frozenset(
            name.encode()
            for name in (*match.key_headers, "host", "content-type", "content-encoding", *CALL_HEADERS)
        )
        # these two receive the whole request, so that every header may count
        self._all_headers = match.normalize is not None or match.cacheable is not None
        self._reads_every = not is_cache or match.cacheable is not None
        # a cassette has every call that the user does not leave out
        self._keeps_every = not is_cache and match.cacheable is None
        # a cassette is made to be committed, a cache stays with its user
        self._replaces_secrets = not is_cache and options.redact.secrets == "replace"

    def read(
        self, method: str, url: str, headers: Iterable[tuple[bytes, bytes]], target: bytes | None = None
    ) -> Asked:
        """What is asked, but for its body; of what `Exchange.call` takes.

        Raises:
            ConfigurationError: one of `CALL_HEADERS` has a wrong value, or a header is one of them misspelt.
        """
        wanted = self._wanted
        found = [
            (name, value)
            for key, value in headers
            if (name := key.lower()) in wanted or name.startswith(PREFIX) or self._all_headers
        ]
        if target is not None:
            url = endpoint(method, url).origin + target.decode("latin-1")
        for name, value in found:
            if name == b"host" and value != endpoint(method, url).netloc:
                url = _url.at_authority(url, value.decode("latin-1"))
        return Asked(self._options, method, url, headers, found, self._reads_every)

    def identify(self, asked: Asked, body: bytes | None) -> None:
        """Takes the request's body, which completes what is asked; None where it is larger than
        `max_request_bytes`."""
        if body is None:
            limit = self._options.max_request_bytes
            asked.unstorable = f"the request's body is larger than max_request_bytes={limit}"
            return
        asked.body = body
        known = self._recall(asked)
        if self._numbers is not None and known.cacheable and not asked.names_sample:
            asked.number = self._numbers.take(known.identity)
            asked.sample += asked.number.value
            known = self._recall(asked)
        asked.identity, asked.keeps_body = known.identity, known.keeps_body
        if not known.cacheable:
            asked.unstorable = NOT_CACHEABLE if self._options.match.cacheable is None else LEFT_OUT

    def _recall(self, asked: Asked) -> _Known:
        """The identity of a request, canonicalised only if its raw bytes are new.

        The raw hash is seeded with a number that nobody outside knows, so that no two bodies can be made
        to meet in it.
        """
        body = asked.body
        head = b"\0".join(
            (asked.method.encode(), asked.url.encode(), b"%d" % asked.sample, *chain.from_iterable(asked.found))
        )
        raw = (
            xxhash.xxh3_128_digest(head, self._seed),
            xxhash.xxh3_128_digest(body, self._seed),
            len(body),
        )
        known = self._aliases.get((raw, self._seen.version))
        if self._sequence is not None and (known is None or self._seen.is_new_caller(asked.headers)):
            self._learn(asked, self._sequence)
            known = self._aliases.get((raw, self._seen.version))
        if known is None:
            request = self._counting(asked)
            identity, is_cacheable, keeps_body = self._identify.of(request, asked.sample)
            known = _Known(
                identity,
                self._keeps_every
                or (self._options.match.is_cacheable(request) if is_cacheable is None else is_cacheable),
                keeps_body and request.body is body,
            )
            if len(self._aliases) >= ALIASES:
                self._aliases.clear()
            self._aliases[raw, self._seen.version] = known
        return known

    def _learn(self, asked: Asked, sequence: Sequence) -> None:
        """Learns what the request carries to let its caller in, which is replaced wherever it stands."""
        if asked.mode not in _REPLAYING or sequence.may_hold_credentials:
            self._seen.learn_from_request(asked.request)

    def apart_from(self, asked: Asked, unknown: tuple[str, ...]) -> Identity:
        """The identity of what is asked among recordings of which something is unknown."""
        return self._identify.apart_from(unknown, self._counting(asked), asked.sample)

    def _counting(self, asked: Asked) -> Request:
        # of its headers, those that may count: the others need not be decoded for a hit
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in asked.found)
        return self._without_secrets(Request(asked.method, asked.url, headers, asked.body))

    def _without_secrets(self, request: Request) -> Request:
        if self._seen.version:
            stored = stored_form(request, self._redactor)
            without = self._seen.in_request(stored)
            request = request if without is stored else without
        if not self._replaces_secrets:
            return request
        with postponed():
            from ..redaction.credentials import replace_in_request

        return replace_in_request(stored_form(request, self._redactor))
