"""A recording as people read it, for every provider of the rule table."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Body, Chunk, Recording, Request, ResponseHead, foreign
from replaycache.dialects.assembled import assembled
from replaycache.dialects.conversation import Part, Turn, conversation, prompt
from replaycache.dialects.conversation.streamed import said_by_pieces
from tests.dialects.aws_frames import as_bytes, frames

PNG = "iVBORw0KGgo="
OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash"


def _recording(
    url: str,
    asked: Any,
    answered: Any,
    *,
    content_type: str = "application/json",
    request_type: str = "application/json",
) -> Recording:
    """A recording whose answer is a value, the bytes of a body, or a list of a stream's events."""
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    if content_type == "text/event-stream":
        answered = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in answered)
    elif content_type == "application/x-ndjson":
        answered = b"".join(json.dumps(event).encode() + b"\n" for event in answered)
    data = answered if isinstance(answered, bytes) else json.dumps(answered).encode()
    return Recording(
        request=Request("POST", url, (("content-type", request_type),), body),
        head=ResponseHead(200, (("content-type", content_type),)),
        body=Body.of([Chunk(data, 0.0)]),
        digest="",
        recorded_at=1.0,
    )


def _text(role: str, text: str) -> Turn:
    return Turn(role, (Part("text", text),))


def _parts(turns: tuple[Turn, ...]) -> list[tuple[str, ...]]:
    return [
        (turn.role, part.kind, *filter(None, (part.name, part.text, part.id)))
        for turn in turns
        for part in turn.parts
    ]


def _asked(url: str, body: Any, **options: str) -> list[tuple[str, ...]]:
    return _parts(conversation(_recording(url, body, {}, **options)).asked)


def _answered(url: str, body: Any, **options: str) -> list[tuple[str, ...]]:
    return _parts(conversation(_recording(url, {}, body, **options)).answered)


HELLO = [("user", "text", "Hello")]

