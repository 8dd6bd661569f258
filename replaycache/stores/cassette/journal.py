"""Changes to a cassette that are written down before they are in its file.

To write a large file anew for every recording would cost more with each of them. So what is recorded goes into a
journal beside the file, at a cost that does not grow, and into the file from time to time: the first line names
the content of the file from which the others go on, each a change, behind its checksum: a line that was cut short,
or that a disk changed, is none. Who reads the cassette reads the journal with
it; a process that is killed leaves it to the next. Before the file is written anew, a further line names what will
be in it, so that nobody makes a change a second time where the journal could not be removed after that.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson
import xxhash

from ..._errors import CassetteError
from ..._printable import printable
from ...system.private_files import give_permissions
from ...system.regular_file import read_regular
from .entry import Entry
from .text import is_one

_AT_ONCE = 500
"""Pieces that are hashed together: most are short."""


class Change(NamedTuple):
    """One change to the recordings of a file; marks tell where.

    Attributes:
        entry: what comes; None where something only goes.
        replaces: the mark of what goes, and in whose place it comes; where that is gone, it comes as a new one.
        after: the mark of what it comes behind.
        before: the mark of what it comes before, where nothing is known to come behind.
        is_first: whether it comes before all others, where nothing is known of either.
    """

    entry: Entry | None
    replaces: str = ""
    after: str = ""
    before: str = ""
    is_first: bool = False


class Noted(NamedTuple):
    """What a journal holds.

    Attributes:
        changes: in their order.
        bases: how many of them a file has already, by the digest of its content.
    """

    changes: list[Change]
    bases: dict[str, int]


def apply(entries: list[Entry], changes: Iterable[Change]) -> None:
    """Makes changes to a list of recordings."""
    at = len(entries)  # where the last one was made: the next is often beside it

    def find(mark: str) -> int:
        for place in (at, at + 1, at - 1):
            if 0 <= place < len(entries) and entries[place].mark == mark:
                return place
        return next((place for place in reversed(range(len(entries))) if entries[place].mark == mark), -1)

    for entry, replaces, after, before, is_first in changes:
        if replaces and (place := find(replaces)) >= 0:
            entries[place : place + 1] = [] if entry is None else [entry]
        elif entry is None:
            continue
        elif after and (place := find(after)) >= 0:
            place += 1
            entries.insert(place, entry)
        elif before and (place := find(before)) >= 0:
            entries.insert(place, entry)
        else:
            place = 0 if is_first else len(entries)
            entries.insert(place, entry)
        at = place


def digest_of(pieces: Sequence[bytes]) -> str:
    """What the lines of a journal name a file's content by."""
    digest = xxhash.xxh3_128()
    for at in range(0, len(pieces), _AT_ONCE):
        digest.update(b"".join(pieces[at : at + _AT_ONCE]))
    return digest.hexdigest()


def line_of(text: bytes) -> bytes:
    """A line of a journal that holds this."""
    return _checksum(text) + b" " + text + b"\n"


def _checksum(text: bytes) -> bytes:
    return xxhash.xxh3_64_hexdigest(text).encode()


