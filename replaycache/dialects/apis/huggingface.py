"""Hugging Face's router: its own inference; behind other paths it speaks the API of whom it routes to."""

from __future__ import annotations

from ..dialect import BaseUrl, Dialect, Endpoint
from .openai_chat import ChatProgress
from .text_generation_inference import GenerationProgress

DIALECT = Dialect(
    name="huggingface",
    provider="huggingface",
    base_url=BaseUrl(
        "huggingface", "https://router.huggingface.co/v1", "https://huggingface.co/docs/inference-providers"
    ),
    hosts=("router.huggingface.co", "api-inference.huggingface.co"),
    endpoints=(
        Endpoint(
            ("/hf-inference/**",),
            "https://huggingface.co/docs/inference-providers/providers/hf-inference",
            ("inputs",),
            forms=(ChatProgress, GenerationProgress),
            other_media=True,
        ),
    ),
    model_paths=(r"/models/(?!chat/)([^/]+/[^/:]+)(?:/|$)",),  # Azure has /models/chat/completions
    texts=("inputs", "context", "question", "text"),
    text_objects=("inputs",),
)
