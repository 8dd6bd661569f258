"""google-genai, on httpx2; asynchronous on aiohttp where that is installed and no transport is given."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any

import pytest
from google import genai
from google.genai import errors

import replaycache
from tests.sdks.provider_server import ProviderServer
from tests.sdks.replaying import caches, replays

HAS_AIOHTTP = find_spec("aiohttp") is not None

ASKED: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": "Which number?"}


def make(url: str, transport: Any) -> genai.Client:
    if transport is None:
        return genai.Client(api_key="a-key", http_options={"base_url": url})
    return genai.Client(api_key="a-key", http_options={"base_url": url, "client_args": {"transport": transport}})


def make_async(url: str, transport: Any) -> genai.Client:
    if transport is None:
        return genai.Client(api_key="a-key", http_options={"base_url": url})
    return genai.Client(
        api_key="a-key", http_options={"base_url": url, "async_client_args": {"transport": transport}}
    )


@replays("httpx2")
def test_generate(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.models.generate_content(**ASKED).text


@caches("httpx2", failure=errors.ServerError)
def test_generate_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [chunk.text for chunk in client.models.generate_content_stream(**ASKED)]


@replays("httpx2")
def test_embed(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        answer = client.models.embed_content(model="gemini-embedding-001", contents=["Which number?"])
        return answer.embeddings[0].values


@replays("httpx2", by_install=not HAS_AIOHTTP)
async def test_generate_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport).aio as client:
        return (await client.models.generate_content(**ASKED)).text


@caches("httpx2", failure=errors.ServerError, by_install=not HAS_AIOHTTP)
async def test_generate_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport).aio as client:
        return [chunk.text async for chunk in await client.models.generate_content_stream(**ASKED)]


@pytest.mark.skipif(not HAS_AIOHTTP, reason="aiohttp is not installed")
def test_what_goes_past_install_is_reported() -> None:
    async def ask(url: str) -> None:
        async with make_async(url, None).aio as client:
            await client.models.generate_content(**ASKED)

    with ProviderServer() as server:
        replaycache.install(store=":memory:")
        asyncio.run(ask(server.url))
        with pytest.warns(replaycache.ReplayCacheWarning, match="neither recorded nor replayed"):
            replaycache.uninstall()
