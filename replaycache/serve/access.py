"""Who may call the proxy: by the Host header, the page that calls, and the token.

A port on loopback is reached by every page that a browser on the machine shows. So what names another host (as a
page does whose name was made to point here) is refused, and so is what a page of another origin sends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from ..wire.hosts import HostPattern
from .failures import Failure
from .settings import Settings, is_loopback

COOKIE = "replaycache_viewer"
TOKEN_HEADER = b"x-replaycache-token"

SESSION_SECONDS = 12 * 3600
"""How long who has logged in to the viewer stays so."""

_SAFE = ("GET", "HEAD")

_AUTHORITY = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?")

_Headers = Iterable[tuple[bytes, bytes]]


def values(headers: _Headers, name: bytes) -> list[bytes]:
    """Of a header, in lower case, that may stand on several lines."""
    return [value for key, value in headers if key == name]


class Access:
    """Decides who may call."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.token.encode("ascii")
        self._is_loopback = is_loopback(settings.host)
        self._host = settings.host.lower()
        self._allowed = tuple(map(HostPattern.parse, settings.allowed_hosts))
        self._origins = frozenset(settings.allow_origins)
        # who has the token can make it anew, and nobody learns the token from a cookie
        self._secret = hashlib.sha256(b"replaycache viewer\0" + self._token).digest()

    # -- who asks ------------------------------------------------------------------------------------------

    def refusal(self, scope: Any, *, is_page: bool) -> Failure | None:
        """Why a request is refused whatever token it bears; None where it is not.

        Args:
            is_page: whether it asks for a page of the proxy's own.
        """
        headers = scope["headers"]
        if fault := _smuggled(headers):
            return Failure(400, "replaycache_bad_request", fault, headers=((b"connection", b"close"),))
        return self._wrong_server(scope) or self._wrong_host(headers) or self._wrong_page(scope, is_page=is_page)

    def _wrong_server(self, scope: Any) -> Failure | None:
        server = scope.get("server")
        if self._token or not server or server[1] is None or is_loopback(server[0]):
            return None
        return Failure(
            403,
            "replaycache_needs_token",
            f"this proxy has no token, and is asked at {server[0]}, where other machines may reach it. Let it "
            f"listen on loopback, or give it a token: REPLAYCACHE_SERVE_TOKEN",
        )

    def _wrong_host(self, headers: _Headers) -> Failure | None:
        hosts = values(headers, b"host") or values(headers, b":authority")
        text = hosts[0].decode("latin-1").strip().lower() if len(hosts) == 1 else ""
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or not _AUTHORITY.fullmatch(text):
            return Failure(400, "replaycache_bad_request", "the request's Host header names no host")
        if is_loopback(host) or host == self._host or any(one.admits(host, port) for one in self._allowed):
            return None
        if not self._is_loopback and not self._allowed:
            return None  # it has whatever names people gave it, and the token guards it
        return Failure(
            403,
            "replaycache_wrong_host",
            f"the request is for the host {text!r}, which is not this proxy. If it is: --allowed-host {host}",
        )

    def _wrong_page(self, scope: Any, *, is_page: bool) -> Failure | None:
        headers = scope["headers"]
        origin = self.origin(scope)
        if origin is not None:
            return None if self.is_ours(scope, origin) or origin in self._origins else _foreign(origin)
        sites = values(headers, b"sec-fetch-site")
        if not sites or sites[0] in (b"same-origin", b"none"):
            return None
        # a link on another page may lead to the viewer, but none shows it inside of its own
        is_link = values(headers, b"sec-fetch-mode") == [b"navigate"] and scope["method"] in _SAFE
        is_link &= values(headers, b"sec-fetch-dest") in ([], [b"document"])
        return None if is_page and is_link else _foreign("another site")

    @staticmethod
    def origin(scope: Any) -> str | None:
        """Of the page that asks; None where none does."""
        found = values(scope["headers"], b"origin")
        return ", ".join(one.decode("latin-1").strip().lower() for one in found) if found else None

    @staticmethod
    def is_ours(scope: Any, origin: str) -> bool:
        """Whether a page of that origin came from here."""
        host = b"".join(values(scope["headers"], b"host")).decode("latin-1").strip().lower()
        return origin in (f"http://{host}", f"https://{host}")  # TLS may end before us

    def cors(self, scope: Any) -> list[tuple[bytes, bytes]]:
        """The headers that let a page of another origin read the answer; none where it may not."""
        origin = self.origin(scope)
        if origin is None or origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"*"),
            (b"vary", b"origin"),
        ]

    def preflight(self, scope: Any) -> list[tuple[bytes, bytes]] | None:
        """The headers that answer a browser that asks what a page may send; None where it does not ask that."""
        wanted = values(scope["headers"], b"access-control-request-method")
        cors = self.cors(scope)
        if scope["method"] != "OPTIONS" or not wanted or not cors:
            return None
        names = values(scope["headers"], b"access-control-request-headers")
        return [
            *cors,
            (b"access-control-allow-methods", wanted[0]),
            *((b"access-control-allow-headers", name) for name in names[:1]),
            (b"access-control-max-age", b"600"),
            *(
                [(b"access-control-allow-private-network", b"true")]
                if values(scope["headers"], b"access-control-request-private-network")
                else []
            ),
        ]

    # -- the token -----------------------------------------------------------------------------------------

    @property
    def has_token(self) -> bool:
        """Whether callers need one."""
        return bool(self._token)

    def bears_token(self, headers: _Headers) -> bool:
        """Whether a call bears the token, or needs none."""
        given = values(headers, TOKEN_HEADER)
        return not self._token or (len(given) == 1 and hmac.compare_digest(given[0].strip(), self._token))

    def is_token(self, text: str) -> bool:
        """Whether it is the token, which somebody has typed."""
        return hmac.compare_digest(text.strip().encode("utf-8"), self._token)

    def is_allowed(self, request: Request) -> bool:
        """Whether a page of the proxy's own may be shown: to who bears the token or has logged in."""
        return self.bears_token(request.scope["headers"]) or self._has_logged_in(request.headers.get("cookie", ""))

    def session(self) -> str:
        """What a cookie holds for who has logged in."""
        until = str(int(time.time() + SESSION_SECONDS))
        return f"{until}.{self._sign(until)}"

    def _sign(self, until: str) -> str:
        found = hmac.digest(self._secret, until.encode("ascii"), "sha256")
        return base64.urlsafe_b64encode(found).rstrip(b"=").decode("ascii")

    def _has_logged_in(self, cookies: str) -> bool:
        try:
            found = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return False
        until, _, sign = (found.value if found is not None else "").partition(".")
        if not until.isdecimal() or not until.isascii() or not sign.isascii():
            return False
        return hmac.compare_digest(self._sign(until), sign) and int(until) > time.time()


def _foreign(who: str) -> Failure:
    return Failure(
        403,
        "replaycache_foreign_page",
        f"a web page of {who} sent this request, and pages of other origins may not call this proxy. If this one "
        f"may: --allow-origin ORIGIN",
    )


def _smuggled(headers: _Headers) -> str:
    """Why a request may mean two things to two servers; empty where it does not."""
    names = [name for name, _ in headers]
    if twice := next(
        (name for name in names if name.startswith(b"x-replaycache-") and names.count(name) > 1), b""
    ):
        return f"the request has {twice.decode('latin-1')} more than once"
    if b"transfer-encoding" in names and b"content-length" in names:
        return "the request has both Content-Length and Transfer-Encoding"
    if names.count(b"content-length") > 1 or names.count(b"transfer-encoding") > 1:
        return "the request says more than once how long it is"
    for _, value in headers:
        if b"\r" in value or b"\n" in value or b"\0" in value:
            return "a header of the request holds a line break"
    return ""
