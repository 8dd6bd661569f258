"""What was recorded under some rules answers nobody by whose own rules it is no answer.

Every rule of `Match` and `Redact` is tried against every other on one store: what one recorded is asked for
by the other. The oracle is the other's own identity of what was sent, with all its headers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replaycache import Match, Redact, Request
from replaycache.engine.decisions import Forward, Replay
from replaycache.engine.exchange import Exchange
from replaycache.engine.sealing import redactor_of
from replaycache.maintenance.moving import Moved, taken, to_cache, to_cassette
from replaycache.options import Options
from replaycache.stores import CassetteStore, DiskStore, MemoryStore
from tests.engine.parts import answer_in_full, call_of, exchange, sent
from tests.tables import one_in

CHAT = "/v1/chat/completions"
OPENAI = f"https://api.openai.com{CHAT}"
FAKE = f"http://localhost:8080{CHAT}"
MCP = {"type": "mcp", "server_label": "mail", "connector_id": "c"}


def _body(content: str = "Hi at 12:01", **members: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": content}], **members}).encode()


Asked = tuple[str, bytes, tuple[tuple[str, str], ...]]

REQUESTS: list[Asked] = [
    (OPENAI, _body(), ()),
    (FAKE, _body(), ()),
    (OPENAI, _body("Hi at 23:59"), ()),
    (OPENAI, _body(temperature=0), ()),
    (OPENAI, _body(n=1), ()),
    (OPENAI, _body(user="a"), ()),
    (OPENAI, _body(user="b"), ()),
    (OPENAI, _body(), (("x-tenant", "a"),)),
    (OPENAI, _body(), (("x-tenant", "b"),)),
    (OPENAI, _body(), (("openai-beta", "a"),)),
    (OPENAI, _body(), (("authorization", "Bearer a"),)),
    (OPENAI, _body(), (("authorization", "Bearer b"),)),
    (f"{OPENAI}?team=a", _body(), ()),
    (f"{OPENAI}?team=b", _body(), ()),
    (OPENAI, _body(tools=[MCP | {"authorization": "a"}]), ()),
    (OPENAI, _body(tools=[MCP | {"authorization": "b"}]), ()),
]


def _without_user(request: Request) -> Request:
    body = request.json()
    body.pop("user", None)
    return request.with_json(body)


def _by_tenant(request: Request) -> Request:
    return request.with_json({**request.json(), "tenant": request.header("x-tenant")})


RULES: dict[str, dict[str, Any]] = {
    "none": {},
    "ignore": {"match": Match(ignore=["temperature", "user"])},
    "ignore-header": {"match": Match(ignore=["headers.openai-beta"])},
    "scrub": {"match": Match(scrub=[(r"\d\d:\d\d", "TIME")])},
    "scrub-to-another": {"match": Match(scrub=[("12:01", "23:59")])},
    "normalize": {"match": Match(normalize=_without_user)},
    "normalize-by-header": {"match": Match(normalize=_by_tenant)},
    "normalize-by-stored-header": {
        "match": Match(normalize=_by_tenant),
        "redact": Redact(request_headers=["x-tenant"]),
    },
    "hosts": {"match": Match(hosts={"localhost:8080": "api.openai.com"})},
    "headers": {"match": Match(headers=["x-tenant"])},
    "headers-of-accounts": {"match": Match(headers=["authorization"])},
    "no-folding": {"match": Match(fold_defaults=False)},
    "scope": {"match": Match(scope="a")},
    "cacheable": {"match": Match(cacheable=lambda request: True)},
    "redact-body": {"redact": Redact(body=["user", "messages[*].content"])},
    "redact-query": {"redact": Redact(query=["team"])},
    "redact-and-ignore": {"match": Match(ignore=["user"]), "redact": Redact(body=["user"])},
    "redact-headers": {"redact": Redact(request_headers=["x-tenant"])},
    "secrets": {"redact": Redact(secrets="replace")},
}
PAIRS = [(one, other) for one in RULES for other in RULES]
WITH_NONE = [pair for pair in PAIRS if "none" in pair or pair[0] == pair[1]]
OTHERS = [pytest.param(pair, marks=pytest.mark.exhaustive) for pair in PAIRS if pair not in WITH_NONE]


def _headers(asked: Asked) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in asked[2]]


def _as_sent(asked: Asked) -> Request:
    url, body, headers = asked
    return Request("POST", url, (("content-type", "application/json"), *headers), body)


def _answer(number: int) -> bytes:
    return json.dumps({"number": number, "choices": [{"message": {}, "finish_reason": "stop"}]}).encode()


def _record(made: Exchange, order: Iterable[int] = range(len(REQUESTS))) -> None:
    """Asks everything; what nothing answers is answered by its number."""
    for number in order:
        asked = REQUESTS[number]
        call = call_of(made, url=asked[0], body=asked[1], headers=_headers(asked))
        decision = call.decide(call.load())
        if isinstance(decision, Forward):
            answer_in_full(call.sending(decision), body=_answer(number))


def _answers(made: Exchange) -> Iterator[tuple[Asked, int]]:
    """What is asked, and the number of the answer that it gets."""
    for asked in REQUESTS:
        call = call_of(made, url=asked[0], body=asked[1], headers=_headers(asked))
        decision = call.decide(call.load())
        if isinstance(decision, Replay):
            yield asked, json.loads(decision.recording.body.read())["number"]


def _is_same(options: Options, store: Any, one: Asked, other: Asked) -> bool:
    """By the rules of these options, looking at what was sent."""
    redactor = redactor_of(options, store)
    first, second = (options.match.identity(_as_sent(asked), redactor=redactor) for asked in (one, other))
    return first == second


def _check(store: Any, rules: dict[str, Any], least: int = 0) -> None:
    """Whatever is answered is answered right, and so much at least is."""
    asking = exchange(store, mode="replay", **rules)
    answers = list(_answers(asking))

    for asked, number in answers:
        assert _is_same(asking.options, store, asked, REQUESTS[number]), (asked, REQUESTS[number])
    assert len(answers) >= least


_QUIET = pytest.mark.filterwarnings("ignore:.*would never be found again")


@_QUIET
@pytest.mark.parametrize("pair", [*WITH_NONE, *OTHERS], ids="-".join)
def test_in_a_cache(pair: tuple[str, str]) -> None:
    recorded, asked = pair
    everything = recorded == asked and recorded != "normalize-by-header"
    # of those that are one by the rules, the first is recorded, and then the last
    for order in (range(len(REQUESTS)), range(len(REQUESTS) - 1, -1, -1)):
        store = MemoryStore()
        _record(exchange(store, **RULES[recorded]), order)
        _check(store, RULES[asked], len(REQUESTS) if everything else 0)


@_QUIET
@pytest.mark.parametrize("pair", one_in(7, PAIRS), ids="-".join)
def test_in_a_cassette(tmp_path: Path, pair: tuple[str, str]) -> None:
    recorded, asked = pair
    made = exchange(CassetteStore(tmp_path / "a.json"), repeats="same", **RULES[recorded])
    with made.store.deferred():  # type: ignore[attr-defined]  # a cassette's
        _record(made)
    made.end(warns=False)

    everything = recorded == asked and recorded != "normalize-by-header"
    store = CassetteStore(tmp_path / "a.json")
    _check(store, {**RULES[asked], "repeats": "same"}, len(REQUESTS) if everything else 0)


@pytest.mark.sampled(10)
@_QUIET
@pytest.mark.parametrize("pair", one_in(7, PAIRS), ids="-".join)
def test_moved_from_store_to_store(tmp_path: Path, pair: tuple[str, str]) -> None:
    recorded, asked = pair
    first, cassette, last = MemoryStore(), CassetteStore(tmp_path / "a.json"), DiskStore(tmp_path / "cache")
    _record(exchange(first, **RULES[recorded]))
    to_cassette(taken(first, Moved()), cassette, Redact(), Moved())
    to_cache(taken(cassette, Moved()), last, Redact(), Moved())
    direct = MemoryStore()
    to_cache(taken(first, Moved()), direct, Redact(), Moved())

    _check(cassette, {**RULES[asked], "repeats": "same"})
    _check(last, RULES[asked])
    _check(direct, RULES[asked])


@pytest.mark.sampled(13)
@_QUIET
@pytest.mark.parametrize("pair", one_in(7, PAIRS), ids="-".join)
def test_in_flight(pair: tuple[str, str]) -> None:
    """Who waits for another's answer looks at it by their own rules."""
    recorded, asked = pair
    store = MemoryStore()
    leading, following = exchange(store, **RULES[recorded]), exchange(store, **RULES[asked])
    for number, one in enumerate(REQUESTS):
        call = call_of(leading, url=one[0], body=one[1], headers=_headers(one))
        decision = call.decide(call.load())
        if not isinstance(decision, Forward):
            continue
        answer = call.sending(decision)
        waiting = [
            (other, call_of(following, url=other[0], body=other[1], headers=_headers(other))) for other in REQUESTS
        ]
        for _, other_call in waiting:
            other_call.decide(other_call.load())
        answer_in_full(answer, body=_answer(number))
        for other, other_call in waiting:
            other_call.go_on()
            found = other_call.decide(other_call.load())
            if isinstance(found, Replay):
                told = json.loads(found.recording.body.read())["number"]
                assert _is_same(following.options, store, other, REQUESTS[told])
            other_call.abandon("the test is over")