ASKED = [
    pytest.param(
        f"{OPENAI}/chat/completions", {"messages": [{"role": "user", "content": "Hello"}]}, HELLO, id="chat"
    ),
    pytest.param(
        f"{OPENAI}/chat/completions",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "https://a.b/c.png", "detail": "low"}},
                        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                        {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}},
                        {
                            "type": "file",
                            "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"},
                        },
                        {"type": "file", "file": {"file_id": "file-abc"}},
                        {"type": "refusal", "refusal": "no"},
                        {"type": "of tomorrow", "x": 1},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                        {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "done"}]},
                {"role": "assistant", "function_call": {"name": "h", "arguments": "{}"}},
                {"role": "function", "name": "h", "content": "old"},
            ]
        },
        [
            ("user", "image", "https://a.b/c.png"),
            ("user", "image", "image/png, 8 bytes"),
            ("user", "audio", "wav, 8 bytes"),
            ("user", "file", "a.pdf", "application/pdf, 8 bytes"),
            ("user", "file", "file-abc"),
            ("user", "refusal", "no"),
            ("user", "data", "of tomorrow", '{"type": "of tomorrow", "x": 1}'),
            ("assistant", "tool call", "f", "{}", "c1"),
            ("assistant", "tool call", "g", "x", "c2"),
            ("tool", "tool result", "done", "c1"),
            ("assistant", "tool call", "h", "{}"),
            ("function", "tool result", "h", "old"),
        ],
        id="chat-parts",
    ),
    pytest.param(
        f"{OPENAI}/responses",
        {
            "instructions": "Be brief.",
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Hello"},
                        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
                        {
                            "type": "input_file",
                            "filename": "a.pdf",
                            "file_data": f"data:application/pdf;base64,{PNG}",
                        },
                    ],
                },
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c1"},
                {"type": "function_call_output", "call_id": "c1", "output": "done"},
                {"type": "item_reference", "id": "x"},
            ],
        },
        [
            ("system", "text", "Be brief."),
            *HELLO,
            ("user", "image", "image/png, 8 bytes"),
            ("user", "file", "a.pdf", "application/pdf, 8 bytes"),
            ("assistant", "reasoning", "hm"),
            ("assistant", "tool call", "f", "{}", "c1"),
            ("tool", "tool result", "done", "c1"),
            ("user", "data", "item_reference", '{"type": "item_reference", "id": "x"}'),
        ],
        id="responses",
    ),
    pytest.param(f"{OPENAI}/responses", {"input": "Hello"}, HELLO, id="responses-text"),
    pytest.param(f"{OPENAI}/completions", {"prompt": "Hello"}, HELLO, id="completions"),
    pytest.param(
        f"{OPENAI}/completions", {"prompt": [1, 2, 3]}, [("user", "data", "3 tokens")], id="completions-tokens"
    ),
    pytest.param(
        f"{OPENAI}/embeddings", {"input": ["Hello", "you"]}, [*HELLO, ("user", "text", "you")], id="embeddings"
    ),
    pytest.param(
        f"{OPENAI}/moderations",
        {
            "input": [
                {"type": "text", "text": "Hello"},
                {"type": "image_url", "image_url": {"url": "https://a.b/c"}},
            ]
        },
        [*HELLO, ("user", "image", "https://a.b/c")],
        id="moderations",
    ),
    pytest.param(f"{OPENAI}/images/generations", {"prompt": "Hello"}, HELLO, id="images"),
    pytest.param(f"{OPENAI}/audio/speech", {"input": "Hello", "voice": "alloy"}, HELLO, id="speech"),
    pytest.param(
        "https://api.anthropic.com/v1/messages",
        {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Hello"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
                        {"type": "image", "source": {"type": "url", "url": "https://a.b/c.png"}},
                        {
                            "type": "document",
                            "title": "T",
                            "source": {"type": "text", "media_type": "t", "data": "abc"},
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "redacted_thinking", "data": "s"},
                        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t1",
                            "content": [{"type": "text", "text": "done"}],
                        },
                    ],
                },
            ],
        },
        [
            ("system", "text", "Be brief."),
            *HELLO,
            ("user", "image", "image/png, 8 bytes"),
            ("user", "image", "https://a.b/c.png"),
            ("user", "file", "T", "text, 3 characters"),
            ("assistant", "reasoning", "hm"),
            ("assistant", "reasoning", "(redacted)"),
            ("assistant", "tool call", "f", '{"a": 1}', "t1"),
            ("user", "tool result", "done", "t1"),
        ],
        id="anthropic",
    ),
    pytest.param(
        f"{GEMINI}:generateContent",
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {
                    "role": "user",
                    "parts": [
                        {"text": "Hello"},
                        {"inlineData": {"mimeType": "image/png", "data": PNG}},
                        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://a.b/v"}},
                    ],
                },
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"b": 2}}}]},
            ],
        },
        [
            ("system", "text", "Be brief."),
            *HELLO,
            ("user", "image", "image/png, 8 bytes"),
            ("user", "video", "https://a.b/v"),
            ("model", "tool call", "f", '{"a": 1}'),
            ("user", "tool result", "f", '{"b": 2}'),
        ],
        id="gemini",
    ),
    pytest.param(
        f"{GEMINI}:embedContent",
        {"content": {"parts": [{"text": "Hello"}]}},
        [("user", "text", "Hello")],
        id="gemini-embed",
    ),
    pytest.param(
        "https://api.cohere.com/v1/chat",
        {"preamble": "Be brief.", "chat_history": [{"role": "CHATBOT", "message": "Hi"}], "message": "Hello"},
        [("system", "text", "Be brief."), ("assistant", "text", "Hi"), *HELLO],
        id="cohere-1",
    ),
    pytest.param(
        "https://api.cohere.com/v2/rerank",
        {"query": "Hello", "documents": ["a", {"text": "b"}]},
        [*HELLO, ("user", "text", "a"), ("user", "text", "b")],
        id="rerank",
    ),
    pytest.param(
        "http://localhost:11434/api/generate",
        {"system": "Be brief.", "prompt": "Hello", "images": [PNG]},
        [("system", "text", "Be brief."), *HELLO, ("user", "image", "image, 8 bytes")],
        id="ollama",
    ),
    pytest.param(
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse",
        {
            "system": [{"text": "Be brief."}],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"text": "Hello"},
                        {"image": {"format": "png", "source": {"bytes": PNG}}},
                    ],
                },
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}]},
                {
                    "role": "user",
                    "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"a": 1}}]}}],
                },
            ],
        },
        [
            ("system", "text", "Be brief."),
            *HELLO,
            ("user", "image", "image/png, 8 bytes"),
            ("assistant", "tool call", "f", "{}", "t1"),
            ("user", "tool result", '{"a": 1}', "t1"),
        ],
        id="bedrock",
    ),
    pytest.param("http://localhost:8080/generate", {"inputs": "Hello"}, HELLO, id="text-generation-inference"),
    pytest.param(
        "https://x.googleapis.com/v1/m:predict", {"instances": [{"prompt": "Hello"}]}, HELLO, id="vertex"
    ),
]


