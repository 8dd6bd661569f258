"""OpenAI's responses.

https://platform.openai.com/docs/api-reference/responses-streaming
https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Answer, Example, document, named_events

PATH = "/v1/responses"
ASKED = {"model": "gpt-5", "input": "A colour?"}
STREAMED = {**ASKED, "stream": True}


def response(status: str, **members: Any) -> dict[str, Any]:
    """A response as it stands."""
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Réd"}]}
    output = [said] if status in ("completed", "incomplete") else []
    return {"id": "resp_1", "object": "response", "status": status, "error": None, "output": output} | members


def streamed(*last: dict[str, Any]) -> Answer:
    """A stream with these events behind the text."""
    return named_events(
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": "Ré"},
        {"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "text": "Réd"},
        *last,
    )


CUT_OFF = {"incomplete_details": {"reason": "max_output_tokens"}}
ERROR = {"error": {"code": "server_error", "message": "The model failed"}}

EXAMPLES = [
    Example(
        "openai responses",
        "streamed",
        PATH,
        STREAMED,
        streamed({"type": "response.completed", "response": response("completed")}),
    ),
    Example(
        "openai responses",
        "streamed, out of tokens",
        PATH,
        STREAMED,
        streamed({"type": "response.incomplete", "response": response("incomplete", **CUT_OFF)}),
    ),
    Example("openai responses", "document", PATH, ASKED, document(response("completed"))),
    Example(
        "openai responses", "document, out of tokens", PATH, ASKED, document(response("incomplete", **CUT_OFF))
    ),
    Example(
        "openai responses",
        "compacted",
        f"{PATH}/compact",
        ASKED,
        document({"id": "resp_1", "object": "response.compaction", "output": [], "usage": {"input_tokens": 9}}),
    ),
    Example(
        "openai responses",
        "streamed failure",
        PATH,
        STREAMED,
        streamed({"type": "response.failed", "response": response("failed", **ERROR)}),
        fails=True,
    ),
    Example(
        "openai responses",
        "streamed, failed by its status",
        PATH,
        STREAMED,
        streamed({"type": "response.completed", "response": response("failed")}),
        fails=True,
    ),
    Example(
        "openai responses",
        "streamed, cancelled",
        PATH,
        STREAMED,
        streamed({"type": "response.completed", "response": response("cancelled")}),
        fails=True,
    ),
    Example(
        "openai responses",
        "streamed error",
        PATH,
        STREAMED,
        streamed({"type": "error", "code": "server_error", "message": "The model failed", "param": None}),
        fails=True,
    ),
    Example(
        "openai responses", "document of a failure", PATH, ASKED, document(response("failed", **ERROR)), fails=True
    ),
    Example("openai responses", "document, cancelled", PATH, ASKED, document(response("cancelled")), fails=True),
]
