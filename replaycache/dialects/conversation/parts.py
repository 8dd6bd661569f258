"""The content of a message, whichever provider's: text, or a list of parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .values import Kind, Part, Turn, as_dict, as_dicts, as_json, as_list, as_text, media, text_part

__all__ = ["message", "parts_of", "tool_calls"]

_Read = Callable[[dict[str, Any], int], list[Part]]

DEPTH = 6
"""Contents inside contents (a tool's result has parts of its own) that are gone into."""


def message(value: dict[str, Any], role: str = "") -> Turn:
    """A message: a role with content, tool calls, reasoning and a refusal beside it.

    Args:
        value: as OpenAI, Anthropic, Mistral, Cohere, Ollama, Bedrock and Gemini write it.
        role: where the message has none.
    """
    found: list[Part] = []
    for name in ("reasoning_content", "reasoning", "thinking", "tool_plan"):
        found += text_part(value.get(name), "reasoning")
    role = as_text(value.get("role")) or role
    if role == "tool" and value.get("content") is not None:
        found.append(
            Part(
                "tool result",
                _joined(value.get("content")),
                as_text(value.get("name")) or as_text(value.get("tool_name")),
                as_text(value.get("tool_call_id")),
            )
        )
    elif role == "function" and value.get("content") is not None:
        found.append(Part("tool result", _joined(value.get("content")), as_text(value.get("name"))))
    else:
        found += parts_of(value.get("content"))
    found += parts_of(value.get("parts"))
    found += text_part(value.get("refusal"), "refusal")
    found += [media("image", image) for image in as_list(value.get("images"))]
    audio = as_dict(value.get("audio"))
    if audio:
        found += text_part(audio.get("transcript"))
        found.append(media("audio", audio.get("data"), as_text(audio.get("format")) or "audio"))
    found += tool_calls(value)
    return Turn(role, tuple(found))


def _joined(content: Any) -> str:
    """A content as one text."""
    if isinstance(content, str):
        return content
    return "\n".join(part.text for part in parts_of(content)) or as_json(content)


def tool_calls(value: dict[str, Any]) -> list[Part]:
    """The tool calls that stand beside a message's content."""
    found = []
    for call in as_dicts(value.get("tool_calls")):
        function = as_dict(call.get("function")) or as_dict(call.get("custom")) or call
        arguments = next(
            (function[name] for name in ("arguments", "input", "parameters", "args") if name in function), None
        )
        found.append(Part("tool call", as_json(arguments), as_text(function.get("name")), as_text(call.get("id"))))
    function = as_dict(value.get("function_call"))
    if function:
        found.append(Part("tool call", as_json(function.get("arguments")), as_text(function.get("name"))))
    return found


def parts_of(content: Any, depth: int = 0) -> list[Part]:
    """The parts of a content: text, a part, or a list of parts."""
    if isinstance(content, str):
        return text_part(content)
    if isinstance(content, dict):
        return _part(content, depth)
    return [
        part
        for item in as_list(content)
        for part in (text_part(item) if isinstance(item, str) else _part(as_dict(item), depth))
    ]


def _part(value: dict[str, Any], depth: int) -> list[Part]:
    if not value:
        return []
    if depth > DEPTH:
        return [Part("data", as_json(value))]
    kind = as_text(value.get("type"))
    for reader in (_by_type, _by_member):
        found = reader(kind, value, depth)
        if found is not None:
            return found
    return [Part("data", as_json(value), kind)]


def _by_type(kind: str, value: dict[str, Any], depth: int) -> list[Part] | None:
    """A part that says its type: OpenAI, Anthropic, Mistral, Cohere."""
    if kind in ("text", "input_text", "output_text", "summary_text", "reasoning_text"):
        text = value.get("text")
        said = (
            as_dict(text).get("value") if isinstance(text, dict) else text
        )  # an assistant's text has annotations
        return text_part(said, "reasoning" if kind in ("summary_text", "reasoning_text") else "text")
    if kind in ("thinking", "redacted_thinking"):
        thinking = value.get("thinking")
        if isinstance(thinking, list):  # Mistral
            return text_part("".join(part.text for part in parts_of(thinking, depth + 1)), "reasoning")
        return text_part(thinking, "reasoning") or [Part("reasoning", "(redacted)")]
    if kind == "refusal":
        return text_part(value.get("refusal"), "refusal")
    if kind in _MEDIA:
        return [_media(_MEDIA[kind], kind, value)]
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        return [
            Part("tool call", as_json(value.get("input")), as_text(value.get("name")), as_text(value.get("id")))
        ]
    if kind.endswith("tool_result"):
        content = value.get("content")
        text = "\n".join(part.text for part in parts_of(content, depth + 1)) or as_json(content)
        return [Part("tool result", text, id=as_text(value.get("tool_use_id")))]
    return None


_MEDIA: dict[str, Kind] = {
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "image_file": "image",
    "input_audio": "audio",
    "audio": "audio",
    "audio_url": "audio",
    "video_url": "video",
    "input_video": "video",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "document_url": "file",
    "container_upload": "file",
}


def _media(kind: Kind, type_: str, value: dict[str, Any]) -> Part:
    inner = value.get(type_)
    about = inner if isinstance(inner, dict) else value
    source = as_dict(value.get("source"))
    name = next(
        (as_text(about[key]) for key in ("filename", "file_name", "title", "document_name") if about.get(key)), ""
    )
    if source:  # Anthropic
        if source.get("type") == "text":
            return Part(
                "file", f"text, {len(as_text(source.get('data'))):,} characters", as_text(value.get("title"))
            )
        given = source.get("data") or source.get("url") or source.get("file_id")
        return _given(kind, given, as_text(source.get("media_type")), as_text(value.get("title")))
    given = inner if isinstance(inner, str) else None
    for key in ("url", "data", "file_data", "file_url", "image_url", "video_url", "file_id"):
        given = given or about.get(key)
    return _given(kind, given, as_text(about.get("format")), name)


def _given(kind: Kind, given: Any, media_type: str, name: str) -> Part:
    text = as_text(given)
    if len(text) < 100 and text.startswith(("file-", "file_")):
        return Part(kind, text, name)
    return media(kind, text, media_type, name)


def _by_member(kind: str, value: dict[str, Any], depth: int) -> list[Part] | None:
    """A part that is known by its members: Gemini and Bedrock."""
    if isinstance(value.get("text"), str):
        return text_part(value["text"], "reasoning" if value.get("thought") is True else "text")
    for names, read in _MEMBERS:
        for name in names:
            if isinstance(value.get(name), dict):
                return read(value[name], depth)
    return None


def _inline(value: dict[str, Any], depth: int) -> list[Part]:
    media_type = as_text(value.get("mimeType")) or as_text(value.get("mime_type"))
    return [media(_kind_of(media_type), value.get("data"), media_type, as_text(value.get("displayName")))]


def _kind_of(media_type: str) -> Kind:
    kinds: dict[str, Kind] = {"image": "image", "audio": "audio", "video": "video"}
    return kinds.get(media_type.partition("/")[0], "file")


def _file_data(value: dict[str, Any], depth: int) -> list[Part]:
    media_type = as_text(value.get("mimeType")) or as_text(value.get("mime_type"))
    return [media(_kind_of(media_type), value.get("fileUri") or value.get("file_uri"), media_type)]


def _function_call(value: dict[str, Any], depth: int) -> list[Part]:
    return [Part("tool call", as_json(value.get("args")), as_text(value.get("name")), as_text(value.get("id")))]


def _function_response(value: dict[str, Any], depth: int) -> list[Part]:
    return [
        Part("tool result", as_json(value.get("response")), as_text(value.get("name")), as_text(value.get("id")))
    ]


def _code(value: dict[str, Any], depth: int) -> list[Part]:
    return [Part("tool call", as_text(value.get("code")), as_text(value.get("language")).lower() or "code")]


def _code_result(value: dict[str, Any], depth: int) -> list[Part]:
    return [Part("tool result", as_text(value.get("output")), as_text(value.get("outcome")))]


def _bedrock_tool_use(value: dict[str, Any], depth: int) -> list[Part]:
    return [
        Part("tool call", as_json(value.get("input")), as_text(value.get("name")), as_text(value.get("toolUseId")))
    ]


def _bedrock_tool_result(value: dict[str, Any], depth: int) -> list[Part]:
    content = value.get("content")
    texts = [
        as_json(item["json"]) if "json" in item else "\n".join(part.text for part in parts_of(item, depth + 1))
        for item in as_dicts(content)
    ]
    return [Part("tool result", "\n".join(texts) or as_json(content), id=as_text(value.get("toolUseId")))]


def _bedrock_reasoning(value: dict[str, Any], depth: int) -> list[Part]:
    return text_part(as_dict(value.get("reasoningText")).get("text"), "reasoning") or [
        Part("reasoning", "(redacted)")
    ]


def _bedrock_media(kind: Kind) -> _Read:
    def read(value: dict[str, Any], depth: int) -> list[Part]:
        source = as_dict(value.get("source"))
        given = source.get("bytes") or as_dict(source.get("s3Location")).get("uri")
        form = as_text(value.get("format"))
        return [media(kind, given, f"{kind}/{form}" if form else "", as_text(value.get("name")))]

    return read


_MEMBERS: tuple[tuple[tuple[str, ...], _Read], ...] = (
    (("inlineData", "inline_data"), _inline),
    (("fileData", "file_data"), _file_data),
    (("functionCall", "function_call"), _function_call),
    (("functionResponse", "function_response"), _function_response),
    (("executableCode", "executable_code"), _code),
    (("codeExecutionResult", "code_execution_result"), _code_result),
    (("toolUse",), _bedrock_tool_use),
    (("toolResult",), _bedrock_tool_result),
    (("reasoningContent",), _bedrock_reasoning),
    (("image",), _bedrock_media("image")),
    (("video",), _bedrock_media("video")),
    (("audio",), _bedrock_media("audio")),
    (("document",), _bedrock_media("file")),
)