@pytest.mark.parametrize(("url", "body", "expected"), ASKED)
def test_what_is_asked(url: str, body: Any, expected: list[tuple[str, ...]]) -> None:
    assert _asked(url, body) == expected


def test_a_form_shows_what_is_asked_and_names_its_files() -> None:
    listing = {
        "multipart": [
            {"name": "model", "text": "whisper-1"},
            {"name": "prompt", "text": "Hello"},
            {"name": "file", "filename": "a.mp3", "content_type": "audio/mpeg", "size": 12, "blake2b": "00"},
        ]
    }
    recording = _recording(
        f"{OPENAI}/audio/transcriptions", listing, {"text": "Hi"}, request_type="multipart/form-data"
    )

    found = conversation(recording)

    assert found.model == "whisper-1"
    assert _parts(found.asked) == [("user", "text", "Hello"), ("user", "file", "a.mp3", "audio/mpeg, 12 bytes")]
    assert _parts(found.answered) == [("", "text", "Hi")]


HI = [("assistant", "text", "Hi")]

ANSWERED = [
    pytest.param({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}, HI, id="chat"),
    pytest.param(
        {"choices": [{"index": 0, "message": {"content": "a"}}, {"index": 1, "message": {"content": "b"}}]},
        [("assistant 1", "text", "a"), ("assistant 2", "text", "b")],
        id="several",
    ),
    pytest.param({"choices": [{"index": 0, "text": "Hi"}]}, [("", "text", "Hi")], id="completions"),
    pytest.param(
        {
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "refusal": "no",
                        "audio": {"data": PNG, "transcript": "Hi"},
                    },
                }
            ]
        },
        [("assistant", "refusal", "no"), ("assistant", "text", "Hi"), ("assistant", "audio", "audio, 8 bytes")],
        id="chat-audio",
    ),
    pytest.param(
        {
            "object": "response",
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "web_search_call", "id": "w", "action": {"query": "q"}},
                {"type": "image_generation_call", "id": "i", "result": PNG},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
            ],
        },
        [
            ("assistant", "reasoning", "hm"),
            ("assistant", "tool call", "web_search", '{"query": "q"}', "w"),
            ("assistant", "tool call", "image_generation", "i"),
            ("assistant", "image", "image/png, 8 bytes"),
            *HI,
        ],
        id="responses",
    ),
    pytest.param(
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi"}]}, HI, id="anthropic"
    ),
    pytest.param(
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}}]},
        [("model", "text", "Hi")],
        id="gemini",
    ),
    pytest.param(
        [
            {"candidates": [{"content": {"parts": [{"text": "H"}]}}]},
            {"candidates": [{"content": {"parts": [{"text": "i"}]}}]},
        ],
        [("model", "text", "H"), ("model", "text", "i")],
        id="gemini-array",
    ),
    pytest.param(
        {"promptFeedback": {"blockReason": "SAFETY"}}, [("model", "refusal", "SAFETY")], id="gemini-blocked"
    ),
    pytest.param(
        {"message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}}, HI, id="cohere-2"
    ),
    pytest.param({"text": "Hi", "generation_id": "g"}, HI, id="cohere-1"),
    pytest.param(
        {"message": {"role": "assistant", "content": "Hi", "thinking": "hm"}},
        [("assistant", "reasoning", "hm"), *HI],
        id="ollama-chat",
    ),
    pytest.param({"response": "Hi", "done": True}, HI, id="ollama-generate"),
    pytest.param({"result": {"response": "Hi"}, "success": True}, HI, id="workers-ai"),
    pytest.param({"generation": "Hi", "stop_reason": "stop"}, HI, id="llama"),
    pytest.param({"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}}, HI, id="bedrock"),
    pytest.param({"results": [{"outputText": "Hi"}]}, HI, id="titan"),
    pytest.param({"generated_text": "Hi"}, HI, id="text-generation-inference"),
    pytest.param({"content": "Hi", "stop": True}, HI, id="llama.cpp"),
    pytest.param(
        {"data": [{"embedding": [0.1, 0.2]}, {"embedding": [0.1, 0.2]}]},
        [("", "data", "2 embeddings of 2 numbers")],
        id="embeddings",
    ),
    pytest.param(
        {"data": [{"embedding": "AAAAAAAAAAA="}]}, [("", "data", "an embedding of 2 numbers")], id="base64"
    ),
    pytest.param(
        {"embeddings": {"float": [[0.1]]}}, [("", "data", "an embedding of 1 numbers (float)")], id="cohere-embed"
    ),
    pytest.param(
        {"embedding": {"values": [0.1, 0.2]}}, [("", "data", "an embedding of 2 numbers")], id="gemini-embed"
    ),
    pytest.param(
        {"data": [{"b64_json": PNG, "revised_prompt": "a cat"}]},
        [("", "text", "a cat"), ("", "image", "image/png, 8 bytes")],
        id="images",
    ),
    pytest.param(
        {"results": [{"flagged": True, "categories": {"hate": True, "violence": False}}]},
        [("", "data", "flagged: hate")],
        id="moderations",
    ),
    pytest.param({"results": [{"index": 1, "relevance_score": 0.5}]}, [("", "data", "1: 0.5")], id="rerank"),
    pytest.param({"text": "Hi"}, [("", "text", "Hi")], id="transcription"),
    pytest.param({"pages": [{"markdown": "# Hi"}]}, [("", "text", "# Hi")], id="ocr"),
    pytest.param({"error": {"message": "no", "type": "bad"}}, [("", "error", "bad", "no")], id="error"),
    pytest.param(
        {"type": "error", "error": {"type": "overloaded", "message": "no"}},
        [("", "error", "overloaded", "no")],
        id="anthropic-error",
    ),
    pytest.param({"error": "no"}, [("", "error", "no")], id="ollama-error"),
    pytest.param({"of": "tomorrow"}, [("", "data", '{"of": "tomorrow"}')], id="unknown"),
    pytest.param(b"plain", [("", "text", "plain")], id="text"),
    pytest.param(b"\xff\xfe", [("", "file", "application/json, 2 bytes")], id="bytes"),
    pytest.param(b"", [], id="empty"),
]


@pytest.mark.parametrize(("body", "expected"), ANSWERED)
def test_what_is_answered(body: Any, expected: list[tuple[str, ...]]) -> None:
    assert _answered(f"{OPENAI}/chat/completions", body) == expected


def test_a_sound_is_named_by_its_type() -> None:
    found = _answered(f"{OPENAI}/audio/speech", b"\xff\xf3", content_type="audio/mpeg")

    assert found == [("", "audio", "audio/mpeg, 2 bytes")]


def _chat(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def _block(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _step(call: dict[str, Any]) -> dict[str, Any]:
    details = {"type": "tool_calls", "tool_calls": [call]}
    return {"object": "thread.run.step.delta", "delta": {"step_details": details}}


STREAMED = [
    pytest.param(
        [
            _chat(role="assistant", content=""),
            _chat(reasoning_content="h"),
            _chat(reasoning_content="m"),
            _chat(content="H"),
            _chat(content="i"),
            _chat(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}]),
            _chat(tool_calls=[{"index": 0, "function": {"arguments": '{"a"'}}]),
            _chat(tool_calls=[{"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{}"}}]),
            _chat(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
            {"choices": [], "usage": {}},
        ],
        [
            ("assistant", "reasoning", "hm"),
            *HI,
            ("assistant", "tool call", "f", '{"a":1}', "c1"),
            ("assistant", "tool call", "g", "{}", "c2"),
        ],
        id="chat",
    ),
    pytest.param(
        [{"choices": [{"text": "H"}]}, {"choices": [{"text": "i"}]}], [("", "text", "Hi")], id="completions"
    ),
    pytest.param(
        [
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "H"},
            {
                "type": "response.completed",
                "response": {
                    "output": [
                        {
                            "type": "message",
                            "role": "assistant",
                            "content": [{"type": "output_text", "text": "Hi"}],
                        }
                    ]
                },
            },
        ],
        HI,
        id="responses",
    ),
    pytest.param(
        [
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {"type": "message", "role": "assistant", "content": []},
            },
            {"type": "response.output_text.delta", "output_index": 0, "delta": "H"},
            {"type": "response.output_text.delta", "output_index": 0, "delta": "i"},
            {
                "type": "response.output_item.added",
                "output_index": 1,
                "item": {"type": "function_call", "name": "f", "call_id": "c1", "arguments": ""},
            },
            {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"},
        ],
        [*HI, ("assistant", "tool call", "f", "{}", "c1")],
        id="responses-cut",
    ),
    pytest.param(
        [
            {"type": "message_start", "message": {"role": "assistant"}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
            _block(0, type="thinking_delta", thinking="hm"),
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            _block(1, type="text_delta", text="H"),
            _block(1, type="text_delta", text="i"),
            {
                "type": "content_block_start",
                "index": 2,
                "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
            },
            _block(2, type="input_json_delta", partial_json='{"a":'),
            _block(2, type="input_json_delta", partial_json="1}"),
            {"type": "message_stop"},
        ],
        [("assistant", "reasoning", "hm"), *HI, ("assistant", "tool call", "f", '{"a":1}', "t1")],
        id="anthropic",
    ),
    pytest.param(
        [
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "hm", "thought": True}]}}]},
            {"candidates": [{"content": {"role": "model", "parts": [{"text": "H"}]}}]},
            {"candidates": [{"content": {"parts": [{"text": "i"}, {"functionCall": {"name": "f", "args": {}}}]}}]},
        ],
        [("model", "reasoning", "hm"), ("model", "text", "Hi"), ("model", "tool call", "f", "{}")],
        id="gemini",
    ),
    pytest.param(
        [
            _chat(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
            _chat(content=[{"type": "text", "text": "H"}]),
            _chat(content="i"),
        ],
        [("assistant", "reasoning", "hm"), *HI],
        id="mistral",
    ),
    pytest.param(
        [
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "H"}}}},
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "i"}}}},
            {
                "type": "tool-call-start",
                "index": 0,
                "delta": {"message": {"tool_calls": {"id": "c1", "function": {"name": "f", "arguments": ""}}}},
            },
            {
                "type": "tool-call-delta",
                "index": 0,
                "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}},
            },
        ],
        [*HI, ("assistant", "tool call", "f", "{}", "c1")],
        id="cohere-2",
    ),
    pytest.param(
        [
            {"object": "thread.message.delta", "delta": {"content": [{"type": "text", "text": {"value": "H"}}]}},
            {"object": "thread.message.delta", "delta": {"content": [{"type": "text", "text": {"value": "i"}}]}},
        ],
        HI,
        id="run",
    ),
    pytest.param(
        [
            _step(
                {
                    "index": 0,
                    "id": "c1",
                    "type": "code_interpreter",
                    "code_interpreter": {"input": "", "outputs": []},
                }
            ),
            _step({"index": 0, "type": "code_interpreter", "code_interpreter": {"input": "print("}}),
            _step({"index": 0, "type": "code_interpreter", "code_interpreter": {"input": "1)"}}),
            _step(
                {
                    "index": 0,
                    "type": "code_interpreter",
                    "code_interpreter": {"outputs": [{"index": 0, "type": "logs", "logs": "1"}]},
                }
            ),
        ],
        [
            ("assistant", "tool call", "code_interpreter", "print(1)", "c1"),
            ("assistant", "tool result", "1"),
        ],
        id="run-of-code",
    ),
    pytest.param(
        [
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {"type": "code_interpreter_call", "id": "ci", "code": "", "outputs": None},
            },
            {"type": "response.code_interpreter_call_code.delta", "output_index": 0, "delta": "print("},
            {"type": "response.code_interpreter_call_code.delta", "output_index": 0, "delta": "1)"},
        ],
        [("assistant", "tool call", "code_interpreter", "print(1)", "ci")],
        id="responses-code",
    ),
    pytest.param(
        [
            {
                "type": "response.output_item.done",
                "output_index": 0,
                "item": {
                    "type": "code_interpreter_call",
                    "id": "ci",
                    "code": "print(1)",
                    "outputs": [{"type": "logs", "logs": "1"}],
                },
            },
        ],
        [
            ("assistant", "tool call", "code_interpreter", "print(1)", "ci"),
            ("assistant", "tool result", "1"),
        ],
        id="responses-logs",
    ),
    pytest.param(
        [
            {"type": "completion", "completion": "H"},
            {"type": "completion", "completion": "i", "stop_reason": "stop"},
        ],
        HI,
        id="anthropic-complete",
    ),
    pytest.param([{"response": "H"}, {"response": "i"}], HI, id="workers-ai"),
    pytest.param(
        [{"type": "transcript.text.delta", "delta": "H"}, {"type": "transcript.text.done", "text": "Hi"}],
        [("", "text", "Hi")],
        id="transcript",
    ),
    pytest.param(
        [
            {"type": "image_generation.partial_image", "b64_json": PNG},
            {"type": "image_generation.completed", "b64_json": PNG, "output_format": "webp"},
            {"type": "image_generation.completed", "b64_json": PNG, "output_format": "png"},
        ],
        [("", "image", "image/webp, 8 bytes"), ("", "image", "image/png, 8 bytes")],
        id="images",
    ),
    pytest.param(
        [{"token": {"text": "H"}}, {"token": {"text": "i"}}, {"token": {"text": "</s>", "special": True}}],
        HI,
        id="text-generation-inference",
    ),
    pytest.param([{"content": "H", "stop": False}, {"content": "i", "stop": True}], HI, id="llama.cpp"),
    pytest.param([{"error": {"message": "no", "type": "bad"}}], [("", "error", "bad", "no")], id="error"),
    pytest.param(
        [_chat(content="Hi"), {"error": {"message": "no", "type": "bad"}}],
        [*HI, ("", "error", "bad", "no")],
        id="error-after-text",
    ),
]


