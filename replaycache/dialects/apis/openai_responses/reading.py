"""What OpenAI's responses say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...counts import Counts, count, units
from ...fold import Fold, add, place
from ...reading import Contents, Reading, UsageForm
from ...values import Part, Turn, as_dict, as_dicts, as_json, as_list, as_text, media, text_part
from . import ResponsesProgress


def _usage(usage: Mapping[str, Any]) -> Counts | None:
    """Responses, images and transcriptions.

    https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage: cached tokens are part
    of the input.
    """
    into = as_dict(usage.get("input_tokens_details")) or as_dict(usage.get("input_token_details"))
    out = as_dict(usage.get("output_tokens_details")) or as_dict(usage.get("output_token_details"))
    if not into and "reasoning_tokens" not in out:
        return None  # Anthropic's has the same two names
    cached_parts = as_dict(into.get("cached_tokens_details"))
    return Counts(
        count(usage.get("input_tokens")),
        count(usage.get("output_tokens")),
        count(into.get("cached_tokens")),
        count(into.get("cache_write_tokens")),
        count(out.get("reasoning_tokens")),
        units(
            input_audio_tokens=into.get("audio_tokens"),
            input_image_tokens=into.get("image_tokens"),
            cache_audio_read_tokens=cached_parts.get("audio_tokens"),
            cache_image_read_tokens=cached_parts.get("image_tokens"),
            output_audio_tokens=out.get("audio_tokens"),
            output_image_tokens=out.get("image_tokens"),
        ),
    )


_DELTAS = {
    "response.function_call_arguments.delta": ("function_call", "arguments"),
    "response.mcp_call_arguments.delta": ("mcp_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input"),
    "response.code_interpreter_call_code.delta": ("code_interpreter_call", "code"),
}
"""Events that bring a piece of an item: the item's type, and the member that grows."""
_TEXTS = {
    "response.output_text.delta": ("message", "content", "output_text", "text"),
    "response.refusal.delta": ("message", "content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("reasoning", "content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary", "summary_text", "text"),
}
"""Events that bring a piece of a text: the item's type, the list in it, the part's type, the member that grows."""


class ResponsesFold(Fold):
    """The response of the last event; without one, its items as far as they came.

    https://platform.openai.com/docs/api-reference/responses-streaming
    """

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        at = place(event.get("output_index"))
        if name in ("response.completed", "response.incomplete", "response.failed"):
            self._response = as_dict(event.get("response"))
        elif name in ("response.output_item.added", "response.output_item.done"):
            self._items[at] = dict(as_dict(event.get("item")))
        elif name in _DELTAS:
            kind, member = _DELTAS[name]
            add(self._items.setdefault(at, {"type": kind}), member, event.get("delta"))
        elif name in _TEXTS:
            kind, member, part, text = _TEXTS[name]
            item = self._items.setdefault(at, {"type": kind})
            if not as_dicts(item.get(member)) or as_dicts(item[member])[-1].get("type") != part:
                item[member] = [*as_list(item.get(member)), {"type": part}]
            add(as_dicts(item[member])[-1], text, event.get("delta"))

    @property
    def answer(self) -> dict[str, Any]:
        items = [item for _, item in sorted(self._items.items())]
        return self._response or ({"output": items} if items else {})


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    return _items(as_list(value.get("output")), "assistant", contents)


def _asked(body: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    if as_dicts(body.get("input")):
        yield from _items(body["input"], "user", contents)


def _items(values: list[Any], role: str, contents: Contents) -> Iterator[Turn]:
    """Messages, calls, results, reasoning: the members `input` and `output`.

    Args:
        role: of an item that has none.
    """
    for value in values:
        item = as_dict(value)
        kind = as_text(item.get("type"))
        if isinstance(value, str):
            yield Turn(role, tuple(text_part(value)))
        elif kind.endswith("_call_output"):
            output = item.get("output")
            text = output if isinstance(output, str) else "\n".join(part.text for part in contents.parts(output))
            yield Turn("tool", (Part("tool result", text or as_json(output), id=as_text(item.get("call_id"))),))
        elif kind.endswith("_call"):
            yield Turn("assistant", tuple(_call(kind, item)))
        elif kind == "reasoning":
            yield Turn("assistant", (*contents.parts(item.get("summary")), *contents.parts(item.get("content"))))
        elif "content" in item or "role" in item:
            yield contents.message(item, role)
        elif kind:
            yield Turn(role, tuple(contents.parts(item)))  # moderations and embeddings take bare parts
        elif item:
            yield Turn(role, (Part("data", as_json(item)),))


def _call(kind: str, item: dict[str, Any]) -> Iterator[Part]:
    name = as_text(item.get("name")) or kind.removesuffix("_call")
    about = next(
        (item[key] for key in ("arguments", "input", "action", "queries", "code") if item.get(key) is not None),
        None,
    )
    yield Part("tool call", as_json(about), name, as_text(item.get("call_id")) or as_text(item.get("id")))
    # https://platform.openai.com/docs/guides/tools-code-interpreter: logs, and images by their address
    for output in as_dicts(item.get("outputs")):
        yield Part("tool result", as_text(output.get("logs")) or as_text(output.get("url")))
    if kind == "image_generation_call" and as_text(item.get("result")):
        yield media("image", item["result"], f"image/{as_text(item.get('output_format')) or 'png'}")


def _tool_names(tool: dict[str, Any]) -> list[Any]:
    return [tool["server_label"]] if as_text(tool.get("server_label")) else []


READING = Reading(
    usage_forms=(UsageForm(("input_tokens", "output_tokens"), _usage),),
    envelopes=("response",),  # of the last event
    folds=((ResponsesProgress, ResponsesFold),),
    turns=_turns,
    instructions=("instructions",),
    asked=_asked,
    tool_names=_tool_names,
    part_types={
        "input_text": "text",
        "output_text": "text",
        "summary_text": "reasoning",
        "reasoning_text": "reasoning",
        "input_image": "image",
        "input_video": "video",
        "input_file": "file",
    },
)
