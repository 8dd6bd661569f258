"""What OpenAI's embeddings, moderations, sound and images say, and the runs of its assistants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...counts import pair, unit
from ...fold import Fold, add, add_call
from ...reading import Contents, Reading, UsageForm
from ...values import Part, Turn, as_dict, as_dicts, as_text, media, rows, text_part, vectors
from . import ImageProgress, RunProgress, SoundProgress


class ImagesFold(Fold):
    """One last event an image: https://platform.openai.com/docs/api-reference/images-streaming."""

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []

    def take(self, name: str, event: dict[str, Any]) -> None:
        if name.endswith(".completed"):
            self._images.append({member: value for member, value in event.items() if member != "type"})

    @property
    def answer(self) -> dict[str, Any]:
        return {"data": self._images} if self._images else {}


class SoundFold(Fold):
    """The last event has all of a text: https://platform.openai.com/docs/api-reference/audio/transcript-text-done-event."""

    def __init__(self) -> None:
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        if name.endswith(".done"):
            self._text = {member: value for member, value in event.items() if member != "type"}
        elif name == "transcript.text.delta":
            add(self._text, "text", event.get("delta"))

    @property
    def answer(self) -> dict[str, Any]:
        return self._text


class RunFold(Fold):
    """Deltas of messages and of steps: https://platform.openai.com/docs/api-reference/assistants-streaming."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        delta = as_dict(event.get("delta"))
        for part in as_dicts(delta.get("content")):
            add(self._message, "content", as_dict(part.get("text")).get("value"))
        for call in as_dicts(as_dict(delta.get("step_details")).get("tool_calls")):
            add_call(self._message, call.get("index", 0), call)

    @property
    def answer(self) -> dict[str, Any]:
        return {"message": {"role": "assistant"} | self._message} if self._message else {}


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    data = as_dicts(value.get("data"))
    if data and "embedding" in data[0]:
        yield vectors([item.get("embedding") for item in data])
    images = [
        part
        for item in data
        if item.get("b64_json") or (item.get("url") and "object" not in item)
        for part in (*text_part(item.get("revised_prompt")), _image(item, value))
    ]
    yield Turn("", tuple(images))
    yield rows(map(_verdict, as_dicts(value.get("results"))))


def _image(item: dict[str, Any], answer: dict[str, Any]) -> Part:
    form = as_text(item.get("output_format")) or as_text(answer.get("output_format")) or "png"
    return media("image", item.get("b64_json") or item.get("url"), f"image/{form}")


def _verdict(result: dict[str, Any]) -> str:
    categories = result.get("categories")
    if not isinstance(categories, dict):
        return ""
    flagged = [name for name, hit in categories.items() if hit is True]
    return f"flagged: {', '.join(flagged)}" if flagged else "not flagged"


def _asked(body: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    if "role" in body and "content" in body:  # a message that is added to a thread
        yield contents.message(body)


READING = Reading(
    usage_forms=(
        UsageForm(("total_tokens",), pair("total_tokens", "")),  # Voyage, Jina: nothing is generated
        # https://platform.openai.com/docs/api-reference/audio/json-object: a transcription paid by its duration
        UsageForm(("seconds",), unit("seconds", "audio_seconds")),
    ),
    folds=((ImageProgress, ImagesFold), (SoundProgress, SoundFold), (RunProgress, RunFold)),
    turns=_turns,
    texts={"text": ""},
    asked=_asked,
    asked_texts=("input", "text"),
    part_types={"image_file": "image"},
)
