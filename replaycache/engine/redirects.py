"""Calls that upstream sent elsewhere with their method and body as they were: with the next, they are one call."""

import hashlib
from typing import NamedTuple
from urllib.parse import urljoin

from .._models import Request, ResponseHead
from ..match import Identity
from ..redaction.redactor import Redactor
from .asked import Asked
from .stored_form import stored_form

KEPT = 64
"""Redirected calls that are remembered: the client library follows at once, or never."""


class Redirected(NamedTuple):
    """A call that was sent elsewhere.

    Attributes:
        request: in the form in which it is stored.
        identity: under which it is looked up.
    """

    request: Request
    identity: Identity


_Place = tuple[str, str, bytes, int, tuple[tuple[bytes, bytes], ...]]


class Redirects:
    """Remembers which calls were sent where, so that the answer that comes there is theirs too.

    Args:
        redactor: takes out what is not stored.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._sent: dict[_Place, tuple[Redirected, ...]] = {}

    @property
    def is_any(self) -> bool:
        """Whether any are remembered."""
        return bool(self._sent)

    def note(self, asked: Asked, head: ResponseHead) -> None:
        """Upstream answered a call, perhaps by sending it elsewhere.

        Status 307 and 308 do: https://www.rfc-editor.org/rfc/rfc9110#section-15.4.8. With others a call becomes
        another one.
        """
        where = head.header("location")
        if head.status not in (307, 308) or where is None or asked.identity is None or asked.unstorable:
            return
        mine = Redirected(stored_form(asked.request, self._redactor), asked.identity)
        self._sent[_place(asked, urljoin(asked.url, where))] = (*self.of(asked), mine)
        asked.number = None  # it is used up by the answer that comes there
        while len(self._sent) > KEPT:
            self._sent.pop(next(iter(self._sent)), None)

    def of(self, asked: Asked) -> tuple[Redirected, ...]:
        """The calls that were sent to where this one goes; they are forgotten."""
        return self._sent.pop(_place(asked, asked.url), ()) if self._sent else ()


def _place(asked: Asked, url: str) -> _Place:
    """Where a call goes with all that counts of it, so that it is no other's that goes there."""
    body = hashlib.blake2b(asked.body, digest_size=16).digest()
    # the host is another's there
    return asked.method, url, body, asked.sample, tuple(sorted(item for item in asked.found if item[0] != b"host"))
