"""hypothesis's recordings: any headers, chunk boundaries, offsets and bytes that the values allow."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from replaycache import Body, Chunk, Recording, Request, ResponseHead

latin1 = st.characters(max_codepoint=255, exclude_characters="\r\n\0")
latin = st.text(latin1, max_size=30)
text = st.text(st.characters(min_codepoint=33, exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=30)
names = st.text(latin1.filter(lambda char: char == char.lower()), max_size=20)
headers = st.lists(st.tuples(names, latin), max_size=5).map(tuple)
moments = st.floats(min_value=0, max_value=4e9)
seconds = st.floats(min_value=0, max_value=1e8)

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
    recorded_at=moments,
    latency=seconds,
    complete=st.booleans(),
)
