"""What the proxy is asked: paths, and headers."""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.requests import Request

from replaycache import ConfigurationError
from replaycache.serve.access import COOKIE, Access
from replaycache.serve.forwarding import _named
from replaycache.serve.headers import PASSED_ON, sent_on
from replaycache.serve.settings import Settings, is_loopback
from replaycache.serve.target import BadTarget, read_target
from replaycache.serve.upstreams import OWN, parse_upstream
from tests.fuzz.given import Given

__all__ = ["headers", "path"]


def path(data: bytes) -> None:
    """What passes stays below its upstream, however often somebody behind decodes it."""
    given = Given(data)
    knows_raw, root = bool(given.number(4)), given.choice(("", "", "/api"))
    raw = given.rest()
    scope: dict[str, Any] = {"path": unquote_to_bytes(raw).decode("utf-8", "replace"), "root_path": root}
    if knows_raw:
        scope["raw_path"] = raw
    try:
        found = read_target(scope)
    except BadTarget:
        return
    assert found.is_own == (found.name in ("", OWN))
    assert re.fullmatch(r"[A-Za-z0-9._-]*", found.name)
    assert found.name not in (".", "..")
    assert found.rest == "" or found.rest.startswith("/")
    if knows_raw and not root:
        assert f"/{found.name}{found.rest}".encode() == raw.partition(b"?")[0]
    left = found.rest.encode("ascii")
    for _ in range(len(left) + 1):
        _stays_below(left)
        decoded = unquote_to_bytes(left)
        if decoded == left:
            break
        left = decoded
    parsed = urlsplit(f"https://llm.example/base{found.rest}")
    assert parsed.hostname == "llm.example"
    assert parsed.path.startswith("/base")
    assert not parsed.query


def _stays_below(text: bytes) -> None:
    depth = 0
    for part in re.split(rb"[/\\]", text):
        plain = part.partition(b";")[0]
        depth += -1 if plain == b".." else bool(plain) and plain != b"."
        assert depth >= 0, text
    assert not re.search(rb"[\x00-\x1f\x7f]", text), text


ACCESS = (
    Access(Settings()),
    Access(
        Settings(
            token="t" * 40, host="0.0.0.0", allowed_hosts=("*.example",), allow_origins=("https://a.example",)
        )
    ),
)
NAMES = (
    b"host",
    b"origin",
    b"sec-fetch-site",
    b"sec-fetch-mode",
    b"cookie",
    b"x-replaycache-token",
    b"content-length",
    b"transfer-encoding",
    b"connection",
    b"x-replaycache-cassette",
    b"x-replaycache-session",
    b"x-replaycache-mode",
    b"access-control-request-method",
    b"access-control-request-headers",
    b"te",
    b"authorization",
)
METHODS = ("GET", "POST", "OPTIONS")


def _logs_in(cookies: bytes) -> bool:
    """Whether the proxy's own reader finds its cookie among these."""
    try:
        return COOKIE in SimpleCookie(cookies.decode("latin-1"))
    except CookieError:
        return False


def headers(data: bytes) -> None:
    """Who may call; and nothing goes to upstream that is ours or the connection's."""
    given = Given(data)
    access, method = given.choice(ACCESS), given.choice(METHODS)
    is_page = bool(given.number(2))
    lines = []
    while (name := given.number(len(NAMES) + 1)) < len(NAMES):
        value = given.line()
        if not value and not given.line():
            break
        lines.append((NAMES[name], value))
        if len(lines) > 12:
            break
    scope: dict[str, Any] = {"type": "http", "method": method, "headers": lines, "server": ("127.0.0.1", 8400)}
    refused = access.refusal(scope, is_page=is_page)
    cors, preflight = access.cors(scope), access.preflight(scope)
    if refused is None:
        hosts = [value for name, value in lines if name == b"host"]
        assert len(hosts) == 1
        host = urlsplit(f"//{hosts[0].decode('latin-1').strip()}").hostname or ""
        if access is ACCESS[0]:
            assert is_loopback(host)
        origins = [value.decode("latin-1").strip().lower() for name, value in lines if name == b"origin"]
        for origin in origins:
            assert access.is_ours(scope, origin) or origin == "https://a.example"
        lengths = [name for name, _ in lines if name in (b"content-length", b"transfer-encoding")]
        assert len(lengths) <= 1
    assert all(value == b"https://a.example" for name, value in cors if name == b"access-control-allow-origin")
    assert preflight is None or cors
    given_token = [value.strip() for name, value in lines if name == b"x-replaycache-token"]
    is_allowed = access.is_allowed(Request({**scope, "path": "/", "query_string": b""}))
    if access is ACCESS[1]:
        assert access.bears_token(lines) == (given_token == [b"t" * 40])
        assert is_allowed == (given_token == [b"t" * 40])
    sent = sent_on(lines)
    assert set(sent) <= set(lines) or any(name == b"cookie" for name, _ in lines)
    assert not {name for name, _ in sent} & {b"host", b"connection", b"te", b"transfer-encoding"}
    assert not any(name.startswith(b"x-replaycache") and name not in PASSED_ON for name, _ in sent)
    for name, value in sent:
        assert name != b"cookie" or not _logs_in(value), value
    try:
        _named(lines)
    except ConfigurationError:
        pass
    for _, value in lines:
        try:
            upstream = parse_upstream("a", value.decode("latin-1"), "here")
        except ConfigurationError:
            continue
        assert upstream.origin.startswith(("http://", "https://"))
        assert not re.search(r"[\s\\@?#]", upstream.origin), upstream.origin
