"""A hit in the disk cache against the client library's own MockTransport, which answers from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from callers import Kind, caller, replay
from measure import Arm, Figure, interleave
from run import Row, Run, library_of
from traffic import (
    EMBEDDINGS,
    LONG,
    Case,
    Item,
    chat_answer,
    chat_request,
    embeddings_answer,
    embeddings_request,
    events,
    image_request,
    mock,
)

__all__ = ["openai_rows", "plain_rows"]

SMALL = Case(chat_request, range(1_000_000, 1_000_024), chat_answer())
LONG_ONE = Case(lambda number: chat_request(number, LONG), range(1_001_000, 1_001_012), chat_answer())
IMAGE = Case(image_request, range(1_002_000, 1_002_004), chat_answer())
STREAM = Case(lambda number: chat_request(number, stream=True), range(1_003_000, 1_003_004), events(), True)
VECTORS = Case(embeddings_request, range(1_004_000, 1_004_004), embeddings_answer(), url=EMBEDDINGS)


def plain_rows(run: Run, library: str) -> Iterator[Row]:
    """Through a plain client of the library."""
    cases = (
        ("small", "small", SMALL, 1.30),
        ("300k", "300 KB request", LONG_ONE, 1.4),
        ("1m", "1 MB, an image in it", IMAGE, 2.0),
        ("stream", "400-chunk stream", STREAM, 1.3),
    )
    kinds: tuple[Kind, ...] = ("sync", "async")
    for kind in kinds:
        for name, what, case, goal in cases:
            yield Row(
                f"hits.{library}.{kind}.{name}",
                f"{what}, {library}{' async' if kind == 'async' else ''}",
                "x",
                lambda kind=kind, case=case: measure(run, library, kind, case),
                goal,
            )
    yield Row(
        f"hits.{library}.sync.300k-new",
        f"300 KB request, not seen, {library}",
        "x",
        lambda: measure(run, library, "sync", LONG_ONE, anew=True),
    )


def openai_rows(run: Run) -> Iterator[Row]:
    """Through the OpenAI client."""
    cases = (
        ("small", "small", SMALL, 1.10),
        ("300k", "300 KB request", LONG_ONE, 1.03),
        ("stream", "400-chunk stream", STREAM, 1.03),
        ("embeddings", "98 KB of embeddings", VECTORS, 1.03),
    )
    kinds: tuple[Kind, ...] = ("openai", "openai async")
    for kind in kinds[:1] if run.quick else kinds:
        for name, what, case, goal in cases:
            yield Row(
                f"hits.{kind.replace(' ', '-')}.{name}",
                f"{what}, {kind}",
                "x",
                lambda kind=kind, case=case: measure(run, "httpx2", kind, case),
                goal,
            )


def measure(run: Run, library_name: str, kind: Kind, case: Case, *, anew: bool = False) -> Figure:
    """Records what is asked for, and measures it replayed.

    Args:
        run: the run.
        library_name: httpx or httpx2.
        kind: of client.
        case: what is asked.
        anew: every batch has a new transport, so that it sees no request twice.
    """
    library = library_of(library_name)
    directory = str(run.stored(run.many))
    upstream = mock(library, case.answer, streamed=True, numbered=True)
    record = caller(library, kind, replay(library, kind, upstream, store=directory, mode="record"), case)
    floor_call = caller(library, kind, mock(library, case.answer, streamed=case.streamed), case)

    def hits() -> Callable[[Item], Any]:
        return caller(library, kind, replay(library, kind, store=directory, mode="replay"), case)

    live = caller(library, kind, mock(library, case.answer, streamed=True, numbered=True), case)
    answers = {item.number: run.ask(live, item) for item in case.items}
    unnumbered = run.ask(floor_call, case.items[0])
    hit_call = hits()

    def check_floor(result: Any, _: Item) -> None:
        assert result == unnumbered, "the floor gave another answer"

    def check_hit(result: Any, item: Item) -> None:
        assert result == answers[item.number], f"another answer to request {item.number}"

    for item in case.items:
        run.ask(record, item)
        check_hit(run.ask(hit_call, item), item)
    return interleave(
        Arm(lambda: floor_call, check_floor),
        Arm(hits if anew else lambda: hit_call, check_hit),
        case.items,
        run.plan,
        loop=run.loop,
        calls=len(case.items) if anew else None,
    )
