"""Requests and responses in the shapes that VCR.py gives to matchers, hooks and tests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from http.client import responses
from typing import Any
from urllib.parse import ParseResult, parse_qsl, urlparse

from .._models import Body, Chunk, Headers, Recording, Request, ResponseHead
from ..engine.stored_form import stored_form
from ..foreign.interactions import absolute_url
from ..redaction.headers import is_credential_header
from ..redaction.redact import Redact
from ..redaction.redactor import Redactor

VcrResponse = dict[str, Any]
"""`{"status": {"code", "message"}, "headers": {name: [value, ...]}, "body": {"string": bytes}}`"""

_PORTS = {"https": 443, "http": 80}


class VcrHeaders(MutableMapping[str, Any]):
    """Headers by name, in any case; a request's values are texts, a response's are lists of texts."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        self._values: dict[str, tuple[str, Any]] = {}
        self.update(headers)

    def __getitem__(self, name: str) -> Any:
        return self._values[name.lower()][1]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name.lower()] = (self._values.get(name.lower(), (name,))[0], value)

    def __delitem__(self, name: str) -> None:
        del self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._values.values()])

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self._lowered() == VcrHeaders(other)._lowered()

    __hash__ = None  # type: ignore[assignment]  # mutable

    def _lowered(self) -> dict[str, Any]:
        return {name: value for name, (_, value) in self._values.items()}

    def copy(self) -> VcrHeaders:
        """The same headers, apart from these."""
        return VcrHeaders(self)

    def __repr__(self) -> str:
        return repr(dict(self))


class VcrRequest:
    """A request as VCR.py's hooks and matchers know it; they may assign to `method`, `uri`, `body`, `headers`."""

    def __init__(self, method: str, uri: str, body: Any, headers: Mapping[str, Any]) -> None:
        self.method = method
        self.uri = uri
        self.body = body
        self.headers = headers

    @classmethod
    def of(cls, request: Request) -> VcrRequest:
        """A request of ours in this shape; of a header's several lines, the values are joined."""
        names = dict.fromkeys(name for name, _ in request.headers)
        headers = {name: request.header(name) for name in names}
        return cls(request.method, request.url, request.body, headers)

    def to_request(self) -> Request:
        """In our shape; a URI that a hook has redacted, or made relative, is one below `unknown.invalid`."""
        headers = tuple((name.lower(), _text(value)) for name, value in self.headers.items())
        return Request(self.method.upper(), absolute_url(_text(self.uri))[0], headers, self.body)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._body

    @body.setter
    def body(self, value: Any) -> None:
        self._body = _bytes(value)

    @property
    def headers(self) -> VcrHeaders:
        """The headers."""
        return self._headers

    @headers.setter
    def headers(self, value: Mapping[str, Any]) -> None:
        self._headers = value if isinstance(value, VcrHeaders) else VcrHeaders(value)

    @property
    def body_bytes(self) -> bytes:
        """The whole body."""
        return self._body

    @property
    def url(self) -> str:
        """The URI."""
        return self.uri

    @property
    def parsed_uri(self) -> ParseResult:
        """The URI's parts."""
        return urlparse(self.uri)

    @property
    def scheme(self) -> str:
        """`https` or `http`."""
        return self.parsed_uri.scheme

    @property
    def protocol(self) -> str:
        """`https` or `http`."""
        return self.scheme

    @property
    def host(self) -> str | None:
        """In lower case, without the port."""
        return self.parsed_uri.hostname

    @property
    def port(self) -> int | None:
        """The scheme's own where the URI names none."""
        parsed = self.parsed_uri
        return parsed.port if parsed.port is not None else _PORTS.get(parsed.scheme)

    @property
    def path(self) -> str:
        """As it stands in the URI."""
        return self.parsed_uri.path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query parameters, sorted; those without a value do not count, as in VCR.py."""
        return sorted(parse_qsl(self.parsed_uri.query))

    def add_header(self, name: str, value: str) -> None:
        """Sets a header."""
        self.headers[name] = value

    def __repr__(self) -> str:
        return f"<Request ({self.method}) {self.uri}>"


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, dict | list):
        return json.dumps(value).encode("utf-8")
    if hasattr(value, "read"):
        return _bytes(value.read())
    return b"".join(_bytes(part) for part in value)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def comparable(request: VcrRequest) -> VcrRequest:
    """The request in the form in which recorded and asked ones are compared: as it would be stored.

    Credentials are replaced, so that they never count; every other header is left.
    """
    ours = request.to_request()
    names = [name for name, _ in ours.headers if not is_credential_header(name)]
    return VcrRequest.of(stored_form(ours, Redactor(Redact(request_headers=names))))


def response_of(head: ResponseHead, body: bytes) -> VcrResponse:
    """A response in VCR.py's shape."""
    headers: dict[str, list[str]] = {}
    for name, value in head.headers:
        headers.setdefault(name, []).append(value)
    return {
        "status": {"code": head.status, "message": responses.get(head.status, "")},
        "headers": VcrHeaders(headers),
        "body": {"string": body},
    }


def changed(recording: Recording, response: VcrResponse) -> Recording:
    """The recording with this response in place of its own; a body that is the same keeps its chunks."""
    content = _bytes(response["body"]["string"])
    body = recording.body
    if content != body.read():
        body = Body.of([Chunk(content, 0.0)] if content else [])
    head = ResponseHead(int(response["status"]["code"]), _lines(response["headers"]))
    return recording.with_parts(head=head, body=body)


def _lines(headers: Mapping[str, Any]) -> Headers:
    lines = []
    for name, values in headers.items():
        for value in values if isinstance(values, list | tuple) else [values]:
            lines.append((name.lower(), _text(value)))
    return tuple(lines)
