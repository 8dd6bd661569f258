"""Which process calls upstream for a key, among those of all hosts that share a server.

A claim is a key of the server's that goes after `LEASE` seconds, unless its owner renews it: nobody waits longer
for a process that is gone. A thread of this process renews what it has claimed, lets go of it, and looks whether
what others have claimed is free again: an event loop may ask for that, and the collector may let go.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from ..._errors import ReplayCacheError
from ...system.forking import new_lock
from .connection import ANSWERS_WITHIN, Connection
from .scripts import CLAIM, RELEASE, RENEW

LEASE = 10.0
"""Seconds for which a claim is kept that nobody renews."""

RENEWED_EVERY = LEASE / 4
LOOKS_EVERY = 0.05
"""Seconds between two looks whether what others have claimed is free."""

WANTED_FOR = 1.0
"""Seconds for which it is looked after what was last asked for."""


class SharedClaims:
    """The claims of this process on the keys of a server. All methods may be called from any thread."""

    def __init__(self, connection: Connection, name: Callable[[str], bytes]) -> None:
        self._connection = connection
        self._name = name
        self._lock = new_lock()
        self._desk: _Desk | None = None
        self._owner = os.urandom(8).hex()

    def claim(self, key: str) -> bool:
        """Claims a key that nobody in this process has claimed; False where another process has.

        True, too, where the server cannot be asked: then each process goes on its own.
        """
        return self._open_desk().claim(key)

    def release(self, key: str) -> None:
        """Lets go of a key, soon."""
        desk = self._desk
        if desk is not None:
            desk.release(key)

    def is_free(self, key: str) -> bool:
        """Whether nobody has claimed a key, as far as is known. It waits for nobody."""
        desk = self._desk
        return desk is None or desk.is_free(key)

    def close(self) -> None:
        """Lets go of all that is claimed, and waits until that is done."""
        desk = self._desk
        if desk is not None:
            desk.stop()
            desk.join()

    def _open_desk(self) -> _Desk:
        desk = self._desk
        if desk is None or not desk.is_open:
            with self._lock:
                desk = self._desk
                if desk is None or not desk.is_open:
                    desk = self._desk = _Desk(self._connection, self._name, self._owner)
                    weakref.finalize(self, desk.stop).atexit = False
        return desk


class _Desk:
    """Where a thread keeps the claims. It knows nothing of whoever uses it, who may be collected."""

    def __init__(self, connection: Connection, name: Callable[[str], bytes], owner: str) -> None:
        self._connection = connection
        self._name = name
        self._process = os.getpid()
        self._owner = f"{self._process}-{owner}-"
        self._numbers = itertools.count()
        self._held: dict[str, str] = {}
        self._wanted: dict[str, _Wanted] = {}
        self._to_release: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="replaycache-claims", daemon=True)
        self._thread.start()
        _desks.add(self)

    @property
    def is_open(self) -> bool:
        """Whether the thread is there: it is not in a child of a fork."""
        return self._process == os.getpid() and self._thread.is_alive()

    def claim(self, key: str) -> bool:
        token = f"{self._owner}{os.urandom(4).hex()}-{next(self._numbers)}"
        self._held[key] = token  # before it is so: an interrupt must find what is to be let go
        arguments = (self._name(key), token, int(LEASE * 1000), self._owner)
        try:
            has = self._connection.ask("claiming in", lambda client: client.eval(CLAIM, 1, *arguments))
        except ReplayCacheError:
            return True
        if not has:
            self._held.pop(key, None)
            self._wanted.pop(key, None)  # that it was free before is of no use to who waits from now on
        return bool(has)

    def release(self, key: str) -> None:
        token = self._held.pop(key, None)
        if token is not None and self._process == os.getpid():
            self._to_release.put((key, token))

    def is_free(self, key: str) -> bool:
        wanted = self._wanted.get(key)
        if wanted is None:
            wanted = self._wanted.setdefault(key, _Wanted())
            self._to_release.put(("", ""))  # the thread may be sleeping
        wanted.asked_at = time.monotonic()
        return wanted.is_free or not self._thread.is_alive()

    def stop(self) -> None:
        self._to_release.put(None)

    def join(self) -> None:
        if self._process == os.getpid() and self._thread is not threading.current_thread():
            self._thread.join(ANSWERS_WITHIN)

    # -- in the thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        renewed = time.monotonic()
        while True:
            pause = LOOKS_EVERY if self._wanted else RENEWED_EVERY
            try:
                order = self._to_release.get(timeout=pause)
            except Empty:
                order = ("", "")
            if order is None:
                for key, token in list(self._held.items()):
                    self._evaluate(RELEASE, key, token)
                return
            if order[0]:
                self._evaluate(RELEASE, *order)
            if time.monotonic() - renewed >= RENEWED_EVERY:
                for key, token in list(self._held.items()):
                    self._evaluate(RENEW, key, token, int(LEASE * 1000))
                renewed = time.monotonic()
            if not order[0]:
                self._look()

    def _evaluate(self, script: str, key: str, *arguments: object) -> None:
        name = self._name(key)
        try:
            self._connection.ask("claiming in", lambda client: client.eval(script, 1, name, *arguments))
        except ReplayCacheError:
            pass  # the lease ends

    def _look(self) -> None:
        """Finds out which of those that are asked for are free; all of them, where the server cannot be asked."""
        old = time.monotonic() - WANTED_FOR
        for key, wanted in list(self._wanted.items()):
            if wanted.asked_at < old:
                self._wanted.pop(key, None)
        looked_for = list(self._wanted.items())
        if not looked_for:
            return

        def look(client: Any) -> list[int]:
            with client.pipeline(transaction=False) as pipeline:
                for key, _ in looked_for:
                    pipeline.exists(self._name(key))
                return list(pipeline.execute())

        try:
            taken = self._connection.ask("claiming in", look)
        except ReplayCacheError:
            taken = [0] * len(looked_for)
        for (_, wanted), is_taken in zip(looked_for, taken, strict=True):
            wanted.is_free = not is_taken


class _Wanted:
    """A key that others have claimed, and that somebody asks for since then.

    Attributes:
        asked_at: when it was last asked for, by the monotonic clock.
        is_free: whether it was free when it was last looked at.
    """

    __slots__ = ("asked_at", "is_free")

    def __init__(self) -> None:
        self.asked_at = time.monotonic()
        self.is_free = False


_desks: weakref.WeakSet[_Desk] = weakref.WeakSet()


def _at_exit() -> None:
    desks = list(_desks)
    for desk in desks:
        desk.stop()
    for desk in desks:
        desk.join()


atexit.register(_at_exit)
