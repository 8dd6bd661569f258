"""openai-agents, asynchronous, on the openai client it is given."""

from __future__ import annotations

from typing import Any

import agents
import httpx2
import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner

from tests.sdks.replaying import replays

QUESTION = "Which number?"


def make(url: str, transport: Any) -> openai.AsyncOpenAI:
    if transport is None:
        return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="a-key")
    return openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.AsyncClient(transport=transport)
    )


def untraced() -> RunConfig:
    """Traces go to OpenAI by calls of their own. A configuration keeps the client it was first used with."""
    return RunConfig(tracing_disabled=True)


async def streamed(agent: Agent[Any]) -> Any:
    result = Runner.run_streamed(agent, QUESTION, run_config=untraced())
    return [event.type async for event in result.stream_events()], result.final_output


@replays("httpx2", is_async=True)
def test_from_synchronous_code(url: str, transport: Any) -> Any:
    if transport is None:
        agents.set_default_openai_client(openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="a-key"))
    else:
        agents.set_default_openai_client(
            openai.AsyncOpenAI(
                base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.AsyncClient(transport=transport)
            )
        )
    return Runner.run_sync(
        Agent(name="Counter", model="gpt-4o-mini"), QUESTION, run_config=untraced()
    ).final_output


@replays("httpx2")
async def test_responses(url: str, transport: Any) -> Any:
    model = OpenAIResponsesModel("gpt-4o-mini", make(url, transport))
    return (await Runner.run(Agent(name="Counter", model=model), QUESTION, run_config=untraced())).final_output


@replays("httpx2")
async def test_responses_stream(url: str, transport: Any) -> Any:
    model = OpenAIResponsesModel("gpt-4o-mini", make(url, transport))
    return await streamed(Agent(name="Counter", model=model))


@replays("httpx2")
async def test_chat(url: str, transport: Any) -> Any:
    model = OpenAIChatCompletionsModel("gpt-4o-mini", make(url, transport))
    return (await Runner.run(Agent(name="Counter", model=model), QUESTION, run_config=untraced())).final_output


@replays("httpx2")
async def test_chat_stream(url: str, transport: Any) -> Any:
    model = OpenAIChatCompletionsModel("gpt-4o-mini", make(url, transport))
    return await streamed(Agent(name="Counter", model=model))