@pytest.mark.parametrize(("events", "expected"), STREAMED)
def test_what_a_stream_adds_up_to(events: Any, expected: list[tuple[str, ...]]) -> None:
    recording = _recording(f"{OPENAI}/chat/completions", {}, events, content_type="text/event-stream")
    found = conversation(recording)

    assert found.is_stream
    assert _parts(found.answered) == expected


@pytest.mark.parametrize(("events", "expected"), STREAMED)
def test_what_each_piece_of_a_stream_adds_is_all_of_it_in_the_end(
    events: Any, expected: list[tuple[str, ...]]
) -> None:
    pieces = [b"data: %s\n\n" % json.dumps(event).encode() for event in events]
    said = list(said_by_pieces(pieces, "text/event-stream"))
    told = "".join(part.text for parts in said for part in parts if part.kind == "text")

    assert len(said) == len(pieces)
    # where several choices take turns, so do their pieces
    assert sorted(told) == sorted("".join(one[-1] for one in expected if one[1] == "text"))


def test_a_piece_says_what_is_new_in_it() -> None:
    events: list[dict[str, Any]] = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
    ]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}}
        for text in ("hm, ", "well")
    ]
    body = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)

    said = list(said_by_pieces([body[at : at + 1] for at in range(len(body))]))

    assert len(said) == len(body)
    assert [part.text for parts in said for part in parts] == ["hm, ", "well"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (
            [
                {"message": {"role": "assistant", "content": "H", "thinking": "hm"}},
                {"message": {"content": "i"}, "done": True},
            ],
            [("assistant", "reasoning", "hm"), *HI],
        ),
        (
            [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, "done": True}],
            [("assistant", "tool call", "f", '{"a": 1}')],
        ),
        ([{"response": "H"}, {"response": "i", "done": True}], HI),
        (
            [
                {"event_type": "text-generation", "text": "H"},
                {"event_type": "stream-end", "response": {"text": "Hi", "generation_id": "g"}},
            ],
            HI,
        ),
    ],
    ids=["ollama-chat", "ollama-tools", "ollama-generate", "cohere-1"],
)
def test_what_lines_add_up_to(events: Any, expected: list[tuple[str, ...]]) -> None:
    assert _answered("http://localhost/api/chat", events, content_type="application/x-ndjson") == expected


