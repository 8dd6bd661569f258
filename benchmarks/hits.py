"""A hit in the disk cache costs little more than the client library's own MockTransport.

Both run by turns in one process; the table gives their ratio. The floor of a stream is a MockTransport whose
response yields the same chunks from memory.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from measure import Arm, Plan, Ratio, interleave
from report import Bar, Column, arguments, draw, goal, print_table, save
from traffic import (
    CHAT,
    EMBEDDINGS,
    HEADERS,
    Answer,
    chat_answer,
    chat_request,
    embeddings_answer,
    embeddings_request,
    events,
    fill,
    mock,
)

from replaycache.stores import DiskStore

COLUMNS = (
    Column("case", 31, right=False),
    Column("stored", 7),
    Column("floor us", 8),
    Column("ratio", 5),
    Column("min-max", 11),
    Column("goal", 13),
)
LONG = 300_000
"""Bytes of a long request."""


@dataclass(frozen=True)
class Case:
    """What is asked, and what answers.

    Attributes:
        url: where it is posted.
        requests: the bodies, all stored.
        answer: the response to each of them.
        goal: the greatest ratio that is good enough.
        streamed: read chunk by chunk.
        anew: every batch has a new transport, so that it sees no request twice.
    """

    name: str
    url: str
    requests: tuple[dict[str, Any], ...]
    answer: Answer
    goal: float | None
    streamed: bool = False
    anew: bool = False

    @property
    def bodies(self) -> list[bytes]:
        """The requests as they are sent."""
        return [json.dumps(request).encode() for request in self.requests]


def plain_cases() -> list[Case]:
    """Through a plain client."""
    small = tuple(chat_request(number) for number in range(24))
    long = tuple(chat_request(1000 + number, LONG) for number in range(12))
    ask = tuple({**embeddings_request(number), "encoding_format": "base64"} for number in range(4))
    floats = tuple(embeddings_request(100 + number) for number in range(4))
    large = tuple(chat_request(2000 + number) for number in range(4))
    streams = tuple(chat_request(3000 + number, stream=True) for number in range(4))
    return [
        Case("small", CHAT, small, chat_answer(), 1.35),
        Case("300 KB, seen", CHAT, long, chat_answer(), 1.6),
        Case("300 KB, new", CHAT, long, chat_answer(), 15, anew=True),
        Case("1 MB response", CHAT, large, chat_answer(1_000_000), None),
        Case("embeddings, base64", EMBEDDINGS, ask, embeddings_answer(), None),
        Case("embeddings, floats", EMBEDDINGS, floats, embeddings_answer(floats=True), None),
        Case("400-chunk stream", CHAT, streams, events(), 1.55, streamed=True),
    ]


def openai_cases() -> list[Case]:
    """Through the OpenAI client."""
    small = tuple(chat_request(4000 + number) for number in range(24))
    long = tuple(chat_request(5000 + number, LONG) for number in range(12))
    streams = tuple(chat_request(6000 + number, stream=True) for number in range(4))
    ask = tuple(embeddings_request(7000 + number) for number in range(4))
    return [
        Case("small", "chat", small, chat_answer(), 1.15),
        Case("300 KB request", "chat", long, chat_answer(), 1.05),
        Case("400-chunk stream", "chat", streams, events(), 1.05, streamed=True),
        Case("embeddings", "embeddings", ask, embeddings_answer(), 1.05),
    ]


@dataclass(frozen=True)
class Upstream:
    """A transport by its method alone: openai 3 renames the module of httpx2's classes when it is imported."""

    handle_request: Callable[[Any], Any]


@dataclass(frozen=True)
class Way:
    """How cases are called: which library, which client."""

    name: str
    library: ModuleType
    kind: str

    @property
    def adapter(self) -> ModuleType:
        """replaycache's module for the library."""
        return importlib.import_module(f"replaycache.{self.library.__name__}")

    def call(self, case: Case, transport: Any) -> Callable[[Any], Any]:
        """What asks through `transport` and gives what it read."""
        if self.kind == "async":
            client = self.library.AsyncClient(transport=transport)
            return _async_stream(client, case.url) if case.streamed else _async_post(client, case.url)
        client = self.library.Client(transport=transport)
        if self.kind == "openai":
            return _sdk_call(client, case)
        return _stream(client, case.url) if case.streamed else _post(client, case.url)

    def items(self, case: Case) -> Sequence[Any]:
        """What the calls are called with."""
        return case.requests if self.kind == "openai" else case.bodies

    def replay(self, store: DiskStore) -> Any:
        """A transport that replays and refuses to call upstream."""
        name = "AsyncReplayTransport" if self.kind == "async" else "ReplayTransport"
        return getattr(self.adapter, name)(store=store, mode="replay")

    def recorders(self, case: Case, store: DiskStore) -> list[Callable[[], None]]:
        """What stores the case's recordings, through the transport itself; asynchronous ways find them there."""
        inner = Upstream(mock(self.library, case.answer, streamed=True).handle_request)
        call = self.call(case, self.adapter.ReplayTransport(inner, store=store, mode="record"))
        return [lambda item=item: call(item) for item in self.items(case)]


def _post(client: Any, url: str) -> Callable[[bytes], bytes]:
    def call(body: bytes) -> bytes:
        return client.post(url, content=body, headers=HEADERS).content

    return call


def _async_post(client: Any, url: str) -> Callable[[bytes], Any]:
    async def call(body: bytes) -> bytes:
        return (await client.post(url, content=body, headers=HEADERS)).content

    return call


