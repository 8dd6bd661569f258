"""Azure's forms of OpenAI's API.

https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming: the first chunk tells of the
filters and has no choices
"""

from __future__ import annotations

from tests.dialects.example import Example, document, events

from .openai_chat import ASKED, DONE, PIECES, STREAMED, choice, chunk, completion, piece

PATH = "/openai/deployments/colours/chat/completions?api-version=2024-10-21"
FILTERED = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}

EXAMPLES = [
    Example(
        "azure openai",
        "streamed",
        PATH,
        STREAMED,
        events(chunk(**FILTERED), *PIECES, chunk(piece(reason="stop", content_filter_results={})), DONE),
        -1,
        -2,
    ),
    Example("azure openai", "document", PATH, ASKED, document(completion(choice(), **FILTERED))),
    Example(
        "azure openai",
        "streamed failure",
        PATH,
        STREAMED,
        events(chunk(**FILTERED), {"error": {"code": "InternalServerError", "message": "The model failed"}}),
        fails=True,
    ),
]
