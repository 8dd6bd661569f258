"""One decision about a request."""

from __future__ import annotations

import time
from typing import Any

import pytest

from replaycache import Mode
from replaycache.engine.decider import Decider
from replaycache.engine.decisions import Forward, Recheck, Refuse, Replay, Wait
from replaycache.engine.flights import Owner, landings
from replaycache.engine.lead import Lead, Neighbours
from replaycache.engine.lookup import Found
from replaycache.stores import MemoryStore
from tests.engine.parts import URL, asked_of, exchange, recording_of

CACHE = Decider("here", 0.5, is_cache=True)
CASSETTE = Decider("here", 0.5, is_cache=False)


def ask(mode: str = "auto", **changes: Any) -> Any:
    asked = asked_of(exchange(mode=mode, ttl=changes.pop("ttl", None)), **changes)
    asked.mode = Mode.parse(mode, "mode")
    return asked


def found(asked: Any, *, age: float = 1.0, **changes: Any) -> Found:
    return Found(recording_of(asked, recorded_at=time.time() - age, **changes), landings=landings())


def nothing(**changes: Any) -> Found:
    return Found(landings=landings())._replace(**changes)


def alone() -> Lead:
    return Lead(None)


@pytest.mark.parametrize("mode", ["auto", "replay"])
@pytest.mark.parametrize("decider", [CACHE, CASSETTE])
def test_what_was_found_answers(decider: Decider, mode: str) -> None:
    asked = ask(mode)
    has = found(asked, age=7.0)
    decision = decider.decide(asked, has, alone())

    assert isinstance(decision, Replay)
    assert (decision.recording, decision.pace) == (has.recording, 0.5)
    outcome = decision.outcome
    assert (outcome.status, outcome.key, outcome.store) == ("hit", asked.key, "here")
    assert outcome.age == pytest.approx(7, abs=2)


def test_a_recording_from_the_future_is_of_age_0() -> None:
    asked = ask(ttl=5)
    decision = CACHE.decide(asked, found(asked, age=-100.0), alone())

    assert isinstance(decision, Replay)
    assert decision.outcome.age == 0


@pytest.mark.parametrize("changes", [{"digest": "another"}, {"complete": False}])
def test_a_cache_answers_with_nothing_but_the_whole_of_the_same(changes: dict[str, Any]) -> None:
    asked = ask("replay")
    has = found(asked, **changes)

    assert CACHE.decide(asked, has, alone()) == Refuse("no_recording")
    assert isinstance(CASSETTE.decide(asked, has, alone()), Replay)


def test_what_is_too_old_does_not_answer() -> None:
    live, stored = ask("auto", ttl=5), ask("replay", ttl=5)

    assert CACHE.decide(live, found(live, age=60.0), alone()) == Forward("expired")
    assert CACHE.decide(stored, found(stored, age=60.0), alone()) == Refuse("expired")


@pytest.mark.parametrize("why", ["no_recording", "already_played", "cassette_not_found"])
def test_why_nothing_answers_is_handed_on(why: Any) -> None:
    assert CASSETTE.decide(ask("auto"), nothing(why=why), alone()) == Forward(why)
    assert CASSETTE.decide(ask("replay"), nothing(why=why), alone()) == Refuse(why)


def test_modes_that_do_not_look_go_upstream() -> None:
    asked = ask("verify")
    has = found(asked)

    assert CACHE.decide(ask("off"), nothing(), alone()) == Forward()
    assert CACHE.decide(ask("record"), nothing(), alone()) == Forward()
    assert CACHE.decide(asked, has, alone()) == Forward(expected=has.recording)


def test_what_a_store_may_not_answer() -> None:
    models = URL.replace("chat/completions", "models")

    assert CACHE.decide(ask("auto", url=models), nothing(), alone()) == Forward()
    assert CACHE.decide(ask("replay", url=models), nothing(), alone()) == Refuse("not_cacheable")
    assert CACHE.decide(ask("auto", body=None), nothing(), alone()) == Forward()
    assert CACHE.decide(ask("replay", body=None), nothing(), alone()) == Refuse("request_too_large")


def test_a_busy_store_is_asked_again() -> None:
    assert CACHE.decide(ask(), nothing(is_busy=True), alone()) == Recheck()


def test_of_those_that_ask_at_once_one_goes_and_the_others_wait_and_then_look() -> None:
    store, asked = MemoryStore(), ask()
    first, second, third = (Lead(Neighbours(store, lambda number=n: Owner(number), None)) for n in (1, 2, 3))
    try:
        assert CACHE.decide(asked, nothing(), first) == Forward("no_recording")
        decision = CACHE.decide(asked, nothing(), second)
        assert isinstance(decision, Wait)
        before = nothing()
        first.land()
        assert decision.flight.is_over
        assert CACHE.decide(asked, before, third) == Recheck()
        assert CACHE.decide(asked, nothing(), third) == Forward("no_recording")
        third.land()
        second.go_alone()
        assert CACHE.decide(asked, nothing(), second) == Forward("no_recording")
    finally:
        for lead in (first, second, third):
            lead.land()


def test_who_leads_and_finds_an_answer_lets_the_others_go() -> None:
    store, asked = MemoryStore(), ask()
    first, second = (Lead(Neighbours(store, lambda number=n: Owner(number), None)) for n in (1, 2))
    assert CACHE.decide(asked, nothing(), first) == Forward("no_recording")
    waits = CACHE.decide(asked, nothing(), second)
    assert isinstance(waits, Wait)

    assert isinstance(CACHE.decide(asked, found(asked), first), Replay)
    assert waits.flight.is_over
