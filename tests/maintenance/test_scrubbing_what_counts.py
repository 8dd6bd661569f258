"""Scrubbing leaves what tells recordings from one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from replaycache import Match, Redact
from replaycache.engine.decisions import Replay
from replaycache.maintenance.scrubbing import Scrubbed, scrub_cache, scrub_cassette
from replaycache.stores import CassetteStore, DiskStore
from tests.engine.parts import answer_in_full, call_of, exchange, sent

RULES: dict[str, Any] = {"match": Match(headers=["authorization", "x-portkey-provider"])}
KEY = "ghp_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"


def _call(store: Any, account: str, mode: str = "auto", body: str = "{}") -> Any:
    headers = [(b"authorization", f"Bearer {account}".encode()), (b"x-portkey-provider", account.encode())]
    asked = b'{"model":"m","messages":[{"role":"user","content":"%s"}]}' % body.encode()
    return call_of(exchange(store, mode=mode, **RULES), body=asked, headers=headers)


def _answer(account: str) -> bytes:
    return b'{"account":"%s","choices":[{"message":{},"finish_reason":"stop"}]}' % account.encode()


@pytest.mark.parametrize("prompt", ["Hi", f"with {KEY}"], ids=["nothing", "a key"])
def test_accounts_stay_apart_in_a_cache(tmp_path: Path, prompt: str) -> None:
    store = DiskStore(tmp_path)
    for account in ("ann", "bob"):
        answer_in_full(sent(_call(store, account, body=prompt)), body=_answer(account))
    scrub_cache(store, Redact(), Scrubbed(), lambda done: None, dry=False)

    assert len(store) == 2
    for account in ("ann", "bob"):
        call = _call(store, account, "replay", prompt)
        found = call.decide(call.load())
        if prompt == "Hi":
            assert isinstance(found, Replay)
            assert account.encode() in found.recording.body.read()
        else:  # what was asked is no longer what stands there
            assert not isinstance(found, Replay)
    other = _call(store, "cid", "replay", prompt)
    assert not isinstance(other.decide(other.load()), Replay)
    assert KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_accounts_stay_apart_in_a_cassette(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for account in ("ann", "bob"):
        call = _call(CassetteStore(path), account)
        answer_in_full(sent(call), body=_answer(account))
    before = path.read_bytes()
    told = Scrubbed()
    scrub_cassette(CassetteStore(path), Redact(), told, lambda done: None, dry=False)

    assert told.changed == []
    assert path.read_bytes() == before
