"""xAI, where it differs from OpenAI: what is asked may be a ticket."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint

DIALECT = Dialect(
    name="xai",
    provider="x-ai",
    base_url=BaseUrl("xai", "https://api.x.ai/v1", "https://docs.x.ai/docs/api-reference"),
    hosts=("api.x.ai", "*.api.x.ai"),
    endpoints=(
        Endpoint(
            ("/chat/completions",),
            "https://docs.x.ai/docs/guides/deferred-chat-completions",
            tickets=("deferred",),
            kind="other",
        ),
    ),
)
