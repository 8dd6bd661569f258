"""Questions as data, and how to ask them through any SDK, of any line, sync or async.

It runs in the environment of the tests and, by `openai2_session`, in that of the SDKs' older lines.
"""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import Any, Literal

import anyio

from .watched import Unreachable, Watched

__all__ = ["KINDS", "Ask", "Heard", "Kind", "ask_once"]

Kind = Literal["sync", "async"]
KINDS: tuple[Kind, ...] = ("sync", "async")


@dataclass(frozen=True)
class Ask:
    """One call of an SDK.

    Args:
        name: of the question, in test ids.
        sdk: `"openai"` or `"anthropic"`.
        method: from the client on, `"chat.completions.create"`.
        arguments: of the call.
        how: `"plain"`: one object; `"stream"`: with `stream=True`, chunk by chunk; `"helper"`: a context
            manager that gives events; `"bytes"`: a body that is no JSON.
    """

    name: str
    sdk: Literal["openai", "anthropic"]
    method: str
    arguments: dict[str, Any]
    how: Literal["plain", "stream", "helper", "bytes"] = "plain"

    def __str__(self) -> str:
        return self.name


@dataclass
class Heard:
    """What came back for an `Ask`.

    Attributes:
        answer: the object, or the list of chunks or events, as plain data.
        outcomes: of each request that was answered, what replaycache did.
        requests: how many requests reached the `ReplayTransport`.
        attempts: how many of them it tried to send upstream, where that is unreachable.
    """

    answer: Any = None
    outcomes: list[str] = field(default_factory=list)
    requests: int = 0
    attempts: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _plain(value: Any) -> Any:
    return value.model_dump(warnings=False) if hasattr(value, "model_dump") else value


def _ask(client: Any, ask: Ask) -> Any:
    method = attrgetter(ask.method)(client)
    if ask.how == "plain":
        return _plain(method(**ask.arguments))
    if ask.how == "bytes":
        return method(**ask.arguments).content.hex()
    opened = method(**ask.arguments) if ask.how == "helper" else method(**ask.arguments, stream=True)
    with opened as stream:
        return [_plain(piece) for piece in stream]


async def _ask_async(client: Any, ask: Ask) -> Any:
    method = attrgetter(ask.method)(client)
    if ask.how == "plain":
        return _plain(await method(**ask.arguments))
    if ask.how == "bytes":
        return (await method(**ask.arguments)).content.hex()
    opened = method(**ask.arguments) if ask.how == "helper" else await method(**ask.arguments, stream=True)
    async with opened as stream:
        return [_plain(piece) async for piece in stream]


def ask_once(
    ask: Ask,
    url: str,
    *,
    library: Literal["httpx", "httpx2"],
    kind: Kind,
    inner: Any = None,
    heard: Heard | None = None,
    backend: str = "asyncio",
    **options: Any,
) -> Heard:
    """Asks through a fresh client over a fresh `ReplayTransport`, at the SDK's default number of retries.

    Args:
        ask: the question.
        url: of the server; for openai with its `/v1`, where it has one.
        library: which the SDK is to use.
        kind: of the client.
        inner: None for the library's own transport.
        heard: filled in, so that it tells of the requests also where an error is raised.
        backend: of anyio, where `kind` is async.
        options: of the `ReplayTransport`.
    """
    heard = heard if heard is not None else Heard()
    client_library, ours = importlib.import_module(library), importlib.import_module(f"replaycache.{library}")
    sdk = importlib.import_module(ask.sdk)
    named = {"openai": "OpenAI", "anthropic": "Anthropic"}[ask.sdk]

    def note(watched: Watched) -> None:
        heard.outcomes, heard.requests = watched.outcomes, watched.requests
        heard.attempts = inner.attempts if isinstance(inner, Unreachable) else 0

    async def ask_async() -> None:
        watched = Watched(ours.AsyncReplayTransport(inner, **options))
        http_client = client_library.AsyncClient(transport=watched)
        async with getattr(sdk, f"Async{named}")(base_url=url, api_key="a-key", http_client=http_client) as client:
            try:
                heard.answer = await _ask_async(client, ask)
            finally:
                note(watched)

    if kind == "async":
        anyio.run(ask_async, backend=backend)
        return heard
    watched = Watched(ours.ReplayTransport(inner, **options))
    http_client = client_library.Client(transport=watched)
    with getattr(sdk, named)(base_url=url, api_key="a-key", http_client=http_client) as client:
        try:
            heard.answer = _ask(client, ask)
        finally:
            note(watched)
    return heard
