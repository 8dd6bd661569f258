"""Voyage's and Jina's embeddings and rankings.

https://docs.voyageai.com/reference/reranker-api, https://docs.voyageai.com/reference/multimodal-embeddings-api,
https://jina.ai/reranker
"""

from __future__ import annotations

from tests.dialects.example import Example, document

ASKED = {"query": "A colour?", "documents": ["red", "loud"]}

EXAMPLES = [
    Example(
        "voyage",
        "ranking",
        "/v1/rerank",
        {**ASKED, "model": "rerank-2.5"},
        document({"object": "list", "data": [{"index": 0, "relevance_score": 0.9}], "usage": {"total_tokens": 9}}),
    ),
    Example(
        "voyage",
        "ranking behind a gateway",
        "/voyage/rerank",
        {**ASKED, "model": "rerank-2.5"},
        document({"object": "list", "data": [{"index": 0, "relevance_score": 0.9}]}),
    ),
    Example(
        "voyage",
        "multimodal embeddings",
        "/v1/multimodalembeddings",
        {"inputs": [{"content": [{"type": "text", "text": "red"}]}], "model": "voyage-multimodal-3"},
        document({"object": "list", "data": [{"object": "embedding", "embedding": [0.5], "index": 0}]}),
    ),
    Example("voyage", "document of a failure", "/v1/rerank", ASKED, document({"error": "overloaded"}), fails=True),
    Example(
        "jina",
        "ranking",
        "/v1/rerank",
        {**ASKED, "model": "jina-reranker-v2-base-multilingual"},
        document({"model": "m", "results": [{"index": 0, "relevance_score": 0.9}], "usage": {"total_tokens": 9}}),
    ),
]
