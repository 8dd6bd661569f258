"""Cloudflare's Workers AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialect import BaseUrl, Dialect, Endpoint
from ...progress import Progress, as_dict
from ..openai_chat import ChatProgress

_DOCS = "https://developers.cloudflare.com/api/resources/ai/methods/run/"


class RunProgress(Progress):
    """Pieces of a text, ended by `[DONE]`; a document says whether it succeeded.

    Of a batch it is a ticket: https://developers.cloudflare.com/workers-ai/features/batch-api/rest-api/.
    """

    name = "workers ai"
    fillers = ("p", "response")
    needs_terminal = True

    @classmethod
    def fits(cls, name: str, value: Mapping[str, Any]) -> bool:
        return "response" in value or "success" in value

    def take(self, name: str, value: dict[str, Any]) -> None:
        self.failed = self.failed or value.get("success") is False or bool(value.get("errors"))

    def document(self, value: dict[str, Any]) -> None:
        self.take("", value)
        self.terminal = as_dict(value.get("result")).get("status") not in ("queued", "running")


DIALECT = Dialect(
    name="workers ai",
    base_url=BaseUrl(
        "cloudflare",
        "https://api.cloudflare.com/client/v4",
        "https://developers.cloudflare.com/workers-ai/get-started/rest-api",
    ),
    hosts=("api.cloudflare.com",),
    endpoints=(Endpoint(("/ai/run/@*/**",), _DOCS, forms=(ChatProgress, RunProgress), other_media=True),),
    model_paths=(r"/ai/run/(@.+)$",),
    pieces=("response",),
    noise=("p",),  # padding, of any length
    encoded=("audio", "image"),  # _DOCS: images and sounds in base64
    texts=("messages", "prompt", "query", "text"),
)
