"""How a store's own salt seals what is redacted and counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import ref

from ..redaction.redactor import Redactor
from ..redaction.seal import SALT_BYTES, Seal

if TYPE_CHECKING:
    from ..options import Options
    from ..stores import Store

_OF_PROCESS = os.urandom(SALT_BYTES)
"""The salt for stores that keep none: what is sealed by it is found again by this process alone."""


class _SaltOf:
    """Gives the salt of a store that it does not keep alive: a cassette's file knows by which rules it is indexed,
    and is forgotten when nobody uses it any more."""

    __slots__ = ("_identity", "_store")

    def __init__(self, store: Store) -> None:
        self._store: Callable[[], Store | None]
        try:
            self._store = ref(store)
        except TypeError:  # a user's, of a class that does not allow it
            self._store = lambda: store
        self._identity = store.identity

    def __call__(self) -> bytes:
        salt = getattr(self._store(), "salt", None)
        return salt() if callable(salt) else _OF_PROCESS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SaltOf) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


def seal_of(store: Store) -> Seal:
    """Seals by the salt of a store; in a cassette, credentials that choose whose data is read do not count."""
    return Seal(_SaltOf(store), counts_access=store.repeats == "same")


def redactor_of(options: Options, store: Store) -> Redactor:
    """Takes out what a store does not keep, by these options."""
    match = options.match
    return Redactor(options.redact, seal_of(store), match.key_headers, uncounted=match.ignored)