def test_a_recording_says_under_which_rules_it_was_made(tmp_path: Path) -> None:
    """And says it again when it comes from a disk. Rules by which the same counts are the same."""
    store = DiskStore(tmp_path)
    told: dict[str, str] = {}
    for name, rules in RULES.items():
        call = call_of(exchange(store, **rules), body=_body(name), url=OPENAI)
        answer_in_full(sent(call))
        found = store.get(call.asked.key)
        assert found is not None
        told[name] = found.rules

    nothing_changes = ("none", "cacheable", "scope", "secrets", "redact-headers")  # a scope stands in the key
    assert {told[name] for name in nothing_changes} == {""}
    callables = ("normalize", "normalize-by-header", "normalize-by-stored-header")  # nobody can compare them
    assert {told[name] for name in callables} == {"?"}
    others = [told[name] for name in RULES if name not in (*nothing_changes, *callables)]
    assert len(set(others) - {"", "?"}) == len(others)


def test_a_fingerprint_that_nobody_knows_makes_a_recording_no_answer_to_another_request() -> None:
    store = MemoryStore()
    ignoring = {"match": Match(ignore=["temperature"])}
    call = call_of(exchange(store, **ignoring), url=OPENAI, body=_body(temperature=0))
    answer_in_full(sent(call))
    recording = store.get(call.asked.key)
    assert recording is not None
    store.put(call.asked.key, recording.with_parts(rules="0123456789abcdef"))

    def answered(body: bytes, **rules: Any) -> bool:
        asking = call_of(exchange(store, mode="replay", **rules), url=OPENAI, body=body)
        return isinstance(asking.decide(asking.load()), Replay)

    assert not answered(_body())
    assert answered(_body(), **ignoring)
    assert not answered(_body("Bye"), **ignoring)


