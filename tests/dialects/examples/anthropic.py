"""Anthropic's messages, by its own API and by Vertex, and its older completions.

https://docs.claude.com/en/docs/build-with-claude/streaming, https://docs.claude.com/en/api/complete
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Example, document, named_events

MESSAGES = "/v1/messages"
COMPLETE = "/v1/complete"
VERTEX = "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-6:{verb}"
ASKED = {"model": "claude-sonnet-4-6", "max_tokens": 9, "messages": [{"role": "user", "content": "A colour?"}]}
STREAMED = {**ASKED, "stream": True}
PROMPTED = {"model": "claude-2.1", "max_tokens_to_sample": 9, "prompt": "\n\nHuman: A colour?\n\nAssistant:"}
HOSTED = {
    "anthropic_version": "vertex-2023-10-16",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "A colour?"}],
}


def message(*content: Any, reason: str | None = "end_turn") -> dict[str, Any]:
    """A message as it stands."""
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": [*content], "stop_reason": reason}


def delta(reason: str) -> dict[str, Any]:
    """The event that says why the model stopped."""
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 2},
    }


TEXT = {"type": "text", "text": "Réd"}
START = {"type": "message_start", "message": message(reason=None)}
BLOCK = (
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Ré"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "d"}},
    {"type": "content_block_stop", "index": 0},
)
CALL = (
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "name": "paint", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 1},
)
PING = {"type": "ping"}
STOP = {"type": "message_stop"}
FAILURE = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def completion(text: str, reason: str | None = None) -> dict[str, Any]:
    """A piece of a completion, or all of it."""
    return {"type": "completion", "id": "compl_1", "completion": text, "stop_reason": reason}


EXAMPLES = [
    Example(
        "anthropic", "streamed", MESSAGES, STREAMED, named_events(START, PING, *BLOCK, delta("end_turn"), STOP)
    ),
    Example(
        "anthropic",
        "streamed tool call",
        MESSAGES,
        STREAMED,
        named_events(START, *BLOCK, *CALL, delta("tool_use"), STOP),
    ),
    Example("anthropic", "document", MESSAGES, ASKED, document(message(TEXT))),
    Example("anthropic", "streamed failure", MESSAGES, STREAMED, named_events(START, *BLOCK, FAILURE), fails=True),
    Example(
        "anthropic",
        "streamed failure, message_stop behind it",
        MESSAGES,
        STREAMED,
        named_events(START, *BLOCK[:2], FAILURE, STOP),
        fails=True,
    ),
    Example("anthropic", "document of a failure", MESSAGES, ASKED, document(FAILURE), fails=True),
    Example(
        "anthropic",
        "completion, streamed",
        COMPLETE,
        {**PROMPTED, "stream": True},
        named_events(completion(" Ré"), PING, completion("d"), completion("", "stop_sequence")),
    ),
    Example("anthropic", "completion, document", COMPLETE, PROMPTED, document(completion(" Réd", "max_tokens"))),
    Example(
        "anthropic",
        "completion, streamed failure",
        COMPLETE,
        {**PROMPTED, "stream": True},
        named_events(completion(" Ré"), FAILURE),
        fails=True,
    ),
    Example(
        "vertex",
        "anthropic, streamed",
        VERTEX.format(verb="streamRawPredict"),
        {**HOSTED, "stream": True},
        named_events(START, *BLOCK, delta("max_tokens"), STOP),
    ),
    Example("vertex", "anthropic, document", VERTEX.format(verb="rawPredict"), HOSTED, document(message(TEXT))),
    Example(
        "vertex",
        "anthropic, streamed failure",
        VERTEX.format(verb="streamRawPredict"),
        {**HOSTED, "stream": True},
        named_events(START, FAILURE),
        fails=True,
    ),
]
