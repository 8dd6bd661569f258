"""llama-index, on httpx: it is installed with openai 2.x."""

from __future__ import annotations

from typing import Any

import httpx
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI

from tests.sdks.replaying import replays

QUESTION = "Which number?"
CHAT = [ChatMessage(role="user", content=QUESTION)]


def make(url: str, transport: Any) -> OpenAI:
    if transport is None:
        return OpenAI(model="gpt-4o-mini", api_base=f"{url}/v1", api_key="a-key")
    return OpenAI(
        model="gpt-4o-mini", api_base=f"{url}/v1", api_key="a-key", http_client=httpx.Client(transport=transport)
    )


def make_async(url: str, transport: Any) -> OpenAI:
    if transport is None:
        return OpenAI(model="gpt-4o-mini", api_base=f"{url}/v1", api_key="a-key")
    return OpenAI(
        model="gpt-4o-mini",
        api_base=f"{url}/v1",
        api_key="a-key",
        async_http_client=httpx.AsyncClient(transport=transport),
    )


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    return make(url, transport).chat(CHAT).message.content


@replays("httpx")
def test_chat_stream(url: str, transport: Any) -> Any:
    return [piece.delta for piece in make(url, transport).stream_chat(CHAT)]


@replays("httpx")
def test_embedding(url: str, transport: Any) -> Any:
    given = {} if transport is None else {"http_client": httpx.Client(transport=transport)}
    return OpenAIEmbedding(api_base=f"{url}/v1", api_key="a-key", **given).get_text_embedding(QUESTION)


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    return (await make_async(url, transport).achat(CHAT)).message.content


@replays("httpx")
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    return [piece.delta async for piece in await make_async(url, transport).astream_chat(CHAT)]