class _Deterministic(Match):
    """What a user may write to have more told alike than the options do."""

    def canonical(self, request: Request, **how: Any) -> bytes:
        return super().canonical(request.with_json({**request.json(), "temperature": 0}), **how)


def test_what_a_class_of_the_user_takes_for_the_same_is_not_for_others() -> None:
    store, match = MemoryStore(), _Deterministic()
    call = call_of(exchange(store, match=match), url=OPENAI, body=_body(temperature=1))
    answer_in_full(sent(call))

    def answered(temperature: int, **rules: Any) -> bool:
        asking = call_of(exchange(store, mode="replay", **rules), url=OPENAI, body=_body(temperature=temperature))
        return isinstance(asking.decide(asking.load()), Replay)

    assert answered(0, match=match)
    assert not answered(0)


def test_rules_are_as_they_were_when_the_match_was_made() -> None:
    hosts: dict[str, str] = {}
    match = Match(hosts=hosts)
    hosts["localhost:8080"] = "api.openai.com"

    assert match.key(Request("POST", FAKE)) == Match().key(Request("POST", FAKE))


def test_two_orders_of_hosts_are_two_rules() -> None:
    """The first name that fits a host is the one under which it counts."""
    one, other = {"fake-*": "one.example", "*-8080": "other.example"}, {}
    for name in reversed(one):
        other[name] = one[name]
    request = Request("POST", f"http://fake-8080{CHAT}")

    assert Match(hosts=one).key(request) != Match(hosts=other).key(request)
    assert Match(hosts=one) != Match(hosts=other)
    assert Match(hosts=one) == Match(hosts=dict(one))
