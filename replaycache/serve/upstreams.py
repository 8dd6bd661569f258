"""Whom the proxy calls: each upstream by the name that its paths begin with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from .._errors import ConfigurationError
from ..dialects.registry import BASE_URLS

OWN = "_replaycache"
"""What the paths of the proxy's own pages begin with."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Upstream(NamedTuple):
    """Somebody who is called.

    Attributes:
        name: that paths begin with.
        origin: scheme, host and port.
        path: that is put before what follows the name; empty, or with a slash before it and none behind.
        base: what stands behind the name in the base URL that clients are given; empty, or with a slash before it.
    """

    name: str
    origin: str
    path: str = ""
    base: str = ""

    @property
    def url(self) -> str:
        """What takes the place of the name."""
        return f"{self.origin}{self.path}"


def _known() -> dict[str, Upstream]:
    found = {}
    for row in BASE_URLS:
        url = urlsplit(row.url)
        # every path of the API is there: clients differ in what of it they call the base
        found[row.name] = Upstream(row.name, f"{url.scheme}://{url.netloc}", base=url.path)
    return found


KNOWN: Mapping[str, Upstream] = _known()
"""Those of the dialects, by name."""


def parse_upstream(name: str, url: object, where: str) -> Upstream:
    """One that the user names.

    Args:
        name: for paths.
        url: its base URL; a path of it is put before every path.
        where: it was given, for the message.

    Raises:
        ConfigurationError: it is no name, or no URL that can be called.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{where}: {name!r} is no name for an upstream; write lower-case letters, digits, '.', '-' and '_', "
            f"beginning with a letter or digit"
        )
    example = f"write {name}=https://host:port/path, with http or https"
    if not isinstance(url, str):
        raise ConfigurationError(f"{where}: {name}={url!r} is no URL; {example}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{where}: {name}={url!r} is no URL ({error}); {example}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        raise ConfigurationError(f"{where}: {name}={url!r} is no URL that can be called; {example}")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{where}: the URL of {name} holds credentials; let the client send them")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{where}: {name}={url!r} has a query or a fragment, which no base URL has")
    if not parts.path.isascii():
        raise ConfigurationError(f"{where}: {name}={url!r} has letters in its path that are to be percent-encoded")
    if any(part in (".", "..") for part in parts.path.split("/")):
        raise ConfigurationError(f"{where}: {name}={url!r} has '.' or '..' in its path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port is None else f"{host}:{port}"
    return Upstream(name, f"{parts.scheme}://{netloc}", parts.path.rstrip("/"))


def upstreams(named: Mapping[str, Upstream]) -> dict[str, Upstream]:
    """All of them by name; one that the user names takes the place of a known one."""
    return {**KNOWN, **named}
