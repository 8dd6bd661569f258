"""huggingface_hub, on httpx2, which takes a factory of clients for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from huggingface_hub import AsyncInferenceClient, InferenceClient, set_async_client_factory, set_client_factory
from huggingface_hub.utils import _http

from tests.sdks.replaying import replays

CHAT: dict[str, Any] = {"model": "smollm2", "messages": [{"role": "user", "content": "Which number?"}]}


@contextmanager
def factories(transport: Any) -> Iterator[None]:
    """The package's own factories are back at the end."""
    if transport is not None:
        set_client_factory(lambda: httpx2.Client(transport=transport))
        set_async_client_factory(lambda: httpx2.AsyncClient(transport=transport))
    try:
        yield
    finally:
        set_client_factory(_http.default_client_factory)
        set_async_client_factory(_http.default_async_client_factory)


@replays("httpx2")
def test_chat(url: str, transport: Any) -> Any:
    with factories(transport), InferenceClient(base_url=f"{url}/v1", api_key="a-key") as client:
        return client.chat_completion(**CHAT)


@replays("httpx2")
def test_chat_stream(url: str, transport: Any) -> Any:
    with factories(transport), InferenceClient(base_url=f"{url}/v1", api_key="a-key") as client:
        return list(client.chat_completion(**CHAT, stream=True))


@replays("httpx2")
async def test_chat_async(url: str, transport: Any) -> Any:
    with factories(transport):
        async with AsyncInferenceClient(base_url=f"{url}/v1", api_key="a-key") as client:
            return await client.chat_completion(**CHAT)


@replays("httpx2")
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    with factories(transport):
        async with AsyncInferenceClient(base_url=f"{url}/v1", api_key="a-key") as client:
            return [chunk async for chunk in await client.chat_completion(**CHAT, stream=True)]
