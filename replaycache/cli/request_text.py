"""A request from text that people have at hand: a JSON body, an HTTP message, or a curl command. Pure.

Nothing is run and no file is read: a curl command that takes its body from a file is refused.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from .._models import Request


class _Parsed(NamedTuple):
    """What a text says of a request; None where it does not say."""

    method: str | None
    url: str | None
    headers: tuple[tuple[str, str], ...]
    body: bytes


def parse_request(
    data: bytes,
    *,
    url: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Request:
    """The request that a text describes; POST where no method is told, and GET where there is no body either.

    Args:
        data: a JSON body; an HTTP message (`POST /v1/… HTTP/1.1`, headers, an empty line, the body); a curl
            command; or, where `url` is given, any other body.
        url: absolute; takes the place of the text's own.
        headers: on top of the text's own, in place of those with the same name.

    Raises:
        ValueError: it is none of these, or the URL is missing; the text says which and what to do.
    """
    parsed = _parse(data, url is not None)
    given = {name.lower() for name, _ in headers}
    lines = [(name.lower(), value) for name, value in parsed.headers if name.lower() not in given]
    lines += [(name.lower(), value) for name, value in headers]
    address = url or parsed.url
    if not address:
        raise ValueError(
            "no URL is given with the body; give it, as --url https://api.openai.com/v1/chat/completions"
        )
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]", address):
        raise ValueError(f"{address!r} is no absolute URL; write it with https:// in front")
    if parsed.body and not any(name == "content-type" for name, _ in lines) and _json(parsed.body) is not None:
        lines.append(("content-type", "application/json"))
    method = parsed.method or ("POST" if parsed.body else "GET")
    return Request(method.upper(), address, tuple(lines), parsed.body)


def _parse(data: bytes, has_url: bool) -> _Parsed:
    data = data.removeprefix(b"\xef\xbb\xbf")
    start = data.lstrip()
    if re.match(rb"(\$\s+)?curl(\.exe)?\s", start):
        return _curl(start.decode("utf-8", "surrogateescape"))
    if re.match(rb"[A-Z]{3,10} \S+( HTTP/\d(\.\d)?)?\r?(\n|\Z)", start):
        return _message(start)
    value = _json(data)
    if value is None and not has_url:
        raise ValueError(
            "this is no request: it is neither JSON, nor an HTTP message (POST /v1/… HTTP/1.1), nor a curl command"
        )
    return _Parsed(None, None, (), data.strip() if value is not None else data)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


# -- an HTTP message -----------------------------------------------------------------------------------------


def _message(data: bytes) -> _Parsed:
    head, _, body = (
        data.replace(b"\r\n", b"\n").partition(b"\n\n")
        if b"\r\n\r\n" not in data
        else (data.partition(b"\r\n\r\n"))
    )
    first, *rest = head.decode("latin-1").splitlines()
    method, target, *_ = first.split()
    lines = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name):
            raise ValueError(
                f"the line {line[:60]!r} of the HTTP message is no header; the body follows an empty line"
            )
        lines.append((name.lower(), value.strip()))
    host = next((value for name, value in lines if name == "host"), "")
    url: str | None = target
    if target.startswith("/"):
        scheme = "http" if re.match(r"(localhost|127\.|\[::1\])", host) else "https"
        url = f"{scheme}://{host}{target}" if host else None
    lines = [(name, value) for name, value in lines if name not in ("host", "content-length", "connection")]
    return _Parsed(method, url, tuple(lines), body.strip(b"\r\n") if _json(body) is not None else body)


# -- a curl command ------------------------------------------------------------------------------------------

_FLAGS = re.compile(
    r"--?(compressed|silent|show-error|insecure|location|include|verbose|no-buffer|fail|fail-with-body|globoff"
    r"|no-progress-meter|http1\.1|http2|[sSkLivNfg]+)"
)
_VALUED = {
    "-X": "method", "--request": "method", "-H": "header", "--header": "header", "--url": "url",
    "-d": "data", "--data": "data", "--data-ascii": "data", "--data-binary": "data", "--data-raw": "raw",
    "--data-urlencode": "encoded", "--json": "json", "-F": "form", "--form": "form", "--form-string": "form",
}  # fmt: skip
_PASSED = {
    "-u", "--user", "-o", "--output", "-A", "--user-agent", "-e", "--referer", "-b", "--cookie", "-x", "--proxy",
    "-m", "--max-time", "-w", "--write-out", "--connect-timeout", "--retry", "--cacert", "-E", "--cert", "--key",
}  # fmt: skip


class _Curl:
    """What the options of a curl command add up to."""

    def __init__(self) -> None:
        self.method: str | None = None
        self.url: str | None = None
        self.headers: list[tuple[str, str]] = []
        self.data: list[str] = []
        self.is_get = False
        self.is_json = False

    def take(self, kind: str, value: str) -> None:
        """Takes an option that has a value."""
        if kind == "method":
            self.method = value
        elif kind == "url":
            self.url = value
        elif kind == "header":
            name, _, line = value.partition(":")
            self.headers.append((name.strip().lower(), line.strip()))
        elif kind == "form":
            raise ValueError("a curl command with -F (multipart) is not read; make the recording and explain that")
        elif kind != "raw" and value.startswith("@"):
            raise ValueError(
                f"the curl command takes its body from the file {value[1:]!r}, which is not read here; "
                f"explain that file, with --url"
            )
        else:
            if kind == "encoded":
                name, equals, text = value.rpartition("=")
                value = f"{name}{equals if name else ''}{quote(text, safe='')}"
            self.is_json = self.is_json or kind == "json"
            self.data.append(value)

    def parsed(self) -> _Parsed:
        """The request."""
        body = ("" if self.is_json else "&").join(self.data)
        url = self.url if self.url is None or "://" in self.url else f"http://{self.url}"
        if self.is_get and body:
            return _Parsed("GET", f"{url}{'&' if '?' in str(url) else '?'}{body}", tuple(self.headers), b"")
        names = {name for name, _ in self.headers}
        headers = list(self.headers)
        if self.data and "content-type" not in names:
            form = "application/x-www-form-urlencoded"
            headers.append(("content-type", "application/json" if self.is_json else form))
        method = self.method or ("POST" if self.data else "GET")
        return _Parsed(method, url, tuple(headers), body.encode("utf-8", "surrogateescape"))


def _curl(text: str) -> _Parsed:
    joined = re.sub(r"[\\^]\r?\n", " ", text.removeprefix("$").strip())
    try:
        words = shlex.split(joined)[1:]
    except ValueError as error:
        raise ValueError(f"the curl command cannot be read: {error}") from error
    curl = _Curl()
    following = iter(words)
    for word in following:
        if word in ("-G", "--get"):
            curl.is_get = True
        elif word in ("-I", "--head"):
            curl.method = "HEAD"
        elif word.startswith("-") and len(word) > 1:
            _option(curl, word, lambda: next(following, None))
        elif curl.url is None:
            curl.url = word
        else:
            raise ValueError(f"the curl command has two addresses: {curl.url!r} and {word!r}")
    return curl.parsed()


def _option(curl: _Curl, word: str, following: Callable[[], str | None]) -> None:
    name, equals, value = word.partition("=")
    if not (word.startswith("--") and equals):
        # -XPOST and -HName:value have their value attached
        attached = not word.startswith("--") and len(word) > 2 and word[:2] in {*_VALUED, *_PASSED}
        name, value = (word[:2], word[2:]) if attached else (word, "")
    if name in _VALUED or name in _PASSED:
        given = value or following()
        if given is None:
            raise ValueError(f"the curl command ends in {name}, which needs a value")
        if name in _VALUED:
            curl.take(_VALUED[name], given)
    elif not _FLAGS.fullmatch(word):
        raise ValueError(f"the option {word!r} of the curl command is not known here; leave it out")
