"""The form in which a request is written: nothing secret in it, and the same key as what was sent."""

from __future__ import annotations

from dataclasses import replace

from .._models import Headers, Request
from ..dialects.request_body import MAX_DECODED
from ..redaction.headers import left_out
from ..redaction.redactor import Redactor
from ..wire import multipart as _multipart
from ..wire.content_encoding import UndecodableContent, decode_whole


def stored_form(request: Request, redactor: Redactor, *, keeps_body: bool = False) -> Request:
    """A request as it is stored.

    Its content-encoding is undone; of its headers only those of the allow-list are left; credentials are
    replaced, by their seal where they count; a multipart body has become a listing of its parts, files by size and
    hash. A body in which nothing had to be replaced keeps its bytes.

    Args:
        request: as it is sent.
        redactor: takes out what is not stored.
        keeps_body: whether it is known that nothing in the body has to be replaced.
    """
    body = request.body
    headers = redactor.headers_of_request(request.headers)
    url = redactor.urls.redacted(request.url)
    if keeps_body:
        return _put(request, url, headers, body)
    encoding = request.header("content-encoding")
    content_type = request.header("content-type") or ""
    media_type = content_type.partition(";")[0].strip().lower()
    if encoding is not None:
        headers = tuple(item for item in headers if item[0] != "content-encoding")
        try:
            body = decode_whole(encoding, body, MAX_DECODED)
        except UndecodableContent:
            headers = (*headers, ("content-encoding", encoding))
            return _put(request, url, headers, redactor.raw(body, media_type))
    if media_type == "multipart/form-data" and body:
        try:
            body = _listed(body, content_type, redactor)
        except _multipart.NotMultipart:
            body = _multipart.unreadable(body)
        headers = tuple(item for item in headers if item[0] != "content-type")
        headers = (*headers, ("content-type", "multipart/form-data"))
    return _put(request, url, headers, redactor.raw(body, media_type))


def _put(request: Request, url: str, headers: Headers, body: bytes) -> Request:
    gone = left_out(request.headers, headers, request.left_out)
    return replace(request, url=url, headers=headers, body=body, left_out=gone)


def _listed(body: bytes, content_type: str, redactor: Redactor) -> bytes:
    listing = []
    for part in _multipart.parts_of(body, content_type):
        if part.text is not None and redactor.is_secret_field(part.name):
            text = redactor.field(part.name, part.text)
            part = part._replace(text=text, size=len(text))
        listing.append(part)
    return _multipart.to_listing(listing)
