"""What a store has for a request."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache import CorruptRecording, Mode, Recording, ReplayCacheWarning, StoreError
from replaycache.engine.lookup import Found, Nothing
from replaycache.stores import CassetteStore, MemoryStore, StoreBusy
from tests.engine.parts import ANSWER, answer_in_full, asked_of, call_of, exchange, recording_of, sent


class Failing(MemoryStore):
    """Its `get` fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get(self, key: str) -> Recording | None:
        raise self.error


def filled(**options: Any) -> tuple[Any, Any]:
    made = exchange(**options)
    asked = asked_of(made)
    made.store.put(asked.key, recording_of(asked))
    return made, asked


def answers(found: Found) -> bool:
    return isinstance(found, Recording) and found.body.read() == ANSWER


@pytest.mark.parametrize("mode", ["auto", "replay", "verify"])
def test_it_is_found_where_it_may_answer(mode: str) -> None:
    made, asked = filled(mode=mode)

    assert answers(made.lookup.find(asked))


@pytest.mark.parametrize("mode", ["record", "off"])
def test_it_is_not_looked_for_where_it_may_not(mode: str) -> None:
    made, asked = filled()
    asked.mode = Mode.parse(mode, "mode")

    assert made.lookup.find(asked) == Nothing()


def test_nor_where_nothing_is_stored_of_it() -> None:
    made, asked = filled()
    asked.unstorable = "as you like"

    assert made.lookup.find(asked) == Nothing()


def test_in_a_cache_once_is_auto() -> None:
    made, asked = filled(mode="once")

    assert answers(made.lookup.find(asked))
    assert asked.mode is Mode.AUTO


def test_in_a_cassette_once_is_what_the_session_found(tmp_path: Any) -> None:
    path = tmp_path / "a.json"
    for expected in (Mode.AUTO, Mode.REPLAY):
        made = exchange(CassetteStore(path), mode="once")
        first = call_of(made)
        if expected is Mode.AUTO:
            answer_in_full(sent(first))
        second = asked_of(made)
        made.lookup.find(second)

        assert second.mode is expected


def test_a_cassette_tells_why_it_has_none(tmp_path: Any) -> None:
    path = tmp_path / "a.json"
    made = exchange(CassetteStore(path), mode="replay")
    assert made.lookup.find(asked_of(made)).why == "cassette_not_found"

    answer_in_full(sent(call_of(exchange(CassetteStore(path)))))
    made = exchange(CassetteStore(path), mode="replay")
    assert isinstance(made.lookup.find(asked_of(made)), Recording)
    assert made.lookup.find(asked_of(made)).why == "already_played"


def test_a_store_that_would_wait_is_busy_and_may_be_asked_again() -> None:
    made = exchange(Failing(StoreBusy("locked")))
    asked = asked_of(made)

    assert made.lookup.find(asked) == Nothing(is_busy=True)
    assert asked.unstorable == ""


def test_a_store_that_fails_is_told_once_and_left_alone() -> None:
    made = exchange(Failing(StoreError("no disk.")))
    asked = asked_of(made)
    with pytest.warns(ReplayCacheWarning, match=r"no disk\. The call goes live\."):
        assert isinstance(made.lookup.find(asked), Nothing)

    assert asked.unstorable == "the store failed: no disk."


def test_a_damaged_recording_may_be_replaced() -> None:
    made = exchange(Failing(CorruptRecording("bits.")))
    asked = asked_of(made)
    with pytest.warns(ReplayCacheWarning, match="bits"):
        assert isinstance(made.lookup.find(asked), Nothing)

    assert asked.unstorable == ""


def test_in_mode_replay_it_raises() -> None:
    made = exchange(Failing(StoreError("no disk.")), mode="replay")
    with pytest.raises(StoreError, match="no disk"):
        made.lookup.find(asked_of(made))
