"""URLs in one form."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

from .patterns import lazy_pattern

_URL = re.compile(
    r"(?P<scheme>[^:/?#]+)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?", re.DOTALL
)
DEFAULT_PORTS = {"http": 80, "https": 443}
"""The ports that a URL does not name, by its scheme."""


class Url(NamedTuple):
    """A URL's parts.

    Attributes:
        scheme: in lower case.
        host: in lower case, without the port.
        port: empty where it is the scheme's own.
        path: as sent; `/` where it is empty.
        query: (name, value) in their order, percent-encoding undone, value None where there is no `=`; a
            part whose percent-encoding is no UTF-8 stands alone, as sent.
    """

    scheme: str
    host: str
    port: str
    path: str
    query: tuple[tuple[str, str | None] | tuple[str], ...]

    @property
    def netloc(self) -> str:
        """Host, and port where it is not the scheme's own."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def port_number(self) -> int | None:
        """The port that is connected to; None where it is not known."""
        return int(self.port) if self.port else DEFAULT_PORTS.get(self.scheme)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.netloc}"


@lru_cache(maxsize=1024)
def parse(url: str) -> Url:
    """Takes an absolute URL apart; user information and fragment are dropped.

    Raises:
        ValueError: it is not absolute.
    """
    match = _match(url)
    scheme = match["scheme"].lower()
    authority = match["authority"].rpartition("@")[2].lower()
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit():
        host, port = authority.rstrip(":") if not colon or not port else authority, ""
    if port == str(DEFAULT_PORTS.get(scheme)):
        port = ""
    return Url(scheme, host, port, match["path"] or "/", _query(match["query"] or ""))


def _match(url: str) -> re.Match[str]:
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError(f"not an absolute URL: {url!r}")
    return match


def _query(query: str) -> tuple[tuple[str, str | None] | tuple[str], ...]:
    pairs: list[tuple[str, str | None] | tuple[str]] = []
    for part in query.split("&"):
        if part:
            name, equals, value = part.partition("=")
            try:
                pairs.append((_unquote(name), _unquote(value) if equals else None))
            except UnicodeDecodeError:
                pairs.append((part,))
    return tuple(pairs)


_malformed = lazy_pattern(r"%(?![0-9A-Fa-f]{2})")


def _unquote(text: str) -> str:
    if "%" in text and _malformed().search(text):
        raise UnicodeDecodeError("percent", text.encode(), 0, 1, "malformed percent-encoding")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


def alias_origin(url: Url, hosts: Mapping[str, str]) -> str:
    """The origin under which a URL counts, after `Match(hosts=...)`."""
    for pattern, name in hosts.items():
        subject = url.origin if "://" in pattern else url.netloc
        if re.fullmatch(re.escape(pattern.lower()).replace(r"\*", ".*"), subject):
            return parse(name if "://" in name else f"https://{name}").origin
    return url.origin


def decoded(text: str) -> str:
    """A name or a value of a query, as far as it can be decoded."""
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def decoded_name(part: str) -> str:
    """The name of a query part, as far as it can be decoded."""
    return decoded(part.partition("=")[0])


# `%` is none of them, so that what is encoded is not what was sent so
_authority = lazy_pattern(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def at_authority(url: str, authority: str) -> str:
    """The same URL by another authority, such as the Host header names it.

    Args:
        url: absolute; its user information goes with the authority that it has.
        authority: host, and port where there is one; what no authority can hold is percent-encoded, so that what
            differs stays apart.

    Raises:
        ValueError: the URL is not absolute.
    """
    if parse(url).netloc == authority.lower():
        return url
    if not _authority().fullmatch(authority) or _is_unreadable(f"//{authority}"):
        authority = quote(authority, safe=":")
    match = _match(url)
    return f"{url[: match.start('authority')]}{authority}{url[match.end('authority') :]}"


_scheme = lazy_pattern(r"[A-Za-z][A-Za-z0-9+.-]*")
_never_in_a_url = lazy_pattern(r"[\x00-\x20\x7f]")


@lru_cache(maxsize=1024)
def fault(url: str) -> str:
    """Why no request can have been sent to what is said to be a URL; empty where one can."""
    match = _URL.fullmatch(url)
    if match is None or not _scheme().fullmatch(match["scheme"]):
        return "it is not absolute"
    if _never_in_a_url().search(url):
        return "it holds a space or a control character"
    return "its host is none" if _is_unreadable(url) else ""


def _is_unreadable(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return True
    return False
