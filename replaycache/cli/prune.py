"""`replaycache prune`."""

from __future__ import annotations

import re
import sys
import time

import click

from .._errors import ConfigurationError, StoreUnavailable
from ..maintenance.pruning import Candidate, Rules, candidates, chosen, remove, unchanged
from ..maintenance.selection import Selection
from ..options import parse_duration
from ..stores import DiskStore, Store
from .choosing import parse_status
from .errors import CommandFailed, Status
from .opening import existing_cache, store_argument
from .output import (
    Column,
    human_age,
    human_size,
    is_terminal,
    iso_time,
    json_option,
    note,
    printable,
    progress,
    write_json,
    write_table,
)

__all__ = ["command", "parse_size"]


@click.command("prune")
@store_argument
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
    """Remove recordings by age, size, model or last use.

    A recording goes if all that is given fits it; with --max-size, others
    follow until no more than SIZE is left. At least one of these is needed.
    Files that a killed process left, and no recording names, go as well.

    Piped, a line has these fields, separated by tabs: key, time recorded, time
    last used (UTC), model, status, bytes.
    """
    if model is not None and not model.strip():
        raise click.BadParameter("an empty name would be every model", param_hint="--model")
    now = time.time()
    rules = Rules(
        recorded_before=_before(now, older_than, "--older-than"),
        unused_since=_before(now, unused_for, "--unused-for"),
        selection=Selection(model=model, statuses=parse_status(status)),
        damaged=damaged,
        max_size=parse_size(max_size),
        least_used_first=lru,
        everything=everything,
    )
    if lru and max_size is None:
        raise click.UsageError("--lru says what goes first, and needs --max-size")
    if not rules.is_by_entry and max_size is None:
        raise click.UsageError(
            "say what is to go: --older-than, --unused-for, --model, --status, --damaged, --max-size, or --all"
        )
    cache = existing_cache(store, "prune")
    going, kept = _chosen(cache, rules)
    if going and not kept and not dry_run and not yes:
        _confirm(len(going), cache)
    if not dry_run:
        meant = len(going)
        going = unchanged(cache, going)
        kept += meant - len(going)
    strays = _strays(cache, dry_run)
    freed = sum(candidate.size for candidate in going) if dry_run else _remove(cache, going)
    freed += sum(size for _, size in strays)
    if as_json:
        write_json(
            {
                "dry_run": dry_run,
                "count": len(going),
                "kept": kept,
                "freed": freed,
                "strays": [{"file": name, "size": size} for name, size in strays],
                "removed": [_as_json(candidate) for candidate in going],
            }
        )
    elif not quiet:
        _list(going, now)
    if strays:
        many = f"{len(strays):,} files" if len(strays) > 1 else "1 file"
        gone = "would go" if dry_run else "removed"
        note(f"{many} that no recording names, left by a process that was killed, {gone}.")
    left = f"{kept:,} {'are' if kept != 1 else 'is'} left"
    if dry_run:
        note(f"{_recordings(going)} would go, about {human_size(freed)}; {left}.")
    else:
        note(f"{_recordings(going)} removed, {human_size(freed)} freed; {left} in {cache.location}.")
    return Status.DONE


def _before(now: float, age: str | None, option: str) -> float | None:
    try:
        seconds = parse_duration(age, option)
    except ConfigurationError:
        raise click.BadParameter(f"{age!r} is no age; write 90m, 12h, 30d or 8w", param_hint=option) from None
    return None if seconds is None else now - seconds


_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


def parse_size(text: str | None) -> int | None:
    """Bytes that `500MB`, `2GiB` or `1000` name; None stays None.

    Raises:
        click.BadParameter: it names none.
    """
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?)(i?)b?\s*", text.lower())
    if match is None or (match[3] and not match[2]):
        raise click.BadParameter(f"{text!r} is no size; write 500MB or 2GB", param_hint="--max-size")
    unit = _UNITS[match[2]]
    if match[3]:
        unit = 1024 ** list(_UNITS).index(match[2])
    return int(float(match[1]) * unit)


def _chosen(cache: Store, rules: Rules) -> tuple[list[Candidate], int]:
    unread: list[str] = []
    with progress("looking", total=len(cache)) as advance:

        def counted(candidate: Candidate) -> Candidate:
            advance(1)
            return candidate

        found = candidates(cache, rules, lambda key, why: unread.append(why))
        going, count = chosen(map(counted, found), rules)
    if unread and not rules.damaged and not rules.everything:
        many = f"{len(unread)} entries cannot be read" if len(unread) > 1 else "1 entry cannot be read"
        note(f"Warning: {many} (--damaged removes what is damaged). The first: {unread[0]}")
    return going, count - len(going)


def _confirm(count: int, cache: Store) -> None:
    what = f"All {count:,} recordings" if count > 1 else "The only recording"
    text = f"{what} of {cache.location} would be removed"
    if not sys.stdin.isatty():
        raise CommandFailed(f"{text}. Nothing was; add --yes if that is meant.")
    if not click.confirm(f"{printable(text)}. Go on?", err=True):
        raise CommandFailed("nothing was removed.")


def _remove(cache: Store, going: list[Candidate]) -> int:
    if not going:
        return 0
    before = cache.size_on_disk if isinstance(cache, DiskStore) else 0
    with progress("removing", total=len(going)) as advance:
        remove(cache, [candidate.key for candidate in going], lambda: advance(1))
    if not isinstance(cache, DiskStore):
        return sum(candidate.size for candidate in going)
    try:
        cache.compact()
    except StoreUnavailable as error:
        note(f"Warning: they are gone, but the disk does not have their room yet: {error}")
    return max(0, before - cache.size_on_disk)


def _strays(cache: Store, dry_run: bool) -> list[tuple[str, int]]:
    """Files in the cache that belong to no recording; they are removed here."""
    if not isinstance(cache, DiskStore):
        return []
    return cache.strays() if dry_run else cache.remove_strays()


def _recordings(going: list[Candidate]) -> str:
    return f"{len(going):,} recording{'s' * (len(going) != 1)}"


_COLUMNS = (
    Column("key", least=8, style="yellow"),
    Column("recorded", right=True, least=3),
    Column("used", right=True, least=3),
    Column("model", least=8, most=30, style="cyan"),
    Column("status", least=3, drop=1),
    Column("size", right=True, least=3),
)


def _list(going: list[Candidate], now: float) -> None:
    if is_terminal():
        write_table(
            _COLUMNS,
            (
                (
                    candidate.key[:8],
                    human_age(now - candidate.recorded_at),
                    human_age(now - candidate.used_at),
                    candidate.model,
                    str(candidate.status or "damaged"),
                    human_size(candidate.size),
                )
                for candidate in going
            ),
        )
        return
    write_table(
        (),
        (
            (
                candidate.key,
                iso_time(candidate.recorded_at),
                iso_time(candidate.used_at),
                candidate.model,
                str(candidate.status or "damaged"),
                str(candidate.size),
            )
            for candidate in going
        ),
    )


def _as_json(candidate: Candidate) -> dict[str, object]:
    return {
        "key": candidate.key,
        "recorded_at": iso_time(candidate.recorded_at) or None,
        "used_at": iso_time(candidate.used_at) or None,
        "model": candidate.model or None,
        "status": candidate.status or None,
        "size": candidate.size,
    }
