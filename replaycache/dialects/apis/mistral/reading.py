"""What Mistral says where it differs from OpenAI: thoughts as parts, and pages that were read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...counts import unit
from ...reading import Contents, Reading, UsageForm
from ...values import Part, Turn, as_dicts, text_part


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    for page in as_dicts(value.get("pages")):
        yield Turn("", tuple(text_part(page.get("markdown"))))


def _part(kind: str, value: dict[str, Any], contents: Contents) -> list[Part] | None:
    """https://docs.mistral.ai/capabilities/reasoning: a list of texts."""
    if kind == "thinking" and isinstance(value.get("thinking"), list):
        return text_part("".join(part.text for part in contents.parts(value["thinking"])), "reasoning")
    return None


READING = Reading(
    # https://docs.mistral.ai/api/endpoint/ocr
    usage_forms=(UsageForm(("pages_processed",), unit("pages_processed", "input_document_pages")),),
    usage_members=("usage_info",),
    turns=_turns,
    asked_texts=("inputs", "document"),
    part_types={"document_url": "file"},
    part=_part,
)
