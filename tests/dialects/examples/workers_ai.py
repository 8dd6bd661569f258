"""Cloudflare's Workers AI: https://developers.cloudflare.com/workers-ai/features/streaming/."""

from __future__ import annotations

from tests.dialects.example import Example, document, events

PATH = "/client/v4/accounts/a1/ai/run/@cf/meta/llama-3.1-8b-instruct"
ASKED = {"prompt": "A colour?"}
PIECES = ({"response": "Ré", "p": "abc"}, {"response": "d", "p": "abcd"}, {"response": "", "usage": {}})

EXAMPLES = [
    Example("workers ai", "streamed", PATH, {**ASKED, "stream": True}, events(*PIECES, "[DONE]")),
    Example(
        "workers ai",
        "document",
        PATH,
        ASKED,
        document({"result": {"response": "Réd"}, "success": True, "errors": [], "messages": []}),
    ),
    Example(
        "workers ai",
        "document of a failure",
        PATH,
        ASKED,
        document({"result": None, "success": False, "errors": [{"code": 3040, "message": "No capacity"}]}),
        fails=True,
    ),
]
