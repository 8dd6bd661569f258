"""Which of the paths that a user named lead anywhere."""

from __future__ import annotations

from collections.abc import Iterable


class UsedPaths:
    """Notes which paths led somewhere in what was looked at; the others may be misspelt."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._idle = set(paths)
        self._met: set[str] = set()
        self._has_looked = False

    def look(self) -> None:
        """Something is looked at in which they could lead somewhere."""
        self._has_looked = True

    def note(self, path: str) -> None:
        """One of them leads somewhere."""
        if path in self._idle:
            self._idle.discard(path)
            self._met.add(path)

    @property
    def idle(self) -> list[str]:
        """Those that led nowhere so far, in alphabetical order; none where nothing was looked at."""
        return sorted(self._idle) if self._has_looked else []

    @property
    def met(self) -> list[str]:
        """Those that led somewhere, in alphabetical order."""
        return sorted(self._met)
