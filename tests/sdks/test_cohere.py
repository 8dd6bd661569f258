"""cohere, on httpx; it bundles httpx2 for nothing that is asked here."""

from __future__ import annotations

from typing import Any

import cohere
import httpx

from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Which number?"}]}


def make(url: str, transport: Any) -> cohere.ClientV2:
    if transport is None:
        return cohere.ClientV2(api_key="a-key", base_url=url)
    return cohere.ClientV2(api_key="a-key", base_url=url, httpx_client=httpx.Client(transport=transport))


def make_v1(url: str, transport: Any) -> cohere.Client:
    if transport is None:
        return cohere.Client(api_key="a-key", base_url=url)
    return cohere.Client(api_key="a-key", base_url=url, httpx_client=httpx.Client(transport=transport))


def make_async(url: str, transport: Any) -> cohere.AsyncClientV2:
    if transport is None:
        return cohere.AsyncClientV2(api_key="a-key", base_url=url)
    return cohere.AsyncClientV2(api_key="a-key", base_url=url, httpx_client=httpx.AsyncClient(transport=transport))


def make_v1_async(url: str, transport: Any) -> cohere.AsyncClient:
    if transport is None:
        return cohere.AsyncClient(api_key="a-key", base_url=url)
    return cohere.AsyncClient(api_key="a-key", base_url=url, httpx_client=httpx.AsyncClient(transport=transport))


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.chat(**CHAT).model_dump()


@caches("httpx", failure=None)
def test_chat_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [event.model_dump() for event in client.chat_stream(**CHAT)]


@caches("httpx", failure=None)
def test_chat_v1_stream(url: str, transport: Any) -> Any:
    with make_v1(url, transport) as client:
        return [event.model_dump() for event in client.chat_stream(message="Which number?")]


@replays("httpx")
def test_embed(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        answer = client.embed(
            model="embed-v4.0", input_type="search_query", texts=["Which number?"], embedding_types=["float"]
        )
        return answer.embeddings.float_


@replays("httpx")
def test_rerank(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.rerank(model="rerank-v3.5", query="Which?", documents=["This."]).model_dump()


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.chat(**CHAT)).model_dump()


@caches("httpx", failure=None)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return [event.model_dump() async for event in client.chat_stream(**CHAT)]


@caches("httpx", failure=None)
async def test_chat_v1_stream_async(url: str, transport: Any) -> Any:
    async with make_v1_async(url, transport) as client:
        return [event.model_dump() async for event in client.chat_stream(message="Which number?")]
