"""Which headers pass the proxy: of a request to upstream, and of its answer to the client."""

from __future__ import annotations

import re

from .._models import OUTCOME_HEADER
from ..engine.asked import CALL_HEADERS
from .access import COOKIE
from .upstreams import Upstream

Headers = list[tuple[bytes, bytes]]

# RFC 9110, 7.6.1, and what RFC 2616 names beside; `expect` is answered by the server
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)

_OF_ANOTHER_ORIGIN = frozenset(
    {
        b"alt-svc",
        b"clear-site-data",
        b"expect-ct",
        b"nel",
        b"public-key-pins",
        b"refresh",
        b"report-to",
        b"reporting-endpoints",
        b"strict-transport-security",
    }
)
"""What an answer says of the server that sent it: clients would take it for this one."""

OURS = OUTCOME_HEADER.encode()
_OUR_COOKIE = re.compile(rb"(?:^|\s)%b\s*=" % COOKIE.encode())
PASSED_ON = frozenset(name.encode() for name in CALL_HEADERS)
"""Which the transport reads, and does not send."""

_NEVER_NAMED = PASSED_ON | {b"content-length"}
"""Which `Connection` cannot take away: the length tells where the request ends."""


def _cookie_below(value: bytes, upstream: Upstream) -> bytes | None:
    """A cookie that an answer sets, for the paths of its upstream; None where it is for others, which nobody asks.

    With the path that it had, clients would send it to every upstream.
    """
    pair, *attributes = value.split(b";")
    found = [pair]
    for attribute in attributes:
        name, _, path = attribute.partition(b"=")
        if name.strip().lower() == b"path" and path.strip().startswith(b"/"):
            below = _path_below(path.strip().rstrip(b"/").decode("latin-1"), upstream)
            if below is None:
                return None
            attribute = b" Path=" + below.encode("latin-1")
        found.append(attribute)
    return b";".join(found)


def _path_below(path: str, upstream: Upstream) -> str | None:
    if f"{upstream.path}/".startswith(f"{path}/"):
        return f"/{upstream.name}"
    if path.startswith(f"{upstream.path}/"):
        return f"/{upstream.name}{path[len(upstream.path) :]}"
    return None


def _named_by_connection(headers: Headers) -> set[bytes]:
    return {
        token.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for token in value.split(b",")
    }


def _is_of_browser(headers: Headers) -> bool:
    return any(name == b"origin" or name.startswith(b"sec-fetch-") for name, _ in headers)


def sent_on(headers: Headers) -> Headers:
    """The headers of a request that upstream gets, and those that the transport reads.

    A browser's cookies stay here: those of loopback belong to whatever else serves pages on this machine.
    """
    dropped = _HOP_BY_HOP | (_named_by_connection(headers) - _NEVER_NAMED)
    if _is_of_browser(headers):
        dropped |= {b"cookie"}
    found = []
    for name, value in headers:
        if name in dropped or name == b"host" or (name.startswith(OURS) and name not in PASSED_ON):
            continue
        if name == b"cookie" and COOKIE.encode() in value:
            # our own reader takes a space for the end of a cookie, too
            value = b"; ".join(part.strip() for part in value.split(b";") if not _OUR_COOKIE.search(part))
            if not value:
                continue
        found.append((name, value))
    return found


def handed_on(headers: Headers, upstream: Upstream, location: bytes | None, has_cors: bool) -> Headers:
    """The headers of upstream's answer that the client gets, in their order.

    Args:
        location: where a redirect leads through the proxy; None where there is none.
        has_cors: whether the proxy says itself which pages may read the answer.
    """
    dropped = _HOP_BY_HOP | _OF_ANOTHER_ORIGIN | _named_by_connection(headers)
    if any(name.lower() == b"transfer-encoding" for name, _ in headers):
        dropped |= {b"content-length"}  # RFC 9112, 6.3: it tells nothing then
    found = []
    for name, value in headers:
        lower = name.lower()
        if lower in dropped or lower.startswith(OURS) or (has_cors and lower.startswith(b"access-control-")):
            continue
        if lower == b"location" and location is not None:
            value = location
        if lower == b"set-cookie":
            cookie = _cookie_below(value, upstream)
            if cookie is None:
                continue
            value = cookie
        found.append((lower, value))
    return found
