"""litellm, on httpx; asynchronous on httpx over aiohttp, where it is given no client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import litellm
import pytest
from litellm.exceptions import MidStreamFallbackError
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler

from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Which number?"}]}
MESSAGE: dict[str, Any] = {**CHAT, "model": "anthropic/claude-sonnet-4-6", "max_tokens": 64}


@pytest.fixture(autouse=True)
def _litellm_as_imported() -> Iterator[None]:
    """The sessions are for the whole process, and clients are kept."""
    yield
    litellm.client_session = None
    litellm.aclient_session = None
    litellm.in_memory_llm_clients_cache.flush_cache()


def to(url: str) -> dict[str, Any]:
    return {"api_base": f"{url}/v1", "api_key": "a-key"}


def use(transport: Any) -> None:
    if transport is not None:
        litellm.client_session = httpx.Client(transport=transport)


def use_async(transport: Any) -> None:
    if transport is not None:
        litellm.aclient_session = httpx.AsyncClient(transport=transport)


def to_anthropic(url: str) -> dict[str, Any]:
    return {**MESSAGE, "api_base": url, "api_key": "a-key"}


def said(answer: Any) -> Any:
    """litellm makes up ids and times of its own for what the provider gave none."""
    return [choice.model_dump() for choice in answer.choices]


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    use(transport)
    return said(litellm.completion(**CHAT, **to(url)))


@caches("httpx", failure=MidStreamFallbackError)
def test_chat_stream(url: str, transport: Any) -> Any:
    use(transport)
    return [said(chunk) for chunk in litellm.completion(**CHAT, **to(url), stream=True)]


@replays("httpx")
def test_embedding(url: str, transport: Any) -> Any:
    use(transport)
    return litellm.embedding(model="openai/text-embedding-3-small", input=["Which number?"], **to(url)).data


@replays("httpx")
def test_anthropic(url: str, transport: Any) -> Any:
    """Only OpenAI and those that speak as it does take the session."""
    if transport is None:
        return said(litellm.completion(**to_anthropic(url)))
    return said(
        litellm.completion(**to_anthropic(url), client=HTTPHandler(client=httpx.Client(transport=transport)))
    )


@caches("httpx", failure=MidStreamFallbackError)
def test_anthropic_stream(url: str, transport: Any) -> Any:
    given = {} if transport is None else {"client": HTTPHandler(client=httpx.Client(transport=transport))}
    return [said(chunk) for chunk in litellm.completion(**to_anthropic(url), **given, stream=True)]


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    use_async(transport)
    return said(await litellm.acompletion(**CHAT, **to(url)))


@caches("httpx", failure=MidStreamFallbackError)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    use_async(transport)
    return [said(chunk) async for chunk in await litellm.acompletion(**CHAT, **to(url), stream=True)]


@replays("httpx")
async def test_anthropic_async(url: str, transport: Any) -> Any:
    given = {} if transport is None else {"client": AsyncHTTPHandler(transport=transport)}
    return said(await litellm.acompletion(**to_anthropic(url), **given))


@caches("httpx", failure=MidStreamFallbackError, by_install=False)
async def test_anthropic_stream_async(url: str, transport: Any) -> Any:
    given = {} if transport is None else {"client": AsyncHTTPHandler(transport=transport)}
    stream = await litellm.acompletion(**to_anthropic(url), **given, stream=True)
    return [said(chunk) async for chunk in stream]
