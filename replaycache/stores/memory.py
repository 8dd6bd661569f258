"""A store in memory, for tests and for sharing answers within one process."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Literal

from .._errors import ConfigurationError
from .._models import Body, Recording
from ..redaction.seal import SALT_BYTES
from ..system.forking import new_lock

_numbers = itertools.count(1)
"""An address would be that of another store, once the one that had it is gone."""


def _size(recording: Recording) -> int:
    return recording.size + len(recording.request.body)


class MemoryStore:
    """Keeps recordings in memory until it is dropped.

    Args:
        size_limit: bytes of bodies; when they are exceeded the recordings stored first are removed, and what is
            larger alone is not kept. None: no limit.

    Raises:
        ConfigurationError: it is no number above 0.
    """

    repeats: Literal["same"] = "same"
    connects = False
    slow = False
    location = "memory"

    def __init__(self, *, size_limit: int | None = None) -> None:
        if size_limit is not None and (
            isinstance(size_limit, bool) or not isinstance(size_limit, int) or size_limit <= 0
        ):
            raise ConfigurationError(f"MemoryStore(size_limit=...) takes a number above 0, not {size_limit!r}")
        self._size_limit = size_limit
        self._size = 0
        self.identity = f"memory:{next(_numbers)}"
        self._salt: bytes | None = None
        self._recordings: dict[str, Recording] = {}
        self._lock = new_lock()

    def salt(self) -> bytes:
        """With which what is redacted and counts is sealed."""
        with self._lock:
            if self._salt is None:
                self._salt = os.urandom(SALT_BYTES)
            return self._salt

    def adopt_salt(self, salt: bytes) -> bool:
        """Takes over the salt of another store, from which recordings come; False where it has another already."""
        with self._lock:
            if self._salt is None:
                self._salt = salt
            return self._salt == salt

    def get(self, key: str) -> Recording | None:
        """The recording under `key`; None where there is none."""
        return self._recordings.get(key)

    def put(self, key: str, recording: Recording) -> None:
        """Stores `recording` under `key`, in place of what was there."""
        # a body that overflowed into a file comes back into memory: here is where it was asked to be
        held = recording.with_parts(request=recording.request, body=Body(list(recording.body.segments)))
        held.usage = recording.usage
        size = 0 if self._size_limit is None else _size(held)
        with self._lock:
            self._remove(key)
            if self._size_limit is None or size <= self._size_limit:
                self._recordings[key] = held
                self._size += size
            while self._size_limit is not None and self._size > self._size_limit:
                self._remove(next(iter(self._recordings)))

    def _remove(self, key: str) -> bool:
        held = self._recordings.pop(key, None)
        if held is not None and self._size_limit is not None:
            self._size -= _size(held)
        return held is not None

    put_at_once = put

    def delete(self, key: str) -> bool:
        """Removes the recording under `key`; tells whether there was one."""
        with self._lock:
            return self._remove(key)

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last stored first."""
        with self._lock:
            items = list(self._recordings.items())
        yield from items[: -limit - 1 : -1]

    def keys(self) -> Iterator[str]:
        """The keys, the last stored last."""
        with self._lock:
            names = list(self._recordings)
        yield from names

    def __len__(self) -> int:
        return len(self._recordings)

    def close(self) -> None:
        """Does nothing: the recordings are still there."""

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self)} recordings>"
