"""Perplexity, where it differs from OpenAI: its streams have no terminator, and what is asked may be a ticket."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="perplexity",
    provider="perplexity",
    hosts=("api.perplexity.ai",),
    endpoints=(
        Endpoint(
            ("/async/chat/completions",),
            "https://docs.perplexity.ai/api-reference/async-chat-completions-post",
            kind="ticket",
        ),
    ),
)
