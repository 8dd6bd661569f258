"""Jina's embeddings and rankings."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="jina",
    provider="jina",
    hosts=("api.jina.ai",),
    endpoints=(Endpoint(("/rerank",), "https://jina.ai/reranker", ("query",)),),
    encoded=("bytes", "image"),  # https://jina.ai/embeddings: images in base64
)
