"""`replaycache import`."""

from __future__ import annotations

from itertools import chain

import click

from ..maintenance.moving import Moved, move, taken
from ..maintenance.selection import Selection
from ..redaction.redact import Redact
from ..stores import is_shared
from .choosing import selection_options
from .errors import Status
from .fitting import counted
from .moved import redact_options, tell
from .opening import existing_store, new_store, store_option
from .output import json_option


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@store_option
@selection_options
@redact_options
@json_option
def command(
    files: tuple[str, ...],
    store: str | None,
    which: Selection,
    redact: Redact,
    as_json: bool,
) -> Status:
    """Copy recordings of another file or recorder into a store.

    Reads cassettes of VCR.py and pytest-recording, Ruby VCR, go-vcr and
    cassetter, HAR files (Polly.js's too), traces of httprr, and cassettes,
    caches and shared stores of replaycache. They go into the default store,
    or into --store, which may be a cassette or redis://HOST.

    What the other recorder's filters left out of a request is unknown: from a
    cassette it is answered whatever is asked there, in a cache it counts as
    absent.

    A cache takes complete answers of calls that generate, the last one of each
    request; a cassette takes every recording, in order. All files are read
    before anything is written, and what is there already is not added again.
    """
    target = new_store(store, "--store")
    moved = Moved()
    sources = [existing_store(file) for file in files]
    for source in sources:
        if source.identity == target.identity:
            raise click.UsageError(f"{source.location} is where the recordings are to go")
    # files are read as a whole here, so that a damaged one is known before anything is written
    items = chain.from_iterable(taken(source, moved, which) for source in sources)
    move(counted(items, "importing", sum(map(len, sources))), target, redact, moved)
    return tell(moved, target.location if store is None or is_shared(store) else store, as_json)
