"""vLLM, where its API goes beyond OpenAI's."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint

_DOCS = "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"

DIALECT = Dialect(
    name="vllm",
    endpoints=(
        Endpoint(("/score",), _DOCS, ("text_1", "queries", "data_1")),
        Endpoint(("/pooling", "/classify"), _DOCS, ("input", "messages")),
    ),
    texts=("data_1", "data_2", "queries", "text_1", "text_2"),
)
