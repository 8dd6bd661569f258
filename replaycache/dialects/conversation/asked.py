"""What a request asks, as turns; for every provider whose endpoints `dialects.calls` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson

from ..._models import Request
from ...wire.multipart import NotMultipart, from_listing
from .parts import message, parts_of
from .values import Part, Turn, as_dict, as_dicts, as_json, as_list, as_text, text_part

__all__ = ["asked", "body_of", "items", "prompt", "tools_offered"]

_TEXTS = ("prompt", "input", "inputs", "query", "message", "text", "texts", "documents", "instances", "document")
"""Members that hold what is asked where no list of messages does, in the order in which they are shown."""


def body_of(request: Request) -> Any:
    """The decoded JSON body; None where it is none."""
    try:
        return orjson.loads(request.body)
    except ValueError:
        return None


def tools_offered(body: Any) -> tuple[str, ...]:
    """The names of the tools that the model may call."""
    names = []
    tools = as_dict(body).get("tools") or as_dict(as_dict(body).get("toolConfig")).get("tools")
    for tool in as_dicts(tools):
        declared = tool.get("functionDeclarations") or tool.get("function_declarations")
        inner = (
            as_dict(tool.get("function")) or as_dict(tool.get("custom")) or as_dict(tool.get("toolSpec")) or tool
        )
        for item in as_dicts(declared) or [inner]:
            name = as_text(item.get("name")) or as_text(item.get("server_label")) or as_text(item.get("type"))
            names.append(name or next(iter(item), ""))
    names += [as_text(item.get("name")) for item in as_dicts(as_dict(body).get("functions"))]
    return tuple(name for name in names if name)


def prompt(request: Request, body: Any = None) -> str:
    """The words that tell this request from others: the last thing the user said, or what else is asked.

    Args:
        request: as recorded.
        body: its decoded body, where the caller has it.
    """
    body = body_of(request) if body is None else body
    for item in reversed(as_dicts(as_dict(body).get("messages"))):  # far from the start of a long conversation
        if item.get("role") == "user":
            text = _words(message(item))
            if text:
                return text
    turns = asked(request, body)
    for wanted in ({"user"}, {"", "tool", "function"}, None):
        for turn in reversed(turns):
            if wanted is None or turn.role in wanted:
                text = _words(turn)
                if text:
                    return text
    return ""


def _words(turn: Turn) -> str:
    return " ".join(part.text for part in turn.parts if part.text)


def asked(request: Request, body: Any) -> list[Turn]:
    """The turns of a request: instructions, the messages so far, or the one text that is asked."""
    if isinstance(body, dict) and isinstance(body.get("multipart"), list):
        return _of_form(request)
    if isinstance(body, dict):
        return list(_turns(body))
    if isinstance(body, list):
        return [Turn("", (Part("data", as_json(body)),))]
    return _of_form(request)


def _turns(body: dict[str, Any]) -> Iterator[Turn]:
    yield from _instructions(body)
    for earlier in as_dicts(body.get("chat_history")):  # Cohere v1
        yield _cohere1(earlier)
    messages = as_list(body.get("messages"))
    contents = body.get("contents")
    if messages:
        for item in as_dicts(messages):
            yield message(item)
    elif contents:
        for item in as_dicts(contents if isinstance(contents, list) else [contents]):
            yield message(item, "user")
        yield from (Turn("user", tuple(text_part(item))) for item in as_list(contents) if isinstance(item, str))
    elif isinstance(body.get("input"), list) and any(isinstance(item, dict) for item in body["input"]):
        yield from items(body["input"], "user")
    elif "role" in body and "content" in body:  # a message that is added to a thread
        yield message(body)
    else:
        yield from _texts(body)


def _instructions(body: dict[str, Any]) -> Iterator[Turn]:
    for name in ("system", "systemInstruction", "system_instruction", "instructions", "preamble"):
        value = body.get(name)
        parts = parts_of(as_dict(value).get("parts") if isinstance(value, dict) and "parts" in value else value)
        if parts:
            yield Turn("system", tuple(parts))


def _cohere1(value: dict[str, Any]) -> Turn:
    role = as_text(value.get("role")).lower().replace("chatbot", "assistant")
    return Turn(role, (*text_part(value.get("message")), *message({"tool_calls": value.get("tool_calls")}).parts))


def _texts(body: dict[str, Any]) -> Iterator[Turn]:
    found: list[Part] = []
    for name in _TEXTS:
        value = body.get(name)
        if isinstance(value, str):
            found += text_part(value)
        elif isinstance(value, list):
            found += _list(value, name)
        elif isinstance(value, dict):
            found += parts_of(value)
    content = as_dict(body.get("content"))  # Gemini: embedContent
    found += message(content).parts
    for item in as_dicts(body.get("requests")):  # Gemini: batchEmbedContents
        found += message(as_dict(item.get("content"))).parts
    found += text_part(body.get("inputText"))  # Bedrock: Titan
    found += [Part("text", f"… {body['suffix']}")] if as_text(body.get("suffix")) else []
    found += message({"images": body.get("images")}).parts
    if found:
        yield Turn("user", tuple(found))


def _list(values: list[Any], name: str) -> list[Part]:
    if values and all(isinstance(value, int) for value in values):
        return [Part("data", f"{len(values):,} tokens")]
    found: list[Part] = []
    for value in values:
        if isinstance(value, list):
            found.append(Part("data", f"{len(value):,} tokens"))
        elif isinstance(value, dict) and name == "instances":
            found += text_part(value.get("prompt")) or text_part(value.get("content")) or parts_of(value)
        else:
            found += parts_of(value)
    return found


def items(values: list[Any], role: str) -> Iterator[Turn]:
    """The items of OpenAI's Responses API: messages, calls, results, reasoning.

    Args:
        values: the member `input` or `output`.
        role: of an item that has none.
    """
    for value in values:
        if isinstance(value, str):
            yield Turn(role, tuple(text_part(value)))
            continue
        item = as_dict(value)
        kind = as_text(item.get("type"))
        if kind.endswith("_call_output"):
            output = item.get("output")
            text = output if isinstance(output, str) else "\n".join(part.text for part in parts_of(output))
            yield Turn("tool", (Part("tool result", text or as_json(output), id=as_text(item.get("call_id"))),))
        elif kind.endswith("_call"):
            yield Turn("assistant", tuple(_call(kind, item)))
        elif kind == "reasoning":
            parts = (*parts_of(item.get("summary")), *parts_of(item.get("content")))
            if parts:
                yield Turn("assistant", parts)
        elif "content" in item or "role" in item:
            yield message(item, role)
        elif kind:
            # moderations and embeddings take bare parts
            yield Turn(role, tuple(parts_of(item)))
        elif item:
            yield Turn(role, (Part("data", as_json(item)),))


def _call(kind: str, item: dict[str, Any]) -> Iterator[Part]:
    name = as_text(item.get("name")) or kind.removesuffix("_call")
    about = next(
        (item[key] for key in ("arguments", "input", "action", "queries", "code") if item.get(key) is not None),
        None,
    )
    yield Part("tool call", as_json(about), name, as_text(item.get("call_id")) or as_text(item.get("id")))
    if kind == "image_generation_call" and as_text(item.get("result")):
        from .values import media

        yield media("image", item["result"], f"image/{as_text(item.get('output_format')) or 'png'}")


def _form(request: Request) -> list[Part]:
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        pairs = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
        return [Part("text", value, name) for name, value in pairs]
    if media_type != "multipart/form-data":
        return []
    try:
        listing = from_listing(request.body)
    except NotMultipart:
        return []
    return [
        Part("text", part.text, part.name)
        if part.text is not None
        else Part("file", f"{part.content_type or part.name}, {part.size:,} bytes", part.filename or part.name)
        for part in listing
    ]


def _of_form(request: Request) -> list[Turn]:
    """A form's texts that are asked, and its files; the other fields are settings."""
    parts = tuple(
        Part(part.kind, part.text, part.name if part.kind == "file" else "")
        for part in _form(request)
        if part.kind == "file" or part.name in ("prompt", "input", "text")
    )
    return [Turn("user", parts)] if parts else []
