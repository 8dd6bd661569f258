"""Databricks' model serving: an endpoint answers in the form of its model."""

from __future__ import annotations

from ..dialect import Dialect, Endpoint
from .anthropic import MessagesProgress
from .openai_chat import ChatProgress

DIALECT = Dialect(
    name="databricks",
    endpoints=(
        Endpoint(
            ("/serving-endpoints/*/invocations",),
            "https://docs.databricks.com/api/workspace/servingendpoints/query",
            forms=(ChatProgress, MessagesProgress),
        ),
    ),
    texts=("input", "inputs", "prompt"),
    text_objects=("dataframe_split",),
)
