"""Which requests are the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Match
from replaycache.engine.asked import LEFT_OUT
from replaycache.engine.identifier import ALIASES
from replaycache.stores import CassetteStore, MemoryStore, Store
from tests.engine.parts import BODY, URL, asked_of, exchange


def test_the_same_bytes_have_the_same_identity_and_it_is_that_of_match() -> None:
    made = exchange()
    first, again = asked_of(made), asked_of(made)

    assert first.identity == again.identity == Match().identity(first.request)
    assert first.key == again.key != ""


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=6))
def test_what_was_seen_before_is_never_taken_for_another(bodies: list[bytes]) -> None:
    made = exchange()
    for body in [*bodies, *bodies]:
        asked = asked_of(made, body=body)
        assert asked.identity == Match().identity(asked.request)


def test_it_remembers_no_more_than_so_many() -> None:
    made = exchange()
    keys = {asked_of(made, body=json.dumps({"n": number}).encode()).key for number in range(ALIASES + 5)}

    assert len(keys) == ALIASES + 5
    assert asked_of(made, body=b'{"n": 0}').key in keys


def test_what_counts_besides_the_body() -> None:
    made = exchange()
    plain = asked_of(made)
    others = [
        asked_of(made, url=URL + "?b=1"),
        asked_of(made, headers=[(b"x-replaycache-sample", b"1")]),
        asked_of(made, headers=[(b"Host", b"gateway.test")]),
        asked_of(made, body=BODY.replace(b"gpt-5", b"gpt-4")),
    ]

    assert len({plain.key, *(other.key for other in others)}) == 5


def test_the_host_header_and_the_target_are_what_is_asked() -> None:
    read = exchange().identifier.read

    assert read("POST", URL, [(b"Host", b"gateway.test:81")]).url == "https://gateway.test:81/v1/chat/completions"
    assert read("POST", URL, [], b"/v1/messages?a=1").url == "https://api.openai.com/v1/messages?a=1"


def test_a_body_that_is_too_large_has_no_identity() -> None:
    asked = asked_of(exchange(max_request_bytes=10), body=None)

    assert asked.identity is None
    assert asked.unstorable == "the request's body is larger than max_request_bytes=10"


@pytest.mark.parametrize("store", [MemoryStore(), CassetteStore("never-written.json")], ids=["cache", "cassette"])
def test_what_the_user_says_is_not_cacheable_has_an_identity_all_the_same(store: Store) -> None:
    asked = asked_of(exchange(store, match=Match(cacheable=lambda request: False)))

    assert asked.unstorable == LEFT_OUT
    assert asked.key == Match().identity(asked.request).key