def test_the_frames_of_aws_are_read() -> None:
    body = frames(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "H"}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "i"}}),
        ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
    )

    found = _answered(
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream",
        body,
        content_type="application/vnd.amazon.eventstream",
    )

    assert found == [*HI, ("assistant", "tool call", "f", "{}", "t1")]


def test_the_stream_of_an_invoked_nova_is_read() -> None:
    body = frames(
        *map(
            as_bytes,
            [
                {"messageStart": {"role": "assistant"}},
                {"contentBlockDelta": {"delta": {"text": "H"}, "contentBlockIndex": 0}},
                {"contentBlockDelta": {"delta": {"text": "i"}, "contentBlockIndex": 0}},
                {"contentBlockStop": {"contentBlockIndex": 0}},
                {"messageStop": {"stopReason": "end_turn"}},
                {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2}}},
            ],
        )
    )

    found = _answered(
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-lite-v1%3A0/invoke-with-response-stream",
        body,
        content_type="application/vnd.amazon.eventstream",
    )

    assert found == HI


TWELVE = [str(number) for number in range(12)]


@pytest.mark.parametrize(
    "body",
    [
        b"".join(
            b"data: %s\n\n" % json.dumps(_block(index, type="text_delta", text=text)).encode()
            for index, text in reversed(list(enumerate(TWELVE)))
        ),
        b"".join(
            b"data: %s\n\n"
            % json.dumps({"type": "response.output_text.delta", "output_index": index, "delta": text}).encode()
            for index, text in reversed(list(enumerate(TWELVE)))
        ),
        frames(
            *(
                ("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": text}})
                for index, text in reversed(list(enumerate(TWELVE)))
            )
        ),
    ],
    ids=["anthropic", "responses", "converse"],
)
def test_blocks_come_in_the_order_of_their_numbers(body: bytes) -> None:
    found = _answered(f"{OPENAI}/responses", body, content_type="application/octet-stream")

    assert [text for *_, text in found] == TWELVE


