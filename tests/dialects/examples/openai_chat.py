"""OpenAI's chat completions and completions.

https://platform.openai.com/docs/api-reference/chat-streaming, https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Example, document, events

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
ASKED = {"model": "gpt-5", "messages": [{"role": "user", "content": "A colour?"}]}
STREAMED = {**ASKED, "stream": True}
PROMPTED = {"model": "gpt-3.5-turbo-instruct", "prompt": "A colour?"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
DONE = "[DONE]"


def chunk(*choices: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A chunk of a streamed answer."""
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "choices": [*choices]} | members


def piece(text: str | None = None, *, index: int = 0, reason: str | None = None, **members: Any) -> dict[str, Any]:
    """A choice of a chunk."""
    delta = {} if text is None else {"content": text}
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason} | members


def completion(*choices: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A whole answer."""
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [*choices], "usage": USAGE} | members


def choice(text: str | None = "Réd", reason: str = "stop", index: int = 0, **message: Any) -> dict[str, Any]:
    """A choice of a whole answer."""
    return {
        "index": index,
        "message": {"role": "assistant", "content": text} | message,
        "finish_reason": reason,
    }


def text(value: str, reason: str | None = None, index: int = 0) -> dict[str, Any]:
    """A completion, or a chunk of one."""
    told = [{"text": value, "index": index, "logprobs": None, "finish_reason": reason}]
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "choices": told}


START = chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None})
PIECES = (START, chunk(piece("Ré")), chunk(piece("d")))
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "paint", "arguments": ""}}
ARGUMENTS = {"index": 0, "function": {"arguments": '{"colour": "red"}'}}

EXAMPLES = [
    Example("openai chat", "streamed", CHAT, STREAMED, events(*PIECES, chunk(piece(reason="stop")), DONE), -1, -2),
    Example(
        "openai chat",
        "streamed without [DONE]",
        CHAT,
        STREAMED,
        events(*PIECES, chunk(piece(reason="stop"))),
        None,
    ),
    Example(
        "openai chat",
        "streamed, cut by its own filter",
        CHAT,
        STREAMED,
        events(*PIECES, chunk(piece(reason="content_filter"), error=None), DONE),
        -1,
        -2,
    ),
    Example(
        "openai chat",
        "streamed, two choices",
        CHAT,
        {**STREAMED, "n": 2},
        events(
            chunk(piece("Red")),
            chunk(piece(reason="stop")),
            chunk(piece("Blue", index=1)),
            chunk(piece(index=1, reason="length")),
            DONE,
        ),
        -1,
        -2,
    ),
    Example(
        "openai chat",
        "streamed tool calls",
        CHAT,
        STREAMED,
        events(
            START,
            chunk({"index": 0, "delta": {"tool_calls": [CALL]}, "finish_reason": None}),
            chunk({"index": 0, "delta": {"tool_calls": [ARGUMENTS]}, "finish_reason": None}),
            chunk(piece(reason="tool_calls")),
            DONE,
        ),
        -1,
        -2,
    ),
    Example(
        "openai chat",
        "streamed with its usage",
        CHAT,
        {**STREAMED, "stream_options": {"include_usage": True}},
        events(*PIECES, chunk(piece(reason="stop"), usage=None), chunk(usage=USAGE), DONE),
        -1,
        -2,
    ),
    Example("openai chat", "document", CHAT, ASKED, document(completion(choice()))),
    Example(
        "openai chat",
        "document, two choices",
        CHAT,
        {**ASKED, "n": 2},
        document(completion(choice(), choice("Blue", "length", 1))),
    ),
    Example(
        "openai chat",
        "document, tool calls",
        CHAT,
        ASKED,
        document(completion(choice(None, "tool_calls", tool_calls=[CALL]))),
    ),
    Example(
        "openai chat",
        "streamed failure",
        CHAT,
        STREAMED,
        events(*PIECES, {"error": {"message": "The server had an error", "type": "server_error"}}, DONE),
        fails=True,
    ),
    Example(
        "openai chat",
        "document of a failure",
        CHAT,
        ASKED,
        document({"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}}),
        fails=True,
    ),
    Example(
        "openai completions",
        "streamed",
        COMPLETIONS,
        {**PROMPTED, "stream": True},
        events(text("Ré"), text("d"), text("", "stop"), DONE),
        -1,
        -2,
    ),
    Example(
        "openai completions",
        "streamed, two prompts",
        COMPLETIONS,
        {**PROMPTED, "prompt": ["A colour?", "Another?"], "stream": True},
        events(text("Red"), text("", "stop"), text("Blue", index=1), text("", "stop", index=1), DONE),
        -1,
        -2,
    ),
    Example(
        "openai completions",
        "streamed, a prompt of tokens",
        COMPLETIONS,
        {**PROMPTED, "prompt": [32, 7933, 30], "stream": True},
        events(text("Red"), text("", "stop")),
        None,
    ),
    Example("openai completions", "document", COMPLETIONS, PROMPTED, document(text("Réd", "length"))),
    Example(
        "openai completions",
        "streamed failure",
        COMPLETIONS,
        {**PROMPTED, "stream": True},
        events(text("Ré"), {"error": {"message": "The server had an error"}}),
        fails=True,
    ),
]
