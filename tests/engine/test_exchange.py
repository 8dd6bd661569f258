"""A call's way through the parts, and what a transport keeps between calls."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache import BudgetExceeded, CacheMiss, ConfigurationError
from replaycache.engine import flights
from replaycache.engine.decisions import Forward, Recheck, Refuse, Replay, Wait
from replaycache.stores import CassetteStore, MemoryStore
from tests.engine.parts import ANSWER, BODY, URL, answer_in_full, call_of, exchange, sent


def decided(call: Any) -> Any:
    return call.decide(call.load())


@pytest.fixture(autouse=True)
def _nobody_is_waited_for() -> Any:
    yield
    assert not flights._aloft


def test_what_was_asked_once_is_answered_from_then_on() -> None:
    hits: list[Any] = []
    misses: list[Any] = []
    made = exchange(on_hit=lambda *told: hits.append(told), on_miss=lambda *told: misses.append(told))
    answer_in_full(sent(call_of(made)))
    decision = decided(call_of(made))

    assert isinstance(decision, Replay)
    assert decision.recording.body.read() == ANSWER
    assert [(outcome.status, recording.body.read()) for recording, outcome in hits] == [("hit", ANSWER)]
    assert [(request.url, reason) for request, reason in misses] == [(URL, "no_recording")]
    assert (made.tally.replayed, made.tally.recorded) == (1, 1)


def test_a_miss_tells_what_was_asked_and_why() -> None:
    made = exchange(mode="replay")
    call = call_of(made)
    decision = decided(call)
    assert decision == Refuse("no_recording")
    miss = call.miss(decision.reason)

    assert isinstance(miss, CacheMiss)
    assert (miss.reason, miss.key) == ("no_recording", call.asked.key)
    assert miss.request is not None
    assert miss.request.body == BODY
    assert "next     record it with mode='auto'\n" in str(miss)


def test_of_those_that_ask_at_once_one_goes_and_the_others_wait_for_its_answer() -> None:
    made = exchange()
    first, second = call_of(made), call_of(made)
    answer = sent(first)
    waits = decided(second)
    assert isinstance(waits, Wait)
    answer_in_full(answer)

    assert waits.flight.is_over
    second.go_on()
    assert isinstance(decided(second), Replay)


def test_who_has_looked_before_another_landed_looks_again() -> None:
    made = exchange()
    late = call_of(made)
    found = late.load()
    answer_in_full(sent(call_of(made)))

    assert isinstance(late.decide(found), Recheck)
    assert isinstance(decided(late), Replay)


def test_who_finds_nothing_new_then_leads() -> None:
    made = exchange()
    late = call_of(made)
    found = late.load()
    answer_in_full(sent(call_of(made)), status=500)

    assert isinstance(late.decide(found), Recheck)
    assert decided(late) == Forward("no_recording")
    late.abandon("the call broke off")


def test_a_call_that_breaks_off_before_it_is_sent_holds_nobody_up() -> None:
    made = exchange()
    first, second = call_of(made), call_of(made)
    assert decided(first) == Forward("no_recording")
    waits = decided(second)
    assert isinstance(waits, Wait)
    first.abandon("the call broke off")
    assert waits.flight.is_over

    second.go_on()
    answer_in_full(sent(second))
    assert isinstance(decided(call_of(made)), Replay)


def test_a_call_that_breaks_off_after_it_was_sent_stores_nothing() -> None:
    made = exchange()
    call = call_of(made)
    answer = sent(call)
    call.abandon("the call broke off")
    answer_in_full(answer)

    assert len(made.store) == 0
    assert answer.outcome.status == "live"


def test_beyond_its_budget_nothing_is_sent() -> None:
    made = exchange(budget="$0.00")
    call = call_of(made)
    decision = decided(call)
    with pytest.raises(BudgetExceeded):
        call.sending(decision)
    call.abandon("the call broke off")


def test_a_cache_has_no_sequence() -> None:
    with pytest.raises(ConfigurationError, match="is a cache"):
        exchange(MemoryStore(), repeats="sequence")


def test_exchanges_of_one_session_share_its_place_and_its_tally(tmp_path: Any) -> None:
    store = CassetteStore(tmp_path / "a.json")
    made = exchange(store)
    for number in range(2):
        answer_in_full(sent(call_of(made)), body=str(number).encode().ljust(len(ANSWER)))
    first = exchange(CassetteStore(tmp_path / "a.json"), mode="replay")
    second = exchange(first.store, mode="replay", beside=first)
    answers = [decided(call_of(one)).recording.body.read().strip() for one in (first, second)]

    assert answers == [b"0", b"1"]
    assert second.tally is first.tally
    assert first.tally.replayed == 2
    assert decided(call_of(first)) == Refuse("already_played")