def test_a_body_too_large_to_decode_is_told_by_its_size() -> None:
    piece = bytes(1 << 20)
    recording = _recording(f"{OPENAI}/files/x/content", {}, {})
    recording.body = Body.of([Chunk(piece, 0.0)] * 65)

    ((part,),) = [turn.parts for turn in conversation(recording).answered]

    assert part.text == "application/json, 68,157,440 bytes"


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        (
            [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}],
            ("f", "g"),
        ),
        (
            [{"type": "function", "name": "f"}, {"type": "web_search"}, {"type": "mcp", "server_label": "s"}],
            ("f", "web_search", "s"),
        ),
        (
            [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}, {"googleSearch": {}}],
            ("f", "g", "googleSearch"),
        ),
    ],
    ids=["chat", "responses", "gemini"],
)
def test_the_tools_are_named(tools: Any, expected: tuple[str, ...]) -> None:
    assert conversation(_recording(f"{OPENAI}/chat/completions", {"tools": tools}, {})).tools == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "a"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}, "b"),
        ({"messages": [{"role": "system", "content": "s"}]}, "s"),
        ({"input": "i", "instructions": "s"}, "i"),
        ({}, ""),
        ([], "[]"),
    ],
)
def test_the_prompt_is_what_was_last_asked(body: Any, expected: str) -> None:
    assert prompt(_recording(f"{OPENAI}/chat/completions", body, {}).request) == expected


