"""What Cohere says, in versions 1 and 2 of its API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...counts import Counts, count, is_count, units
from ...fold import Fold, add, add_call
from ...reading import Contents, ErrorForm, Reading, UsageForm
from ...values import Turn, as_dict, as_dicts, as_json, as_list, as_text, rows, text_part, vectors
from . import ChatV1Progress, ChatV2Progress


def _usage(usage: Mapping[str, Any]) -> Counts | None:
    """https://docs.cohere.com/reference/chat: billed_units is what is paid; tokens count the template too."""
    billed, all_tokens = as_dict(usage.get("billed_units")), as_dict(usage.get("tokens"))
    told = billed or all_tokens
    if not any(is_count(value) for value in told.values()):
        return None
    return Counts(
        count(told.get("input_tokens")),
        count(told.get("output_tokens")),
        count(usage.get("cached_tokens")),
        units=units(rerank_searches=billed.get("search_units"), input_image_tokens=billed.get("image_tokens")),
    )


class ChatV2Fold(Fold):
    """https://docs.cohere.com/v2/docs/streaming."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        message = as_dict(as_dict(event.get("delta")).get("message"))
        if name == "content-delta":
            add(self._message, "content", as_dict(message.get("content")).get("text"))
            add(self._message, "thinking", as_dict(message.get("content")).get("thinking"))
        elif name == "tool-plan-delta":
            add(self._message, "tool_plan", message.get("tool_plan"))
        elif name in ("tool-call-start", "tool-call-delta"):
            add_call(self._message, event.get("index", 0), as_dict(message.get("tool_calls")))

    @property
    def answer(self) -> dict[str, Any]:
        return {"message": {"role": "assistant"} | self._message} if self._message else {}


class ChatV1Fold(Fold):
    """The response of the last line: https://docs.cohere.com/v1/docs/streaming."""

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        if event.get("event_type") == "stream-end":
            self._response = as_dict(event.get("response"))
        else:
            add(self._text, "text", event.get("text"))

    @property
    def answer(self) -> dict[str, Any]:
        return self._response or (self._text | {"generation_id": ""} if self._text else {})


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    if isinstance(value.get("text"), str) and "generation_id" in value:
        turn = contents.message({"tool_calls": value.get("tool_calls")})
        yield Turn("assistant", (*text_part(value["text"]), *turn.parts))
    for item in as_dicts(value.get("generations")):
        yield Turn("assistant", tuple(text_part(item.get("text"))))
    for kind, found in as_dict(value.get("embeddings")).items():
        if as_list(found):
            yield vectors(found, str(kind))
    yield rows(
        f"{as_json(item.get('input'))}: {as_json(item['prediction'])}".removeprefix(": ")
        for item in as_dicts(value.get("classifications"))
        if "prediction" in item
    )
    yield rows(
        f"{item.get('index')}: {item['relevance_score']:.4g}"
        for item in as_dicts(value.get("results")) or as_dicts(value.get("data"))  # `data` at Voyage
        if isinstance(item.get("relevance_score"), (int, float))
    )


def _asked(body: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    """https://docs.cohere.com/v1/reference/chat: what was said before, then the message."""
    history = as_dicts(body.get("chat_history"))
    for earlier in history:
        role = as_text(earlier.get("role")).lower().replace("chatbot", "assistant")
        turn = contents.message({"tool_calls": earlier.get("tool_calls")})
        yield Turn(role, (*text_part(earlier.get("message")), *turn.parts))
    if history:
        yield Turn("user", (*text_part(body.get("message")), *contents.parts(body.get("documents"))))


def _error_body(status: int, told: str) -> dict[str, Any]:
    """https://docs.cohere.com/reference/errors."""
    return {"message": told}


READING = Reading(
    errors=ErrorForm(("cohere",), _error_body),
    usage_forms=(UsageForm(("billed_units", "tokens"), _usage, is_nested=True),),
    usage_members=("meta",),
    envelopes=("delta",),  # of the event message-end
    folds=((ChatV2Progress, ChatV2Fold), (ChatV1Progress, ChatV1Fold)),
    turns=_turns,
    messages=(("message",),),
    instructions=("preamble",),
    asked=_asked,
    asked_texts=("query", "message", "texts", "documents"),
    reasoning=("thinking", "tool_plan"),
)
