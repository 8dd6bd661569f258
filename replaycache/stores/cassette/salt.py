"""The salt of a cassette, as it stands in the file: with it, what was redacted and counts is sealed.

It stands there from the first recording on in which something is sealed. Until then it follows from the file's
path, so that two processes that make one cassette seal alike.
"""

from __future__ import annotations

import hashlib
import os

from ...redaction.seal import SALT_BYTES, salt_of_text, salt_text
from .nonsense import Nonsense

written = salt_text


def of_path(path: str | os.PathLike[str]) -> bytes:
    """The salt of a cassette at this path that has none yet."""
    name = os.path.realpath(path).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=SALT_BYTES, person=b"replaycache salt").digest()


def read(value: object) -> bytes:
    """Reads what `written` wrote.

    Raises:
        Nonsense: it is something else.
    """
    try:
        return salt_of_text(value if isinstance(value, str) else "")
    except ValueError as error:
        raise Nonsense(str(error), "salt") from error
