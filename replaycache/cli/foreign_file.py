"""A file of another recorder as a store that is only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from .. import foreign
from .._errors import StoreError
from .._models import Recording
from ..match import Match


class ForeignFile:
    """The recordings of a file that `replaycache.foreign` reads, in its order; keys are those of `Match()`.

    Raises:
        CassetteError: it is no such file, or damaged.
        OSError: it cannot be read.
    """

    repeats: Literal["sequence"] = "sequence"
    slow = False

    def __init__(self, path: Path) -> None:
        self.location = str(path)
        self.identity = f"file:{path.absolute()}"
        self._recordings = foreign.read(path)
        self._keys: list[str] | None = None

    def _keyed(self) -> list[tuple[str, Recording]]:
        if self._keys is None:
            match = Match()
            self._keys = [match.key(item.request, sample=item.sample) for item in self._recordings]
        return list(zip(self._keys, self._recordings, strict=True))

    def all(self) -> list[Recording]:
        """Every recording, in the order of the file."""
        return list(self._recordings)

    def get(self, key: str) -> Recording | None:
        """The last recording whose request has this key."""
        return dict(self._keyed()).get(key)

    def put(self, key: str, recording: Recording) -> None:
        """Refused: the file belongs to another recorder."""
        raise self._is_read_only()

    def delete(self, key: str) -> bool:
        """Refused: the file belongs to another recorder."""
        raise self._is_read_only()

    def _is_read_only(self) -> StoreError:
        return StoreError(f"{self.location} belongs to another recorder and is only read; import it into a store")

    def newest(self, limit: int) -> Iterator[tuple[str, Recording]]:
        """Up to `limit` recordings with their keys, the last in the file first."""
        yield from self._keyed()[: -limit - 1 : -1]

    def keys(self) -> Iterator[str]:
        """The keys, in the order of the file."""
        yield from dict(self._keyed())

    def __len__(self) -> int:
        return len(self._recordings)

    def close(self) -> None:
        """Does nothing: the file was read whole."""
