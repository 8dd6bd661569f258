"""What may never reach a store, and never counts for a key.

Headers are kept by allow-list: of a header nobody named, nothing is written. Query parameters and body
fields that carry credentials are replaced by `PLACEHOLDER`, before hashing too, so that the same request
made with another key is the same request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .._errors import ConfigurationError
from .._models import Headers, ResponseHead
from ..dialects.registry import ANSWER_HEADERS, DIALECTS
from ..wire.content_encoding import is_known

__all__ = ["PLACEHOLDER", "Redact"]

PLACEHOLDER = "REDACTED"

REQUEST_HEADERS = frozenset({"accept", "content-type", *(header.name for header in ANSWER_HEADERS)})

_RESPONSE_HEADERS = frozenset(
    {
        # what it got
        "content-type",
        "content-disposition",
        "content-language",
        "content-range",
        "accept-ranges",
        "date",
        "etag",
        "last-modified",
        "expires",
        "cache-control",
        "vary",
        "warning",
        "x-request-id",
        # what to do next
        "link",
        "location",
        "operation-location",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "www-authenticate",
        *(name for dialect in DIALECTS for name in dialect.response_headers if not name.endswith("*")),
    }
)
_RESPONSE_HEADER_PREFIXES = tuple(
    name[:-1] for dialect in DIALECTS for name in dialect.response_headers if name.endswith("*")
)

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
        "auth_token",
        "x-api-key",
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
        "api-key",
        "auth_token",
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

BODY_PATHS: tuple[tuple[str, ...], ...] = tuple(path for dialect in DIALECTS for path in dialect.credentials)
"""The places inside a body where a provider's API takes a credential; `*` is any member or item, `*:mcp` any item
whose `type` is `mcp`."""

BODY_URLS: tuple[tuple[str, ...], ...] = tuple(path for dialect in DIALECTS for path in dialect.credential_urls)
"""The places inside a body where a URL may carry one, as `Redact.url` knows them."""


_OF_THE_WIRE = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
    }
)
"""Headers of one connection, which say nothing of what was asked or answered: nobody misses them."""

_URL_IN_HEADER = re.compile(r"(?<=<)[^<>]+(?=>)|https?://[^\s<>\",;]+")
_URL_HEADERS = frozenset({"location", "operation-location", "content-location"})
"""Headers that are a URL as a whole, which may be relative."""


def _by_first(paths: tuple[tuple[str, ...], ...]) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for path in paths:
        found.setdefault(path[0], []).append(path)
    return found


_PATHS_BY_FIRST = _by_first(BODY_PATHS)
_URLS_BY_FIRST = _by_first(BODY_URLS)


@dataclass(frozen=True, slots=True)
class Redact:
    """What is kept out of stores, on top of the built-in rules; nothing here takes one of those away.

    Args:
        request_headers: further request headers to store (the built-in list names those that are).
        response_headers: further response headers to store.
        query: further query parameters whose values are replaced.
        body: further top-level fields of JSON bodies and forms whose values are replaced.
        secrets: what a cassette does about text that looks like a credential, wherever else it stands:
            `"refuse"` to write the recording, or `"replace"` it by a stable placeholder that still matches.

    Raises:
        ConfigurationError: an argument is not a list of names, or names what may never be stored.
    """

    request_headers: Sequence[str] = ()
    response_headers: Sequence[str] = ()
    query: Sequence[str] = ()
    body: Sequence[str] = ()
    secrets: Literal["refuse", "replace"] = "refuse"

    def __post_init__(self) -> None:
        for name in ("request_headers", "response_headers", "query", "body"):
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(item, str) for item in value):
                raise ConfigurationError(f"Redact({name}=...) takes a list of names, not {value!r}")
            object.__setattr__(self, name, tuple(item.lower() for item in value))
        for name in (*self.request_headers, *self.response_headers):
            if is_credential_header(name):
                raise ConfigurationError(f"the header {name!r} carries a credential and may never be stored")

        if self.secrets not in ("refuse", "replace"):
            raise ConfigurationError(f"Redact(secrets={self.secrets!r}) is wrong; it takes 'refuse' or 'replace'")
        names = {*BODY_FIELDS, *self.body, *(path[0] for path in BODY_PATHS if path[0] != "tools"), "mcp"}
        object.__setattr__(self, "_names", tuple(name.lower().encode() for name in sorted(names)))

    _names: tuple[bytes, ...] = field(init=False, repr=False, compare=False)

    def headers_of_request(self, headers: Headers) -> Headers:
        """The request headers that may be stored."""
        return tuple(item for item in headers if item[0] in REQUEST_HEADERS or item[0] in self.request_headers)

    def left_out(self, before: Headers, after: Headers, known: Iterable[str] = ()) -> tuple[str, ...]:
        """The names of the headers that are not stored, in alphabetical order.

        Args:
            before: as they were sent.
            after: as they are stored.
            known: those that were left out already.
        """
        kept = {name for name, _ in after} | _OF_THE_WIRE
        return tuple(sorted({*known, *(name for name, _ in before)} - kept))

    def head(self, head: ResponseHead) -> ResponseHead:
        """A response head with only the headers that may be stored."""
        headers = tuple(
            (name, self._header_value(name, value)) for name, value in head.headers if self._is_kept(name, value)
        )
        return replace(head, headers=headers, left_out=self.left_out(head.headers, headers, head.left_out))

    def _is_kept(self, name: str, value: str) -> bool:
        """Whether a header of a response may be stored."""
        if name == "content-encoding":
            # a body is stored with its encoding undone, and a client would undo it once more
            return not is_known(value)
        return (
            name in _RESPONSE_HEADERS
            or name.startswith(_RESPONSE_HEADER_PREFIXES)
            or name in self.response_headers
        )

    def _header_value(self, name: str, value: str) -> str:
        """A header's value, with the credentials in its URLs replaced."""
        if name in _URL_HEADERS:
            return self.url(value)
        return _URL_IN_HEADER.sub(lambda url: self.url(url[0]), value) if "?" in value or "@" in value else value

    def is_secret_parameter(self, name: str) -> bool:
        """Whether a query parameter carries a credential."""
        return name.lower() in QUERY_PARAMETERS or name.lower() in self.query

    def is_secret_field(self, name: str) -> bool:
        """Whether a top-level field of a body carries a credential."""
        return name.lower() in BODY_FIELDS or name.lower() in self.body

    def url(self, url: str) -> str:
        """A URL without user information, and with the values of its credentials replaced."""
        match = _URL.fullmatch(url)
        if match is None:
            return url
        authority = match["authority"]
        if authority is not None:
            authority = f"{match['scheme'] or ''}//{authority.rpartition('@')[2]}"
        query = match["query"]
        if query is not None:
            query = "?" + "&".join([self._parameter(part) for part in query.split("&")])
        return f"{authority or ''}{match['path']}{query or ''}"

    def _parameter(self, part: str) -> str:
        name, equals, _ = part.partition("=")
        decoded = unquote_to_bytes(name.replace("+", " ")).decode("utf-8", "replace")
        return f"{name}={PLACEHOLDER}" if equals and self.is_secret_parameter(decoded) else part

    def json(self, value: Any) -> bool:
        """Replaces the credentials in a decoded JSON body, in place; tells whether there were any."""
        found = False
        for container, name in self._places(value):
            if not (
                container[name] is None or isinstance(container[name], bool) or container[name] == PLACEHOLDER
            ):
                container[name] = PLACEHOLDER
                found = True
        for first in _URLS_BY_FIRST if isinstance(value, dict) else ():
            for path in _URLS_BY_FIRST[first] if first in value else ():
                for container, name in _at(value, path):
                    before = container[name]
                    if isinstance(before, str) and self.url(before) != before:
                        container[name] = self.url(before)
                        found = True
        return found

    def _places(self, value: Any) -> Iterator[tuple[Any, Any]]:
        if isinstance(value, dict):
            for name in value:
                if self.is_secret_field(name):
                    yield value, name
                for path in _PATHS_BY_FIRST.get(name, ()):
                    yield from _at(value, path)

    def json_text(self, body: bytes) -> bytes:
        """A JSON body with its credentials replaced and every other byte as it was.

        It need not be JSON that can be decoded without loss. In what is no JSON at all, every field of such
        a name is replaced, at whatever depth it seems to stand.
        """
        lowered = body.lower()
        if b"\\u" not in lowered and not any(name in lowered for name in self._names):
            return body
        try:
            text = body.decode("utf-8")
            spans = sorted(set(self._spans(text)), reverse=True)
            urls = sorted(set(self._url_spans(text)), reverse=True)
        except (ValueError, RecursionError):
            names = "|".join(re.escape(name) for name in sorted({*BODY_FIELDS, *self.body}))
            pattern = rf'("(?:{names})"\s*:\s*)"(?:[^"\\]|\\.)*"'
            return re.sub(pattern.encode(), rb'\1"%s"' % PLACEHOLDER.encode(), body, flags=re.IGNORECASE)
        # urls lie in other values than credentials do, but the two may alternate in the text
        for start, end in sorted({*spans, *urls}, reverse=True):
            if (start, end) in urls:
                value, _ = _value(text, start)
                if isinstance(value, str) and self.url(value) != value:
                    text = f"{text[:start]}{json.dumps(self.url(value))}{text[end:]}"
                continue
            if text[start:end] not in ("null", "true", "false"):
                text = f'{text[:start]}"{PLACEHOLDER}"{text[end:]}'
        return text.encode("utf-8")

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        start = _skip(text, 0)
        _, end = _value(text, start)
        if _skip(text, end) != len(text):
            raise ValueError("data after the end of the JSON")
        for name, first, last in _children(text, start):
            if self.is_secret_field(name):
                yield first, last
            else:
                for path in BODY_PATHS:
                    if path[0] == name:
                        yield from _spans_at(text, first, last, path[1:])

    def _url_spans(self, text: str) -> Iterator[tuple[int, int]]:
        for name, first, last in _children(text, _skip(text, 0)):
            for path in BODY_URLS:
                if path[0] == name:
                    yield from _spans_at(text, first, last, path[1:])

    def raw(self, body: bytes, media_type: str) -> bytes:
        """A body that counts byte by byte, with the credentials replaced that can be found in it."""
        if media_type == "application/x-www-form-urlencoded":
            return self.form(body)
        if is_json(media_type):
            return self.json_text(body)
        return body

    def form(self, body: bytes) -> bytes:
        """A form body with the values of its credentials replaced."""
        return b"&".join(self._field(part) for part in body.split(b"&"))

    def _field(self, part: bytes) -> bytes:
        name, equals, _ = part.partition(b"=")
        decoded = unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", "replace")
        if equals and self.is_secret_field(decoded):
            return b"%s=%s" % (name, quote_from_bytes(PLACEHOLDER.encode()).encode())
        return part


