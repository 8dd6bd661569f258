"""ElevenLabs' speech: https://elevenlabs.io/docs/api-reference/text-to-speech/convert."""

from __future__ import annotations

from tests.dialects.example import Example, document, other

ASKED = {"text": "Red", "model_id": "eleven_multilingual_v2"}

EXAMPLES = [
    Example(
        "elevenlabs",
        "speech",
        "/v1/text-to-speech/v1ce?output_format=mp3_44100_128",
        ASKED,
        other("audio/mpeg", b"\xff\xfb\x90\x64", bytes(range(256))),
    ),
    Example(
        "elevenlabs",
        "speech, streamed",
        "/v1/text-to-speech/v1ce/stream",
        ASKED,
        other("audio/mpeg", b"ID3\x04", bytes(200), bytes(range(256))),
    ),
    Example(
        "elevenlabs",
        "speech with the times of its characters",
        "/v1/text-to-speech/v1ce/with-timestamps",
        ASKED,
        document({"audio_base64": "//uQZA==", "alignment": {"characters": ["R", "e", "d"]}}),
    ),
    Example(
        "elevenlabs",
        "document of a failure",
        "/v1/text-to-speech/v1ce/with-timestamps",
        ASKED,
        document({"error": {"status": "quota_exceeded"}}),
        fails=True,
    ),
]
