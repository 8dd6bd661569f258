"""The server of llama.cpp, where it speaks for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import Dialect, Endpoint
from ...progress import Progress
from ..openai_chat import prompts_in

_README = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"


class CompletionProgress(Progress):
    """Pieces of a text, of which the last has `stop` set to true, also where it does not stream.

    Several prompts have a last one each: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md.
    """

    name = "llama.cpp completion"
    fillers = ("content",)
    needs_terminal = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return "stop" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        stop = value.get("stop")
        self.broken = self.broken or not isinstance(stop, bool)
        if stop is True:
            self.finish(value.get("index", 0), value.get("stop_type") or "stop")
            self.terminal = len(self.reasons) >= prompts_in(self.asked())

    def document(self, value: dict[str, Any]) -> None:
        self.take("", value)


DIALECT = Dialect(
    name="llama.cpp",
    endpoints=(
        Endpoint(("^/completion", "^/infill"), _README, forms=(CompletionProgress,)),
        Endpoint(("^/embedding",), _README),
        Endpoint(("/rerank", "/reranking"), _README, ("query",)),
    ),
    pieces=("content", "tokens"),
    noise=("timings",),
    texts=("content", "input_extra", "input_prefix", "input_suffix", "prompt"),
)
