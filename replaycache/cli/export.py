"""`replaycache export`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from ..maintenance.moving import Moved, Taken, move, taken, writable
from ..maintenance.selection import Selection
from ..redaction.redact import Redact
from ..redaction.seal import Seal
from ..stores import CassetteStore, Store, is_shared
from ..system.atomic_file import replaced
from .choosing import selection_options
from .errors import CommandFailed, NothingMatches, Status
from .fitting import counted
from .moved import redact_options, tell
from .opening import (
    check_is_no_device,
    complete_key,
    complete_store,
    existing_store,
    find_entry,
    new_store,
    store_option,
)
from .output import json_option

_OF_VCR = (".yaml", ".yml")


@click.command("export")
@click.argument("target", shell_complete=complete_store)
@click.argument("keys", metavar="[KEY]...", nargs=-1, shell_complete=complete_key)
@store_option
@selection_options
@click.option("--force", is_flag=True, help="Write a file anew that exists.")
@redact_options
@json_option
def command(
    target: str,
    keys: tuple[str, ...],
    store: str | None,
    which: Selection,
    force: bool,
    redact: Redact,
    as_json: bool,
) -> Status:
    """Copy recordings into a cassette or another store.

    All of --store or of the default store, or only those that are named.
    TARGET is a cassette (FILE.json, to which what it has not yet is added), a
    cassette of VCR.py (FILE.yaml), the directory of another cache, or a shared
    store (redis://HOST).

    What looks like a credential is not written to a file, and named; then the
    exit status is 1. --secrets=replace writes it with placeholders.
    """
    path = Path(target).expanduser()
    into = None if path.suffix.lower() in _OF_VCR else new_store(target, "TARGET")
    if into is None and os.path.lexists(path) and not force:
        raise CommandFailed(f"{path} exists. Name another file, or add --force to write it anew.")
    source = existing_store(store)
    if into is not None and into.identity == source.identity:
        raise click.UsageError(f"{into.location} is where the recordings come from")
    moved = Moved()
    items = counted(_meant(source, keys, which, moved), "exporting", len(keys) or len(source))
    first = next(items, None)
    if first is None and not moved.damaged:
        raise NothingMatches(
            f"nothing in {source.location} is meant, and nothing was written."
            if len(source)
            else f"nothing is recorded in {source.location}."
        )
    every = items if first is None else chain([first], items)
    if into is None:
        _into_vcr(every, path, redact, moved)
    elif isinstance(into, CassetteStore) and force:
        with into.deferred():
            for key in list(into.keys()):
                into.delete(key)
            move(every, into, redact, moved)
    else:
        move(every, into, redact, moved)
    return tell(moved, into.location if into is not None and is_shared(target) else target, as_json)


def _into_vcr(items: Iterator[Taken], path: Path, redact: Redact, moved: Moved) -> None:
    from ..foreign.vcrpy_writing import write

    check_is_no_device(path)
    recordings = (item.recording for item in writable(items, redact, Seal(counts_access=False), moved))
    first = next(recordings, None)
    if first is not None:
        with replaced(path) as file:
            moved.written = write(chain([first], recordings), file)


def _meant(store: Store, keys: tuple[str, ...], which: Selection, moved: Moved) -> Iterator[Taken]:
    """The recordings of a store that a user named, or else those of a selection.

    Raises:
        NothingMatches: there is no such key.
        click.UsageError: a key is ambiguous, or none.
        StoreError, CassetteError: the store cannot be read.
    """
    if not keys:
        yield from taken(store, moved, which)
        return
    for name in keys:
        entry = find_entry(store, name)
        if which.takes(entry.recording):
            yield Taken.of(store, entry.recording, entry.key, entry.number)
