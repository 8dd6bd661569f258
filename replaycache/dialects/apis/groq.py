"""Groq, where it differs from OpenAI."""

from __future__ import annotations

from ..dialect import AnswerHeader, BaseUrl, Dialect, no_op_rows

_REFERENCE = "https://console.groq.com/docs/api-reference: *"

DIALECT = Dialect(
    name="groq",
    provider="groq",
    base_url=BaseUrl("groq", "https://api.groq.com/openai/v1", "https://console.groq.com/docs/openai"),
    hosts=("api.groq.com",),
    headers=(AnswerHeader("groq-model-version", "https://console.groq.com/docs/compound"),),
    no_ops=(
        *no_op_rows(
            r"/openai/v1/chat/completions",
            _REFERENCE,
            {"n": 1, "stream": False, "temperature": 1, "top_p": 1},
            nullable=("n", "stream", "temperature", "top_p"),
        ),
        # its responses are not stored by default, unlike OpenAI's
        *no_op_rows(
            r"/openai/v1/responses",
            _REFERENCE,
            {"store": False, "stream": False, "temperature": 1, "top_p": 1, "truncation": "disabled"},
            nullable=("store", "stream", "temperature", "top_p", "truncation"),
        ),
    ),
)
