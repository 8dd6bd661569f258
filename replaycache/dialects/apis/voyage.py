"""Voyage's embeddings and rankings."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint

DIALECT = Dialect(
    name="voyage",
    provider="voyageai",
    base_url=BaseUrl(
        "voyage", "https://api.voyageai.com/v1", "https://docs.voyageai.com/reference/embeddings-api"
    ),
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
    texts=("documents", "input", "inputs", "query", "text"),
)
