"""What providers' usage objects mean, in one form.

The form of an object is told by the names in it, not by the host it came from, so that gateways and local servers
that speak a provider's format are understood too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Counts", "counts_of", "usage_object"]

LARGEST = 1 << 53
"""A number beyond which it is no count."""


class Counts(NamedTuple):
    """What an answer used.

    Attributes:
        input: all input tokens.
        output: all output tokens.
        cached: of the input, read from the provider's prompt cache.
        cache_write: of the input, written to it.
        reasoning: of the output, spent on reasoning.
        units: what else has a price of its own, by its name in genai-prices, sorted.
    """

    input: int
    output: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    units: tuple[tuple[str, float], ...] = ()


def usage_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """The usage object of an answer, or of one event of it; empty where it has none."""
    response, meta = _dict(value.get("response")), _dict(value.get("meta"))
    for found in (
        value.get("usage"),  # OpenAI, Anthropic, Mistral, Cohere v2, Bedrock, Voyage, Jina, ...
        response.get("usage"),  # OpenAI: the event response.completed
        _dict(value.get("message")).get("usage"),  # Anthropic: the event message_start
        _dict(value.get("delta")).get("usage"),  # Cohere v2: the event message-end
        _dict(value.get("x_groq")).get("usage"),  # Groq: the last chunk of a stream
        value.get("usageMetadata"),  # Gemini
        response.get("usageMetadata"),
        value.get("usage_info"),  # Mistral: OCR
        meta if "billed_units" in meta or "tokens" in meta else None,  # Cohere v1, embed, rerank
        response.get("meta"),  # Cohere v1: the line stream-end
        value.get("amazon-bedrock-invocationMetrics"),  # Bedrock: the last event of an invoked model
        value.get("details"),  # text-generation-inference
    ):
        if isinstance(found, dict) and found:
            return found
    return {name: value[name] for name in _IN_THE_ANSWER if value.get(name) is not None}


def counts_of(usage: Mapping[str, Any], *, reasons_apart: bool = False) -> Counts | None:
    """The counts that a usage object tells; None where it tells none.

    Args:
        usage: as `usage_object` found it.
        reasons_apart: whether the total may hold reasoning tokens that are named nowhere else.
    """
    for names, read in _FORMS:
        if any(_is_count(usage.get(name)) or (name in _NESTED and usage.get(name)) for name in names):
            counts = read(usage)
            if counts is not None:
                return _consistent(_with_unnamed(counts, usage) if reasons_apart else counts)
    return None


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _count(value: Any) -> int:
    return int(value) if _is_count(value) else 0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _units(**units: Any) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((name, value) for name, value in units.items() if _is_count(value) and value))


def _consistent(counts: Counts) -> Counts:
    """A part is no larger than its whole."""
    cached = min(counts.cached, counts.input)
    return counts._replace(
        cached=cached,
        cache_write=min(counts.cache_write, counts.input - cached),
        reasoning=min(counts.reasoning, counts.output),
    )


def _with_unnamed(counts: Counts, usage: Mapping[str, Any]) -> Counts:
    """Gemini behind OpenAI's format: thoughts count in the total only, and have the price of output.

    https://discuss.ai.google.dev/t/question-with-usage-in-openai-compatibility/98760
    """
    unnamed = _count(usage.get("total_tokens")) - counts.input - counts.output
    if unnamed <= 0 or "completion_tokens" not in usage:
        return counts
    return counts._replace(output=counts.output + unnamed, reasoning=counts.reasoning + unnamed)


def _chat(usage: Mapping[str, Any]) -> Counts:
    """OpenAI's chat completions, completions, embeddings, runs, and all who speak that format.

    https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage; cached tokens are part of the
    prompt's. DeepSeek: https://api-docs.deepseek.com/guides/kv_cache (prompt_cache_hit_tokens). OpenRouter:
    https://openrouter.ai/docs/use-cases/usage-accounting. At xAI reasoning tokens stand beside the completion's
    and not in them (https://docs.x.ai/docs/guides/reasoning); where that is so, the total tells it.
    """
    into = _dict(usage.get("prompt_tokens_details")) or _dict(usage.get("prompt_token_details"))
    out = _dict(usage.get("completion_tokens_details"))
    given = _count(usage.get("prompt_tokens"))
    answered = _count(usage.get("completion_tokens"))
    reasoning = _count(out.get("reasoning_tokens", usage.get("reasoning_tokens")))
    if reasoning and _count(usage.get("total_tokens")) == given + answered + reasoning:
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
        max(map(_count, cached)),
        max(map(_count, written)),
        reasoning,
        _units(
            input_audio_tokens=into.get("audio_tokens"),
            input_image_tokens=into.get("image_tokens"),
            output_audio_tokens=out.get("audio_tokens"),
            output_image_tokens=out.get("image_tokens"),
            output_citation_tokens=usage.get("citation_tokens"),
            audio_seconds=usage.get("prompt_audio_seconds"),
        ),
    )


def _responses(usage: Mapping[str, Any]) -> Counts:
    """OpenAI's responses, images and transcriptions, and Anthropic's messages, which share two names.

    https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage: cached tokens are
    part of the input. https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance:
    there they are not; the input is the sum of input_tokens, cache_read_input_tokens and
    cache_creation_input_tokens. https://docs.anthropic.com/en/docs/build-with-claude/compaction: iterations of
    type compaction come on top.
    """
    into = _dict(usage.get("input_tokens_details")) or _dict(usage.get("input_token_details"))
    out = _dict(usage.get("output_tokens_details")) or _dict(usage.get("output_token_details"))
    given = _count(usage.get("input_tokens"))
    cached, written = _count(into.get("cached_tokens")), _count(into.get("cache_write_tokens"))
    if not into:
        cached = _count(usage.get("cache_read_input_tokens"))
        written = _count(usage.get("cache_creation_input_tokens"))
        given += cached + written
    cached_parts = _dict(into.get("cached_tokens_details"))
    answered = _count(usage.get("output_tokens"))
    for row in _list(usage.get("iterations")):
        if _dict(row).get("type") == "compaction":  # paid, and not in the fields above
            part = _responses({**row, "iterations": None})
            given, answered = given + part.input, answered + part.output
            cached, written = cached + part.cached, written + part.cache_write
    return Counts(
        given,
        answered,
        cached,
        written,
        _count(out.get("reasoning_tokens", out.get("thinking_tokens"))),
        _units(
            cache_write_1h_tokens=_dict(usage.get("cache_creation")).get("ephemeral_1h_input_tokens"),
            web_searches=_dict(usage.get("server_tool_use")).get("web_search_requests"),
            input_audio_tokens=into.get("audio_tokens"),
            input_image_tokens=into.get("image_tokens"),
            cache_audio_read_tokens=cached_parts.get("audio_tokens"),
            cache_image_read_tokens=cached_parts.get("image_tokens"),
            output_audio_tokens=out.get("audio_tokens"),
            output_image_tokens=out.get("image_tokens"),
        ),
    )


def _gemini(usage: Mapping[str, Any]) -> Counts:
    """https://ai.google.dev/api/generate-content#UsageMetadata.

    The prompt's count holds the cached content; tokens of tool use and thoughts are counted apart.
    """
    thoughts = _count(usage.get("thoughtsTokenCount"))
    given, cached = _modalities(usage, "promptTokensDetails"), _modalities(usage, "cacheTokensDetails")
    used, answered = (
        _modalities(usage, "toolUsePromptTokensDetails"),
        _modalities(usage, "candidatesTokensDetails"),
    )
    units: dict[str, int] = {}
    for modality in ("audio", "image", "video"):
        units[f"input_{modality}_tokens"] = given.get(modality, 0) + used.get(modality, 0)
        units[f"output_{modality}_tokens"] = answered.get(modality, 0)
        units[f"cache_{modality}_read_tokens"] = cached.get(modality, 0)
    return Counts(
        _count(usage.get("promptTokenCount")) + _count(usage.get("toolUsePromptTokenCount")),
        _count(usage.get("candidatesTokenCount", usage.get("responseTokenCount"))) + thoughts,
        _count(usage.get("cachedContentTokenCount")),
        0,
        thoughts,
        _units(**units),
    )


def _modalities(usage: Mapping[str, Any], name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in _list(usage.get(name)):
        modality = str(_dict(row).get("modality", "")).lower().replace("document", "image")  # a page is an image
        counts[modality] = counts.get(modality, 0) + _count(_dict(row).get("tokenCount"))
    return counts


def _bedrock(usage: Mapping[str, Any]) -> Counts:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html.

    What was read from and written to the cache stands beside inputTokens:
    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html.
    """
    cached, written = _count(usage.get("cacheReadInputTokens")), _count(usage.get("cacheWriteInputTokens"))
    cached = cached or _count(usage.get("cacheReadInputTokenCount"))  # as Nova answers to an invocation
    written = written or _count(usage.get("cacheWriteInputTokenCount"))
    hour = sum(
        _count(_dict(row).get("inputTokens"))
        for row in _list(usage.get("cacheDetails"))
        if _dict(row).get("ttl") == "1h"
    )
    return Counts(
        _count(usage.get("inputTokens")) + cached + written,
        _count(usage.get("outputTokens")),
        cached,
        written,
        units=_units(cache_write_1h_tokens=hour),
    )


def _cohere(usage: Mapping[str, Any]) -> Counts | None:
    """https://docs.cohere.com/reference/chat: billed_units is what is paid; tokens count the template too."""
    billed, all_tokens = _dict(usage.get("billed_units")), _dict(usage.get("tokens"))
    told = billed or all_tokens
    if not any(_is_count(value) for value in told.values()):
        return None
    return Counts(
        _count(told.get("input_tokens")),
        _count(told.get("output_tokens")),
        _count(usage.get("cached_tokens")),
        units=_units(rerank_searches=billed.get("search_units"), input_image_tokens=billed.get("image_tokens")),
    )


def _ollama(usage: Mapping[str, Any]) -> Counts:
    """https://github.com/ollama/ollama/blob/main/docs/api.md: prompt_eval_count may be absent."""
    return Counts(_count(usage.get("prompt_eval_count")), _count(usage.get("eval_count")))


def _llama_cpp(usage: Mapping[str, Any]) -> Counts | None:
    """https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md.

    tokens_evaluated is the whole prompt; of it, timings.cache_n came from the cache and timings.prompt_n did not.
    tokens_cached is not counted: it says what could have come from there.
    """
    timings = _dict(usage.get("timings"))
    cached = _count(timings.get("cache_n"))
    if _is_count(usage.get("tokens_evaluated")) or _is_count(usage.get("tokens_predicted")):
        return Counts(_count(usage.get("tokens_evaluated")), _count(usage.get("tokens_predicted")), cached)
    if not _is_count(timings.get("predicted_n")):
        return None
    return Counts(_count(timings.get("prompt_n")) + cached, _count(timings.get("predicted_n")), cached)


def _text_generation_inference(usage: Mapping[str, Any]) -> Counts:
    """https://huggingface.github.io/text-generation-inference: details; the prompt's length is optional."""
    given = usage.get("input_length", len(_list(usage.get("prefill"))))
    return Counts(_count(given), _count(usage.get("generated_tokens")))


def _vertex_embeddings(usage: Mapping[str, Any]) -> Counts | None:
    """https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api: token_count."""
    counts = [
        _dict(_dict(_dict(row).get("embeddings")).get("statistics")).get("token_count")
        for row in _list(usage.get("predictions"))
    ]
    told = [_count(count) for count in counts if _is_count(count)]
    return Counts(sum(told), 0) if told else None


def _titan(usage: Mapping[str, Any]) -> Counts:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html."""
    answered = sum(_count(_dict(row).get("tokenCount")) for row in _list(usage.get("results")))
    return Counts(_count(usage.get("inputTextTokenCount")), answered)


def _pair(given: str, answered: str) -> Callable[[Mapping[str, Any]], Counts]:
    return lambda usage: Counts(_count(usage.get(given)), _count(usage.get(answered)))


def _unit(name: str, unit: str) -> Callable[[Mapping[str, Any]], Counts]:
    return lambda usage: Counts(0, 0, units=_units(**{unit: usage.get(name)}))


_FORMS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Counts | None]], ...] = (
    (("prompt_tokens", "completion_tokens"), _chat),
    (("input_tokens", "output_tokens"), _responses),
    (("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"), _gemini),
    (("inputTokens", "outputTokens"), _bedrock),
    (("billed_units", "tokens"), _cohere),
    (("prompt_eval_count", "eval_count"), _ollama),
    (("tokens_evaluated", "tokens_predicted", "timings"), _llama_cpp),
    (("generated_tokens",), _text_generation_inference),
    (("inputTokenCount", "outputTokenCount"), _pair("inputTokenCount", "outputTokenCount")),
    (("inputTextTokenCount",), _titan),
    (("prompt_token_count", "generation_token_count"), _pair("prompt_token_count", "generation_token_count")),
    (("predictions",), _vertex_embeddings),
    (("total_tokens",), _pair("total_tokens", "")),  # Voyage, Jina: embeddings and reranking have no output
    (("totalTokenCount",), _pair("totalTokenCount", "")),
    (("seconds",), _unit("seconds", "audio_seconds")),  # OpenAI: a transcription that is paid by its duration
    (("pages_processed",), _unit("pages_processed", "input_document_pages")),  # Mistral: OCR
)
"""Names that tell a form, the telling ones first, and what reads it."""

_IN_THE_ANSWER = (
    "prompt_eval_count",
    "eval_count",
    "tokens_evaluated",
    "tokens_predicted",
    "timings",
    "inputTextTokenCount",
    "results",
    "prompt_token_count",
    "generation_token_count",
    "predictions",
)
"""Names of counts that stand in the answer itself: Ollama, llama.cpp, Titan and Llama at Bedrock, Vertex."""

_NESTED = ("billed_units", "tokens", "timings", "predictions")
"""Names that tell a form though they hold no count themselves."""
