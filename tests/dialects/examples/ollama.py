"""Ollama's own API: https://github.com/ollama/ollama/blob/main/docs/api.md."""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Example, document, lines

CHAT = "/api/chat"
GENERATE = "/api/generate"
ASKED = {"model": "llama3.2", "messages": [{"role": "user", "content": "A colour?"}]}
PROMPTED = {"model": "llama3.2", "prompt": "A colour?"}


def said(text: str, **members: Any) -> dict[str, Any]:
    """A line of a chat."""
    message = {"role": "assistant", "content": text}
    return {"model": "llama3.2", "created_at": "2025-01-01T00:00:00Z", "message": message, "done": False} | members


def written(text: str, **members: Any) -> dict[str, Any]:
    """A line of a text."""
    return {"model": "llama3.2", "created_at": "2025-01-01T00:00:00Z", "response": text, "done": False} | members


STOPPED = {"done": True, "done_reason": "stop", "eval_count": 2}
FAILURE = {"error": "model runner has unexpectedly stopped"}

EXAMPLES = [
    Example("ollama", "chat, lines", CHAT, ASKED, lines(said("Ré"), said("d"), said("", **STOPPED))),
    # servers older than done_reason
    Example("ollama", "chat, lines without a reason", CHAT, ASKED, lines(said("Réd"), said("", done=True))),
    Example("ollama", "chat, document", CHAT, {**ASKED, "stream": False}, document(said("Réd", **STOPPED))),
    Example("ollama", "chat, lines of a failure", CHAT, ASKED, lines(said("Ré"), FAILURE), fails=True),
    Example(
        "ollama", "chat, document of a failure", CHAT, {**ASKED, "stream": False}, document(FAILURE), fails=True
    ),
    Example(
        "ollama", "text, lines", GENERATE, PROMPTED, lines(written("Ré"), written("d"), written("", **STOPPED))
    ),
    Example(
        "ollama", "text, document", GENERATE, {**PROMPTED, "stream": False}, document(written("Réd", **STOPPED))
    ),
    Example("ollama", "text, lines of a failure", GENERATE, PROMPTED, lines(written("Ré"), FAILURE), fails=True),
    Example(
        "ollama",
        "embeddings",
        "/api/embed",
        {"model": "all-minilm", "input": "red"},
        document({"model": "all-minilm", "embeddings": [[0.5, -0.25]]}),
    ),
]
