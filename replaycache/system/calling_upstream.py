"""Tells what is ours from what others do: whether upstream is being called here, or a shared store is asked."""

from __future__ import annotations

from .inheritance import Inherited


class _Call:
    """A live call. A context manager of its own: every hit comes through here, and a generator takes longer."""

    __slots__ = ("_before", "_variable", "is_under_way")

    def __init__(self, variable: Inherited[_Call]) -> None:
        self._variable = variable
        self._before: _Call | None = None
        self.is_under_way = True

    def __enter__(self) -> None:
        self._before = self._variable.here()
        self._variable.set(self)

    def __exit__(self, *_: object) -> None:
        self.is_under_way = False
        self._variable.set(self._before)


class _CallingUpstream:
    """Where a transport of ours calls upstream: in its own context, and in the threads and tasks that it starts.

    Those may outlive the call; what they connect to afterwards is no part of it.
    """

    def __init__(self, name: str) -> None:
        self._call: Inherited[_Call] = Inherited(name)

    def here(self) -> bool:
        """Whether what connects here is such a call."""
        call = self._call.here()
        return call is not None and call.is_under_way

    def begun(self) -> _Call:
        """For the time of one call: a block."""
        return _Call(self._call)


calling_upstream = _CallingUpstream("replaycache_calling_upstream")
asking_store = _CallingUpstream("replaycache_asking_store")
"""The same of a store that is reached over the network, where not even upstream may be called."""
