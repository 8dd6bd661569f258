"""What is asked."""

from __future__ import annotations

import pytest

from replaycache import ConfigurationError, Match, Mode, sample
from replaycache.engine.asked import NOT_CACHEABLE
from replaycache.stores import CassetteStore
from tests.engine.parts import BODY, URL, asked_of, exchange

MODELS = "https://api.openai.com/v1/models"


def test_its_own_headers_say_how_it_is_answered() -> None:
    asked = asked_of(
        exchange(mode="replay", ttl=5, sample=1),
        headers=[
            (b"X-ReplayCache-Mode", b" record "),
            (b"x-replaycache-sample", b"7"),
            (b"x-replaycache-ttl", b"2m"),
        ],
    )

    assert (asked.mode, asked.sample, asked.ttl) == (Mode.RECORD, 7, 120)


def test_without_such_headers_it_is_answered_as_the_options_say() -> None:
    asked = asked_of(exchange(mode="replay", ttl=5, sample=3))

    assert (asked.mode, asked.sample, asked.ttl) == (Mode.REPLAY, 3, 5)
    assert not asked.has_call_headers


def test_a_sample_around_it_goes_before_the_option() -> None:
    with sample(4):
        assert asked_of(exchange(sample=3)).sample == 4


def test_such_headers_are_no_part_of_the_request() -> None:
    made = exchange()
    plain, told = asked_of(made), asked_of(made, headers=[(b"X-Replaycache-Ttl", b"5")])

    assert told.has_call_headers
    assert told.request == plain.request
    assert told.identity == plain.identity


@pytest.mark.parametrize("header", [(b"x-replaycache-mode", b"sometimes"), (b"x-replaycache-sample", b"many")])
def test_a_wrong_value_is_refused(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ConfigurationError, match=header[0].decode()):
        asked_of(exchange(), headers=[header])


@pytest.mark.parametrize("name", ["x-replaycache-mod", "X-Replaycache-Smaple", "x-replaycache-til"])
def test_a_misspelt_header_is_no_silent_live_call(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"there is no header {name.lower()}; did you mean x-replaycache-"
    ):
        asked_of(exchange(), headers=[(name.encode(), b"replay")])


@pytest.mark.parametrize("match", [Match(), Match(cacheable=lambda _: True)])
def test_what_is_close_to_none_of_them_is_left_out(match: Match) -> None:
    asked = asked_of(exchange(match=match), headers=[(b"x-replaycache-token", b"secret")])

    assert asked.request.header("x-replaycache-token") is None
    assert asked.ttl is None


def test_the_request_is_what_was_sent() -> None:
    request = asked_of(exchange(), headers=[(b"Authorization", b"Bearer x")]).request

    assert (request.method, request.url, request.body) == ("POST", URL, BODY)
    assert request.headers == (("content-type", "application/json"), ("authorization", "Bearer x"))


def test_a_cache_leaves_alone_what_does_not_generate() -> None:
    asked = asked_of(exchange(), url=MODELS)

    assert not asked.needs_body
    assert asked.unstorable == NOT_CACHEABLE
    assert asked.key == ""


def test_a_cassette_takes_it(tmp_path: object) -> None:
    asked = asked_of(exchange(CassetteStore(f"{tmp_path}/a.json")), url=MODELS)

    assert asked.needs_body
    assert asked.unstorable == ""


def test_nothing_is_read_in_mode_off() -> None:
    asked = asked_of(exchange(mode="off"))

    assert not asked.needs_body
    assert asked.unstorable == "the mode is off"


def test_it_can_be_told_as_another_and_can_pass_by() -> None:
    made = exchange()
    asked = asked_of(made)
    other = asked_of(made, url=URL + "?b=1", body=b"{}").request
    asked.become(other)
    asked.pass_by("nobody wants it")

    assert (asked.request, asked.url, asked.body) == (other, other.url, b"{}")
    assert (asked.mode, asked.unstorable) == (Mode.OFF, "nobody wants it")
