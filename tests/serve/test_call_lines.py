"""What is written of calls, and where nobody reads it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx2
import pytest

from replaycache.serve.call_lines import CallLines
from tests.serve.proxies import Command, completion, serving

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there one cannot ask whether a pipe is full")


@pytest.mark.exhaustive
def test_a_pipe_that_nobody_reads_stops_nobody(tmp_path: Path) -> None:
    with serving(lambda request, wire: wire.answer(completion("Here."))) as (_, server):
        command = Command(["--port", "0", "--upstream", f"up={server.url}", "--store", ":memory:"])
        address = command.address()
        with httpx2.Client(trust_env=False, timeout=30) as asking:
            for _ in range(2000):
                assert asking.get(f"{address}/up/{'a' * 100}").status_code == 200
        status, said = command.end()

    assert status == 143
    assert 0 < said.count("GET /up/a") < 2000


def test_what_was_left_out_is_told() -> None:
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as reads, open(writing, "w", encoding="utf-8") as file:
        lines = CallLines("text", file)
        for number in range(3000):
            lines.say("info", f"{number} {'x' * 100}")
        read = os.read(reading, 1 << 20).decode()
        lines.say("info", "more")
        file.close()
        rest = reads.read()

    written = read.count("\n")
    assert rest == f"Warning: {3000 - written} lines were left out: nobody read them\nmore\n"
