"""A cache on a slow or remote disk: each operation takes 20 ms, in the C library, below SQLite and Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="it takes Linux and a C compiler"
)

PROGRAM = """
    import asyncio, ctypes, json, logging, sys
    import httpx2
    from replaycache.httpx2 import AsyncReplayTransport

    told = []
    logging.getLogger("replaycache").addHandler(type("Kept", (logging.Handler,), {
        "emit": lambda self, record: told.append(record.getMessage())})())
    disk = ctypes.CDLL(None)
    calls = 0

    def upstream(request):
        global calls
        calls += 1
        return httpx2.Response(200, json={"choices": [], "asked": json.loads(request.content)})

    async def main():
        transport = AsyncReplayTransport(httpx2.MockTransport(upstream), store=sys.argv[1])
        async with httpx2.AsyncClient(transport=transport) as client:
            async def ask(number):
                body = {"model": "m", "messages": [{"role": "user", "content": str(number)}]}
                response = await client.post("https://api.openai.com/v1/chat/completions", json=body)
                assert response.json()["asked"] == body
                return response.extensions["replaycache"].status

            first = await ask(0)
            before = disk.slow_operations_of_the_main_thread()
            rest = [await ask(number) for number in (1, 2, 1, 2, 0)]
            rest += await asyncio.gather(*map(ask, (3, 3, 1, 2)))
            return first, before, rest, disk.slow_operations_of_the_main_thread() - before

    first, before, rest, in_loop = asyncio.run(main())
    found = {"first": first, "before": before, "rest": rest, "in_loop": in_loop, "calls": calls, "told": told}
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "slow_disk.so"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", library, HERE / "slow_disk.c", "-ldl"], check=True, capture_output=True
    )
    return library


def run(shim: Path, directory: Path) -> dict[str, Any]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(shim),
        "SLOW_DIRECTORY": str(directory),
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(directory)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.exhaustive
def test_the_event_loop_is_not_kept_and_hits_are_right_and_the_log_says_it(shim: Path, tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    found = run(shim, directory)

    assert found["before"] > 0, "the first call finds out that the disk is slow"
    assert found["in_loop"] == 0
    statuses = [found["first"], *found["rest"]]
    assert statuses[:6] == [*["miss"] * 3, *["hit"] * 3]
    assert sorted(statuses[6:8]) == ["hit", "miss"], "of two that ask the same at once one calls upstream"
    assert statuses[8:] == ["hit", "hit"]
    assert found["calls"] == 4
    (told,) = (line for line in found["told"] if "is slow" in line)
    assert f"the disk cache {directory} is slow:" in told
    assert "REPLAYCACHE_DIR" in told

    again = run(shim, directory)
    assert {again["first"], *again["rest"]} == {"hit"}
    assert again["in_loop"] == 0
