"""What was redacted, moved to another store: found there, or told that it would not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replaycache import Body, CassetteError, Chunk, Match, Recording, Redact, Request, ResponseHead
from replaycache.engine.decisions import Replay
from replaycache.maintenance.moving import Moved, Taken, taken, to_cache, to_cassette
from replaycache.stores import CassetteStore, DiskStore, MemoryStore
from tests.engine.parts import ANSWER, URL, answer_in_full, call_of, exchange, sent

RULES: dict[str, Any] = {"redact": Redact(body=["user"])}


def _body(user: str, **members: Any) -> bytes:
    return json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": user, **members}
    ).encode()


def _recorded(store: Any, *users: str, **members: Any) -> Any:
    for user in users:
        answer_in_full(sent(call_of(exchange(store, **RULES), body=_body(user, **members))))
    return store


def _answers(store: Any, user: str, **members: Any) -> bool:
    call = call_of(exchange(store, mode="replay", **RULES), body=_body(user, **members))
    return isinstance(call.decide(call.load()), Replay)


def test_it_takes_its_salt_along(tmp_path: Path) -> None:
    first = _recorded(DiskStore(tmp_path / "first"), "ann", "bob")
    cassette, last = CassetteStore(tmp_path / "a.json"), DiskStore(tmp_path / "last")
    to_cassette(taken(first, Moved()), cassette, Redact(), Moved())
    to_cache(taken(cassette, Moved()), last, Redact(), Moved())

    for store in (first, CassetteStore(tmp_path / "a.json"), DiskStore(tmp_path / "last")):
        assert _answers(store, "ann")
        assert not _answers(store, "cid")
    assert first.salt() == cassette.salt() == last.salt()


def test_a_header_that_somebody_had_stored_stays_as_it_is_and_one_that_counts_is_found(tmp_path: Path) -> None:
    """Though both may carry a credential by their names."""
    rules = {"match": Match(headers=["x-session-id"]), "redact": Redact(request_headers=["idempotency-key"])}
    headers = [(b"x-session-id", b"s1"), (b"idempotency-key", b"k1")]
    first, cassette = MemoryStore(), CassetteStore(tmp_path / "a.json")
    answer_in_full(sent(call_of(exchange(first, **rules), body=_body("ann"), headers=headers)))

    to_cassette(taken(first, Moved()), cassette, Redact(), Moved())

    (recording,) = cassette.all()
    assert recording.request.header("idempotency-key") == "k1"
    assert (recording.request.header("x-session-id") or "").startswith("REDACTED-")
    call = call_of(exchange(cassette, mode="replay", **rules), body=_body("ann"), headers=headers)
    assert isinstance(call.decide(call.load()), Replay)


@pytest.mark.parametrize("target", ["cache", "cassette"])
def test_where_there_is_another_salt_it_is_told(tmp_path: Path, target: str) -> None:
    first = _recorded(MemoryStore(), "ann")
    moved = Moved()
    if target == "cache":
        other: Any = _recorded(MemoryStore(), "bob")
        to_cache(taken(first, Moved()), other, Redact(), moved)
    else:
        other = CassetteStore(tmp_path / "a.json")
        to_cassette(taken(_recorded(MemoryStore(), "bob"), Moved()), other, Redact(), Moved())
        to_cassette(taken(first, Moved()), other, Redact(), moved)

    assert moved.written == 0
    ((_, reason),) = moved.left_out
    assert "another store's salt" in reason
    assert _answers(other, "bob")


def test_what_is_recorded_and_not_yet_written_keeps_its_salt(tmp_path: Path) -> None:
    cassette, moved = CassetteStore(tmp_path / "a.json"), Moved()
    with cassette.deferred():
        _recorded(cassette, "ann")
        to_cassette(taken(_recorded(MemoryStore(), "bob"), Moved()), cassette, Redact(), moved)

    assert len(moved.left_out) == 1
    assert _answers(CassetteStore(tmp_path / "a.json"), "ann")


def test_an_edited_salt_is_an_error_and_an_edited_cassette_without_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    made = exchange(CassetteStore(path), **RULES)
    answer_in_full(sent(call_of(made, body=_body("ann"))))
    made.end()
    text = path.read_text()
    assert '"salt": "' in text

    assert _answers(CassetteStore(path), "ann")
    at = text.index('"salt": "') + len('"salt": "')
    for edited in (
        text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :],
        text[:at] + text[at + 4 :],
        text.replace('"salt": "', '"salt": ["').replace('",\n  "recordings"', '"],\n  "recordings"'),
    ):
        path.write_text(edited)
        with pytest.raises(CassetteError, match="line 3: salt "):
            CassetteStore(path).all()
        assert path.read_text() == edited
    laid_out_otherwise = json.dumps(json.loads(text))
    path.write_text(laid_out_otherwise)
    assert _answers(CassetteStore(path), "ann")


def test_two_processes_that_make_one_cassette_seal_alike(tmp_path: Path) -> None:
    """The salt follows from the path until it stands in the file, and does not change with the path after that."""
    path = tmp_path / "a.json"
    one, other = exchange(CassetteStore(path), **RULES), exchange(CassetteStore(path), **RULES)
    answer_in_full(sent(call_of(one, body=_body("ann"))))
    answer_in_full(sent(call_of(other, body=_body("bob"))))
    one.end()
    other.end()
    path.rename(tmp_path / "b.json")

    for user in ("ann", "bob"):
        assert _answers(CassetteStore(tmp_path / "b.json"), user)


def test_of_whose_data_nobody_knows_a_cache_has_nothing(tmp_path: Path) -> None:
    tools = [{"type": "mcp", "server_label": "mail", "authorization": "ALICE-0123456789"}]
    cassette = CassetteStore(tmp_path / "a.json")
    made = exchange(cassette)
    answer_in_full(sent(call_of(made, body=_body("ann", tools=tools))))
    made.end()
    moved = Moved()
    to_cache(taken(cassette, Moved()), MemoryStore(), Redact(), moved)

    ((_, reason),) = moved.left_out
    assert "whose data" in reason
    assert _answers(cassette, "ann", tools=tools)
    assert _answers(cassette, "ann", tools=[{**tools[0], "authorization": "BOB-0123456789"}])


def test_a_login_that_a_cache_has_is_exported_without_its_token(tmp_path: Path) -> None:
    token = "".join(("j1xB0IAo815ct3", "33nEwJ32dJzWRN", "k4en"))

    def recording(url: str, answer: bytes) -> Recording:
        head = ResponseHead(200, (("content-type", "application/json"),))
        body = Body.of([Chunk(answer, 0.0)])
        return Recording(request=Request("GET", url), head=head, body=body, digest="", recorded_at=1.0)

    items = [
        Taken("1", recording("https://a.example/login", json.dumps({"access_token": token}).encode())),
        Taken("2", recording(f"https://a.example/me/{token}", ANSWER)),
    ]
    moved = Moved()
    to_cassette(items, CassetteStore(tmp_path / "a.json"), Redact(), moved)

    assert (moved.written, moved.secrets) == (2, [])
    text = (tmp_path / "a.json").read_text()
    assert token not in text
    assert text.count("/me/REDACTED-") == 1


def test_rules_travel(tmp_path: Path) -> None:
    """What was recorded under other rules says so in the cache to which it is moved."""
    first, last = MemoryStore(), DiskStore(tmp_path)
    ignoring = {"match": Match(ignore=["temperature"])}
    answer_in_full(sent(call_of(exchange(first, **ignoring), url=URL, body=_body("ann", temperature=0))))
    to_cache(taken(first, Moved()), last, Redact(), Moved())

    def answered(body: bytes, **rules: Any) -> bool:
        call = call_of(exchange(last, mode="replay", **rules), body=body)
        return isinstance(call.decide(call.load()), Replay)

    assert answered(_body("ann", temperature=1), **ignoring)
    assert not answered(_body("ann"))
