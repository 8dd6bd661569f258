"""Answers in AWS event streams: their frames have lengths and checksums, and may hold JSON in base64."""

from __future__ import annotations

from itertools import accumulate

from ...dialects.framing.aws_event_stream import Frame, frames_of


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
        ends = [*accumulate(map(len, chunks))]
        body = b"".join(chunks)
        parts: list[list[bytes]] = [[] for _ in chunks]
        index = at = 0

        def keep(end: int) -> None:
            nonlocal index, at
            while at < end:
                while ends[index] <= at:
                    index += 1
                until = min(end, ends[index])
                parts[index].append(body[at:until])
                at = until

        for frame, before, line in zip(self._frames, self.lines, lines, strict=True):
            if line != before:
                keep(frame.start)
                while ends[index] <= at:
                    index += 1
                parts[index].append(frame.with_data(line.removesuffix(b"\n")))
                at = frame.end
        keep(len(body))
        return [b"".join(part) for part in parts]
