"""Hugging Face's text-generation-inference, where it speaks for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import Dialect, Endpoint
from ...progress import Progress, as_dict


class GenerationProgress(Progress):
    """Tokens, of which the last comes with the whole text."""

    name = "text-generation-inference"
    needs_terminal = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return "token" in value or "generated_text" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        if isinstance(value.get("generated_text"), str):
            self.finish("", as_dict(value.get("details")).get("finish_reason"))
            self.terminal = True

    def document(self, value: dict[str, Any]) -> None:
        self.take("", value)


DIALECT = Dialect(
    name="text-generation-inference",
    endpoints=(
        # only at the root: behind another path the same words name other things (a gateway's /key/generate)
        Endpoint(
            ("^/generate", "^/generate_stream"),
            "https://huggingface.github.io/text-generation-inference/",
            ("inputs",),
            forms=(GenerationProgress,),
        ),
    ),
    pieces=("text",),
    texts=("inputs",),
)
