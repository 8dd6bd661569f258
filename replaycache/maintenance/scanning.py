"""Looking for credentials in files: cassettes, caches, files of other recorders, and any other text.

What was found is told by its place: the file, the line, in a file of recordings which of them, and the path into
it. The value is never told.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import warnings
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from .. import foreign
from .._errors import CassetteError, ReplayCacheWarning, StoreError
from .._models import Recording
from ..foreign.documents import FILE_LIMIT
from ..redaction.credentials import find, find_in_recording, replace
from ..redaction.credentials.texts import hits_in, reader_of_body
from ..stores import DiskStore
from ..stores.cassette.text import load
from ..wire.content_encoding import most_decoded

AT_ONCE = 32 << 20
"""A text of up to this many bytes is looked at whole; of a larger one, so many bytes at a time."""
OVERLAP = 64 << 10
"""Bytes that are looked at twice where a line is longer than that."""

_SKIPPED = frozenset({".git", ".hg", ".svn", "__pycache__", "node_modules"})
_MARKS = ("pyvenv.cfg", "CACHEDIR.TAG")
"""Files in directories whose contents are nobody's own."""
_OURS = re.compile(r'\s*\{\s*"format"\s*:\s*"replaycache/')
_OTHERS = re.compile(
    r'^(?:http_|grpc_|ws_)?interactions\s*[:=]|^\[\[interactions\]\]|^requests:|"(?:http_|grpc_|ws_)?interactions"\s*:'
    r'|\A\s*\{\s*"log"\s*:',
    re.MULTILINE,
)


class Found(NamedTuple):
    """What looks like a credential, and where it is.

    Attributes:
        path: of the file, or the directory of a cache.
        name: the kind of credential.
        line: of the file, from 1 on; 0 where there are no lines.
        recording: its number in the file, from 1 on, or its key in a cache; empty elsewhere.
        where: the path into the recording, or into a JSON file; empty where there is none.
    """

    path: str
    name: str
    line: int = 0
    recording: str = ""
    where: str = ""


# -- which files -------------------------------------------------------------------------------------------


def files_in(
    paths: Iterable[Path], exclude: Iterable[str] = (), is_cache: Callable[[Path], bool] = lambda path: False
) -> Iterator[Path]:
    """The files that are meant, and the directories of caches: directories are gone through.

    Left out are version control's own directories, installed packages, directories with a CACHEDIR.TAG
    (https://bford.info/cachedir/), links inside directories, and what `exclude` names.

    Args:
        paths: that exist.
        exclude: patterns, as in `*.lock`, for names and for paths.
        is_cache: whether a directory is a disk cache of replaycache.
    """
    patterns = tuple(exclude)

    def left_out(path: str, name: str) -> bool:
        return any(fnmatchcase(name, pattern) or fnmatchcase(path, pattern) for pattern in patterns)

    for given in paths:
        if not given.is_dir():
            if not left_out(str(given), given.name):
                yield given
            continue
        for directory, inside, names in os.walk(given):
            if is_cache(Path(directory)):
                inside.clear()
                yield Path(directory)
                continue
            inside[:] = sorted(
                name
                for name in inside
                if name not in _SKIPPED
                and not any(os.path.exists(os.path.join(directory, name, mark)) for mark in _MARKS)
                and not left_out(os.path.join(directory, name), name)
            )
            for name in sorted(names):
                path = os.path.join(directory, name)
                if not os.path.islink(path) and os.path.isfile(path) and not left_out(path, name):
                    yield Path(path)


# -- what is in them ---------------------------------------------------------------------------------------


def scan_cache(cache: DiskStore, unread: Callable[[str], None]) -> Iterator[Found]:
    """What looks like a credential in the recordings of a cache.

    Args:
        unread: told why a recording cannot be read.

    Raises:
        StoreError: the cache cannot be read.
    """
    for key in cache.keys():  # noqa: SIM118  # a store is no dict
        try:
            recording = cache.get(key)
            places = [] if recording is None else find_in_recording(recording)
        except StoreError as error:
            unread(str(error))
            continue
        for place in places:
            yield Found(cache.location, place.name, 0, key, place.where)


