"""Recordings to store: one made by hand, and hypothesis's."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from replaycache import Body, Chunk, Recording, Request, ResponseHead

LARGE = 700 << 10
"""Bytes of a body that a disk store keeps in a file of its own."""

latin = st.text(st.characters(max_codepoint=255), max_size=30)
text = st.text(st.characters(codec="utf-8"), max_size=30)
names = st.text(st.characters(max_codepoint=255).filter(lambda char: char == char.lower()), max_size=20)
headers = st.lists(st.tuples(names, latin), max_size=5).map(tuple)
seconds = st.floats(min_value=0, max_value=4e9, allow_nan=False)

request_bodies = st.one_of(
    st.binary(max_size=200),
    st.binary(min_size=1, max_size=8).map(lambda piece: piece * (40_000 // len(piece))),  # compressible
    st.integers(0, 1 << 32).map(lambda seed: random.Random(seed).randbytes(20_000)),  # not compressible
)
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "PATCH", "X-ODD"]),
    url=text.map(lambda rest: f"https://api.example.com/{rest}"),
    headers=headers,
    body=request_bodies,
)

chunks = st.builds(
    lambda data, microseconds: Chunk(data, microseconds / 1e6),
    st.binary(max_size=60),
    st.integers(0, 10**12),
)
bodies = st.one_of(
    st.lists(chunks, max_size=12).map(Body.of),
    st.lists(st.lists(chunks, max_size=4), max_size=4).map(
        lambda parts: Body([segment for part in parts for segment in Body.of(part).segments])
    ),
)
recordings = st.builds(
    Recording,
    request=requests,
    head=st.builds(ResponseHead, status=st.integers(100, 999), headers=headers),
    body=bodies,
    digest=st.text("0123456789abcdef", max_size=64),
    recorded_at=seconds,
    latency=seconds,
    complete=st.booleans(),
)


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
