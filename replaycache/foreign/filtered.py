"""What another recorder left out of requests: unknown, and not absent.

Recorders have filters that put a text of the user's choice in the place of a header's value, or leave the header
out. Which they were is not in the file; the requests in it show it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .._models import Headers
from ..dialects.registry import ANSWER_HEADERS, DIALECTS, headers_by_api
from ..redaction.headers import is_credential_header
from ..wire import url as _url

COUNTING = frozenset({"content-type", *(header.name for header in ANSWER_HEADERS)})
"""Headers by which requests differ."""

_OF_ANY_API = COUNTING.difference(
    {"content-type"}, (header.name for dialect in DIALECTS for header in dialect.headers)
)

_PLACEHOLDER = re.compile(
    r"""
    [\W_]*                                                          # nothing, or ***
    | x{3,}                                                         # XXXX
    | [*_%$#]* [<{\[(] .* [>}\])] [*_%$#]*                           # <KEY>, [FILTERED], ${KEY}
    | ([*_%$#])\1* [^*_%$#]+ \1+                                     # **REDACTED**, %KEY%, __KEY__
    | (?:[a-z]+[\W_]+)* (?:redacted|filtered|scrubbed|sanitized|censored|masked|hidden|removed|omitted|placeholder
                      |dummy|fake|mock|mocked|obfuscated|anonymi[sz]ed) (?:[\W_]+[a-z]+)*
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A name with a number in it is one of an API's own, whatever words it has: its features are dated."""

_LONGEST = 100
"""Characters of a placeholder."""

_SENT_BY_ALL = frozenset({"accept", "accept-encoding", "connection", "host", "user-agent"})
"""What client libraries add to every request by themselves."""


def without_placeholders(headers: Headers) -> tuple[Headers, frozenset[str]]:
    """The headers that have their value, and the names of those that have a placeholder in its place.

    What stands for a credential is one in any other header, too.
    """
    chosen = {value.rpartition(" ")[2] for name, value in headers if is_credential_header(name)}
    hidden = {
        name
        for name, value in headers
        if not is_credential_header(name)
        and (value in chosen or (len(value) <= _LONGEST and _PLACEHOLDER.fullmatch(value)))
    }
    return tuple(item for item in headers if item[0] not in hidden), frozenset(hidden)


class Sent(NamedTuple):
    """What a file shows of a request that was sent.

    Attributes:
        method: in upper case.
        url: absolute; empty where it is unknown.
        names: of its headers, those included that have a placeholder.
    """

    method: str
    url: str
    names: frozenset[str]


def left_out(requests: Sequence[Sent], *, sees_all: bool) -> list[frozenset[str]]:
    """The headers that each request of a file may have had, of those that change an answer.

    A header that some request of the file has was not left out of the others, and neither were those of the same
    API. Of the rest, all are unknown where nothing is left of what every client sends; where but the `user-agent`
    is gone, those of the API that was called are.

    Args:
        requests: in the file's order.
        sees_all: whether the recorder stands where the client library has added its own headers.
    """
    shown = frozenset[str]().union(*(sent.names for sent in requests))
    found: list[frozenset[str]] = []
    for sent in requests:
        gone: set[str] = set()
        if sees_all and "user-agent" not in sent.names:
            for names in _by_api(sent):
                if shown.isdisjoint(names):
                    gone.update(names)
            if not sent.names & _SENT_BY_ALL:
                gone |= _OF_ANY_API - shown
                gone |= {"content-type"} - sent.names
        found.append(frozenset(gone))
    return found


def _by_api(sent: Sent) -> list[tuple[str, ...]]:
    if not sent.url:
        return [tuple(header.name for header in dialect.headers) for dialect in DIALECTS]
    url = _url.parse(sent.url)
    return headers_by_api(sent.method, url.host, url.path)
