"""Perplexity, where it differs from OpenAI: its streams have no terminator, and what is asked may be a ticket."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint

DIALECT = Dialect(
    name="perplexity",
    provider="perplexity",
    base_url=BaseUrl(
        "perplexity", "https://api.perplexity.ai", "https://docs.perplexity.ai/api-reference/chat-completions-post"
    ),
    hosts=("api.perplexity.ai",),
    endpoints=(
        Endpoint(
            ("/async/chat/completions",),
            "https://docs.perplexity.ai/api-reference/async-chat-completions-post",
            kind="ticket",
        ),
    ),
)
