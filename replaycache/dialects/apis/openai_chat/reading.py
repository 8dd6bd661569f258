"""What OpenAI's chat completions and completions say, and all who speak that form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...counts import Counts, count, units
from ...fold import Fold, add, add_call, place
from ...reading import Contents, ErrorForm, Reading, UsageForm
from ...values import Part, Turn, as_dict, as_dicts, as_json, as_text, media, text_part
from . import ChatProgress


def _usage(usage: Mapping[str, Any]) -> Counts:
    """Chat completions, completions, embeddings, runs, and all who speak that format.

    https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage; cached tokens are part of the
    prompt's. DeepSeek: https://api-docs.deepseek.com/guides/kv_cache (prompt_cache_hit_tokens). OpenRouter:
    https://openrouter.ai/docs/use-cases/usage-accounting. At xAI reasoning tokens stand beside the completion's
    and not in them (https://docs.x.ai/docs/guides/reasoning); where that is so, the total tells it.
    """
    into = as_dict(usage.get("prompt_tokens_details")) or as_dict(usage.get("prompt_token_details"))
    out = as_dict(usage.get("completion_tokens_details"))
    given = count(usage.get("prompt_tokens"))
    answered = count(usage.get("completion_tokens"))
    reasoning = count(out.get("reasoning_tokens", usage.get("reasoning_tokens")))
    if reasoning and count(usage.get("total_tokens")) == given + answered + reasoning:
        answered += reasoning
    cached = (
        into.get("cached_tokens"),
        usage.get("prompt_cache_hit_tokens"),
        usage.get("cached_tokens"),
        usage.get("cache_read_input_tokens"),
    )
    written = (into.get("cache_write_tokens"), usage.get("cache_creation_input_tokens"))
    return Counts(
        given,
        answered,
        max(map(count, cached)),
        max(map(count, written)),
        reasoning,
        units(
            input_audio_tokens=into.get("audio_tokens"),
            input_image_tokens=into.get("image_tokens"),
            output_audio_tokens=out.get("audio_tokens"),
            output_image_tokens=out.get("image_tokens"),
            output_citation_tokens=usage.get("citation_tokens"),
            audio_seconds=usage.get("prompt_audio_seconds"),
        ),
    )


class ChatFold(Fold):
    """Chunks: https://platform.openai.com/docs/api-reference/chat-streaming."""

    def __init__(self) -> None:
        self._choices: dict[int, dict[str, Any]] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        for choice in as_dicts(event.get("choices")):
            known = self._choices.setdefault(place(choice.get("index")), {})
            if isinstance(choice.get("text"), str):
                add(known, "text", choice["text"])
            else:
                message = known.setdefault("message", {"role": "assistant"})
                _add_delta(message, as_dict(choice.get("delta")) or as_dict(choice.get("message")))

    @property
    def answer(self) -> dict[str, Any]:
        choices = [{"index": index} | choice for index, choice in sorted(self._choices.items())]
        return {"choices": choices} if choices else {}


def _add_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for part in as_dicts(delta.get("content")):  # https://docs.mistral.ai/capabilities/reasoning
        for piece in as_dicts(part.get("thinking")):
            add(message, "reasoning", piece.get("text"))
        add(message, "content", part.get("text"))
    for name in ("content", "reasoning_content", "reasoning", "refusal"):
        add(message, name, delta.get(name))
    for name in ("transcript", "data"):
        if as_text(as_dict(delta.get("audio")).get(name)):
            add(message.setdefault("audio", {}), name, delta["audio"][name])
    for call in as_dicts(delta.get("tool_calls")):
        add_call(message, call.get("index", 0), call)
    former = as_dict(delta.get("function_call"))
    if former:
        for name in ("name", "arguments"):
            add(message.setdefault("function_call", {}), name, former.get(name))


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    choices = as_dicts(value.get("choices"))
    for choice in choices:
        if isinstance(choice.get("message"), dict):
            turn = contents.message(choice["message"], "assistant")
        else:
            turn = Turn("", tuple(text_part(choice.get("text"))))
        index = choice.get("index", 0)
        if len(choices) > 1 and isinstance(index, int):
            turn = Turn(f"{turn.role} {index + 1}".strip(), turn.parts)
        yield turn


def _asked(body: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    """A text that is to be completed before another one."""
    if as_text(body.get("suffix")):
        yield Turn("user", (*text_part(body.get("prompt")), Part("text", f"… {body['suffix']}")))


def _beside(message: dict[str, Any]) -> list[Part]:
    found = text_part(message.get("refusal"), "refusal")
    audio = as_dict(message.get("audio"))
    if audio:
        found += text_part(audio.get("transcript"))
        found.append(media("audio", audio.get("data"), as_text(audio.get("format")) or "audio"))
    for call in as_dicts(message.get("tool_calls")):
        kind = as_text(call.get("type"))
        about = as_dict(call.get(kind)) or as_dict(call.get("function")) or as_dict(call.get("custom")) or call
        arguments = next(
            (about[name] for name in ("arguments", "input", "parameters", "args") if name in about), None
        )
        called = as_text(about.get("name")) or ("" if kind in ("function", "custom") else kind)
        found.append(Part("tool call", as_json(arguments), called, as_text(call.get("id"))))
        # a run's code interpreter: https://platform.openai.com/docs/api-reference/run-steps/step-object
        found += [Part("tool result", as_text(item.get("logs"))) for item in as_dicts(about.get("outputs"))]
    former = as_dict(message.get("function_call"))
    if former:
        found.append(Part("tool call", as_json(former.get("arguments")), as_text(former.get("name"))))
    return found


def _tool_names(tool: dict[str, Any]) -> list[Any]:
    inner = as_dict(tool.get("function")) or as_dict(tool.get("custom"))
    return [inner["name"]] if as_text(inner.get("name")) else []


def _part(kind: str, value: dict[str, Any], contents: Contents) -> list[Part] | None:
    return text_part(value.get("refusal"), "refusal") if kind == "refusal" else None


def _error_body(status: int, told: str) -> dict[str, Any]:
    """https://platform.openai.com/docs/guides/error-codes."""
    kind, code = ("server_error" if status >= 500 else "invalid_request_error"), None
    if status == 429:
        kind, code = "requests", "rate_limit_exceeded"
    return {"error": {"message": told, "type": kind, "param": None, "code": code}}


READING = Reading(
    errors=ErrorForm((), _error_body),
    usage_forms=(UsageForm(("prompt_tokens", "completion_tokens"), _usage),),
    usage_members=("usage",),
    envelopes=("x_groq",),  # https://console.groq.com/docs/api-reference: in the last chunk of a stream
    folds=((ChatProgress, ChatFold),),
    turns=_turns,
    asked=_asked,
    asked_texts=("prompt",),
    tool_names=_tool_names,
    contents=("content",),
    reasoning=("reasoning_content", "reasoning"),
    beside=_beside,
    part_types={
        "text": "text",
        "image_url": "image",
        "input_audio": "audio",
        "audio": "audio",
        "audio_url": "audio",
        "video_url": "video",
        "file": "file",
    },
    part=_part,
)
