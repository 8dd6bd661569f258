"""Those who speak OpenAI's API, where they differ.

https://openrouter.ai/docs/api-reference/streaming, https://openrouter.ai/docs/api-reference/errors-and-debugging
https://console.groq.com/docs/api-reference, https://docs.perplexity.ai/api-reference/chat-completions-post
https://api-docs.deepseek.com/api/create-chat-completion, https://docs.x.ai/docs/api-reference
"""

from __future__ import annotations

from tests.dialects.example import Example, document, events

from .openai_chat import ASKED, DONE, PIECES, STREAMED, USAGE, choice, chunk, completion, piece

OPENROUTER = "/api/v1/chat/completions"
GROQ = "/openai/v1/chat/completions"
PLAIN = "/chat/completions"
XAI = "/v1/chat/completions"
WAITING = b": OPENROUTER PROCESSING\n\n"
FAILURE = {"code": 502, "message": "Provider disconnected"}

EXAMPLES = [
    Example(
        "openrouter",
        "image, document",  # https://openrouter.ai/blog/tutorials/image-generation/
        "/api/v1/images",
        {"model": "bytedance-seed/seedream-4.5", "prompt": "A colour"},
        document({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}),
    ),
    Example(
        "openrouter",
        "streamed among comments",
        OPENROUTER,
        STREAMED,
        events(WAITING, *PIECES[:2], WAITING, *PIECES[2:], chunk(piece("", reason="stop")), DONE),
        -1,
        -2,
    ),
    Example(
        "openrouter",
        "streamed, usage behind the reason",
        OPENROUTER,
        STREAMED,
        events(WAITING, *PIECES, chunk(piece("", reason="stop")), chunk(piece(""), usage=USAGE), DONE),
        -1,
        -3,
    ),
    Example(
        "openrouter",
        "streamed, a failure beside its choice",
        OPENROUTER,
        STREAMED,
        events(WAITING, *PIECES, chunk(piece("", reason="error"), error=FAILURE)),
        fails=True,
    ),
    Example(
        "openrouter",
        "document, a failure in its choice",
        OPENROUTER,
        ASKED,
        document(completion({**choice(""), "error": FAILURE})),
        fails=True,
    ),
    Example("openrouter", "document of a failure", OPENROUTER, ASKED, document({"error": FAILURE}), fails=True),
    Example(
        "groq",
        "streamed",
        GROQ,
        STREAMED,
        events(
            chunk(piece(""), x_groq={"id": "req_1"}),
            *PIECES,
            chunk(piece(reason="stop"), x_groq={"id": "req_1", "usage": USAGE}),
            DONE,
        ),
        -1,
        -2,
    ),
    Example(
        "groq",
        "streamed, stopped early",
        GROQ,
        STREAMED,
        events(*PIECES, chunk(piece(reason="stop"), x_groq={"id": "req_1", "error": "over_capacity"}), DONE),
        fails=True,
    ),
    Example(
        "perplexity",
        "streamed without [DONE]",
        PLAIN,
        STREAMED,
        events(
            *(chunk(piece(text), citations=["https://example.com"], usage=USAGE) for text in ("Ré", "d")),
            chunk(piece("", reason="stop"), usage=USAGE),
        ),
        None,
    ),
    Example("perplexity", "document", PLAIN, ASKED, document(completion(choice(), search_results=[]))),
    Example(
        "deepseek",
        "streamed, kept alive",
        PLAIN,
        STREAMED,
        events(b": keep-alive\n\n", *PIECES, chunk(piece("", reason="stop"), usage=USAGE), DONE),
        -1,
        -2,
    ),
    Example(
        "deepseek",
        "streamed, broken off",
        PLAIN,
        STREAMED,
        events(*PIECES, chunk(piece("", reason="insufficient_system_resource"), usage=USAGE), DONE),
        fails=True,
    ),
    Example(
        "deepseek",
        "document, broken off",
        PLAIN,
        ASKED,
        document(completion(choice("Ré", "insufficient_system_resource"))),
        fails=True,
    ),
    Example(
        "xai", "streamed", XAI, STREAMED, events(*PIECES, chunk(piece(reason="stop"), usage=USAGE), DONE), -1, -2
    ),
    Example("xai", "document", XAI, ASKED, document(completion(choice(), citations=None))),
]
