"""anthropic by Bedrock and Vertex, on httpx2."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2

from tests.sdks.replaying import caches

MESSAGE: dict[str, Any] = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Which number?"}],
}
BEDROCK: dict[str, Any] = {"aws_region": "us-east-1", "aws_access_key": "a-key", "aws_secret_key": "a-secret"}
VERTEX: dict[str, Any] = {"region": "us-east5", "project_id": "a-project", "access_token": "a-token"}


def given(client: type[Any], transport: Any) -> dict[str, Any]:
    return {} if transport is None else {"http_client": client(transport=transport)}


def asked(client: Any) -> Any:
    with client:
        return [event.model_dump() for event in client.messages.create(**MESSAGE, stream=True)]


async def asked_async(client: Any) -> Any:
    async with client:
        return [event.model_dump() async for event in await client.messages.create(**MESSAGE, stream=True)]


@caches("httpx2", failure=anthropic.APIStatusError)
def test_bedrock_stream(url: str, transport: Any) -> Any:
    return asked(anthropic.AnthropicBedrock(base_url=url, **BEDROCK, **given(httpx2.Client, transport)))


@caches("httpx2", failure=anthropic.APIStatusError)
async def test_bedrock_stream_async(url: str, transport: Any) -> Any:
    given_async = given(httpx2.AsyncClient, transport)
    return await asked_async(anthropic.AsyncAnthropicBedrock(base_url=url, **BEDROCK, **given_async))


@caches("httpx2", failure=anthropic.APIStatusError)
def test_vertex_stream(url: str, transport: Any) -> Any:
    return asked(anthropic.AnthropicVertex(base_url=url, **VERTEX, **given(httpx2.Client, transport)))


@caches("httpx2", failure=anthropic.APIStatusError)
async def test_vertex_stream_async(url: str, transport: Any) -> Any:
    given_async = given(httpx2.AsyncClient, transport)
    return await asked_async(anthropic.AsyncAnthropicVertex(base_url=url, **VERTEX, **given_async))
