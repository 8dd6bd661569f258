"""`replaycache diff`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import click

from .._models import Recording
from ..dialects.conversation import Part, answer_of
from ..engine import drift
from ..engine.nearest import ABSENT, Difference, compare_values
from ..stores import Store
from .differences import as_json as difference_as_json
from .differences import request_differences, write_differences
from .errors import Status
from .ls import endpoint
from .opening import (
    Entry,
    complete_key,
    entries,
    existing_store,
    is_cassette,
    named_entry,
    names_a_store,
    store_option,
)
from .output import json_option, note, one_line, write_json_line, write_styled

__all__ = ["command"]


@click.command("diff")
@click.argument("first", metavar="A", shell_complete=complete_key)
@click.argument("second", metavar="B", shell_complete=complete_key)
@store_option
@click.option("--ignore-volatile", is_flag=True, help="Without what differs every time: ids, times, fingerprints.")
@click.option("--headers", is_flag=True, help="With the headers of the responses.")
@json_option
def command(
    first: str, second: str, store: str | None, ignore_volatile: bool, headers: bool, as_json: bool
) -> Status:
    """Compare two recordings or two stores.

    A and B are two recordings (KEY, FILE#3, FILE#KEY, or a file that has but
    one), or two stores, whose recordings are paired by key and order.

    They are compared by JSON path, streams as the answer they add up to;
    when chunks came does not count. Exit status: 0 the same, 1 different.
    With --json a line is a JSON object for each recording that differs.
    """
    comparison = _Comparison(ignore_volatile, headers)
    if all(names_a_store(name) and "#" not in name for name in (first, second)):
        a, b = existing_store(first), existing_store(second)
        pairs = _pairs(a, b)
    else:
        pairs = iter([(named_entry(first, store), named_entry(second, store))])
    count = 0
    for before, after in pairs:
        count += _write(before, after, comparison, as_json)
    if count:
        return Status.FOUND
    note("No difference.")
    return Status.DONE


_Pair = tuple[Entry | None, Entry | None]


def _pairs(first: Store, second: Store) -> Iterator[_Pair]:
    """The recordings of two stores by key; in memory are their keys, and of a file its recordings."""
    a, b = _grouped(first), _grouped(second)
    for key in (*a, *(key for key in b if key not in a)):
        befores, afters = a.get(key, [None]), b.get(key, [None])
        for index in range(max(len(befores), len(afters))):
            before = _entry(first, key, befores[index]) if key in a and index < len(befores) else None
            after = _entry(second, key, afters[index]) if key in b and index < len(afters) else None
            yield before, after


def _grouped(store: Store) -> dict[str, list[Entry | None]]:
    """The entries of each key in their order; of a cache only the keys."""
    if not is_cassette(store):
        return {key: [None] for key in store.keys()}  # noqa: SIM118  # a store is no dict
    found: dict[str, list[Entry | None]] = {}
    for entry in reversed(list(entries(store))):
        found.setdefault(entry.key, []).append(entry)
    return found


def _entry(store: Store, key: str, entry: Entry | None) -> Entry | None:
    if entry is not None:
        return entry
    recording = store.get(key)
    return None if recording is None else Entry(key, recording)


# -- what differs --------------------------------------------------------------------------------------------

_VOLATILE_HEADERS = ("date", "request-id", "x-request-id", "openai-processing-ms", "retry-after", "retry-after-ms")


class _Comparison:
    """Compares two recordings.

    Args:
        ignore_volatile: whether what differs every time is left out.
        headers: whether the responses' headers are compared.
    """

    def __init__(self, ignore_volatile: bool, headers: bool) -> None:
        self._ignore_volatile = ignore_volatile
        self._headers = headers

    def differences(self, first: Recording, second: Recording) -> list[Difference]:
        """Where the two differ, by path."""
        found = [
            item._replace(path=f"request.{item.path}")
            for item in request_differences(first.request, second.request)
        ]
        for path, before, after in (
            ("sample", first.sample, second.sample),
            ("response.status", first.head.status, second.head.status),
            ("response.complete", first.complete, second.complete),
        ):
            if before != after:
                found.append(Difference(path, before, after))
        found += self._of_headers(first, second)
        return found + self._of_bodies(first, second)

    def _of_headers(self, first: Recording, second: Recording) -> Iterator[Difference]:
        names = {name for name, _ in (*first.head.headers, *second.head.headers)} if self._headers else set()
        for name in sorted(names | {"content-type"}):
            if self._ignore_volatile and (name in _VOLATILE_HEADERS or "ratelimit" in name):
                continue
            before, after = first.head.header(name), second.head.header(name)
            if before != after:
                yield Difference(
                    f"response.header {name}",
                    ABSENT if before is None else before,
                    ABSENT if after is None else after,
                )

    def _of_bodies(self, first: Recording, second: Recording) -> list[Difference]:
        before, after = (_value(recording) for recording in (first, second))
        try:
            found = list(compare_values(before, after, "response"))
            volatile = drift.compare(first, second).volatile if self._ignore_volatile and found else ()
        except RecursionError:
            return [Difference("response", "nested too deeply to compare", "nested too deeply to compare")]
        left_out = {f"response.{path}" for path in volatile}
        return [item for item in found if item.path not in left_out]


def _value(recording: Recording) -> Any:
    value, _ = answer_of(recording)
    if not isinstance(value, Part):
        return value
    if value.kind == "text":
        return value.text
    digest = hashlib.blake2b(digest_size=8)
    for segment in recording.body.segments:
        digest.update(segment.data)
    return f"{value.text}, BLAKE2b {digest.hexdigest()}"


# -- how it is written ---------------------------------------------------------------------------------------


def _write(before: Entry | None, after: Entry | None, comparison: _Comparison, as_json: bool) -> bool:
    """Writes how two entries differ; tells whether they do."""
    found = comparison.differences(before.recording, after.recording) if before and after else []
    if before and after and not found:
        return False
    known = before or after
    if known is None:
        return False
    kind = "changed" if before and after else "removed" if before else "added"
    if as_json:
        names = {"a": before, "b": after}
        write_json_line(
            {"change": kind}
            | {name: _named(entry) for name, entry in names.items() if entry}
            | {"differences": list(map(difference_as_json, found))}
        )
        return True
    mark, style = {"changed": ("~", "yellow"), "removed": ("-", "red"), "added": ("+", "green")}[kind]
    write_styled(f"{mark} {_title(before, after)}", style)
    write_differences(found, indent=2)
    return True


def _named(entry: Entry) -> dict[str, Any]:
    return {"key": entry.key} | ({} if entry.number is None else {"number": entry.number})


def _title(before: Entry | None, after: Entry | None) -> str:
    known = [entry for entry in (before, after) if entry]
    names = list(dict.fromkeys(entry.key for entry in known))
    numbers = list(dict.fromkeys(f"#{entry.number}" for entry in known if entry.number is not None))
    about = one_line(endpoint(known[0].recording.request))
    return "  ".join([" ".join(name if len(names) == 1 else name[:12] for name in names), *numbers[:2], about])
