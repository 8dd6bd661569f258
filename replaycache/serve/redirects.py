"""Where redirects of upstream lead: through the proxy, or nowhere."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urljoin, urlsplit

from ..wire.url import DEFAULT_PORTS
from .failures import Failure
from .upstreams import Upstream

REDIRECTS = range(300, 400)

_PLAIN = re.compile(rb"[^\x21-\x5b\x5d-\x7e]")


def led_through(locations: list[bytes], upstream: Upstream, rest: str) -> bytes | Failure | None:
    """Where a redirect leads through the proxy; a failure where it leads past it; None where there is none.

    Args:
        locations: the values of `Location`.
        upstream: that was asked.
        rest: of the path that was.
    """
    if not locations:
        return None
    if len(set(locations)) > 1:
        return _refused(upstream, "several places at once", "")
    # clients read a backslash as a slash, and what is no ASCII each in a way of its own
    location = _PLAIN.sub(lambda found: b"%%%02X" % ord(found[0]), locations[0]).decode("ascii")
    try:
        leads = urlsplit(urljoin(f"{upstream.url}{rest}", location))
        origin = _origin(leads)
        is_within = leads.username is None and origin == _origin(urlsplit(upstream.origin))
    except ValueError:
        return _refused(upstream, "something that is no URL", "")
    path = leads.path or "/"
    if is_within and f"{path}/".startswith(f"{upstream.path}/"):
        query = f"?{leads.query}" if leads.query else ""
        return f"/{upstream.name}{path[len(upstream.path) :]}{query}".encode("ascii")
    host = f"[{leads.hostname}]" if ":" in (leads.hostname or "") else leads.hostname or ""
    target = f"{leads.scheme}://{host}{f':{leads.port}' if leads.port else ''}"  # without a name and a password
    return _refused(upstream, f"{target}{path}", target if leads.scheme in DEFAULT_PORTS and host else "")


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    """Scheme, host and port."""
    return url.scheme, url.hostname or "", url.port or DEFAULT_PORTS.get(url.scheme)


def _refused(upstream: Upstream, where: str, target: str) -> Failure:
    advice = f" Name it as an upstream of its own: --upstream NAME={target}" if target else ""
    return Failure(
        502,
        "replaycache_redirect_refused",
        f"{upstream.name} sends this call to {where}, which the proxy does not answer for: the client would send "
        f"its key there, past the proxy.{advice}",
        outcome="failed",
        reason="redirect",
    )
