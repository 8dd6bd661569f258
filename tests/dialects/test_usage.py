"""What an answer used, for each provider of the rule table, wherever and however it tells it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replaycache import Body, Chunk, Recording, Request, ResponseHead, foreign
from replaycache.dialects.answers import watched
from replaycache.dialects.usage import Usage, model_of, provider_of, usage_of
from replaycache.wire import multipart
from tests.dialects.aws_frames import as_bytes, frames

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
LINES = "application/x-ndjson"
FRAMES = "application/vnd.amazon.eventstream"

OPENAI = "https://api.openai.com/v1/chat/completions"
RESPONSES = "https://api.openai.com/v1/responses"
EMBEDDINGS = "https://api.openai.com/v1/embeddings"
ANTHROPIC = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0"
LOCAL = "http://127.0.0.1:8080"


def recording(
    url: str,
    body: bytes,
    content_type: str = JSON,
    *,
    model: str | None = "asked",
    cut: int = 0,
    method: str = "POST",
) -> Recording:
    """An answer of `body`, in chunks of `cut` bytes."""
    size = cut or max(1, len(body))
    chunks = [Chunk(body[at : at + size], 0.0) for at in range(0, len(body), size)]
    return Recording(
        request=Request(
            method,
            url,
            (("content-type", JSON),),
            b"{}" if model is None else json.dumps({"model": model, "messages": []}).encode(),
        ),
        head=ResponseHead(200, (("content-type", content_type),)),
        body=Body.of(chunks),
        digest="",
        recorded_at=0.0,
    )


def events(*values: Any, end: bytes = b"data: [DONE]\n\n") -> bytes:
    return b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values) + end


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


CHAT_USAGE = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 7},
}
CHAT = {"object": "chat.completion", "model": "gpt-4o-2024-08-06", "service_tier": "default", "choices": []}
CLAUDE_USAGE = {
    "input_tokens": 21,
    "cache_creation_input_tokens": 188086,
    "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 188000, "ephemeral_1h_input_tokens": 86},
    "output_tokens": 393,
    "service_tier": "standard",
}
CLAUDE_UNITS = (("cache_write_1h_tokens", 86),)
CLAUDE_START = {"type": "message_start", "message": {"model": "claude-sonnet-4", "usage": CLAUDE_USAGE}}
GEMINI_USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 300,
    "toolUsePromptTokenCount": 7,
    "totalTokenCount": 427,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}],
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}, {"modality": "TEXT", "tokenCount": 10}],
}
GEMINI_ANSWER = {"candidates": [], "usageMetadata": GEMINI_USAGE, "modelVersion": "gemini-2.5-flash"}
GEMINI_TOLD = Usage(
    "google",
    "gemini-2.5-flash",
    107,
    320,
    40,
    0,
    300,
    units=(("cache_audio_read_tokens", 30), ("input_audio_tokens", 40)),
)
CONVERSE_USAGE = {
    "inputTokens": 30,
    "outputTokens": 628,
    "totalTokens": 658,
    "cacheReadInputTokens": 5,
    "cacheWriteInputTokens": 4,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 3}, {"ttl": "5m", "inputTokens": 1}],
}
BEDROCK_MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"


@pytest.mark.parametrize(
    ("url", "content_type", "body", "told"),
    [
        pytest.param(
            OPENAI,
            JSON,
            json.dumps({**CHAT, "usage": CHAT_USAGE}).encode(),
            Usage(
                "openai",
                "gpt-4o-2024-08-06",
                2006,
                300,
                1920,
                0,
                200,
                "default",
                (("input_audio_tokens", 10), ("output_audio_tokens", 7)),
            ),
            id="openai-chat",
        ),
        pytest.param(
            OPENAI,
            EVENTS,
            events(
                {"model": "gpt-4o", "choices": [{"delta": {"content": "the usage: 7 _tokens"}}], "usage": None},
                {"model": "gpt-4o", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}},
            ),
            Usage("openai", "gpt-4o", 9, 3),
            id="openai-chat-stream",
        ),
        pytest.param(
            "https://vllm.example/v1/chat/completions",
            EVENTS,
            events(*({"model": "m", "usage": {"prompt_tokens": 9, "completion_tokens": n}} for n in (1, 2, 3))),
            Usage("https://vllm.example", "m", 9, 3),
            id="usage-in-each-chunk",
        ),
        pytest.param(
            RESPONSES,
            JSON,
            json.dumps(
                {
                    "model": "gpt-5",
                    "service_tier": "flex",
                    "usage": {
                        "input_tokens": 81,
                        "input_tokens_details": {"cached_tokens": 64},
                        "output_tokens": 1035,
                        "output_tokens_details": {"reasoning_tokens": 832},
                    },
                }
            ).encode(),
            Usage("openai", "gpt-5", 81, 1035, 64, 0, 832, "flex"),
            id="openai-responses",
        ),
        pytest.param(
            RESPONSES,
            EVENTS,
            events(
                {"type": "response.created", "response": {"model": "gpt-5", "usage": None}},
                {
                    "type": "response.completed",
                    "response": {"model": "gpt-5", "usage": {"input_tokens": 5, "output_tokens": 6}},
                },
                end=b"",
            ),
            Usage("openai", "gpt-5", 5, 6),
            id="openai-responses-stream",
        ),
        pytest.param(
            EMBEDDINGS,
            JSON,
            b'{"data":[],"model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}',
            Usage("openai", "text-embedding-3-small", 8, 0),
            id="openai-embeddings",
        ),
        pytest.param(
            "https://api.openai.com/v1/audio/transcriptions",
            JSON,
            b'{"text":"x","usage":{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59,'
            b'"input_token_details":{"text_tokens":4,"audio_tokens":10}}}',
            Usage("openai", "asked", 14, 45, units=(("input_audio_tokens", 10),)),
            id="openai-transcription",
        ),
        pytest.param(
            "https://api.openai.com/v1/audio/transcriptions",
            JSON,
            b'{"text":"x","usage":{"type":"duration","seconds":9}}',
            Usage("openai", "asked", 0, 0, units=(("audio_seconds", 9),)),
            id="openai-transcription-by-duration",
        ),
        pytest.param(
            "https://api.openai.com/v1/images/generations",
            JSON,
            b'{"created":1,"data":[{"b64_json":"AA=="}],"usage":{"total_tokens":100,"input_tokens":50,'
            b'"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}',
            Usage("openai", "asked", 50, 50, units=(("input_image_tokens", 40),)),
            id="openai-image",
        ),
        pytest.param(
            "https://api.openai.com/v1/threads/thread_1/runs",
            EVENTS,
            events(
                {"object": "thread.run.step", "usage": {"prompt_tokens": 20, "completion_tokens": 2}},
                {
                    "object": "thread.run",
                    "model": "gpt-4",
                    "usage": {"prompt_tokens": 27, "completion_tokens": 16},
                },
            ),
            Usage("openai", "gpt-4", 27, 16),
            id="openai-run-stream",
        ),
        pytest.param(
            "https://x.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-10-21",
            JSON,
            b'{"model":"gpt-4o-2024-08-06","usage":{"prompt_tokens":1,"completion_tokens":2}}',
            Usage("azure", "gpt-4o-2024-08-06", 1, 2),
            id="azure",
        ),
        pytest.param(
            ANTHROPIC,
            JSON,
            json.dumps({"model": "claude-sonnet-4", "usage": CLAUDE_USAGE}).encode(),
            Usage("anthropic", "claude-sonnet-4", 188207, 393, 100, 188086, 0, "standard", CLAUDE_UNITS),
            id="anthropic",
        ),
        pytest.param(
            ANTHROPIC,
            EVENTS,
            events(
                CLAUDE_START,
                {"type": "content_block_delta", "delta": {"text": "usage"}},
                {
                    "type": "message_delta",
                    "usage": {
                        "output_tokens": 500,
                        "input_tokens": None,
                        "server_tool_use": {"web_search_requests": 2},
                    },
                },
                {"type": "message_stop"},
                end=b"",
            ),
            Usage(
                "anthropic",
                "claude-sonnet-4",
                188207,
                500,
                100,
                188086,
                0,
                "standard",
                (*CLAUDE_UNITS, ("web_searches", 2)),
            ),
            id="anthropic-stream",
        ),
        pytest.param(
            ANTHROPIC,
            JSON,
            json.dumps(
                {
                    "model": "c",
                    "usage": {
                        "input_tokens": 10,
                        "output_tokens": 20,
                        "speed": "fast",
                        "output_tokens_details": {"thinking_tokens": 15},
                        "iterations": [
                            {"type": "compaction", "input_tokens": 1000, "output_tokens": 200},
                            {"type": "message", "input_tokens": 10, "output_tokens": 20},
                        ],
                    },
                }
            ).encode(),
            Usage("anthropic", "c", 1010, 220, 0, 0, 15, "fast"),
            id="anthropic-compaction",
        ),
        pytest.param(
            f"{GEMINI}:generateContent", JSON, json.dumps(GEMINI_ANSWER).encode(), GEMINI_TOLD, id="gemini"
        ),
        pytest.param(
            f"{GEMINI}:streamGenerateContent?alt=sse",
            EVENTS,
            events({"usageMetadata": {"promptTokenCount": 100, "totalTokenCount": 100}}, GEMINI_ANSWER, end=b""),
            GEMINI_TOLD,
            id="gemini-stream",
        ),
        pytest.param(
            f"{GEMINI}:streamGenerateContent",
            JSON,
            json.dumps([{"usageMetadata": {"promptTokenCount": 100}}, GEMINI_ANSWER], indent=1).encode(),
            GEMINI_TOLD,
            id="gemini-array",
        ),
        pytest.param(
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
            JSON,
            b'{"model":"gemini-2.5-pro","usage":{"prompt_tokens":758,"completion_tokens":102,"total_tokens":1725}}',
            Usage("google", "gemini-2.5-pro", 758, 967, 0, 0, 865),
            id="gemini-as-openai",
        ),
        pytest.param(
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models"
            "/text-embedding-005:predict",
            JSON,
            b'{"predictions":[{"embeddings":{"statistics":{"token_count":6},"values":[0.1]}},'
            b'{"embeddings":{"statistics":{"token_count":5.0}}}],"metadata":{"billableCharacterCount":30}}',
            Usage("google", "asked", 11, 0),
            id="vertex-embeddings",
        ),
        pytest.param(
            "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models"
            "/claude-sonnet-4@20250514:streamRawPredict",
            EVENTS,
            events(
                {"type": "message_start", "message": {"usage": {"input_tokens": 3, "output_tokens": 1}}}, end=b""
            ),
            Usage("google", "asked", 3, 1),
            id="vertex-anthropic-stream",
        ),
        pytest.param(
            f"{BEDROCK}/converse",
            JSON,
            json.dumps({"output": {}, "usage": CONVERSE_USAGE, "metrics": {}}).encode(),
            Usage("aws", "asked", 39, 628, 5, 4, 0, "", (("cache_write_1h_tokens", 3),)),
            id="bedrock-converse",
        ),
        pytest.param(
            f"{BEDROCK}/converse-stream",
            FRAMES,
            frames(
                ("contentBlockDelta", {"delta": {"text": "usage"}}),
                ("messageStop", {"stopReason": "end_turn"}),
                ("metadata", {"usage": CONVERSE_USAGE}),
            ),
            Usage("aws", "asked", 39, 628, 5, 4, 0, "", (("cache_write_1h_tokens", 3),)),
            id="bedrock-converse-stream",
        ),
        pytest.param(
            f"{BEDROCK}/invoke-with-response-stream",
            FRAMES,
            frames(
                as_bytes({"type": "message_start", "message": {"usage": {"input_tokens": 8, "output_tokens": 1}}}),
                as_bytes({"type": "message_delta", "usage": {"output_tokens": 12}}),
                as_bytes(
                    {
                        "type": "message_stop",
                        "amazon-bedrock-invocationMetrics": {"inputTokenCount": 8, "outputTokenCount": 12},
                    }
                ),
            ),
            Usage("aws", "asked", 8, 12),
            id="bedrock-invoke-stream",
        ),
        pytest.param(
            f"{BEDROCK}/invoke-with-response-stream",
            FRAMES,
            frames(as_bytes({"metadata": {"usage": {"inputTokens": 8, "outputTokens": 12}}})),
            Usage("aws", "asked", 8, 12),
            id="bedrock-nova-stream",
        ),
        pytest.param(
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.titan-text-express-v1/invoke",
            JSON,
            b'{"inputTextTokenCount":5,"results":[{"tokenCount":32,"outputText":"x"}]}',
            Usage("aws", "asked", 5, 32),
            id="bedrock-titan",
        ),
        pytest.param(
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/meta.llama3-70b-instruct-v1%3A0/invoke",
            JSON,
            b'{"generation":"x","prompt_token_count":16,"generation_token_count":37,"stop_reason":"stop"}',
            Usage("aws", "asked", 16, 37),
            id="bedrock-llama",
        ),
        pytest.param(
            "https://api.mistral.ai/v1/fim/completions",
            JSON,
            b'{"model":"codestral-latest","usage":{"prompt_tokens":8,"total_tokens":99,"completion_tokens":91}}',
            Usage("mistral", "codestral-latest", 8, 91),
            id="mistral",
        ),
        pytest.param(
            "https://api.mistral.ai/v1/ocr",
            JSON,
            b'{"pages":[],"model":"mistral-ocr-2505","usage_info":{"pages_processed":3,"doc_size_bytes":1}}',
            Usage("mistral", "mistral-ocr-2505", 0, 0, units=(("input_document_pages", 3),)),
            id="mistral-ocr",
        ),
        pytest.param(
            "https://api.groq.com/openai/v1/chat/completions",
            EVENTS,
            events(
                {"model": "llama3", "x_groq": {"id": "req_1"}, "choices": []},
                {"model": "llama3", "x_groq": {"usage": {"prompt_tokens": 12, "completion_tokens": 24}}},
            ),
            Usage("groq", "llama3", 12, 24),
            id="groq-stream",
        ),
        pytest.param(
            "https://api.cohere.com/v2/chat",
            EVENTS,
            events(
                {"type": "content-delta", "delta": {"message": {}}},
                {
                    "type": "message-end",
                    "delta": {
                        "usage": {
                            "billed_units": {"input_tokens": 4.0, "output_tokens": 9},
                            "tokens": {"input_tokens": 71, "output_tokens": 9},
                        }
                    },
                },
                end=b"",
            ),
            Usage("cohere", "asked", 4, 9),
            id="cohere-v2-stream",
        ),
        pytest.param(
            "https://api.cohere.com/v1/chat",
            "application/stream+json",
            lines(
                {"event_type": "text-generation", "text": "x"},
                {"event_type": "stream-end", "response": {"meta": {"billed_units": {"input_tokens": 4}}}},
            ),
            Usage("cohere", "asked", 4, 0),
            id="cohere-v1-stream",
        ),
        pytest.param(
            "https://api.cohere.com/v2/rerank",
            JSON,
            b'{"results":[{"index":0}],"meta":{"billed_units":{"search_units":2}}}',
            Usage("cohere", "asked", 0, 0, units=(("rerank_searches", 2),)),
            id="cohere-rerank",
        ),
        pytest.param(
            "https://api.voyageai.com/v1/rerank",
            JSON,
            b'{"data":[],"model":"rerank-2","usage":{"total_tokens":26}}',
            Usage("voyageai", "rerank-2", 26, 0),
            id="voyage-rerank",
        ),
        pytest.param(
            "http://localhost:11434/api/chat",
            LINES,
            lines(
                {"model": "llama3", "message": {"content": "eval_count"}, "done": False},
                {"model": "llama3", "done": True, "prompt_eval_count": 26, "eval_count": 298},
            ),
            Usage("http://localhost:11434", "llama3", 26, 298),
            id="ollama-stream",
        ),
        pytest.param(
            "http://localhost:11434/api/embed",
            JSON,
            b'{"model":"all-minilm","embeddings":[[0.01]],"prompt_eval_count":8}',
            Usage("http://localhost:11434", "all-minilm", 8, 0),
            id="ollama-embed",
        ),
        pytest.param(
            f"{LOCAL}/completion",
            EVENTS,
            events(
                {"content": "a", "stop": False, "tokens_predicted": 1, "tokens_evaluated": 5},
                {
                    "content": "",
                    "stop": True,
                    "tokens_predicted": 9,
                    "tokens_evaluated": 5,
                    "tokens_cached": 13,
                    "timings": {"cache_n": 2, "prompt_n": 3, "predicted_n": 9},
                },
                end=b"",
            ),
            Usage(LOCAL, "asked", 5, 9, 2),
            id="llama.cpp",
        ),
        pytest.param(
            f"{LOCAL}/v1/chat/completions",
            EVENTS,
            events({"model": "q", "choices": [], "timings": {"cache_n": 4, "prompt_n": 6, "predicted_n": 7}}),
            Usage(LOCAL, "q", 10, 7, 4),
            id="llama.cpp-chat-stream",
        ),
        pytest.param(
            f"{LOCAL}/generate_stream",
            EVENTS,
            events(
                {"token": {"text": "x"}, "details": None},
                {"details": {"generated_tokens": 20, "input_length": 6}},
                end=b"",
            ),
            Usage(LOCAL, "asked", 6, 20),
            id="text-generation-inference",
        ),
        pytest.param(
            "https://api.deepseek.com/chat/completions",
            JSON,
            b'{"model":"deepseek-chat","usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23,'
            b'"prompt_cache_hit_tokens":16,"prompt_cache_miss_tokens":4}}',
            Usage("deepseek", "deepseek-chat", 20, 3, 16),
            id="deepseek",
        ),
        pytest.param(
            "https://api.x.ai/v1/chat/completions",
            JSON,
            b'{"model":"grok-4","usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,'
            b'"completion_tokens_details":{"reasoning_tokens":94}}}',
            Usage("x-ai", "grok-4", 32, 103, 0, 0, 94),
            id="xai-reasons-apart",
        ),
        pytest.param(
            "https://openrouter.ai/api/v1/chat/completions",
            JSON,
            b'{"model":"anthropic/claude-sonnet-4","usage":{"prompt_tokens":50,"completion_tokens":3,'
            b'"prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":10},"cost":0.1}}',
            Usage("openrouter", "anthropic/claude-sonnet-4", 50, 3, 20, 10),
            id="openrouter",
        ),
        pytest.param(
            "https://router.huggingface.co/together/v1/chat/completions",
            JSON,
            b'{"model":"deepseek-ai/DeepSeek-R1","usage":{"prompt_tokens":19,"completion_tokens":29,"cached_tokens":2}}',
            Usage("huggingface_together", "deepseek-ai/DeepSeek-R1", 19, 29, 2),
            id="huggingface",
        ),
    ],
)
def test_each_provider_tells_it_in_its_own_way(url: str, content_type: str, body: bytes, told: Usage) -> None:
    assert usage_of(recording(url, body, content_type)) == told
    assert usage_of(recording(url, body, content_type, cut=7)) == told
    assert usage_of(recording(url, body, "")) == told
    answer = recording(url, body, content_type)
    assert usage_of(answer, watched(answer).telling) == told  # as it is found while an answer passes


def test_at_bedrock_the_model_is_the_one_of_the_path() -> None:
    body = json.dumps({"model": "claude-sonnet-4", "usage": {"input_tokens": 1, "output_tokens": 2}}).encode()

    assert usage_of(recording(f"{BEDROCK}/invoke", body, model=None)) == Usage("aws", BEDROCK_MODEL, 1, 2)


def test_a_part_that_is_larger_than_its_whole_stands_beside_it() -> None:
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 9, "cache_write_tokens": 9},
        "completion_tokens_details": {"reasoning_tokens": 9},
    }

    assert usage_of(recording(OPENAI, json.dumps({"usage": usage}).encode())) == Usage(
        "openai", "asked", 23, 11, 9, 9, 9
    )


@pytest.mark.parametrize(
    ("url", "body", "content_type"),
    [
        pytest.param(
            OPENAI, events({"choices": [{"delta": {"content": "hi"}}]}), EVENTS, id="stream-without-usage"
        ),
        pytest.param(OPENAI, b"", JSON, id="empty"),
        pytest.param(OPENAI, json.dumps({**CHAT, "usage": CHAT_USAGE}).encode()[:-1], JSON, id="cut"),
        pytest.param(OPENAI, json.dumps({**CHAT, "usage": CHAT_USAGE}).encode() + b"}", JSON, id="trailing"),
        pytest.param(RESPONSES, b'{"status":"queued","usage":null}', JSON, id="in-the-background"),
        pytest.param(OPENAI, b'{"usage":{"prompt_tokens":"9"}}', JSON, id="a-count-as-text"),
        pytest.param(OPENAI, b'{"usage":{"prompt_tokens":-9}}', JSON, id="negative"),
        pytest.param(OPENAI, b'{"usage":{"prompt_tokens":true}}', JSON, id="a-boolean"),
        pytest.param(OPENAI, b'{"usage":{"prompt_tokens":1e300}}', JSON, id="too-large"),
        pytest.param(OPENAI, b'{"usage":[{"prompt_tokens":9}]}', JSON, id="a-list"),
        pytest.param(OPENAI, b'{"error":{"message":"no"}}', JSON, id="an-error"),
        pytest.param(
            f"{BEDROCK}/converse-stream",
            frames(("metadata", {"usage": CONVERSE_USAGE}))[:-1],
            FRAMES,
            id="cut-frame",
        ),
        pytest.param(f"{BEDROCK}/converse-stream", b"\xff" * 64, FRAMES, id="no-frame"),
        pytest.param("https://api.openai.com/v1/moderations", b'{"results":[]}', JSON, id="moderation"),
        pytest.param("https://api.openai.com/v1/audio/speech", b"\xff\xf3\xe4\xc4" * 9, "audio/mpeg", id="speech"),
    ],
)
def test_what_tells_nothing_has_no_usage(url: str, body: bytes, content_type: str) -> None:
    assert usage_of(recording(url, body, content_type)) is None


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://api.openai.com/v1/responses/resp_1"),
        ("GET", "https://api.openai.com/v1/threads/thread_1/runs/run_1"),
        ("POST", "https://api.openai.com/v1/responses/resp_1/cancel"),
        ("GET", "https://api.openai.com/v1/organization/usage/completions"),
    ],
)
def test_an_answer_that_is_fetched_again_does_not_count_again(method: str, url: str) -> None:
    body = b'{"model":"gpt-4o","usage":{"input_tokens":15,"output_tokens":9}}'

    assert usage_of(recording(url, body, method=method)) is None
    assert usage_of(recording(RESPONSES, body)) == Usage("openai", "gpt-4o", 15, 9)


def test_of_a_stream_cut_short_what_it_told_until_then_counts() -> None:
    body = events(CLAUDE_START, {"type": "content_block_delta", "delta": {"text": "x"}}, end=b"")

    told = usage_of(recording(ANTHROPIC, body, EVENTS))
    assert told is not None
    assert (told.input_tokens, told.output_tokens) == (188207, 393)


FLOATS = b"[" + b",".join([b"-0.0123456789"] * 80_000) + b"]"  # about 1 MB
VECTOR = b'{"object":"embedding","index":0,"embedding":' + FLOATS + b"}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            b'{"object":"list","data":['
            + VECTOR
            + b'],"model":"m","usage":{"prompt_tokens":8,"total_tokens":8}}\n',
            id="usage-last",
        ),
        pytest.param(
            b'{"model":"m","object":"list","usage":{"prompt_tokens":8,"total_tokens":8},"data":[' + VECTOR + b"]}",
            id="usage-first",
        ),
        pytest.param(
            b'{"object":"list","data":['
            + VECTOR
            + b'],"x":{"usage":{"prompt_tokens":1}},"model":"m","usage":{"prompt_tokens":8}}',
            id="another-usage-deeper",
        ),
        pytest.param(
            b'{"model":"m","usage":{"prompt_tokens":8},"data":['
            + VECTOR
            + b'],"x":[{"model":"n","usage":{"prompt_tokens":1}}]}',
            id="another-usage-deeper-and-later",
        ),
        pytest.param(
            b'{"model":"m","a \\"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":8},"z \\"usage":'
            b'{"prompt_tokens":2},"data":[' + VECTOR + b'],"y \\"usage":{"prompt_tokens":3}}',
            id="names-that-end-alike",
        ),
        pytest.param(
            b'{"data":['
            + VECTOR
            + b'],"usage":{"prompt_tokens":8},"model":"m","pad":"'
            + b"p" * (1 << 17)
            + b'"}',
            id="usage-in-the-middle",
        ),
    ],
)
@pytest.mark.parametrize("cut", [0, 65_536])
def test_a_large_answer_tells_the_same_as_a_small_one(body: bytes, cut: int) -> None:
    assert usage_of(recording(EMBEDDINGS, body, cut=cut)) == Usage("openai", "m", 8, 0)
    assert usage_of(recording(EMBEDDINGS, body.replace(VECTOR, b"{}"), cut=cut)) == Usage("openai", "m", 8, 0)


def test_a_very_large_answer_tells_the_same_as_a_small_one() -> None:
    vectors = b",".join([VECTOR] * 17)
    usage = b'"model":"m","usage":{"prompt_tokens":8}'

    for body in (b'{"data":[' + vectors + b"]," + usage + b"}", b"{" + usage + b',"data":[' + vectors + b"]}"):
        assert usage_of(recording(EMBEDDINGS, body)) == Usage("openai", "m", 8, 0)


def test_a_large_answer_cut_short_tells_nothing() -> None:
    body = b'{"object":"list","data":[' + VECTOR + b'],"model":"m","usage":{"prompt_tokens":8,"total_tokens":8}}'

    assert usage_of(recording(EMBEDDINGS, body[:-1])) is None


DELTA = events({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "of usage " * 20}}, end=b"")


@pytest.mark.parametrize("size", [1 << 20, (1 << 24) + 1])
def test_a_large_stream_tells_the_same_as_a_small_one(size: int) -> None:
    start, end = (
        events(CLAUDE_START, end=b""),
        events({"type": "message_delta", "usage": {"output_tokens": 5}}, end=b""),
    )
    body = start + DELTA * (size // len(DELTA) + 1) + end

    told = usage_of(recording(ANTHROPIC, body, EVENTS, cut=1 << 20))
    assert told == usage_of(recording(ANTHROPIC, start + end, EVENTS))
    assert told is not None
    assert told.output_tokens == 5
    assert usage_of(recording(ANTHROPIC, body.removesuffix(end) + DELTA, EVENTS, cut=1 << 20)) == (
        usage_of(recording(ANTHROPIC, start, EVENTS))
    )


def test_a_last_event_with_a_large_image_is_read() -> None:
    image = {"type": "image_generation.partial_image", "b64_json": "A" * (3 << 20)}
    done = {"type": "image_generation.completed", "b64_json": "A" * (3 << 20), "usage": {"input_tokens": 5}}
    body = events(*[image] * 6, done, end=b"")

    assert usage_of(recording("https://api.openai.com/v1/images/generations", body, EVENTS)) == Usage(
        "openai", "asked", 5, 0
    )


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"model":"m",\ndata: "usage":{"prompt_tokens":8}}\n\n',
        b'data: {"model":"m","usage":{"prompt_tokens":8}}\r\rdata: [DONE]\r\r',
        b'\xef\xbb\xbfdata:{"model":"m","usage":{"prompt_tokens":8}}\r\n\r\n',
        b'event: x\nid: 1\ndata:{"model":"m","usage":{"prompt_tokens":8}}',
        b': usage\n\ndata: {"choices":[],"usage":null}\n\ndata: {"usage" : {"prompt_tokens":8},"model":"m"}\n\n',
    ],
)
def test_events_are_read_however_they_are_written(body: bytes) -> None:
    assert usage_of(recording(OPENAI, body, EVENTS)) == Usage("openai", "m", 8, 0)


@pytest.mark.parametrize("size", [1 << 20, 9 << 20])
def test_a_large_array_of_answers_tells_what_the_last_one_tells(size: int) -> None:
    part = {"inlineData": {"data": "A" * size}}
    answer = {"candidates": [{"content": {"parts": [part]}}], "usageMetadata": {"promptTokenCount": 1}}
    body = json.dumps([answer, answer | {**GEMINI_ANSWER, "candidates": answer["candidates"]}]).encode()

    assert usage_of(recording(f"{GEMINI}:streamGenerateContent", body)) == GEMINI_TOLD


def test_a_large_stream_of_lines_is_read() -> None:
    line = {"model": "llama3", "message": {"content": "x" * 100}, "done": False}
    body = lines(*[line] * 6000, {"model": "llama3", "done": True, "prompt_eval_count": 26, "eval_count": 298})

    assert usage_of(recording(f"{LOCAL}/api/chat", body, LINES)) == Usage(LOCAL, "llama3", 26, 298)


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai"),
        ("https://eu.api.openai.com/v1/chat/completions", "openai"),
        ("http://localhost:8080/v1/chat/completions", ""),
        ("http://api.openai.com:8080/v1/chat/completions", ""),
        ("https://api.openai.com.evil.example/v1/chat/completions", ""),
        ("https://router.huggingface.co/v1/chat/completions", "huggingface"),
        ("https://router.huggingface.co/novita/v3/openai/chat/completions", "huggingface_novita"),
        ("https://ai-gateway.vercel.sh/v1/chat/completions", "vercel"),
        ("://no-scheme", ""),
    ],
)
def test_the_host_tells_the_provider(url: str, provider: str) -> None:
    assert provider_of(Request("POST", url)) == provider


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (f"{GEMINI}:generateContent", "gemini-2.5-flash"),
        ("https://generativelanguage.googleapis.com/v1beta/tunedModels/mine-1:generateContent", "mine-1"),
        ("https://x.openai.azure.com/openai/deployments/my%20gpt/embeddings?api-version=1", "my gpt"),
        (f"{BEDROCK}/converse", BEDROCK_MODEL),
        (f"{BEDROCK}/invoke-with-response-stream", BEDROCK_MODEL),
        ("https://api.openai.com/v1/engines/davinci/completions", "davinci"),
        ("https://api-inference.huggingface.co/models/org/name/v1/chat/completions", "org/name"),
        ("https://x.services.ai.azure.com/models/chat/completions", ""),
        ("https://api.openai.com/v1/audio/speech", ""),
        ("://no-scheme", ""),
    ],
)
def test_a_model_may_stand_in_the_path(url: str, model: str) -> None:
    assert model_of(Request("POST", url)) == model
    assert model_of(Request("POST", url, (), b'{"model":"in-the-body"}')) == "in-the-body"
    assert model_of(Request("POST", url, (), b'{"model":7}')) == model
    assert model_of(Request("POST", url, (), b'[{"model":"x"}]')) == model


def test_a_model_may_stand_in_a_form() -> None:
    url = "https://api.openai.com/v1/audio/transcriptions"
    body = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'
    stored = multipart.to_listing(multipart.parse(body, b"b"))

    assert (
        model_of(Request("POST", url, (("content-type", "multipart/form-data; boundary=b"),), body)) == "whisper-1"
    )
    assert model_of(Request("POST", url, (("content-type", "multipart/form-data"),), stored)) == "whisper-1"
    assert model_of(Request("POST", url, (("content-type", "multipart/form-data; boundary=c"),), body)) == ""
    assert model_of(Request("POST", url, (("content-type", "multipart/form-data; boundary=\u20ac"),), body)) == ""
    form = (("content-type", "application/x-www-form-urlencoded"),)
    assert model_of(Request("POST", url, form, b"a=b&model=gpt%2D4o")) == "gpt-4o"


@pytest.mark.parametrize("size", [1 << 20, 1 << 24])
@pytest.mark.parametrize("first", [True, False])
def test_the_model_of_a_large_request_is_found(size: int, first: bool) -> None:
    messages = b'"messages":[{"content":"' + b'\\"model\\":\\"no\\" ' * (size // 17) + b'","model":"no"}]'
    model = b'"model":"yes"'
    body = b"{" + b",".join([model, messages] if first else [messages, model]) + b',"stream":true}'

    assert model_of(Request("POST", OPENAI, (), body)) == "yes"


URLS = st.sampled_from(
    [
        OPENAI,
        RESPONSES,
        ANTHROPIC,
        f"{GEMINI}:streamGenerateContent",
        f"{BEDROCK}/converse-stream",
        "https://api.cohere.com/v1/chat",
        f"{LOCAL}/api/chat",
        f"{LOCAL}/completion",
    ]
)
NAMES = st.sampled_from(
    """
    usage usageMetadata usage_info meta billed_units tokens prompt_tokens completion_tokens total_tokens
    input_tokens output_tokens prompt_tokens_details completion_tokens_details cached_tokens reasoning_tokens
    iterations type promptTokenCount thoughtsTokenCount promptTokensDetails modality tokenCount inputTokens
    outputTokens cacheDetails eval_count prompt_eval_count timings predicted_n tokens_evaluated details
    generated_tokens prefill response message delta x_groq predictions embeddings statistics token_count
    model modelVersion service_tier seconds bytes results inputTextTokenCount search_units cache_creation ttl
    inputTokenCount
    """.split()  # noqa: SIM905  # sixty lines otherwise
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
TYPES = st.sampled_from([JSON, EVENTS, LINES, FRAMES, ""])


def _is_sound(told: Usage | None) -> bool:
    if told is None:
        return True
    counts = told[2:7]
    return (
        all(type(count) is int and count >= 0 for count in counts)
        and told.cached_tokens + told.cache_write_tokens <= told.input_tokens
        and told.reasoning_tokens <= told.output_tokens
        and all(amount > 0 for _, amount in told.units)
    )


@given(URLS, TYPES, st.lists(VALUES, max_size=3), st.integers(0, 5))
def test_no_answer_in_json_raises(url: str, content_type: str, values: list[Any], cut: int) -> None:
    for body in (
        events(*values),
        lines(*values),
        frames(*(("chunk", value) for value in values)),
        json.dumps(values).encode(),
    ):
        told = usage_of(recording(url, body, content_type))
        assert _is_sound(told)
        assert usage_of(recording(url, body, content_type, cut=cut)) == told
        assert _is_sound(usage_of(recording(url, body[: len(body) // 2], content_type)))


@given(URLS, TYPES, st.binary(max_size=200))
@example(OPENAI, JSON, b"[" * 100_000)
@example(OPENAI, JSON, b'{"usage":' * 100_000)
@example(OPENAI, JSON, b'{"usage":' * 100_000 + b"1" + b"}" * 100_000)
def test_no_bytes_raise(url: str, content_type: str, body: bytes) -> None:
    assert _is_sound(usage_of(recording(url, body, content_type)))
    for prefix in (b"{", b'{"usage":', b"data: ", b'[{"usageMetadata":'):
        assert _is_sound(usage_of(recording(url, prefix + body, content_type)))
    assert isinstance(model_of(Request("POST", url, (("content-type", content_type.lower()),), body)), str)
    form = (("content-type", "multipart/form-data"),)
    assert isinstance(model_of(Request("POST", url, form, body)), str)


HERE = Path(__file__).resolve().parents[3] / "shared" / "recordings"

RECORDED = {
    "openllmetry": {
        "test_embeddings.yaml": [("openai", 8, 0)] * 4,
        "test_chat_tools_streaming.yaml": [None],
        "test_ollama_streaming_chat_legacy.yaml": [("http://127.0.0.1:11434", 17, 50)],
    },
    "logfire": {"test_responses_simple.yaml": [("openai", 11, 8), ("openai", 28, 6)]},
    "pydantic-ai": {
        "test_anthropic_model_thinking_part_redacted_stream.yaml": [("anthropic", 92, 189)],
        "test_request_simple_success_with_vcr.yaml": [("cohere", 1, 9)],
        "test_google_model_iter_stream.yaml": [("google", 52, 5), ("google", 64, 5), ("google", 79, 12)],
        "test_request_structured_response.yaml": [("huggingface_together", 19, 29)],
        "test_mistral_model_thinking_part_iter.yaml": [("mistral", 10, 232)],
        "test_run_stream_sync_streams_real_model.yaml": [("openai", 53, 15), ("openai", 78, 9)],
        "test_background_mode_vcr.yaml": [None, None, None],
        "test_background_mode_streaming_continuation_vcr.yaml": [("openai", 15, 9), None],
        "test_openai_responses_stream.yaml": [("openai", 255, 16), ("openai", 278, 9)],
        "test_openrouter_errors_raised.yaml": [None, None, None],
    },
    "ruby-openai": {
        "gpt-3_5-turbo-instruct_completions_once_upon_a_time.yml": [("openai", 4, 5)],
        "groq_llama3-8b-8192_streamed_chat.yml": [("groq", 12, 24)],
        "runs_streamed_create.yml": [("openai", 6, 16), None, None, ("openai", 27, 16)],
        "speech_tts-1_test.yml": [None],
        "usage_completions.yml": [None],
    },
}
"""Of real answers, provider, input and output tokens, as read by eye."""


@pytest.mark.skipif(
    not HERE.is_dir(), reason="the collection of real cassettes (../shared/recordings) is not here"
)
@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder, names in RECORDED.items() for name in names]
)
def test_real_answers_tell_what_they_used(folder: str, name: str) -> None:
    [path] = (HERE / folder).rglob(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [usage_of(entry) for entry in foreign.read(path)]

    assert [told and (told.provider, told.input_tokens, told.output_tokens) for told in found] == RECORDED[folder][
        name
    ]
