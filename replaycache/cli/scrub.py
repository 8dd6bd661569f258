"""`replaycache scrub`."""

from __future__ import annotations

from pathlib import Path

import click

from .._printable import printable
from ..maintenance.scrubbing import Scrubbed, scrub_cache, scrub_cassette, scrub_file
from ..redaction.redact import Redact
from ..stores import CassetteStore
from .choosing import all_redacted
from .errors import Status
from .fitting import note, progress
from .foreign_file import ForeignFile
from .moved import named
from .opening import complete_store, existing_store
from .output import json_option, write, write_json


@click.command("scrub")
@click.argument("store", metavar="STORE", shell_complete=complete_store)
@click.option("--keep-header", metavar="NAME", multiple=True, help="Keep this header beyond those that are.")
@click.option("--dry-run", is_flag=True, help="Say what would be replaced, and change nothing.")
@json_option
def command(store: str, keep_header: tuple[str, ...], dry_run: bool, as_json: bool) -> Status:
    """Replace what looks like a credential in a store.

    Each credential becomes a placeholder, the same for the same value, and
    headers that would not be stored today are dropped. A recording whose
    request is changed gets the key of the new one.

    STORE is a cassette, the directory of a cache, or a file of another
    recorder, in whose text credentials are replaced (its headers stay).

    A line names a recording and what was found where; never the value. Exits
    with 1 if something could not be replaced.
    """
    opened = existing_store(store)
    told = Scrubbed()
    redact = all_redacted(Redact(request_headers=keep_header, response_headers=keep_header))
    if isinstance(opened, ForeignFile):
        scrub_file(Path(opened.location), told, dry_run)
    else:
        with progress("scrubbing", total=len(opened)) as advance:
            if isinstance(opened, CassetteStore):
                scrub_cassette(opened, redact, told, advance, dry_run)
            else:
                scrub_cache(opened, redact, told, advance, dry_run)
    _tell(told, opened.location, dry_run, as_json)
    if told.damaged:
        return Status.FAILED
    return Status.FOUND if told.left else Status.DONE


def _tell(told: Scrubbed, location: str, dry: bool, as_json: bool) -> None:
    if as_json:
        write_json(
            {
                "dry_run": dry,
                "seen": told.seen,
                "changed": named(told.changed, "found"),
                "left": named(told.left, "found"),
                "damaged": named(told.damaged, "reason"),
            }
        )
    else:
        for name, what in told.changed:
            write(printable(f"{name}: {what}"))
    for name, why in told.damaged:
        note(printable(f"{name}: cannot be read: {why}"))
    for name, what in told.left:
        note(printable(f"{name}: could not be replaced: {what}"))
    if told.left:
        note("Take it out by hand, or import the file into a cassette with --secrets=replace.")
    changed = f"{len(told.changed):,} of {told.seen:,} recordings"
    if not told.changed:
        note(f"Nothing to replace in {location}.")
    elif dry:
        note(f"{changed} in {location} would be changed.")
    else:
        note(f"{changed} in {location} changed. Credentials that were in it may be known to others: revoke them.")
        if told.asked:
            note(
                f"{told.asked:,} of them in what is asked: a program that still sends the credential is answered "
                f'from a cassette with Redact(secrets="replace").'
            )
