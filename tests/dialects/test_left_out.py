"""Refusals, and answers that were cut off: `keep` can leave them out, whatever the API and whether it streams."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from replaycache import AnswerEnd, ResponseHead
from replaycache.httpx2 import ReplayTransport
from tests.dialects.aws_frames import as_bytes, frames

MESSAGES = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
CONTENTS = {"contents": [{"parts": [{"text": "q"}]}]}
JSON, EVENTS, LINES, AWS = (
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
)


def events(*objects: Any, end: str = "") -> bytes:
    lines = []
    for one in objects:
        name = f"event: {one['type']}\n" if "type" in one else ""
        lines.append(f"{name}data: {json.dumps(one)}\n\n")
    return "".join([*lines, end]).encode()


def chat(reason: str, **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "a", **message}
    return {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def chat_events(reason: str, **delta: Any) -> bytes:
    deltas = [{"role": "assistant", "content": "", "refusal": ""}, *([delta or {"content": "a"}] * 3)]
    chunks = [{"choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in deltas]
    return events(
        *chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}, end="data: [DONE]\n\n"
    )


def message(reason: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [], "stop_reason": reason}


def message_events(reason: str) -> list[dict[str, Any]]:
    return [
        {"type": "message_start", "message": {"role": "assistant", "content": [], "stop_reason": None}},
        {"type": "message_delta", "delta": {"stop_reason": reason}},
        {"type": "message_stop"},
    ]


def response(reason: str, *parts: Any) -> dict[str, Any]:
    told = (
        {"status": "incomplete", "incomplete_details": {"reason": reason}} if reason else {"status": "completed"}
    )
    return {"object": "response", **told, "output": [{"type": "message", "content": list(parts)}]}


REFUSAL = {"type": "refusal", "refusal": "No."}
RESPONSES = "/v1/responses", {"model": "m", "input": "q"}
CHAT = "/v1/chat/completions", MESSAGES
CLAUDE = "/v1/messages", {**MESSAGES, "max_tokens": 9}
GEMINI = "/v1beta/models/m:generateContent", CONTENTS
GEMINI_STREAM = "/v1beta/models/m:streamGenerateContent", CONTENTS
COHERE = "/v2/chat", MESSAGES
CONVERSE = "/model/m/converse", {"messages": [{"role": "user", "content": [{"text": "q"}]}]}
INVOKE = "/model/m/invoke", {"prompt": "q"}
CONVERSE_STREAM = "/model/m/converse-stream", CONVERSE[1]
OLLAMA = "/api/chat", MESSAGES
TGI = "/generate", {"inputs": "q"}
LLAMA_CPP = "/completion", {"prompt": "q"}


def gemini(reason: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": reason, "index": 0}]}


ANSWERS: dict[str, tuple[tuple[str, Any], str, Any, str]] = {
    "chat cut": (CHAT, "length", chat("length"), JSON),
    "chat cut, stream": (CHAT, "length", chat_events("length"), EVENTS),
    "chat filtered": (CHAT, "content_filter", chat("content_filter"), JSON),
    "chat filtered, stream": (CHAT, "content_filter", chat_events("content_filter"), EVENTS),
    "chat refused": (CHAT, "refusal", chat("stop", content=None, refusal="No."), JSON),
    "chat refused, stream": (CHAT, "refusal", chat_events("stop", refusal="No."), EVENTS),
    "completions cut": (
        ("/v1/completions", {"model": "m", "prompt": "q"}),
        "length",
        {"choices": [{"index": 0, "text": "a", "finish_reason": "length"}]},
        JSON,
    ),
    "responses cut": (RESPONSES, "max_output_tokens", response("max_output_tokens"), JSON),
    "responses cut, stream": (
        RESPONSES,
        "max_output_tokens",
        events({"type": "response.incomplete", "response": response("max_output_tokens")}),
        EVENTS,
    ),
    "responses filtered": (RESPONSES, "content_filter", response("content_filter"), JSON),
    "responses refused": (RESPONSES, "refusal", response("", REFUSAL), JSON),
    "responses refused, stream": (
        RESPONSES,
        "refusal",
        events({"type": "response.completed", "response": response("", REFUSAL)}),
        EVENTS,
    ),
    "messages cut": (CLAUDE, "max_tokens", message("max_tokens"), JSON),
    "messages cut, stream": (CLAUDE, "max_tokens", events(*message_events("max_tokens")), EVENTS),
    "messages refused": (CLAUDE, "refusal", message("refusal"), JSON),
    "messages refused, stream": (CLAUDE, "refusal", events(*message_events("refusal")), EVENTS),
    "gemini cut": (GEMINI, "MAX_TOKENS", gemini("MAX_TOKENS"), JSON),
    "gemini cut, stream": (GEMINI_STREAM, "MAX_TOKENS", [gemini("MAX_TOKENS")], JSON),
    "gemini refused": (GEMINI, "SAFETY", gemini("SAFETY"), JSON),
    "gemini refused, stream": (GEMINI_STREAM, "SAFETY", events(gemini("SAFETY")), EVENTS),
    "gemini blocked": (
        GEMINI,
        "PROHIBITED_CONTENT",
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
        JSON,
    ),
    "cohere cut": (COHERE, "MAX_TOKENS", {"message": {"content": []}, "finish_reason": "MAX_TOKENS"}, JSON),
    "cohere cut, stream": (
        COHERE,
        "MAX_TOKENS",
        events({"type": "message-start"}, {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}}),
        EVENTS,
    ),
    "cohere v1 cut": (
        ("/v1/chat", {"message": "q"}),
        "MAX_TOKENS",
        {"generation_id": "g", "text": "a", "finish_reason": "MAX_TOKENS"},
        JSON,
    ),
    "converse cut": (CONVERSE, "max_tokens", {"output": {}, "stopReason": "max_tokens"}, JSON),
    "converse refused": (
        CONVERSE,
        "guardrail_intervened",
        {"output": {}, "stopReason": "guardrail_intervened"},
        JSON,
    ),
    "converse refused, stream": (
        CONVERSE_STREAM,
        "content_filtered",
        frames(
            ("messageStart", {"role": "assistant"}),
            ("messageStop", {"stopReason": "content_filtered"}),
            ("metadata", {"usage": {}}),
        ),
        AWS,
    ),
    "invoke cut, llama": (INVOKE, "length", {"generation": "a", "stop_reason": "length"}, JSON),
    "invoke cut, mistral": (INVOKE, "length", {"outputs": [{"text": "a", "stop_reason": "length"}]}, JSON),
    "invoke cut, nova": (INVOKE, "max_tokens", {"output": {}, "stopReason": "max_tokens"}, JSON),
    "invoke cut, claude": (INVOKE, "max_tokens", message("max_tokens"), JSON),
    "invoke refused, titan": (
        INVOKE,
        "CONTENT_FILTERED",
        {"results": [{"outputText": "", "completionReason": "CONTENT_FILTERED"}]},
        JSON,
    ),
    "invoke refused, stream": (
        ("/model/m/invoke-with-response-stream", INVOKE[1]),
        "refusal",
        frames(
            *map(as_bytes, message_events("refusal")),
            as_bytes({"amazon-bedrock-invocationMetrics": {}}),
        ),
        AWS,
    ),
    "ollama cut": (OLLAMA, "length", {"message": {}, "done": True, "done_reason": "length"}, JSON),
    "ollama cut, stream": (
        OLLAMA,
        "length",
        b'{"message":{},"done":false}\n{"message":{},"done":true,"done_reason":"length"}\n',
        LINES,
    ),
    "text-generation-inference cut": (
        TGI,
        "length",
        {"generated_text": "a", "details": {"finish_reason": "length"}},
        JSON,
    ),
    "llama.cpp cut": (LLAMA_CPP, "limit", {"content": "a", "stop": True, "stop_type": "limit"}, JSON),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_keep_leaves_it_out(name: str) -> None:
    (path, asked), reason, answer, media_type = ANSWERS[name]
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    sent = []

    def upstream(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, content=content, headers={"content-type": media_type})

    def keep(head: ResponseHead, end: AnswerEnd) -> bool:
        return head.status == 200 and not end.failed and reason not in end.finish_reasons

    for options, calls in (({}, 1), ({"keep": keep}, 2)):  # nothing but `keep` leaves it out
        sent.clear()
        transport = ReplayTransport(httpx2.MockTransport(upstream), store=":memory:", **options)  # type: ignore[arg-type]
        with httpx2.Client(transport=transport) as client:
            for _ in range(2):
                found = client.post(f"https://h.test{path}", json=asked)
        assert (len(sent), found.content) == (calls, content)
