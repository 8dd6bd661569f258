"""What a path of the proxy asks for, and which paths are refused.

What stands behind an upstream's name is sent as it came, percent-encoding and all: `%2F` in it is no slash.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from .upstreams import OWN

_ALLOWED = re.compile(rb"/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*")
"""Printable ASCII without space, `#`, `?` and backslash."""

_DEPTH = 4

_NAME = re.compile(r"[A-Za-z0-9._-]+")


class BadTarget(Exception):
    """A path that is refused; the text says why."""


class Target(NamedTuple):
    """What is asked for.

    Attributes:
        name: of the upstream; empty for `/`.
        rest: of the path, as it came; empty, or with a slash before it.
        is_own: whether it is a page of the proxy's own.
    """

    name: str
    rest: str
    is_own: bool


def read_target(scope: object) -> Target:
    """Takes the path of an ASGI scope apart.

    Raises:
        BadTarget: it is none that may be sent on.
    """
    assert isinstance(scope, dict)
    raw = scope.get("raw_path")
    if raw is None:  # a server that does not tell it
        raw = quote(scope["path"], safe="/%:@!$&'()*+,;=~-._").encode("ascii")
    raw = bytes(raw).partition(b"?")[0]
    root = scope.get("root_path", "").rstrip("/").encode("utf-8")
    if root and raw.startswith(root + b"/"):
        raw = raw[len(root) :]
    if not raw.startswith(b"/"):
        raise BadTarget("the request's target is no path; ask for /NAME/..., not for a whole URL")
    if raw.startswith(b"//"):
        raise BadTarget("the path begins with two slashes")
    if not _ALLOWED.fullmatch(raw):
        raise BadTarget("the path holds characters that must be percent-encoded, or a backslash")
    _check(raw)
    path = raw.decode("ascii")
    if path == "/":
        return Target("", "", is_own=True)
    name, slash, rest = path[1:].partition("/")
    if not _NAME.fullmatch(name):
        raise BadTarget("the first part of the path is no upstream's name")
    return Target(name, f"{slash}{rest}", is_own=name == OWN)


def _check(raw: bytes) -> None:
    """Refuses what a server behind may take for a way up, or for something else than text."""
    text = raw
    for _ in range(_DEPTH):  # as it is, and decoded by one server after the other
        for part in re.split(rb"[/\\]", text):
            # what follows a semicolon are parameters, for some servers
            if part.partition(b";")[0] in (b".", b".."):
                raise BadTarget("the path holds '.' or '..'")
        if re.search(rb"[\x00-\x1f\x7f\\]", text):
            raise BadTarget("the path holds a control character or a backslash")
        decoded = unquote_to_bytes(text)
        if decoded == text:
            return
        text = decoded
    raise BadTarget(f"the path is percent-encoded more than {_DEPTH - 1} times over")
