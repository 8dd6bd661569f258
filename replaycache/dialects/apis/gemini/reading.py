"""What Gemini says, by its own API and by Vertex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...counts import Counts, count, is_count, pair, units
from ...fold import Fold, place
from ...reading import Contents, ErrorForm, Reading, UsageForm
from ...values import Kind, Part, Turn, as_dict, as_dicts, as_json, as_text, media, text_part, vectors
from . import ContentProgress


def _usage(usage: Mapping[str, Any]) -> Counts:
    """https://ai.google.dev/api/generate-content#UsageMetadata.

    The prompt's count holds the cached content; tokens of tool use and thoughts are counted apart.
    """
    thoughts = count(usage.get("thoughtsTokenCount"))
    given, cached, used, answered = (
        _modalities(usage, f"{name}TokensDetails") for name in ("prompt", "cache", "toolUsePrompt", "candidates")
    )
    told: dict[str, int] = {}
    for modality in ("audio", "image", "video"):
        told[f"input_{modality}_tokens"] = given.get(modality, 0) + used.get(modality, 0)
        told[f"output_{modality}_tokens"] = answered.get(modality, 0)
        told[f"cache_{modality}_read_tokens"] = cached.get(modality, 0)
    return Counts(
        count(usage.get("promptTokenCount")) + count(usage.get("toolUsePromptTokenCount")),
        count(usage.get("candidatesTokenCount", usage.get("responseTokenCount"))) + thoughts,
        count(usage.get("cachedContentTokenCount")),
        0,
        thoughts,
        units(**told),
    )


def _modalities(usage: Mapping[str, Any], name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in as_dicts(usage.get(name)):
        modality = str(row.get("modality", "")).lower().replace("document", "image")  # a page is an image
        counts[modality] = counts.get(modality, 0) + count(row.get("tokenCount"))
    return counts


def _embeddings_usage(usage: Mapping[str, Any]) -> Counts | None:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api: token_count."""
    counts = [
        as_dict(as_dict(row.get("embeddings")).get("statistics")).get("token_count")
        for row in as_dicts(usage.get("predictions"))
    ]
    told = [count(value) for value in counts if is_count(value)]
    return Counts(sum(told), 0) if told else None


class ContentFold(Fold):
    """Responses, each with the next parts of every candidate."""

    def __init__(self) -> None:
        self._candidates: dict[int, list[dict[str, Any]]] = {}
        self._feedback: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        if as_dict(event.get("promptFeedback")):
            self._feedback = {"promptFeedback": event["promptFeedback"]}
        for candidate in as_dicts(event.get("candidates")):
            parts = self._candidates.setdefault(place(candidate.get("index")), [])
            for part in as_dicts(as_dict(candidate.get("content")).get("parts")):
                before = parts[-1] if parts else {}
                joins = isinstance(part.get("text"), str) and isinstance(before.get("text"), str)
                if joins and part.get("thought") == before.get("thought"):
                    parts[-1] = before | {"text": before["text"] + part["text"]}
                else:
                    parts.append(dict(part))

    @property
    def answer(self) -> dict[str, Any]:
        candidates = [
            {"content": {"role": "model", "parts": parts}} for _, parts in sorted(self._candidates.items())
        ]
        return ({"candidates": candidates} if candidates else {}) | self._feedback


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    for candidate in as_dicts(value.get("candidates")):
        turn = contents.message(as_dict(candidate.get("content")), "model")
        yield turn if turn.parts else Turn(turn.role, tuple(text_part(candidate.get("finishReason"), "refusal")))
    blocked = as_text(as_dict(value.get("promptFeedback")).get("blockReason"))
    if blocked:
        yield Turn("model", (Part("refusal", blocked),))
    for item in as_dicts(value.get("predictions")):
        image = item.get("bytesBase64Encoded")
        if image:
            yield Turn("model", (media("image", image, as_text(item.get("mimeType"))),))
        elif isinstance(item.get("embeddings"), dict):
            yield vectors([item["embeddings"].get("values")])
        else:
            yield Turn("model", tuple(text_part(item.get("content"))))
    found = as_dicts(value.get("embeddings")) or [as_dict(value.get("embedding"))]
    if any("values" in item for item in found):
        yield vectors([item.get("values") for item in found])


