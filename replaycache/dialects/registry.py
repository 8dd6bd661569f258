"""All dialects, and what they say together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..wire.encoded import is_base64, is_encoded
from .apis import (
    anthropic,
    anthropic_platform,
    azure,
    bedrock,
    cohere,
    databricks,
    elevenlabs,
    gemini,
    groq,
    huggingface,
    jina,
    litellm,
    llama_cpp,
    mistral,
    ollama,
    openai_chat,
    openai_compatible,
    openai_media,
    openai_platform,
    openai_responses,
    perplexity,
    sagemaker,
    text_embeddings_inference,
    text_generation_inference,
    vllm,
    voyage,
    web_services,
    workers_ai,
    xai,
)
from .dialect import AnswerHeader, BaseUrl, CredentialParameter, Dialect, Endpoint, Equivalent, Kind, NoOp

DIALECTS: tuple[Dialect, ...] = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    openai_media.DIALECT,
    openai_platform.DIALECT,
    azure.DIALECT,
    anthropic.DIALECT,
    anthropic_platform.DIALECT,
    gemini.DIALECT,
    gemini.VERTEX,
    bedrock.DIALECT,
    mistral.DIALECT,
    cohere.DIALECT,
    ollama.DIALECT,
    ollama.CLOUD,
    llama_cpp.DIALECT,
    vllm.DIALECT,
    text_generation_inference.DIALECT,
    text_embeddings_inference.DIALECT,
    groq.DIALECT,
    perplexity.DIALECT,
    xai.DIALECT,
    voyage.DIALECT,
    jina.DIALECT,
    huggingface.DIALECT,
    databricks.DIALECT,
    sagemaker.DIALECT,
    workers_ai.DIALECT,
    elevenlabs.DIALECT,
    litellm.DIALECT,
    *openai_compatible.DIALECTS,
    *web_services.DIALECTS,
)

ANSWER_HEADERS: tuple[AnswerHeader, ...] = tuple(
    sorted(
        (
            AnswerHeader("accept-language", "https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4"),
            AnswerHeader("range", "https://www.rfc-editor.org/rfc/rfc9110#section-14.2"),
            *(header for dialect in DIALECTS for header in dialect.headers),
        )
    )
)
"""Request headers that change what is answered. Those of a dialect belong to nobody else, so that they count on
every host: gateways hand them on."""

BASE_URLS: tuple[BaseUrl, ...] = tuple(
    sorted(dialect.base_url for dialect in DIALECTS if dialect.base_url is not None)
)
"""Where the APIs are that are in one place for everybody, by their names."""

ENCODED_MEMBERS: frozenset[str] = frozenset(name for dialect in DIALECTS for name in dialect.encoded)
"""Members in which some API sends or takes encoded data. Those of a dialect count on every host, as gateways hand
them on; text of another form may stand under the same names: `holds_data` tells."""

_LEAST_DATA = 40


def holds_data(member: str, text: str) -> bool:
    """Whether a text is encoded data, by its form or by the member in which it stands.

    Args:
        member: the name of the member, or of the list of which it is an item; empty where it has none.
        text: as a whole. A word, an id or a hash is no data, whatever the member is called.
    """
    if is_encoded(text):
        return True
    return (
        member in ENCODED_MEMBERS
        and len(text) >= _LEAST_DATA
        and not text.islower()
        and not text.isupper()
        and is_base64(text)
    )


TEXT_OBJECTS: frozenset[str] = frozenset(name for dialect in DIALECTS for name in dialect.text_objects)
"""Members under which every text is one that people wrote."""

TEXT_MEMBERS: frozenset[str] = frozenset(name for dialect in DIALECTS for name in dialect.texts) | TEXT_OBJECTS
"""Members in which some API takes what people wrote."""

_SETS = frozenset(header.name for header in ANSWER_HEADERS if header.is_set)


def canonical_value(name: str, value: str) -> str:
    """The value of a header in one spelling: without spaces around commas, and a set in order."""
    parts = [part.strip() for part in value.split(",")]
    return ",".join(sorted(set(parts)) if name in _SETS else parts)


# -- calls -----------------------------------------------------------------------------------------------------


def _last(path: str) -> str:
    segment = path.rpartition("/")[2]
    before, colon, verb = segment.rpartition(":")
    return f":{verb}" if colon else before or verb


def _by_last() -> dict[str, list[tuple[str, Endpoint]]]:
    found: dict[str, list[tuple[str, Endpoint]]] = {}
    for dialect in DIALECTS:
        for endpoint in dialect.endpoints:
            for path in endpoint.paths:
                last = _last(path)
                found.setdefault("*" if "*" in last else last, []).append((path, endpoint))
    return found


_BY_LAST = _by_last()


def _fits(pattern: str, path: str) -> bool:
    if pattern.startswith(":"):
        return path.endswith(pattern)
    wanted = pattern.removeprefix("^").split("/")[1:]
    given = path.split("/")[1:]
    if wanted[-1] == "**":
        wanted = wanted[:-1]
        return any(_same(wanted, given[at : at + len(wanted)]) for at in range(len(given) - len(wanted)))
    at = len(given) - len(wanted)
    if at < 0 or (at > 0 and pattern.startswith("^")):
        return False
    return _same(wanted, given[at:])


def _is_like(text: str, pattern: str) -> bool:
    """Whether a text fits a pattern with one `*` at most; to compile each would take longer than a whole hit."""
    before, star, after = pattern.partition("*")
    if not star:
        return text == pattern
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)


def _same(wanted: list[str], given: list[str]) -> bool:
    return len(wanted) == len(given) and all(
        bool(other) and _is_like(other, one) for one, other in zip(wanted, given, strict=True)
    )


@lru_cache(maxsize=256)
def endpoints(method: str, path: str) -> tuple[Endpoint, ...]:
    """The endpoints that a call may be for, by its method and the end of its path: those that fit it closest."""
    path = path.rstrip("/")
    fitting = [
        (pattern.count("/") + pattern.count("^"), endpoint)
        for pattern, endpoint in (*_BY_LAST.get(_last(path), ()), *_BY_LAST["*"])
        if endpoint.method == method and _fits(pattern, path)
    ]
    closest = max((count for count, _ in fitting), default=0)
    return tuple(endpoint for count, endpoint in fitting if count == closest)


def generates(method: str, path: str) -> bool:
    """Whether a call may be one that generates, as far as its method and the end of its path tell."""
    return any(endpoint.kind == "generates" for endpoint in endpoints(method, path))


def kind_of(method: str, path: str, body: Mapping[str, Any] | None) -> Kind:
    """What a call is.

    Args:
        method: in upper case.
        path: of the URL.
        body: the members of its JSON body, or the fields of its form; None where it has none.
    """
    kinds = {endpoint.kind_of(body) for endpoint in endpoints(method, path)} - {"other"}
    # what one API answers again is another's ticket: a cache may be wrong about neither
    return next(iter(kinds - {"generates"} or kinds), "other")


# -- by host ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _of_host(host: str) -> tuple[Dialect, ...]:
    return tuple(dialect for dialect in DIALECTS if any(_is_like(host, pattern) for pattern in dialect.hosts))


def _of_call(method: str, host: str, path: str) -> list[Dialect]:
    """The dialects of which a call may be, by its host or its path."""
    fitting = endpoints(method, path)
    return [
        dialect
        for dialect in DIALECTS
        if dialect in _of_host(host) or any(endpoint in dialect.endpoints for endpoint in fitting)
    ]


def headers_by_api(method: str, host: str, path: str) -> list[tuple[str, ...]]:
    """Those of `ANSWER_HEADERS` that a call may have, for each API that it may be of, by its host or its path."""
    found = _of_call(method, host, path)
    return [tuple(header.name for header in dialect.headers) for dialect in found if dialect.headers]


def names_of(method: str, host: str, path: str) -> list[str]:
    """The dialects of which a call may be: first those whose host it is, then those that know its path."""
    return [dialect.name for dialect in (*_of_host(host), *_of_call(method, host, path))]


def provider_of_host(host: str) -> str:
    """Whose host it is, by its name in genai-prices where it has one there; empty where that is unknown."""
    return next((dialect.provider for dialect in _of_host(host)), "")


def undated(model: str) -> str:
    """The name of a model without the day of its version, which answers add to the name that was asked for.

    `gpt-4o-mini-2024-07-18` (https://platform.openai.com/docs/models), `claude-sonnet-4-5-20250929`, and with an
    `@` on Vertex AI (https://docs.anthropic.com/en/docs/about-claude/models/overview).
    """
    return re.sub(r"[-@]20\d\d-?[01]\d-?[0-3]\d\Z", "", model)


@lru_cache(maxsize=1024)
def credential_parameters(host: str, path: str) -> tuple[CredentialParameter, ...]:
    """The query parameters that authenticate the caller, by whose host or whose call it is.

    Args:
        host: in lower case, without a port; empty where a URL is relative.
        path: of the URL.
    """
    return tuple(row for dialect in _of_call("POST", host, path) for row in dialect.credential_parameters)


def _is_at(pattern: str, path: str) -> bool:
    is_plain = not any(sign in pattern for sign in "[(?|")
    return pattern == path if is_plain else re.fullmatch(pattern, path) is not None


@lru_cache(maxsize=256)
def no_ops(origin: str, path: str) -> dict[str, tuple[NoOp, ...]]:
    """The rows that hold for an endpoint, by their `member`; none on a host that no row names."""
    found: dict[str, tuple[NoOp, ...]] = {}
    for dialect in _of_host(origin.partition("://")[2]):
        for row in dialect.no_ops:
            if _is_at(row.path, path):
                found[row.member] = (*found.get(row.member, ()), row)
    return found


@lru_cache(maxsize=256)
def equivalents(origin: str, path: str) -> tuple[Equivalent, ...]:
    """The documented equivalents that hold for an endpoint."""
    return tuple(
        row
        for dialect in _of_host(origin.partition("://")[2])
        for row in dialect.equivalents
        if _is_at(row.path, path)
    )
