"""When the pieces of a streamed answer came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Body, Chunk
from replaycache.maintenance.timeline import ASCII_BARS, BARS, timeline

CHUNKS = st.lists(st.tuples(st.binary(max_size=50), st.floats(0, 1000, allow_nan=False)), max_size=50).map(
    lambda pairs: [
        Chunk(data, offset) for (data, _), offset in zip(pairs, sorted(at for _, at in pairs), strict=True)
    ]
)


def test_a_slice_of_time_has_the_bytes_that_came_in_it() -> None:
    line = timeline(Body.of([Chunk(b"a", 0.0), Chunk(b"bb", 0.1), Chunk(b"cccc", 0.9), Chunk(b"d", 1.0)]), 10)

    assert line.counts == (1, 2, 0, 0, 0, 0, 0, 0, 0, 5)
    assert line.bars() == "▂▄       █"
    assert line.bars(ASCII_BARS) == ":=       @"
    assert (line.chunks, line.first, line.last, line.longest_pause) == (4, 0.0, 1.0, 0.8)


@pytest.mark.parametrize("chunks", [[], [Chunk(b"", 0.0)], [Chunk(b"", 1.0), Chunk(b"", 2.0)]], ids=str)
def test_nothing_has_no_bars(chunks: list[Chunk]) -> None:
    assert timeline(Body.of(chunks), 5).bars() == ""


def test_an_answer_at_once_is_one_slice() -> None:
    assert timeline(Body.of([Chunk(b"a", 0.0), Chunk(b"b", 0.0)]), 3).bars() == "█  "


@given(CHUNKS, st.integers(1, 100))
def test_no_byte_is_lost_and_none_is_hidden(chunks: list[Chunk], width: int) -> None:
    body = Body.of(chunks)
    line = timeline(body, width)

    assert len(line.counts) == width
    assert sum(line.counts) == body.size
    assert line.chunks == len(chunks)
    for characters in (BARS, ASCII_BARS):
        bars = line.bars(characters)
        assert [bar != characters[0] for bar in bars] == [count > 0 for count in line.counts][: len(bars)]
