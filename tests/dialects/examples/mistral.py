"""Mistral, by its own API and by Vertex: https://docs.mistral.ai/api."""

from __future__ import annotations

from tests.dialects.example import Example, document, events

from .openai_chat import ASKED, CHAT, DONE, PIECES, STREAMED, USAGE, choice, chunk, completion, piece

FIM = {"model": "codestral-latest", "prompt": "def red(", "suffix": "return 1"}
VERTEX = "/v1/projects/p/locations/us-central1/publishers/mistralai/models/mistral-large-2411:{verb}"
WHOLE = events(*PIECES, chunk(piece("", reason="stop"), usage=USAGE), DONE)

EXAMPLES = [
    Example("mistral", "streamed", CHAT, STREAMED, WHOLE, -1, -2),
    Example(
        "mistral", "fill in the middle, streamed", "/v1/fim/completions", {**FIM, "stream": True}, WHOLE, -1, -2
    ),
    Example(
        "mistral",
        "fill in the middle",
        "/v1/fim/completions",
        FIM,
        document(completion(choice("", "model_length"))),
    ),
    Example(
        "mistral",
        "read from a picture",
        "/v1/ocr",
        {
            "model": "mistral-ocr-latest",
            "document": {"type": "image_url", "image_url": "https://example.com/a.png"},
        },
        document({"pages": [{"index": 0, "markdown": "Réd"}], "usage_info": {"pages_processed": 1}}),
    ),
    Example(
        "mistral",
        "streamed failure",
        CHAT,
        STREAMED,
        events(*PIECES, chunk(piece("", reason="error")), DONE),
        fails=True,
    ),
    Example(
        "mistral", "document of a failure", CHAT, ASKED, document(completion(choice("", "error"))), fails=True
    ),
    Example(
        "mistral",
        "document that is an error",
        CHAT,
        ASKED,
        document({"object": "error", "message": "Service unavailable.", "type": "unavailable", "code": 3505}),
        fails=True,
    ),
    Example("vertex", "mistral, streamed", VERTEX.format(verb="streamRawPredict"), STREAMED, WHOLE, -1, -2),
    Example(
        "vertex", "mistral, document", VERTEX.format(verb="rawPredict"), ASKED, document(completion(choice()))
    ),
]
