"""Answers in AWS event streams: their frames have lengths and checksums, and may hold JSON in base64."""

from __future__ import annotations

from ...dialects.framing.aws_event_stream import Frame, frames_of
from ...wire.edited_chunks import edited


class FramedBody:
    """The body of an answer in frames.

    Args:
        body: whole; of what is no frame nothing is read, and nothing is changed.

    Attributes:
        lines: what each frame says, and a line feed.
    """

    def __init__(self, body: bytes) -> None:
        self._frames: list[Frame] = frames_of(body)
        self.lines = [frame.data + b"\n" for frame in self._frames]

    def __bool__(self) -> bool:
        return bool(self._frames)

    def changed(self, chunks: list[bytes], lines: list[bytes]) -> list[bytes]:
        """The chunks of the body with frames that say something else; each goes to the chunk in which it began."""
        told = zip(self._frames, self.lines, lines, strict=True)
        new = ((frame, line.removesuffix(b"\n")) for frame, before, line in told if line != before)
        return edited(chunks, [(frame.start, frame.end, frame.with_data(data)) for frame, data in new])
