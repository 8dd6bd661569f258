"""langchain-anthropic, on httpx2; it makes its clients itself and takes no transport."""

from __future__ import annotations

from typing import Any

from langchain_anthropic import ChatAnthropic

from tests.sdks.replaying import replays

QUESTION = "Which number?"


def make(url: str) -> ChatAnthropic:
    return ChatAnthropic(model="claude-sonnet-4-6", base_url=url, api_key="a-key", max_tokens=64)


@replays(None)
def test_invoke(url: str, transport: Any) -> Any:
    return make(url).invoke(QUESTION).content


@replays(None)
def test_stream(url: str, transport: Any) -> Any:
    return [chunk.content for chunk in make(url).stream(QUESTION)]


@replays(None)
async def test_invoke_async(url: str, transport: Any) -> Any:
    return (await make(url).ainvoke(QUESTION)).content


@replays(None)
async def test_stream_async(url: str, transport: Any) -> Any:
    return [chunk.content async for chunk in make(url).astream(QUESTION)]
