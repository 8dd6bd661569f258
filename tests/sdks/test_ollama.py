"""ollama, on httpx; what it does not know itself it gives to its client, the transport included."""

from __future__ import annotations

from typing import Any

import ollama

from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {"model": "smollm2", "messages": [{"role": "user", "content": "Which number?"}]}


def make(url: str, transport: Any) -> ollama.Client:
    if transport is None:
        return ollama.Client(host=url)
    return ollama.Client(host=url, transport=transport)


def make_async(url: str, transport: Any) -> ollama.AsyncClient:
    if transport is None:
        return ollama.AsyncClient(host=url)
    return ollama.AsyncClient(host=url, transport=transport)


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    return make(url, transport).chat(**CHAT).model_dump()


@caches("httpx", failure=ollama.ResponseError)
def test_chat_stream(url: str, transport: Any) -> Any:
    return [part.model_dump() for part in make(url, transport).chat(**CHAT, stream=True)]


@caches("httpx", failure=ollama.ResponseError)
def test_generate_stream(url: str, transport: Any) -> Any:
    client = make(url, transport)
    return [part.model_dump() for part in client.generate(model="smollm2", prompt="Which number?", stream=True)]


@replays("httpx")
def test_embed(url: str, transport: Any) -> Any:
    return make(url, transport).embed(model="smollm2", input="Which number?").model_dump()


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    return (await make_async(url, transport).chat(**CHAT)).model_dump()


@caches("httpx", failure=ollama.ResponseError)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    return [part.model_dump() async for part in await make_async(url, transport).chat(**CHAT, stream=True)]
