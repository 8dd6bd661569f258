"""One decision about a request."""

from __future__ import annotations

import time
from typing import Any

import pytest

from replaycache import Mode, Recording
from replaycache.engine.decider import Decider
from replaycache.engine.decisions import Forward, Recheck, Refuse, Replay
from replaycache.engine.lookup import Nothing
from tests.engine.parts import URL, asked_of, exchange, recording_of

DECIDER = Decider("here", 0.5)


def ask(mode: str = "auto", **changes: Any) -> Any:
    asked = asked_of(exchange(mode=mode, ttl=changes.pop("ttl", None)), **changes)
    asked.mode = Mode.parse(mode, "mode")
    return asked


def found(asked: Any, *, age: float = 1.0, **changes: Any) -> Recording:
    return recording_of(asked, **({"recorded_at": time.time() - age} | changes))


@pytest.mark.parametrize("mode", ["auto", "replay"])
def test_what_was_found_answers(mode: str) -> None:
    asked = ask(mode)
    has = found(asked, age=7.0)
    decision = DECIDER.decide(asked, has)

    assert isinstance(decision, Replay)
    assert (decision.recording, decision.pace) == (has, 0.5)
    outcome = decision.outcome
    assert (outcome.status, outcome.key, outcome.store) == ("hit", asked.key, "here")
    assert outcome.age == pytest.approx(7, abs=2)


def test_a_recording_from_the_future_is_of_age_0() -> None:
    asked = ask(ttl=5)
    decision = DECIDER.decide(asked, found(asked, age=-100.0))

    assert isinstance(decision, Replay)
    assert decision.outcome.age == 0


def test_what_is_too_old_does_not_answer() -> None:
    live, stored = ask("auto", ttl=5), ask("replay", ttl=5)

    assert DECIDER.decide(live, found(live, age=60.0)) == Forward("expired")
    assert DECIDER.decide(stored, found(stored, age=60.0)) == Refuse("expired")


def test_what_bears_no_date_is_never_too_old() -> None:
    """What others recorded may have none."""
    asked = ask("replay", ttl=5)
    decision = DECIDER.decide(asked, found(asked, recorded_at=0.0))

    assert isinstance(decision, Replay)
    assert (decision.outcome.recorded_at, decision.outcome.age) == (None, None)


@pytest.mark.parametrize("why", ["no_recording", "already_played", "cassette_not_found"])
def test_why_nothing_answers_is_handed_on(why: Any) -> None:
    assert DECIDER.decide(ask("auto"), Nothing(why=why)) == Forward(why)
    assert DECIDER.decide(ask("replay"), Nothing(why=why)) == Refuse(why)


def test_modes_that_do_not_look_go_upstream() -> None:
    asked = ask("verify")
    has = found(asked)

    assert DECIDER.decide(ask("off"), Nothing()) == Forward()
    assert DECIDER.decide(ask("record"), Nothing()) == Forward()
    assert DECIDER.decide(asked, has) == Forward(expected=has)


def test_what_a_store_may_not_answer() -> None:
    models = URL.replace("chat/completions", "models")

    assert DECIDER.decide(ask("auto", url=models), Nothing()) == Forward()
    assert DECIDER.decide(ask("replay", url=models), Nothing()) == Refuse("not_cacheable")
    assert DECIDER.decide(ask("auto", body=None), Nothing()) == Forward()
    assert DECIDER.decide(ask("replay", body=None), Nothing()) == Refuse("request_too_large")


def test_a_busy_store_is_asked_again() -> None:
    assert isinstance(DECIDER.decide(ask(), Nothing(is_busy=True)), Recheck)
