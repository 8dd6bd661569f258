"""Hugging Face's text-embeddings-inference."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint

DIALECT = Dialect(
    name="text-embeddings-inference",
    endpoints=(
        # only at the root: behind another path the same words name other things
        Endpoint(
            ("^/embed", "^/embed_all", "^/embed_sparse", "^/predict", "^/similarity"),
            "https://huggingface.github.io/text-embeddings-inference/",
            ("inputs",),
        ),
    ),
    texts=("inputs", "query", "texts"),
)
