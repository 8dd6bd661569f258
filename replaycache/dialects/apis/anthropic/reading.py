"""What Anthropic's messages say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...counts import Counts, count, units
from ...fold import Fold, add, place
from ...reading import Contents, ErrorForm, Reading, UsageForm
from ...values import Part, Turn, as_dict, as_dicts, as_json, as_text, media, text_part
from . import MessagesProgress


def _usage(usage: Mapping[str, Any]) -> Counts:
    """The input is the sum of input_tokens, cache_read_input_tokens and cache_creation_input_tokens.

    https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance.
    https://docs.anthropic.com/en/docs/build-with-claude/compaction: iterations of type compaction come on top.
    """
    rows = [usage, *(row for row in as_dicts(usage.get("iterations")) if row.get("type") == "compaction")]
    cached, written = (
        sum(count(row.get(name)) for row in rows)
        for name in ("cache_read_input_tokens", "cache_creation_input_tokens")
    )
    out = as_dict(usage.get("output_tokens_details"))
    return Counts(
        sum(count(row.get("input_tokens")) for row in rows) + cached + written,
        sum(count(row.get("output_tokens")) for row in rows),
        cached,
        written,
        count(out.get("thinking_tokens")),
        units(
            cache_write_1h_tokens=as_dict(usage.get("cache_creation")).get("ephemeral_1h_input_tokens"),
            web_searches=as_dict(usage.get("server_tool_use")).get("web_search_requests"),
        ),
        # https://docs.anthropic.com/en/build-with-claude/fast-mode
        "fast" if usage.get("speed") == "fast" else "",
    )


class MessagesFold(Fold):
    """Content blocks by their number: https://docs.claude.com/en/docs/build-with-claude/streaming#event-types."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._blocks: dict[int, dict[str, Any]] = {}
        self._completion: dict[str, Any] = {}

    def take(self, name: str, event: dict[str, Any]) -> None:
        at = place(event.get("index"))
        if name == "message_start":
            self._role = as_text(as_dict(event.get("message")).get("role")) or self._role
        elif name == "content_block_start":
            block = as_dict(event.get("content_block"))
            self._blocks[at] = {"type": "text"} | block | ({"input": ""} if block.get("input") == {} else {})
        elif name == "content_block_delta":
            block = self._blocks.setdefault(at, {"type": "text"})
            delta = as_dict(event.get("delta"))
            add(block, "text", delta.get("text"))
            add(block, "thinking", delta.get("thinking"))
            add(block, "input", delta.get("partial_json"))
        elif name == "completion":
            add(self._completion, "completion", event.get("completion"))

    @property
    def answer(self) -> dict[str, Any]:
        blocks = [block for _, block in sorted(self._blocks.items())]
        return {"role": self._role, "content": blocks} if blocks else self._completion


def _turns(value: dict[str, Any], contents: Contents) -> Iterator[Turn]:
    if isinstance(value.get("content"), (list, str)) and ("role" in value or value.get("type") == "message"):
        yield contents.message(value, "assistant")


def _part(kind: str, value: dict[str, Any], contents: Contents) -> list[Part] | None:
    if kind in ("thinking", "redacted_thinking"):
        is_hidden = kind == "redacted_thinking" or value.get("signature")  # else none of it has come yet
        return text_part(value.get("thinking"), "reasoning") or [Part("reasoning", "(redacted)")] * bool(is_hidden)
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        name, id_ = as_text(value.get("name")), as_text(value.get("id"))
        return [Part("tool call", as_json(value.get("input")), name, id_)]
    if kind.endswith("tool_result"):
        content = value.get("content")
        text = "\n".join(part.text for part in contents.parts(content)) or as_json(content)
        return [Part("tool result", text, id=as_text(value.get("tool_use_id")))]
    source = as_dict(value.get("source"))
    if kind in ("image", "document") and source:
        given, title = (
            source.get("data") or source.get("url") or source.get("file_id"),
            as_text(value.get("title")),
        )
        if source.get("type") == "text":
            return [Part("file", f"text, {len(as_text(given)):,} characters", title)]
        return [media("image" if kind == "image" else "file", given, as_text(source.get("media_type")), title)]
    return None


_ERRORS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def _error_body(status: int, told: str) -> dict[str, Any]:
    """https://docs.claude.com/en/api/errors."""
    kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": told}, "request_id": None}


READING = Reading(
    errors=ErrorForm(("anthropic",), _error_body),
    usage_forms=(UsageForm(("input_tokens", "output_tokens"), _usage),),
    envelopes=("message",),  # of the event message_start
    folds=((MessagesProgress, MessagesFold),),
    turns=_turns,
    texts={"completion": "assistant"},
    instructions=("system",),
    part_types={"image": "image", "document": "file", "container_upload": "file"},
    part=_part,
)
