"""`replaycache export`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Literal

import click

from .._models import Recording
from ..maintenance.moving import Moved, Taken, salt_of, taken, to_cache, to_cassette, writable
from ..maintenance.selection import Selection
from ..redaction.redact import Redact
from ..redaction.seal import Seal
from ..stores import CassetteStore, Store, is_shared
from ..system.atomic_file import replaced
from .choosing import selection, selection_options
from .errors import CommandFailed, NothingMatches, Status
from .fitting import progress
from .moved import redact_options, tell
from .opening import (
    check_is_no_device,
    complete_key,
    complete_store,
    existing_store,
    find_entry,
    is_cassette,
    new_store,
    store_option,
)
from .output import json_option

_BY_SUFFIX = {".json": "cassette", ".yaml": "vcr", ".yml": "vcr"}


@click.command("export")
@click.argument("target", shell_complete=complete_store)
@click.argument("keys", metavar="[KEY]...", nargs=-1, shell_complete=complete_key)
@store_option
@selection_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["cassette", "vcr", "cache"]),
    help="What TARGET is, where its name does not say it.",
)
@click.option("--force", is_flag=True, help="Write a file anew that exists.")
@redact_options
@json_option
def command(
    target: str,
    keys: tuple[str, ...],
    store: str | None,
    model: str | None,
    since: str | None,
    status: str | None,
    form: Literal["cassette", "vcr", "cache"] | None,
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
    which = selection(model, since, status)
    kind = form or ("cache" if is_shared(target) else _BY_SUFFIX.get(Path(target).suffix.lower(), "cache"))
    _check_target(target, kind, force)
    source = existing_store(store)
    moved = Moved()
    with progress("exporting", total=len(keys) or len(source)) as advance:
        items = _counted(_meant(source, keys, which, moved), advance)
        first = next(items, None)
        if first is None and not moved.damaged:
            raise NothingMatches(
                f"nothing in {source.location} is meant, and nothing was written."
                if len(source)
                else f"nothing is recorded in {source.location}."
            )
        every = items if first is None else chain([first], items)
        if kind == "cache":
            to_cache(every, _other(target, source), redact, moved)
        elif kind == "cassette":
            _into_cassette(every, target, source, force, redact, moved)
        else:
            _into_vcr(every, Path(target).expanduser(), redact, moved)
    return tell(moved, _other(target, source).location if is_shared(target) else target, as_json)


def _counted(items: Iterator[Taken], advance: Callable[[int], None]) -> Iterator[Taken]:
    for item in items:
        advance(1)
        yield item


def _check_target(target: str, kind: str, force: bool) -> None:
    """Looks at what is to be written, before anything is read."""
    path = Path(target).expanduser()
    if kind == "cache":
        new_store(target, "TARGET")
    elif kind == "cassette":
        if path.suffix.lower() != ".json":
            raise click.UsageError(f"a cassette's name ends in .json, unlike {target!r}")
    elif os.path.lexists(path) and not force:
        raise CommandFailed(f"{path} exists. Name another file, or add --force to write it anew.")


def _other(target: str, source: Store) -> Store:
    store = new_store(target, "TARGET")
    if store.identity == source.identity:
        raise click.UsageError(f"{store.location} is where the recordings come from")
    return store


def _into_cassette(
    items: Iterator[Taken], target: str, source: Store, force: bool, redact: Redact, moved: Moved
) -> None:
    check_is_no_device(Path(target).expanduser())
    store = CassetteStore(target)
    if store.identity == source.identity:
        raise click.UsageError(f"{target} is where the recordings come from")
    with store.deferred():
        if force:
            for key in list(store.keys()):
                store.delete(key)
        to_cassette(items, store, redact, moved)


def _into_vcr(items: Iterator[Taken], path: Path, redact: Redact, moved: Moved) -> None:
    from ..foreign.vcrpy_writing import write

    check_is_no_device(path)

    def recordings() -> Iterator[Recording]:
        for item in writable(items, redact, Seal(counts_access=False), moved):
            moved.written += 1
            yield item.recording

    with suppress(_NothingWritten), replaced(path) as file:
        write(recordings(), file)
        if not moved.written:
            raise _NothingWritten


class _NothingWritten(Exception):
    """None of the recordings may stand in the file."""


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
            where = f"recording {entry.number}" if entry.number else entry.key
            key = "" if is_cassette(store) else entry.key
            is_ours = bool(key) or isinstance(store, CassetteStore)
            yield Taken(f"{store.location}, {where}", entry.recording, key, is_ours, salt_of(store))
