"""What is asked in the scenarios, what answers it, and what the right answer is: it follows from the question."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

from tests.drivers import Driver

__all__ = ["URL", "Question", "Upstream", "ask", "ask_in_task"]

URL = "http://api.test/v1/chat/completions"
_EVENTS = 12


class Question(NamedTuple):
    """One question.

    Attributes:
        text: the prompt.
        size: bytes of the answer, about.
        streamed: whether the answer is.
    """

    text: str
    size: int = 100
    streamed: bool = False

    @property
    def body(self) -> dict[str, Any]:
        asked = {"model": "m", "messages": [{"role": "user", "content": f"{self.text} {self.size}"}]}
        return {**asked, "stream": True} if self.streamed else asked

    def chunks(self, made: int = 0) -> list[bytes]:
        """The right answer, the `made`th that is given."""
        digest = hashlib.sha256(f"{self.text} {self.size} {made}".encode()).hexdigest()
        text = (digest * (self.size // 64 + 1))[: max(self.size, 64)]
        if not self.streamed:
            message = {"role": "assistant", "content": text}
            return [json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()]
        step = len(text) // _EVENTS + 1
        deltas = [{"content": text[at : at + step]} for at in range(0, len(text), step)]
        events = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})  # type: ignore[dict-item]  # as APIs have it
        return [*(b"data: %s\n\n" % json.dumps(event).encode() for event in events), b"data: [DONE]\n\n"]

    def answer(self, made: int = 0) -> bytes:
        return b"".join(self.chunks(made))

    @classmethod
    def of(cls, body: bytes) -> Question:
        """What a request asks."""
        asked = json.loads(body)
        text, _, size = asked["messages"][0]["content"].rpartition(" ")
        return cls(text, int(size), asked.get("stream", False))


class Upstream:
    """Answers from within the process, as a client library's transport.

    Attributes:
        made: the how manieth answer it gives to each question.
        calls: how often it was asked.
    """

    def __init__(self, driver: Driver, made: int = 0) -> None:
        self._driver = driver
        self.made = made
        self.calls = 0

    @property
    def transport(self) -> Any:
        return self._driver.module.MockTransport(self._answer)

    def _answer(self, request: Any) -> Any:
        self.calls += 1
        question = Question.of(request.content)
        chunks = question.chunks(self.made)
        kind = "text/event-stream" if question.streamed else "application/json"
        content: Any = _apart(chunks) if self._driver.is_async else _one_by_one(chunks)
        return self._driver.module.Response(200, headers={"content-type": kind}, content=content)


def _one_by_one(chunks: list[bytes]) -> Iterator[bytes]:
    yield from chunks


async def _apart(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def ask(client: Any, question: Question, url: str = URL, **headers: str) -> tuple[bytes, Any]:
    """The answer that a synchronous client gets, and its outcome."""
    with client.stream("POST", url, json=question.body, headers=headers) as response:
        return b"".join(response.iter_raw()), response.extensions["replaycache"]


async def ask_in_task(client: Any, question: Question, url: str = URL, **headers: str) -> tuple[bytes, Any]:
    """The same of an asynchronous one."""
    async with client.stream("POST", url, json=question.body, headers=headers) as response:
        parts = [chunk async for chunk in response.aiter_raw()]
        return b"".join(parts), response.extensions["replaycache"]
