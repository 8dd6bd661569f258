"""Google's Gemini, by its own API and by Vertex.

https://ai.google.dev/api/generate-content, https://ai.google.dev/api/embeddings,
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Example, array, document, events

MODEL = "/v1beta/models/gemini-2.5-flash"
STREAM = f"{MODEL}:streamGenerateContent"
ASKED = {"contents": [{"role": "user", "parts": [{"text": "A colour?"}]}]}
TWICE = {**ASKED, "generationConfig": {"candidateCount": 2}}
TWICE_TOO = {**ASKED, "generation_config": {"candidate_count": 2}}


def candidate(text: str, reason: str | None = None, index: int | None = 0) -> dict[str, Any]:
    """What one candidate says."""
    told: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}}
    if reason is not None:
        told["finishReason"] = reason
    return told if index is None else {**told, "index": index}


def answer(*candidates: dict[str, Any]) -> dict[str, Any]:
    """A response."""
    return {
        "candidates": [*candidates],
        "usageMetadata": {"promptTokenCount": 4},
        "modelVersion": "gemini-2.5-flash",
    }


WHOLE = (answer(candidate("R")), answer(candidate("é")), answer(candidate("d", "STOP")))
TWO = (
    answer(candidate("Red"), candidate("Blue", index=1)),
    answer(candidate("", "STOP")),
    answer(candidate("", "MAX_TOKENS", 1)),
)
BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
FAILURE = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
VERTEX = "/v1/projects/p/locations/us-central1/publishers/google/models"

EXAMPLES = [
    Example("gemini", "events", f"{STREAM}?alt=sse", ASKED, events(*WHOLE), None),
    Example("gemini", "events, two candidates", f"{STREAM}?alt=sse", TWICE, events(*TWO), None),
    Example(
        "gemini",
        "events, one candidate behind the other",
        f"{STREAM}?alt=sse",
        TWICE,
        events(answer(candidate("Red", "STOP")), answer(candidate("Blue", "STOP", 1))),
        None,
    ),
    Example(
        "gemini",
        "events, two candidates, in the other spelling",
        f"{STREAM}?alt=sse",
        TWICE_TOO,
        events(answer(candidate("Red", "STOP")), answer(candidate("Blue", "STOP", 1))),
        None,
    ),
    Example("gemini", "events, two candidates, blocked prompt", f"{STREAM}?alt=sse", TWICE, events(BLOCKED), None),
    Example("gemini", "events, blocked prompt", f"{STREAM}?alt=sse", ASKED, events(BLOCKED), None),
    Example("gemini", "array", STREAM, ASKED, array(*WHOLE)),
    Example("gemini", "array, two candidates", STREAM, TWICE, array(*TWO)),
    Example("gemini", "array, blocked prompt", STREAM, ASKED, array(BLOCKED)),
    Example("gemini", "document", f"{MODEL}:generateContent", ASKED, document(answer(candidate("Réd", "STOP")))),
    Example(
        "gemini",
        "document without an index",
        f"{MODEL}:generateContent",
        ASKED,
        document(answer(candidate("Réd", "MAX_TOKENS", None))),
    ),
    Example("gemini", "document, blocked prompt", f"{MODEL}:generateContent", ASKED, document(BLOCKED)),
    Example(
        "gemini",
        "answer from passages",
        "/v1beta/models/aqa:generateAnswer",
        {**ASKED, "answerStyle": "EXTRACTIVE", "inlinePassages": {"passages": []}},
        document({"answer": candidate("Réd", "STOP"), "answerableProbability": 0.9}),
    ),
    Example(
        "gemini",
        "embedding",
        "/v1beta/models/gemini-embedding-001:embedContent",
        {"content": {"parts": [{"text": "red"}]}},
        document({"embedding": {"values": [0.5, -0.25]}}),
    ),
    Example(
        "gemini",
        "events, a failure in bare JSON behind them",
        f"{STREAM}?alt=sse",
        ASKED,
        events(*WHOLE[:2], b'{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE"\n  }\n}\n'),
        fails=True,
    ),
    Example("gemini", "events, a failure", f"{STREAM}?alt=sse", ASKED, events(*WHOLE[:2], FAILURE), fails=True),
    Example("gemini", "array, a failure", STREAM, ASKED, array(*WHOLE[:2], FAILURE), fails=True),
    Example("gemini", "array that is a failure", STREAM, ASKED, array(FAILURE), fails=True),
    Example("gemini", "document of a failure", f"{MODEL}:generateContent", ASKED, document(FAILURE), fails=True),
    Example(
        "vertex",
        "gemini, events",
        f"{VERTEX}/gemini-2.5-flash:streamGenerateContent?alt=sse",
        ASKED,
        events(*WHOLE),
        None,
    ),
    Example(
        "vertex",
        "prediction",
        f"{VERTEX}/text-embedding-005:predict",
        {"instances": [{"content": "red"}]},
        document({"predictions": [{"embeddings": {"values": [0.5, -0.25]}}]}),
    ),
]
