"""instructor, on the client it is given: here openai's, on httpx2."""

from __future__ import annotations

from typing import Any

import httpx2
import instructor
import openai
from pydantic import BaseModel

from tests.sdks.replaying import replays

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Which number?"}]}


class Number(BaseModel):
    text: str
    number: int


def make(url: str, transport: Any) -> instructor.Instructor:
    if transport is None:
        return instructor.from_openai(openai.OpenAI(base_url=f"{url}/v1", api_key="a-key"))
    return instructor.from_openai(
        openai.OpenAI(base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.Client(transport=transport))
    )


def make_async(url: str, transport: Any) -> instructor.AsyncInstructor:
    if transport is None:
        return instructor.from_openai(openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="a-key"))
    return instructor.from_openai(
        openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="a-key", http_client=httpx2.AsyncClient(transport=transport)
        )
    )


@replays("httpx2")
def test_create(url: str, transport: Any) -> Any:
    return make(url, transport).chat.completions.create(**CHAT, response_model=Number).model_dump()


@replays("httpx2")
def test_create_partial(url: str, transport: Any) -> Any:
    client = make(url, transport)
    return [part.model_dump() for part in client.chat.completions.create_partial(**CHAT, response_model=Number)]


@replays("httpx2")
async def test_create_async(url: str, transport: Any) -> Any:
    return (await make_async(url, transport).chat.completions.create(**CHAT, response_model=Number)).model_dump()


@replays("httpx2")
async def test_create_partial_async(url: str, transport: Any) -> Any:
    client = make_async(url, transport)
    parts = client.chat.completions.create_partial(**CHAT, response_model=Number)
    return [part.model_dump() async for part in parts]
