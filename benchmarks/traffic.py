"""Seeded requests and answers in the shape of OpenAI's. Every answer bears the number of its request."""

from __future__ import annotations

import base64
import json
import random
import re
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

__all__ = [
    "CHAT",
    "EMBEDDINGS",
    "HEADERS",
    "LONG",
    "Answer",
    "Case",
    "Item",
    "chat_answer",
    "chat_request",
    "embeddings_answer",
    "embeddings_request",
    "events",
    "image_request",
    "mock",
    "prose",
]

CHAT = "https://api.openai.com/v1/chat/completions"
EMBEDDINGS = "https://api.openai.com/v1/embeddings"
HEADERS = {"authorization": "Bearer sk-benchmark", "content-type": "application/json"}
LONG = 300_000
"""Bytes of a long request."""
SEED = 20240607
SOCKET_READ = 16 << 10
"""A body that comes over a socket comes in pieces of about this size."""

_UNNUMBERED = 9_000_000
_NUMBERED = re.compile(rb'(chatcmpl-|Answer |"prompt_tokens": )%d' % _UNNUMBERED)
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


def image_request(number: int, characters: int = 1_000_000) -> dict[str, Any]:
    """A chat request with an image of that length as a data URL."""
    image = base64.b64encode(random.Random(SEED + number).randbytes(characters // 4 * 3)).decode()
    content = [
        {"type": "text", "text": f"Question {number}: what is in this picture?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
    ]
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}


def embeddings_request(number: int) -> dict[str, Any]:
    """A request for the embeddings of twelve texts."""
    texts = [prose(number * 12 + index, 200) for index in range(12)]
    return {"model": "text-embedding-3-small", "input": [f"Question {number}:", *texts[1:]]}


@dataclass(frozen=True)
class Answer:
    """A response: its chunks and its content type."""

    chunks: tuple[bytes, ...]
    content_type: str = "application/json"

    @cached_property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks)

    def to(self, number: int) -> Answer:
        """The answer to the request of that number; all are of the same length."""
        mark = rb"\g<1>%d" % (_UNNUMBERED + number)
        return Answer(tuple(_NUMBERED.sub(mark, chunk) for chunk in self.chunks), self.content_type)

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
    """A chat completion, in the pieces in which a socket would give it."""
    text = f"Answer {_UNNUMBERED}: {prose(1, characters)}"
    message = {"role": "assistant", "content": text, "refusal": None}
    value = {
        "id": f"chatcmpl-{_UNNUMBERED}",
        "object": "chat.completion",
        "created": 1717761600,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 90, "total_tokens": 110},
        "system_fingerprint": "fp_benchmark",
    }
    return _in_pieces(value)


def embeddings_answer() -> Answer:
    """Twelve vectors of 1,536 numbers in base64, as the SDKs ask for: 98 KB."""
    draw = random.Random(SEED)
    data = []
    for index in range(12):
        packed = struct.pack("<1536f", *(draw.uniform(-0.1, 0.1) for _ in range(1536)))
        data.append({"object": "embedding", "index": index, "embedding": base64.b64encode(packed).decode()})
    usage = {"prompt_tokens": _UNNUMBERED, "total_tokens": 500}
    return _in_pieces({"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage})


def _in_pieces(value: dict[str, Any]) -> Answer:
    body = json.dumps(value).encode()
    return Answer(tuple(body[at : at + SOCKET_READ] for at in range(0, len(body), SOCKET_READ)))


def events(count: int = 400) -> Answer:
    """A streamed chat completion: that many chunks, each one event but for the last, which has two."""
    words = [f"Answer {_UNNUMBERED}:", *prose(2, 12 * count).split()]
    chunks = []
    for index in range(count):
        last = index == count - 1
        delta = {} if last else {"content": f"{words[index]} "}
        value = {
            "id": f"chatcmpl-{_UNNUMBERED}",
            "object": "chat.completion.chunk",
            "created": 1717761600,
            "model": "gpt-4o-mini-2024-07-18",
            "system_fingerprint": "fp_benchmark",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if last else None}],
        }
        chunks.append(b"data: " + json.dumps(value).encode() + b"\n\n" + (b"data: [DONE]\n\n" if last else b""))
    return Answer(tuple(chunks), "text/event-stream; charset=utf-8")


@dataclass(frozen=True)
class Item:
    """One request, its number, and the answer that is the right one."""

    number: int
    request: dict[str, Any]
    body: bytes
    answer: Answer


@dataclass(frozen=True)
class Case:
    """What is asked, and what answers.

    Attributes:
        make: the request of a number.
        numbers: of the requests that are asked.
        answer: the response, which gets each request's number.
        streamed: read chunk by chunk.
    """

    make: Callable[[int], dict[str, Any]]
    numbers: range
    answer: Answer
    streamed: bool = False
    url: str = CHAT

    @cached_property
    def items(self) -> list[Item]:
        """Every request as it is sent."""
        requests = ((number, self.make(number)) for number in self.numbers)
        return [
            Item(number, request, json.dumps(request).encode(), self.answer.to(number))
            for number, request in requests
        ]


def mock(library: ModuleType, answer: Answer, *, streamed: bool, numbered: bool = False) -> Any:
    """The library's `MockTransport`, answering from memory.

    It stays itself when something patches the library's class.

    Args:
        library: httpx or httpx2.
        answer: what it answers.
        streamed: chunk by chunk through `stream=`; otherwise all at once through `content=`.
        numbered: it looks for the request's number and answers it; otherwise every answer is the same.
    """

    class Chunks(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __init__(self, chunks: tuple[bytes, ...]) -> None:
            self.chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            yield from self.chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                yield chunk

    headers, body, chunks = answer.headers, answer.body, answer.chunks

    def respond(_: Any) -> Any:
        if streamed:
            return library.Response(200, headers=headers, stream=Chunks(chunks))
        return library.Response(200, headers=headers, content=body)

    def respond_numbered(request: Any) -> Any:
        found = re.search(rb"Question (\d+)", request.read())
        assert found
        return library.Response(200, headers=headers, stream=Chunks(answer.to(int(found[1])).chunks))

    own = {name: vars(library.MockTransport)[name] for name in ("handle_request", "handle_async_request")}
    return type("Floor", (library.MockTransport,), own)(respond_numbered if numbered else respond)
