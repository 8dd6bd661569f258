"""Claim: a cassette opens fast, and a hit in it costs the same whatever its size.

For cassettes of 10, 1,000 and 10,000 recordings: the time from a fresh client to its first answer, and the time of
a hit after that, against the floor of the library's MockTransport. vcrpy and cassetter beside us, matching by the
body too, as for LLM calls they must; what they cannot open in `PATIENCE` seconds is left out.
"""

from __future__ import annotations

import importlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from report import Bar, Column, arguments, draw, goal, print_table, save
from traffic import CHAT, HEADERS, Answer, chat_answer, chat_request, events, mock
from upstream import CHUNKS, running

from replaycache import use_cassette
from replaycache._models import Body, Chunk, Recording, Request, ResponseHead
from replaycache.stores.cassette.text import dump, dump_recording

COLUMNS = (
    Column("case", 30, right=False),
    Column("open+first ms", 13),
    Column("hit us", 8),
    Column("hit/floor", 9),
    Column("goal of the hit", 15, right=False),
)
SIZES = (10, 1_000, 10_000)
PATH = "/v1/chat/completions"
PATIENCE = 60.0
HIT_GOAL = 1.4


def bodies(count: int, streamed: bool) -> list[bytes]:
    """The requests of a cassette."""
    return [json.dumps(chat_request(number, stream=streamed)).encode() for number in range(count)]


def write_ours(path: Path, url: str, count: int, answer: Answer, streamed: bool) -> None:
    """A cassette of replaycache, written as text: to record 10,000 would take the longer time."""
    kind = "text/event-stream" if streamed else "application/json"
    chunks = [Chunk(data, number / 1000) for number, data in enumerate(answer.chunks)]
    headers = (("content-type", "application/json"),)
    path.write_text(
        dump(
            dump_recording(
                Recording(
                    request=Request("POST", url, headers, body),
                    head=ResponseHead(200, (("content-type", kind),)),
                    body=Body.of(chunks),
                    digest="",
                    recorded_at=1_700_000_000.0,
                )
            )
            for body in bodies(count, streamed)
        ),
        encoding="utf-8",
    )


def record(context: Callable[[], Any], url: str, count: int, streamed: bool) -> None:
    """Lets a peer record its cassette from the upstream that runs."""
    with context(), httpx2.Client() as client:
        for body in bodies(count, streamed):
            client.post(url, content=body, headers=HEADERS).raise_for_status()


@contextmanager
def ours(path: Path) -> Iterator[None]:
    """replaycache's context."""
    with use_cassette(path.with_suffix(".json"), mode="replay"):
        yield


def vcrpy(path: Path, mode: str) -> Any:
    """vcrpy's context."""
    vcr = importlib.import_module("vcr")
    return vcr.use_cassette(str(path), record_mode=mode, match_on=["method", "uri", "body"])


def cassetter(path: Path, mode: str) -> Any:
    """cassetter's context."""
    package = importlib.import_module("cassetter")
    return package.use_cassette(path, record_mode=mode, match_on=["method", "uri", "body"])


def open_and_hit(context: Callable[[], Any], url: str, asked: list[bytes], rounds: int) -> tuple[float, float]:
    """Seconds from opening the cassette to the first answer, and seconds of a further hit; medians.

    Every recording is asked for once: some of the peers play it only once.
    """
    opening, hitting = [], []
    for _ in range(rounds):
        with httpx2.Client() as client:
            started = time.perf_counter()
            with context():
                assert client.post(url, content=asked[0], headers=HEADERS).status_code == 200
                opening.append(time.perf_counter() - started)
                for body in asked[1:]:
                    started = time.perf_counter()
                    client.post(url, content=body, headers=HEADERS).read()
                    hitting.append(time.perf_counter() - started)
    return statistics.median(opening), statistics.median(hitting)


def floor(answer: Answer, asked: list[bytes], streamed: bool) -> float:
    """Seconds of a call that MockTransport answers."""
    client = httpx2.Client(transport=mock(httpx2, answer, streamed=streamed))
    took = []
    for _ in range(400):
        started = time.perf_counter()
        client.post(CHAT, content=asked[0], headers=HEADERS).read()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def peers() -> list[str]:
    """Who is compared, as far as it is installed."""
    found = ["replaycache"]
    for name, module in (("cassetter", "cassetter"), ("vcrpy", "vcr")):
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"{name} is not installed: left out")
        else:
            found.append(name)
    return found


def measure(name: str, size: int, streamed: bool, quick: bool) -> tuple[float, float, float] | str:
    """Opening, hit and floor in seconds; or why they could not be had."""
    answer = events(CHUNKS) if streamed else chat_answer()
    asked = bodies(size, streamed)[size // 2 :][:200]
    rounds = 2 if quick else 5
    with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory:
        path = Path(directory) / "cassette.yaml"
        base = floor(answer, asked, streamed)
        if name == "replaycache":
            write_ours(path.with_suffix(".json"), CHAT, size, answer, streamed)
            return (*open_and_hit(lambda: ours(path), CHAT, asked, rounds), base)
        peer = {"vcrpy": (vcrpy, "all", "none"), "cassetter": (cassetter, "once", "none")}[name]
        if size > 1_000:
            return "not recorded: too slow"
        started = time.perf_counter()
        try:
            with running() as url:  # a peer may stand below the client library, where MockTransport is not seen
                record(lambda: peer[0](path, peer[1]), url + PATH, size, streamed)
            slow = time.perf_counter() - started > PATIENCE
            # upstream is gone: what answers now is the cassette
            opened = open_and_hit(lambda: peer[0](path, peer[2]), url + PATH, asked, 1 if slow else 2)
            return (*opened, base)
        except Exception as error:
            return f"cannot: {type(error).__name__}"


def main() -> None:
    """Measures every cassette and reports."""
    parser = arguments(__doc__)
    options = parser.parse_args()
    rows, bars, data = [], [], []
    sizes = SIZES[:2] if options.quick else SIZES
    for streamed in (False, True):
        for size in sizes if not streamed else sizes[:2]:
            for name in peers():
                case = f"{'stream' if streamed else 'small'} {size:,}: {name}"
                found = measure(name, size, streamed, options.quick)
                if isinstance(found, str):
                    rows.append([case, "-", "-", "-", found])
                    data.append({"case": case, "cannot": found})
                    continue
                opening, hit, base = found
                limit = HIT_GOAL if name == "replaycache" and not streamed else None
                ratio = hit / base
                rows.append(
                    [case, f"{opening * 1e3:,.1f}", f"{hit * 1e6:,.0f}", f"{ratio:.2f}", goal(ratio, limit)]
                )
                data.append({"case": case, "open_s": opening, "hit_s": hit, "floor_s": base, "ratio": ratio})
                bars.append(Bar(case, opening * 1e3, None))
    print_table(COLUMNS, rows)
    save("cassettes", data)
    draw("cassettes", "Opening a cassette, to the first answer", "milliseconds", bars)


if __name__ == "__main__":
    main()
