"""Errors and replayed responses are pickled and copied, and reach whoever waits for a pool."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from replaycache import (
    Body,
    CacheMiss,
    Chunk,
    Recording,
    Refused,
    ReplayCacheError,
    ReplayCacheWarning,
    Request,
    ResponseHead,
    StoreError,
)
from replaycache.stores import DiskStore, MemoryStore
from tests.drivers import ALL, Driver
from tests.scripted_server import ScriptedServer, counting_answers

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
REQUEST = Request("POST", "https://api.openai.com/v1/chat/completions", (), b"{}")
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
ERRORS = [
    value
    for value in vars(importlib.import_module("replaycache._errors")).values()
    if inspect.isclass(value) and issubclass(value, (ReplayCacheError, Refused, ReplayCacheWarning))
]
copies = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
drivers = pytest.mark.parametrize("driver", ALL, ids=str)


def recording(**parts: Any) -> Recording:
    made = {
        "request": REQUEST,
        "head": ResponseHead(200, (("content-type", "text/plain"),)),
        "body": Body.of([Chunk(b"an ", 0.0), Chunk(b"answer", 0.5)]),
        "digest": "d",
        "recorded_at": 1.0,
    }
    return Recording(**(made | parts))


@copies
@pytest.mark.parametrize("kind", [kind for kind in ERRORS if kind is not CacheMiss])
def test_an_error_is_copied(kind: type[BaseException], copied: Callable[[Any], Any]) -> None:
    error = kind("what is wrong")
    error.add_note("and what was going on")

    came = copied(error)

    assert type(came) is kind
    assert (str(came), came.__notes__) == ("what is wrong", ["and what was going on"])


@copies
@pytest.mark.parametrize("nearest", [None, recording(), recording(request=lambda: REQUEST)], ids=repr)
def test_a_miss_is_copied(nearest: Recording | None, copied: Callable[[Any], Any]) -> None:
    miss = CacheMiss("nothing fits", reason="expired", request=REQUEST, nearest=nearest, key="k")
    miss.add_note("and what was going on")

    came = copied(miss)

    assert type(came) is CacheMiss
    assert (str(came), came.reason, came.request, came.nearest, came.key, came.__notes__) == (
        "nothing fits",
        "expired",
        REQUEST,
        nearest,
        "k",
        ["and what was going on"],
    )


@copies
def test_a_miss_is_copied_whose_nearest_cannot_be_read_any_more(copied: Callable[[Any], Any]) -> None:
    def read() -> Request:
        raise StoreError("the store is closed")

    miss = CacheMiss("nothing fits", reason="expired", request=REQUEST, nearest=recording(request=read))

    came = copied(miss)

    assert (str(came), came.nearest) == ("nothing fits", None)


@copies
def test_a_recording_in_a_file_is_copied(copied: Callable[[Any], Any], tmp_path: Path) -> None:
    stored = recording(body=Body.of([Chunk(bytes([number]) * 1_000_000, number) for number in range(3)]))
    store = DiskStore(tmp_path)
    store.put("k", stored)
    found = store.get("k")

    came = copied(found)
    store.close()

    assert came.request == stored.request
    assert pickle.loads(pickle.dumps(came.body)) == came.body == stored.body


@copies
@drivers
def test_a_replayed_response_is_copied(driver: Driver, copied: Callable[[Any], Any], tmp_path: Path) -> None:
    store = DiskStore(tmp_path)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                first = await client.post(server.url + "/v1/chat/completions", json=ASKED)
                hit = await client.post(server.url + "/v1/chat/completions", json=ASKED)
                assert hit.extensions["replaycache"].status == "hit"

                came = copied(hit)

                assert (came.status_code, came.headers, came.content) == (200, hit.headers, first.content)
                assert came.json() == first.json()
                assert came.request.url == hit.request.url
                assert came.num_bytes_downloaded == hit.num_bytes_downloaded
                if driver.is_async:
                    assert [piece async for piece in came.aiter_bytes()] == [first.content]
                else:
                    assert list(came.iter_bytes()) == [first.content]

    driver.run(body)


def ask_what_is_not_recorded() -> str:
    adapter = importlib.import_module("replaycache.httpx")
    library = importlib.import_module("httpx")
    with library.Client(transport=adapter.ReplayTransport(store=MemoryStore(), mode="replay")) as client:
        return str(client.post("https://api.openai.com/v1/chat/completions", json=ASKED))


@pytest.mark.parametrize(
    "executor",
    [lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn")), lambda: ThreadPoolExecutor(1)],
    ids=["processes", "threads"],
)
def test_a_miss_comes_out_of_an_executor(executor: Callable[[], Executor]) -> None:
    with executor() as pool:
        future = pool.submit(ask_what_is_not_recorded)
        with pytest.raises(CacheMiss, match="no recording answers this request") as caught:
            future.result(60)

    assert caught.value.reason == "no_recording"
    assert caught.value.request.json() == ASKED


POOL = """
import sys
from multiprocessing.pool import Pool, ThreadPool
from tests.test_pickling import ask_what_is_not_recorded

with KIND(1) as pool:
    result = pool.apply_async(ask_what_is_not_recorded)
    sys.stdin.readline()
    print(result.ready())
"""


@pytest.mark.skipif(os.name == "nt", reason="a spawned process cannot import what stands in -c")
@pytest.mark.parametrize("kind", ["Pool", "ThreadPool"])
def test_a_pool_that_hands_on_exceptions_only_shows_a_miss_on_standard_error(kind: str) -> None:
    """Whoever waits for the result waits for ever."""
    with subprocess.Popen(
        [sys.executable, "-c", POOL.replace("KIND", kind)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any(
            "no recording answers this request, and upstream was not called" in line for line in process.stderr
        )
        told, _ = process.communicate("\n", timeout=60)

    assert told == "False\n"
