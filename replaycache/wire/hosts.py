"""Which hosts are meant, by patterns such as `localhost`, `*.internal.example:8443` or `[::1]:8080`."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from . import url as _url
from .patterns import lazy_pattern

_pattern = lazy_pattern(
    r"(?:\[(?P<bracketed>[^\s\[\]]+)\]|(?P<host>[^\s:/@?#\\,\[\]]+))(?::(?:(?P<port>[1-9]\d{0,4})|\*))?"
)


class HostPattern(NamedTuple):
    """A name or an address, with `*` for any characters; `localhost` is every loopback name and address.

    Attributes:
        host: None for loopback.
        port: None for every one.
    """

    host: re.Pattern[str] | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "HostPattern":
        """Reads `host`, `host:port`, `address`, `[address]` or `[address]:port`.

        Raises:
            ValueError: it is something else, or means every host; the text says what to write.
        """
        if not text.strip():
            raise ValueError("is empty; write a host, such as localhost or *.internal.example:8443")
        if "/" in text:
            raise ValueError("is no host but a URL or a path; write the host alone, such as api.example.com:8080")
        text = _in_one_form(text)
        found = _pattern().fullmatch(text)
        host = (found["bracketed"] or found["host"]) if found is not None else text
        port = int(found["port"]) if found is not None and found["port"] else None
        if (found is None and _address(text) is None) or (port or 0) > 65535 or not _is_encodable(host):
            raise ValueError(
                "is no host; write one such as localhost, 127.0.0.1:8080, [::1]:8080 or *.internal.example, where "
                "* stands for any characters"
            )
        if not host.strip("*.") and (port is None or port in _url.DEFAULT_PORTS.values()):
            every = "every host" if port is None else f"every host at port {port}, where APIs are asked"
            raise ValueError(f"means {every}; use the mode 'off' to leave everything alone, or name the hosts")
        host = _canonical(host)
        if host == "localhost":
            return cls(None, port)
        return cls(re.compile(".*".join(map(re.escape, host.split("*")))), port)

    @property
    def name(self) -> str | None:
        """The one name or address that is meant; None where it may be several."""
        text = "" if self.host is None else self.host.pattern
        return re.sub(r"\\(.)", r"\1", text) if text and ".*" not in text else None

    def admits(self, host: str, port: int | None) -> bool:
        """Whether a host is meant.

        Args:
            host: a name or an address, without brackets.
            port: where it is asked; None where none is known.
        """
        if self.port is not None and self.port != port:
            return False
        if self.host is None:
            return _is_loopback(_canonical(host))
        # as it is written, too: a pattern may have a part of its encoded form
        return any(map(self.host.fullmatch, {_canonical(host), _in_one_form(host)}))


def are_meant(patterns: Iterable[HostPattern], url: str) -> bool:
    """Whether the host of a URL is meant by one of these patterns.

    Raises:
        ValueError: the URL is not absolute.
    """
    parsed = _url.parse(url)
    host, port = parsed.host.removeprefix("[").removesuffix("]"), parsed.port_number
    return any(pattern.admits(host, port) for pattern in patterns)


def _in_one_form(text: str) -> str:
    """Lower case, with what Unicode has beside ASCII for letters, dots and `*` as these."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower().replace("\u3002", ".")


@lru_cache(maxsize=1024)
def _canonical(host: str) -> str:
    """A host as people write it; what stands in a URL differs between IDNA 2003 and 2008."""
    labels = _in_one_form(host).removesuffix(".").split(".")
    host = ".".join(map(_decoded, labels))
    address = _address(host)
    return host if address is None else str(address)


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return unicodedata.normalize("NFC", label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label


def _is_encodable(host: str) -> bool:
    """Whether a name can stand in a URL."""
    try:
        return host.isascii() or bool(host.replace("*", "").strip(".").encode("idna"))
    except UnicodeError:
        return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    # what is bound to every address is reached over loopback
    return address is not None and (address.is_loopback or address.is_unspecified)
