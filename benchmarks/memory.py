"""The peak memory of a process that reads a stream of 100 MB, over that of a bare client, in MB."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Figure, fresh_environment, fresh_process
from run import Row, Run
from starting import PROCESS

__all__ = ["rows"]

MEGABYTE = 1 << 20
CHUNK = 1 << 10
EVENT = 256
"""Bytes of an event in a cassette."""


def rows(run: Run) -> Iterator[Row]:
    """Recording and replaying, in chunks of a kilobyte."""
    megabytes = 10 if run.quick else 100
    both = (("httpx2", "sync"), ("httpx2", "async"), ("httpx", "sync"))
    for library, kind in both[:1] if run.quick else both:
        told = f"{library}{' async' if kind == 'async' else ''}"
        for way, goal in (("replay", 5.0), ("record", None)):
            yield Row(
                f"memory.{library}.{kind}.{way}",
                f"{megabytes} MB stream, {way}, {told}",
                "MB",
                lambda library=library, kind=kind, way=way: peak_over_bare(run, library, kind, way, megabytes),
                goal,
            )
    for way in ("record", "replay"):
        yield Row(
            f"memory.cassette.{way}",
            f"a stream in a cassette, {way}",
            "x",
            lambda way=way: times_the_answer(run, way),
        )


def times_the_answer(run: Run, way: str) -> Figure:
    """The peak over that of a stream of one chunk, in sizes of the answer."""
    environment = fresh_environment(run.bytecode)
    size = (1 if run.quick else 8) * MEGABYTE

    def peak(which: str, length: int) -> int:
        cassette = run.workspace / f"stream-{length}.json"
        if which == "record":
            cassette.unlink(missing_ok=True)
        command = [PROCESS, "stream", "httpx2", "sync", which, str(cassette), str(length), str(EVENT)]
        return int(fresh_process(command, environment)[1])

    peaks = {length: (peak("record", length), peak("replay", length)) for length in (EVENT, EVENT, size)}
    which = ("record", "replay").index(way)
    return Figure((peaks[size][which] - peaks[EVENT][which]) / size, by="peak memory")


def peak_over_bare(run: Run, library: str, kind: str, way: str, megabytes: int) -> Figure:
    """The peak over the bare client's; in the details, what of it is not replaycache's code and imports."""
    environment = fresh_environment(run.bytecode)
    size = megabytes * MEGABYTE
    directory = run.workspace / f"memory-{library}-{kind}"

    def peak(which: str, length: int) -> float:
        command = [PROCESS, "stream", library, kind, which, str(directory), str(length), str(CHUNK)]
        return int(fresh_process(command, environment)[1]) / MEGABYTE

    if not directory.exists():
        for length in (CHUNK, size):
            peak("record", length)
    bare, idle, ours = peak("bare", size), peak(way, CHUNK), peak(way, size)
    return Figure(ours - bare, by="peak memory", details={"bare": bare, "of_the_stream": ours - idle})
