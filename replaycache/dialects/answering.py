"""How calls are answered, as their dialects say."""

from __future__ import annotations

from functools import lru_cache

from .apis import anthropic, bedrock, gemini, openai_chat, openai_responses
from .registry import endpoints
from .watcher import Answering

ANY_ANSWER = Answering(
    (
        openai_chat.ChatProgress,
        openai_responses.ResponsesProgress,
        anthropic.MessagesProgress,
        gemini.ContentProgress,
        bedrock.ConverseProgress,
    ),
    other_media=True,
    is_known=False,
)
"""Of a call that no dialect knows, or an answer that is none by its status: gateways speak these forms behind
paths of their own, and no stranger's streams look like them."""


@lru_cache(maxsize=256)
def answering(method: str, path: str) -> Answering:
    """How a call is answered."""
    known = [endpoint for endpoint in endpoints(method, path) if endpoint.forms or endpoint.kind != "other"]
    if not known:
        return ANY_ANSWER
    forms = dict.fromkeys(form for endpoint in known for form in endpoint.forms)
    return Answering(tuple(forms), any(endpoint.other_media for endpoint in known), is_known=True)
