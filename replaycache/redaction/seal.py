"""What stands in a store for a value that is written nowhere and counts all the same: a salted hash of it."""

import hashlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from ..wire.canonical_json import dumps
from ..wire.patterns import lazy_pattern

PLACEHOLDER = "REDACTED"
"""Stands for a value that does not count."""

SALT_BYTES = 16
"""Length of a salt."""

_sealed = lazy_pattern(rf"{PLACEHOLDER}-[0-9a-f]{{16}}")
_sealed_in = lazy_pattern(rb"%s-[0-9a-f]{16}(?![0-9a-f])" % PLACEHOLDER.encode())


def holds_sealed(text: bytes) -> bool:
    """Whether something that is sealed stands in a text."""
    return _sealed_in().search(text) is not None


_salt = lazy_pattern(rf"([0-9a-f]{{{2 * SALT_BYTES}}})-([0-9a-f]{{4}})\n?")


def salt_text(salt: bytes) -> str:
    """A salt as it is written, with four digits behind it that tell whether somebody edited it."""
    return f"{salt.hex()}-{hashlib.blake2b(salt, digest_size=2).hexdigest()}"


def salt_of_text(text: str) -> bytes:
    """Reads what `salt_text` wrote.

    Raises:
        ValueError: it is something else, and the message says what is wrong.
    """
    match = _salt().fullmatch(text)
    if match is None:
        raise ValueError("is no salt")
    salt = bytes.fromhex(match[1])
    if salt_text(salt) != text.rstrip("\n"):
        raise ValueError("was edited: nothing that was redacted with it would be found again")
    return salt


def unsalted() -> bytes:
    """The salt where there is no store."""
    return bytes(SALT_BYTES)


Whose = Literal["caller", "data", "user"]
"""What a value is: a credential of the caller, one that chooses whose data is read, what the user named."""


class Seal(NamedTuple):
    """Seals values: the same value in the same store is sealed to the same text, and tells nothing more.

    Who has the salt may guess a value that is short; see docs/privacy.md.

    Attributes:
        salt: gives the store's, `SALT_BYTES` long, when the first value is sealed.
        counts_access: whether credentials that choose whose data is read count, as they do in a cache: in a
            cassette they do not, so that it replays without them.
    """

    salt: Callable[[], bytes] = unsalted
    counts_access: bool = True

    def of(self, value: Any) -> str:
        """What stands for a value; for what stands for one already, the same.

        Args:
            value: bytes, or what `canonical_json.dumps` takes.

        Raises:
            NotCanonical: it has no canonical form.
        """
        if isinstance(value, (str, bytes)):
            written = value if isinstance(value, str) else value.decode("latin-1")
            if self.is_one(written):
                return written
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        elif not isinstance(value, bytes):
            value = b"\0" + dumps(value)  # no text begins like that and goes on as JSON
        return f"{PLACEHOLDER}-{hashlib.blake2b(value, digest_size=8, key=self.salt()).hexdigest()}"

    def counts(self, whose: Whose) -> bool:
        """Whether such a value counts."""
        return whose == "user" or (whose == "data" and self.counts_access)

    def stand_in(self, value: Any, whose: Whose) -> str:
        """What stands for a value that is taken out: its seal where it counts.

        Raises:
            NotCanonical: it counts, and has no canonical form.
        """
        return self.of(value) if self.counts(whose) else PLACEHOLDER

    @staticmethod
    def is_one(value: str) -> bool:
        """Whether a text stands for a value already."""
        return value.startswith(PLACEHOLDER) and (value == PLACEHOLDER or _sealed().fullmatch(value) is not None)
