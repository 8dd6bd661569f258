"""What was once seen to be a credential is one for the rest of a session, wherever it stands.

A login answers a token, and the next requests carry it in a path, a query, a header, a form or a prompt, where
nothing tells what it is. A placeholder depends on the value alone, so that a flow that is replayed, in which the
client sends the placeholder that it was answered, asks for the same.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

from ..._models import Recording, Request, ResponseHead
from ...dialects.request_body import MAX_DECODED
from ...wire import multipart
from ...wire.content_encoding import UndecodableContent, decode_whole
from ..headers import is_credential_header
from ..redactor import Redactor
from .finding import find
from .places import media_type_of
from .plausible import is_drawn
from .replacing import Replacing, placeholder

_LEAST, _LEAST_OF_CALLER = 8, 16
"""Characters of the shortest value that is learned: in a field, and in a header."""
_MOST = 10_000
"""So many values are kept at most; what was learned first goes first."""
_COOKIES = 8
"""So many values of a cookie are kept."""
_MOST_OF_ANSWER = 1 << 18
"""Bytes of the largest answer in which tokens are looked for: who gives one out says little else."""
_OF_NO_FORM = "credential"
"""The kind of what tells nothing by itself."""

_FORM = "application/x-www-form-urlencoded"
_ESCAPED = re.compile(r'["\\/]')  # what JSON may write otherwise, but for \u
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,30}) +(\S+)")
_IS_AN_ID = re.compile(r"organi[sz]ation|project")
_GIVEN_OUT = frozenset(
    {
        # https://www.rfc-editor.org/rfc/rfc6749#section-5.1, https://openid.net/specs/openid-connect-core-1_0.html
        *("access_token", "refresh_token", "id_token"),
        # https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1, https://www.rfc-editor.org/rfc/rfc8628#section-3.2
        *("client_secret", "registration_access_token", "device_code"),
        # what those call it who follow none of these
        *("token", "accesstoken", "refreshtoken", "idtoken", "session_token", "sessiontoken", "jwt"),
        *("session", "session_id", "sessionid", "sid", "ticket"),
        *("auth_token", "authtoken", "api_key", "apikey", "secret", "secret_key", "password"),
    }
)
"""Members of an answer in which something is given out that lets its holder in: at its top level, or in objects
there, as in `data.session`; what stands in a list is the answer of a model, or many."""
_DEEPEST = 4
_GIVEN_OUT_BY_FORM = frozenset({"key", "value"})
"""Members in which that is so where the value has the form of a credential, as of realtime's client secrets."""