def is_json(media_type: str) -> bool:
    """Whether a body of this media type is JSON; a body without one is taken for it if it can be."""
    return media_type in ("", "application/json", "text/json") or media_type.endswith("+json")


_CREDENTIAL_HEADER = re.compile(
    r"authorization|cookie|api-?key|secret|password|(^|-)(auth-)?token$|(^|-)organi[sz]ation(-id)?$|^openai-project$"
)


def is_credential_header(name: str) -> bool:
    """Whether a header is one of those that are never stored, whoever asks for it."""
    return _CREDENTIAL_HEADER.search(name) is not None


_URL = re.compile(
    r"(?:(?P<scheme>[^:/?#]+:)?//(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)


def _at(container: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    step, rest = path[0], path[1:]
    keys: Iterable[Any] = ()
    if isinstance(container, dict):
        keys = list(container) if step == "*" else [step] if step in container else []
    elif isinstance(container, list) and step.startswith("*"):
        keys = [index for index, item in enumerate(container) if _is_of_kind(item, step)]
    for key in keys:
        if rest:
            yield from _at(container[key], rest)
        else:
            yield container, key


def _is_of_kind(item: Any, step: str) -> bool:
    _, _, kind = step.partition(":")
    return not kind or (isinstance(item, dict) and item.get("type") == kind)


_SPACE = re.compile(r"[ \t\n\r]*")
# the decoder's own scanner: parses one value and says where it ends
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]  # not in typeshed


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at


def _children(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Name (empty for an item), start and end of every value directly inside the object or array at `at`."""
    opening = text[at : at + 1]
    if opening not in ("{", "["):
        return
    at = _skip(text, at + 1)
    while text[at : at + 1] not in ("}", "]", ""):
        name = ""
        if opening == "{":
            name, at = _value(text, at)
            at = _skip(text, _skip(text, at) + 1)
        _, end = _value(text, at)
        yield name, at, end
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _scan(text, at)
    except StopIteration:
        raise ValueError("no JSON value") from None


def _spans_at(text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    if not path:
        yield start, end
        return
    for name, first, last in _children(text, start):
        if path[0] == name or (path[0].startswith("*") and _is_of_kind(_value(text, first)[0], path[0])):
            yield from _spans_at(text, first, last, path[1:])
