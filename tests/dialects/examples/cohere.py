"""Cohere, versions 1 and 2 of its API.

https://docs.cohere.com/v1/docs/streaming, https://docs.cohere.com/v2/docs/streaming, https://docs.cohere.com/reference
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Answer, Example, document, events, lines, named_events

V1 = "/v1/chat"
V2 = "/v2/chat"
ASKED_V1 = {"model": "command-r", "message": "A colour?"}
STREAMED_V1 = {**ASKED_V1, "stream": True}
ASKED = {"model": "command-a", "messages": [{"role": "user", "content": "A colour?"}]}
STREAMED = {**ASKED, "stream": True}
RANKED = {"model": "rerank-v3.5", "query": "A colour?", "documents": ["red", "loud"]}
EMBEDDED = {"model": "embed-v4.0", "texts": ["red"], "input_type": "classification"}

STARTED = {"is_finished": False, "event_type": "stream-start", "generation_id": "g1"}
SAID = {"is_finished": False, "event_type": "text-generation", "text": "Réd"}


def ended(reason: str = "COMPLETE") -> dict[str, Any]:
    """The last event of version 1."""
    return {"is_finished": True, "event_type": "stream-end", "finish_reason": reason, "response": {"text": "Réd"}}


def streamed(*last: dict[str, Any]) -> Answer:
    """A stream of version 2 with these events behind the text."""
    return named_events(
        {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant", "content": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Réd"}}}},
        {"type": "content-end", "index": 0},
        *last,
    )


def end(reason: str, **members: Any) -> dict[str, Any]:
    """The last event of version 2."""
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": {}} | members}


def message(reason: str) -> dict[str, Any]:
    """A document of version 2."""
    said = {"role": "assistant", "content": [{"type": "text", "text": "Réd"}]}
    return {"id": "m1", "message": said, "finish_reason": reason}


EXAMPLES = [
    Example(
        "cohere", "v1, lines", V1, STREAMED_V1, lines(STARTED, SAID, ended(), media_type="application/stream+json")
    ),
    Example("cohere", "v1, events", V1, STREAMED_V1, events(STARTED, SAID, ended())),
    Example(
        "cohere", "v1, events with names", V1, STREAMED_V1, named_events(STARTED, SAID, ended(), name="event_type")
    ),
    Example(
        "cohere",
        "v1, document",
        V1,
        ASKED_V1,
        document({"text": "Réd", "generation_id": "g1", "finish_reason": "MAX_TOKENS"}),
    ),
    Example("cohere", "v1, lines of a failure", V1, STREAMED_V1, lines(STARTED, SAID, ended("ERROR")), fails=True),
    Example(
        "cohere",
        "v1, events of a failure",
        V1,
        STREAMED_V1,
        events(STARTED, SAID, ended("ERROR_TOXIC")),
        fails=True,
    ),
    Example(
        "cohere",
        "v1, document of a failure",
        V1,
        ASKED_V1,
        document({"text": "", "generation_id": "g1", "finish_reason": "ERROR_LIMIT"}),
        fails=True,
    ),
    Example(
        "cohere",
        "v1, generation",
        "/v1/generate",
        {"prompt": "A colour?"},
        document({"id": "g1", "generations": [{"id": "g2", "text": "Réd", "finish_reason": "COMPLETE"}]}),
    ),
    Example(
        "cohere",
        "v1, generation, a failure",
        "/v1/generate",
        {"prompt": "A colour?"},
        document({"id": "g1", "generations": [{"id": "g2", "text": "", "finish_reason": "ERROR"}]}),
        fails=True,
    ),
    Example(
        "cohere",
        "v1, generation, lines",
        "/v1/generate",
        {"prompt": "A colour?", "stream": True},
        lines(
            {"text": "Réd", "is_finished": False},
            {"is_finished": True, "finish_reason": "COMPLETE", "response": {"id": "g1", "generations": []}},
        ),
    ),
    Example("cohere", "v2, streamed", V2, STREAMED, streamed(end("COMPLETE"))),
    Example("cohere", "v2, streamed, out of tokens", V2, STREAMED, streamed(end("MAX_TOKENS"))),
    Example("cohere", "v2, document", V2, ASKED, document(message("COMPLETE"))),
    Example("cohere", "v2, streamed failure", V2, STREAMED, streamed(end("ERROR")), fails=True),
    Example("cohere", "v2, streamed, too late", V2, STREAMED, streamed(end("TIMEOUT")), fails=True),
    Example(
        "cohere", "v2, streamed error", V2, STREAMED, streamed(end("COMPLETE", error="It failed")), fails=True
    ),
    Example("cohere", "v2, document of a failure", V2, ASKED, document(message("ERROR")), fails=True),
    Example(
        "cohere", "embeddings", "/v2/embed", EMBEDDED, document({"id": "e1", "embeddings": {"float": [[0.5]]}})
    ),
    Example(
        "cohere",
        "ranking",
        "/v2/rerank",
        RANKED,
        document({"id": "r1", "results": [{"index": 0, "relevance_score": 0.9}]}),
    ),
]
