"""A viewer on a free port, and calls and recordings for it to show, as a day of work leaves them."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from replaycache import Body, Chunk, Match, Recording, Request, ResponseHead
from replaycache.accounts.noted import Noted
from replaycache.accounts.prices import Prices
from replaycache.dialects.usage import usage_of
from replaycache.serve.calls import CallLog
from replaycache.serve.viewer import viewer_routes
from replaycache.stores import DiskStore, Store

__all__ = [
    "OPENAI",
    "Viewed",
    "anthropic_stream",
    "fill",
    "openai_chat",
    "openai_stream",
    "recorded",
    "seen",
    "viewed",
]

OPENAI = "https://api.openai.com/v1/chat/completions"
ANTHROPIC = "https://api.anthropic.com/v1/messages"
_JSON = ("content-type", "application/json")
_EVENTS = ("content-type", "text/event-stream")


class Viewed:
    """A viewer that is served.

    Attributes:
        url: of its page, with a slash at the end.
        calls, store: what it shows.
    """

    def __init__(self, url: str, calls: CallLog, store: Store) -> None:
        self.url = url
        self.calls = calls
        self.store = store


@contextmanager
def viewed(
    store: Store, calls: CallLog | None = None, match: Match | None = None, prices: Prices | None = None
) -> Iterator[Viewed]:
    """Serves the viewer of a store."""
    calls = CallLog() if calls is None else calls
    app = Starlette(
        routes=[Mount("/_replaycache", routes=viewer_routes(calls, store, match=match, prices=prices))]
    )
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))  # who connects from here on waits until it is served
    port = listener.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Viewed(f"http://127.0.0.1:{port}/_replaycache/", calls, store)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)
        listener.close()


def recorded(
    url: str,
    body: Any,
    answer: Body | bytes | Any,
    *,
    age: float = 60.0,
    status: int = 200,
    latency: float = 0.6,
    key_header: str = "authorization",
    **about: Any,
) -> Recording:
    """A recording of a call to a provider.

    Args:
        url: that was asked.
        body: of the request: JSON, or bytes.
        answer: a body in chunks, bytes, or JSON that came at once.
        age: seconds since then.
        status: of the response.
        latency: seconds until its head.
        key_header: that carried the credential.
        about: further members of the recording.
    """
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    request = Request(
        "POST", url, (("accept", "application/json"), _JSON), data, left_out=(key_header, "user-agent")
    )
    if not isinstance(answer, Body):
        told = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
        answer, kind = Body.of([Chunk(told, 0.02)]), _JSON
    else:
        kind = _EVENTS
    head = ResponseHead(status, (kind, ("x-request-id", "req_7d1c04a9e2")), left_out=("set-cookie", "cf-ray"))
    recording = Recording(
        request=request,
        head=head,
        body=answer,
        digest=Match().identity(request).digest,
        recorded_at=time.time() - age,
        latency=latency,
        **about,
    )
    recording.usage = usage_of(recording)
    return recording


def asking(text: str, model: str = "gpt-4.1-mini", **more: Any) -> dict[str, Any]:
    """The body of a request that asks one thing."""
    return {"model": model, **more, "messages": [{"role": "user", "content": text}]}


def openai_chat(text: str, model: str = "gpt-4.1-mini", usage: tuple[int, int] = (420, 96), **message: Any) -> Any:
    """A chat completion."""
    return {
        "id": "chatcmpl-CfQ0h2",
        "object": "chat.completion",
        "created": 1795298445,
        "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text} | message, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)},
    }


def _paced(events: list[bytes], seed: int) -> Body:
    """Events at the pace of a model: in bursts, with a pause now and then."""
    chance, at, chunks = random.Random(seed), 0.18, []
    for event in events:
        chunks.append(Chunk(event, at))
        at += chance.choice((0.004, 0.018, 0.022, 0.03)) + (0.35 if chance.random() < 0.025 else 0)
    return Body.of(chunks)


def _words(text: str) -> list[str]:
    return [f" {word}" if place else word for place, word in enumerate(text.split(" "))]


def openai_stream(
    text: str, model: str = "gpt-4.1-mini", usage: tuple[int, int] = (420, 96), seed: int = 1
) -> Body:
    """A streamed chat completion."""
    base = {"id": "chatcmpl-CfQ0h2", "object": "chat.completion.chunk", "created": 1795298445, "model": model}

    def event(delta: Any, reason: str | None = None, **more: Any) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}] if delta is not None else []
        return f"data: {json.dumps(base | {'choices': choices} | more, ensure_ascii=False)}\n\n".encode()

    told = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    events = [event({"role": "assistant", "content": ""}), *(event({"content": word}) for word in _words(text))]
    events += [event({}, "stop"), event(None, usage=told), b"data: [DONE]\n\n"]
    return _paced(events, seed)


def anthropic_stream(
    thinking: str, text: str, model: str = "claude-sonnet-4-5", usage: tuple[int, int] = (1830, 412), seed: int = 2
) -> Body:
    """A streamed message with reasoning before its text."""

    def event(name: str, **data: Any) -> bytes:
        return f"event: {name}\ndata: {json.dumps({'type': name} | data, ensure_ascii=False)}\n\n".encode()

    message = {"id": "msg_01Xq", "type": "message", "role": "assistant", "model": model, "content": []}
    message["usage"] = {"input_tokens": usage[0], "output_tokens": 1}
    events = [event("message_start", message=message)]
    parts = [("thinking", thinking), ("text", text)]
    for index, (kind, said) in enumerate(parts):
        events.append(event("content_block_start", index=index, content_block={"type": kind, kind: ""}))
        for word in _words(said):
            delta = {"type": f"{kind}_delta", kind: word}
            events.append(event("content_block_delta", index=index, delta=delta))
        events.append(event("content_block_stop", index=index))
    events.append(event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": usage[1]}))
    events.append(event("message_stop"))
    return _paced(events, seed)


_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_invoices",
            "description": "Invoices of a customer, the newest first.",
            "parameters": {
                "type": "object",
                "properties": {"customer": {"type": "string"}, "limit": {"type": "integer"}},
            },
        },
    }
]
_SYSTEM = (
    "You answer questions about invoices. Be brief, name amounts with their currency, and say where a figure is "
    "from."
)
_PLAN = (
    "Here is how I would move the job to a queue without losing a message:\n\n"
    "1. Put the queue beside the cron job and write to both for a day. Compare counts, not contents.\n"
    "2. Move the readers. Each takes a lease of 60 seconds and renews it at half of that, so that a reader that "
    "dies holds nobody up for longer than a minute.\n"
    "3. Turn the cron job off once a day has passed without a difference, and keep its code for a release.\n\n"
    "The one thing to watch is the size of the backlog in step 2: if it grows, the readers are too few, and the "
    "old job still covers you."
)
_THOUGHT = (
    "The user wants to move a nightly job to a queue. The risk is in the hand-over, so the plan should have a "
    "time in which both run. I should name what to measure and when to stop."
)


def _talk() -> Any:
    call = {"id": "call_V3k1", "type": "function"}
    call["function"] = {"name": "find_invoices", "arguments": '{"customer": "Harbour & Sons", "limit": 3}'}
    result = [
        {"number": "2026-1184", "date": "2026-11-18", "amount": "1,240.00 EUR", "paid": False},
        {"number": "2026-1102", "date": "2026-10-20", "amount": "980.00 EUR", "paid": True},
    ]
    return {
        "model": "gpt-4.1",
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": "Does Harbour & Sons still owe us something?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_V3k1", "content": json.dumps(result)},
        ],
        "tools": _TOOLS,
        "temperature": 0.2,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def seen(
    calls: CallLog,
    store: Store,
    recording: Recording,
    status: str,
    *,
    upstream: str = "openai",
    ago: float = 0.0,
    reason: str = "",
    key: str | None = None,
) -> None:
    """Has a log remember a call that came to this recording."""
    path = recording.request.url.split("/", 3)[-1]
    call = calls.begin(recording.request.method, upstream, f"/{path}")
    call.at = time.time() - ago
    call.status, call.reason, call.store = status, reason, store.location
    call.key = Match().key(recording.request) if key is None else key
    if status != "hit":
        call.request = recording.request
    if status == "refused":
        call.code, call.first, call.seconds = 424, 0.004, 0.004
    elif status == "failed":
        call.code, call.first, call.seconds = 502, 10.004, 10.005
    else:
        is_hit = status == "hit"
        call.code, call.size = recording.head.status, recording.size
        call.first = 0.0009 if is_hit else recording.latency
        call.seconds = 0.0016 if is_hit else recording.duration
    calls.note(call)


def fill(store: Store, calls: CallLog) -> None:
    """Puts recordings into a store and calls into a log."""
    chat = recorded(
        OPENAI,
        _talk(),
        openai_stream(
            "Yes: invoice 2026-1184 of 18 November over 1,240.00 EUR is still open. The one before it, 2026-1102 "
            "over 980.00 EUR, was paid. Both figures come from the list of invoices.",
            "gpt-4.1-2025-04-14",
            (1312, 58),
        ),
        age=240,
    )
    plan = recorded(
        ANTHROPIC,
        {
            "max_tokens": 2048,
            "stream": True,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "system": "You are a careful engineer.",
            "messages": [
                {"role": "user", "content": "How do I move our nightly job to a queue without losing a message?"}
            ],
        },
        anthropic_stream(_THOUGHT, _PLAN),
        age=200,
        latency=0.83,
        key_header="x-api-key",
    )
    titles = recorded(
        OPENAI,
        asking("Write a title of five words for: The sea in the morning"),
        openai_chat("Morning Light Over Quiet Water", usage=(23, 6)),
        age=3600,
    )
    picture = recorded(
        OPENAI,
        {
            "model": "gpt-4.1-mini",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is wrong with this chart?"},
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 900},
                        },
                    ],
                }
            ],
        },
        openai_chat(
            "Its axis does not begin at zero, so that a change of 2% looks like a doubling.", usage=(1105, 24)
        ),
        age=5400,
    )
    vectors = recorded(
        "https://api.openai.com/v1/embeddings",
        {"model": "text-embedding-3-small", "input": ["invoice 2026-1184", "invoice 2026-1102"]},
        {
            "object": "list",
            "model": "text-embedding-3-small",
            "data": [
                {"object": "embedding", "index": i, "embedding": [0.01 * n for n in range(64)]} for i in range(2)
            ],
            "usage": {"prompt_tokens": 18, "total_tokens": 18},
        },
        age=7200,
    )
    gemini = recorded(
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Translate to Portuguese: The invoice is still open."}]}
            ]
        },
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": "A fatura ainda está em aberto."}]},
                    "finishReason": "STOP",
                }
            ],
            "modelVersion": "gemini-2.5-flash",
            "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 8, "totalTokenCount": 19},
        },
        age=9000,
        key_header="x-goog-api-key",
    )
    for recording in (gemini, vectors, picture, titles, plan, chat):
        store.put(Match().key(recording.request), recording)

    asked_anew = recorded(
        OPENAI,
        asking("Write a title of six words for: The sea in the evening"),
        b"",
    )
    limited = recorded(
        ANTHROPIC,
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 64,
            "messages": [{"role": "user", "content": "Summarise the log."}],
        },
        {"type": "error", "error": {"type": "rate_limit_error", "message": "Too many requests."}},
        status=429,
    )
    for _ in range(2):
        seen(calls, store, gemini, "hit", upstream="gemini", ago=900)
    seen(calls, store, vectors, "hit", ago=640)
    seen(calls, store, titles, "hit", ago=610)
    seen(calls, store, picture, "hit", ago=580)
    seen(
        calls,
        store,
        limited,
        "live",
        upstream="anthropic",
        ago=410,
        reason="an answer with status 429 is not kept",
    )
    seen(calls, store, chat, "miss", ago=240)
    seen(calls, store, plan, "miss", upstream="anthropic", ago=200)
    seen(calls, store, titles, "hit", ago=122)
    seen(calls, store, plan, "hit", upstream="anthropic", ago=95)
    seen(
        calls, store, asked_anew, "refused", ago=60,
        reason="no_recording: nothing is stored under this key, and mode replay never calls upstream",
    )  # fmt: skip
    local = recorded("http://localhost:11434/api/chat", asking("Which of these two is shorter?", "llama3.2"), b"")
    not_there = "upstream could not be reached: connection refused"
    seen(calls, store, local, "failed", upstream="ollama", ago=41, reason=not_there)
    seen(calls, store, chat, "hit", ago=12)
    if isinstance(store, DiskStore):
        _spend(store, [chat, plan, titles, gemini])


def _spend(store: DiskStore, recordings: list[Recording]) -> None:
    """What this run has saved and spent."""
    for recording in recordings:
        for status in ("miss", "hit", "hit", "hit"):
            took = 0.001 if status == "hit" else recording.duration
            store.note(Noted(status, "k", recording.usage, recording.duration, took, recording.size))  # type: ignore[arg-type]  # a literal


def filled(directory: Path) -> tuple[DiskStore, CallLog]:
    """A disk cache and a log with all of it."""
    store, calls = DiskStore(directory), CallLog()
    fill(store, calls)
    return store, calls
