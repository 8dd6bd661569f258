"""`replaycache prune`."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import click

from .._errors import ConfigurationError, CorruptRecording, StoreUnavailable
from ..accounts.amounts import human_age, human_size, iso_time, many, parse_size
from ..maintenance.pruning import Candidate, Oldest, Rules, candidates, oldest, remove
from ..maintenance.selection import Selection
from ..options import parse_duration
from ..stores import CassetteStore, DiskStore, Store
from .choosing import parse_status
from .errors import CommandFailed, NothingMatches, Status, confirm, wrong_use
from .fitting import counted, note
from .opening import (
    complete_key,
    existing_cache,
    find_key,
    find_number,
    in_order,
    split_name,
    store_option,
    writable_store,
)
from .output import Column, json_option, write_json, write_list

WRITTEN_ANEW = 64_000_000
"""Bytes of a database up to which it is written anew when something was removed. That of a larger one would keep
other processes from recording for longer than they wait."""


@click.command("prune")
@click.argument("names", nargs=-1, metavar="[STORE | RECORDING...]", shell_complete=complete_key)
@store_option
@click.option("--older-than", metavar="AGE", help="Recorded longer ago: 12h, 30d, 8w.")
@click.option("--unused-for", metavar="AGE", help="Neither played nor stored for so long.")
@click.option("--model", metavar="TEXT", help="Models with TEXT in their name, or like gpt-4*.")
@click.option("--status", metavar="STATUS", help="Responses with this status: 404, or 4xx.")
@click.option("--damaged", is_flag=True, help="Entries that are damaged.")
@click.option("--all", "everything", is_flag=True, help="Every recording.")
@click.option("--max-size", metavar="SIZE", help="Then the oldest, until so much is left: 500MB, 2GB.")
@click.option("--lru", is_flag=True, help="With --max-size: the least recently used, not the oldest.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask, even if nothing would be left.")
@click.option("-q", "--quiet", is_flag=True, help="Do not list what goes.")
@json_option
def command(
    names: tuple[str, ...],
    store: str | None,
    older_than: str | None,
    unused_for: str | None,
    model: str | None,
    status: str | None,
    damaged: bool,
    everything: bool,
    max_size: str | None,
    lru: bool,
    dry_run: bool,
    yes: bool,
    quiet: bool,
    as_json: bool,
) -> Status:
    """Remove recordings by name, or by age, size, model or last use.

    A RECORDING is a key or the beginning of one (4 characters or more), of
    your cache or --store; or FILE.json#3 or FILE.json#KEY of a cassette.

    By rules, a recording of a cache goes if all that is given fits it; with
    --max-size, others follow until no more than SIZE is left. Files that a
    killed process left, and no recording names, go as well.

    Piped, a line has these fields, separated by tabs: key, time recorded, time
    last used (UTC), model, status, bytes; and its name, of one of a cassette.
    """
    if model is not None and not model.strip():
        raise click.BadParameter("an empty name would be every model", param_hint="--model")
    now = time.time()
    rules = Rules(
        recorded_before=_before(now, older_than, "--older-than"),
        unused_since=_before(now, unused_for, "--unused-for"),
        selection=Selection(model=model, statuses=parse_status(status)),
        damaged=damaged,
        max_size=None if max_size is None else _bytes(max_size),
        least_used_first=lru,
        everything=everything,
    )
    if lru and max_size is None:
        raise click.UsageError("--lru says what goes first, and needs --max-size")
    by_rules = rules.is_by_entry or max_size is not None
    listing = _Listing(now, is_kept=as_json, is_quiet=quiet or as_json)
    removed = (
        _by_rules(_one_store(names, store), rules, dry_run, yes, listing)
        if by_rules
        else _by_name(names, store, dry_run, listing)
    )
    if as_json:
        write_json(removed.as_json(dry_run))
    if removed.strays:
        files, gone = many(len(removed.strays), "file"), "would go" if dry_run else "removed"
        note(f"{files} that no recording names, left by a process that was killed, {gone}.")
    count, size = many(listing.count, "recording"), human_size(removed.freed)
    left = f"{removed.kept:,} {'are' if removed.kept != 1 else 'is'} left"
    if dry_run:
        note(f"{count} would go, about {size}; {left}.")
    else:
        note(f"{count} removed, {size} freed; {left} in {removed.where}.")
    return Status.DONE


class _Gone(NamedTuple):
    """A recording that goes.

    Attributes:
        candidate: what is told of it.
        file: the cassette that it stands in; empty in a cache.
        number: its place there, from 1 on.
    """

    candidate: Candidate
    file: str = ""
    number: int = 0

    @property
    def name(self) -> str:
        return f"{self.file}#{self.number}" if self.file else ""


class _Listing:
    """What goes, counted and listed as it goes: a cache may have more than fits into memory.

    Args:
        is_kept: whether it is kept, to be written in one piece.
    """

    def __init__(self, now: float, *, is_kept: bool, is_quiet: bool) -> None:
        self.is_quiet = is_quiet
        self.count = 0
        self.size = 0
        self.kept: list[_Gone] = []
        self._now = now
        self._is_kept = is_kept

    def write(self, going: Iterable[_Gone], columns: Sequence[Column]) -> None:
        """Goes through what goes."""
        rows = self._counted(going)
        if self.is_quiet:
            for _ in rows:
                pass
        else:
            cells = partial(_cells, now=self._now)
            write_list(rows, as_json=None, columns=columns, cells=cells, fields=_fields)

    def _counted(self, going: Iterable[_Gone]) -> Iterator[_Gone]:
        for gone in going:
            self.count += 1
            self.size += gone.candidate.size
            if self._is_kept:
                self.kept.append(gone)
            yield gone


class _Removed(NamedTuple):
    """What went, or would go.

    Attributes:
        listing: the recordings.
        kept: how many are left in the stores that they are of.
        freed: bytes.
        where: the stores, for people.
        strays: files in a cache that belong to no recording, and their sizes.
    """

    listing: _Listing
    kept: int
    freed: int
    where: str
    strays: list[tuple[str, int]]

    def as_json(self, dry_run: bool) -> dict[str, object]:
        return {
            "dry_run": dry_run,
            "count": self.listing.count,
            "kept": self.kept,
            "freed": self.freed,
            "strays": [{"file": name, "size": size} for name, size in self.strays],
            "removed": [_as_json(gone) for gone in self.listing.kept],
        }


# -- by rules ----------------------------------------------------------------------------------------------


def _one_store(names: tuple[str, ...], store: str | None) -> str | None:
    """The store that the rules are for."""
    for name in names:
        if _names_a_recording(name):
            raise click.UsageError(
                f"{name} names a recording, and rules choose among those of a cache: give one or the other"
            )
    given = [*names, *([] if store is None else [store])]
    if len(given) > 1:
        raise click.UsageError(f"rules are for one cache, and {len(given)} are given")
    return given[0] if given else None


def _names_a_recording(text: str) -> bool:
    if os.path.isdir(text):
        return False
    place, name = split_name(text)
    return bool(name) and (place is not None or re.fullmatch(r"#?\d+|[0-9a-f]{4,32}", name.lower()) is not None)


def _by_rules(store: str | None, rules: Rules, dry_run: bool, yes: bool, listing: _Listing) -> _Removed:
    cache = existing_cache(store, "prune")
    began = time.time()
    then = _oldest(cache, rules)
    if not dry_run and not yes:
        _confirm(cache, rules, then)
    before = cache.size_on_disk
    unread = _Unread()
    looked = 0

    def found() -> Iterator[Candidate]:
        nonlocal looked
        every = candidates(cache, rules, unread=unread.add, oldest=then, began=began)
        # a list tells itself how far it is, and does not fit on one terminal with a bar
        shown = counted(every, "looking" if dry_run else "removing", len(cache)) if listing.is_quiet else every
        for candidate in shown:
            looked += 1
            yield candidate

    gone = (candidate for candidate in found() if candidate.goes) if dry_run else remove(cache, found())
    listing.write(map(_Gone, gone), _COLUMNS)
    if not rules.damaged and not rules.everything:
        unread.tell()
    strays = cache.strays() if dry_run else cache.remove_strays()
    freed = listing.size if dry_run else _freed(cache, before, listing.count)
    freed += sum(size for _, size in strays)
    return _Removed(listing, looked - listing.count, freed, cache.location, strays)


def _oldest(cache: DiskStore, rules: Rules) -> Oldest | None:
    if rules.max_size is None:
        return None
    return oldest(counted(candidates(cache, rules), "looking", len(cache)), rules)


def _confirm(cache: DiskStore, rules: Rules, then: Oldest | None) -> None:
    """Asks, where nothing would be left."""
    count = 0
    # what was stored last is what stays, if anything does
    every = candidates(cache, rules, oldest=then, newest_first=True)
    for candidate in counted(every, "looking", len(cache)):
        if not candidate.goes:
            return
        count += 1
    if count:
        what = f"All {count:,} recordings" if count > 1 else "The only recording"
        confirm(
            f"{what} of {cache.location} would be removed.",
            unasked="Nothing was; add --yes if that is meant.",
            refused="nothing was removed.",
        )


class _Unread:
    """Entries that cannot be read."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""

    def add(self, why: str) -> None:
        self._first = self._first or why
        self._count += 1

    def tell(self) -> None:
        if self._count:
            unread = f"{self._count:,} entries cannot be read" if self._count > 1 else "1 entry cannot be read"
            note(f"Warning: {unread} (--damaged removes what is damaged). The first: {self._first}")


