"""pydantic-ai, asynchronous on httpx2, by the providers' own clients."""

from __future__ import annotations

from typing import Any

import httpx2
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.sdks.replaying import replays

QUESTION = "Which number?"


class Number(BaseModel):
    text: str
    number: int


def openai(url: str, transport: Any) -> OpenAIProvider:
    if transport is None:
        return OpenAIProvider(base_url=f"{url}/v1", api_key="a-key")
    return OpenAIProvider(
        base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.AsyncClient(transport=transport)
    )


def anthropic(url: str, transport: Any) -> AnthropicProvider:
    if transport is None:
        return AnthropicProvider(base_url=url, api_key="a-key")
    return AnthropicProvider(base_url=url, api_key="a-key", http_client=httpx2.AsyncClient(transport=transport))


def google(url: str, transport: Any) -> GoogleProvider:
    if transport is None:
        return GoogleProvider(base_url=url, api_key="a-key")
    return GoogleProvider(base_url=url, api_key="a-key", http_client=httpx2.AsyncClient(transport=transport))


async def streamed(agent: Agent[None, str]) -> list[str]:
    async with agent.run_stream(QUESTION) as answer:
        return [text async for text in answer.stream_text(delta=True, debounce_by=None)]


@replays("httpx2", is_async=True)
def test_openai_from_synchronous_code(url: str, transport: Any) -> Any:
    return Agent(OpenAIChatModel("gpt-4o-mini", provider=openai(url, transport))).run_sync(QUESTION).output


@replays("httpx2")
async def test_openai(url: str, transport: Any) -> Any:
    model = OpenAIChatModel("gpt-4o-mini", provider=openai(url, transport))
    return (await Agent(model).run(QUESTION)).output


@replays("httpx2")
async def test_openai_structured(url: str, transport: Any) -> Any:
    model = OpenAIChatModel("gpt-4o-mini", provider=openai(url, transport))
    return (await Agent(model, output_type=Number).run(QUESTION)).output


@replays("httpx2")
async def test_openai_stream(url: str, transport: Any) -> Any:
    return await streamed(Agent(OpenAIChatModel("gpt-4o-mini", provider=openai(url, transport))))


@replays("httpx2")
async def test_openai_responses(url: str, transport: Any) -> Any:
    model = OpenAIResponsesModel("gpt-4o-mini", provider=openai(url, transport))
    return (await Agent(model).run(QUESTION)).output


@replays("httpx2")
async def test_openai_responses_stream(url: str, transport: Any) -> Any:
    return await streamed(Agent(OpenAIResponsesModel("gpt-4o-mini", provider=openai(url, transport))))


@replays("httpx2")
async def test_anthropic(url: str, transport: Any) -> Any:
    model = AnthropicModel("claude-sonnet-4-6", provider=anthropic(url, transport))
    return (await Agent(model).run(QUESTION)).output


@replays("httpx2")
async def test_anthropic_stream(url: str, transport: Any) -> Any:
    return await streamed(Agent(AnthropicModel("claude-sonnet-4-6", provider=anthropic(url, transport))))


@replays("httpx2")
async def test_google(url: str, transport: Any) -> Any:
    model = GoogleModel("gemini-2.5-flash", provider=google(url, transport))
    return (await Agent(model).run(QUESTION)).output


@replays("httpx2")
async def test_google_stream(url: str, transport: Any) -> Any:
    return await streamed(Agent(GoogleModel("gemini-2.5-flash", provider=google(url, transport))))
