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
        """The identity of a recording."""
        identity = self.match.identity(recording.request, sample=recording.sample, redact=self.redact)
        if self.match.normalize is None:  # which may look at what is not stored
            self._made[self._as_sent(recording.request, recording.sample)] = identity
        return identity

    def of(self, request: Request, sample: int) -> Identity:
        """The identity of a request that is asked."""
        made = self._made.get(self._as_sent(request, sample)) if self._made else None
        return made or self.match.identity(request, sample=sample, redact=self.redact)

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

    def take(self, identity: Identity) -> tuple[Recording | None, MissReason]:
        """The next recording of a request, or why there is none.

        Raises:
            CassetteError: the file cannot be read.
        """
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
            number = self._recorded.get(identity, 0)
            self._store.replace(number, recording, identity, self.identify)
            self._recorded[identity] = self._places[identity] = number + 1
