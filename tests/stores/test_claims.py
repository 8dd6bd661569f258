"""Identical requests in flight at once in several processes make one upstream call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from replaycache.stores.claims import Claims
from tests.drivers import ASYNC, SYNC, Driver
from tests.engine.test_flights import Gate
from tests.scripted_server import ScriptedServer
from tests.tables import one_in
from tests.test_transports import ASKED, CHAT

PROGRAM = """
import anyio, importlib, json, logging, sys
library, kind, url, store, body = sys.argv[1:]
logging.basicConfig(level=logging.DEBUG, format="%(message)s", stream=sys.stdout)
logging.getLogger().handlers[0].addFilter(logging.Filter("replaycache"))
module, adapter = importlib.import_module(library), importlib.import_module(f"replaycache.{library}")
async def ask():
    transport = adapter.AsyncReplayTransport(store=store)
    async with module.AsyncClient(transport=transport, timeout=60) as client:
        return await client.post(url, json=json.loads(body))
if kind == "async":
    response = anyio.run(ask)
else:
    with module.Client(transport=adapter.ReplayTransport(store=store), timeout=60) as client:
        response = client.post(url, json=json.loads(body))
print("answer", response.extensions["replaycache"].status, response.text, flush=True)
"""


@contextmanager
def asking(driver: Driver, url: str, store: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that asks the same as the others."""
    kind = "async" if driver in ASYNC else "sync"
    program = [sys.executable, "-c", PROGRAM, driver.library, kind, url + CHAT, str(store), json.dumps(ASKED)]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as it:
        try:
            yield it
        finally:
            it.kill()


def line_of(process: subprocess.Popen[str], start: str) -> str:
    """The next line that begins so."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(start):
            return line.strip()
    raise AssertionError(f"no line began with {start!r}: {seen}")


def two_make_one_call(driver: Driver, store: Path) -> None:
    gate = Gate()
    with ScriptedServer(gate) as server, asking(driver, server.url, store) as first:
        assert gate.arrived.acquire(timeout=30)
        with asking(driver, server.url, store) as second:
            line_of(second, "waiting for another process")
            gate.open()

            assert line_of(first, "answer") == 'answer miss {"answer": 1}'
            assert line_of(second, "answer") == 'answer hit {"answer": 1}'
    assert gate.count == 1


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "driver", one_in(3, [*SYNC, *(driver for driver in ASYNC if driver.how == "asyncio")]), ids=str
)
def test_processes_that_ask_the_same_make_one_call(driver: Driver, tmp_path: Path) -> None:
    two_make_one_call(driver, tmp_path)


def test_nobody_waits_for_a_process_that_was_killed(tmp_path: Path) -> None:
    gate, driver = Gate(), SYNC[0]
    with ScriptedServer(gate) as server, asking(driver, server.url, tmp_path) as first:
        assert gate.arrived.acquire(timeout=30)
        with asking(driver, server.url, tmp_path) as second:
            line_of(second, "waiting for another process")
            first.kill()
            assert gate.arrived.acquire(timeout=20)
            gate.open()

            assert line_of(second, "answer") == 'answer miss {"answer": 2}'


def test_where_the_first_fails_the_others_go_on_their_own(tmp_path: Path) -> None:
    gate, driver = Gate(statuses=[500]), SYNC[0]
    with ScriptedServer(gate) as server, asking(driver, server.url, tmp_path) as first:
        assert gate.arrived.acquire(timeout=30)
        with asking(driver, server.url, tmp_path) as second:
            line_of(second, "waiting for another process")
            gate.open()

            assert line_of(first, "answer") == 'answer live {"answer": 1}'
            assert line_of(second, "answer") == 'answer miss {"answer": 2}'


HOLDER = """
import sys
from replaycache.stores.claims import Claims
claims = Claims(sys.argv[1])
print(claims.claim("00" * 16), flush=True)
sys.stdin.readline()
claims.release("00" * 16)
print("released", flush=True)
sys.stdin.readline()
"""


def test_a_claim_holds_for_its_key_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "claims.lock"
    claims = Claims(str(path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not claims.claim("00" * 16)
        assert claims.claim("01" * 16)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "released\n"
        assert claims.claim("00" * 16)
        claims.release("00" * 16)
        other.kill()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_directory_that_was_removed_is_claimed_anew(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    claims = Claims(str(directory / "claims.lock"))
    assert claims.claim("00" * 16)
    shutil.rmtree(directory)

    assert claims.claim("00" * 16)
    assert (directory / "claims.lock").exists()
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_where_it_cannot_be_claimed_nobody_is_kept_from_calling(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")

    assert Claims(str(tmp_path / "file" / "cache" / "claims.lock")).claim("00" * 16)


def test_processes_make_one_call_into_a_cache_that_is_not_there_yet(tmp_path: Path) -> None:
    two_make_one_call(SYNC[0], tmp_path / "not" / "there")
