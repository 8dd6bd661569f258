"""README's code runs as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

from replaycache import Body, Chunk, Match, Recording, Request, ResponseHead
from replaycache.options import Options
from replaycache.stores import DiskStore

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello, reader."}}
    ],
}


STRICT = """\
import warnings
from replaycache import ReplayCacheWarning
warnings.simplefilter("error", ReplayCacheWarning)
"""


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STRICT + code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"OPENAI_API_KEY": "placeholder"} | environment,
    )


def test_the_first_program_replays(tmp_path: Path) -> None:
    """With its answer recorded, as a first run would leave it, it runs without a network."""
    body = {"messages": [{"role": "user", "content": "Say hello."}], "model": "gpt-4o-mini"}
    request = Request(
        "POST",
        "https://api.openai.com/v1/chat/completions",
        (("content-type", "application/json"),),
        json.dumps(body).encode(),
    )
    identity = Match().identity(request)
    with_answer = Recording(
        request=request,
        head=ResponseHead(200, (("content-type", "application/json"),)),
        body=Body.of([Chunk(json.dumps(COMPLETION).encode(), 0.0)]),
        digest=identity.digest,
        recorded_at=time.time(),
    )
    store = DiskStore(tmp_path)
    store.put(identity.key, with_answer)
    store.close()

    done = _run(PYTHON[0], REPLAYCACHE_DIR=str(tmp_path), REPLAYCACHE_MODE="replay")

    assert done.stdout == "Hello, reader.\n", done.stderr


@pytest.mark.parametrize("block", PYTHON[1:])
def test_the_other_blocks_run(block: str, tmp_path: Path) -> None:
    libraries = "".join(f"import {name}\n" for name in ("httpx2", "openai") if f"{name}." in block)
    before = (
        f"{libraries}from replaycache import Request\n"
        "from replaycache.httpx2 import AsyncReplayTransport, ReplayTransport\n"
    )
    done = _run(before + block, REPLAYCACHE_DIR=str(tmp_path))

    assert done.returncode == 0, done.stderr


def test_the_options_are_all_there() -> None:
    table = README.partition("## Options")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))

    assert listed == {"store", *(option.name for option in fields(Options) if option.init)}


def test_the_miss_has_the_words_that_are_shown() -> None:
    shown = README.partition("```text\n")[2].partition("```")[0]

    assert all(word in shown for word in ("asked ", "key ", "why ", "nearest ", "next "))
    assert max(len(line) for line in shown.splitlines()) <= 110
