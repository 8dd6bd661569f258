"""What clients are told that get no answer of upstream, in a form that the SDKs show.

    {"type": "error", "error": {"type": "replaycache_miss", "message": "no recording answers this request, …"}}

The OpenAI and Anthropic clients do not retry what has `x-should-retry: false`. Others go by the status alone, and
most retry 408, 409, 429 and all from 500 on: so what another try cannot help is a 4xx that is none of these.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import httpx2

from .._errors import BudgetExceeded, CacheMiss, CassetteError, ConfigurationError, ReplayCacheError
from .._printable import printable
from .request_body import ClientSilent, TooLarge

MISS = 424
"""Failed Dependency: nobody retries it, and no API means something else by it."""


class Failure(NamedTuple):
    """An answer of the proxy's own.

    Attributes:
        status: of HTTP.
        kind: for programs.
        message: for people.
        retry: whether another try may help.
        outcome: what the call was, as `SeenCall.status` has it.
        reason: in a word; empty where `kind` says it.
        headers: further ones.
    """

    status: int
    kind: str
    message: str
    retry: bool = False
    outcome: str = "refused"
    reason: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self) -> bytes:
        """The document that is sent."""
        error = {"type": self.kind, "message": self.message, "code": self.reason or self.kind, "param": None}
        return json.dumps({"type": "error", "error": error}, ensure_ascii=False).encode("utf-8", "replace")

    def head(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """The headers that are sent."""
        return [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-should-retry", b"true" if self.retry else b"false"),
            *self.headers,
        ]


def failure_of(error: BaseException) -> Failure | None:
    """What is told where ours refused or failed; None where it is not ours."""
    if isinstance(error, CacheMiss):
        headers = ((b"x-replaycache-key", error.key.encode("ascii", "replace")),) if error.key else ()
        return Failure(MISS, "replaycache_miss", str(error), reason=error.reason, headers=headers)
    if isinstance(error, BudgetExceeded):
        return Failure(402, "replaycache_budget_exceeded", str(error))
    if isinstance(error, ConfigurationError):
        return Failure(400, "replaycache_wrong_option", str(error))
    if isinstance(error, TooLarge):
        return Failure(413, "replaycache_request_too_large", str(error))
    if isinstance(error, ClientSilent):
        return Failure(408, "replaycache_request_timeout", str(error), headers=((b"connection", b"close"),))
    if isinstance(error, CassetteError):
        return Failure(MISS, "replaycache_cassette_unusable", str(error), outcome="failed")
    if isinstance(error, ReplayCacheError):
        return Failure(MISS, "replaycache_store_failed", str(error), outcome="failed")
    return None


def failure_of_upstream(error: Exception, who: str) -> Failure | None:
    """What is told where upstream gave no answer; None where that is not the reason."""
    told = printable(str(error)) or type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        what = (
            "could not be reached in time"
            if isinstance(error, httpx2.ConnectTimeout)
            else "did not answer in time"
        )
        return _upstream(504, f"{who} {what} ({type(error).__name__})", error)
    if isinstance(error, httpx2.ConnectError):
        return _upstream(502, f"{who} could not be reached: {told}", error)
    if isinstance(error, httpx2.ProxyError):
        return _upstream(502, f"the proxy on the way to {who} failed: {told}", error)
    if isinstance(error, httpx2.RemoteProtocolError):
        return _upstream(502, f"{who} answered something that is no HTTP, or broke off: {told}", error)
    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL)):
        return Failure(400, "replaycache_bad_request", f"the request cannot be sent to {who}: {told}")
    if isinstance(error, httpx2.TransportError):
        return _upstream(502, f"the connection to {who} broke off: {told}", error)
    return None


def _upstream(status: int, message: str, error: Exception) -> Failure:
    name = type(error).__name__
    return Failure(status, "replaycache_upstream_failed", message, retry=True, outcome="failed", reason=name)