class Journal:
    """A journal's file.

    Whoever may read the cassette may read that beside it, and nobody else; any other is its user's alone. Where it
    cannot be read or written `OSError` is raised, and it is as it was.
    """

    def __init__(self, path: str | os.PathLike[str], cassette: str | os.PathLike[str] | None = None) -> None:
        self.path = os.fspath(path)
        self._cassette = cassette

    @classmethod
    def beside(cls, cassette: str | os.PathLike[str]) -> Journal:
        """That of a cassette; its name is hidden."""
        directory, name = os.path.split(cassette)
        return cls(os.path.join(directory, f".{name}.journal"), cassette)

    @property
    def size(self) -> int:
        """In bytes; 0 where there is none."""
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def append(self, changes: Iterable[Change], base: str) -> None:
        """Writes changes down; they survive the end of the process.

        Args:
            base: of the file's content, as `digest_of` gives it; where the journal is new.
        """
        self._write([_fields(change) for change in changes], base)

    def expect(self, base: str) -> None:
        """Writes down that the file gets this content, in which all the changes are."""
        self._write([{"base": base}], base)

    def note_played(self, mark: str) -> None:
        """Writes down that a recording was played, by its mark; it is no change."""
        self._write([{"played": mark}], "")

    def _write(self, noted: list[dict[str, object]], base: str) -> None:
        lines = b"".join(line_of(orjson.dumps(fields)) for fields in noted)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        file = os.open(self.path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            found = os.fstat(file)
            size = found.st_size
            try:
                if self._cassette is not None and hasattr(os, "fchmod"):
                    self._share_as(os.stat(self._cassette), file, found)
                if not size:
                    lines = line_of(orjson.dumps({"base": base})) + lines
                elif not _ends_with_a_line(file, size):
                    lines = b"\n" + lines  # whoever was killed there had not said that it was kept
                view = memoryview(lines)
                while view:
                    view = view[os.write(file, view) :]
            except BaseException:
                try:
                    os.ftruncate(file, size)
                finally:
                    if not size:
                        with suppress(OSError):  # an empty one is none, and whoever writes next removes it
                            self.remove()
                raise
        finally:
            os.close(file)

    def _share_as(self, cassette: os.stat_result, file: int, found: os.stat_result) -> None:
        """Gives the file to those who may read the cassette, or takes it from those who may not any more."""
        is_new = not found.st_size
        if is_new or stat.S_IMODE(found.st_mode) & ~stat.S_IMODE(cassette.st_mode):
            try:
                give_permissions(file, cassette)
            except PermissionError:  # of the user's who shares the cassette
                if is_new:
                    raise

    def played(self) -> list[str]:
        """The marks of what was played, but for what was then replaced."""
        replaced = {change.replaces for change in self.read().changes}
        marks = [str(fields["played"]) for fields in self._lines() if "played" in fields]
        return [mark for mark in marks if mark not in replaced]

    def read(self) -> Noted:
        """What it holds; nothing where there is no journal.

        Raises:
            OSError: it cannot be read.
            CassetteError: somebody else wrote nonsense, which may not get into the cassette.
        """
        changes: list[Change] = []
        bases: dict[str, int] = {}
        for fields in self._lines():
            if "base" in fields:
                bases[str(fields["base"])] = len(changes)
                continue
            try:
                change = _change(fields)
            except ValueError as error:
                raise CassetteError(
                    f"{printable(self.path)} holds what replaycache did not write there: {error}. It is what was "
                    f"recorded into the cassette beside it, and is not in that yet: remove it, and record again."
                ) from error
            if change is not None:
                changes.append(change)
        return Noted(changes, bases)

    def _lines(self) -> Iterator[dict[str, object]]:
        try:
            data = read_regular(self.path)
        except FileNotFoundError:
            return
        for line in data.split(b"\n"):
            checksum, _, text = line.partition(b" ")
            if checksum == _checksum(text):
                with suppress(ValueError):
                    fields = orjson.loads(text)
                    if isinstance(fields, dict):
                        yield fields

    def remove(self) -> None:
        """Removes it."""
        Path(self.path).unlink(missing_ok=True)


def _ends_with_a_line(file: int, size: int) -> bool:
    os.lseek(file, size - 1, os.SEEK_SET)
    return os.read(file, 1) == b"\n"


def _fields(change: Change) -> dict[str, object]:
    fields: dict[str, object] = {}
    if change.entry is not None:
        fields["text"] = change.entry.text.decode("utf-8")
    for name in ("replaces", "after", "before", "is_first"):
        if getattr(change, name):
            fields[name] = getattr(change, name)
    return fields


def _change(fields: dict[str, object]) -> Change | None:
    """A line's change; None where nothing comes and nothing goes."""
    entry = None
    if "text" in fields:
        text = fields["text"]
        if type(text) is not str or not is_one(text.encode("utf-8")):
            raise ValueError("a text that is no recording")
        entry = Entry(text=text.encode("utf-8"))
    marks = [fields.get(name, "") for name in ("replaces", "after", "before")]
    if not all(type(mark) is str for mark in marks):
        raise ValueError("a mark that is no text")
    replaces, after, before = map(str, marks)
    if entry is None and not replaces:
        return None
    return Change(entry, replaces, after, before, bool(fields.get("is_first")))
