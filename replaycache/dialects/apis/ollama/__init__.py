"""Ollama's own API; it speaks OpenAI's too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import BaseUrl, Dialect, Endpoint, no_op_rows
from ...progress import Progress

_API = "https://github.com/ollama/ollama/blob/main/docs/api.md"


class LinesProgress(Progress):
    """Objects, one a line, of which the last has `done` set to true."""

    name = "ollama"
    fillers = ("content", "created_at", "response", "thinking")
    needs_terminal = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return "done" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        self.an_object(value.get("message"))
        done = value.get("done")
        self.broken = self.broken or not isinstance(done, bool)
        if done is True:
            self.finish("", value.get("done_reason"))
            self.terminal = True

    def document(self, value: dict[str, Any]) -> None:
        self.take("", value)


DIALECT = Dialect(
    name="ollama",
    base_url=BaseUrl("ollama", "http://localhost:11434", "https://docs.ollama.com/api/introduction"),
    hosts=("localhost:11434", "127.0.0.1:11434"),
    endpoints=(
        Endpoint(("/api/chat",), _API, ("messages",), empty="action", needs=("model",), forms=(LinesProgress,)),
        Endpoint(
            ("/api/generate",),
            _API,
            ("prompt", "images"),
            empty="action",
            needs=("model",),
            forms=(LinesProgress,),
        ),
        Endpoint(("/api/embed", "/api/embeddings"), _API, ("input", "prompt")),
    ),
    # it streams unless told not to; options and keep_alive come from the model file
    no_ops=(
        *no_op_rows(r"/api/(chat|generate)", f"{_API}: *", {"stream": True}),
        *no_op_rows(r"/api/embed", f"{_API}: *", {"truncate": True}),
    ),
    pieces=("content", "response", "thinking", "tool_calls"),  # _API
    encoded=("images",),  # _API: in base64
    texts=("content", "description", "prompt", "suffix", "system", "template", "thinking"),
    text_objects=("arguments",),
)

CLOUD = Dialect(
    name="ollama cloud",
    provider="ollama",
    base_url=BaseUrl("ollama-cloud", "https://ollama.com", "https://docs.ollama.com/cloud"),
    hosts=("ollama.com",),
)
