"""Stored recordings as they were decoded last: the same bytes need not be decoded again."""

from __future__ import annotations

from .._models import Recording
from ..system.forking import new_lock
from .format import decode

LARGEST = 64 << 10
"""Bytes of an entry that is remembered; to decode a larger one takes little beside reading it."""

MOST = 8 << 20
"""Bytes that are remembered in all. What would come on top has all of it forgotten; what is still asked for comes
back."""

_BESIDE = 8 << 10
"""Bytes that a decoded entry takes beside its own and those of its request, about."""


class Decoded:
    """Decodes entries that are whole in themselves. All methods may be called from any thread.

    What is remembered stands in for decoding, never for reading: it answers for bytes that have just been read,
    and only where they are, every one, those that it was decoded from.
    """

    def __init__(self) -> None:
        self._lock = new_lock()
        self._entries: dict[str, tuple[bytes, Recording]] = {}
        self._size = 0

    def recording(self, key: str, value: bytes) -> Recording:
        """What `decode` makes of the bytes that were read under `key`.

        Raises:
            CorruptRecording: they are damaged or cut short.
            StoreError: a newer version of replaycache wrote them.
        """
        known = self._entries.get(key)
        if known is not None and known[0] == value:
            return known[1]
        recording = decode(value)
        if len(value) <= LARGEST:
            self._remember(key, value, recording)
        return recording

    def _remember(self, key: str, value: bytes, recording: Recording) -> None:
        size = 2 * len(value) + _BESIDE  # once more for its request, which is decoded when it is asked for
        with self._lock:
            self._size += size  # what it takes the place of still counts, as it may still be in use
            if self._size > MOST:
                self._entries, self._size = {}, size
            self._entries[key] = value, recording

    def forget(self) -> None:
        """Lets go of all of it."""
        with self._lock:
            self._entries, self._size = {}, 0
