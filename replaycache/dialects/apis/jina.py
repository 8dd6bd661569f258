"""Jina's embeddings and rankings."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint

DIALECT = Dialect(
    name="jina",
    provider="jina",
    base_url=BaseUrl("jina", "https://api.jina.ai/v1", "https://jina.ai/embeddings"),
    hosts=("api.jina.ai",),
    endpoints=(Endpoint(("/rerank",), "https://jina.ai/reranker", ("query",)),),
    encoded=("bytes", "image"),  # https://jina.ai/embeddings: images in base64
    texts=("documents", "input", "query", "text"),
)
