"""Tells a live call of ours from what others do: whether upstream is being called here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .inheritance import Inherited

__all__ = ["calling_upstream"]


class _Call:
    """A live call."""

    is_under_way = True


class _CallingUpstream:
    """Where a transport of ours calls upstream: in its own context, and in the threads and tasks that it starts.

    Those may outlive the call; what they connect to afterwards is no part of it.
    """

    def __init__(self) -> None:
        self._call: Inherited[_Call] = Inherited("replaycache_calling_upstream")

    def here(self) -> bool:
        """Whether what connects here is such a call."""
        call = self._call.here()
        return call is not None and call.is_under_way

    @contextmanager
    def begun(self) -> Iterator[None]:
        """For the time of one call."""
        before, call = self._call.here(), _Call()
        self._call.set(call)
        try:
            yield
        finally:
            call.is_under_way = False
            self._call.set(before)


calling_upstream = _CallingUpstream()
