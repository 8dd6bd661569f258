"""Where a body goes while it is recorded, once it has become too large for memory."""

from __future__ import annotations

import os
import tempfile

from .._models import Segment
from ..stores.format import FileSegments, OpenFile, encode_segment


class Spool:
    """Segments in a temporary file that has no name, or loses it with the process.

    Raises:
        OSError: there is no room, or no directory for temporary files.
    """

    def __init__(self) -> None:
        with tempfile.TemporaryFile(prefix="replaycache-") as file:
            self._file = OpenFile(os.dup(file.fileno()))
        self._end = 0

    def append(self, segment: Segment) -> None:
        """Writes a segment behind the others."""
        data = encode_segment(segment)
        self._file.append(data)
        self._end += len(data)

    @property
    def segments(self) -> FileSegments:
        """What was written so far."""
        return FileSegments(self._file, 0, self._end)
