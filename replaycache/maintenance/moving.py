"""Recordings from one store to another: redacted again, keyed again, and only what the other may hold.

    moved = Moved()
    to_cassette(taken(cache, moved), CassetteStore("chat.json"), Redact(), moved)

`Moved` tells what became of each. A cassette is written once, at the end; a cache takes one recording after the
other, each whole. Both may be done again: what is there already stays as it is.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from .._errors import StoreError
from .._models import Recording
from ..dialects.answers import answer_end
from ..dialects.usage import usage_of
from ..engine.keeper import LARGEST_LOGIN
from ..engine.sealing import seal_of
from ..engine.stored_form import stored_form
from ..match import Match
from ..redaction.credentials import Known, find, find_in_recording, replace
from ..redaction.headers import is_credential_header, is_sealed_header
from ..redaction.redact import Redact
from ..redaction.redactor import Redactor
from ..redaction.seal import Seal, holds_sealed
from ..stores import CassetteStore, Store
from ..wire import url as _url
from .selection import Selection


class Taken(NamedTuple):
    """A recording that is to be moved.

    Attributes:
        name: where it was, for people.
        recording: its value.
        key: under which a cache kept it; empty where it comes from a file.
        is_ours: whether replaycache wrote it: then its headers are those that were to be stored, and some of them
            may count for its key by a `Match(headers=...)` that nobody knows of here.
        salt: gives that of the store where it was.
    """

    name: str
    recording: Recording
    key: str = ""
    is_ours: bool = False
    salt: Callable[[], bytes] | None = None

    @classmethod
    def of(cls, store: Store, recording: Recording, key: str = "", number: int | None = None) -> Taken:
        """One of a store: of a cache by its key, of a file by its number, from 1 on."""
        if number is None:
            return cls(f"{store.location}, {key}", recording, key, is_ours=True, salt=salt_of(store))
        is_ours = isinstance(store, CassetteStore)
        return cls(f"{store.location}, recording {number}", recording, is_ours=is_ours, salt=salt_of(store))

    def redacted(self, redact: Redact, seal: Seal) -> Recording:
        """The recording by the present rules about credentials; the very one where they change nothing.

        Args:
            redact: the rules.
            seal: of the store into which it goes.
        """
        headers = self.recording.request.headers if self.is_ours else ()
        # that somebody had stored, not counted
        shown = {name for name, value in headers if _may_be_shown(name) and not Seal.is_one(value)}
        if shown:
            redact = dataclasses.replace(redact, request_headers=(*redact.request_headers, *sorted(shown)))
        counting = tuple(sorted({name for name, _ in headers} - shown))
        return redacted(self.recording, Redactor(redact, seal, counting))


def _may_be_shown(name: str) -> bool:
    """Whether a header that is sealed where it counts may also be stored as it is."""
    return is_sealed_header(name) and not is_credential_header(name)


@dataclass
class Moved:
    """What became of the recordings.

    Attributes:
        written: how many were put where they were to go.
        known: how many were there already.
        repeated: how many gave way to a later answer to the same request, which a cache has but one of.
        left_out: names of those that cannot go there, and why.
        secrets: names of those that were not written for what they hold, and where it stands.
        damaged: names of those that cannot be read, and why.
    """

    written: int = 0
    known: int = 0
    repeated: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[tuple[str, str]] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)


@runtime_checkable
class _File(Protocol):
    def all(self) -> list[Recording]:
        """Every recording, in the order of the file."""


def taken(store: Store, moved: Moved, selection: Selection = Selection()) -> Iterator[Taken]:  # noqa: B008  # frozen
    """The recordings of a store that are meant, in the order in which they were stored, in bounded memory.

    Args:
        moved: notes those that cannot be read.

    Raises:
        StoreError: the store as a whole cannot be read.
        CassetteError: the file cannot be read.
    """
    if isinstance(store, _File):
        for number, recording in enumerate(store.all(), 1):
            if selection.takes(recording):
                yield Taken.of(store, recording, number=number)
        return
    for key in store.keys():  # noqa: SIM118  # a store is no dict
        try:
            found = store.get(key)
            if found is not None and selection.takes(found):
                yield Taken.of(store, found, key)
        except StoreError as error:
            moved.damaged.append((key, str(error)))


def salt_of(store: object) -> Callable[[], bytes] | None:
    """What gives the salt of a store; None where it has none."""
    salt = getattr(store, "salt", None)
    return salt if callable(salt) else None


def _is_found_in(target: Store, item: Taken, recording: Recording, moved: Moved) -> bool:
    """Whether a recording is found where it goes: what is sealed in its request is, if both have one salt."""
    request = recording.request
    parts = (request.url.encode("utf-8", "surrogatepass"), request.body, *(v.encode() for _, v in request.headers))
    if not any(map(holds_sealed, parts)):
        return True
    adopt = getattr(target, "adopt_salt", None)
    if item.salt is not None and callable(adopt) and adopt(item.salt()):
        return True
    moved.left_out.append((item.name, "what is redacted in its request is sealed with another store's salt"))
    return False


def redacted(recording: Recording, redactor: Redactor) -> Recording:
    """A recording by the present rules about credentials; the very one where they change nothing.

    What looks like a credential elsewhere than where APIs take one is left as it is; see `credentials`.
    """
    request, head = stored_form(recording.request, redactor), redactor.head(recording.head)
    # a body whose encoding could not be undone is nothing without the header that names it
    encoding = tuple(item for item in recording.head.headers if item[0] == "content-encoding")
    if encoding and not any(name == "content-encoding" for name, _ in head.headers):
        head = dataclasses.replace(head, headers=(*head.headers, *encoding))
    if request == recording.request and head == recording.head:
        return recording
    changed = recording.with_parts(request=request, head=head)
    changed.usage = None  # it may name a model by what was replaced
    return changed


def writable(items: Iterable[Taken], redact: Redact, seal: Seal, moved: Moved) -> Iterator[Taken]:
    """The recordings as they may stand in a file that others see; those that may not are noted.

    Args:
        items: any.
        redact: the rules; `redact.secrets` says what becomes of what looks like a credential elsewhere.
        seal: of the file.
        moved: notes what is not written.
    """
    known = Known(Redactor(redact, seal))
    for item in items:
        recording = item.redacted(redact, seal)
        if recording.body.size <= LARGEST_LOGIN:
            known.learn_from_answer(recording.head, recording.body.read())
        recording = known.replace_in(recording)
        if redact.secrets == "replace":
            recording = replace(recording)
        places = find_in_recording(recording)
        if places:
            where = ", ".join(dict.fromkeys(map(str, places)))
            moved.secrets.append((f"{item.name} ({_call(recording)})", where))
        else:
            yield item._replace(recording=recording)


def _call(recording: Recording) -> str:
    """What was called; only the path of the URL, which shows no query."""
    request = recording.request
    try:
        path = _url.parse(request.url).path
    except ValueError:
        path = "a URL that is none"
    # what is refused for its secrets may have one there
    return request.method if find(path) else f"{request.method} {path[:60]}"


def move(items: Iterable[Taken], store: Store, redact: Redact, moved: Moved) -> None:
    """Puts recordings into a store: `to_cassette`, or `to_cache`.

    Raises:
        StoreError, CassetteError: as these do.
    """
    if isinstance(store, CassetteStore):
        to_cassette(items, store, redact, moved)
    else:
        to_cache(items, store, redact, moved)


def to_cassette(items: Iterable[Taken], cassette: CassetteStore, redact: Redact, moved: Moved) -> None:
    """Adds recordings behind those of a cassette, in their order; the file is written once, at the end.

    An answer that is there already is not added once more: a request that was recorded twice with the same answer,
    and is moved again, still has two. What is larger than a cassette takes is left out.

    Raises:
        CassetteError: the file cannot be read or written; it is as it was.
    """
    unmatched = Counter(_fingerprint(recording) for recording in cassette.all())
    with cassette.deferred():
        for item in writable(_small_enough(items, cassette.largest, moved), redact, seal_of(cassette), moved):
            if not _is_found_in(cassette, item, item.recording, moved):
                continue
            mark = _fingerprint(item.recording)
            if unmatched[mark] > 0:
                unmatched[mark] -= 1
                moved.known += 1
                continue
            recording = item.recording
            if not item.is_ours and recording.complete and recording.head.status < 400:
                recording.verdict = answer_end(recording).verdict
            cassette.append(recording)
            moved.written += 1


def _small_enough(items: Iterable[Taken], largest: int, moved: Moved) -> Iterator[Taken]:
    for item in items:
        size = item.recording.size
        if size <= largest:
            yield item
        else:
            moved.left_out.append(
                (item.name, f"its answer has {size:,} bytes, and a cassette takes up to {largest:,}")
            )


def _fingerprint(recording: Recording) -> bytes:
    """A hash of what makes two recordings the same to whoever replays them; times do not count."""
    request, head = recording.request, recording.head
    told = (
        request.method,
        request.url,
        sorted(request.headers),
        request.unknown,
        recording.sample,
        head.status,
        sorted(head.headers),
        recording.complete,
    )
    mark = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=16)
    for part in (request.body, recording.body.read()):
        mark.update(b"%d\n%s" % (len(part), part))
    return mark.digest()


def to_cache(items: Iterable[Taken], cache: Store, redact: Redact, moved: Moved) -> None:
    """Puts recordings into a cache, in place of what it has for the same requests.

    Of several answers to one request the last counts. What comes from a cache keeps its key.

    Raises:
        StoreError: the cache cannot be written; what was put until then is whole, and may be put again.
    """
    match, seal = Match(), seal_of(cache)
    put: dict[str, str] = {}
    for item in items:
        reason = why_not_in_a_cache(item.recording, match)
        if reason:
            moved.left_out.append((item.name, reason))
            continue
        recording = item.redacted(redact, seal)
        if not _is_found_in(cache, item, recording, moved):
            continue
        if Redactor(redact, seal).hides_access(recording.request.body):
            moved.left_out.append(
                (item.name, "whose data it shows is not known: its connector's credential is gone")
            )
            continue
        key, recording = _keyed(item, recording, match, seal)
        if key in put:
            moved.repeated += 1
        if _has(cache, key, recording):
            moved.known += key not in put
        else:
            recording.usage = recording.usage or usage_of(recording)
            cache.put(key, recording)
            moved.written += key not in put
        put[key] = item.name


def _keyed(item: Taken, recording: Recording, match: Match, seal: Seal) -> tuple[str, Recording]:
    """Its key, and the recording with its digest."""
    if item.key and recording.digest and recording.request == item.recording.request:
        return item.key, recording
    redactor = Redactor(seal=seal, counting=match.key_headers)
    identity = match.identity(recording.request, sample=recording.sample, redactor=redactor)
    return identity.key, recording.with_parts(digest=identity.digest, rules="")


def _has(cache: Store, key: str, recording: Recording) -> bool:
    try:
        return cache.get(key) == recording
    except StoreError:
        return False  # damaged: what is put takes its place


def why_not_in_a_cache(recording: Recording, match: Match) -> str:
    """Why a cache may not have a recording; empty where it may.

    Raises:
        CorruptRecording: its stored entry is damaged.
    """
    head = recording.head
    if not recording.complete:
        return "the answer is not all there"
    if head.status != 200:
        return f"a cache keeps answers with status 200, and this has {head.status}"
    if not match.is_cacheable(recording.request):
        return "a cache keeps only calls that generate, and this is none"
    if "content-encoding" in dict(head.headers):
        return "its content-encoding could not be undone"
    end = answer_end(recording)
    if end.verdict == "failed":
        return "the answer tells a failure"
    if end.verdict == "unfinished":
        return "the answer ends before it is whole"
    return ""
