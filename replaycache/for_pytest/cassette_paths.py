"""Where the cassette of a test lies: `<directory of the test>/cassettes/<module>/<Class.test[params]>.json`.

Pure: nothing here looks at the file system, so that a test has the same path on every machine.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from .._errors import ConfigurationError

DIRECTORY = "cassettes"
"""The directory beside the tests."""

LONGEST = 150
"""Characters of a file name without its ending: 255 bytes are allowed, also while it is being replaced."""

_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)", re.IGNORECASE)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def module_directory(test_file: Path) -> Path:
    """The directory of the cassettes of a test module."""
    return test_file.parent / DIRECTORY / test_file.stem


def file_name(parts: Iterable[str]) -> str:
    """The file name for a test, given its classes and itself.

    What a file system of Linux, macOS or Windows refuses is replaced, and a hash of the whole name added; so it is
    with names that they spell differently, keep for themselves, or find too long.
    """
    wanted = ".".join(parts)
    name = _REFUSED.sub("_", wanted)
    name = "".join(char if char.isascii() else "_" for char in name)
    name = name[:LONGEST].rstrip(". ")
    if _RESERVED.match(name) or name[:1] in ("", ".", "~", "-"):
        name = f"_{name}"
    return f"{name}.json" if name == wanted else f"{name}-{_digest(wanted)}.json"


class Siblings:
    """The classes and tests of one module or class, called so that they differ also where case does not count.

    The first of several keeps its name, the others get a hash: a test that is added moves nobody's cassette.
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Takes the next one, in the order of the file."""
        self._first.setdefault(name.casefold(), name)

    def called(self, name: str) -> str:
        """What to call one of them."""
        return name if self._first.get(name.casefold(), name) == name else f"{name}-{_digest(name)}"


def named(name: object, directory: Path, tree: Path) -> Path:
    """The path of a cassette that a mark names.

    Args:
        name: as the mark has it: relative to `directory`.
        directory: of the module's cassettes.
        tree: nothing outside of it is read or written.

    Raises:
        ConfigurationError: it is no path of a cassette, or leads out of the tree.
    """
    if not isinstance(name, (str, os.PathLike)) or isinstance(name, bytes):
        raise ConfigurationError(f"a cassette's name is text, such as 'weather.json', and not {name!r}")
    text = os.fspath(name)
    if not isinstance(text, str) or not text.lower().endswith(".json") or "\0" in text:
        raise ConfigurationError(f"a cassette's name ends in .json, unlike {text!r}")
    # a backslash separates on Windows only, and the path is to be the same everywhere
    path = Path(os.path.normpath(directory / text.replace("\\", "/")))
    if not path.is_relative_to(tree):
        raise ConfigurationError(
            f"the cassette {text!r} would lie at {path}, outside of {tree}; name a path inside, relative to "
            f"{directory}"
        )
    bad = next((part for part in path.relative_to(tree).parts if _refused(part)), None)
    if bad is not None:
        raise ConfigurationError(
            f"the cassette {text!r} cannot be checked out everywhere: some file systems refuse {bad!r}; choose "
            f"another name"
        )
    return path


def _refused(part: str) -> bool:
    return bool(_REFUSED.search(part) or _RESERVED.match(part) or part[-1:] in (".", " "))