class Known:
    """The credentials that a session has seen; threads may share it.

    Attributes:
        version: grows when something is learned, so that what was made before is told from what is made after.
    """

    def __init__(self, redactor: Redactor = Redactor()) -> None:  # noqa: B008  # frozen
        self._lock = Lock()
        self._redactor = redactor
        self._cookies: dict[str, list[str]] = {}
        self._values: dict[str, None] = {}
        self._written: dict[str, str] = {}
        self.version = 0

    def __bool__(self) -> bool:
        return bool(self._values)

    def learn_from_request(self, request: Request) -> None:
        """Learns what a request, as it is sent, carries to let its caller in.

        That is what stands in headers for credentials (behind the scheme; of a basic one the password too) and in
        cookies, and the values of parameters and top-level fields that `Redact` keeps out of stores. Values that
        are short or ordinary, and placeholders, are none.
        """
        found = [*_of_headers(request)]
        found += self._redactor.urls.credentials_in(request.url)
        found += self._of_body(request)
        self._learn(value for value in found if is_drawn(value, _LEAST))

    def learn_from_answer(self, head: ResponseHead, body: bytes) -> None:
        """Learns what an answer gives out to let its reader in: tokens at the top level of its JSON, and cookies.

        Args:
            head: as it came.
            body: whole, with its content-encoding undone.
        """
        found: list[str] = []
        if len(body) <= _MOST_OF_ANSWER and body[:64].lstrip()[:1] == b"{":
            value = _json_of(body)
            found += self._given_out(value)
            found += (text for text in self._redactor.credentials_in(value) if is_drawn(text, _LEAST))
        self._learn(found, _of_cookies_set(head))

    def replace_in_request(self, request: Request) -> Request:
        """The request, in the form in which it is stored, with placeholders for what is known; the very object
        where there is none."""
        if not self._written or not self._may_be_in(request):
            return request
        return self._replacing().request(request)

    def replace_in(self, recording: Recording) -> Recording:
        """The recording, in the form in which it is stored, with placeholders for what is known, also where it
        spans the events of a stream; the very object where there is none."""
        return self._replacing().recording(recording) if self._written else recording

    def _replacing(self) -> Replacing:
        written = self._written
        return Replacing(lambda _, form: placeholder(_kind_of(written[form]), written[form]), written)

    def _may_be_in(self, request: Request) -> bool:
        """Whether a request may hold something known, without taking it apart: most hold nothing."""
        texts = (request.url, *(value for _, value in request.headers))
        body = request.body
        if b"\\u" in body or "%" in request.url or (b"%" in body and media_type_of(request) == _FORM):
            return True
        return any(
            form.encode("utf-8", "surrogatepass") in body
            or any(form in text for text in texts)
            or (b"\\" in body and _ESCAPED.search(form) is not None)
            for form in self._written
        )

    def _of_body(self, request: Request) -> Iterator[str]:
        """What a body has in fields that are replaced."""
        body = request.body
        encoding = request.header("content-encoding")
        if encoding is not None:
            try:
                body = decode_whole(encoding, body, MAX_DECODED)
            except UndecodableContent:
                return
        media_type = media_type_of(request)
        fields: list[tuple[str, str]] = []
        if media_type == _FORM:
            fields = parse_qsl(body.decode("utf-8", "replace"))
        elif media_type == "multipart/form-data":
            boundary = multipart.boundary_of(request.header("content-type") or "")
            with suppress(multipart.NotMultipart):
                parts = [] if boundary is None else multipart.parse(body, boundary)
                fields = [(part.name, part.text) for part in parts if part.text is not None]
        elif self._redactor.may_hold_credentials(body):
            yield from self._redactor.credentials_in(_json_of(body))
        yield from (value for name, value in fields if self._redactor.is_secret_field(name))

    def _given_out(self, value: Any, depth: int = 0) -> Iterator[str]:
        for name, member in value.items() if isinstance(value, dict) else ():
            named = name.lower() in _GIVEN_OUT
            if isinstance(member, str):
                may_be = name.lower() in _GIVEN_OUT_BY_FORM and _kind_of(member) != _OF_NO_FORM
                if may_be or (named and is_drawn(member, _LEAST)):
                    yield member
            elif named and isinstance(member, dict):
                yield from (text for text in member.values() if isinstance(text, str) and is_drawn(text, _LEAST))
            elif depth < _DEEPEST:
                yield from self._given_out(member, depth + 1)

    def _learn(self, found: Iterable[str], cookies: Iterable[tuple[str, str]] = ()) -> None:
        new = dict.fromkeys(value for value in found if value not in self._values)
        given = [(name, value) for name, value in cookies if value not in self._values]
        if not new and not given:
            return
        with self._lock:
            gone = [value for name, value in given for value in self._replaced(name, value)]
            values = {**self._values, **new, **{value: None for _, value in given}}
            gone += [*values][: max(len(values) - _MOST, 0)]
            written = {
                **self._written,
                **{form: value for value in (*new, *(value for _, value in given)) for form in _forms(value)},
            }
            for value in gone:
                values.pop(value, None)
                for form in _forms(value):
                    written.pop(form, None)
            self._values, self._written = values, written
            self.version += 1

    def _replaced(self, name: str, value: str) -> list[str]:
        """The values of a cookie that are too old to be kept: many servers give out a new one with each answer."""
        values = self._cookies.setdefault(name, [])
        values.append(value)
        gone = values[:-_COOKIES]
        del values[:-_COOKIES]
        return gone


def _forms(value: str) -> tuple[str, ...]:
    """How a value may be written in any text: as it is, and as a part of a URL."""
    data = value.encode("utf-8", "surrogatepass")
    return (value, *{quote(data, safe=""), quote_plus(data)} - {value})


def _kind_of(value: str) -> str:
    """The kind of a value, by its form alone: it is the same wherever the value was met."""
    findings = find(value) if len(value) <= _MOST_OF_FORM else []
    whole = [finding.name for finding in findings if (finding.start, finding.end) == (0, len(value))]
    return whole[0] if whole else _OF_NO_FORM


_MOST_OF_FORM = 4096


def _of_headers(request: Request) -> Iterator[str]:
    for name, value in request.headers:
        if name == "cookie":
            for pair in value.split(";"):
                yield from _long(pair.partition("=")[2].strip().strip('"'))
        elif is_credential_header(name) and not _IS_AN_ID.search(name):
            scheme = _SCHEME.fullmatch(value.strip())
            yield from _long(value.strip() if scheme is None else scheme[2])
            if scheme is not None and scheme[1].lower() == "basic":
                yield from _of_basic(scheme[2])


def _of_basic(value: str) -> Iterator[str]:
    """The password of RFC 7617."""
    try:
        password = base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return
    if is_drawn(password, _LEAST):
        yield password


def _of_cookies_set(head: ResponseHead) -> Iterator[tuple[str, str]]:
    for header, line in head.headers:
        if header == "set-cookie":
            name, _, value = line.partition(";")[0].partition("=")
            for secret in _long(value.strip().strip('"')):
                yield name.strip(), secret


def _long(value: str) -> Iterator[str]:
    if is_drawn(value, _LEAST_OF_CALLER):
        yield value


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
