"""Real answers of real providers: each is told to be what it is."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from replaycache import foreign
from replaycache.dialects.answers import answer_end

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"

FILES = sorted(path for path in RECORDINGS.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))


@pytest.mark.skipif(not FILES, reason="the collection of real cassettes (../shared/recordings) is not here")
def test_recorded_answers_are_whole_and_refused_ones_failed() -> None:
    told: list[tuple[str, int, Any]] = []
    for path in FILES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = foreign.read(path)
        for recording in found:
            end, status = answer_end(recording), recording.head.status
            if end.verdict != ("whole" if status < 400 else "failed"):
                told.append((path.name, status, end))

    assert told == []
