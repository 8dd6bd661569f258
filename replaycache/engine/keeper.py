"""What is kept of upstream's answers: which of them, read on for how long, and how they get into the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .._errors import SecretFound
from .._models import AnswerEnd, Body, Recording, Request, ResponseHead
from ..match import Identity
from ..options import Mode, Options
from ..redaction.redactor import Redactor
from ..system.calling_upstream import calling_upstream
from ..system.forking import postponed
from ..wire import url as _url
from .asked import Asked
from .confirming import Confirming
from .named_in_answers import without_named
from .redirects import Redirects
from .reporting import Reporter, shown
from .seen_credentials import SeenCredentials
from .sequence import Sequence
from .stored_form import stored_form
from .unclosed import OpenResponses

if TYPE_CHECKING:
    from ..stores import Store
    from .spool import Spool

DRAIN_SECONDS = 10.0
DRAIN_BYTES = 16 << 20
"""Bounds for reading to its end what a caller closed early (`on_abandon="drain"`)."""

OUTLIVED = "its response was still open when its cassette was closed"

FINISH_SECONDS = 0.5
"""Bound for the same where the model has stopped already, and only the end of its stream is to come."""


LARGEST_LOGIN = 256 << 10
"""Bytes of the largest answer that gives out credentials: it says little else."""

_NORMALIZE = (
    "Match(normalize=...) may read only what is stored: name the headers that it reads, "
    "Redact(request_headers=[...])."
)


class NotFoundAgain(Exception):
    """A recording would never answer the request to which it was the answer."""


def _put_at_once_of(store: Store) -> Callable[[str, Recording], None] | None:
    """The `put_at_once` that belongs to a store's `put`; None where somebody has another `put` than that is of."""
    for has in (store, *type(store).__mro__):
        names = getattr(has, "__dict__", {})
        if "put" in names:
            found = getattr(store, "put_at_once", None) if "put_at_once" in names else None
            return found if callable(found) else None
    return None


