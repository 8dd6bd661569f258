"""Traces of httprr, of Go projects: https://pkg.go.dev/golang.org/x/oscar/internal/httprr.

    httprr trace v1
    855 2111
    POST https://api.openai.com/v1/chat/completions HTTP/1.1
    ...
    HTTP/1.1 200 OK
    ...

A request is 855 bytes here, and its response 2111, as they are written to the wire. Scrubbers may have changed
both, without their `content-length`: how long they are, the numbers say.
"""

from __future__ import annotations

import re

from .._models import Headers, Recording
from .interactions import Answer, Node

MAGIC = b"httprr trace v1"
"""With this every trace begins."""

_SIZES = re.compile(rb"([0-9]{1,12}) ([0-9]{1,12})\r?\n")
_REQUEST = re.compile(rb"(\S+) (\S+) HTTP/[0-9.]+")
_STATUS = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})(?: .*)?")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[^\n]*\n")


def recordings(root: Node) -> list[Recording]:
    """The recordings of such a file, in its order."""
    data = root.value
    if not isinstance(data, bytes) or not re.match(MAGIC + rb"\r?\n", data):
        raise root.error(f"does not begin with the line {MAGIC.decode()!r}")
    at = data.index(b"\n") + 1
    found: list[Recording] = []
    while at < len(data):
        node = Node(root.source, f"record {len(found) + 1}", None)
        sizes = _SIZES.match(data, at)
        if sizes is None:
            raise node.error("does not begin with its two sizes")
        at, middle = sizes.end(), sizes.end() + int(sizes[1])
        end = middle + int(sizes[2])
        if end > len(data):
            raise node.error("is cut short")
        found.append(_recording(node, data[at:middle], data[middle:end]))
        at = end
    return found


def _recording(node: Node, request: bytes, response: bytes) -> Recording:
    first, sent, body = _message(node, request)
    asked = _REQUEST.fullmatch(first)
    status, answered, answer = _message(node, response)
    code = _STATUS.fullmatch(status)
    if asked is None or code is None:
        raise node.error("has no request line and status line where they are to be")
    return node.recording(
        method=asked[1].decode("latin-1"),
        url=asked[2].decode("latin-1"),
        headers=sent,
        body=body,
        answer=Answer(status=int(code[1]), headers=answered, body=answer),
    )


def _message(node: Node, data: bytes) -> tuple[bytes, Headers, bytes]:
    """A message's first line, its headers and its body, transfer-encoding undone."""
    lines: list[bytes] = []
    at = 0
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            raise node.error("has headers without an end")
        line, at = data[at:end].removesuffix(b"\r"), end + 1  # a scrubber may have taken the CR away
        if not line:
            break
        lines.append(line)
    if not lines:
        raise node.error("has an empty message")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name.isascii():
            raise node.error("has a header that is none")
        headers.append((name.decode("ascii").lower(), value.strip().decode("latin-1")))
    body = data[at:]
    if dict(headers).get("transfer-encoding", "").lower() == "chunked":
        body = _joined(node, body)
    return lines[0], tuple(headers), body


def _joined(node: Node, body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while True:
        size = _CHUNK_SIZE.match(body, at)
        if size is None:
            raise node.error("has a chunked body that is cut short, or none")
        length = int(size[1], 16)
        if length == 0:
            return b"".join(pieces)
        piece = body[size.end() : size.end() + length]
        at = size.end() + length + len(b"\r\n")
        if len(piece) < length or body[at - 2 : at] != b"\r\n":
            raise node.error("has a chunked body that is cut short, or none")
        pieces.append(piece)
