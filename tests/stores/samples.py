"""Recordings to store. Other processes import this too, so that it imports little."""

from __future__ import annotations

import random

from replaycache import Body, Chunk, Recording, Request, ResponseHead

LARGE = 700 << 10
"""Bytes of a body that a disk store keeps in a file of its own."""


def recording(body: bytes | Body = b'{"ok":true}', *, asked: str = "Hello", status: int = 200) -> Recording:
    """A recording that tells by `asked` and by its body which one it is."""
    if isinstance(body, bytes):
        middle = len(body) // 2
        body = Body.of([Chunk(body[:middle], 0.001), Chunk(body[middle:], 0.25)])
    return Recording(
        request=Request(
            "POST",
            "https://api.example.com/v1/chat/completions",
            (("content-type", "application/json"),),
            b'{"messages":[{"role":"user","content":"%s"}]}' % asked.encode(),
        ),
        head=ResponseHead(status, (("content-type", "application/json"), ("x-request-id", "req-\xe9"))),
        body=body,
        digest="0123456789abcdef",
        recorded_at=1_700_000_000.125,
        latency=0.75,
    )


def large(seed: int = 1, size: int = LARGE) -> Recording:
    """A recording whose body is random bytes, in chunks of many lengths, in several segments."""
    source = random.Random(seed)
    data = source.randbytes(size)
    cuts = sorted(source.sample(range(size), 300))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
    parts = [pieces[at : at + 100] for at in range(0, len(pieces), 100)]
    return recording(
        Body(
            [
                segment
                for part, offset in zip(parts, range(len(parts)), strict=True)
                for segment in Body.of([Chunk(piece, offset + 0.5) for piece in part]).segments
            ]
        ),
        asked=f"large {seed}",
    )
