"""Stores with recordings in them, and the command run in this process."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable
from inspect import signature
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from replaycache import Body, Chunk, Match, Recording, Request, ResponseHead
from replaycache.cli import main
from replaycache.stores import CassetteStore, DiskStore, Store

__all__ = [
    "CHAT",
    "answer_json",
    "cassette",
    "chat",
    "disk",
    "put",
    "replaycache",
    "rerank",
    "stream",
    "understood",
]

CHAT = "https://api.openai.com/v1/chat/completions"


# click before 8.2 has to be told to keep the outputs apart, and later ones do nothing else
_RUNNER = CliRunner(**{name: False for name in signature(CliRunner).parameters if name == "mix_stderr"})


def replaycache(*arguments: str, given: str | bytes | None = None) -> Result:
    """Runs the command with both outputs as pipes. What is no exit status is raised."""
    result = _RUNNER.invoke(main, list(arguments), input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def understood(command: str) -> None:
    """Parses a whole command line of ours, and runs nothing; what is wrong with it is raised."""
    name, *arguments = shlex.split(command)[1:]
    known = main.get_command(click.Context(main), name)
    assert known is not None
    known.make_context(name, arguments)


def answer_json(text: str = "Hello.", model: str = "gpt-4o-mini-2024-07-18", **members: Any) -> bytes:
    """A chat completion."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
        }
        | members
    ).encode()


def stream(*events: Any, ends: bool = True, every: float = 0.1) -> Body:
    """Server-sent events, one a chunk."""
    data = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    return Body.of(
        [Chunk(piece, (index + 1) * every) for index, piece in enumerate(data + [b"data: [DONE]\n\n"] * ends)]
    )


def chat(
    asked: str = "Say hello.",
    answer: bytes | Body | None = None,
    *,
    url: str = CHAT,
    model: str = "gpt-4o-mini",
    status: int = 200,
    age: float = 7200,
    content_type: str = "application/json",
    complete: bool = True,
    body: Any = None,
    **members: Any,
) -> Recording:
    """A recording of a chat, or of another call with another `body`."""
    if body is None:
        body = {"model": model, "messages": [{"role": "user", "content": asked}]} | members
    data = (
        body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )
    request = Request("POST", url, (("content-type", "application/json"),), data)
    if not isinstance(answer, Body):
        answer = Body.of([Chunk(answer_json() if answer is None else answer, 0.25)])
    return Recording(
        request=request,
        head=ResponseHead(status, (("content-type", content_type),)),
        body=answer,
        digest=Match().identity(request).digest,
        recorded_at=time.time() - age,
        latency=0.5,
        complete=complete,
    )


def rerank() -> Recording:
    """A recording of a call that is paid by searches and not by tokens."""
    return chat(
        url="https://api.cohere.com/v2/rerank",
        body={"model": "rerank-v3.5", "query": "hello", "documents": ["a"]},
        answer=b'{"results":[{"index":0,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":2}}}',
    )


def put(store: Store, recordings: Iterable[Recording]) -> list[str]:
    """Stores recordings in order, and returns their keys."""
    keys = []
    for recording in recordings:
        keys.append(Match().key(recording.request))
        store.put(keys[-1], recording)
    store.close()
    return keys


def disk(path: Path, *recordings: Recording) -> list[str]:
    """Makes a disk cache, and returns the keys of what is in it."""
    return put(DiskStore(path), recordings)


def cassette(path: Path, *recordings: Recording) -> None:
    """Makes a cassette, in which several recordings may have one key."""
    CassetteStore(path).append(*recordings)
