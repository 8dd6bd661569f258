"""Each scenario of the proof, a few times; `python tests/proof` tries them many times."""

from __future__ import annotations

import os
import sys

import pytest

from .scenarios import Scenario, all_scenarios, run

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or sys.platform != "linux", reason="it forks, and asks Linux"
)

ROWS = [
    pytest.param(one, marks=pytest.mark.exhaustive) if one.is_long else one for one in all_scenarios().values()
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("chosen", ROWS, ids=lambda chosen: chosen.name)
def test_nothing_is_wrong_lost_or_left(chosen: Scenario) -> None:
    tally = run(chosen, chosen.few, 1)
    if tally.absent:
        pytest.skip(tally.absent)

    assert tally.is_clean, "\n".join(tally.told)
    assert tally.times >= chosen.few
