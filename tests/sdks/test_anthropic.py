"""anthropic, on httpx2."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2

from tests.sdks.replaying import caches, replays

MESSAGE: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Which number?"}],
}


def make(url: str, transport: Any) -> anthropic.Anthropic:
    if transport is None:
        return anthropic.Anthropic(base_url=url, api_key="a-key")
    return anthropic.Anthropic(base_url=url, api_key="a-key", http_client=httpx2.Client(transport=transport))


def make_async(url: str, transport: Any) -> anthropic.AsyncAnthropic:
    if transport is None:
        return anthropic.AsyncAnthropic(base_url=url, api_key="a-key")
    return anthropic.AsyncAnthropic(
        base_url=url, api_key="a-key", http_client=httpx2.AsyncClient(transport=transport)
    )


@replays("httpx2")
def test_messages(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.messages.create(**MESSAGE).model_dump()


@caches("httpx2", failure=anthropic.APIStatusError)
def test_messages_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [event.model_dump() for event in client.messages.create(**MESSAGE, stream=True)]


@replays("httpx2")
def test_messages_stream_helper(url: str, transport: Any) -> Any:
    with make(url, transport) as client, client.messages.stream(**MESSAGE) as stream:
        return list(stream.text_stream), stream.get_final_message().model_dump()


@replays("httpx2")
async def test_messages_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.messages.create(**MESSAGE)).model_dump()


@caches("httpx2", failure=anthropic.APIStatusError)
async def test_messages_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return [event.model_dump() async for event in await client.messages.create(**MESSAGE, stream=True)]


@replays("httpx2")
async def test_messages_stream_helper_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client, client.messages.stream(**MESSAGE) as stream:
        return [text async for text in stream.text_stream], (await stream.get_final_message()).model_dump()
