"""The official clients through the proxy: recorded from a server, and replayed when it is gone."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from replaycache.serve.upstreams import parse_upstream
from replaycache.stores import MemoryStore
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import DONE, Proxy, completion, event
from tests.upstreams.servers import CACHE

HERE = Path(__file__).resolve().parent
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "a-model",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
MESSAGES: Any = [{"role": "user", "content": "Say hello."}]


def _handle(request: Received, wire: Wire) -> None:
    is_stream = b'"stream":true' in request.body.replace(b" ", b"")
    if request.target.endswith("/audio/transcriptions"):
        assert b"RIFF of a voice" in request.body
        wire.answer(b'{"text": "A voice."}')
    elif request.target.endswith("/messages"):
        if is_stream:
            wire.start_chunks()
            for one in EVENTS:
                wire.chunk(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode())
            wire.end_chunks()
        else:
            wire.answer(json.dumps(MESSAGE).encode())
    elif is_stream:
        wire.start_chunks()
        for piece in (event("Hel"), event("lo."), event(None), DONE):
            wire.chunk(piece)
        wire.end_chunks()
    else:
        wire.answer(completion("Hello."))


@pytest.fixture
def recorded() -> Iterator[tuple[Proxy, ScriptedServer]]:
    with ScriptedServer(_handle) as server:
        named = {name: parse_upstream(name, server.url, "test") for name in ("openai", "anthropic")}
        proxy = Proxy(upstreams=named, store=MemoryStore())
        try:
            yield proxy, server
        finally:
            proxy.stop()


def _openai(proxy: Proxy, mode: str) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{proxy.url}/openai/v1", api_key="a-key", default_headers={"x-replaycache-mode": mode}
    )


def _anthropic(proxy: Proxy, mode: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"{proxy.url}/anthropic", api_key="a-key", default_headers={"x-replaycache-mode": mode}
    )


def _ask_openai(proxy: Proxy, mode: str) -> list[Any]:
    with _openai(proxy, mode) as asking:
        plain = asking.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
        stream = asking.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)
        pieces = [chunk.choices[0].delta.content for chunk in stream]
        voice = asking.audio.transcriptions.create(model="whisper-1", file=("voice.wav", b"RIFF of a voice"))
    return [plain.choices[0].message.content, pieces, voice.text]


async def _ask_async_openai(proxy: Proxy, mode: str) -> list[Any]:
    async with openai.AsyncOpenAI(
        base_url=f"{proxy.url}/openai/v1", api_key="a-key", default_headers={"x-replaycache-mode": mode}
    ) as asking:
        plain = await asking.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
        stream = await asking.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True)
        pieces = [chunk.choices[0].delta.content async for chunk in stream]
        voice = await asking.audio.transcriptions.create(model="whisper-1", file=("voice.wav", b"RIFF of a voice"))
    return [plain.choices[0].message.content, pieces, voice.text]


def _ask_anthropic(proxy: Proxy, mode: str) -> list[Any]:
    with _anthropic(proxy, mode) as asking:
        plain = asking.messages.create(model="a-model", max_tokens=16, messages=MESSAGES)
        with asking.messages.stream(model="a-model", max_tokens=16, messages=MESSAGES) as stream:
            pieces = list(stream.text_stream)
    return [plain.content[0].text, pieces]  # type: ignore[union-attr]  # it is text


async def _ask_async_anthropic(proxy: Proxy, mode: str) -> list[Any]:
    async with anthropic.AsyncAnthropic(
        base_url=f"{proxy.url}/anthropic", api_key="a-key", default_headers={"x-replaycache-mode": mode}
    ) as asking:
        plain = await asking.messages.create(model="a-model", max_tokens=16, messages=MESSAGES)
        async with asking.messages.stream(model="a-model", max_tokens=16, messages=MESSAGES) as stream:
            pieces = [text async for text in stream.text_stream]
    return [plain.content[0].text, pieces]  # type: ignore[union-attr]  # it is text


HEARD = {"openai": ["Hello.", ["Hel", "lo.", None], "A voice."], "anthropic": ["Hello.", ["Hel", "lo."]]}


@pytest.mark.parametrize(("sdk", "ask"), [("openai", _ask_openai), ("anthropic", _ask_anthropic)])
def test_clients_for_python(
    recorded: tuple[Proxy, ScriptedServer], sdk: str, ask: Callable[[Proxy, str], list[Any]]
) -> None:
    proxy, server = recorded
    live = ask(proxy, "auto")
    server.stop()

    assert live == ask(proxy, "replay") == HEARD[sdk]


@pytest.mark.asyncio
@pytest.mark.parametrize(("sdk", "ask"), [("openai", _ask_async_openai), ("anthropic", _ask_async_anthropic)])
async def test_asynchronous_clients_for_python(
    recorded: tuple[Proxy, ScriptedServer], sdk: str, ask: Callable[[Proxy, str], Any]
) -> None:
    proxy, server = recorded
    live = await ask(proxy, "auto")
    server.stop()

    assert live == await ask(proxy, "replay") == HEARD[sdk]


def test_clients_for_python_do_not_retry_a_miss(recorded: tuple[Proxy, ScriptedServer]) -> None:
    proxy, _ = recorded
    with _openai(proxy, "replay") as asking, pytest.raises(openai.APIStatusError) as of_openai:
        asking.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    with _anthropic(proxy, "replay") as asking, pytest.raises(anthropic.APIStatusError) as of_anthropic:
        asking.messages.create(model="a-model", max_tokens=16, messages=MESSAGES)

    for caught in (of_openai, of_anthropic):
        assert "no recording answers this request" in str(caught.value)
    assert len(proxy.application.calls.since(0)) == 2


def _ask_node(proxy: Proxy, mode: str) -> dict[str, str]:
    modules = CACHE / "clients"
    if shutil.which("node") is None:
        pytest.skip("the clients for Node need node, and there is none; install Node.js and run .ci/upstreams")
    if not (modules / ".installed").exists():
        pytest.skip("the clients for Node are not installed; run .ci/upstreams")
    done = subprocess.run(
        ["node", str(HERE / "ask.mjs"), str(modules / "package.json"), proxy.url, mode],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.exhaustive
@pytest.mark.upstream
def test_clients_for_node(recorded: tuple[Proxy, ScriptedServer]) -> None:
    proxy, server = recorded
    missed = _ask_node(proxy, "replay")
    asked = len(proxy.application.calls.since(0))
    live = _ask_node(proxy, "auto")
    server.stop()
    replayed = _ask_node(proxy, "replay")

    assert len(missed) == asked == 7  # none was retried
    assert all("no recording answers" in told for name, told in missed.items() if name != "ai stream")
    assert live == replayed
    assert set(live.values()) == {"Hello.", "A voice."}


def test_curl(recorded: tuple[Proxy, ScriptedServer], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    proxy, server = recorded
    (tmp_path / "voice.wav").write_bytes(b"RIFF of a voice")
    json_body = ["-H", "content-type: application/json", "-d"]
    body = {"model": "gpt-4o-mini", "messages": MESSAGES}
    asked = [
        ["openai/v1/chat/completions", *json_body, json.dumps(body)],
        ["openai/v1/chat/completions", *json_body, json.dumps({**body, "stream": True})],
        ["openai/v1/audio/transcriptions", "-F", "model=whisper-1", "-F", f"file=@{tmp_path / 'voice.wav'}"],
    ]

    def ask(*more: str) -> list[bytes]:
        return [
            subprocess.run(
                ["curl", "-sSN", "--fail-with-body", "--noproxy", "*", *more, f"{proxy.url}/{path}", *arguments],
                capture_output=True,
                timeout=60,
                check=True,
            ).stdout
            for path, *arguments in asked
        ]

    live = ask()
    server.stop()

    assert live == ask("-H", "x-replaycache-mode: replay")
    assert live == [
        completion("Hello."),
        event("Hel") + event("lo.") + event(None) + DONE,
        b'{"text": "A voice."}',
    ]


def test_a_request_as_go_sends_it(recorded: tuple[Proxy, ScriptedServer]) -> None:
    """net/http sends a body of unknown length in chunks, and asks for gzip by itself."""
    proxy, _ = recorded
    body = json.dumps({"model": "gpt-4o-mini", "messages": MESSAGES}).encode()
    head = (
        f"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{proxy.port}\r\n"
        f"User-Agent: Go-http-client/1.1\r\n"
        f"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n"
        f"Connection: close\r\n\r\n"
    )
    data = head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    first, second = proxy.ask(data), proxy.ask(data)

    assert b"x-replaycache: miss" in first
    assert b"x-replaycache: hit" in second
    assert b'"content": "Hello."' in second
