"""A cassette whose recordings are changed in their places."""

from __future__ import annotations

from collections.abc import Callable

from .._models import Recording
from .cassette import CassetteStore, Entry

__all__ = ["RewrittenCassette"]


class RewrittenCassette(CassetteStore):
    """A cassette that can be gone through and changed, and is written once."""

    def rewrite(self, change: Callable[[int, Recording], Recording], *, anew: Callable[[bytes], bool]) -> None:
        """Puts what `change` gives in place of each recording, in the same order.

        Args:
            change: receives the number of a recording, from 1 on, and the recording; gives the very same where
                it is to stay.
            anew: receives the file as it is, and says whether it is written even if no recording changes: what
                stands in it beside the recordings is gone then.

        Raises:
            CassetteError: the file cannot be read or written; it is as it was.
        """
        with self._lock:
            entries = self._all()
            for place, entry in enumerate(entries):
                new = change(place + 1, entry.before)
                if new is not entry.before:
                    entries[place] = Entry(new)
                    self._removed.append(entry)
                    self._added.append(entries[place])
            self._changed = self._changed or anew(self._loaded or b"")
            self._indexed_by = None
            self._write()
