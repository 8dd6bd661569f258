"""A token that a login answers is written nowhere, and the flow that carries it on replays."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from replaycache import Redact, use_cassette
from tests.drivers import Driver
from tests.scripted_server import Received, ScriptedServer, Wire

TOKEN = "".join(("j1xB0IAo815ct3", "33nEwJ32dJzWRN", "k4en"))
API_KEY = "".join(("kG7dR2mX9qLw4s", "Zt8vBn3cYh6jPf"))


def _answer(received: Received, wire: Wire) -> None:
    told: dict[str, Any] = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    if received.target.startswith("/login"):
        told = {"token_type": "bearer", "access_token": TOKEN, "expires_in": 3600}
    elif received.target.startswith("/echo"):
        told = {"echo": f"you are {TOKEN}, called with {API_KEY}", "headers": dict(received.headers)}
    elif received.target.startswith("/stream"):
        events = [json.dumps({"choices": [{"delta": {"content": TOKEN[at : at + 3]}}]}) for at in range(0, 32, 3)]
        data = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
        wire.answer(data.encode(), content_type="text/event-stream")
        return
    wire.answer(json.dumps(told).encode(), content_type="application/json")


async def _flow(driver: Driver, url: str) -> list[int]:
    """A login, and its token in a path, a query, a header, a form, a prompt, and JSON inside JSON inside JSON."""
    async with driver.plain_client() as client:
        headers = {"authorization": f"Bearer {API_KEY}"}
        login = await client.post(f"{url}/login", json={"user": "ann"}, headers=headers)
        token = login.json()["access_token"]
        arguments = json.dumps({"inner": json.dumps({"token": token})})
        answers = [
            login,
            await client.request("GET", f"{url}/users/{token}/files"),
            await client.request("GET", f"{url}/me?session={token}&page=2"),
            await client.request("GET", f"{url}/me", headers={"x-session": token}),
            await client.post(f"{url}/form", data={"state": token, "a": "1"}),
            await client.post(f"{url}/v1/chat/completions", json={"messages": [{"content": f"I have {token}."}]}),
            await client.post(f"{url}/v1/chat/completions", json={"messages": [{"arguments": arguments}]}),
            await client.post(f"{url}/upload", files={"file": (f"{token}.txt", b"x")}, data={"note": token}),
            await client.request("GET", f"{url}/echo", headers=headers),
            await client.request("GET", f"{url}/stream"),
        ]
        return [answer.status_code for answer in answers]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("secrets", ["replace", "refuse"])
def test_a_login_flow_replays_and_its_token_is_on_no_disk(driver: Driver, tmp_path: Path, secrets: Any) -> None:
    path = tmp_path / "login.json"
    redact = Redact(secrets=secrets, request_headers=["x-session"], response_headers=["x-session"])

    async def run() -> None:
        with ScriptedServer(_answer) as server:
            url = server.url
            with use_cassette(path, redact=redact):
                recorded = await _flow(driver, url)
        with use_cassette(path, mode="replay", redact=redact):
            replayed = await _flow(driver, url)
        assert recorded == replayed == [200] * 10

    driver.run(run)
    written = path.read_text("utf-8")
    for directory, _, names in os.walk(tmp_path):
        for name in names:
            data = Path(directory, name).read_text("utf-8", "replace")
            assert TOKEN[:16] not in data
            assert API_KEY[:16] not in data
    placeholders = {part.split('"')[0][:40] for part in written.split('"access_token": "')[1:]}
    assert len(placeholders) == 1
    assert placeholders.pop().startswith("REDACTED-")
