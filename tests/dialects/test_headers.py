"""Headers that change what is answered count for the key, wherever the call goes."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from replaycache import Match, Request
from replaycache.dialects.dialect import AnswerHeader
from replaycache.dialects.registry import ANSWER_HEADERS
from replaycache.httpx import ReplayTransport
from replaycache.stores import MemoryStore

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "headers.json"
URL = "https://gateway.example/model/m/converse"


def key(url: str = URL, **headers: str) -> str:
    lines = (("content-type", "application/json"), *headers.items())
    return Match().key(Request("POST", url, tuple(lines), b'{"messages":[]}'))


@pytest.mark.parametrize("header", ANSWER_HEADERS, ids=lambda header: header.name)
def test_each_counts_and_names_its_source(header: AnswerHeader) -> None:
    assert len({key(), key(**{header.name: "a"}), key(**{header.name: "b"})}) == 3
    assert key(**{header.name: "a,b"}) == key(**{header.name: "a, b"})
    assert (key(**{header.name: "a,b"}) == key(**{header.name: "b, a,b"})) == header.is_set
    assert header.source.startswith("https://")
    assert header.name == header.name.lower()


@pytest.mark.parametrize(
    "name", ["user-agent", "x-stainless-retry-count", "accept", "traceparent", "x-request-id"]
)
def test_others_do_not(name: str) -> None:
    assert key(**{name: "a"}) == key()


def test_an_answer_without_a_guardrail_is_none_to_a_call_with_one() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"guarded": "x-amzn-bedrock-guardrailidentifier" in request.headers})

    transport = ReplayTransport(httpx.MockTransport(answer), store=MemoryStore())
    with httpx.Client(transport=transport) as client:
        answers = [
            client.post(URL, json={"messages": []}, headers=headers).json()["guarded"]
            for headers in ({}, {"X-Amzn-Bedrock-GuardrailIdentifier": "gr1"}, {})
        ]

    assert answers == [False, True, False]


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not there")
def test_the_shared_cases() -> None:
    for case in json.loads(CASES.read_text("utf-8")):
        if "same" in case:
            one, other = (key(case["url"], **{n.lower(): v for n, v in case[side].items()}) for side in "ab")
            assert (one == other) == case["same"], case["why"]
