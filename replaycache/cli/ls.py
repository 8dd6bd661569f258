"""`replaycache ls`."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import click

from .._errors import StoreError
from .._models import Recording, Usage
from .._printable import one_line
from ..accounts.amounts import human_age, human_count, human_size, human_units, iso_time
from ..dialects.conversation import prompt
from ..dialects.usage import model_of
from ..maintenance.facts import chunks_of, endpoint, usage_told
from ..maintenance.selection import Selection
from ..stores import Store
from .choosing import selection_options
from .errors import NothingMatches, Status
from .fitting import note
from .opening import Entry, complete_store, entries, existing_store, is_cassette
from .output import Column, json_option, write_list

T = TypeVar("T")

PROMPT = 200
"""Characters of what was asked that a line of data has."""


class _Line:
    """What a line of the list tells of a recording."""

    def __init__(self, entry: Entry) -> None:
        recording = entry.recording
        self.entry = entry
        self.recording = recording
        self.request = recording.request
        self.usage = usage_told(recording)
        self.model = model_of(self.request) or (self.usage.model if self.usage else "")

    def prompt(self) -> str:
        return one_line(prompt(self.request), PROMPT)


@click.command("ls")
@click.argument("store", required=False, metavar="[STORE]", shell_complete=complete_store)
@selection_options
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="At most N recordings.")
@click.option(
    "--sort",
    type=click.Choice(["newest", "oldest", "size", "tokens", "duration"]),
    default="newest",
    help="What comes first; newest is the default.",
)
@json_option
def command(
    store: str | None,
    which: Selection,
    limit: int | None,
    sort: str,
    as_json: bool,
) -> Status:
    """List recordings, the newest first.

    Of STORE, or of the default store: key, age, call, model, status, size
    of the response, chunks, tokens in and out, and the first words of what
    was asked.

    Piped, a line has these fields, separated by tabs: key, time (UTC),
    method, URL, model, status, bytes, chunks, tokens in, tokens out, words.
    With --json a line is a JSON object.
    """
    opened = existing_store(store)
    every = entries(opened, in_any_order=sort != "newest", warns=True)
    taken = (entry for entry, takes in _each(every, lambda entry: which.takes(entry.recording)) if takes)
    lines = (line for _, line in _each(_sorted(taken, sort, limit, opened), _Line))
    numbered = is_cassette(opened)
    count = write_list(
        lines,
        as_json=_as_json if as_json else None,
        columns=(Column("#", right=True), *_COLUMNS) if numbered else _COLUMNS,
        cells=partial(_as_row, now=time.time(), numbered=numbered),
        fields=_as_data,
    )
    if count:
        return Status.DONE
    if len(opened):
        what = "can be read" if which.is_everything else "matches"
        raise NothingMatches(f"none of the {len(opened):,} recordings in {opened.location} {what}.")
    note(f"Nothing is recorded in {opened.location}. `replaycache demo` records something.")
    return Status.DONE


def _each(found: Iterable[Entry], make: Callable[[Entry], T]) -> Iterator[tuple[Entry, T]]:
    """Entries and what is made of them; one that turns out to be damaged is told and passed over."""
    for entry in found:
        try:
            yield entry, make(entry)
        except StoreError as error:
            note(f"Warning: {entry.key}: {error}")


# -- in what order -----------------------------------------------------------------------------------------


def _tokens(recording: Recording) -> int:
    usage = usage_told(recording)
    return usage.input_tokens + usage.output_tokens if usage else 0


_ORDERS: dict[str, Callable[[Recording], float]] = {
    "oldest": lambda recording: -recording.recorded_at,
    "size": lambda recording: recording.size,
    "tokens": _tokens,
    "duration": lambda recording: recording.duration,
}


def _sorted(found: Iterable[Entry], sort: str, limit: int | None, store: Store) -> Iterator[Entry]:
    """The entries in order. Of a cache only keys are kept meanwhile: its recordings may not fit into memory."""
    if sort == "newest":
        yield from islice(found, limit)
        return
    order = _ORDERS[sort]
    valued = _each(found, lambda entry: order(entry.recording))
    if is_cassette(store):
        rows = sorted(valued, key=lambda row: row[1], reverse=True)
        yield from (entry for entry, _ in rows[:limit])
        return
    keys = ((value, entry.key) for entry, value in valued)
    for _, key in heapq.nlargest(limit, keys) if limit else sorted(keys, reverse=True):
        recording = store.get(key)
        if recording is not None:
            yield Entry(key, recording)


# -- how they are written ----------------------------------------------------------------------------------

_COLUMNS = (
    Column("key", style="yellow"),
    Column("age", right=True),
    Column("call", least=10, most=22),
    Column("model", least=10, most=22, style="cyan"),
    Column("status", drop=1),
    Column("size", right=True, drop=2),
    Column("chunks", right=True, drop=4),
    Column("tokens", right=True, drop=3),
    Column("asked", least=20, style="dim"),
)


def _as_row(line: _Line, now: float, numbered: bool) -> list[str]:
    recording = line.recording
    usage = line.usage
    row = [
        line.entry.short,
        human_age(now - recording.recorded_at) if recording.recorded_at else "",
        endpoint(line.request),
        line.model,
        str(recording.head.status) + ("" if recording.complete else " cut"),
        human_size(recording.size),
        human_count(chunks_of(recording)),
        _used(usage) if usage else "",
        line.prompt(),
    ]
    return [str(line.entry.number), *row] if numbered else row


def _used(usage: Usage) -> str:
    """Tokens in and out; of what has none, the units that it is paid by."""
    if not usage.input_tokens and not usage.output_tokens:
        return human_units(usage.units, has_tokens=False)
    return f"{human_count(usage.input_tokens)}/{human_count(usage.output_tokens)}"


def _as_data(line: _Line) -> list[str]:
    recording, usage = line.recording, line.usage
    return [
        line.entry.key,
        iso_time(recording.recorded_at),
        line.request.method,
        line.request.url,
        line.model,
        str(recording.head.status),
        str(recording.size),
        str(chunks_of(recording)),
        str(usage.input_tokens) if usage else "",
        str(usage.output_tokens) if usage else "",
        line.prompt(),
    ]


def _as_json(line: _Line) -> dict[str, Any]:
    recording, usage = line.recording, line.usage
    return line.entry.as_json() | {
        "recorded_at": iso_time(recording.recorded_at) or None,
        "method": line.request.method,
        "url": line.request.url,
        "model": line.model or None,
        "status": recording.head.status,
        "complete": recording.complete,
        "sample": recording.sample,
        "size": recording.size,
        "chunks": chunks_of(recording),
        "latency": recording.latency,
        "duration": recording.duration,
        "usage": usage._asdict() if usage else None,
        "asked": prompt(line.request)[:PROMPT],
    }
