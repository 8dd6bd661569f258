"""`replaycache demo` as a user types it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.recorded import replaycache
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.test_transports import EVENTS


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "replaycache", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"COLUMNS": "80"} | environment,
    )


def test_the_demonstration(tmp_path: Path) -> None:
    done = _run("demo", REPLAYCACHE_DIR=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("As the sun rises") == 2
    assert re.search(r"calls made upstream +1 +0\n", done.stdout)
    assert re.search(r"time +\d+\.\d\d s +\d+ ms\n", done.stdout)
    assert re.search(r"tokens generated +78 +0\n", done.stdout)
    assert re.search(r"key +[0-9a-f]{32}\n", done.stdout)
    assert f"recording  {tmp_path}" in done.stdout


@pytest.mark.exhaustive
def test_it_gives_the_same_again_although_the_answer_is_stored(tmp_path: Path) -> None:
    first, second = (_run("demo", "--store", str(tmp_path)) for _ in range(2))

    assert re.search(r"calls made upstream +1 +0\n", second.stdout)
    keys = [re.search(r"key +(\w+)", done.stdout) for done in (first, second)]
    assert keys[0] is not None
    assert keys[1] is not None
    assert keys[0][1] == keys[1][1]


def test_a_real_api_is_called_once_with_the_key_from_the_environment(tmp_path: Path) -> None:
    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in EVENTS:
            wire.chunk(event)
        wire.end_chunks()

    with ScriptedServer(handle) as server:
        done = _run(
            "demo",
            f"--base-url={server.url}/v1/",
            "--model=m",
            OPENAI_API_KEY="sk-of-the-user",
            REPLAYCACHE_DIR=str(tmp_path),
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hé world") == 2
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer sk-of-the-user"]
    assert b"sk-of-the-user" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.exhaustive
def test_what_goes_wrong_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def refuse(request: Received, wire: Wire) -> None:
        wire.answer(b'{"error": "no key"}', status=401)

    with ScriptedServer(refuse) as server:
        refused = replaycache("demo", f"--base-url={server.url}", "--model=m")
        url = server.url
    gone = replaycache("demo", f"--base-url={url}", "--model=m")
    without_model = replaycache("demo", f"--base-url={url}")
    (tmp_path / "file").write_text("")
    no_directory = replaycache("demo", "--store", str(tmp_path / "file" / "cache"))

    assert (refused.exit_code, gone.exit_code, without_model.exit_code) == (3, 3, 2)
    assert "answered 401" in refused.stderr
    assert "OPENAI_API_KEY" in refused.stderr
    assert "upstream could not be called" in gone.stderr
    assert "--base-url needs --model" in without_model.stderr
    assert no_directory.exit_code == 3
    assert "was not recorded" in no_directory.stderr
    assert not [done for done in (refused, gone, without_model, no_directory) if "Traceback" in done.stderr]


def test_help_fits_80_columns() -> None:
    for arguments in ((), ("--help",), ("demo", "--help")):
        done = _run(*arguments)
        text = done.stdout + done.stderr
        assert "Usage: replaycache" in text
        assert max(len(line) for line in text.splitlines()) <= 80
    assert _run("--version").stdout.startswith("replaycache, version ")
    assert _run("dmeo").returncode == 2
