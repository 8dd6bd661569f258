"""What Bedrock's converse says, and what models of Amazon and others say that are invoked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...counts import Counts, count, pair, units
from ...fold import Fold, add, place
from ...reading import Contents, ErrorForm, Reading, UsageForm
from ...values import Kind, Part, Turn, as_dict, as_dicts, as_json, as_text, media, text_part
from . import ConverseProgress, NovaProgress, TextProgress


def _usage(usage: Mapping[str, Any]) -> Counts:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html.

    What was read from and written to the cache stands beside inputTokens:
    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
    """
    cached, written = count(usage.get("cacheReadInputTokens")), count(usage.get("cacheWriteInputTokens"))
    cached = cached or count(usage.get("cacheReadInputTokenCount"))  # as Nova answers to an invocation
    written = written or count(usage.get("cacheWriteInputTokenCount"))
    rows = (row for row in as_dicts(usage.get("cacheDetails")) if row.get("ttl") == "1h")
    return Counts(
        count(usage.get("inputTokens")) + cached + written,
        count(usage.get("outputTokens")),
        cached,
        written,
        units=units(cache_write_1h_tokens=sum(count(row.get("inputTokens")) for row in rows)),
    )


def _titan_usage(usage: Mapping[str, Any]) -> Counts:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html."""
    answered = sum(count(row.get("tokenCount")) for row in as_dicts(usage.get("results")))
    return Counts(count(usage.get("inputTextTokenCount")), answered)


class ConverseFold(Fold):
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._blocks: dict[int, dict[str, Any]] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        at = place(event.get("contentBlockIndex"))
        if name == "messageStart":
            self._role = as_text(event.get("role")) or self._role
        elif name == "contentBlockStart":
            start = as_dict(as_dict(event.get("start")).get("toolUse"))
            self._blocks[at] = {"toolUse": start | {"input": ""}} if start else {}
        elif name == "contentBlockDelta":
            block, delta = self._blocks.setdefault(at, {}), as_dict(event.get("delta"))
            add(block, "text", delta.get("text"))
            if as_dict(delta.get("toolUse")):
                add(block.setdefault("toolUse", {}), "input", delta["toolUse"].get("input"))
            if as_dict(delta.get("reasoningContent")):
                inner = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {})
                add(inner, "text", delta["reasoningContent"].get("text"))

    @property
    def answer(self) -> dict[str, Any]:
        blocks = [block for _, block in sorted(self._blocks.items())]
        return {"output": {"message": {"role": self._role, "content": blocks}}} if blocks else {}


class NovaFold(ConverseFold):
    """What Nova answers to an invocation: https://docs.aws.amazon.com/nova/latest/userguide/using-invoke-api.html."""

    def take(self, name: str, event: dict[str, Any]) -> None:
        for each, value in event.items():
            super().take(each, as_dict(value))


class TextFold(Fold):
    """Pieces of a text: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html."""

    def __init__(self) -> None:
        self._text: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        for part in as_dicts(event.get("outputs")) or [event]:
            for member in ("outputText", "generation", "text"):
                add(self._text, "generation", part.get(member))

    @property
    def answer(self) -> dict[str, Any]:
        return self._text


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    for result in as_dicts(value.get("results")):
        yield Turn("assistant", tuple(text_part(result.get("outputText"))))
    for result in as_dicts(value.get("outputs")):
        yield Turn("assistant", tuple(text_part(result.get("text"))))


def _tool_names(tool: dict[str, Any]) -> list[Any]:
    inner = as_dict(tool.get("toolSpec"))
    return [inner["name"]] if as_text(inner.get("name")) else []


def _call(value: dict[str, Any], contents: Contents) -> list[Part]:
    name, id_ = as_text(value.get("name")), as_text(value.get("toolUseId"))
    return [Part("tool call", as_json(value.get("input")), name, id_)]


def _result(value: dict[str, Any], contents: Contents) -> list[Part]:
    texts = [
        as_json(item["json"]) if "json" in item else "\n".join(part.text for part in contents.parts(item))
        for item in as_dicts(value.get("content"))
    ]
    text = "\n".join(texts) or as_json(value.get("content"))
    return [Part("tool result", text, id=as_text(value.get("toolUseId")))]


def _reasoning(value: dict[str, Any], contents: Contents) -> list[Part]:
    said = text_part(as_dict(value.get("reasoningText")).get("text"), "reasoning")
    return said or [Part("reasoning", "(redacted)")]


def _media(kind: Kind) -> Callable[[dict[str, Any], Contents], list[Part]]:
    def read(value: dict[str, Any], contents: Contents) -> list[Part]:
        source = as_dict(value.get("source"))
        given = source.get("bytes") or as_dict(source.get("s3Location")).get("uri")
        form = as_text(value.get("format"))
        return [media(kind, given, f"{kind}/{form}" if form else "", as_text(value.get("name")))]

    return read


def _error_body(status: int, told: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ThrottlingException.html."""
    return {"message": told}


READING = Reading(
    errors=ErrorForm(("bedrock",), _error_body),
    usage_forms=(
        UsageForm(("inputTokens", "outputTokens"), _usage),
        UsageForm(("inputTokenCount", "outputTokenCount"), pair("inputTokenCount", "outputTokenCount")),
        UsageForm(("inputTextTokenCount",), _titan_usage),
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
        UsageForm(
            ("prompt_token_count", "generation_token_count"), pair("prompt_token_count", "generation_token_count")
        ),
    ),
    usage_members=("amazon-bedrock-invocationMetrics",),  # of the last event of an invoked model
    usage_in_answer=("inputTextTokenCount", "results", "prompt_token_count", "generation_token_count"),
    envelopes=("metadata",),  # of Nova, whose events stand under their names
    folds=((ConverseProgress, ConverseFold), (NovaProgress, NovaFold), (TextProgress, TextFold)),
    turns=_turns,
    messages=(("output", "message"),),
    texts={"generation": "assistant"},
    asked_texts=("inputText",),
    tool_names=_tool_names,
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
    part_members={
        "toolUse": _call,
        "toolResult": _result,
        "reasoningContent": _reasoning,
        "image": _media("image"),
        "video": _media("video"),
        "audio": _media("audio"),
        "document": _media("file"),
    },
)
