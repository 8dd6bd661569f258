"""What upstream answers takes a bounded place in a store, and the caller's answer is what it was."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx
import pytest

from replaycache import CassetteError, ReplayCacheWarning
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, DiskStore

from ..cli.recorded import chat

URL = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "m", "messages": []}
BOMB = gzip.compress(gzip.compress(gzip.compress(bytes(100 << 20), 1)))


def answering(body: bytes, **headers: str) -> httpx.MockTransport:
    lines = {
        "content-type": "application/json",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    # a stream, for a body that is given whole is decoded when the response is made
    return httpx.MockTransport(lambda request: httpx.Response(200, headers=lines, stream=httpx.ByteStream(body)))


@pytest.mark.exhaustive
def test_a_bomb_fills_no_disk_and_reaches_its_caller(tmp_path: Path) -> None:
    transport = ReplayTransport(
        answering(BOMB, content_encoding="gzip, gzip, gzip"), store=str(tmp_path / "cache")
    )
    with httpx.Client(transport=transport) as client, client.stream("POST", URL, json=ASKED) as response:
        assert b"".join(response.iter_raw()) == BOMB
    outcome = response.extensions["replaycache"]

    assert outcome.status == "live"
    assert "content-encoding cannot be undone: its first" in outcome.reason
    assert not len(DiskStore(tmp_path / "cache"))


def test_an_answer_that_no_cassette_takes_is_told_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CassetteStore, "largest", 1000)
    body = json.dumps({"choices": [], "more": "x" * 1000}).encode()
    path = tmp_path / "a.json"

    with pytest.warns(ReplayCacheWarning, match="answered live, and not in .*\n.*larger than the 1,000 bytes"):
        with httpx.Client(transport=ReplayTransport(answering(body), store=str(path), mode="auto")) as client:
            response = client.post(URL, json=ASKED)
    assert response.content == body
    assert response.extensions["replaycache"].status == "live"
    assert not path.exists()

    with httpx.Client(transport=ReplayTransport(answering(body), store=str(tmp_path / "cache"))) as client:
        assert client.post(URL, json=ASKED).extensions["replaycache"].status == "miss"


def test_a_cassette_that_holds_more_than_is_recorded_into_one_is_read_and_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    CassetteStore(path).append(chat("q"))
    size = CassetteStore(path).all()[0].size
    monkeypatch.setattr(CassetteStore, "largest", size - 1)

    cassette = CassetteStore(path)
    assert cassette.all()[0].size == size
    cassette.rewrite(lambda number, one: one.with_parts(digest=""), anew=lambda data: True)
    with pytest.raises(CassetteError, match="a cassette takes up to"):
        cassette.append(chat("another"))
    with pytest.raises(CassetteError, match="a cassette takes up to"):
        cassette.put("key", chat("another"))
    assert len(cassette) == 1