NAMES = st.sampled_from(
    [
        "role",
        "content",
        "messages",
        "type",
        "text",
        "image_url",
        "url",
        "source",
        "data",
        "parts",
        "choices",
        "delta",
        "message",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "index",
        "input",
        "output",
        "candidates",
        "contents",
        "embedding",
        "results",
        "categories",
        "error",
        "item",
        "content_block",
        "inlineData",
        "toolUse",
        "toolResult",
        "json",
        "thinking",
        "reasoning",
        "summary",
        "tools",
        "prompt",
        "documents",
        "system",
        "response",
        "object",
        "thread.message.delta",
        "response.output_text.delta",
        "content_block_delta",
        "tool-call-start",
        "contentBlockIndex",
        "contentBlockDelta",
        "contentBlockStart",
        "messageStop",
        "event_type",
        "text-generation",
        "content-delta",
        "done",
        "token",
        "outputs",
        "step_details",
        "code_interpreter",
        "output_index",
        "response.code_interpreter_call_code.delta",
        "response.reasoning_text.delta",
        "response.output_item.added",
        "code_interpreter_call",
        "generation",
        "predictions",
        "embeddings",
        "relevance_score",
        "audio",
        "chat_history",
        "instances",
        "requests",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 1 << 70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)


@given(VALUES, VALUES)
def test_nothing_fails_on_a_body_of_another_form(asked: Any, answered: Any) -> None:
    found = conversation(_recording(f"{OPENAI}/chat/completions", asked, answered))

    for turn in (*found.asked, *found.answered):
        assert all(isinstance(part.text, str) and isinstance(part.name, str) for part in turn.parts)


@given(
    st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=6),
    st.sampled_from(["text/event-stream", "application/x-ndjson"]),
)
def test_nothing_fails_on_a_stream_of_another_form(events: Any, content_type: str) -> None:
    recording = _recording(f"{OPENAI}/chat/completions", {}, events, content_type=content_type)
    found = conversation(recording)

    assert all(isinstance(part.text, str) for turn in found.answered for part in turn.parts)
    assert isinstance(assembled(recording.body.read()), str)
    pieces = recording.body.read().splitlines(keepends=True)
    assert len(list(said_by_pieces(pieces, content_type))) == len(pieces)


