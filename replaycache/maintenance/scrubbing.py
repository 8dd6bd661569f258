"""Replacing credentials in what was recorded already: in a cache, a cassette, or another recorder's file."""

from __future__ import annotations

import dataclasses
import gzip
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .. import foreign
from .._errors import CassetteError, ReplayCacheWarning, StoreError
from .._models import Recording
from ..dialects.usage import usage_of
from ..engine.sealing import seal_of
from ..match import INCOMPARABLE, Match
from ..redaction.credentials import find, find_in_recording, placeholder, replace
from ..redaction.headers import is_credential_header
from ..redaction.redact import Redact
from ..redaction.redactor import Redactor
from ..redaction.seal import Seal
from ..stores import CassetteStore, DiskStore, Store
from ..system.atomic_file import replaced
from .moving import redacted


@dataclass
class Scrubbed:
    """What was found.

    Attributes:
        seen: recordings that were looked at.
        changed: names of the recordings that were changed, and what stood in them where (never the value).
        asked: how many of those were changed in what is asked, so that they have another key.
        left: names of recordings in which something could not be replaced, and what.
        damaged: names of those that cannot be read, and why.
    """

    seen: int = 0
    changed: list[tuple[str, str]] = field(default_factory=list)
    asked: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)


def _scrubbed(name: str, recording: Recording, redactor: Redactor, told: Scrubbed) -> Recording:
    """A recording without credentials; the very one where there are none."""
    told.seen += 1
    # what counted for its key, by the rules of whoever recorded it, tells it from others
    counting = sorted(
        name for name, value in recording.request.headers if Seal.is_one(value) or not is_credential_header(name)
    )
    new = redacted(recording, dataclasses.replace(redactor, counting=tuple(counting)))
    places = find_in_recording(new)
    if places:
        new = replace(new)
    if new == recording:
        return recording
    kept = dict(new.head.headers).keys() | dict(new.request.headers).keys()
    names = dict(recording.head.headers).keys() | dict(recording.request.headers).keys()
    what = [*map(str, places), *(f"the header {header}" for header in sorted(names - kept))]
    told.changed.append((name, ", ".join(dict.fromkeys(what)) or "a field that carries a credential"))
    told.asked += new.request != recording.request
    remaining = find_in_recording(new)
    if remaining:
        told.left.append((name, ", ".join(dict.fromkeys(map(str, remaining)))))
    return new


def scrub_cache(cache: Store, redact: Redact, told: Scrubbed, advance: Callable[[int], None], dry: bool) -> None:
    """Replaces credentials in the recordings of a cache, one after the other.

    A recording whose request is changed moves to its new key, if it was recorded under the built-in rules. Broken
    off, it may be done again.

    Raises:
        StoreError: the cache cannot be read or written.
    """
    match = Match()
    redactor = Redactor(redact, seal_of(cache))
    gone: list[str] = []
    try:
        for key in list(cache.keys()):
            advance(1)
            try:
                recording = cache.get(key)
                if recording is None:
                    continue
                new = _scrubbed(key, recording, redactor, told)
            except StoreError as error:
                told.damaged.append((key, str(error)))
                continue
            if dry or new is recording:
                continue
            new.usage = recording.usage and usage_of(new)
            if new.request == recording.request:
                cache.put(key, new)
                continue
            if recording.rules:
                # under rules that nobody knows of here: it keeps its key, and is looked at itself
                new.rules = INCOMPARABLE
                cache.put(key, new)
                continue
            identity = match.identity(new.request, sample=new.sample, redactor=redactor)
            new.digest, new.rules = identity.digest, ""
            cache.put(identity.key, new)
            if identity.key != key:
                cache.delete(key)
                gone.append(key)
    finally:
        if isinstance(cache, DiskStore) and not dry:
            cache.ledger.forget(gone)
            # until then the database still has what was replaced, also by a run that was broken off, in pages that
            # it no longer uses
            cache.compact()


def scrub_cassette(
    cassette: CassetteStore, redact: Redact, told: Scrubbed, advance: Callable[[int], None], dry: bool
) -> None:
    """Replaces credentials in the recordings of a cassette; the file is written once, at the end.

    Raises:
        CassetteError: the file cannot be read or written; it is as it was.
    """
    redactor = Redactor(redact, seal_of(cassette))

    def change(number: int, recording: Recording) -> Recording:
        advance(1)
        return _scrubbed(f"recording {number}", recording, redactor, told)

    if dry:
        for number, recording in enumerate(cassette.all(), 1):
            change(number, recording)
    else:
        cassette.rewrite(change, anew=lambda data: bool(find(data.decode("utf-8", "replace"))))


def scrub_file(path: Path, told: Scrubbed, dry: bool) -> None:
    """Replaces credentials in the text of another recorder's file, and leaves the rest of it as it is.

    Raises:
        CassetteError: it is no such file, damaged, or would not be one afterwards; it is as it was.
        OSError: it cannot be read or written.
    """
    before = _read(path)
    data = path.read_bytes()
    packed = data[:2] == b"\x1f\x8b"
    text = (gzip.decompress(data) if packed else data).decode("utf-8", "surrogateescape")
    told.seen += len(before)
    # as it is written, and what it says: the same placeholder stands for it in recordings
    values = {text[found.start : found.end]: (found.name, found.value) for found in find(text)}
    for recording in before:
        # what is only seen with escapes undone, or behind the name of a member
        replace(recording, lambda name, value: values.setdefault(value, (name, value)) and value)
    pattern = re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True))) or r"(?!)")
    new, count = pattern.subn(lambda found: placeholder(*values[found[0]]), text)
    if count:
        told.changed.append((path.name, ", ".join(sorted({name for name, _ in values.values()}))))
    if dry:
        return
    data = new.encode("utf-8", "surrogateescape")
    if count:
        _write_checked(path, gzip.compress(data) if packed else data, len(before))
    for number, recording in enumerate(_read(path), 1):
        places = find_in_recording(recording)
        if places:
            told.left.append((f"recording {number}", ", ".join(dict.fromkeys(map(str, places)))))


def _read(path: Path) -> list[Recording]:
    with warnings.catch_warnings():
        # what cannot be replayed in the file was told when it was opened
        warnings.simplefilter("ignore", ReplayCacheWarning)
        return foreign.read(path)


def _write_checked(path: Path, data: bytes, count: int) -> None:
    """Puts `data` in place of a file if it still reads as `count` recordings."""
    with replaced(path, named=True) as file:
        file.write(data)
        file.flush()
        try:
            read = len(_read(Path(file.name)))
        except CassetteError as error:
            raise CassetteError(f"{path} would no longer be a cassette, and is left as it was: {error}") from error
        if read != count:
            raise CassetteError(f"{path} would have {read} recordings instead of {count}, and is left as it was")
