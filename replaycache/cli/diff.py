"""`replaycache diff`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import click

from .._models import Recording
from .._printable import one_line
from ..dialects.conversation import prompt
from ..engine.drift import answer_differences
from ..engine.nearest import Difference
from ..maintenance.facts import endpoint
from ..maintenance.pairing import moved, pair
from ..stores import Store
from .differences import as_json as difference_as_json
from .differences import fitted, request_differences, write_differences
from .errors import Status
from .fitting import note
from .opening import (
    Entry,
    complete_key,
    entries,
    existing_store,
    in_order,
    is_cassette,
    named_entry,
    names_a_store,
    store_option,
)
from .output import json_option, write, write_json_line


@click.command("diff")
@click.argument("first", metavar="A", shell_complete=complete_key)
@click.argument("second", metavar="B", shell_complete=complete_key)
@store_option
@click.option("--volatile", is_flag=True, help="With what differs every time: ids, times, fingerprints.")
@json_option
def command(first: str, second: str, store: str | None, volatile: bool, as_json: bool) -> Status:
    """Compare two recordings or two stores.

    A and B are two recordings (KEY, FILE#3, FILE#KEY, or a file that has but
    one), or two stores. Their recordings are paired by key and order; of what
    is left, requests to one endpoint that are alike stand for each other, and
    are told as changed.

    They are compared by JSON path, streams by what their events add up to and
    in which order; how texts were cut, and when chunks came, does not count.

    ~ is a recording that changed, > one that stands elsewhere, - one that only
    A has, + one that only B has. Exit status: 0 the same, 1 different. With
    --json a line is a JSON object for each recording that differs.
    """
    if all(names_a_store(name) and "#" not in name for name in (first, second)):
        a, b = existing_store(first), existing_store(second)
        pairs = _whole(a, b) or _pairs(a, b)
    else:
        pairs = iter([_Pair(named_entry(first, store), named_entry(second, store), is_moved=False)])
    count = noise = 0
    for item in pairs:
        found = _differences(item)
        told = [place for place, is_noise in found if volatile or not is_noise]
        noise += len(found) - len(told)
        count += _write(item, told, as_json)
    left_out = f" {noise:,} places that differ every time are left out (--volatile)." if noise else ""
    if count:
        if left_out:
            note(left_out.strip())
        return Status.FOUND
    note(f"No difference.{left_out}")
    return Status.DONE


class _Pair(NamedTuple):
    before: Entry | None
    after: Entry | None
    is_moved: bool


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where an entry is kept: of a cache only its key is in memory."""

    store: Store
    key: str
    known: Entry | None = None

    def entry(self) -> Entry | None:
        if self.known is not None:
            return self.known
        recording = self.store.get(self.key)
        return None if recording is None else Entry(self.key, recording)

    def recording(self) -> Recording | None:
        entry = self.entry()
        return None if entry is None else entry.recording


def _whole(first: Store, second: Store) -> Iterator[_Pair] | None:
    """Two stores with one recording each, which stand for each other whatever they are; None of others."""
    if len(first) != 1 or len(second) != 1:
        return None
    return iter([_Pair(next(entries(first), None), next(entries(second), None), is_moved=False)])


def _pairs(first: Store, second: Store) -> Iterator[_Pair]:
    """The recordings of two stores that stand for each other, and those that have no other."""
    a, b = _slots(first), _slots(second)
    are_in_order = is_cassette(first) and is_cassette(second)
    pairs = pair(a, b, in_order=are_in_order)
    elsewhere = moved(pairs) if are_in_order else set()
    for before, after in pairs:
        yield _Pair(
            None if before is None else a[before].entry(),
            None if after is None else b[after].entry(),
            before in elsewhere,
        )


def _slots(store: Store) -> list[_Slot]:
    if not is_cassette(store):
        return [_Slot(store, key) for key in store.keys()]  # noqa: SIM118  # a store is no dict
    return [_Slot(store, entry.key, entry) for entry in in_order(store)]


def _differences(pair: _Pair) -> list[tuple[Difference, bool]]:
    """Where two recordings differ, by path, and whether they always do there."""
    if pair.before is None or pair.after is None:
        return []
    first, second = pair.before.recording, pair.after.recording
    found = [
        (item._replace(path=f"request.{item.path}"), False)
        for item in request_differences(first.request, second.request)
    ]
    for path, before, after in (
        ("sample", first.sample, second.sample),
        ("response.verdict", first.verdict, second.verdict),
    ):
        if before != after:
            found.append((Difference(path, before, after), False))
    return found + [
        (Difference(f"response.{place.path}", place.first, place.second), place.is_noise)
        for place in answer_differences(first, second).places
    ]


# -- how it is written ---------------------------------------------------------------------------------------


_MARKS = {"changed": ("~", "yellow"), "moved": (">", "cyan"), "removed": ("-", "red"), "added": ("+", "green")}


def _write(pair: _Pair, found: list[Difference], as_json: bool) -> bool:
    """Writes how two entries differ; tells whether they do."""
    before, after, is_moved = pair
    if before and after and not found and not is_moved:
        return False
    known = before or after
    if known is None:
        return False
    kind = ("changed" if found else "moved") if before and after else "removed" if before else "added"
    if as_json:
        names = {"a": before, "b": after}
        write_json_line(
            {"change": kind}
            | ({"moved": True} if is_moved else {})
            | {name: entry.as_json() for name, entry in names.items() if entry}
            | {"differences": list(map(difference_as_json, found))}
        )
        return True
    mark, style = _MARKS[kind]
    write(fitted(f"{mark} {_title(pair, kind)}"), style)
    write_differences(found, indent=2)
    return True


def _title(pair: _Pair, kind: str) -> str:
    known = [entry for entry in (pair.before, pair.after) if entry]
    keys = list(dict.fromkeys(entry.key[:12] for entry in known))
    numbers = list(dict.fromkeys(f"#{entry.number}" for entry in known if entry.number is not None))
    words = [kind, *(["and moved"] if pair.is_moved and kind != "moved" else [])]
    request = known[0].recording.request
    about = [" → ".join(numbers), " → ".join(keys), one_line(endpoint(request)), one_line(prompt(request), 200)]
    return "  ".join([" ".join(words), *filter(None, about)])
