"""mistralai, on httpx2."""

from __future__ import annotations

from typing import Any

import httpx2
from mistralai.client import Mistral

from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {
    "model": "mistral-small-latest",
    "messages": [{"role": "user", "content": "Which number?"}],
}


def make(url: str, transport: Any) -> Mistral:
    if transport is None:
        return Mistral(api_key="a-key", server_url=url)
    return Mistral(api_key="a-key", server_url=url, client=httpx2.Client(transport=transport))


def make_async(url: str, transport: Any) -> Mistral:
    if transport is None:
        return Mistral(api_key="a-key", server_url=url)
    return Mistral(api_key="a-key", server_url=url, async_client=httpx2.AsyncClient(transport=transport))


@replays("httpx2")
def test_chat(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.chat.complete(**CHAT).model_dump()


@caches("httpx2", failure=None)
def test_chat_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [event.data.model_dump() for event in client.chat.stream(**CHAT)]


@replays("httpx2")
def test_embeddings(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.embeddings.create(model="mistral-embed", inputs=["Which number?"]).model_dump()


@replays("httpx2")
async def test_chat_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.chat.complete_async(**CHAT)).model_dump()


@caches("httpx2", failure=None)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return [event.data.model_dump() async for event in await client.chat.stream_async(**CHAT)]
