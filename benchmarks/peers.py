"""The same hits through replaycache, vcrpy and hishel, each against the floor of the library's MockTransport.

Every one has the recordings it is asked for and no miss. What a peer cannot do stands in the last column.

vcrpy matches by the body too, as for LLM calls it must (its default does not look at it), and may repeat an
answer. hishel keeps GET and HEAD; where it does not replay a POST it is measured with a GET of the same answer.
"""

from __future__ import annotations

import importlib
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from measure import Arm, Plan, Ratio, interleave
from report import Bar, Column, arguments, draw, print_table, save
from traffic import CHAT, HEADERS, Answer, chat_answer, chat_request, events, mock

COLUMNS = (
    Column("case", 26, right=False),
    Column("floor us", 8),
    Column("ratio", 5),
    Column("min-max", 10),
    Column("what it cannot do", 27, right=False),
)
STORED = 100


@dataclass(frozen=True)
class Case:
    """What is asked, by which method, and what answers."""

    name: str
    bodies: tuple[bytes, ...]
    answer: Answer
    streamed: bool


def cases() -> list[Case]:
    """The hits that are compared."""
    small = tuple(json.dumps(chat_request(number)).encode() for number in range(STORED))
    streams = tuple(json.dumps(chat_request(number, stream=True)).encode() for number in range(STORED))
    return [
        Case("small", small, chat_answer(), False),
        Case("stream", streams, events(), True),
    ]


Call = Callable[[bytes], list[bytes]]


def caller(client: Any, case: Case, method: str) -> Call:
    """What asks and gives the chunks it read. A GET carries its question in the URL."""

    def call(body: bytes) -> list[bytes]:
        url = CHAT if method == "POST" else f"{CHAT}?{zlib.crc32(body)}"
        content = body if method == "POST" else None
        if not case.streamed:
            return [client.request(method, url, content=content, headers=HEADERS).content]
        with client.stream(method, url, content=content, headers=HEADERS) as response:
            return list(response.iter_raw())

    return call


class Counting:
    """An upstream that counts how often it is called: a replay must not reach it."""

    def __init__(self, library: ModuleType, case: Case) -> None:
        self.calls = 0
        answer = mock(library, case.answer, streamed=True)

        def respond(request: Any) -> Any:
            self.calls += 1
            return answer.handle_request(request)

        self.transport = library.MockTransport(respond)


@contextmanager
def ours(library: ModuleType, case: Case, method: str, directory: Path) -> Iterator[tuple[Call, Counting]]:
    """replaycache over a disk store."""
    adapter = importlib.import_module(f"replaycache.{library.__name__}")
    upstream = Counting(library, case)
    transport = adapter.ReplayTransport(upstream.transport, store=str(directory), mode="auto")
    with library.Client(transport=transport) as client:
        yield caller(client, case, method), upstream


@contextmanager
def vcrpy(library: ModuleType, case: Case, method: str, directory: Path) -> Iterator[tuple[Call, Counting]]:
    """vcrpy over a YAML cassette: recorded, closed, and opened again to be played."""
    import vcr

    options: dict[str, Any] = {"match_on": ["method", "uri", "body"], "allow_playback_repeats": True}
    path = str(directory / "cassette.yaml")
    upstream = Counting(library, case)
    with library.Client(transport=upstream.transport) as client:
        call = caller(client, case, method)
        with vcr.use_cassette(path, record_mode="all", **options):
            for body in case.bodies:
                call(body)
        with vcr.use_cassette(path, record_mode="none", **options):
            yield call, upstream


@contextmanager
def hishel(library: ModuleType, case: Case, method: str, directory: Path) -> Iterator[tuple[Call, Counting]]:
    """hishel over its SQLite storage."""
    from hishel import SqliteStorage

    adapter = importlib.import_module(f"hishel.{library.__name__}")
    upstream = Counting(library, case)
    storage = SqliteStorage(database_path=directory / "hishel.db")
    with library.Client(transport=adapter.CacheTransport(upstream.transport, storage=storage)) as client:
        yield caller(client, case, method), upstream


Peer = Callable[..., Any]


def replays(call: Call, upstream: Counting, case: Case) -> bool:
    """Records every request, then asks again: whether upstream was left alone, and the bytes are right."""
    for body in case.bodies:
        call(body)
    before = upstream.calls
    for body in case.bodies[:5]:
        assert b"".join(call(body)) == case.answer.body, "another answer"
    return upstream.calls == before


def measure_peer(peer: Peer, library: ModuleType, case: Case, plan: Plan) -> tuple[Ratio | None, list[str]]:
    """The ratio to the floor, and what the peer cannot do; None where it cannot do the case at all."""
    cannot: list[str] = []
    for method in ("POST", "GET"):
        # made before vcrpy patches the class
        client = library.Client(transport=mock(library, case.answer, streamed=case.streamed))
        floor = caller(client, case, method)
        with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory, ExitStack() as stack:
            try:
                call, upstream = stack.enter_context(peer(library, case, method, Path(directory)))
            except ImportError:
                return None, [f"no {library.__name__}"]
            if not replays(call, upstream, case):
                cannot.append(f"no {method}")
                continue
            if case.streamed and len(call(case.bodies[0])) != len(case.answer.chunks):
                cannot.append(f"{len(call(case.bodies[0]))} of {len(case.answer.chunks)} chunks")

            def check(result: list[bytes], body: bytes = case.answer.body) -> None:
                assert b"".join(result) == body, "another answer"

            arms = [Arm(lambda which=which: which, check) for which in (floor, call)]
            before = upstream.calls
            ratio = interleave(*arms, case.bodies, plan)
            assert upstream.calls == before, "upstream was called"
            return ratio, cannot
    return None, cannot


def peers() -> Sequence[tuple[str, Peer]]:
    """Who is compared, as far as it is installed."""
    found: list[tuple[str, Peer]] = [("replaycache", ours)]
    for name, module, peer in (("vcrpy", "vcr", vcrpy), ("hishel", "hishel", hishel)):
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"{name} is not installed: left out")
        else:
            found.append((name, peer))
    return found


def main() -> None:
    """Measures every peer and reports."""
    parser = arguments(__doc__)
    options = parser.parse_args()
    plan = Plan(5 if options.quick else 21, 0.004)  # vcrpy takes seconds for what the others do in one batch
    rows, bars, data = [], [], []
    for library_name in ("httpx2", "httpx"):
        library = importlib.import_module(library_name)
        for case in cases():
            for peer_name, peer in peers():
                name = f"{library_name} {case.name}: {peer_name}"
                ratio, cannot = measure_peer(peer, library, case, plan)
                data.append({"case": name, "cannot": cannot, **(vars(ratio) if ratio else {})})
                figures = ["", "-", ""]
                if ratio:
                    spread = f"{ratio.least:.2f}-{ratio.greatest:.2f}"
                    figures = [f"{ratio.floor * 1e6:,.0f}", f"{ratio.median:.2f}", spread]
                    bars.append(Bar(name, ratio.median, None))
                rows.append([name, *figures, "; ".join(cannot) or "-"])
    print_table(COLUMNS, rows, [f"{STORED} recordings each; a GET is measured against a GET of the floor"])
    save("peers", data, stored=STORED)
    draw("peers", f"hits with {STORED} recordings", "times the floor", bars, floor=1)


if __name__ == "__main__":
    main()
