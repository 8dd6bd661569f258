"""Which headers are stored: by allow-list, so that of a header nobody named nothing is written."""

from __future__ import annotations

from collections.abc import Iterable

from .._models import Headers
from ..dialects.registry import ANSWER_HEADERS, DIALECTS
from ..wire.patterns import lazy_pattern

REQUEST_HEADERS = frozenset({"accept", "content-type", *(header.name for header in ANSWER_HEADERS)})

_RESPONSE_HEADERS = frozenset(
    {
        # what it got
        "content-type",
        "content-disposition",
        "content-language",
        "content-range",
        "accept-ranges",
        "date",
        "etag",
        "last-modified",
        "expires",
        "cache-control",
        "vary",
        "warning",
        "x-request-id",
        # what to do next
        "link",
        "location",
        "operation-location",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "www-authenticate",
        *(name for dialect in DIALECTS for name in dialect.response_headers if not name.endswith("*")),
    }
)
_RESPONSE_HEADER_PREFIXES = tuple(
    name[:-1] for dialect in DIALECTS for name in dialect.response_headers if name.endswith("*")
)

URL_HEADERS = frozenset({"location", "operation-location", "content-location"})
"""Headers that are a URL as a whole, which may be relative."""

_OF_THE_WIRE = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
    }
)
"""Headers of one connection, which say nothing of what was asked or answered: nobody misses them."""

_credential_header = lazy_pattern(
    r"authorization|cookie|secret|password|credential|jwt|(^|-)auth$|(^|-)(auth-)?token$"
    r"|(api|app|application|access|auth|consumer|functions|subscription|virtual)-?key"
    r"|(^|-)organi[sz]ation(-id)?$|^openai-project$"
)
_perhaps = lazy_pattern(r"(^|-)(auth|key|keys|session|sid|csrf|xsrf|signature)(-|$)")

_ANSWER_HEADERS = frozenset(header.name for header in ANSWER_HEADERS)


def is_credential_header(name: str) -> bool:
    """Whether a header is one of those that are never stored as they are, whoever asks for it."""
    return _credential_header().search(name) is not None


def is_sealed_header(name: str) -> bool:
    """Whether a header that the user has count does so by a hash: it carries a credential, or may by its name."""
    if is_credential_header(name):
        return True
    return name not in _ANSWER_HEADERS and _perhaps().search(name) is not None


def is_kept_of_response(name: str) -> bool:
    """Whether a header of a response is on the list."""
    return name in _RESPONSE_HEADERS or name.startswith(_RESPONSE_HEADER_PREFIXES)


def left_out(before: Iterable[tuple[str, str]], after: Headers, known: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of the headers that are not stored, in alphabetical order.

    Args:
        known: those that were left out already.
    """
    kept = {name for name, _ in after} | _OF_THE_WIRE
    return tuple(sorted({*known, *(name for name, _ in before)} - kept))
