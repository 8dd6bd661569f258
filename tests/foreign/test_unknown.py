"""Recordings of which something is unknown, imported into a cassette, answer whoever asks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from replaycache import CacheMiss, CassetteError, foreign
from replaycache.httpx2 import ReplayTransport
from replaycache.maintenance.moving import Moved, Taken, taken, to_cache, to_cassette
from replaycache.redaction.redact import Redact
from replaycache.stores import CassetteStore, DiskStore
from tests.scripted_server import Received, ScriptedServer, Wire

MESSAGES = "https://api.anthropic.com/v1/messages"
SENT = {
    "accept": "application/json",
    "accept-encoding": "gzip",
    "connection": "keep-alive",
    "content-type": "application/json",
    "host": "api.anthropic.com",
}
FULL = {**SENT, "user-agent": "x/1", "anthropic-version": "2023-06-01"}
ASKED = {"model": "claude-haiku-4-5", "max_tokens": 16, "messages": [{"role": "user", "content": "A colour?"}]}


def _message(text: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _interaction(headers: dict[str, str], answer: Any, asked: Any = ASKED, uri: str = MESSAGES) -> dict[str, Any]:
    return {
        "request": {
            "method": "POST",
            "uri": uri,
            "body": json.dumps(asked, separators=(",", ":")),
            "headers": {name: [value] for name, value in headers.items()},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": json.dumps(answer)},
        },
    }


def _imported(tmp_path: Path, *interactions: dict[str, Any]) -> Path:
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps({"interactions": interactions, "version": 1}), "utf-8")
    path = tmp_path / "ours.json"
    _to_cassette([Taken(str(file), item) for item in foreign.read(file)], path)
    return path


def _to_cassette(items: Any, path: Path) -> None:
    to_cassette(items, CassetteStore(path), Redact(), Moved())


def _texts(path: Path, *headers: dict[str, str], **options: Any) -> list[str]:
    """What is answered to the same message, asked with these headers one after the other."""
    texts = []
    with httpx2.Client(transport=ReplayTransport(store=path, **{"mode": "replay", **options})) as client:
        for one in headers:
            try:
                texts.append(client.post(MESSAGES, json=ASKED, headers=one).json()["content"][0]["text"])
            except CacheMiss as miss:
                texts.append(f"miss: {miss.reason}")
    return texts


@pytest.mark.parametrize("headers", [SENT, {}, dict.fromkeys(FULL, "**REDACTED**")])
@pytest.mark.parametrize("betas", [None, ["context-1m-2025-08-07"]])
def test_the_sdk_of_anthropic_hits(tmp_path: Path, headers: dict[str, str], betas: list[str] | None) -> None:
    if betas is not None and "anthropic-version" in headers:
        headers = {**headers, "anthropic-beta": "**REDACTED**"}
    path = _imported(tmp_path, _interaction(headers, _message("Red")))

    with httpx2.Client(transport=ReplayTransport(store=path, mode="replay")) as http:
        client = anthropic.Anthropic(api_key="k", http_client=http)
        answer: Any = (
            client.messages.create(**ASKED) if betas is None else client.beta.messages.create(**ASKED, betas=betas)
        )

    assert answer.content[0].text == "Red"


@pytest.mark.parametrize("uri", ["**REDACTED**", "/v1/chat/completions"])
def test_the_sdk_of_openai_hits_where_even_the_url_was_redacted(tmp_path: Path, uri: str) -> None:
    asked: Any = {"messages": [{"role": "user", "content": "A colour?"}], "model": "gpt-5-nano"}
    answer = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5-nano",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Blue"}, "finish_reason": "stop"}],
    }
    path = _imported(tmp_path, _interaction(dict.fromkeys(FULL, "**REDACTED**"), answer, asked, uri))

    with httpx2.Client(transport=ReplayTransport(store=path, mode="replay")) as http:
        client = openai.OpenAI(api_key="k", http_client=http)
        assert client.chat.completions.create(**asked).choices[0].message.content == "Blue"
        with pytest.raises(CacheMiss, match="already_played"):
            client.chat.completions.create(**asked)


VERSION = {"anthropic-version": "2023-06-01"}
WITH_A = {**VERSION, "anthropic-beta": "a-2025-01-01"}
WITH_B = {**VERSION, "anthropic-beta": "b-2025-01-01"}


def test_where_it_is_known_it_counts(tmp_path: Path) -> None:
    path = _imported(
        tmp_path,
        _interaction({**FULL, **WITH_A}, _message("A")),
        _interaction({**FULL, **WITH_B}, _message("B")),
        _interaction(FULL, _message("none")),
    )

    assert _texts(path, WITH_B, WITH_A, {**WITH_A, "anthropic-beta": "c-2025-01-01"}, VERSION, {}) == [
        "B",
        "A",
        "miss: no_recording",
        "none",
        "miss: no_recording",
    ]


def test_what_is_known_goes_first(tmp_path: Path) -> None:
    path = _imported(
        tmp_path,
        _interaction({**FULL, "anthropic-beta": "DUMMY"}, _message("any 1")),
        _interaction({**FULL, **WITH_A}, _message("A")),
        _interaction({**FULL, "anthropic-beta": "DUMMY"}, _message("any 2")),
    )

    assert _texts(path, WITH_A, WITH_A, WITH_B, WITH_A) == ["A", "any 1", "any 2", "miss: already_played"]
    assert _texts(path, WITH_B, VERSION, VERSION) == ["any 1", "any 2", "miss: already_played"]
    # what is known besides counts on
    assert _texts(path, {**WITH_B, "anthropic-version": "2024-01-01"}) == ["miss: no_recording"]


def test_known_to_be_absent_is_not_unknown(tmp_path: Path) -> None:
    path = _imported(
        tmp_path,
        _interaction(FULL, _message("none")),
        _interaction({**FULL, "anthropic-beta": "[FILTERED]"}, _message("any")),
    )

    assert _texts(path, WITH_A, WITH_A, VERSION) == ["any", "miss: already_played", "none"]
    assert _texts(path, VERSION, VERSION, VERSION) == ["none", "any", "miss: already_played"]
    assert _texts(path, WITH_A, WITH_A, VERSION, repeats="same") == ["any", "any", "none"]


def test_a_miss_does_not_blame_what_is_unknown(tmp_path: Path) -> None:
    path = _imported(tmp_path, _interaction(SENT, _message("any"), {**ASKED, "max_tokens": 17}))

    with httpx2.Client(transport=ReplayTransport(store=path, mode="replay")) as client:
        with pytest.raises(CacheMiss) as caught:
            client.post(MESSAGES, json=ASKED, headers=WITH_A)

    assert "max_tokens: recorded 17 / asked 16" in str(caught.value)
    assert "anthropic" not in str(caught.value).split("nearest")[1]


def test_it_stands_in_the_file_and_comes_back_from_a_cache(tmp_path: Path) -> None:
    path = _imported(tmp_path, _interaction(SENT, _message("any")))
    (entry,) = json.loads(path.read_text("utf-8"))["recordings"]
    assert entry["request"]["unknown"] == ["anthropic-beta", "anthropic-version"]

    cache, again = DiskStore(tmp_path / "cache"), tmp_path / "again.json"
    to_cache(taken(CassetteStore(path), Moved()), cache, Redact(), Moved())
    _to_cassette(taken(cache, Moved()), again)
    cache.close()

    assert again.read_bytes() == path.read_bytes()
    assert _texts(again, WITH_A) == ["any"]


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        (["Anthropic-Beta"], "is no list of names in lower case"),
        ("anthropic-beta", "is no list of names in lower case"),
        (["content-type"], "names the header 'content-type', which is given"),
    ],
)
def test_nonsense_in_the_file_is_told(tmp_path: Path, unknown: object, said: str) -> None:
    path = _imported(tmp_path, _interaction(SENT, _message("any")))
    document = json.loads(path.read_text("utf-8"))
    document["recordings"][0]["request"]["unknown"] = unknown
    path.write_text(json.dumps(document, indent=2), "utf-8")

    with pytest.raises(CassetteError, match=rf"line \d+.*request\.unknown.*{re.escape(said)}"):
        CassetteStore(path).all()


@pytest.mark.parametrize("repeats", ["same", "sequence"])
def test_what_renews_an_expired_one_answers_only_who_asks_the_same(tmp_path: Path, repeats: str) -> None:
    path = _imported(tmp_path, _interaction(SENT, _message("old")))

    def answers(received: Received, wire: Wire) -> None:
        wire.answer(json.dumps(_message(f"new {received.headers['anthropic-beta']}")).encode())

    with ScriptedServer(answers) as server:
        text = path.read_text("utf-8").replace("https://api.anthropic.com", server.url)
        document = json.loads(text)
        document["recordings"][0]["recorded_at"] = "2020-01-01T00:00:00Z"
        path.write_text(json.dumps(document), "utf-8")
        transport = ReplayTransport(store=path, mode="auto", ttl="1d", repeats=repeats)
        with httpx2.Client(transport=transport) as client:
            got = [
                client.post(f"{server.url}/v1/messages", json=ASKED, headers=headers).json()["content"][0]["text"]
                for headers in (WITH_A, WITH_B, WITH_A)
            ]

    assert got == ["new a-2025-01-01", "new b-2025-01-01", "new a-2025-01-01"]
    recordings = CassetteStore(path).all()
    assert {item.request.unknown for item in recordings} == {()}
    assert {item.request.header("anthropic-beta") for item in recordings} == {"a-2025-01-01", "b-2025-01-01"}


def test_recorded_anew_it_is_known(tmp_path: Path) -> None:
    path = _imported(tmp_path, _interaction(SENT, _message("old 1")), _interaction(SENT, _message("old 2")))

    def answers(received: Received, wire: Wire) -> None:
        wire.answer(json.dumps(_message(f"new {received.headers['anthropic-beta']}")).encode())

    with ScriptedServer(answers) as server:
        path.write_text(path.read_text("utf-8").replace("https://api.anthropic.com", server.url), "utf-8")
        with httpx2.Client(transport=ReplayTransport(store=path, mode="record")) as client:
            for headers in (WITH_A, WITH_B):
                client.post(f"{server.url}/v1/messages", json=ASKED, headers=headers).read()
    recordings = CassetteStore(path).all()

    assert [item.request.unknown for item in recordings] == [(), ()]
    assert [json.loads(item.body.read())["content"][0]["text"] for item in recordings] == [
        "new a-2025-01-01",
        "new b-2025-01-01",
    ]
