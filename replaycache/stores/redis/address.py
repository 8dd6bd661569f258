"""Where a shared store is, by its URL."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from ..._errors import ConfigurationError
from ..._printable import printable

SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "valkey": "redis",
    "valkeys": "rediss",
    "unix": "unix",
}
"""How addresses begin, and what each is to the client library. An `s` behind the name is TLS."""

NAMESPACE = "replaycache"
"""What the names of all keys begin with, unless another is given."""

_PORT = 6379
_OWN = ("namespace", "max_age")
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Address(NamedTuple):
    """A URL, taken apart.

    Attributes:
        url: for the client library, with the credentials in it.
        place: for people, and equal for two URLs that lead to the same database; no credentials are in it.
        namespace: empty where it names none.
        max_age: seconds; None where it names none.
    """

    url: str
    place: str
    namespace: str
    max_age: float | None


def is_address(text: object) -> bool:
    """Whether text is the URL of a shared store."""
    return isinstance(text, str) and text.partition("://")[0].lower() in SCHEMES and "://" in text


def parse_address(url: str) -> Address:
    """Takes a URL apart: `redis://`, `rediss://`, `valkey://`, `valkeys://` with a host, or `unix://` with a path.

    Behind a `?` may stand `namespace`, `max_age` and what the client library takes there.

    Raises:
        ConfigurationError: it is none of these. The message has no credentials in it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        items = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        if parts.fragment or "@" in parts.query or ("@" in parts.path and parts.netloc):
            raise ValueError("what stands before it is no password")
    except ValueError:
        # neither the URL nor what is said of it: a password with a `/` or a `#` in it is taken for a port
        raise ConfigurationError(
            "the address of the shared store is no URL. It is redis://USER:PASSWORD@HOST:PORT/DATABASE, and "
            "characters such as / # ? @ in the password are written as %2F %23 %3F %40"
        ) from None
    scheme = SCHEMES.get(parts.scheme.lower())
    if scheme is None:
        raise ConfigurationError(f"{parts.scheme}:// is no shared store; they are {', '.join(SCHEMES)}")
    for name, _ in items:
        _check_spelling(name)
    own = {name: value for name, value in items if name in _OWN}
    rest = [(name, value) for name, value in items if name not in _OWN]
    query = urlencode(rest)
    if scheme == "unix":
        if not parts.path:
            raise ConfigurationError("unix:// names a socket by its path: unix:///run/redis.sock")
        place = f"unix://{unquote(parts.path)}"
        database = dict(rest).get("db", "")
    else:
        if not parts.hostname:
            raise ConfigurationError(f"{parts.scheme}:// names no host: {parts.scheme}://HOST:PORT/DATABASE")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        place = f"{scheme}://{host}:{port or _PORT}"
        database = dict(rest).get("db", "") or parts.path.strip("/")
    if not re.fullmatch(r"\d{0,5}", database):
        raise ConfigurationError(f"the database of a shared store is a number, and not {database!r}")
    if database.strip("0"):
        place += f"{'?db=' if scheme == 'unix' else '/'}{int(database)}"
    namespace = own.get("namespace", "")
    if "namespace" in own:
        check_namespace(namespace)
    max_age = None
    if "max_age" in own:
        try:
            max_age = check_max_age(float(own["max_age"]))
        except ValueError:
            max_age = check_max_age(own["max_age"])
    return Address(
        f"{scheme}://{parts.netloc}{parts.path}{'?' * bool(query)}{query}",
        printable(place),
        namespace,
        max_age,
    )


def _check_spelling(name: str) -> None:
    """Raises where an option is nearly one of ours: the client library would be given it, and knows it not."""
    if name in _OWN:
        return
    import difflib  # nobody waits for it whose address has no options

    close = difflib.get_close_matches(name.lower().replace("-", "_"), _OWN, n=1, cutoff=0.7)
    if close:
        raise ConfigurationError(
            f"the address of the shared store has no {printable(name)!r}; did you mean {close[0]!r}?"
        )


def check_namespace(namespace: object) -> None:
    """Looks at what the names of keys are to begin with.

    Raises:
        ConfigurationError: names may not begin so.
    """
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        raise ConfigurationError(
            f"namespace={namespace!r} is wrong; it takes up to 64 letters, digits, dots, dashes and underscores"
        )


def check_max_age(max_age: object) -> float:
    """Looks at how long recordings are to be kept; gives seconds.

    Raises:
        ConfigurationError: it is no such time.
    """
    if isinstance(max_age, bool) or not isinstance(max_age, (int, float)) or not 0.001 <= max_age < 1e9:
        raise ConfigurationError(f"max_age={max_age!r} is wrong; it takes seconds above 0")
    return float(max_age)
