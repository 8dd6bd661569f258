"""What one session sees of a cassette, and adds to it."""

from __future__ import annotations

from ..._models import Recording
from ...match import Identity
from .entry import Entry, Identify
from .file import CassetteFile, View
from .pending import Pending


class CassetteSession:
    """One session on a cassette: it plays what the file held when it began, never what was recorded meanwhile.

    Where the file cannot be read or written, or what stands in it is nonsense, `CassetteError` is raised.
    """

    def __init__(self, file: CassetteFile) -> None:
        self._file = file
        self._view: View | None = None
        self._renewal = file.renewal
        file.enter(self)

    def end(self) -> None:
        """It is over."""
        with self._renewal.lock:
            self._renewal.sessions.discard(self)
        self._file.leave(self)

    @property
    def _held(self) -> View:
        if self._view is None:
            self._view = self._file.view()
        return self._view

    @property
    def exists(self) -> bool:
        """Whether there was a file."""
        return self._held.exists

    @property
    def had_recordings(self) -> bool:
        """Whether there were recordings in it."""
        return bool(self._held.entries)

    @property
    def holds_placeholders(self) -> bool:
        """Whether something was replaced in the recordings in it."""
        return self._held.holds_placeholders

    @property
    def unknown(self) -> set[tuple[str, ...]]:
        """What is unknown of the recorded requests that were there when it began."""
        return {entry.recording.request.unknown for entry in self._held.entries} - {()}

    def held(self, identity: Identity, identify: Identify) -> list[Entry]:
        """The recordings of a request, in their order."""
        return self._held.index(identify).get(identity, [])

    def turn(self) -> int:
        """A request is asked: its place in the order of asking."""
        return self._file.turn()

    def play(self, turn: int, entry: Entry) -> Recording:
        """What was asked for at `turn` is answered by one of the recordings."""
        recording = entry.recording
        iter(recording.body.segments)  # nonsense in the file shows now, not in the middle of an answer
        self._file.play(turn, entry)
        return recording

    def add(
        self,
        recording: Recording,
        identity: Identity,
        turn: int,
        identify: Identify,
        replaces: Entry | None = None,
    ) -> Entry:
        """Records what was asked for at `turn`, in place of another or behind what was asked for before.

        Args:
            recording: the answer.
            identity: of its request.
            turn: when that was asked.
            replaces: what it takes the place of.
        """
        entry = Entry.of(recording)
        self._file.write(Pending(turn, entry, replaces))
        return entry

    # -- recording anew ------------------------------------------------------------------------------------

    def ask_anew(self, identity: Identity) -> int:
        """A request is asked that is to be recorded anew; its turn."""
        with self._renewal.lock:
            self._renewal.join(self)
            return self._renewal.ask(identity, self._file.turn)

    def release(self, identity: Identity, turn: int) -> None:
        """Nothing was recorded for what was asked anew at `turn`."""
        with self._renewal.lock:
            self._renewal.release(identity, turn)

    def renew(self, recording: Recording, identity: Identity, turn: int, identify: Identify) -> None:
        """Records an answer anew."""
        before = self.held(identity, identify)
        with self._renewal.lock:
            self._file.write(*self._renewal.answer(recording, identity, turn, before))
            self._renewal.answered(identity, before)
