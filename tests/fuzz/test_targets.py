"""Every target over its seeds, over those cut and put together, and over any bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .targets import TARGETS, target

SEEDS = Path(__file__).parent / "seeds"


def seeds_of(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    """What was found once stays mended: each input that failed is a seed."""
    seeds = seeds_of(name)
    for seed in (b"", *seeds):
        target(name)(seed)

    assert seeds


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes(name: str) -> None:
    once, seeds = target(name), seeds_of(name)
    changed = st.tuples(
        st.sampled_from(seeds), st.integers(0, 400), st.integers(0, 12), st.binary(max_size=4)
    ).map(lambda of: of[0][: of[1]] + of[3] + of[0][of[1] + of[2] :])

    @settings(max_examples=4 * settings().max_examples)
    @given(st.binary(max_size=200) | changed)
    def holds(data: bytes) -> None:
        once(data)

    holds()


def test_there_are_seeds_for_targets_only() -> None:
    assert {path.name for path in SEEDS.iterdir()} == set(TARGETS)
