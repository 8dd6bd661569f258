"""Anthropic's messages, as its own API, Vertex and Bedrock answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import AnswerHeader, BaseUrl, CredentialPlace, Dialect, Endpoint, Equivalent, no_op_rows
from ...progress import Progress


class MessagesProgress(Progress):
    """`message_start`, content blocks, `message_delta`, `message_stop`; of the older API, texts with a reason."""

    name = "anthropic messages"
    fillers = ("partial_json", "signature", "text", "thinking")
    needs_terminal = True
    has_done_marker = False

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return name in ("message", "completion", "message_start", "message_delta", "message_stop") or (
            name.startswith("content_block_")
        )

    def take(self, name: str, value: dict[str, Any]) -> None:
        told = {member: self.an_object(value.get(member)) for member in ("message", "content_block", "delta")}
        if name == "message_delta":
            self.finish("", told["delta"].get("stop_reason"))
        elif name == "message_stop":
            self.terminal = True
        elif name == "completion":
            self.finish("", value.get("stop_reason"))
            self.terminal = bool(self.reasons[""])

    def document(self, value: dict[str, Any]) -> None:
        self.finish("", value.get("stop_reason"))
        self.terminal = True


def _text_content(body: dict[str, Any]) -> bool:
    found = False
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list) and len(content) == 1:
            block = content[0]
            if (
                isinstance(block, dict)
                and block.keys() == {"type", "text"}
                and block["type"] == "text"
                and isinstance(block["text"], str)
            ):
                message["content"] = block["text"]
                found = True
    return found


_CONNECTOR = "https://docs.anthropic.com/en/docs/agents-and-tools/mcp-connector"
_BATCHES = "https://docs.claude.com/en/api/creating-message-batches: requests.params are those of a message"

DIALECT = Dialect(
    name="anthropic",
    provider="anthropic",
    base_url=BaseUrl("anthropic", "https://api.anthropic.com", "https://docs.anthropic.com/en/api/overview"),
    hosts=("api.anthropic.com",),
    endpoints=(
        Endpoint(
            ("/v1/messages",),
            "https://docs.claude.com/en/api/messages; "
            "https://docs.claude.com/en/docs/build-with-claude/streaming#event-types: a final message_stop event",
            ("messages",),
            needs=("model",),  # who sends messages to people has none
            forms=(MessagesProgress,),
        ),
        # an assistant's thread or a conversation may have the name of a version
        Endpoint(
            ("/threads/v1/messages", "/conversations/v1/messages"),
            "https://platform.openai.com/docs/api-reference/messages/createMessage",
            kind="other",
        ),
        Endpoint(
            ("/v1/complete",),
            "https://docs.claude.com/en/api/complete",
            ("prompt",),
            forms=(MessagesProgress,),
        ),
    ),
    headers=(
        AnswerHeader("anthropic-beta", "https://docs.claude.com/en/api/beta-headers", is_set=True),
        AnswerHeader("anthropic-version", "https://docs.claude.com/en/api/versioning"),
    ),
    response_headers=("anthropic-ratelimit-*", "request-id"),
    # not temperature, which later models refuse beside other parameters
    no_ops=tuple(
        no_op_rows(
            r"/v1/messages",
            "https://docs.anthropic.com/en/api/messages: *",
            {"tool_choice.disable_parallel_tool_use": False},
        )
    ),
    equivalents=(
        Equivalent(
            r"/v1/messages",
            "a message's content as a text is a list of one text block",
            "https://docs.anthropic.com/en/api/messages: messages.content",
            _text_content,
        ),
    ),
    credentials=(
        CredentialPlace("mcp_servers[*].authorization_token", _CONNECTOR, chooses_data=True),
        CredentialPlace("mcp_servers[*].url", _CONNECTOR, chooses_data=True, is_url=True),
        CredentialPlace("requests[*].params.mcp_servers[*].authorization_token", _BATCHES, chooses_data=True),
        CredentialPlace("requests[*].params.mcp_servers[*].url", _BATCHES, chooses_data=True, is_url=True),
    ),
    # https://docs.claude.com/en/docs/build-with-claude/streaming: a ping may come anywhere
    pieces=("completion", "partial_json", "text", "thinking"),
    noise=("ping", "signature"),
    # https://docs.claude.com/en/api/messages: signatures of thoughts, redacted_thinking.data, sources in base64,
    # https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool: encrypted_content, encrypted_index
    encoded=("data", "encrypted_content", "encrypted_index", "encrypted_stdout", "signature"),
    ids=(r"(msg|toolu|srvtoolu|req)_[\w-]{6,}",),
    texts=("content", "context", "description", "prompt", "system", "text", "thinking", "title"),
    text_objects=("input",),
)
