"""Disk caches: whether a hit costs more among many recordings, and what a recording takes on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from callers import caller, replay, right
from measure import Arm, Figure, interleave
from run import Row, Run, library_of, stored_chats
from traffic import Case, Item, chat_request, events, mock

__all__ = ["rows"]

FEW = 100
SIZED = 2_000
"""A size that nothing else is recorded into."""


def rows(run: Run) -> Iterator[Row]:
    """Growth, and bytes."""
    most = run.many if run.quick else 100_000
    for library in ("httpx2", "httpx"):
        yield Row(
            f"growth.{library}",
            f"hit, {most:,} over {FEW}, {library}",
            "x",
            lambda library=library: growth(run, library, most),
            1.05,
        )
    yield Row("stores.bytes.small", "disk bytes, small answer", "x", lambda: small_bytes(run), 2)
    yield Row("stores.bytes.stream", "disk bytes, 400-chunk stream", "x", lambda: stream_bytes(run), 2)


def growth(run: Run, library_name: str, most: int) -> Figure:
    """A hit in the larger store over the same in the smaller; what is asked for lies spread in the larger."""
    library = library_of(library_name)
    few, many = stored_chats(range(FEW)), stored_chats(range(0, most, most // FEW))
    calls = [
        caller(library, "sync", replay(library, "sync", store=str(run.stored(size)), mode="replay"), few)
        for size in (FEW, most)
    ]
    pairs = list(zip(few.items, many.items, strict=True))
    check = right(few)
    arms = [
        Arm(
            lambda place=place: lambda pair: calls[place](pair[place]),
            lambda result, pair, place=place: check(result, pair[place]),
        )
        for place in (0, 1)
    ]
    return interleave(*arms, pairs, run.plan)


def small_bytes(run: Run) -> Figure:
    """Of chats of which each has an answer of a kilobyte."""
    return _bytes(run.stored(SIZED), stored_chats(range(SIZED)).items)


def stream_bytes(run: Run) -> Figure:
    """Of streams."""
    case = Case(lambda number: chat_request(number, stream=True), range(50 if run.quick else 200), events(), True)
    directory = run.directory("streams")
    library = library_of("httpx2")
    upstream = mock(library, case.answer, streamed=True, numbered=True)
    with replay(library, "sync", upstream, store=str(directory), mode="record") as transport:
        call = caller(library, "sync", transport, case)
        for item in case.items:
            right(case)(call(item), item)
    return _bytes(directory, case.items)


def _bytes(directory: Path, items: Sequence[Item]) -> Figure:
    """All files of the directory over the heads and bodies of the responses."""
    responses = 0
    for item in items:
        head = sum(len(name) + len(value) + 4 for name, value in item.answer.headers)
        responses += head + len(item.answer.body)
    held = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    each = {"entry_bytes": held / len(items), "response_bytes": responses / len(items)}
    return Figure(held / responses, by="size of files", details=each)
