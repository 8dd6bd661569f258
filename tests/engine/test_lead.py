"""Who of those that ask the same at once calls upstream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from replaycache.engine import flights
from replaycache.engine.flights import ClaimedElsewhere, Owner, landings
from replaycache.engine.lead import Lead, Neighbours
from replaycache.match import Identity
from replaycache.stores import MemoryStore

IDENTITY = Identity("ab" * 16, "cd" * 32)


class Claims:
    """Two processes' claims in one."""

    def __init__(self, *, elsewhere: bool = False) -> None:
        self.elsewhere = elsewhere
        self.claimed: list[str] = []

    def claim(self, key: str) -> bool:
        if not self.elsewhere:
            self.claimed.append(key)
        return not self.elsewhere

    def release(self, key: str) -> None:
        if key in self.claimed:
            self.claimed.remove(key)

    def is_free(self, key: str) -> bool:
        return not self.elsewhere


@pytest.fixture(autouse=True)
def _nothing_stays_aloft() -> Iterator[None]:
    yield
    assert not flights._aloft


def leads(count: int, claims: Claims | None = None) -> list[Lead]:
    store = MemoryStore()
    return [Lead(Neighbours(store, lambda number=number: Owner(number), claims)) for number in range(count)]


def test_who_has_no_neighbours_goes_at_once() -> None:
    lead = Lead(None)

    assert lead.is_settled
    assert lead.take_off(IDENTITY) is None
    assert not lead.may_have_missed(landings())
    lead.land()


def test_the_second_waits_for_the_first() -> None:
    first, second = leads(2)
    before = landings()

    assert first.take_off(IDENTITY) is None
    assert first.is_settled
    assert not first.may_have_missed(before)
    flight = second.take_off(IDENTITY)
    assert flight is not None
    assert not second.is_settled
    assert not flight.is_over
    first.land()
    assert flight.is_over


def test_who_leads_after_another_may_have_missed_its_answer() -> None:
    first, second = leads(2)
    before = landings()
    first.take_off(IDENTITY)
    first.land()

    assert second.take_off(IDENTITY) is None
    assert second.may_have_missed(before)
    assert second.may_have_missed(None)
    second.land()


def test_nobody_waits_for_itself() -> None:
    store = MemoryStore()
    first, second = (Lead(Neighbours(store, lambda: Owner(1), None)) for _ in range(2))
    first.take_off(IDENTITY)

    assert second.take_off(IDENTITY) is None
    assert not second.may_have_missed(-1)
    second.land()
    assert flights._aloft
    first.land()


def test_who_goes_alone_neither_leads_nor_waits() -> None:
    first, second = leads(2)
    first.take_off(IDENTITY)
    second.take_off(IDENTITY)
    second.go_on()

    assert second.take_off(IDENTITY) is None
    first.land()


def test_a_claim_is_had_with_the_flight_and_let_go_with_it() -> None:
    claims = Claims()
    (lead,) = leads(1, claims)

    assert lead.take_off(IDENTITY) is None
    assert claims.claimed == [IDENTITY.key]
    assert lead.may_have_missed(landings())  # processes do not count each other's landings
    lead.land()
    lead.land()
    assert claims.claimed == []


def test_another_process_that_has_the_claim_is_waited_for() -> None:
    claims = Claims(elsewhere=True)
    (lead,) = leads(1, claims)

    flight = lead.take_off(IDENTITY)
    assert isinstance(flight, ClaimedElsewhere)
    assert not flight.is_over
    claims.elsewhere = False
    assert flight.is_over
    lead.land()
    assert claims.claimed == []


def test_who_waited_for_another_process_may_lead_after_it() -> None:
    claims = Claims(elsewhere=True)
    (lead,) = leads(1, claims)
    flight = lead.take_off(IDENTITY)
    claims.elsewhere = False
    assert flight is not None
    assert flight.is_over

    lead.go_on()

    assert not lead.is_settled
    assert lead.take_off(IDENTITY) is None
    assert lead.is_settled
    assert claims.claimed == [IDENTITY.key]
    lead.land()
    assert claims.claimed == []


def test_a_second_process_is_waited_for_and_no_third() -> None:
    claims = Claims(elsewhere=True)
    (lead,) = leads(1, claims)
    for _ in range(2):
        flight = lead.take_off(IDENTITY)
        claims.elsewhere = False
        assert flight is not None
        assert flight.is_over
        claims.elsewhere = True
        assert not lead.is_settled
        lead.go_on()

    assert lead.is_settled
    lead.land()


def test_who_waited_too_long_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "LEASE", -1)
    (lead,) = leads(1, Claims(elsewhere=True))
    flight = lead.take_off(IDENTITY)
    assert flight is not None
    assert flight.is_over

    lead.go_on()

    assert lead.is_settled
    lead.land()


class Interrupted(Claims):
    """An interrupt falls into what is called by this name, once."""

    def __init__(self, name: str, *, after: bool) -> None:
        super().__init__()
        self.name = name
        self.after = after

    def claim(self, key: str) -> bool:
        return self._interrupt("claim", key, super().claim) or True

    def release(self, key: str) -> None:
        self._interrupt("release", key, super().release)

    def _interrupt(self, name: str, key: str, do: object) -> None:
        falls, self.name = self.name == name, "" if self.name == name else self.name
        if falls and not self.after:
            raise KeyboardInterrupt
        do(key)  # type: ignore[operator]
        if falls:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["claim", "release"])
def test_after_an_interrupt_landing_lets_go_of_both(name: str, after: bool) -> None:
    claims = Interrupted(name, after=after)
    (lead,) = leads(1, claims)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # it falls into one or the other
        lead.take_off(IDENTITY)
        lead.land()
    lead.land()

    assert claims.claimed == []
    assert not flights._aloft
