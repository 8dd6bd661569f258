"""What Ollama says by its own API: https://github.com/ollama/ollama/blob/main/docs/api.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...counts import pair
from ...fold import Fold, add
from ...reading import Contents, ErrorForm, Reading, UsageForm
from ...values import Part, Turn, as_dict, as_dicts, as_list, as_text, media, text_part, vectors
from . import LinesProgress


class LinesFold(Fold):
    """Pieces of a message, or of a text."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        message = as_dict(event.get("message"))
        for target, source, names in (
            (self._message, message, ("content", "thinking")),
            (self._text, event, ("response", "thinking")),
        ):
            for each in names:
                add(target, each, source.get(each))
        for call in as_dicts(message.get("tool_calls")):
            self._message.setdefault("tool_calls", []).append(call)

    @property
    def answer(self) -> dict[str, Any]:
        return {"message": {"role": "assistant"} | self._message} if self._message else self._text


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    if isinstance(value.get("embeddings"), list) and as_list(value["embeddings"][:1] and value["embeddings"][0]):
        yield vectors(value["embeddings"])
    if as_list(value.get("embedding")):
        yield vectors([value["embedding"]])


def _asked(body: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    if as_text(body.get("prompt")) and as_list(body.get("images")):
        yield Turn("user", (*text_part(body["prompt"]), *_beside(body)))


def _beside(message: dict[str, Any]) -> list[Part]:
    return [media("image", image) for image in as_list(message.get("images"))]


def _error_body(status: int, told: str) -> dict[str, Any]:
    """https://docs.ollama.com/api/errors."""
    return {"error": told}


READING = Reading(
    errors=ErrorForm(("ollama", "ollama cloud"), _error_body),
    # prompt_eval_count may be absent
    usage_forms=(UsageForm(("prompt_eval_count", "eval_count"), pair("prompt_eval_count", "eval_count")),),
    usage_in_answer=("prompt_eval_count", "eval_count"),
    folds=((LinesProgress, LinesFold),),
    turns=_turns,
    messages=(("message",),),
    texts={"response": "assistant"},
    asked=_asked,
    reasoning=("thinking",),
    beside=_beside,
)
