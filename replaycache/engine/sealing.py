"""How a store's own salt seals what is redacted and counts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ..redaction.redactor import Redactor
from ..redaction.seal import SALT_BYTES, Seal

if TYPE_CHECKING:
    from ..options import Options
    from ..stores import Store

__all__ = ["redactor_of", "seal_of"]

_OF_PROCESS = secrets.token_bytes(SALT_BYTES)


def _of_process() -> bytes:
    """The salt for stores that keep none: what is sealed by it is found again by this process alone."""
    return _OF_PROCESS


def seal_of(store: Store) -> Seal:
    """Seals by the salt of a store; in a cassette, credentials that choose whose data is read do not count."""
    salt = getattr(store, "salt", None)
    return Seal(salt if callable(salt) else _of_process, counts_access=store.repeats == "same")


def redactor_of(options: Options, store: Store) -> Redactor:
    """Takes out what a store does not keep, by these options."""
    match = options.match
    return Redactor(options.redact, seal_of(store), match.key_headers, uncounted=match.ignored)
