"""ElevenLabs' text to speech."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint

_REFERENCE = "https://elevenlabs.io/docs/api-reference/text-to-speech/"

DIALECT = Dialect(
    name="elevenlabs",
    provider="elevenlabs",
    base_url=BaseUrl(
        "elevenlabs", "https://api.elevenlabs.io", "https://elevenlabs.io/docs/api-reference/introduction"
    ),
    hosts=("api.elevenlabs.io", "api.*.elevenlabs.io"),
    endpoints=(
        Endpoint(
            ("/text-to-speech/*", "/text-to-speech/*/stream"),
            f"{_REFERENCE}convert, {_REFERENCE}stream: sound in the format that the query names",
            ("text",),
            other_media=True,
        ),
        Endpoint(("/text-to-speech/*/with-timestamps",), f"{_REFERENCE}convert-with-timestamps", ("text",)),
    ),
    response_headers=("character-cost", "history-item-id"),
    encoded=("audio_base64",),  # convert-with-timestamps
    texts=("next_text", "previous_text", "text"),
)
