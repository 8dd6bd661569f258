"""Amazon Bedrock: converse, and models that are invoked.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from tests.dialects.example import Answer, Example, document, frame, frames

from . import anthropic, openai_chat

MODEL = "/model/{model}/{verb}"
STREAM = "invoke-with-response-stream"
CONVERSED = {"messages": [{"role": "user", "content": [{"text": "A colour?"}]}]}
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": anthropic.ASKED["messages"]}
METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 4, "outputTokenCount": 2}}


def broken(*values: Any) -> Answer:
    """Events of an invoked model."""
    wrapped = ({"bytes": b64encode(json.dumps(value).encode()).decode(), "p": "abc"} for value in values)
    return frames(*(("chunk", value) for value in wrapped))


def invoked(*values: Any) -> Answer:
    """All events of an invoked model: the last has its metrics."""
    *others, last = values
    return broken(*others, {**last, **METRICS})


def exception(answer: Answer, name: str) -> Answer:
    """The same, broken off by an exception."""
    told = frame({":message-type": "exception", ":exception-type": name}, {"message": "It failed"})
    return answer._replace(pieces=(*answer.pieces, told))


def path(model: str, verb: str = STREAM) -> str:
    """Of a call to a model."""
    return MODEL.format(model=model, verb=verb)


CONVERSE_TEXT = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Ré"}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "d"}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
)
CONVERSE_END = (
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 4, "outputTokens": 2}, "metrics": {"latencyMs": 9}}),
)
SAID = {"message": {"role": "assistant", "content": [{"text": "Réd"}]}}

EXAMPLES = [
    Example(
        "bedrock",
        "converse, streamed",
        path("amazon.nova-lite-v1%3A0", "converse-stream"),
        CONVERSED,
        frames(*CONVERSE_TEXT, *CONVERSE_END),
        -1,
        -2,
    ),
    Example(
        "bedrock",
        "converse, document",
        path("amazon.nova-lite-v1%3A0", "converse"),
        CONVERSED,
        document({"output": SAID, "stopReason": "max_tokens", "usage": {"inputTokens": 4}}),
    ),
    Example(
        "bedrock",
        "converse, streamed exception",
        path("amazon.nova-lite-v1%3A0", "converse-stream"),
        CONVERSED,
        exception(frames(*CONVERSE_TEXT), "modelStreamErrorException"),
        fails=True,
    ),
    Example(
        "bedrock",
        "converse, streamed, broken off by its stop reason",
        path("amazon.nova-lite-v1%3A0", "converse-stream"),
        CONVERSED,
        exception(frames(*CONVERSE_TEXT, CONVERSE_END[0]), "throttlingException"),
        fails=True,
    ),
    Example(
        "bedrock",
        "anthropic, streamed",
        path("anthropic.claude-sonnet-4-6-v1%3A0"),
        CLAUDE,
        invoked(anthropic.START, *anthropic.BLOCK, anthropic.delta("end_turn"), anthropic.STOP),
    ),
    Example(
        "bedrock",
        "anthropic, document",
        path("anthropic.claude-sonnet-4-6-v1%3A0", "invoke"),
        CLAUDE,
        document(anthropic.message(anthropic.TEXT)),
    ),
    Example(
        "bedrock",
        "anthropic, streamed exception",
        path("anthropic.claude-sonnet-4-6-v1%3A0"),
        CLAUDE,
        exception(broken(anthropic.START, *anthropic.BLOCK), "modelTimeoutException"),
        fails=True,
    ),
    Example(
        "bedrock",
        "gpt-oss, streamed",
        path("openai.gpt-oss-20b-1%3A0"),
        openai_chat.ASKED,
        invoked(*openai_chat.PIECES, openai_chat.chunk(openai_chat.piece("", reason="stop"))),
    ),
    Example(
        "bedrock",
        "titan, streamed",
        path("amazon.titan-text-express-v1"),
        {"inputText": "A colour?"},
        invoked(
            {"outputText": "Ré", "index": 0, "completionReason": None},
            {"outputText": "d", "index": 0, "completionReason": "FINISH"},
        ),
    ),
    Example(
        "bedrock",
        "titan, document",
        path("amazon.titan-text-express-v1", "invoke"),
        {"inputText": "A colour?"},
        document({"inputTextTokenCount": 4, "results": [{"outputText": "Réd", "completionReason": "FINISH"}]}),
    ),
    Example(
        "bedrock",
        "llama, streamed",
        path("meta.llama3-8b-instruct-v1%3A0"),
        {"prompt": "A colour?"},
        invoked(
            {"generation": "Ré", "generation_token_count": 1, "stop_reason": None},
            {"generation": "d", "generation_token_count": 2, "stop_reason": "stop"},
        ),
    ),
    Example(
        "bedrock",
        "nova, streamed",
        path("amazon.nova-lite-v1%3A0"),
        CONVERSED,
        invoked(*({name: value} for name, value in (*CONVERSE_TEXT, *CONVERSE_END))),
        -1,
        -2,
    ),
    Example(
        "bedrock",
        "mistral, streamed",
        path("mistral.mistral-7b-instruct-v0%3A2"),
        {"prompt": "A colour?"},
        invoked(
            {"outputs": [{"text": "Ré", "stop_reason": None}]},
            {"outputs": [{"text": "d", "stop_reason": "length"}]},
        ),
    ),
    Example(
        "bedrock",
        "cohere, streamed",
        path("cohere.command-text-v14"),
        {"prompt": "A colour?", "stream": True},
        invoked(
            {"is_finished": False, "index": 0, "text": "Ré"},
            {"is_finished": False, "index": 0, "text": "d"},
            {"is_finished": True, "index": 0, "finish_reason": "COMPLETE"},
        ),
    ),
    Example(
        "bedrock",
        "cohere, document",
        path("cohere.command-text-v14", "invoke"),
        {"prompt": "A colour?"},
        document(
            {"id": "g1", "prompt": "A colour?", "generations": [{"text": "Réd", "finish_reason": "COMPLETE"}]}
        ),
    ),
    Example(
        "bedrock",
        "cohere, document of a failure",
        path("cohere.command-text-v14", "invoke"),
        {"prompt": "A colour?"},
        document({"id": "g1", "generations": [{"text": "", "finish_reason": "ERROR_TOXIC"}]}),
        fails=True,
    ),
    Example(
        "bedrock",
        "cohere, streamed failure",
        path("cohere.command-text-v14"),
        {"prompt": "A colour?", "stream": True},
        invoked(
            {"is_finished": False, "index": 0, "text": "Ré"},
            {"is_finished": True, "index": 0, "finish_reason": "ERROR"},
        ),
        fails=True,
    ),
]