class Keeper:
    """Keeps upstream's answers.

    Attributes:
        is_cache: whether only whole answers that did not fail are kept.
        location: of the store, for people.
        redactor: takes out what is not stored.
        rules: their fingerprint, which stands on what is kept in a cache.
        spool: makes a place for a body that is too large for memory.
        reporter: is told what became of each.
        responses: whose answers are not kept yet.
        redirects: calls that were sent elsewhere.
        put_at_once: the store's own, where it has one.
        largest: bytes of a body that the store keeps; None where it keeps any.

    Args:
        options: checked.
        store: where recordings are.
        sequence: the session's place in it, where it keeps recordings in order; None for a cache.
        redactor: as the attribute.
        seen: the credentials that the session has seen.
        spool: as the attribute.
        reporter: as the attribute.
    """

    def __init__(
        self,
        options: Options,
        store: Store,
        sequence: Sequence | None,
        redactor: Redactor,
        seen: SeenCredentials,
        spool: Callable[[], Spool],
        reporter: Reporter,
    ) -> None:
        self._options = options
        self._store = store
        self._sequence = sequence
        self.is_cache = sequence is None
        self.location = store.location
        self.redactor = redactor
        self._seen = seen
        self.put_at_once = _put_at_once_of(store) if sequence is None else None
        self._confirming = Confirming(options.match, redactor)
        self.rules = self._confirming.rules if sequence is None else ""
        self.largest: int | None = getattr(store, "largest", None)
        self.spool = spool
        self.reporter = reporter
        self.responses = OpenResponses()
        self.redirects = Redirects(redactor)
        self._drains = (options.on_abandon or ("discard" if self.is_cache else "drain")) == "drain"
        # a cassette is made to be committed, a cache stays with its user
        self._replaces_secrets = not self.is_cache and options.redact.secrets == "replace"

    def may_want(self, head: ResponseHead) -> bool:
        """Whether a response with this head may be stored."""
        return self._options.keep is not None or not self.is_cache or head.status == 200

    def why_not(self, head: ResponseHead, end: AnswerEnd) -> str:
        """Why an answer that came to a clean end is not stored; empty where it is."""
        if self.is_cache and end.verdict == "unfinished":
            return "the answer ended before it was whole"
        keep = self._options.keep
        if keep is None:
            return "the answer tells a failure" if self.is_cache and end.failed else ""
        try:
            return "" if keep(head, end) else f"keep does not want it (status {head.status}, {end.verdict})"
        except Exception as error:  # noqa: BLE001  # the user's own code
            self.reporter.warn_once(f"keep failed, and the answer is not stored: {type(error).__name__}: {error}")
            return "keep failed"

    def accepts(self, recording: Recording, identity: Identity) -> bool:
        """Whether a cache may answer a request with it: another transport on the store may keep other answers, and
        have other rules.

        Raises:
            CorruptRecording: its stored entry is damaged.
        """
        if not recording.complete or not self._confirming.confirms(recording, identity):
            return False
        head = recording.head
        if self._options.keep is None:
            return head.status == 200 and recording.verdict == "whole"
        verdict = recording.verdict if head.status < 400 else "failed"  # as it was told when it came
        with postponed():
            from ..dialects.answers import answer_end  # most hits have no use for it

        return not self.why_not(head, answer_end(recording)._replace(verdict=verdict))

    def drain_seconds(self, *, ends_soon: bool) -> float:
        """How long a response that the caller closed early is read on."""
        if self._drains:
            return DRAIN_SECONDS
        return FINISH_SECONDS if ends_soon else 0.0

    def stored(self, asked: Asked) -> Request:
        """What was asked, in the form in which it is stored; made once for what was seen until then."""
        version = self._seen.version
        if asked.stored is None or asked.stored[0] != version:
            asked.stored = (
                version,
                self._seen.in_request(stored_form(asked.request, self.redactor, keeps_body=asked.keeps_body)),
            )
        return asked.stored[1]

    def learn(self, head: ResponseHead, body: Body | None) -> None:
        """Takes in what an answer to a call of a cassette gives out: nothing of it is written anywhere.

        Args:
            head: as it came.
            body: as far as it was recorded.
        """
        if not self.is_cache:
            small = body is not None and body.size <= LARGEST_LOGIN
            self._seen.learn_from_answer(head, body.read() if body is not None and small else b"")

    def save(self, recording: Recording, identity: Identity, asked: Asked, *, at_once: bool = False) -> None:
        """Stores the recording of what was asked.

        Args:
            recording: it.
            identity: of what was asked.
            asked: it.
            at_once: where that does not keep an event loop for long.

        Raises:
            StoreBusy: it would.
            StoreError: the store failed.
            CassetteError: the file cannot be written.
            SecretFound: it holds what looks like a credential, and is not written to a cassette.
            NotFoundAgain: its request counts as another one as it is stored.
        """
        if self._sequence is None:
            self._check_is_found_again(recording, identity, asked)
            put = self.put_at_once if at_once else None
            (put or self._store.put)(identity.key, recording)
            return
        with postponed():
            from ..redaction.credentials import find_in_recording, replace

        # first what was seen, by placeholders that are the same wherever it stands
        recording = without_named(self._seen.in_recording(recording), self.redactor, documented=True)
        if self._replaces_secrets:
            recording = replace(recording)
        places = find_in_recording(recording)
        if places:
            in_url = any(place.where == "request.url" for place in places)
            what = (
                "a request" if in_url else f"{recording.request.method} {_url.parse(recording.request.url).path}"
            )
            found = f"{what}: {', '.join(str(place) for place in places)}"
            self.reporter.tally.secrets.append(found)
            raise SecretFound(f"a recording was not written, for it holds what looks like a credential. {found}")
        if asked.place is not None:
            self._check_is_found_again(recording, identity, asked)
            self._sequence.record(recording, asked.place)

    def _check_is_found_again(self, recording: Recording, identity: Identity, asked: Asked) -> None:
        normalizes = self._options.match.normalize is not None
        if recording.request.body is asked.body and not normalizes:
            return  # it is stored as it was sent
        found = (
            self._confirming.finds_again(recording, identity)
            if self._sequence is None
            else (self._sequence.identify(recording) == identity)
        )
        if not found:
            raise NotFoundAgain(
                f"the answer to {asked.method} {asked.endpoint.path} is not stored, for it would never be found "
                f"again: its request counts as another one as it is stored. "
                + (_NORMALIZE if normalizes else "Leave what is redacted in it out with Match(ignore=[...]).")
            )

    def release(self, asked: Asked) -> None:
        """Nothing is stored of what was asked: whoever asks again has its place in a cassette, or its number where
        identical requests are numbered."""
        if self._sequence is not None and asked.place is not None:
            self._sequence.release(asked.place)
        if asked.number is not None:
            asked.number.give_back()
        asked.place = asked.number = None

    @property
    def is_over(self) -> bool:
        """Whether its cassette was closed, when what was still open was told."""
        return self.responses.is_over and not self.is_cache

    def end(self) -> None:
        """The session is over: what is still open then is in no cassette, whenever its reader comes to its end."""
        self.responses.is_over = True
        if self._sequence is None:
            return
        self._sequence.end()
        for answer in list(self.responses.held):
            self.not_kept(answer.asked, OUTLIVED)

    def not_kept(self, asked: Asked, why: str) -> None:
        """A call to a cassette was answered live, and is not in it."""
        if not self.is_cache and asked.mode is not Mode.VERIFY:
            self.reporter.tally.not_kept.append(f"{shown(self.stored(asked))}: {why}")

    def pass_on(self, asked: Asked, recording: Recording) -> None:
        """Stores an answer for those calls, too, that upstream sent to where it was given.

        Raises:
            StoreError: the store failed.
        """
        for redirected in self.redirects.of(asked):
            request, (key, digest) = redirected
            with calling_upstream.begun():  # what a store connects to is ours
                self._store.put(key, recording.with_parts(request=request, digest=digest))

    def compare(self, expected: Recording | None, live: Recording) -> None:
        """Reports where a live answer differs from the recorded one."""
        with postponed():
            from .drift import compare
            from .naming import name_of

        what = name_of(live.request)
        if expected is None:
            self.reporter.warn(f"nothing is recorded for {what}, so its answer cannot be verified")
            return
        drift = compare(expected, live)
        if drift.shape:
            self.reporter.tally.drifts.append(f"{what}: {drift}")
            self.reporter.tally.raises_drifts |= self._options.on_drift == "raise"
        if drift and not (drift.shape and self._options.on_drift == "raise"):
            self.reporter.warn(f"the answer to {what} is not what was recorded: {drift}")
