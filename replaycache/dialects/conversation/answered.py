"""What an answer says, as turns; for every provider whose endpoints `dialects.calls` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .asked import items
from .parts import message
from .values import Part, Turn, as_dict, as_dicts, as_json, as_list, as_text, media, text_part

__all__ = ["answered"]

SHOWN = 10
"""Rows of a ranking or a list that are shown."""


def answered(value: Any) -> list[Turn]:
    """The turns of a decoded answer; of one in an unknown form, its JSON.

    Args:
        value: the answer, or what `streamed.folded` made of a stream.
    """
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, dict) and "candidates" in item for item in value)
    ):
        return [turn for item in value for turn in _candidates(item)]  # Gemini without alt=sse
    if not isinstance(value, dict):
        return [Turn("", (Part("data", as_json(value)),))] if value is not None else []
    for read in _READERS:
        turns = [turn for turn in read(value) if turn.parts]
        if turns:
            return turns
    return [Turn("", (Part("data", as_json(value)),))] if value else []


def _error(value: dict[str, Any]) -> Iterator[Turn]:
    error = value.get("error")
    if isinstance(error, dict) and error:
        kind = as_text(error.get("type")) or as_text(error.get("status")) or as_text(error.get("code"))
        yield Turn("", (Part("error", as_text(error.get("message")) or as_json(error), kind),))
    elif isinstance(error, str) and error:
        yield Turn("", (Part("error", error),))
    elif as_text(value.get("object")) == "error" or as_text(value.get("type")) == "error":
        yield Turn("", (Part("error", as_text(value.get("message")) or as_json(value)),))


def _choices(value: dict[str, Any]) -> Iterator[Turn]:
    """OpenAI's chat and completions, and all who speak that format."""
    choices = as_dicts(value.get("choices"))
    for choice in choices:
        if isinstance(choice.get("message"), dict):
            turn = message(choice["message"], "assistant")
        else:
            turn = Turn("", tuple(text_part(choice.get("text"))))
        several = len(choices) > 1
        index = choice.get("index", 0)
        yield Turn(
            f"{turn.role} {index + 1}".strip() if several and isinstance(index, int) else turn.role, turn.parts
        )


def _candidates(value: dict[str, Any]) -> Iterator[Turn]:
    """Gemini."""
    for candidate in as_dicts(value.get("candidates")):
        turn = message(as_dict(candidate.get("content")), "model")
        yield turn if turn.parts else Turn(turn.role, tuple(text_part(candidate.get("finishReason"), "refusal")))
    blocked = as_text(as_dict(value.get("promptFeedback")).get("blockReason"))
    if blocked:
        yield Turn("model", (Part("refusal", blocked),))
    for item in as_dicts(value.get("predictions")):
        image = item.get("bytesBase64Encoded")
        if image:
            yield Turn("model", (media("image", image, as_text(item.get("mimeType"))),))
        elif isinstance(item.get("embeddings"), dict):
            yield _vectors([item["embeddings"].get("values")])
        else:
            yield Turn("model", tuple(text_part(item.get("content"))))


def _messages(value: dict[str, Any]) -> Iterator[Turn]:
    """Anthropic, Cohere v2, Ollama, Bedrock's converse, and an assistant's message."""
    inner = value.get("message")
    bedrock = as_dict(as_dict(value.get("output")).get("message"))
    if bedrock:
        yield message(bedrock, "assistant")
    elif isinstance(inner, dict):
        yield message(inner, "assistant")
    elif isinstance(value.get("content"), (list, str)) and (
        "role" in value or as_text(value.get("type")) == "message"
    ):
        yield message(value, "assistant")


def _output(value: dict[str, Any]) -> Iterator[Turn]:
    """OpenAI's responses."""
    yield from items(as_list(value.get("output")), "assistant")


def _texts(value: dict[str, Any]) -> Iterator[Turn]:
    """Ollama's generate, Cohere v1, transcriptions, text-generation-inference, llama.cpp, Titan, OCR."""
    for name in ("response", "text", "generated_text", "content"):
        if isinstance(value.get(name), str):
            tools = message({"tool_calls": value.get("tool_calls")}).parts
            thinking = text_part(value.get("thinking"), "reasoning")
            yield Turn(
                "" if name == "text" and "generation_id" not in value else "assistant",
                (*thinking, *text_part(value[name]), *tools),
            )
            return
    for item in as_dicts(value.get("generations")):
        yield Turn("assistant", tuple(text_part(item.get("text"))))
    for result in as_dicts(value.get("results")):
        yield Turn("assistant", tuple(text_part(result.get("outputText"))))
    for page in as_dicts(value.get("pages")):
        yield Turn("", tuple(text_part(page.get("markdown"))))


def _embeddings(value: dict[str, Any]) -> Iterator[Turn]:
    data = as_dicts(value.get("data"))
    if data and "embedding" in data[0]:
        yield _vectors([item.get("embedding") for item in data])
    found = value.get("embeddings")
    if isinstance(found, dict):  # Cohere: by type
        for kind, vectors in found.items():
            if as_list(vectors):
                yield _vectors(vectors, str(kind))
    elif isinstance(found, list) and found:
        yield _vectors([item.get("values") if isinstance(item, dict) else item for item in found])
    single = value.get("embedding")
    if single:
        yield _vectors([as_dict(single).get("values") if isinstance(single, dict) else single])


def _vectors(vectors: list[Any], kind: str = "") -> Turn:
    first = vectors[0] if vectors else None
    # base64 of four-byte floats, or an array
    of = f"{len(first) * 3 // 16 if isinstance(first, str) else len(as_list(first)):,} numbers"
    many = f"{len(vectors):,} embeddings of" if len(vectors) != 1 else "an embedding of"
    return Turn("", (Part("data", f"{many} {of}{f' ({kind})' if kind else ''}"),))


def _images(value: dict[str, Any]) -> Iterator[Turn]:
    parts: list[Part] = []
    form = as_text(value.get("output_format")) or "png"
    for item in as_dicts(value.get("data")):
        if item.get("b64_json") or (item.get("url") and "object" not in item):
            parts += text_part(item.get("revised_prompt"))
            parts.append(media("image", item.get("b64_json") or item.get("url"), f"image/{form}"))
    if as_text(value.get("b64_json")):  # the end of a stream
        parts.append(media("image", value["b64_json"], f"image/{form}"))
    yield Turn("", tuple(parts))


def _verdicts(value: dict[str, Any]) -> Iterator[Turn]:
    """Moderations, classifications and rankings."""
    lines: list[str] = []
    results = (
        as_dicts(value.get("results")) or as_dicts(value.get("classifications")) or as_dicts(value.get("data"))
    )
    for result in results:
        categories = result.get("categories")
        score = result.get("relevance_score")
        if isinstance(categories, dict):
            flagged = [name for name, hit in categories.items() if hit is True]
            lines.append(f"flagged: {', '.join(flagged)}" if flagged else "not flagged")
        elif isinstance(score, (int, float)):
            lines.append(f"{result.get('index')}: {score:.4g}")
        elif "prediction" in result:
            lines.append(f"{as_json(result.get('input'))}: {as_json(result['prediction'])}".removeprefix(": "))
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"and {len(lines) - SHOWN} more"]
    yield Turn("", tuple(text_part("\n".join(lines), "data")))


_READERS = (_error, _choices, _candidates, _messages, _output, _embeddings, _images, _verdicts, _texts)
