"""`replaycache ls`."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import click

from .._errors import StoreError
from .._models import Recording, Usage
from .._printable import one_line
from ..accounts.amounts import human_age, human_count, human_size, human_units, iso_time
from ..dialects.conversation import prompt
from ..dialects.usage import model_of
from ..maintenance.facts import endpoint, usage_told
from ..maintenance.selection import Selection
from ..stores import Store
from .choosing import selection, selection_options
from .errors import NothingMatches, Status
from .fitting import note
from .opening import Entry, entries, existing_store, is_cassette, store_argument, unreadable
from .output import Column, is_terminal, json_option, write_json_line, write_table

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

    @property
    def chunks(self) -> int:
        return sum(len(segment.lengths) for segment in self.recording.body.segments)

    def prompt(self) -> str:
        return one_line(prompt(self.request), PROMPT)


@click.command("ls")
@store_argument
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
    model: str | None,
    since: str | None,
    status: str | None,
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
    wanted = selection(model, since, status)
    opened = existing_store(store)
    seen = _Seen(entries(opened, in_any_order=sort != "newest"))
    found = _sorted(_taken(seen, wanted), sort, limit, opened)
    count = _write((line for entry in found for line in _line(entry)), as_json, numbered=is_cassette(opened))
    if seen.ended:
        problem = unreadable(opened, seen.count)
        if problem:
            note(f"Warning: {problem}")
    if count:
        return Status.DONE
    if seen.count:
        raise NothingMatches(f"none of the {seen.count:,} recordings in {opened.location} matches.")
    note(f"Nothing is recorded in {opened.location}. `replaycache demo` records something.")
    return Status.DONE


class _Seen:
    """Entries as they go by, counted."""

    def __init__(self, source: Iterator[Entry]) -> None:
        self._source = source
        self.count = 0
        self.ended = False

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._source:
            self.count += 1
            yield entry
        self.ended = True


def _taken(found: Iterable[Entry], wanted: Selection) -> Iterator[Entry]:
    for entry in found:
        try:
            if wanted.takes(entry.recording):
                yield entry
        except StoreError as error:
            _tell(entry, error)


def _line(entry: Entry) -> Iterator[_Line]:
    try:
        yield _Line(entry)
    except StoreError as error:
        _tell(entry, error)


def _tell(entry: Entry, error: StoreError) -> None:
    note(f"Warning: {entry.key}: {error}")


# -- in what order -----------------------------------------------------------------------------------------


_ORDERS: dict[str, Callable[[Recording], float]] = {
    "oldest": lambda recording: -recording.recorded_at,
    "size": lambda recording: recording.size,
    "tokens": lambda recording: _tokens(recording),
    "duration": lambda recording: recording.duration,
}


def _tokens(recording: Recording) -> int:
    usage = usage_told(recording)
    return usage.input_tokens + usage.output_tokens if usage else 0


def _sorted(found: Iterable[Entry], sort: str, limit: int | None, store: Store) -> Iterator[Entry]:
    """The entries in order. Of a cache only keys are kept meanwhile: its recordings may not fit into memory."""
    if sort == "newest":
        yield from islice(found, limit)
        return
    value = _ORDERS[sort]
    if is_cassette(store):
        rows = sorted(_valued(found, value), key=lambda row: row[0], reverse=True)
        yield from (entry for _, entry in rows[:limit])
        return
    keys = ((at, entry.key) for at, entry in _valued(found, value))
    for _, key in heapq.nlargest(limit, keys) if limit else sorted(keys, reverse=True):
        recording = store.get(key)
        if recording is not None:
            yield Entry(key, recording)


def _valued(found: Iterable[Entry], value: Callable[[Recording], float]) -> Iterator[tuple[float, Entry]]:
    for entry in found:
        try:
            yield value(entry.recording), entry
        except StoreError as error:
            _tell(entry, error)


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


def _write(lines: Iterator[_Line], as_json: bool, numbered: bool) -> int:
    if as_json:
        count = 0
        for line in lines:
            write_json_line(_as_json(line))
            count += 1
        return count
    if not is_terminal():
        return write_table((), map(_as_data, lines))
    now = time.time()
    columns = (Column("#", right=True), *_COLUMNS) if numbered else _COLUMNS
    return write_table(columns, (_as_row(line, now, numbered) for line in lines))


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
        human_count(line.chunks),
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
        str(line.chunks),
        str(usage.input_tokens) if usage else "",
        str(usage.output_tokens) if usage else "",
        line.prompt(),
    ]


def _as_json(line: _Line) -> dict[str, Any]:
    recording, usage = line.recording, line.usage
    found: dict[str, Any] = {"key": line.entry.key}
    if line.entry.number is not None:
        found["number"] = line.entry.number
    return found | {
        "recorded_at": iso_time(recording.recorded_at) or None,
        "method": line.request.method,
        "url": line.request.url,
        "model": line.model or None,
        "status": recording.head.status,
        "complete": recording.complete,
        "sample": recording.sample,
        "size": recording.size,
        "chunks": line.chunks,
        "latency": recording.latency,
        "duration": recording.duration,
        "usage": usage._asdict() if usage else None,
        "asked": prompt(line.request)[:PROMPT],
    }
