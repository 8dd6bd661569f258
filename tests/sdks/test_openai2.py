"""openai 2.x, the last line on httpx."""

from __future__ import annotations

import warnings
from operator import attrgetter
from typing import Any

import httpx
import openai

from tests.dialects.openai_endpoints import CALLS, Call
from tests.sdks.replaying import caches, replays

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Which number?"}]}
RESPONSE: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Which number?"}
EMBEDDING: dict[str, Any] = {"model": "text-embedding-3-small", "input": "Which number?"}


def make(url: str, transport: Any) -> openai.OpenAI:
    if transport is None:
        return openai.OpenAI(base_url=f"{url}/v1", api_key="a-key")
    return openai.OpenAI(base_url=f"{url}/v1", api_key="a-key", http_client=httpx.Client(transport=transport))


def make_async(url: str, transport: Any) -> openai.AsyncOpenAI:
    if transport is None:
        return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="a-key")
    return openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="a-key", http_client=httpx.AsyncClient(transport=transport)
    )


@replays("httpx")
def test_chat(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.chat.completions.create(**CHAT).model_dump()


@caches("httpx", failure=openai.APIError)
def test_chat_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [chunk.model_dump() for chunk in client.chat.completions.create(**CHAT, stream=True)]


@replays("httpx")
def test_responses(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.responses.create(**RESPONSE).model_dump()


@caches("httpx", failure=None)
def test_responses_stream(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return [event.model_dump() for event in client.responses.create(**RESPONSE, stream=True)]


@replays("httpx")
def test_responses_stream_helper(url: str, transport: Any) -> Any:
    with make(url, transport) as client, client.responses.stream(**RESPONSE) as stream:
        return [event.type for event in stream], stream.get_final_response().output_text


@replays("httpx")
def test_embeddings(url: str, transport: Any) -> Any:
    with make(url, transport) as client:
        return client.embeddings.create(**EMBEDDING).model_dump()


@replays("httpx")
async def test_chat_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.chat.completions.create(**CHAT)).model_dump()


@caches("httpx", failure=openai.APIError)
async def test_chat_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        return [chunk.model_dump() async for chunk in stream]


@caches("httpx", failure=None)
async def test_responses_stream_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return [event.model_dump() async for event in await client.responses.create(**RESPONSE, stream=True)]


@replays("httpx")
async def test_responses_stream_helper_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client, client.responses.stream(**RESPONSE) as stream:
        return [event.type async for event in stream], (await stream.get_final_response()).output_text


@replays("httpx")
async def test_embeddings_async(url: str, transport: Any) -> Any:
    async with make_async(url, transport) as client:
        return (await client.embeddings.create(**EMBEDDING)).model_dump()


def known_by(client: Any) -> list[tuple[Call, Any]]:
    """The calls of the table that this line of the client has, with their methods."""
    found = []
    for call in CALLS:
        try:
            method = attrgetter(call.method)(client)
        except AttributeError:
            continue
        found.append((call, method))
    assert len(found) > 150
    return found


def plain(answer: Any) -> Any:
    return answer.model_dump(warnings=False) if hasattr(answer, "model_dump") else answer


@replays("httpx", store="cassette.json")
def test_each_endpoint(url: str, transport: Any) -> Any:
    answers = {}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning), make(url, transport) as client:
        for call, method in known_by(client):
            answer = method(**call.arguments)
            answers[str(call)] = answer.read() if call.answer == "bytes" else plain(answer)
    return answers


@replays("httpx", store="cassette.json")
async def test_each_endpoint_async(url: str, transport: Any) -> Any:
    answers = {}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        async with make_async(url, transport) as client:
            for call, method in known_by(client):
                answer = await method(**call.arguments)
                answers[str(call)] = await answer.aread() if call.answer == "bytes" else plain(answer)
    return answers
