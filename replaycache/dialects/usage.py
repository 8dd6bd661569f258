"""What an answer used: tokens and what else is paid for, as the answer itself tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from .._models import Recording, Request, Usage
from ..wire import url
from .answer_objects import object_of, objects_of
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

    A body of more than 4 MiB is looked into at its start and its end only.

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
    for objects in (list(telling),) if telling else objects_of(recording.body):
        usage, model, service_tier = _merged(objects)
        counts = counts_of(usage, reasons_apart=provider == "google") if usage else None
        if counts is not None:
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
                counts.service_tier or service_tier,
                counts.units,
            )
    return None


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
    return _model_in_body(request) or _model_in_path(_parts(request).path)


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


def _model_in_body(request: Request) -> str:
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    is_form = media_type in ("multipart/form-data", "application/x-www-form-urlencoded")
    body = (members(request) or {}) if is_form else object_of(request.body)
    return as_text(body.get("model"))


def _merged(objects: list[dict[str, Any]]) -> tuple[dict[str, Any], str, str]:
    """The usage that the objects tell together, and the model and the service tier they name.

    Providers count up as a stream goes on, so that what comes later holds. A later object may leave out what an
    earlier one told: Anthropic's message_delta need not repeat the input of message_start
    (https://docs.anthropic.com/en/docs/build-with-claude/streaming).
    """
    usage: dict[str, Any] = {}
    model = service_tier = ""
    for value in objects:
        usage.update((name, count) for name, count in usage_object(value).items() if count is not None)
        model = next(_named(value, "model", "modelVersion"), model)
        service_tier = next(_named(value | {"usage": usage}, "service_tier", "serviceTier"), service_tier)
    return usage, model.removeprefix("models/"), service_tier.lower()


def _named(value: dict[str, Any], *names: str) -> Iterator[str]:
    """Texts of these names in an answer or an event, or in what it holds of one."""
    for part in (value, *map(value.get, ENVELOPES), value.get("usage")):
        if isinstance(part, dict):
            for name in names:
                if as_text(part.get(name)):
                    yield part[name]