def _freed(cache: DiskStore, before: int, count: int) -> int:
    """Gives the room of so many recordings back to the disk; the bytes that it has again."""
    if not count:
        return 0
    try:
        cache.compact(most=WRITTEN_ANEW)
    except StoreUnavailable as error:
        note(f"Warning: they are gone, but the disk does not have their room yet: {error}")
    return max(0, before - cache.size_on_disk)


# -- by name -----------------------------------------------------------------------------------------------


def _by_name(names: tuple[str, ...], store: str | None, dry_run: bool, listing: _Listing) -> _Removed:
    """Removes the recordings that are named; nothing goes where one of the names is wrong."""
    if not names:
        raise click.UsageError(
            "say what is to go: a recording's name, --older-than, --unused-for, --model, --status, --damaged, "
            "--max-size, or --all"
        )
    places: dict[str, _Named] = {}
    for text in names:
        of, name = split_name(text)
        if of is not None and not name:
            raise click.UsageError(
                f"{text} is a store: name its recordings, as {text}#KEY or, of a cassette, {text}#3; "
                f"or say by rules what of a cache is to go (--all, --older-than, …)"
            )
        opened = writable_store(store if of is None else of)
        place = places.get(opened.identity)
        if place is None:
            named = _NamedInCassette(opened) if isinstance(opened, CassetteStore) else _Named(opened)
            place = places[opened.identity] = named
        place.mean(name)
    found = [(place, place.going()) for place in places.values()]
    kept = sum(len(place.store) - len(going) for place, going in found)
    freed = 0 if dry_run else sum(place.remove(going) for place, going in found)
    all_that_go = [gone for _, going in found for gone in going]
    listing.write((gone for gone in all_that_go if not gone.file), _COLUMNS)
    listing.write((gone for gone in all_that_go if gone.file), _COLUMNS_OF_FILE)
    where = ", ".join(place.store.location for place in places.values())
    return _Removed(listing, kept, listing.size if dry_run else freed, where, [])


