"""What may never reach a store, and never counts for a key.

Headers are kept by allow-list: of a header nobody named, nothing is written. Query parameters and body
fields that carry credentials are replaced by `PLACEHOLDER`, before hashing too, so that the same request
made with another key, or with none, is the same request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ._errors import ConfigurationError
from ._models import Headers, ResponseHead

__all__ = ["PLACEHOLDER", "Redact"]

PLACEHOLDER = "REDACTED"

REQUEST_HEADERS = frozenset({"accept", "content-type", "anthropic-version", "anthropic-beta", "openai-beta"})

RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "content-disposition",
        "date",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "x-request-id",
        "request-id",
        "openai-version",
        "openai-processing-ms",
        "openai-model",
        "location",
        "warning",
    }
)
RESPONSE_HEADER_PREFIXES = ("anthropic-ratelimit-", "x-ratelimit-")

QUERY_PARAMETERS = frozenset(
    {
        "key",
        "api_key",
        "apikey",
        "api-key",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "password",
        "authorization",
        "subscription-key",
        "sig",
        "signature",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-signature",
        "x-goog-credential",
        "x-goog-date",
        "x-goog-signature",
    }
)

BODY_FIELDS = frozenset(
    {
        "api_key",
        "apikey",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "password",
        "authorization",
    }
)
"""Only at the top level of a body: deeper down the same names are data (the input of a tool call, a JSON
schema, a filter), and to replace data would make different requests the same."""


@dataclass(frozen=True, slots=True)
class Redact:
    """What is kept out of stores, on top of the built-in rules; nothing here takes one of those away.

    Args:
        request_headers: further request headers to store (the built-in list names those that are).
        response_headers: further response headers to store.
        query: further query parameters whose values are replaced.
        body: further top-level fields of JSON bodies and forms whose values are replaced.

    Raises:
        ConfigurationError: an argument is not a list of names, or names what may never be stored.
    """

    request_headers: Sequence[str] = ()
    response_headers: Sequence[str] = ()
    query: Sequence[str] = ()
    body: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("request_headers", "response_headers", "query", "body"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(item, str) for item in value):
                raise ConfigurationError(f"Redact({name}=...) takes a list of names, not {value!r}")
            object.__setattr__(self, name, tuple(item.lower() for item in value))
        for name in (*self.request_headers, *self.response_headers):
            if is_credential_header(name):
                raise ConfigurationError(f"the header {name!r} carries a credential and may never be stored")

    def headers_of_request(self, headers: Headers) -> Headers:
        """The request headers that may be stored."""
        return tuple(item for item in headers if item[0] in REQUEST_HEADERS or item[0] in self.request_headers)

    def head(self, head: ResponseHead) -> ResponseHead:
        """A response head with only the headers that may be stored."""
        return replace(
            head,
            headers=tuple(
                (name, value)
                for name, value in head.headers
                if name in RESPONSE_HEADERS
                or name.startswith(RESPONSE_HEADER_PREFIXES)
                or name in self.response_headers
            ),
        )

    def is_secret_parameter(self, name: str) -> bool:
        """Whether a query parameter carries a credential."""
        return name.lower() in QUERY_PARAMETERS or name.lower() in self.query

    def is_secret_field(self, name: str) -> bool:
        """Whether a top-level field of a body carries a credential."""
        return name.lower() in BODY_FIELDS or name.lower() in self.body

    def url(self, url: str) -> str:
        """A URL without user information, and with the values of its credentials replaced."""
        scheme, _, rest = url.partition("://")
        authority, slash, tail = _split_authority(rest)
        authority = authority.rpartition("@")[2]
        path, mark, query = (slash + tail).partition("?")
        parts = [self._parameter(part) for part in query.split("&")]
        return f"{scheme}://{authority}{path}{mark}{'&'.join(parts)}"

    def _parameter(self, part: str) -> str:
        name, equals, _ = part.partition("=")
        decoded = unquote_to_bytes(name.replace("+", " ")).decode("utf-8", "replace")
        return f"{name}={PLACEHOLDER}" if equals and self.is_secret_parameter(decoded) else part

    def json(self, value: Any) -> bool:
        """Replaces the credentials in a decoded JSON body, in place; tells whether there were any."""
        if not isinstance(value, dict):
            return False
        found = False
        for name in value:
            if self.is_secret_field(name) and isinstance(value[name], str):
                found = _put(value, name) or found
        for name in ("tools", "mcp_servers", "data_sources"):
            for item in _items(value.get(name)):
                found = _redact_nested(name, item) or found
        return found

    def unparsed_json(self, body: bytes) -> bytes:
        """A JSON body that cannot be taken apart, with every field replaced that carries a credential."""
        names = "|".join(re.escape(name) for name in sorted({*BODY_FIELDS, *self.body}))
        pattern = rf'("(?:{names})"\s*:\s*)"(?:[^"\\]|\\.)*"'
        return re.sub(pattern.encode(), rb'\1"%s"' % PLACEHOLDER.encode(), body, flags=re.IGNORECASE)

    def form(self, body: bytes) -> bytes:
        """A form body with the values of its credentials replaced."""
        return b"&".join(self._field(part) for part in body.split(b"&"))

    def _field(self, part: bytes) -> bytes:
        name, equals, _ = part.partition(b"=")
        decoded = unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", "replace")
        if equals and self.is_secret_field(decoded):
            return b"%s=%s" % (name, quote_from_bytes(PLACEHOLDER.encode()).encode())
        return part


def is_credential_header(name: str) -> bool:
    """Whether a header is one of those that are never stored, whoever asks for it."""
    return bool(
        re.search(r"authorization|cookie|api-?key|token|secret|password|^openai-(organization|project)$", name)
    ) and (not name.startswith(RESPONSE_HEADER_PREFIXES))


def _split_authority(rest: str) -> tuple[str, str, str]:
    match = re.search(r"[/?#]", rest)
    if match is None:
        return rest, "", ""
    rest, _, _ = rest.partition("#")
    return rest[: match.start()], "", rest[match.start() :]


def _items(value: Any) -> Iterable[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _put(container: dict[str, Any], name: str) -> bool:
    if container.get(name) in (None, PLACEHOLDER):
        return False
    container[name] = PLACEHOLDER
    return True


def _redact_nested(name: str, item: dict[str, Any]) -> bool:
    """The places inside a body where a provider's API takes a credential.

    OpenAI's MCP tool: `headers`, `authorization` (https://platform.openai.com/docs/guides/tools-connectors-mcp).
    Anthropic's MCP connector: `authorization_token` (https://docs.anthropic.com/en/docs/agents-and-tools/mcp-connector).
    Azure OpenAI's data sources: `authentication` (https://learn.microsoft.com/azure/ai-services/openai/references/on-your-data).
    """
    found = False
    if name == "tools" and item.get("type") == "mcp":
        found = _put(item, "authorization") or found
        headers = item.get("headers")
        if isinstance(headers, dict):
            for header in headers:
                found = _put(headers, header) or found
    elif name == "mcp_servers":
        found = _put(item, "authorization_token")
    elif name == "data_sources" and isinstance(item.get("parameters"), dict):
        authentication = item["parameters"].get("authentication")
        if isinstance(authentication, dict):
            for field in ("key", "access_token", "encoded_api_key", "connection_string"):
                found = _put(authentication, field) or found
        found = _put(item["parameters"], "key") or found
    return found
