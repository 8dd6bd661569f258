"""Claim: a recording into a cassette costs the same at the 10,000th call as at the 100th, and seconds in all.

Calls of 2 KB are recorded one after the other through a client whose upstream is the library's MockTransport, so
that the time is ours; the floor is the same without us. For vcrpy and cassetter beside us, which write their file
at the end of the block, that is counted. Who takes longer than `PATIENCE` seconds for one size has no larger one.
"""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
from report import Bar, Column, arguments, draw, goal, print_table, save
from traffic import CHAT, HEADERS, chat_answer, mock
from upstream import running

from cassettes import bodies, peers
from replaycache import use_cassette
from replaycache.httpx2 import ReplayTransport

COLUMNS = (
    Column("case", 24, right=False),
    Column("all s", 7),
    Column("100th us", 9),
    Column("last us", 9),
    Column("last/100th", 10),
    Column("goal", 14, right=False),
)
SIZES = (100, 1_000, 10_000)
PATIENCE = 120.0
GROWTH_GOAL = 1.5
ALL_GOAL = 10.0
PATH = "/v1/chat/completions"


def timed(client: Any, url: str, asked: list[bytes]) -> list[float]:
    """Seconds of each call."""
    took = []
    for body in asked:
        started = time.perf_counter()
        client.post(url, content=body, headers=HEADERS).raise_for_status()
        took.append(time.perf_counter() - started)
    return took


def ours(path: Path, asked: list[bytes]) -> tuple[float, list[float]]:
    """Seconds in all, and of each call, of a transport of ours."""
    started = time.perf_counter()
    inner = mock(httpx2, chat_answer(), streamed=False)
    with httpx2.Client(transport=ReplayTransport(inner, store=str(path), mode="auto")) as client:
        took = timed(client, CHAT, asked)
    return time.perf_counter() - started, took


def deferred(path: Path, asked: list[bytes]) -> tuple[float, list[float]]:
    """The same, written once at the end, as under pytest."""
    from replaycache.stores import CassetteStore

    store = CassetteStore(path)
    started = time.perf_counter()
    with running() as url, store.deferred(), use_cassette(store, mode="auto"), httpx2.Client() as client:
        took = timed(client, url + PATH, asked)
    return time.perf_counter() - started, took


def floor(asked: list[bytes]) -> list[float]:
    """Seconds of each call without us."""
    with httpx2.Client(transport=mock(httpx2, chat_answer(), streamed=False)) as client:
        return timed(client, CHAT, asked)


def peer(name: str, path: Path, asked: list[bytes]) -> tuple[float, list[float]]:
    """The same of a peer, which stands below the client library and so has a real upstream."""
    contexts: dict[str, Callable[[], AbstractContextManager[Any]]] = {
        "vcrpy": lambda: importlib.import_module("vcr").use_cassette(str(path), record_mode="all"),
        "cassetter": lambda: importlib.import_module("cassetter").use_cassette(path, record_mode="once"),
    }
    with running() as url:
        started = time.perf_counter()
        with contexts[name](), httpx2.Client() as client:
            took = timed(client, url + PATH, asked)
        return time.perf_counter() - started, took


def main() -> None:
    """Measures and reports."""
    options = arguments(__doc__).parse_args()
    rows, data, bars = [], [], []
    sizes = SIZES[:2] if options.quick else SIZES
    slow: set[str] = set()
    for size in sizes:
        asked = bodies(size, streamed=False)
        base = statistics.median(floor(asked[:100]))
        for name in (*peers(), "replaycache, deferred"):
            if name in slow:
                continue
            with tempfile.TemporaryDirectory(prefix="replaycache-benchmark-") as directory:
                path = Path(directory) / ("c.json" if name.startswith("replaycache") else "c.yaml")
                if name == "replaycache":
                    whole, took = ours(path, asked)
                elif name == "replaycache, deferred":
                    whole, took = deferred(path, asked)
                else:
                    whole, took = peer(name, path, asked)
            if whole > PATIENCE:
                slow.add(name)
            early, late = statistics.median(took[80:120]), statistics.median(took[-40:])
            is_ours = name == "replaycache" and size == SIZES[-1]
            told = f"{goal(late / early, GROWTH_GOAL)}, {goal(whole, ALL_GOAL, ' s')}" if is_ours else "-"
            case = f"{size:,}: {name}"
            rows.append(
                [case, f"{whole:.2f}", f"{early * 1e6:,.0f}", f"{late * 1e6:,.0f}", f"{late / early:.2f}", told]
            )
            data.append({"case": case, "all_s": whole, "early_s": early, "late_s": late, "floor_s": base})
            bars.append(Bar(case, whole, ALL_GOAL if is_ours else None))
    print_table(COLUMNS, rows, [f"A call without us: {base * 1e6:,.0f} us."])
    save("recording", data)
    draw("recording", "Recording into a cassette", "seconds in all", bars)


if __name__ == "__main__":
    main()
