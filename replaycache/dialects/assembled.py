"""The text of a streamed answer in one piece, for people who read it: pure, and never used to replay."""

from __future__ import annotations

from typing import Any

import orjson

from .framing.sse import EventDecoder, LineDecoder

__all__ = ["assembled", "events_of"]


def assembled(body: bytes) -> str:
    """What the events of a stream say, put together: text, then the arguments of each tool call.

    Knows the deltas of OpenAI chat, completions and responses, Anthropic messages, Gemini, Cohere and Ollama;
    empty where none of them is there.

    Args:
        body: the whole body, content-encoding undone.
    """
    texts: dict[str, list[str]] = {}
    for event in events_of(body):
        for place, text in _deltas(event):
            texts.setdefault(place, []).append(text)
    said = "".join(texts.pop("", []))
    return "\n".join(
        [*([said] if said else []), *(f"{place}: {''.join(parts)}" for place, parts in texts.items())]
    )


def events_of(body: bytes) -> list[dict[str, Any]]:
    """The events or lines of a streamed body whose data is a JSON object, decoded."""
    if body.lstrip()[:1] == b"{":
        lines = LineDecoder()
        data = [*lines.feed(body), *lines.flush()]
    else:
        events = EventDecoder()
        data = [event.data for event in (*events.feed(body), *events.flush())]
    found = []
    for piece in data:
        try:
            value = orjson.loads(piece or b"")
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def _deltas(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of a place, empty for the answer's text, and what is added there."""
    found: list[tuple[str, Any]] = []
    for choice in _dicts(event.get("choices")):  # OpenAI chat and completions
        name = f"choice {choice['index']}" if choice.get("index") else ""
        delta = _dict(choice.get("delta"))
        found += [(name, delta.get("content")), (name, choice.get("text"))]
        for call in _dicts(delta.get("tool_calls")):
            found.append((f"tool call {call.get('index', 0)}", _dict(call.get("function")).get("arguments")))
    kind = str(event.get("type", ""))
    if kind == "response.output_text.delta":  # OpenAI responses
        found.append(("", event.get("delta")))
    elif kind == "response.function_call_arguments.delta":
        found.append((f"tool call {event.get('output_index', 0)}", event.get("delta")))
    elif kind == "content_block_delta":  # Anthropic messages
        delta = _dict(event.get("delta"))
        found.append(("", delta.get("text")))
        found.append((f"tool call {event.get('index', 0)}", delta.get("partial_json")))
    elif kind == "content-delta":  # Cohere
        content = _dict(_dict(_dict(event.get("delta")).get("message")).get("content"))
        found.append(("", content.get("text")))
    for candidate in _dicts(event.get("candidates")):  # Gemini
        name = f"candidate {candidate['index']}" if candidate.get("index") else ""
        found += [(name, part.get("text")) for part in _dicts(_dict(candidate.get("content")).get("parts"))]
    found.append(("", _dict(event.get("message")).get("content")))  # Ollama
    found.append(("", event.get("response")))
    return [(place, text) for place, text in found if isinstance(text, str) and text]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