class _Named:
    """Recordings that are named in a store, by their keys."""

    store: Store

    def __init__(self, store: Store) -> None:
        self.store = store
        self._keys: dict[str, None] = {}

    def mean(self, name: str) -> None:
        """A recording is named; it may be damaged."""
        find_number(self.store, name)  # it has none
        self._keys[find_key(self.store, name)] = None

    def going(self) -> list[_Gone]:
        """What is named, in its order."""
        found = {}
        if isinstance(self.store, DiskStore):  # which alone knows when it was used, and the room it takes
            found = {one.key: one for one in candidates(self.store, Rules(everything=True), keys=self._keys)}
        return [_Gone(found.get(key) or self._candidate(key)) for key in self._keys]

    def _candidate(self, key: str) -> Candidate:
        try:
            recording = self.store.get(key)
            if recording is None:
                raise self._has_none(key)
            return Candidate.of(key, recording)
        except CorruptRecording:
            return Candidate(key, 0, 0.0, 0.0, goes=True)

    def _has_none(self, key: str) -> NothingMatches:
        return NothingMatches(f"no recording in {self.store.location} has the key {key}.")

    def remove(self, going: Sequence[_Gone]) -> int:
        """Removes it, and returns the bytes of its answers; of a disk cache, those that the disk has again."""
        before = self.store.size_on_disk if isinstance(self.store, DiskStore) else 0
        gone = [one.candidate for one in going if self.store.delete(one.candidate.key)]
        if isinstance(self.store, DiskStore):
            self.store.ledger.forget([candidate.key for candidate in gone])
            return _freed(self.store, before, len(gone))
        return sum(candidate.size for candidate in gone)


