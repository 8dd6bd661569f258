"""multipart/form-data without its boundary (RFC 7578): parts by name, file name, content type and content."""

import hashlib
import re
from typing import Any, NamedTuple

import orjson

from .patterns import lazy_pattern

TEXT_LIMIT = 1 << 16
"""A field longer than this many bytes is kept as a hash."""


class NotMultipart(Exception):
    """The body is not what its content type says; it counts as raw bytes."""


class Part(NamedTuple):
    """One part of a form.

    Attributes:
        name: the form field's name.
        filename: None where the part is no file.
        content_type: the part's own; empty where it has none.
        text: the content of a field that is text; None for files and everything that is kept as a hash.
        size: of the content, in bytes.
        digest: BLAKE2b-256 of the content in hexadecimal digits; empty where `text` is given.
        headers: the part's other headers, sorted, each as `name: value`.
    """

    name: str
    filename: str | None
    content_type: str
    text: str | None
    size: int
    digest: str
    headers: tuple[str, ...] = ()


def boundary_of(content_type: str) -> bytes | None:
    """The boundary parameter of a multipart content type; None where it has none."""
    match = re.search(r';\s*boundary=("([^"]+)"|[^;\s]+)', content_type, re.IGNORECASE)
    if match is None:
        return None
    return (match[2] or match[1]).encode("latin-1")


def parts_of(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body, as it is sent or, where its type names no boundary, as it is stored.

    Raises:
        NotMultipart: it is neither.
    """
    boundary = boundary_of(content_type)
    return from_listing(body) if boundary is None else parse(body, boundary)


def parse(body: bytes, boundary: bytes) -> list[Part]:
    """The parts of a body, in their order.

    Raises:
        NotMultipart: it is not a whole multipart body with that boundary.
    """
    delimiter = b"--" + boundary
    if not body.startswith(delimiter):
        raise NotMultipart("the body does not begin with its boundary")
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(pieces) < 2 or pieces[-1] not in (b"--", b"--\r\n"):
        raise NotMultipart("the closing boundary is missing")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    if not piece.startswith(b"\r\n"):
        raise NotMultipart("a boundary line holds something else")
    head, blank, content = piece[2:].partition(b"\r\n\r\n")
    if not blank:
        if not piece.startswith(b"\r\n\r\n"):
            raise NotMultipart("a part has no empty line after its headers")
        head, content = b"", piece[4:]
    headers: dict[str, str] = {}
    for line in head.split(b"\r\n") if head else ():
        key, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
        if not colon or key.lower() in headers:
            raise NotMultipart("a part's headers cannot be read")
        headers[key.lower()] = value.strip()
    disposition = headers.pop("content-disposition", "")
    content_type = headers.pop("content-type", "")
    headers.pop("content-length", None)
    if disposition.partition(";")[0].strip().lower() != "form-data":
        raise NotMultipart("a part has headers of another kind")
    parameters = _parameters(disposition)
    name = parameters.pop("name", None)
    filename = parameters.pop("filename", None)
    if name is None or parameters:
        raise NotMultipart("a part's disposition cannot be read")
    others = tuple(sorted(f"{key}: {value}" for key, value in headers.items()))
    return _make(name, filename, content_type, content)._replace(headers=others)


_parameter = lazy_pattern(r';\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))\s*')


def _parameters(disposition: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = len(disposition.partition(";")[0])
    while at < len(disposition):
        match = _parameter().match(disposition, at)
        if match is None or match[1].lower() in found:
            raise NotMultipart("a part's disposition cannot be read")
        found[match[1].lower()] = match[2] if match[2] is not None else match[3]
        at = match.end()
    return found


def _make(name: str, filename: str | None, content_type: str, content: bytes) -> Part:
    text = None
    if filename is None and len(content) <= TEXT_LIMIT:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            pass
    digest = "" if text is not None else hashlib.blake2b(content, digest_size=32).hexdigest()
    return Part(name, filename, content_type, text, len(content), digest)


def to_listing(parts: list[Part]) -> bytes:
    """The parts as JSON, as they are stored: fields with their text, files with size and hash."""
    listing = []
    for part in parts:
        row: dict[str, Any] = {"name": part.name}
        if part.filename is not None:
            row["filename"] = part.filename
        if part.content_type:
            row["content_type"] = part.content_type
        if part.headers:
            row["headers"] = part.headers
        if part.text is not None:
            row["text"] = part.text
        else:
            row |= {"size": part.size, "blake2b": part.digest}
        listing.append(row)
    try:
        return orjson.dumps({"multipart": listing})
    except TypeError as error:
        raise NotMultipart(str(error)) from error


def unreadable(body: bytes) -> bytes:
    """What is stored, and counts, of a body that cannot be taken apart: nothing but its size and its hash."""
    try:
        if orjson.loads(body).keys() == {"size", "blake2b"}:
            return body  # it was stored so
    except (ValueError, AttributeError):
        pass
    return orjson.dumps({"size": len(body), "blake2b": hashlib.blake2b(body, digest_size=32).hexdigest()})


def from_listing(body: bytes) -> list[Part]:
    """Reads what `to_listing` wrote.

    Raises:
        NotMultipart: it is something else.
    """
    try:
        listing = orjson.loads(body)["multipart"]
        return [_from_row(row) for row in listing]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotMultipart("no listing of a multipart body") from error


def _from_row(row: dict[str, Any]) -> Part:
    text, filename = row.get("text"), row.get("filename")
    size = row["size"] if text is None else len(text.encode())
    headers = tuple(row.get("headers", ()))
    part = Part(row["name"], filename, row.get("content_type", ""), text, size, row.get("blake2b", ""), headers)
    given = (value for value in (text, filename) if value is not None)
    texts = (part.name, part.content_type, part.digest, *headers, *given)
    if not all(isinstance(value, str) for value in texts) or not isinstance(size, int):
        raise TypeError("a row has a value of another type")
    return part
