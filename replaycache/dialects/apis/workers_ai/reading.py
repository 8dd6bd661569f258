"""What Cloudflare's Workers AI says: https://developers.cloudflare.com/api/resources/ai/methods/run/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...fold import Fold, add
from ...reading import Contents, Reading
from ...values import Turn, as_dict, text_part
from . import RunProgress

__all__ = ["READING"]


class RunFold(Fold):
    """Pieces of a text."""

    def __init__(self) -> None:
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        add(self._text, "response", event.get("response"))

    @property
    def answer(self) -> dict[str, Any]:
        return {"result": self._text} if self._text else {}


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    yield Turn("assistant", tuple(text_part(as_dict(value.get("result")).get("response"))))


READING = Reading(
    envelopes=("result",),
    folds=((RunProgress, RunFold),),
    turns=_turns,
)
