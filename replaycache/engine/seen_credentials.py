"""The credentials that a session on a cassette has seen, which it writes nowhere else either.

What knows the forms of credentials takes time to import, and is not wanted by a session that only replays a
cassette in which nothing was replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from .._models import Recording, Request, ResponseHead
from ..redaction.headers import is_credential_header
from ..redaction.redactor import Redactor
from ..system.forking import postponed

if TYPE_CHECKING:
    from ..redaction.credentials import Known

_REMEMBERED = 1024


@lru_cache(maxsize=512)
def _carries(name: bytes) -> bool:
    return is_credential_header(name.decode("latin-1").lower())


class SeenCredentials:
    """What was seen; every method may be called from any thread.

    Args:
        redactor: knows where credentials stand.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known: Known | None = None
        self._callers: set[tuple[tuple[bytes, bytes], ...]] = set()

    @property
    def version(self) -> int:
        """Grows when something is learned."""
        return 0 if self._known is None else self._known.version

    def is_new_caller(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether headers carry credentials that were not looked at yet."""
        carried = tuple([item for item in headers if _carries(item[0])])
        if not carried or carried in self._callers:
            return False
        if len(self._callers) >= _REMEMBERED:
            self._callers.clear()
        self._callers.add(carried)
        return True

    def learn_from_request(self, request: Request) -> None:
        """Learns what a request carries, as it is sent."""
        self._learning().learn_from_request(request)

    def learn_from_answer(self, head: ResponseHead, body: bytes) -> None:
        """Learns what an answer gives out, as it came, its content-encoding undone."""
        self._learning().learn_from_answer(head, body)

    def _learning(self) -> Known:
        if self._known is None:
            with postponed():
                from ..redaction.credentials import Known

            self._known = Known(self._redactor)
        return self._known

    def in_request(self, request: Request) -> Request:
        """A request in its stored form, with placeholders for what was seen; itself where there is nothing."""
        return self._known.replace_in_request(request) if self._known else request

    def in_recording(self, recording: Recording) -> Recording:
        """A recording in its stored form, with placeholders for what was seen; itself where there is nothing."""
        return self._known.replace_in(recording) if self._known else recording
