"""together, on httpx."""

from __future__ import annotations

from typing import Any

import httpx
import together

from tests.sdks.replaying import replays

CHAT: dict[str, Any] = {
    "model": "meta-llama/Llama-3-8b",
    "messages": [{"role": "user", "content": "Which number?"}],
}


def make(url: str, transport: Any) -> together.Together:
    if transport is None:
        return together.Together(base_url=f"{url}/v1", api_key="a-key")
    return together.Together(base_url=f"{url}/v1", api_key="a-key", http_client=httpx.Client(transport=transport))


def make_async(url: str, transport: Any) -> together.AsyncTogether:
    if transport is None:
        return together.AsyncTogether(base_url=f"{url}/v1", api_key="a-key")
    return together.AsyncTogether(
        base_url=f"{url}/v1", api_key="a-key", http_client=httpx.AsyncClient(transport=transport)
    )


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.chat.completions.create(**CHAT).model_dump()


@replays("httpx")
def test_chat_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [chunk.model_dump() for chunk in client.chat.completions.create(**CHAT, stream=True)]


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.chat.completions.create(**CHAT)).model_dump()


@replays("httpx")
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        return [chunk.model_dump() async for chunk in stream]
