"""openai 3.x, on httpx2."""

from __future__ import annotations

from typing import Any

import httpx2
import openai

from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Which number?"}]}
RESPONSE: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Which number?"}
EMBEDDING: dict[str, Any] = {"model": "text-embedding-3-small", "input": "Which number?"}


def make(url: str, transport: Any) -> openai.OpenAI:
    if transport is None:
        return openai.OpenAI(base_url=f"{url}/v1", api_key="a-key")
    return openai.OpenAI(base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.Client(transport=transport))


def make_async(url: str, transport: Any) -> openai.AsyncOpenAI:
    if transport is None:
        return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="a-key")
    return openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.AsyncClient(transport=transport)
    )


@replays("httpx2")
def test_chat(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.chat.completions.create(**CHAT).model_dump()


@caches("httpx2", failure=openai.APIError)
def test_chat_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [chunk.model_dump() for chunk in client.chat.completions.create(**CHAT, stream=True)]


@replays("httpx2")
def test_responses(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.responses.create(**RESPONSE).model_dump()


@caches("httpx2", failure=None)
def test_responses_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [event.model_dump() for event in client.responses.create(**RESPONSE, stream=True)]


@replays("httpx2")
def test_responses_stream_helper(url: str, transport: Any) -> Any:
    with make(url, transport) as client, client.responses.stream(**RESPONSE) as stream:
        return [event.type for event in stream], stream.get_final_response().output_text


@replays("httpx2")
def test_embeddings(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.embeddings.create(**EMBEDDING).model_dump()


@replays("httpx2")
async def test_chat_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.chat.completions.create(**CHAT)).model_dump()


@caches("httpx2", failure=openai.APIError)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        return [chunk.model_dump() async for chunk in stream]


@caches("httpx2", failure=None)
async def test_responses_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return [event.model_dump() async for event in await client.responses.create(**RESPONSE, stream=True)]


@replays("httpx2")
async def test_responses_stream_helper_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client, client.responses.stream(**RESPONSE) as stream:
        return [event.type async for event in stream], (await stream.get_final_response()).output_text


@replays("httpx2")
async def test_embeddings_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.embeddings.create(**EMBEDDING)).model_dump()
