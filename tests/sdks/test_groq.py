"""groq, on httpx."""

from __future__ import annotations

from typing import Any

import groq
import httpx

from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {
    "model": "llama-3.1-8b-instant",
    "messages": [{"role": "user", "content": "Which number?"}],
}


def make(url: str, transport: Any) -> groq.Groq:
    if transport is None:
        return groq.Groq(base_url=url, api_key="a-key")
    return groq.Groq(base_url=url, api_key="a-key", http_client=httpx.Client(transport=transport))


def make_async(url: str, transport: Any) -> groq.AsyncGroq:
    if transport is None:
        return groq.AsyncGroq(base_url=url, api_key="a-key")
    return groq.AsyncGroq(base_url=url, api_key="a-key", http_client=httpx.AsyncClient(transport=transport))


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.chat.completions.create(**CHAT).model_dump()


@caches("httpx", failure=None)
def test_chat_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [chunk.model_dump() for chunk in client.chat.completions.create(**CHAT, stream=True)]


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.chat.completions.create(**CHAT)).model_dump()


@caches("httpx", failure=None)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        return [chunk.model_dump() async for chunk in stream]