@given(
    st.binary(max_size=200),
    st.sampled_from(
        [
            "application/json",
            "text/event-stream",
            "application/x-ndjson",
            "application/vnd.amazon.eventstream",
            "image/png",
            "",
        ]
    ),
)
def test_nothing_fails_on_any_bytes(data: bytes, content_type: str) -> None:
    recording = _recording(f"{OPENAI}/chat/completions", data, {}, request_type="multipart/form-data")
    recording.head = ResponseHead(200, (("content-type", content_type),))
    recording.body = Body.of([Chunk(data, 0.0)])

    assert all(part.kind for turn in conversation(recording).answered for part in turn.parts)
    assert isinstance(prompt(recording.request), str)


def test_a_value_nested_deeply_is_no_trouble() -> None:
    nested = (
        b'{"messages":[{"role":"user","content":' + b'[{"type":"tool_result","content":' * 400 + b"1" + b"}]" * 400
    )
    recording = _recording(f"{OPENAI}/chat/completions", nested + b"}]}", nested + b"}]}")

    assert conversation(recording).asked


def test_the_text_of_a_stream_stands_in_one_piece() -> None:
    events = [
        {"choices": [{"index": 0, "delta": {"content": "H"}}, {"index": 1, "delta": {"content": "J"}}]},
        _chat(content="i"),
        _chat(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": "{}"}}]),
    ]
    body = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)

    assert assembled(body) == "Hi\nassistant 2: J\ntool call 0: {}"


def test_halves_of_a_character_are_joined_and_one_alone_is_replaced() -> None:
    events = [_chat(content=half) for half in ("\ud83d", "\ude00", "\ud83d")]
    body = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)

    assert assembled(body) == "\U0001f600\ufffd"


RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recordings"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the real recordings of others are not beside the checkout")
def test_real_recordings_of_others_say_something() -> None:
    for path in sorted(path for path in RECORDED.rglob("*") if path.suffix in (".yaml", ".yml", ".gz")):
        with warnings.catch_warnings(action="ignore"):
            recordings = foreign.read(path)
        for recording in recordings:
            found = conversation(recording)
            assert found.answered or not recording.body.size, path
            if recording.head.status == 200 and recording.request.url.endswith(
                ("/chat/completions", "/responses")
            ):
                assert any(part.text for turn in found.answered for part in turn.parts), path
