"""xAI, where it differs from OpenAI: what is asked may be a ticket."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="xai",
    provider="x-ai",
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
