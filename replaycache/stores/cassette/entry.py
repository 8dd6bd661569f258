"""A recording of a cassette, together with how it stands in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ..._models import Recording
from ...match import Identity
from .text import Written, dump, dump_recording, load_written

Identify = Callable[[Recording], Identity]
"""Makes the identity of a recording from its request: no key is trusted from the file."""


class Entry:
    """A recording and its text in the file."""

    __slots__ = ("_identified", "_mark", "_text", "_written")

    def __init__(self, written: Written | None = None, text: bytes = b"") -> None:
        self._written = written
        self._text = text
        self._mark = ""
        self._identified: tuple[Identify, Identity] | None = None

    @classmethod
    def of(cls, recording: Recording) -> Entry:
        """One that stands in no file yet; what is played of it is what comes back from there."""
        return cls(text=dump_recording(recording).encode("utf-8", "surrogatepass"))

    @property
    def text(self) -> bytes:
        """As it stands in the file, without a comma behind it."""
        return self._text if self._written is None else self._written.text

    @property
    def recording(self) -> Recording:
        """It.

        Raises:
            CassetteError: somebody else wrote nonsense.
        """
        if self._written is None:
            whole = dump(()).encode().replace(b"[]", b"[\n" + self._text + b"\n  ]")
            (self._written,) = load_written(whole, "what was recorded")
        return self._written.recording

    @property
    def mark(self) -> str:
        """A hash of its text, by which other processes know it."""
        if not self._mark:
            self._mark = hashlib.blake2b(self.text, digest_size=16).hexdigest()
        return self._mark

    def identity(self, identify: Identify) -> Identity:
        """What its request is."""
        if self._identified is None or self._identified[0] != identify:
            self._identified = identify, identify(self.recording)
        return self._identified[1]

    def is_answered_by(self, recording: Recording) -> bool:
        """Whether a new recording brings nothing that this one does not have."""
        old = self.recording
        return (
            old.head.status == recording.head.status
            and old.complete == recording.complete
            and old.verdict == recording.verdict
            and old.request == recording.request
            and old.request.unknown == recording.request.unknown
            and old.body.read() == recording.body.read()
        )
