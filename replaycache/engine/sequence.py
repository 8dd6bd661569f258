"""The place of a session in a cassette: which of a request's recordings comes next."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .._errors import MissReason
from .._models import Recording, Request
from ..match import Identity, Match
from ..redaction.redact import Redact
from ..system.forking import new_lock

__all__ = ["Identify", "Sequence", "SequenceStore"]


@dataclass(frozen=True, slots=True)
class Identify:
    """Makes the identity of a recording from its request.

    Those with equal rules are equal, so that an index that was made with one of them serves the others. A request
    that is asked in the very bytes in which it was recorded need not be made canonical once more.
    """

    match: Match
    redact: Redact
    _made: dict[Hashable, Identity] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, recording: Recording) -> Identity:
        """The identity of a recording; one of which something is unknown has that of `apart_from`."""
        unknown = recording.request.unknown
        if unknown:
            return self.apart_from(unknown, recording.request, recording.sample)
        identity = self.match.identity(recording.request, sample=recording.sample, redact=self.redact)
        if self.match.normalize is None:  # which may look at what is not stored
            self._made[self._as_sent(recording.request, recording.sample)] = identity
        return identity

    def of(self, request: Request, sample: int) -> Identity:
        """The identity of a request that is asked."""
        made = self._made.get(self._as_sent(request, sample)) if self._made else None
        return made or self.match.identity(request, sample=sample, redact=self.redact)

    def apart_from(self, unknown: tuple[str, ...], request: Request, sample: int) -> Identity:
        """The identity that a request shares with the recordings of which this is unknown."""
        return self.match.identity(request, sample=sample, redact=self.redact, unknown=unknown)

    def _as_sent(self, request: Request, sample: int) -> Hashable:
        """All that the identity follows from, as it is."""
        counting = (*self.match.key_headers, "content-type", "content-encoding")
        headers = tuple([item for item in request.headers if item[0] in counting])
        return request.method, request.url, sample, headers, request.body


class SequenceStore(Protocol):
    """What a cassette offers beyond a store; `identify` makes the identity of a recording from its request."""

    @property
    def exists(self) -> bool: ...

    @property
    def had_recordings(self) -> bool: ...

    def all(self) -> list[Recording]:
        """Every recording, in the order of the file."""

    def recordings(self, identity: Identity, identify: Callable[[Recording], Identity]) -> list[Recording]:
        """The recordings of a request, in the order in which they were made."""

    def append(self, recording: Recording, identity: Identity, identify: Callable[[Recording], Identity]) -> None:
        """Adds a recording behind the others."""

    def replace(
        self, number: int, recording: Recording, identity: Identity, identify: Callable[[Recording], Identity]
    ) -> None:
        """Takes a recording as the `number`-th of its request in a session that records it anew."""


class Sequence:
    """One session: a transport, or a context.

    A new session starts at the first recording of every request. What it records itself is not played back to it.
    Where another recorder left something out of a recorded request, any value of it matches, once no recording is
    left that matches what was sent.

    Args:
        store: the cassette.
        repeats: `"sequence"`: each call takes the next recording; `"same"`: each takes the last one.
        identify: makes the identity of a recording.
    """

    def __init__(
        self,
        store: SequenceStore,
        repeats: Literal["same", "sequence"],
        identify: Identify,
    ) -> None:
        self._store = store
        self._repeats = repeats
        self.identify = identify
        self._lock = new_lock()
        self._places: dict[Identity, int] = {}
        self._recorded: dict[Identity, int] = {}
        self._renewing: dict[Identity, Identity] = {}
        self._found_unknown: list[tuple[str, ...]] | None = None

    def take(
        self, identity: Identity, apart_from: Callable[[tuple[str, ...]], Identity] | None = None
    ) -> tuple[Recording | None, MissReason]:
        """The next recording of a request, or why there is none.

        Args:
            identity: of the request.
            apart_from: its identity among recordings of which something is unknown, by what it is.

        Raises:
            CassetteError: the file cannot be read.
        """
        recording, why = self._next(identity)
        if recording is not None or apart_from is None:
            return recording, why
        for names in self._unknown():
            recording, reason = self._next(apart_from(names))
            if recording is not None:
                break
            why = reason if reason == "already_played" else why
        return recording, why

    def _unknown(self) -> list[tuple[str, ...]]:
        """What is unknown of recordings, the least first."""
        if self._found_unknown is None:
            found = {recording.request.unknown for recording in self._store.all()} - {()}
            self._found_unknown = sorted(found, key=lambda names: (len(names), names))
        return self._found_unknown

    def _next(self, identity: Identity) -> tuple[Recording | None, MissReason]:
        found = self._store.recordings(identity, self.identify)
        if not found:
            return None, "no_recording" if self._store.exists else "cassette_not_found"
        if self._repeats == "same":
            return found[-1], "no_recording"
        with self._lock:
            place = self._places.get(identity, 0)
            if place >= len(found):
                return None, "already_played"
            self._places[identity] = place + 1
        return found[place], "no_recording"

    def check(self) -> None:
        """Reads the file, so that one that cannot be read is known before upstream is called.

        Raises:
            CassetteError: the file cannot be read.
        """
        _ = self._store.had_recordings

    def add(self, recording: Recording, identity: Identity) -> None:
        """Records a further answer.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            self._store.append(recording, identity, self.identify)
            self._places[identity] = self._places.get(identity, 0) + 1

    def renew(self, recording: Recording, identity: Identity) -> None:
        """Records an answer anew: the session's first replaces all that the request had.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            place = self._renewing.get(identity)
            if place is None:
                place = self._renewing[identity] = self._to_renew(recording, identity)
            number = self._recorded.get(place, 0)
            self._store.replace(number, recording, place, self.identify)
            self._recorded[place] = self._places[place] = number + 1

    def _to_renew(self, recording: Recording, identity: Identity) -> Identity:
        """The identity of what an answer replaces: of its request, or of one of which something is unknown."""
        if self._store.recordings(identity, self.identify):
            return identity
        for names in self._unknown():
            place = self.identify.apart_from(names, recording.request, recording.sample)
            if self._store.recordings(place, self.identify):
                return place
        return identity
