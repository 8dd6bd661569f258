"""The place of a session in a cassette: which of a request's recordings comes next, where a new one belongs."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple, Protocol

from .._errors import MissReason
from .._models import Recording, Request
from ..match import Identified, Identity, Match
from ..redaction.redactor import Redactor
from ..system.forking import new_lock


class Identify:
    """Makes the identity of a recording from its request.

    Those with equal rules are equal, so that an index that was made with one of them serves the others. A request
    that is asked in the very bytes in which it was recorded need not be made canonical once more.
    """

    __slots__ = ("_made", "match", "redactor")

    def __init__(self, match: Match, redactor: Redactor) -> None:
        self.match = match
        self.redactor = redactor
        self._made: dict[Hashable, Identity] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identify) and (self.match, self.redactor) == (other.match, other.redactor)

    def __hash__(self) -> int:
        return hash((self.match, self.redactor))

    def __call__(self, recording: Recording) -> Identity:
        """The identity of a recording; one of which something is unknown has that of `apart_from`."""
        unknown = recording.request.unknown
        if unknown:
            return self.apart_from(unknown, recording.request, recording.sample)
        identity = self.match.identity(recording.request, sample=recording.sample, redactor=self.redactor)
        if self.match.normalize is None:  # which may look at what is not stored
            self._made[self._as_sent(recording.request, recording.sample)] = identity
        return identity

    def of(self, request: Request, sample: int) -> Identified:
        """The identity of a request that is asked."""
        made = self._made.get(self._as_sent(request, sample)) if self._made else None
        if made is not None:
            return Identified(made)
        return self.match.identified(request, sample=sample, redactor=self.redactor)

    def apart_from(self, unknown: tuple[str, ...], request: Request, sample: int) -> Identity:
        """The identity that a request shares with the recordings of which this is unknown."""
        return self.match.identity(request, sample=sample, redactor=self.redactor, unknown=unknown)

    def _as_sent(self, request: Request, sample: int) -> Hashable:
        """All that the identity follows from, as it is."""
        counting = (*self.match.key_headers, "content-type", "content-encoding")
        headers = tuple([item for item in request.headers if item[0] in counting])
        return request.method, request.url, sample, headers, request.body


ApartFrom = Callable[[tuple[str, ...]], Identity]
"""Gives the identity of what is asked among recordings of which something is unknown, by what that is."""


class PlayingSession(Protocol):
    """What one session sees of a cassette, and adds to it; `identify` makes the identity of a recording."""

    @property
    def exists(self) -> bool: ...

    @property
    def had_recordings(self) -> bool: ...

    @property
    def holds_placeholders(self) -> bool:
        """Whether something was replaced in the recordings that were there when it began."""

    @property
    def unknown(self) -> set[tuple[str, ...]]:
        """What is unknown of the recorded requests that were there when it began."""

    def held(self, identity: Identity, identify: Callable[[Recording], Identity]) -> list[Any]:
        """The recordings of a request that were there when it began, in their order."""

    def turn(self) -> int:
        """A request is asked: its place in the order of asking."""

    def play(self, turn: int, entry: Any) -> Recording:
        """One of those answers what was asked at `turn`."""

    def add(
        self,
        recording: Recording,
        identity: Identity,
        turn: int,
        identify: Callable[[Recording], Identity],
        replaces: Any | None = None,
    ) -> Any:
        """Records what was asked at `turn`, in place of another or behind what was asked before."""

    def ask_anew(self, identity: Identity) -> int:
        """A request is asked that is to be recorded anew; its turn."""

    def release(self, identity: Identity, turn: int) -> None:
        """Nothing was recorded for what was asked anew at `turn`."""

    def renew(
        self,
        recording: Recording,
        identity: Identity,
        turn: int,
        identify: Callable[[Recording], Identity],
    ) -> None:
        """Records an answer anew: the first of a request takes the place of all that it had."""

    def end(self) -> None:
        """It is over."""


class SequenceStore(Protocol):
    """What a cassette offers beyond a store."""

    def begin(self) -> PlayingSession:
        """A session on it."""


class Place(NamedTuple):
    """Where an answer belongs; taken when its request is asked.

    Attributes:
        identity: of the request.
        among: the identity of the recordings where it is; another one where something is unknown of those.
        turn: in the order of asking.
        number: which of the request's recordings it is, from 0 on.
        is_anew: whether it is recorded anew.
    """

    identity: Identity
    among: Identity
    turn: int
    number: int = 0
    is_anew: bool = False


class Sequence:
    """One session: a transport, or a context.

    A new session starts at the first recording of every request, and plays what the cassette held when it began.
    What it records itself is played back to it only where recordings repeat. Where another recorder left something
    out of a recorded request, any value of it matches, once no recording is left that matches what is asked.

    Args:
        store: the cassette.
        is_same: whether each call takes the last recording; otherwise each takes the next one.
        identify: makes the identity of a recording.
    """

    def __init__(self, store: SequenceStore, is_same: bool, identify: Identify) -> None:
        self._store = store
        self._session: PlayingSession | None = None
        self._is_same = is_same
        self.identify = identify
        self._lock = new_lock()
        self._numbers: dict[Identity, int] = {}
        self._free: dict[Identity, list[tuple[int, int]]] = {}
        self._last: dict[Identity, object] = {}
        self._replaced: set[int] = set()
        self._unknown: list[tuple[str, ...]] | None = None
        self._played: dict[int, object] = {}

    def under(self, is_same: bool, identify: Identify) -> Sequence:
        """The place of the same session, under rules of their own; itself where they are the same."""
        if is_same == self._is_same and identify == self.identify:
            return self
        other = Sequence(self, is_same, identify)
        other._lock, other._numbers, other._last = self._lock, self._numbers, self._last
        other._played, other._replaced, other._free = self._played, self._replaced, self._free
        return other

    def begin(self) -> PlayingSession:
        """The session on the cassette; `under` other rules there is no other."""
        if self._session is None:
            self._session = self._store.begin()
        return self._session

    def take(
        self, identity: Identity, apart_from: ApartFrom | None = None
    ) -> tuple[Place, Recording | None, MissReason]:
        """A request is asked: its place, and the recording that is there, or why there is none.

        Args:
            identity: of the request.
            apart_from: its identities among recordings of which something is unknown.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            session = self.begin()
            any_held = False
            for among in self._among(identity, apart_from):
                held = session.held(among, self.identify)
                any_held = any_held or bool(held)
                number, found = self._next(among, held)
                if found is not None:
                    place = self._take(identity, among, number)
                    if not self._is_same:
                        self._played[id(found)] = found
                    return place, session.play(place.turn, found), "no_recording"
            number, _ = self._next(identity, session.held(identity, self.identify))
            place = self._take(identity, identity, number)
            if any_held:
                return place, None, "already_played"
            return place, None, "no_recording" if session.exists else "cassette_not_found"

    def _take(self, identity: Identity, among: Identity, number: int) -> Place:
        free = self._free.get(among)
        if free:
            return Place(identity, among, free.pop(0)[1], number)
        self._numbers[among] = number + 1
        return Place(identity, among, self.begin().turn(), number)

    def _among(self, identity: Identity, apart_from: ApartFrom | None) -> Iterator[Identity]:
        """The identities under which there may be recordings of a request: its own, and those of the recordings of
        which something is unknown, the least first."""
        yield identity
        if apart_from is None:
            return
        if self._unknown is None:
            self._unknown = sorted(self.begin().unknown, key=lambda names: (len(names), names))
        for names in self._unknown:
            yield apart_from(names)

    def _next(self, among: Identity, held: list[object]) -> tuple[int, object]:
        """The number of the recording whose turn it is, and the recording, where it is there."""
        if self._is_same:
            last = self._last.get(among) or (held[-1] if held else None)
            return max(len(held) - 1, 0), None if id(last) in self._replaced else last
        free = self._free.get(among)
        if free:
            return free[0][0], held[free[0][0]] if free[0][0] < len(held) else None
        number = self._numbers.get(among, 0)
        while number < len(held) and id(held[number]) in self._played:
            number += 1  # under other rules it was the answer to what was asked before
        return number, held[number] if number < len(held) else None

    def ask_anew(self, identity: Identity, apart_from: ApartFrom | None = None) -> Place:
        """A request is asked that is to be recorded anew; reads the file, so that one that cannot be read is known
        before upstream is called. Takes and raises what `take` does.
        """
        with self._lock:
            session = self.begin()
            _ = session.had_recordings
            found = (one for one in self._among(identity, apart_from) if session.held(one, self.identify))
            among = next(found, identity)
            return Place(identity, among, session.ask_anew(among), is_anew=True)

    @property
    def had_recordings(self) -> bool:
        """Whether there were recordings in the cassette when the session began.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            return self.begin().had_recordings

    @property
    def may_hold_credentials(self) -> bool:
        """Whether credentials may have been replaced in what is played, or in what is recorded.

        Raises:
            CassetteError: the file cannot be read.
        """
        with self._lock:
            return self.begin().holds_placeholders or not self.begin().had_recordings

    def release(self, place: Place) -> None:
        """Nothing was recorded: whoever asks again has the same place."""
        with self._lock:
            if place.is_anew:
                self.begin().release(place.among, place.turn)
                return
            held = self.begin().held(place.among, self.identify)
            if place.number < len(held):
                self._played.pop(id(held[place.number]), None)
            if self._numbers.get(place.among) == place.number + 1:
                self._numbers[place.among] = place.number
            elif not self._is_same:
                # the same was asked since: theirs are the places behind it
                insort(self._free.setdefault(place.among, []), (place.number, place.turn))

    def record(self, recording: Recording, place: Place) -> None:
        """Records an answer in its place.

        Raises:
            CassetteError: the file cannot be written.
        """
        with self._lock:
            session = self.begin()
            if place.is_anew:
                session.renew(recording, place.among, place.turn, self.identify)
                return
            held = session.held(place.among, self.identify)
            expired = held[place.number] if place.number < len(held) else None
            if expired is not None and place.among != place.identity:
                # of the one request that was asked it is known now what was unknown
                expired = None if id(expired) in self._replaced else expired
                self._replaced.add(id(expired))
            entry = session.add(recording, place.identity, place.turn, self.identify, expired)
            if self._is_same:
                self._last[place.identity] = entry

    def end(self) -> None:
        """The session is over."""
        with self._lock:
            if self._session is not None:
                self._session.end()
