"""The salt of a cassette, as it stands in the file: with it, what was redacted and counts is sealed.

It stands there from the first recording on in which something is sealed. Until then it follows from the file's
path, so that two processes that make one cassette seal alike.
"""

from __future__ import annotations

import hashlib
import os
import re

from ...redaction.seal import SALT_BYTES
from .nonsense import Nonsense

__all__ = ["of_path", "read", "written"]

_WRITTEN = re.compile(rf"([0-9a-f]{{{2 * SALT_BYTES}}})-([0-9a-f]{{4}})")


def of_path(path: str | os.PathLike[str]) -> bytes:
    """The salt of a cassette at this path that has none yet."""
    name = os.path.realpath(path).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=SALT_BYTES, person=b"replaycache salt").digest()


def written(salt: bytes) -> str:
    """A salt as it stands in the file, with four digits behind it that tell whether somebody edited it."""
    return f"{salt.hex()}-{_check(salt)}"


def read(value: object) -> bytes:
    """Reads what `written` wrote.

    Raises:
        Nonsense: it is something else.
    """
    match = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Nonsense("is no salt", "salt")
    salt = bytes.fromhex(match[1])
    if _check(salt) != match[2]:
        raise Nonsense("was edited: nothing that was redacted with it would be found again", "salt")
    return salt


def _check(salt: bytes) -> str:
    return hashlib.blake2b(salt, digest_size=2).hexdigest()
