"""Takes credentials and signatures out of URLs."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..dialects.registry import credential_parameters
from ..wire.patterns import lazy_pattern
from ..wire.url import decoded, decoded_name
from .documented import FIELDS
from .seal import Seal, Whose

QUERY_PARAMETERS = FIELDS | {
    "subscription-key",
    "x-api-key",
    "signature",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-date",
    "x-goog-signature",
}
"""Parameters that say by their name that they carry a credential, or sign a URL; others do on the hosts of those
who use them, see `Dialect.credential_parameters`."""

_SIGNED = {
    # https://learn.microsoft.com/rest/api/storageservices/create-service-sas: sig beside what is signed
    "sig": frozenset({"se", "sp", "sr", "sv"}),
}
"""Parameters that sign a URL where one of the others is in it."""


class UrlRedactor(NamedTuple):
    """Takes credentials and signatures out of URLs.

    Args:
        named: parameters whose values the user has replaced, in lower case.
    """

    named: tuple[str, ...]
    seal: Seal

    def is_dropped(self, name: str, names: frozenset[str], host: str, path: str) -> bool:
        """Whether a query parameter authenticates the caller, and does not count.

        Args:
            names: of all parameters, in lower case.
            host: in lower case, without a port.
            path: of the URL.
        """
        lowered = name.lower()
        if lowered in QUERY_PARAMETERS or not names.isdisjoint(_SIGNED.get(lowered, ())):
            return True
        return any(lowered == row.name for row in credential_parameters(host, path))

    def counted_parameter(self, name: str, value: str) -> str:
        """The value of a query parameter that counts, as it does."""
        return self.seal.of(value) if name.lower() in self.named else value

    def redacted(self, url: str, *, whose: Whose = "caller") -> str:
        """A URL without user information, and with the values of its credentials replaced.

        Args:
            url: absolute or relative.
            whose: what the credentials in it are.
        """
        match = _url_parts().fullmatch(url)
        if match is None:
            return url
        authority, query, host = match["authority"], match["query"], ""
        if authority is not None:
            user, at, place = authority.rpartition("@")
            host = place.lower().partition(":")[0]
            sealed = f"{self.seal.stand_in(user, whose)}@" if at and self.seal.counts(whose) else ""
            authority = f"{match['scheme'] or ''}//{sealed}{place}"
        if query is not None:
            names = frozenset(decoded_name(part).lower() for part in query.split("&"))
            parts = [self._parameter(part, names, host, match["path"], whose) for part in query.split("&")]
            query = f"?{'&'.join(parts)}"
        return f"{authority or ''}{match['path']}{query or ''}"

    def _parameter(self, part: str, names: frozenset[str], host: str, path: str, whose: Whose) -> str:
        name, equals, value = part.partition("=")
        plain = decoded(name)
        if not equals:
            return part
        if self.is_dropped(plain, names, host, path):
            return f"{name}={self.seal.stand_in(decoded(value), whose)}"
        if plain.lower() in self.named:
            return f"{name}={self.seal.of(decoded(value))}"
        return part

    def credentials_in(self, url: str) -> Iterator[str]:
        """The values of the parameters of a URL that authenticate the caller."""
        match = _url_parts().fullmatch(url)
        if match is None or not match["query"]:
            return
        host = (match["authority"] or "").rpartition("@")[2].lower().partition(":")[0]
        pairs = [part.partition("=") for part in match["query"].split("&")]
        names = frozenset(decoded(name).lower() for name, _, _ in pairs)
        for name, _, value in pairs:
            if self.is_dropped(decoded(name), names, host, match["path"]):
                yield decoded(value)


_url_parts = lazy_pattern(
    r"(?:(?P<scheme>[^:/?#]+:)?//(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)
