"""The cassette of a test that is marked `vcr`: read from VCR.py's files, played, and recorded beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from .. import foreign
from .._errors import CassetteError, MissReason
from .._models import Recording
from ..match import Identity
from ..options import Mode
from ..stores import CassetteStore
from ..system.forking import new_lock
from .messages import VcrRequest, VcrResponse, changed, comparable, response_of
from .rules import Rules


class _Interaction(NamedTuple):
    request: VcrRequest
    recording: Recording


class VcrCassette:
    """The recordings of one test, played once each, in their order, to the requests that they match.

    The fixture `vcr` gives it; `play_count`, `play_counts`, `all_played`, `requests`, `responses`, `data`,
    `rewind()`, `len()`, `path` and `record_mode` are as in VCR.py. In what it shows, credentials are replaced.

    Args:
        further: files that are read behind it.
        rules: what its hooks leave of requests and responses, and how requests match.
        mode: VCR.py's record mode, or `rewrite`.

    Raises:
        CassetteError: a file cannot be read.
    """

    repeats: Literal["sequence"] = "sequence"
    slow = False

    def __init__(self, path: Path, further: Sequence[Path], rules: Rules, mode: str) -> None:
        self.path = str(path)
        self.own_path = _beside(path)
        self.record_mode = "new_episodes" if mode == "rewrite" else mode
        self.allow_playback_repeats = rules.repeats
        self.play_counts: Counter[int] = Counter()
        self.rules = rules
        self._anew = mode in ("all", "rewrite")
        self._lock = new_lock()
        self._files = [file for file in dict.fromkeys((path, self.own_path, *further)) if file.exists()]
        own = () if mode == "rewrite" else (path, self.own_path)
        files = [file for file in self._files if file in (*own, *further)]
        found = [(file, item) for file in files for item in self._loaded(file)]
        self._interactions = [item for _, item in found]
        self._replaceable = [item for file, item in found if file in own]
        self._count = len(found)

    def _loaded(self, file: Path) -> Iterator[_Interaction]:
        recordings, is_ours = _read(file)
        for recording in recordings:
            request = self.rules.request(VcrRequest.of(recording.request))
            if request is None:
                continue
            # what is in ours went through them when it was recorded, and lost headers since that they may look for
            if self.rules.response_hooks and not is_ours:
                response = self.rules.response(response_of(recording.head, recording.body.read()))
                if response is None:
                    continue
                recording = changed(recording, response)
            yield _Interaction(comparable(request), recording)

    # -- playing -----------------------------------------------------------------------------------------

    @property
    def engine_mode(self) -> Mode:
        """The record mode in our words."""
        if self.record_mode == "none" or (self.record_mode == "once" and self.rewound):
            return Mode.REPLAY
        return Mode.RECORD if self.record_mode == "all" else Mode.AUTO

    def play(self, asked: VcrRequest) -> tuple[Recording | None, MissReason]:
        """The first recording that matches and was not played yet, or why there is none.

        What was recorded in this test is played only where recordings may repeat.
        """
        asked = comparable(asked)
        reason: MissReason = "no_recording" if self._files else "cassette_not_found"
        with self._lock:
            playable = self._interactions if self.rules.repeats else self._interactions[: self._count]
            for index, (request, recording) in enumerate(playable):
                if self.rules.match(asked, request):
                    if self.rules.repeats or not self.play_counts[index]:
                        self.play_counts[index] += 1
                        return recording, "no_recording"
                    reason = "already_played"
        return None, reason

    def explain(self, asked: VcrRequest) -> str:
        """What VCR.py's matching has to say about a request that nothing answers."""
        asked = comparable(asked)
        names = ", ".join(self.rules.matchers)
        lines = [f"vcr: compared are {names}; record mode is {self.record_mode!r}."]
        differing = [(self.rules.differing(asked, request), request) for request, _ in self._interactions]
        if differing and differing[0][0]:
            places, request = min(differing, key=lambda item: len(item[0]))
            if places:
                closest = f"{request.method} {request.uri}"
                lines.append(f"vcr: closest is {closest}, which differs in {', '.join(places)}.")
        lines.append(
            "vcr: VCR.py raises CannotOverwriteExistingCassetteException here; a test that expects that takes "
            "replaycache.CacheMiss, which is no subclass of Exception."
        )
        return "\n".join(lines)

    # -- what VCR.py's cassettes have ---------------------------------------------------------------------

    @property
    def _path(self) -> str:
        return self.path

    @property
    def rewound(self) -> bool:
        """Whether there were recordings in the files."""
        return self._count > 0

    @property
    def write_protected(self) -> bool:
        """Whether nothing may be recorded."""
        return self.engine_mode is Mode.REPLAY

    @property
    def dirty(self) -> bool:
        """Whether something was recorded."""
        return len(self._interactions) > self._count

    @property
    def play_count(self) -> int:
        """How many requests were answered from the files."""
        return sum(self.play_counts.values())

    @property
    def all_played(self) -> bool:
        """Whether every recording was played."""
        return len(self) == sum(count > 0 for count in self.play_counts.values())

    @property
    def requests(self) -> list[VcrRequest]:
        """The recorded requests, in their order."""
        return [request for request, _ in self._interactions]

    @property
    def responses(self) -> list[VcrResponse]:
        """The recorded responses, in their order."""
        return [response_of(recording.head, recording.body.read()) for _, recording in self._interactions]

    @property
    def data(self) -> list[tuple[VcrRequest, VcrResponse]]:
        """The recorded requests, each with its response."""
        return list(zip(self.requests, self.responses, strict=True))

    def rewind(self) -> None:
        """Forgets what was played, so that it is played again."""
        with self._lock:
            self.play_counts = Counter()

    def __len__(self) -> int:
        return len(self._interactions)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<VcrCassette {self.location}, {len(self)} recordings, {self.play_count} played>"

    # -- what an exchange asks of a cassette --------------------------------------------------------------

    @property
    def location(self) -> str:
        """The files that were read; where there is none, the one that is missing."""
        return ", ".join(str(file) for file in self._files) or self.path

    @property
    def identity(self) -> str:
        """Its file's."""
        return f"vcr:{self.path}"

    @property
    def exists(self) -> bool:
        """Whether any of its files is there."""
        return bool(self._files)

    @property
    def had_recordings(self) -> bool:
        """Whether there were recordings in the files."""
        return self.rewound

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings, the last first."""
        for _, recording in self._interactions[: -limit - 1 : -1]:
            yield "", recording

    def begin(self) -> _Session:
        """The test is its only session."""
        return _Session(self)

    def take(self, recording: Recording) -> None:
        """Takes a recording that `save` will write; where it is anew, in place of those that it matches."""
        with self._lock:
            self._interactions.append(_Interaction(comparable(VcrRequest.of(recording.request)), recording))

    # -- writing -----------------------------------------------------------------------------------------

    def save(self) -> None:
        """Writes what was recorded; where it was recorded anew, in place of what there was.

        Raises:
            CassetteError: the file cannot be read or written.
        """
        new = self._interactions[self._count :]
        if not new:
            return
        store = CassetteStore(self.own_path)
        recordings = [recording for _, recording in new]
        with store.deferred():
            if self._anew:
                recordings = self._renewed(new, store.all())
                store.remove(range(len(store)))
            store.append(*recordings)
        if self._anew:
            Path(self.path).unlink(missing_ok=True)

    def _renewed(self, new: Sequence[_Interaction], before: Sequence[Recording]) -> list[Recording]:
        """What the file holds afterwards; what came back as it was keeps its lines."""
        kept = [
            item.recording
            for item in self._replaceable
            if not any(self.rules.match(request, item.request) for request, _ in new)
        ]
        left = list(before)
        for _, recording in new:
            same = next((old for old in left if _is_same(old, recording)), recording)
            if same is not recording:
                left = [old for old in left if old is not same]
            kept.append(same)
        return kept


class _Session:
    """What an exchange asks of it for its only session; VCR.py's matching has found what is played before that."""

    def __init__(self, cassette: VcrCassette) -> None:
        self._cassette = cassette

    @property
    def exists(self) -> bool:
        return self._cassette.exists

    @property
    def had_recordings(self) -> bool:
        return self._cassette.had_recordings

    @property
    def holds_placeholders(self) -> bool:
        return False  # what VCR.py's filters put there is its own

    @property
    def unknown(self) -> set[tuple[str, ...]]:
        return set()  # VCR.py's matching knows neither this nor keys

    def held(self, identity: Identity, identify: Callable[[Recording], Identity]) -> list[Recording]:
        return []

    def turn(self) -> int:
        return 0  # with VCR.py, what is recorded stands in the order in which it was answered

    def play(self, turn: int, entry: Recording) -> Recording:
        return entry

    def add(
        self,
        recording: Recording,
        identity: Identity,
        turn: int,
        identify: Callable[[Recording], Identity],
        replaces: Recording | None = None,
    ) -> Recording:
        self._cassette.take(recording)
        return recording

    def ask_anew(self, identity: Identity) -> int:
        return 0

    def release(self, identity: Identity, turn: int) -> None:
        """Nothing was recorded."""

    def renew(
        self, recording: Recording, identity: Identity, turn: int, identify: Callable[[Recording], Identity]
    ) -> None:
        self._cassette.take(recording)

    def end(self) -> None:
        """The test is over; `save` writes."""


def _is_same(old: Recording, new: Recording) -> bool:
    return (
        old.head.status == new.head.status
        and old.complete == new.complete
        and old.request == new.request
        and old.body.read() == new.body.read()
    )


def _beside(path: Path) -> Path:
    """Where new recordings go: the same name with `.json`."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        return path.with_name(f"{path.stem}.replay.json")
    return path.with_name(f"{path.stem if suffix in ('.yaml', '.yml') else path.name}.json")


def _read(path: Path) -> tuple[list[Recording], bool]:
    """The recordings in a file, and whether it is a cassette of replaycache."""
    try:
        return foreign.read(path, to_play=True), False
    except foreign.NeedsNoImport:
        return CassetteStore(path).all(), True
    except OSError as error:
        raise CassetteError(
            f"cannot read {path}: {error.strerror}. What to do: check the path and its permissions."
        ) from error