class _NamedInCassette(_Named):
    """Recordings that are named in a cassette, by their numbers."""

    store: CassetteStore

    def __init__(self, store: CassetteStore) -> None:
        super().__init__(store)
        self._all = in_order(store)
        self._numbers: set[int] = set()

    def mean(self, name: str) -> None:
        number = find_number(self.store, name)
        if number is None:
            key = find_key(self.store, name)
            numbers = [number for number, entry in enumerate(self._all, 1) if entry.key == key]
            if not numbers:
                raise self._has_none(key)
            if len(numbers) > 1:
                named = ", ".join(f"#{number}" for number in numbers[:10]) + ", …" * (len(numbers) > 10)
                raise click.UsageError(
                    f"{len(numbers)} recordings in {self.store.location} have the key {key}; "
                    f"name those that are meant by number: {named}"
                )
            (number,) = numbers
        self._numbers.add(number)

    def going(self) -> list[_Gone]:
        named = [(number, self._all[number - 1]) for number in sorted(self._numbers)]
        return [
            _Gone(Candidate.of(entry.key, entry.recording), self.store.location, number) for number, entry in named
        ]

    def remove(self, going: Sequence[_Gone]) -> int:
        """Removes it, and returns the bytes by which the file is shorter."""
        if any(one is not other.recording for one, other in zip(self.store.all(), self._all, strict=False)):
            raise CommandFailed(
                f"{self.store.location} was changed meanwhile. Nothing was removed; look at it again."
            )
        before = self.store.path.stat().st_size
        self.store.remove(gone.number - 1 for gone in going)
        self.store.settle()
        return max(0, before - self.store.path.stat().st_size)


# -- what the options say ----------------------------------------------------------------------------------


def _before(now: float, age: str | None, option: str) -> float | None:
    try:
        seconds = parse_duration(age, option)
    except ConfigurationError:
        raise click.BadParameter(f"{age!r} is no age; write 90m, 12h, 30d or 8w", param_hint=option) from None
    return None if seconds is None else now - seconds


def _bytes(size: str) -> int:
    with wrong_use():
        return parse_size(size, "--max-size")


_COLUMNS = (
    Column("key", least=8, style="yellow"),
    Column("recorded", right=True, least=3),
    Column("used", right=True, least=3),
    Column("model", least=8, most=30, style="cyan"),
    Column("status", least=3, drop=1),
    Column("size", right=True, least=3),
)
_COLUMNS_OF_FILE = (*(column for column in _COLUMNS if column.title != "used"), Column("recording", least=10))


def _cells(gone: _Gone, now: float) -> tuple[str, ...]:
    key, size, recorded_at, used_at, _, model, status, _ = gone.candidate
    recorded = human_age(now - recorded_at) if recorded_at else ""
    more = (model, str(status or "damaged"), human_size(size))
    if gone.file:
        return (key[:8], recorded, *more, f"{os.path.basename(gone.file)}#{gone.number}")
    return (key[:8], recorded, human_age(now - used_at), *more)


def _fields(gone: _Gone) -> tuple[str, ...]:
    key, size, recorded_at, used_at, _, model, status, _ = gone.candidate
    used = "" if gone.file else iso_time(used_at)
    fields = (key, iso_time(recorded_at), used, model, str(status or "damaged"), str(size))
    return (*fields, gone.name) if gone.file else fields


def _as_json(gone: _Gone) -> dict[str, object]:
    key, size, recorded_at, used_at, _, model, status, _ = gone.candidate
    found: dict[str, object] = {"key": key}
    if gone.file:
        found |= {"file": gone.file, "number": gone.number}
    return found | {
        "recorded_at": iso_time(recorded_at) or None,
        "used_at": (iso_time(used_at) or None) if not gone.file else None,
        "model": model or None,
        "status": status or None,
        "size": size,
    }
