"""Servers of open models, where they speak for themselves.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
https://huggingface.github.io/text-generation-inference/, https://huggingface.github.io/text-embeddings-inference/
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Example, document, events

from .openai_chat import CHAT, DONE, PIECES, STREAMED, chunk, piece

ASKED = {"inputs": "A colour?", "parameters": {"max_new_tokens": 9}}
PROMPTED = {"prompt": "A colour?", "n_predict": 9}


def token(text: str, **members: Any) -> dict[str, Any]:
    """A token of text-generation-inference."""
    return {"index": 1, "token": {"id": 1, "text": text, "special": False}, "generated_text": None} | members


def heard(text: str, **members: Any) -> dict[str, Any]:
    """A chunk of a transcription by vLLM; each part of a long sound says why it finished."""
    return {"id": "t1", "object": "transcription.chunk", "choices": [{"delta": {"content": text}} | members]}


LAST = {"generated_text": "Réd", "details": {"finish_reason": "length", "generated_tokens": 2}}
STOPPED = {"content": "", "stop": True, "stop_type": "limit", "tokens_predicted": 2}

EXAMPLES = [
    Example(
        "llama.cpp",
        "completion, streamed",
        "/completion",
        {**PROMPTED, "stream": True},
        events({"content": "Ré", "stop": False}, {"content": "d", "stop": False}, STOPPED),
    ),
    Example(
        "llama.cpp",
        "completion, streamed, two prompts",
        "/completion",
        {"prompt": ["A colour?", "Another?"], "stream": True},
        events(
            {"index": 0, "content": "Réd", "stop": False},
            STOPPED | {"index": 0},
            {"index": 1, "content": "Blue", "stop": False},
            STOPPED | {"index": 1},
        ),
    ),
    Example("llama.cpp", "completion, document", "/completion", PROMPTED, document({**STOPPED, "content": "Réd"})),
    Example(
        "llama.cpp",
        "completion, a field that is an error",
        "/completion",
        {**PROMPTED, "stream": True},
        events({"content": "Ré", "stop": False}, b'error: {"code": 500, "message": "It failed"}\n\n'),
        fails=True,
    ),
    Example(
        "llama.cpp", "embedding", "/embedding", {"content": "red"}, document([{"index": 0, "embedding": [[0.5]]}])
    ),
    Example(
        "llama.cpp",
        "ranking",
        "/v1/reranking",
        {"query": "A colour?", "documents": ["red", "loud"]},
        document({"results": [{"index": 0, "relevance_score": 0.9}]}),
    ),
    Example(
        "text-generation-inference",
        "streamed",
        "/generate_stream",
        ASKED,
        events(token("Ré"), token("d", **LAST)),
    ),
    Example("text-generation-inference", "document", "/generate", ASKED, document(LAST)),
    Example(
        "text-generation-inference",
        "streamed failure",
        "/generate_stream",
        ASKED,
        events(token("Ré"), {"error": "Request failed during generation", "error_type": "generation"}),
        fails=True,
    ),
    Example("text-embeddings-inference", "embeddings", "/embed", {"inputs": ["red"]}, document([[0.5, -0.25]])),
    Example(
        "text-embeddings-inference",
        "document of a failure",
        "/embed",
        {"inputs": ["red"]},
        document({"error": "Model is overloaded", "error_type": "overloaded"}),
        fails=True,
    ),
    Example(
        "vllm",
        "scores",
        "/score",
        {"model": "m", "text_1": "A colour?", "text_2": ["red"]},
        document({"object": "list", "data": [{"index": 0, "object": "score", "score": 0.9}]}),
    ),
    Example(
        "vllm",
        "pooling",
        "/pooling",
        {"model": "m", "input": "red"},
        document({"object": "list", "data": [{"index": 0, "object": "pooling", "data": [[0.5]]}]}),
    ),
    Example(
        "vllm",
        "transcription, streamed",
        "/v1/audio/transcriptions",
        {"model": "openai/whisper-large-v3", "stream": "true"},
        events(heard("Ré"), heard("d", finish_reason="stop"), heard("Blue", finish_reason="stop"), DONE),
        is_form=True,
    ),
    # FinishReason.ABORT: the client is gone, or the engine stopped
    Example(
        "vllm",
        "chat, aborted",
        CHAT,
        STREAMED,
        events(*PIECES, chunk(piece("", reason="abort")), DONE),
        fails=True,
    ),
    Example(
        "vllm",
        "chat, streamed failure",
        CHAT,
        STREAMED,
        events(
            *PIECES, {"object": "error", "message": "It failed", "type": "InternalServerError", "code": 500}, DONE
        ),
        fails=True,
    ),
]
