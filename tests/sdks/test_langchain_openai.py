"""langchain-openai, on the library of the openai it is installed with: here httpx2."""

from __future__ import annotations

from typing import Any

import httpx2
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tests.sdks.replaying import replays

QUESTION = "Which number?"


def make(url: str, transport: Any) -> ChatOpenAI:
    if transport is None:
        return ChatOpenAI(model="gpt-4o-mini", base_url=f"{url}/v1", api_key="a-key")
    return ChatOpenAI(
        model="gpt-4o-mini", base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.Client(transport=transport)
    )


def make_async(url: str, transport: Any) -> ChatOpenAI:
    if transport is None:
        return ChatOpenAI(model="gpt-4o-mini", base_url=f"{url}/v1", api_key="a-key")
    return ChatOpenAI(
        model="gpt-4o-mini",
        base_url=f"{url}/v1",
        api_key="a-key",
        http_async_client=httpx2.AsyncClient(transport=transport),
    )


@replays("httpx2")
def test_invoke(url: str, transport: Any) -> Any:
    return make(url, transport).invoke(QUESTION).content


@replays("httpx2")
def test_stream(url: str, transport: Any) -> Any:
    return [chunk.content for chunk in make(url, transport).stream(QUESTION)]


@replays("httpx2")
def test_embeddings(url: str, transport: Any) -> Any:
    given = {} if transport is None else {"http_client": httpx2.Client(transport=transport)}
    embeddings = OpenAIEmbeddings(base_url=f"{url}/v1", api_key="a-key", check_embedding_ctx_length=False, **given)
    return embeddings.embed_query(QUESTION)


@replays("httpx2")
async def test_invoke_async(url: str, transport: Any) -> Any:
    return (await make_async(url, transport).ainvoke(QUESTION)).content


@replays("httpx2")
async def test_stream_async(url: str, transport: Any) -> Any:
    return [chunk.content async for chunk in make_async(url, transport).astream(QUESTION)]
