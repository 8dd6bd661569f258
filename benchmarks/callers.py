"""The ways in which a request is asked: by a plain client of either library, synchronous or not, or an SDK."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal

from traffic import EMBEDDINGS, HEADERS, Case, Item

__all__ = ["Kind", "adapter", "caller", "replay", "right"]

Kind = Literal["sync", "async", "openai", "openai async"]


def adapter(library: ModuleType) -> ModuleType:
    """replaycache's module for the library."""
    return importlib.import_module(f"replaycache.{library.__name__}")


def replay(library: ModuleType, kind: Kind, *arguments: Any, **options: Any) -> Any:
    """A transport of replaycache for a client of that kind."""
    name = "AsyncReplayTransport" if kind.endswith("async") else "ReplayTransport"
    return getattr(adapter(library), name)(*arguments, **options)


def caller(library: ModuleType, kind: Kind, transport: Any, case: Case) -> Callable[[Item], Any]:
    """What asks through `transport` and gives what it read: chunks, a body, or the SDK's values."""
    if kind.endswith("async"):
        client = library.AsyncClient(transport=transport)
        if kind == "async":
            return _async_stream(client, case.url) if case.streamed else _async_post(client, case.url)
        return _async_sdk(client, case)
    client = library.Client(transport=transport)
    if kind == "openai":
        return _sdk(client, case)
    return _stream(client, case.url) if case.streamed else _post(client, case.url)


def right(case: Case) -> Callable[[Any, Item], None]:
    """What asserts of a plain client's answer that it is the item's, in its own chunks where it was streamed."""

    def check(result: Any, item: Item) -> None:
        expected = list(item.answer.chunks) if case.streamed else item.answer.body
        assert result == expected, f"another answer to request {item.number}"

    return check


def _post(client: Any, url: str) -> Callable[[Item], bytes]:
    def call(item: Item) -> bytes:
        return client.post(url, content=item.body, headers=HEADERS).content

    return call


def _async_post(client: Any, url: str) -> Callable[[Item], Any]:
    async def call(item: Item) -> bytes:
        return (await client.post(url, content=item.body, headers=HEADERS)).content

    return call


def _stream(client: Any, url: str) -> Callable[[Item], list[bytes]]:
    def call(item: Item) -> list[bytes]:
        with client.stream("POST", url, content=item.body, headers=HEADERS) as response:
            return list(response.iter_raw())

    return call


def _async_stream(client: Any, url: str) -> Callable[[Item], Any]:
    async def call(item: Item) -> list[bytes]:
        async with client.stream("POST", url, content=item.body, headers=HEADERS) as response:
            return [chunk async for chunk in response.aiter_raw()]

    return call


def _create(sdk: Any, case: Case) -> Any:
    return sdk.embeddings.create if case.url == EMBEDDINGS else sdk.chat.completions.create


def _sdk(client: Any, case: Case) -> Callable[[Item], Any]:
    import openai

    create = _create(openai.OpenAI(api_key="sk-benchmark", http_client=client), case)

    def call(item: Item) -> Any:
        answer = create(**item.request)
        return list(answer) if case.streamed else answer

    return call


def _async_sdk(client: Any, case: Case) -> Callable[[Item], Any]:
    import openai

    create = _create(openai.AsyncOpenAI(api_key="sk-benchmark", http_client=client), case)

    async def call(item: Item) -> Any:
        answer = await create(**item.request)
        return [event async for event in answer] if case.streamed else answer

    return call
