"""Voyage's embeddings and rankings."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint

__all__ = ["DIALECT"]

DIALECT = Dialect(
    name="voyage",
    provider="voyageai",
    hosts=("api.voyageai.com",),
    endpoints=(
        Endpoint(("/rerank",), "https://docs.voyageai.com/reference/reranker-api", ("query",)),
        Endpoint(
            ("/multimodalembeddings", "/contextualizedembeddings"),
            "https://docs.voyageai.com/reference",
            ("inputs",),
        ),
    ),
    encoded=("image_base64",),  # https://docs.voyageai.com/reference/multimodal-embeddings-api
)
