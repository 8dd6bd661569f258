"""The events of a streamed answer, folded into the answer that the same endpoint gives without a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .values import as_dict, as_dicts, as_list, as_text

__all__ = ["folded"]


def folded(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One answer for many events; empty where none of them is known.

    Knows OpenAI's chat, completions, responses, images, transcriptions and runs, Anthropic, Gemini, Mistral,
    Cohere, Ollama, Bedrock, text-generation-inference and llama.cpp.

    Args:
        events: their decoded data, in order.
    """
    fold = _Fold()
    for event in events:
        fold.take(event)
    return fold.answer()


def _add(target: dict[str, Any], name: str, text: Any) -> None:
    if isinstance(text, str) and text:
        target[name] = as_text(target.get(name)) + text


class _Fold:
    """The answer so far."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._candidates: dict[int, list[dict[str, Any]]] = {}
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._message: dict[str, Any] = {}
        self._error: dict[str, Any] = {}
        self._text: dict[str, Any] = {}

    def take(self, event: dict[str, Any]) -> None:
        """Takes the next event."""
        kind = as_text(event.get("type")) or as_text(event.get("event_type"))
        if event.get("error") or kind == "error":
            self._error = event
        if "choices" in event:
            for choice in as_dicts(event["choices"]):
                self._choice(choice)
        elif "candidates" in event:
            for candidate in as_dicts(event["candidates"]):
                self._candidate(candidate)
        elif kind.startswith(("response.", "image_", "transcript.", "transcription.")):
            self._openai(kind, event)
        elif as_text(event.get("object")).startswith("thread."):
            self._run(event)
        elif kind.startswith(("message_", "content_block_")):
            self._anthropic(kind, event)
        elif "contentBlockIndex" in event:
            self._bedrock(event)
        elif kind:
            self._cohere(kind, event)
        else:
            self._line(event)

    def answer(self) -> dict[str, Any]:
        """What the events add up to."""
        if self._choices:
            return {"choices": [{"index": index} | self._choices[index] for index in sorted(self._choices)]}
        if self._candidates:
            return {
                "candidates": [
                    {"content": {"role": "model", "parts": parts}} for parts in self._candidates.values()
                ]
            }
        if self._whole:
            return self._whole
        blocks = [self._blocks[index] for index in sorted(self._blocks, key=str)] if self._blocks else []
        if blocks and all("type" in block and block["type"].startswith("item:") for block in blocks):
            return {"output": [block | {"type": block["type"].removeprefix("item:")} for block in blocks]}
        if blocks:
            return {"role": self._message.get("role", "assistant"), "content": blocks}
        if self._message:
            return {"message": {"role": "assistant"} | self._message}
        return self._text or self._error

    def _choice(self, choice: dict[str, Any]) -> None:
        index = choice.get("index")
        known = self._choices.setdefault(index if isinstance(index, int) else 0, {})
        if isinstance(choice.get("text"), str):
            _add(known, "text", choice["text"])
            return
        delta = as_dict(choice.get("delta")) or as_dict(choice.get("message"))
        message = known.setdefault("message", {"role": "assistant"})
        content = delta.get("content")
        if isinstance(content, list):  # Mistral: parts that think and say
            for part in as_dicts(content):
                inner = part.get("thinking")
                if isinstance(inner, list):
                    for piece in as_dicts(inner):
                        _add(message, "reasoning", piece.get("text"))
                else:
                    _add(message, "content", part.get("text"))
        for name in ("content", "reasoning_content", "reasoning", "refusal"):
            _add(message, name, delta.get(name))
        audio = as_dict(delta.get("audio"))
        for name in ("transcript", "data"):
            if audio.get(name):
                _add(message.setdefault("audio", {}), name, audio[name])
        for call in as_dicts(delta.get("tool_calls")):
            _call(message, call.get("index", 0), call)
        legacy = as_dict(delta.get("function_call"))
        if legacy:
            known_call = message.setdefault("function_call", {})
            for name in ("name", "arguments"):
                _add(known_call, name, legacy.get(name))

    def _candidate(self, candidate: dict[str, Any]) -> None:
        index = candidate.get("index")
        parts = self._candidates.setdefault(index if isinstance(index, int) else 0, [])
        for part in as_dicts(as_dict(candidate.get("content")).get("parts")):
            before = parts[-1] if parts else {}
            joins = isinstance(part.get("text"), str) and isinstance(before.get("text"), str)
            if joins and part.get("thought") == before.get("thought"):
                parts[-1] = before | {"text": before["text"] + part["text"]}
            else:
                parts.append(dict(part))

    def _openai(self, kind: str, event: dict[str, Any]) -> None:
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            self._whole = as_dict(event.get("response"))
        elif kind in ("image_generation.completed", "image_edit.completed", "transcript.text.done"):
            self._whole = {name: value for name, value in event.items() if name != "type"}
        elif kind == "transcription.done":
            self._whole = event | {"type": ""}
        elif kind in ("response.output_item.added", "response.output_item.done"):
            item = as_dict(event.get("item"))
            self._blocks[_place(event)] = item | {"type": f"item:{as_text(item.get('type'))}"}
        elif kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
            block = self._blocks.setdefault(_place(event), {"type": "item:function_call"})
            _add(block, "input" if "custom" in kind else "arguments", event.get("delta"))
        elif kind in ("response.output_text.delta", "response.refusal.delta"):
            block = self._blocks.setdefault(_place(event), {"type": "item:message", "role": "assistant"})
            if not isinstance(block.get("content"), list) or not block["content"]:
                block["content"] = [{"type": "output_text", "text": ""}]
            if isinstance(block["content"][0], dict):
                _add(block["content"][0], "text", event.get("delta"))
        elif kind == "transcript.text.delta":
            _add(self._text, "text", event.get("delta"))

    def _run(self, event: dict[str, Any]) -> None:
        """OpenAI's runs: deltas of messages and of steps."""
        delta = as_dict(event.get("delta"))
        for part in as_dicts(delta.get("content")):
            text = part.get("text")
            _add(self._message, "content", as_dict(text).get("value"))
        for call in as_dicts(as_dict(delta.get("step_details")).get("tool_calls")):
            _call(self._message, call.get("index", 0), call)

    def _anthropic(self, kind: str, event: dict[str, Any]) -> None:
        index = event.get("index", 0)
        if kind == "message_start":
            self._message.setdefault("role", as_text(as_dict(event.get("message")).get("role")) or "assistant")
        elif kind == "content_block_start":
            block = dict(as_dict(event.get("content_block")))
            if block.get("input") == {}:
                block["input"] = ""
            self._blocks[_key(index)] = {"type": "text"} | block
        elif kind == "content_block_delta":
            block = self._blocks.setdefault(_key(index), {"type": "text"})
            delta = as_dict(event.get("delta"))
            _add(block, "text", delta.get("text"))
            _add(block, "thinking", delta.get("thinking"))
            if isinstance(delta.get("partial_json"), str):
                block["input"] = as_text(block.get("input")) + delta["partial_json"]

    def _bedrock(self, event: dict[str, Any]) -> None:
        index = _key(event.get("contentBlockIndex"))
        start = as_dict(as_dict(event.get("start")).get("toolUse"))
        delta = as_dict(event.get("delta"))
        block = self._blocks.setdefault(index, {"type": ""})
        if start:
            block["toolUse"] = {"name": start.get("name"), "toolUseId": start.get("toolUseId"), "input": ""}
        _add(block, "text", delta.get("text"))
        tool = as_dict(delta.get("toolUse"))
        if tool:
            _add(block.setdefault("toolUse", {}), "input", tool.get("input"))
        reasoning = as_dict(delta.get("reasoningContent"))
        if reasoning:
            inner = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {})
            _add(inner, "text", reasoning.get("text"))

    def _cohere(self, kind: str, event: dict[str, Any]) -> None:
        message = as_dict(as_dict(event.get("delta")).get("message"))
        if kind == "content-delta":
            content = as_dict(message.get("content"))
            _add(self._message, "content", content.get("text"))
            _add(self._message, "thinking", content.get("thinking"))
        elif kind == "tool-plan-delta":
            _add(self._message, "tool_plan", message.get("tool_plan"))
        elif kind in ("tool-call-start", "tool-call-delta"):
            _call(self._message, event.get("index", 0), as_dict(message.get("tool_calls")))
        elif kind == "text-generation":  # v1
            _add(self._message, "content", event.get("text"))
        elif kind == "stream-end":
            self._whole = as_dict(event.get("response"))

    def _line(self, event: dict[str, Any]) -> None:
        """Events without a type: Ollama, text-generation-inference, llama.cpp, Bedrock's start, Titan."""
        message = event.get("message")
        if isinstance(message, dict):
            for name in ("content", "thinking"):
                _add(self._message, name, message.get(name))
            for call in as_dicts(message.get("tool_calls")):
                self._message.setdefault("tool_calls", []).append(call)
            return
        _add(self._text, "response", event.get("response"))
        _add(self._text, "thinking", event.get("thinking"))
        token = as_dict(event.get("token"))
        if token and token.get("special") is not True:
            _add(self._text, "response", token.get("text"))
        if "stop" in event:
            _add(self._text, "content", event.get("content"))
        _add(self._text, "response", event.get("outputText"))
        if as_text(event.get("role")):
            self._message.setdefault("role", event["role"])


def _place(event: dict[str, Any]) -> Any:
    return _key(event.get("output_index", 0))


def _key(index: Any) -> Any:
    return index if isinstance(index, int) else 0


def _call(message: dict[str, Any], index: Any, call: dict[str, Any]) -> None:
    """Adds what a delta brings of a tool call."""
    calls = message.setdefault("tool_calls", [])
    for known in as_list(calls):
        if known["index"] == index:
            break
    else:
        known = {"index": index, "function": {}}
        calls.append(known)
    if as_text(call.get("id")):
        known["id"] = call["id"]
    function = as_dict(call.get("function")) or as_dict(call.get("custom"))
    for name in ("name", "arguments", "input"):
        _add(known["function"], name, function.get(name))
