"""What Hugging Face's text-generation-inference says where it speaks for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...counts import Counts, count
from ...fold import Fold, add
from ...reading import Reading, UsageForm
from ...values import as_dict, as_list
from . import GenerationProgress


def _usage(usage: Mapping[str, Any]) -> Counts:
    """https://huggingface.github.io/text-generation-inference: details; the prompt's length is optional."""
    given = usage.get("input_length", len(as_list(usage.get("prefill"))))
    return Counts(count(given), count(usage.get("generated_tokens")))


class GenerationFold(Fold):
    """Tokens, without those that mark the text's start and end."""

    def __init__(self) -> None:
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        token = as_dict(event.get("token"))
        if token.get("special") is not True:
            add(self._text, "generated_text", token.get("text"))

    @property
    def answer(self) -> dict[str, Any]:
        return self._text


READING = Reading(
    usage_forms=(UsageForm(("generated_tokens",), _usage),),
    usage_members=("details",),
    folds=((GenerationProgress, GenerationFold),),
    texts={"generated_text": "assistant"},
    asked_texts=("inputs",),
)
