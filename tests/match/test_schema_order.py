"""Models answer in the order of a schema's properties: another order asks for another answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import CacheMiss, Match, Request
from replaycache.httpx import ReplayTransport
from replaycache.stores import MemoryStore

URL = "https://api.openai.com/v1/chat/completions"


def schema(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": list(names)}


def key(body: Any) -> str:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Match().key(Request("POST", URL, (("content-type", "application/json"),), text))


PLACES = {
    "chat": lambda inner: {"response_format": {"type": "json_schema", "json_schema": {"schema": inner}}},
    "tool": lambda inner: {"tools": [{"type": "function", "function": {"name": "f", "parameters": inner}}]},
    "messages": lambda inner: {"tools": [{"name": "f", "input_schema": inner}]},
    "gemini": lambda inner: {"generationConfig": {"responseSchema": inner}},
    "nested": lambda inner: {"tools": [{"input_schema": {"properties": {"a": {"items": inner}}}}]},
    "a property of that name": lambda inner: {"tools": [{"input_schema": {"properties": {"properties": inner}}}]},
    "definitions": lambda inner: {"text": {"format": {"schema": {"$defs": {"step": inner}}}}},
}


@pytest.mark.parametrize("place", PLACES)
def test_the_order_of_properties_counts(place: str) -> None:
    one = PLACES[place](schema("reasoning", "answer") | {"required": []})
    other = PLACES[place](schema("answer", "reasoning") | {"required": []})

    assert one == other
    assert key(one) != key(other)


@pytest.mark.parametrize("place", PLACES)
def test_the_order_of_other_names_does_not(place: str) -> None:
    inner = schema("b", "a")

    assert key(PLACES[place](inner)) == key(PLACES[place](dict(reversed(inner.items()))))
    assert key(PLACES[place](inner)) == key(json.dumps(PLACES[place](inner), indent=4).encode())


def test_rules_reach_into_schemas() -> None:
    one, other = PLACES["tool"](schema("b", "a")), PLACES["tool"](schema("b", "a"))
    other["tools"][0]["function"]["parameters"]["properties"]["b"]["description"] = "made on 2026-11-29"
    match = Match(ignore=["tools[*].function.parameters.properties.b.description"])
    scrub = Match(scrub=[(r"\d{4}-\d\d-\d\d", "DATE")])
    later = json.loads(json.dumps(other).replace("2026-11-29", "2027-01-01"))

    def keys(rules: Match, *bodies: Any) -> set[str]:
        headers = (("content-type", "application/json"),)
        return {rules.key(Request("POST", URL, headers, json.dumps(body).encode())) for body in bodies}

    assert len(keys(Match(), one, other, later)) == 3
    assert len(keys(match, one, other, later)) == 1
    assert len(keys(scrub, other, later)) == 1


@given(st.permutations(["a", "b", "properties", "d"]), st.permutations(["a", "b", "properties", "d"]))
def test_two_orders_meet_only_where_they_are_one(first: list[str], second: list[str]) -> None:
    assert (key({"p": schema(*first) | {"required": []}}) == key({"p": schema(*second) | {"required": []}})) == (
        first == second
    )


def test_a_miss_tells_that_only_the_order_differs() -> None:
    store = MemoryStore()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"choices": [{"finish_reason": "stop"}]})

    def ask(mode: str, *names: str) -> None:
        transport = ReplayTransport(httpx.MockTransport(answer), store=store, mode=mode)
        with httpx.Client(transport=transport) as client:
            body = PLACES["chat"](schema(*names) | {"required": []})
            client.post(URL, json={"model": "m", "messages": [], **body})

    ask("auto", "reasoning", "answer")

    with pytest.raises(CacheMiss) as raised:
        ask("replay", "answer", "reasoning")
    told = " ".join(str(raised.value).replace('", "', '","').split())
    assert 'schema.properties, in order recorded ["reasoning","answer"] asked ["answer","reasoning"]' in told