def _stream(client: Any, url: str) -> Callable[[bytes], list[bytes]]:
    def call(body: bytes) -> list[bytes]:
        with client.stream("POST", url, content=body, headers=HEADERS) as response:
            return list(response.iter_raw())

    return call


def _async_stream(client: Any, url: str) -> Callable[[bytes], Any]:
    async def call(body: bytes) -> list[bytes]:
        async with client.stream("POST", url, content=body, headers=HEADERS) as response:
            return [chunk async for chunk in response.aiter_raw()]

    return call


def _sdk_call(client: Any, case: Case) -> Callable[[dict[str, Any]], Any]:
    import openai

    sdk = openai.OpenAI(api_key="sk-benchmark", base_url="https://api.openai.com/v1", http_client=client)
    create = sdk.embeddings.create if case.url == "embeddings" else sdk.chat.completions.create

    def call(request: dict[str, Any]) -> Any:
        answer = create(**request)
        return list(answer) if case.streamed else answer

    return call


def checker(way: Way, case: Case) -> Callable[[Any], None]:
    """What asserts that an answer is the right one, in its own chunks where it was streamed."""
    if way.kind == "openai":
        expected = way.call(case, mock(way.library, case.answer, streamed=case.streamed))(case.requests[0])
    else:
        expected = list(case.answer.chunks) if case.streamed else case.answer.body

    def check(result: Any) -> None:
        assert result == expected, f"{way.name} {case.name}: another answer"

    return check


def measure_case(way: Way, case: Case, store: DiskStore, plan: Plan, loop: asyncio.AbstractEventLoop) -> Ratio:
    """One row: the hit against the floor."""
    check = checker(way, case)
    floor_call = way.call(case, mock(way.library, case.answer, streamed=case.streamed))
    hit_call = way.call(case, way.replay(store))
    floor = Arm(lambda: floor_call, check)
    hit = Arm((lambda: way.call(case, way.replay(store))) if case.anew else (lambda: hit_call), check)
    items = way.items(case)
    return interleave(floor, hit, items, plan, loop=loop, calls=len(items) if case.anew else None)


def measure_growth(way: Way, case: Case, stores: Sequence[DiskStore], plan: Plan) -> Ratio:
    """A hit in the last of the stores against a hit in the first."""
    check = checker(way, case)
    calls = [way.call(case, way.replay(store)) for store in (stores[0], stores[-1])]
    few, many = (Arm(lambda call=call: call, check) for call in calls)
    return interleave(few, many, way.items(case), Plan(plan.rounds * 2, plan.batch))


def ways() -> Iterator[tuple[Way, list[Case]]]:
    """Every way with its cases."""
    plain = plain_cases()
    for name in ("httpx2", "httpx"):
        library = importlib.import_module(name)
        yield Way(f"{name} sync", library, "sync"), plain
        yield Way(f"{name} async", library, "async"), [plain[0], plain[-1]]
        if name == "httpx2":
            yield Way("openai", library, "openai"), openai_cases()


@contextmanager
def filled(sizes: Sequence[int]) -> Iterator[dict[int, DiskStore]]:
    """A store of each size, with the recordings of every case among the others."""
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory:
        stores = {}
        for size in sizes:
            path = Path(directory) / str(size)
            store = DiskStore(path)
            record = [
                each
                for way, cases in ways()
                if way.name in ("httpx2 sync", "openai")
                for case in cases
                if not case.anew
                for each in way.recorders(case, store)
            ]
            stores[size] = fill(path, max(size, len(record)), record)
            print(f"stored {len(stores[size]):,} recordings", flush=True)
        yield stores


def row(name: str, stored: str, ratio: Ratio, limit: float | None) -> list[str]:
    """The cells of a row."""
    return [
        name,
        stored,
        f"{ratio.floor * 1e6:,.0f}",
        f"{ratio.median:.2f}",
        f"{ratio.least:.2f}-{ratio.greatest:.2f}",
        goal(round(ratio.median, 3), limit),
    ]


def main() -> None:
    """Fills the stores, measures every case, and reports."""
    parser = arguments(__doc__)
    parser.add_argument("--entries", default="100,10000", help="sizes of the store; default 100,10000")
    parser.add_argument("--only", default="", help="measure only cases whose name contains this")
    options = parser.parse_args()
    plan = Plan.of(options.quick)
    sizes = sorted(int(size) for size in options.entries.split(","))
    rows, bars, data = [], [], []

    def add(name: str, stored: str, ratio: Ratio, limit: float | None) -> None:
        rows.append(row(name, stored, ratio, limit))
        bars.append(Bar(f"{name}, {stored}", ratio.median, limit))
        data.append({"case": name, "stored": stored, "goal": limit, **vars(ratio)})

    loop = asyncio.new_event_loop()
    with filled(sizes) as stores:
        for way, cases in ways():
            for case in cases:
                name = f"{way.name}: {case.name}"
                if options.only not in name:
                    continue
                for size, store in stores.items():
                    add(name, f"{size:,}", measure_case(way, case, store, plan, loop), case.goal)
                if len(sizes) > 1 and case.name == "small" and way.kind == "sync":
                    ratio = measure_growth(way, case, list(stores.values()), plan)
                    add(f"{way.name}: small, growth", f"{sizes[-1]:,}", ratio, 1.05)
    loop.close()
    print_table(
        COLUMNS,
        rows,
        [
            "ratio: median of the rounds, a hit over MockTransport answering from memory",
            f"growth: a hit among that many over a hit among {sizes[0]:,}",
        ],
    )
    save("hits", data, sizes=sizes)
    draw("hits", "a hit in the disk cache", "times the floor", bars, floor=1)


if __name__ == "__main__":
    main()
