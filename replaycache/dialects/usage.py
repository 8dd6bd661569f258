"""What an answer used: tokens and what else is paid for, as the answer itself tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from .._models import Recording, Request, Usage
from ..wire import url
from .answer_events import inner_event
from .answers import watched
from .progress import as_text
from .registry import DIALECTS, endpoints, provider_of_host
from .request_body import members
from .token_counts import ENVELOPES, counts_of, usage_object

__all__ = ["Usage", "asked_of", "model_of", "provider_of", "usage_of"]


def usage_of(recording: Recording, telling: Sequence[dict[str, Any]] = ()) -> Usage | None:
    """What an answer used, as it tells itself; None where it does not, or is malformed or cut before it does.

    Only calls that generate are looked at, and runs of assistants. An answer that is fetched once more (a
    response in the background, a run that is polled) would count again, and a stream of OpenAI's chat tells its
    usage only where `stream_options.include_usage` asked for it: both give None. Of an answer of Anthropic or
    Gemini that was cut short, what it told until then counts.

    Args:
        telling: the objects of the answer in which anything may be told, where they are at hand.

    Raises:
        CorruptRecording: the stored entry is damaged.
    """
    request = recording.request
    path = _parts(request).path
    if not any(endpoint.kind in ("generates", "state") for endpoint in endpoints(request.method, path)):
        return None
    provider = provider_of(request)
    told = _Told()
    for value in telling:
        told.take(value)
    if not telling:
        watched(recording, told.take)
    counts = counts_of(told.usage, reasons_apart=provider == "google") if told.usage else None
    if counts is None:
        return None
    model = told.model.removeprefix("models/")
    if provider == "aws" or not model:  # Bedrock's path names the region's price too
        model = model_of(request) or model
    return Usage(
        _seller(request),
        model,
        counts.input,
        counts.output,
        counts.cached,
        counts.cache_write,
        counts.reasoning,
        counts.service_tier or told.service_tier.lower(),
        counts.units,
    )


def asked_of(request: Request) -> Usage:
    """Who was asked for what, of a call whose answer does not tell what it used."""
    return Usage(_seller(request), model_of(request))


def _seller(request: Request) -> str:
    parts = _parts(request)
    return provider_of(request) or (parts.origin if parts.host else "")


def provider_of(request: Request) -> str:
    """Whose host was asked, by its name in genai-prices where it has one there; empty where that is unknown."""
    parts = _parts(request)
    provider = provider_of_host(parts.netloc)
    if provider == "huggingface":  # a router: behind it others answer, and are paid
        chosen = parts.path.split("/")[1]
        if chosen not in ("", "v1", "models", "hf-inference"):
            return f"huggingface_{chosen}"
    return provider


def model_of(request: Request) -> str:
    """The model that a request asks for, as its body or its path names it; empty where neither does."""
    return as_text((members(request) or {}).get("model")) or _model_in_path(_parts(request).path)


def _parts(request: Request) -> url.Url:
    try:
        return url.parse(request.url)
    except ValueError:
        return url.Url("", "", "", "/", ())


@lru_cache(maxsize=256)
def _model_in_path(path: str) -> str:
    for pattern in (pattern for dialect in DIALECTS for pattern in dialect.model_paths):
        found = re.search(pattern, path)
        if found:
            return unquote(found[1])
    return ""


class _Told:
    """The usage that the objects of an answer tell together, and the model and the service tier they name.

    Providers count up as a stream goes on, so that what comes later holds. A later object may leave out what an
    earlier one told: Anthropic's message_delta need not repeat the input of message_start
    (https://docs.anthropic.com/en/docs/build-with-claude/streaming).
    """

    def __init__(self) -> None:
        self.usage: dict[str, Any] = {}
        self.model = self.service_tier = ""

    def take(self, value: dict[str, Any]) -> None:
        """Takes the next object."""
        value = inner_event(value)
        self.usage.update((name, count) for name, count in usage_object(value).items() if count is not None)
        self.model = next(_named(value, "model", "modelVersion"), self.model)
        named = _named(value | {"usage": self.usage}, "service_tier", "serviceTier")
        self.service_tier = next(named, self.service_tier)


def _named(value: dict[str, Any], *names: str) -> Iterator[str]:
    """Texts of these names in an answer or an event, or in what it holds of one."""
    for part in (value, *map(value.get, ENVELOPES), value.get("usage")):
        if isinstance(part, dict):
            for name in names:
                if as_text(part.get(name)):
                    yield part[name]
