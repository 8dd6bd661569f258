"""Seeded requests and answers in the shape of OpenAI's, and stores filled with recordings of such."""

from __future__ import annotations

import base64
import json
import random
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from replaycache import Body, Chunk, Match, Recording, Redact, Request, ResponseHead
from replaycache.engine.stored_form import stored_form
from replaycache.stores import DiskStore

__all__ = [
    "CHAT",
    "EMBEDDINGS",
    "HEADERS",
    "Answer",
    "chat_answer",
    "chat_request",
    "embeddings_answer",
    "embeddings_request",
    "events",
    "fill",
    "in_pieces",
    "mock",
]

CHAT = "https://api.openai.com/v1/chat/completions"
EMBEDDINGS = "https://api.openai.com/v1/embeddings"
HEADERS = {"authorization": "Bearer sk-benchmark", "content-type": "application/json"}
SEED = 20240607
SOCKET_READ = 16 << 10
"""A body that comes over a socket comes in pieces of about this size."""

_WORDS = tuple(
    word
    for line in (
        "the of and to in is that for it as was with be by on not he this are or his from at which but have an",
        "they you were their one all we can her has there been if more when will would who so no model answer",
    )
    for word in line.split()
)


def prose(seed: int, characters: int) -> str:
    """Seeded words."""
    draw = random.Random(SEED + seed)
    words: list[str] = []
    length = 0
    while length < characters:
        words.append(draw.choice(_WORDS))
        length += len(words[-1]) + 1
    return " ".join(words)[:characters]


def chat_request(number: int, characters: int = 60, *, stream: bool = False) -> dict[str, Any]:
    """A chat request with a prompt of that length; requests of different numbers differ."""
    text = f"Question {number}: {prose(number, characters)}"
    turns = [text[at : at + 4000] for at in range(0, len(text), 4000)]
    messages = [{"role": "user", "content": turn} for turn in turns]
    request: dict[str, Any] = {"model": "gpt-4o-mini", "messages": messages, "temperature": 0.2}
    return {**request, "stream": True} if stream else request


def embeddings_request(number: int) -> dict[str, Any]:
    """A request for the embeddings of twelve texts."""
    return {"model": "text-embedding-3-small", "input": [prose(number * 12 + index, 200) for index in range(12)]}


@dataclass(frozen=True)
class Answer:
    """A response: its chunks and its content type."""

    chunks: tuple[bytes, ...]
    content_type: str = "application/json"

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of OpenAI's responses that replaycache stores; more would favour nobody."""
        return [
            ("date", "Fri, 07 Jun 2024 12:00:00 GMT"),
            ("content-type", self.content_type),
            ("openai-version", "2020-10-01"),
            ("openai-processing-ms", "412"),
            ("x-request-id", "req_0123456789abcdef0123456789abcdef"),
            ("x-ratelimit-limit-requests", "10000"),
            ("x-ratelimit-limit-tokens", "200000"),
            ("x-ratelimit-remaining-requests", "9999"),
            ("x-ratelimit-remaining-tokens", "199950"),
            ("x-ratelimit-reset-requests", "8.64s"),
            ("x-ratelimit-reset-tokens", "15ms"),
        ]


def chat_answer(characters: int = 400) -> Answer:
    """A chat completion."""
    message = {"role": "assistant", "content": prose(1, characters), "refusal": None}
    value = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1717761600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 90, "total_tokens": 110},
        "system_fingerprint": "fp_benchmark",
    }
    return in_pieces(json.dumps(value).encode())


def in_pieces(body: bytes) -> Answer:
    """An answer in the pieces in which a socket would give it."""
    return Answer(tuple(body[at : at + SOCKET_READ] for at in range(0, len(body), SOCKET_READ)))


def embeddings_answer(*, floats: bool = False) -> Answer:
    """Twelve vectors of 1,536 numbers: 98 KB as base64, as the SDKs ask for, or a list of floats."""
    draw = random.Random(SEED)
    data = []
    for index in range(12):
        vector = [draw.uniform(-0.1, 0.1) for _ in range(1536)]
        packed = base64.b64encode(struct.pack("<1536f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector if floats else packed})
    usage = {"prompt_tokens": 500, "total_tokens": 500}
    value = {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}
    return in_pieces(json.dumps(value).encode())


def events(count: int = 400) -> Answer:
    """A streamed chat completion: that many chunks, each one event but for the last, which has two."""
    words = prose(2, 12 * count).split()
    chunks = []
    for index in range(count):
        last = index == count - 1
        delta = {} if last else {"content": f"{words[index]} "}
        value = {
            "id": "chatcmpl-benchmark",
            "object": "chat.completion.chunk",
            "created": 1717761600,
            "model": "gpt-4o-mini-2024-07-18",
            "system_fingerprint": "fp_benchmark",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}],
        }
        chunks.append(b"data: " + json.dumps(value).encode() + b"\n\n" + (b"data: [DONE]\n\n" if last else b""))
    return Answer(tuple(chunks), "text/event-stream; charset=utf-8")


def mock(library: ModuleType, answer: Answer, *, streamed: bool) -> Any:
    """The library's `MockTransport`, answering from memory.

    It stays itself when something patches the library's class.

    Args:
        library: httpx or httpx2.
        answer: what it answers.
        streamed: chunk by chunk through `stream=`; otherwise all at once through `content=`.
    """

    class Chunks(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[bytes]:
            yield from answer.chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in answer.chunks:
                yield chunk

    headers, body = answer.headers, answer.body
    respond: Callable[[Any], Any]
    if streamed:

        def respond(_: Any) -> Any:
            return library.Response(200, headers=headers, stream=Chunks())
    else:

        def respond(_: Any) -> Any:
            return library.Response(200, headers=headers, content=body)

    own = {name: vars(library.MockTransport)[name] for name in ("handle_request", "handle_async_request")}
    return type("Floor", (library.MockTransport,), own)(respond)


def fill(directory: Path, entries: int, record: Sequence[Callable[[], None]] = ()) -> DiskStore:
    """A disk store with that many recordings of small chats, built as the transport builds them.

    Args:
        directory: where.
        entries: how many, `record` included.
        record: what stores a recording each; they are spread among the others.
    """
    store = DiskStore(directory)
    match, redact = Match(), Redact()
    every = max(1, entries // max(1, len(record)))
    waiting = list(record)
    answers = [chat_answer(characters) for characters in range(200, 2000, 50)]
    started = time.time()
    for number in range(entries - len(record)):
        if waiting and number % every == 0:
            waiting.pop()()
        body = json.dumps({"messages": [{"role": "user", "content": f"{number} {prose(number, 60)}"}]}).encode()
        request = Request("POST", CHAT, tuple(HEADERS.items()), body)
        identity = match.identity(request)
        answer = answers[number % len(answers)]
        recording = Recording(
            request=stored_form(request, redact),
            head=redact.head(ResponseHead(200, tuple(answer.headers))),
            body=Body.of([Chunk(answer.body, 0.0004)]),
            digest=identity.digest,
            recorded_at=started,
            latency=0.4,
        )
        store.put(identity.key, recording)
    for last in waiting:
        last()
    return store
