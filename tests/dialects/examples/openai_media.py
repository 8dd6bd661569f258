"""OpenAI's embeddings, moderations, sound and images.

https://platform.openai.com/docs/api-reference/embeddings/create
https://platform.openai.com/docs/api-reference/moderations/create
https://platform.openai.com/docs/api-reference/audio/transcript-text-done-event
https://platform.openai.com/docs/api-reference/audio/speech-audio-done-event
https://platform.openai.com/docs/api-reference/images-streaming
"""

from __future__ import annotations

from typing import Any

from tests.dialects.example import Example, document, events, named_events, other

TRANSCRIPTIONS = "/v1/audio/transcriptions"
SPEECH = "/v1/audio/speech"
IMAGES = "/v1/images/generations"
HEARD = {"model": "gpt-4o-transcribe", "stream": "true"}
SPOKEN = {"model": "gpt-4o-mini-tts", "input": "Red", "voice": "alloy"}
DRAWN = {"model": "gpt-image-1", "prompt": "A colour", "stream": True}
DELTA = {"type": "transcript.text.delta", "delta": "Ré"}
HEARD_ALL = {"type": "transcript.text.done", "text": "Réd", "usage": {"type": "tokens", "total_tokens": 9}}


def image(kind: str, **members: Any) -> dict[str, Any]:
    """An event of an image."""
    return {"type": f"image_generation.{kind}", "b64_json": "iVBORw0KGgo=", "size": "1024x1024"} | members


FAILURE = {"type": "error", "error": {"type": "server_error", "message": "The model failed"}}

EXAMPLES = [
    Example(
        "openai media",
        "embeddings",
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "red"},
        document({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1e-3]}]}),
    ),
    Example(
        "openai media",
        "moderations",
        "/v1/moderations",
        {"input": "red"},
        document({"id": "modr-1", "model": "omni-moderation-latest", "results": [{"flagged": False}]}),
    ),
    Example(
        "openai media",
        "transcription, document",
        TRANSCRIPTIONS,
        {"model": "whisper-1"},
        document({"text": "Réd"}),
        is_form=True,
    ),
    Example(
        "openai media",
        "transcription, text",
        TRANSCRIPTIONS,
        {"model": "whisper-1", "response_format": "text"},
        other("text/plain; charset=utf-8", "Réd\n".encode()),
        is_form=True,
    ),
    Example(
        "openai media",
        "transcription, text that begins with a remark",
        TRANSCRIPTIONS,
        {"model": "whisper-1", "response_format": "text"},
        other("text/plain; charset=utf-8", "[Music] Réd\n".encode()),
        is_form=True,
    ),
    Example(
        "openai media",
        "transcription, streamed",
        TRANSCRIPTIONS,
        HEARD,
        events(DELTA, DELTA, HEARD_ALL),
        is_form=True,
    ),
    Example(
        "openai media",
        "transcription, streamed, [DONE] behind its last event",
        TRANSCRIPTIONS,
        HEARD,
        events(DELTA, DELTA, HEARD_ALL, "[DONE]"),
        -2,
        -2,
        is_form=True,
    ),
    Example(
        "openai media",
        "transcription, streamed failure",
        TRANSCRIPTIONS,
        HEARD,
        events(DELTA, FAILURE),
        fails=True,
        is_form=True,
    ),
    Example("openai media", "speech", SPEECH, SPOKEN, other("audio/mpeg", b"\xff\xfb\x90\x64", bytes(range(256)))),
    Example(
        "openai media",
        "speech, streamed",
        SPEECH,
        {**SPOKEN, "stream_format": "sse"},
        events(
            {"type": "speech.audio.delta", "audio": "//uQZA=="},
            {"type": "speech.audio.delta", "audio": "AAAA"},
            {"type": "speech.audio.done", "usage": {"total_tokens": 9}},
        ),
    ),
    Example(
        "openai media",
        "image",
        IMAGES,
        {"model": "gpt-image-1", "prompt": "A colour"},
        document({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}),
    ),
    Example(
        "openai media",
        "image, streamed",
        IMAGES,
        {**DRAWN, "partial_images": 1},
        named_events(image("partial_image", partial_image_index=0), image("completed")),
    ),
    Example(
        "openai media",
        "images, streamed",
        IMAGES,
        {**DRAWN, "n": 2},
        named_events(image("completed"), image("completed")),
    ),
    Example(
        "openai media",
        "images of a form, streamed",
        "/v1/images/edits",
        {"model": "gpt-image-1", "prompt": "Darker", "n": "2", "stream": "true"},
        named_events({"type": "image_edit.completed"}, {"type": "image_edit.completed"}),
        is_form=True,
    ),
    Example(
        "openai media",
        "image, streamed failure",
        IMAGES,
        DRAWN,
        named_events(image("partial_image", partial_image_index=0), FAILURE),
        fails=True,
    ),
    Example(
        "openai media",
        "embeddings, document of a failure",
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "red"},
        document({"error": {"message": "overloaded", "type": "server_error"}}),
        fails=True,
    ),
]
