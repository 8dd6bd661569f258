"""What live calls may cost, over all that the proxy answers from."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from replaycache.serve.upstreams import parse_upstream
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import Proxy

PRICED = "gpt-4o-mini"


def _handle(request: Received, wire: Wire) -> None:
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000, "total_tokens": 2_000_000}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Dear."}}
    document = {"id": "c1", "object": "chat.completion", "created": 1, "model": PRICED, "choices": [choice]}
    wire.answer(json.dumps({**document, "usage": usage}).encode())


def test_cassettes_and_the_store_have_one_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(_handle) as server:
        monkeypatch.setenv("http_proxy", server.url)  # prices go by the host that is called
        openai = parse_upstream("openai", "http://api.openai.com", "test")
        proxy = Proxy(
            upstreams={"openai": openai}, store=":memory:", cassettes=tmp_path, options={"budget": "0.01"}
        )
        try:
            with httpx2.Client(base_url=f"{proxy.url}/openai", trust_env=False, timeout=30) as asking:
                answers = [
                    asking.post("/v1/chat/completions", json=_question(number), headers=named)
                    for number, named in enumerate(
                        ({}, {"x-replaycache-cassette": "a.json"}, {"x-replaycache-cassette": "b.json"}, {})
                    )
                ]
        finally:
            proxy.stop()

    assert [answer.status_code for answer in answers] == [200, 402, 402, 402]
    assert answers[1].json()["error"]["type"] == "replaycache_budget_exceeded"
    assert len(server.requests) == 1


def _question(number: int) -> dict[str, object]:
    return {"model": PRICED, "messages": [{"role": "user", "content": str(number)}]}