def _asked(body: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    given = body.get("contents")
    for item in given if isinstance(given, list) else [given]:
        yield (
            Turn("user", tuple(text_part(item)))
            if isinstance(item, str)
            else contents.message(as_dict(item), "user")
        )
    embedded = [
        as_dict(body.get("content")),
        *(as_dict(item.get("content")) for item in as_dicts(body.get("requests"))),
    ]
    yield Turn("user", tuple(part for item in embedded for part in contents.parts(item.get("parts"))))
    instances = [
        text_part(item.get("prompt")) or text_part(item.get("content")) or contents.parts(item)
        for item in as_dicts(body.get("instances"))
    ]
    yield Turn("user", tuple(part for parts in instances for part in parts))


def _tool_names(tool: dict[str, Any]) -> list[Any]:
    declared = tool.get("functionDeclarations") or tool.get("function_declarations")
    return [item.get("name") for item in as_dicts(declared)]


def _inline(value: dict[str, Any], contents: Contents) -> list[Part]:
    media_type = as_text(value.get("mimeType")) or as_text(value.get("mime_type"))
    return [media(_kind_of(media_type), value.get("data"), media_type, as_text(value.get("displayName")))]


def _file_data(value: dict[str, Any], contents: Contents) -> list[Part]:
    media_type = as_text(value.get("mimeType")) or as_text(value.get("mime_type"))
    return [media(_kind_of(media_type), value.get("fileUri") or value.get("file_uri"), media_type)]


def _kind_of(media_type: str) -> Kind:
    kinds: dict[str, Kind] = {"image": "image", "audio": "audio", "video": "video"}
    return kinds.get(media_type.partition("/")[0], "file")


def _call(value: dict[str, Any], contents: Contents) -> list[Part]:
    return [Part("tool call", as_json(value.get("args")), as_text(value.get("name")), as_text(value.get("id")))]


def _result(value: dict[str, Any], contents: Contents) -> list[Part]:
    name, id_ = as_text(value.get("name")), as_text(value.get("id"))
    return [Part("tool result", as_json(value.get("response")), name, id_)]


def _code(value: dict[str, Any], contents: Contents) -> list[Part]:
    return [Part("tool call", as_text(value.get("code")), as_text(value.get("language")).lower() or "code")]


def _code_result(value: dict[str, Any], contents: Contents) -> list[Part]:
    return [Part("tool result", as_text(value.get("output")), as_text(value.get("outcome")))]


_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def _error_body(status: int, told: str) -> dict[str, Any]:
    """https://cloud.google.com/apis/design/errors#http_mapping."""
    return {"error": {"code": status, "message": told, "status": _ERRORS.get(status, "UNKNOWN")}}


READING = Reading(
    errors=ErrorForm(("gemini", "vertex"), _error_body),
    usage_forms=(
        UsageForm(("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"), _usage),
        UsageForm(("predictions",), _embeddings_usage, is_nested=True),
        UsageForm(("totalTokenCount",), pair("totalTokenCount", "")),
    ),
    usage_members=("usageMetadata",),
    usage_in_answer=("predictions",),
    folds=((ContentProgress, ContentFold),),
    turns=_turns,
    instructions=("systemInstruction", "system_instruction"),
    asked=_asked,
    tool_names=_tool_names,
    contents=("parts",),
    part_members={
        spelling: read
        for camel, snake, read in (  # https://ai.google.dev/api/caching#Part, taken in both spellings
            ("inlineData", "inline_data", _inline),
            ("fileData", "file_data", _file_data),
            ("functionCall", "function_call", _call),
            ("functionResponse", "function_response", _result),
            ("executableCode", "executable_code", _code),
            ("codeExecutionResult", "code_execution_result", _code_result),
        )
        for spelling in (camel, snake)
    },
)