def scan_file(path: Path, unread: Callable[[str], None]) -> Iterator[Found]:
    """What looks like a credential in a file; nothing where it is no text.

    Args:
        unread: told why what looks like a file of recordings cannot be read as one; its text is looked at.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(8192)
        packed = start[:2] == b"\x1f\x8b"
        if not packed and not _is_text(start):
            return
        file.seek(0)
        if packed:
            data = _unpacked(file)
            if not _is_text(data[:8192]):
                return
        elif os.fstat(file.fileno()).st_size > AT_ONCE:
            yield from _in_pieces(str(path), file)
            return
        else:
            data = file.read()
    text = _decoded(data)
    found = list(_in_text(str(path), text))
    yield from found
    yield from _in_recordings(path, text, found, unread)


def _is_text(start: bytes) -> bool:
    return b"\0" not in start or start[:2] in (b"\xff\xfe", b"\xfe\xff")


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "surrogateescape")


def _unpacked(file: io.BufferedReader) -> bytes:
    try:
        with gzip.open(file) as packed:
            return packed.read(min(FILE_LIMIT, most_decoded(os.fstat(file.fileno()).st_size)))
    except (OSError, EOFError, zlib.error):
        return b"\0"


def _in_pieces(path: str, file: io.BufferedReader) -> Iterator[Found]:
    """Looks at a large file a piece at a time; a piece ends with a line, or what follows overlaps it."""
    line = 1
    held = b""
    told: set[tuple[int, str]] = set()
    while True:
        more = file.read(AT_ONCE // 4)
        data = held + more
        end = data.rfind(b"\n") + 1 if more else len(data)
        piece, held = data[: end or len(data)], data[end or max(0, len(data) - OVERLAP) :]
        for found in _plain(path, _decoded(piece)):
            placed = found._replace(line=found.line + line - 1)
            if (placed.line, placed.name) not in told:
                told.add((placed.line, placed.name))
                yield placed
        line += piece.count(b"\n")
        if not more:
            return


def _plain(path: str, text: str) -> Iterator[Found]:
    findings = find(text)
    if findings:
        lines = _Lines(text)
        for found in findings:
            yield Found(path, found.name, lines.of(found.start))


class _Lines:
    """Which line a character stands in."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def of(self, at: int) -> int:
        return bisect_right(self._ends, at - 1) + 1


_in_json = reader_of_body("application/json", answer=False)


def _in_text(path: str, text: str) -> Iterator[Found]:
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        yield from _plain(path, text)
        return
    lines: _Lines | None = None
    for hit in hits_in(_in_json(text)):
        lines = lines or _Lines(text)
        piece = hit.spans[0][0]
        recording, where = _of_path(piece.path)
        yield Found(path, hit.name, lines.of(piece.start), recording, where)


_LISTS = (("recordings",), ("interactions",), ("http_interactions",), ("log", "entries"))


def _of_path(path: tuple[str | int, ...]) -> tuple[str, str]:
    """The number of the recording that a path into a file leads to, if any, and the path from there on."""
    for names in _LISTS:
        count = len(names)
        number = path[count] if path[:count] == names and len(path) > count else None
        if isinstance(number, int):
            return str(number + 1), _text_of_path(path[count + 1 :])
    return "", _text_of_path(path)


def _text_of_path(path: tuple[str | int, ...]) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            # a name may itself be what was found
            text += "." + (step if re.fullmatch(r"[A-Za-z_][\w.-]{0,39}", step) and not find(step) else "*")
    return text.removeprefix(".")


# -- what is only seen in recordings -----------------------------------------------------------------------


def _in_recordings(path: Path, text: str, found: list[Found], unread: Callable[[str], None]) -> Iterator[Found]:
    """What the text of a file of recordings does not show: a compressed body, a secret cut over several events."""
    try:
        ours = _OURS.match(text) is not None
        if ours:
            recordings = load(text.encode("utf-8", "surrogateescape"), str(path))
        elif _OTHERS.search(text):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ReplayCacheWarning)
                recordings = foreign.read(path, to_play=True)
        else:
            return
        starts = _starts(text) if ours else []
        known = {(item.recording, item.name) for item in found}
        shown = {text[item.start : item.end] for item in find(text)}
        for number, recording in enumerate(recordings, 1):
            places = find_in_recording(recording)
            if not places or _is_told(recording, shown):
                continue
            for place in places:
                if (str(number), place.name) not in known:
                    line = starts[number - 1] if number <= len(starts) else 0
                    yield Found(str(path), place.name, line, str(number), place.where)
    except (CassetteError, StoreError) as error:
        unread(str(error))


def _starts(text: str) -> list[int]:
    """The lines in which the recordings of a cassette begin, as replaycache lays them out."""
    lines = _Lines(text)
    return [lines.of(match.start()) for match in re.finditer(r"^    \{$", text, re.MULTILINE)]


def _is_told(recording: Recording, shown: set[str]) -> bool:
    """Whether all that is found in a recording was found in the file's text."""
    values: set[str] = set()

    def note(name: str, value: str) -> str:
        values.add(value)
        return value

    replace(recording, note)
    return values <= shown
