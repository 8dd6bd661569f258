"""What docs/proxy.md shows runs as it stands there, against a proxy on another port."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from replaycache.match import Match
from replaycache.serve.settings import read_settings
from replaycache.serve.upstreams import parse_upstream
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import Proxy, completion
from tests.upstreams.servers import CACHE

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "proxy.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def _handle(request: Received, wire: Wire) -> None:
    wire.answer(completion("Hello, reader."))


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with ScriptedServer(_handle) as server:
        named = {name: parse_upstream(name, server.url, "test") for name in ("openai", "anthropic")}
        found = Proxy(upstreams=named, store=":memory:", cassettes=tmp_path_factory.mktemp("cassettes"))
        try:
            yield found
        finally:
            found.stop()


def _run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env=os.environ | {"OPENAI_API_KEY": "a-key", "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_language_is_looked_at() -> None:
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == {"sh", "python", "js", "go", "bash", "toml"}


@pytest.mark.parametrize("block", _blocks("bash"))
def test_curl(proxy: Proxy, block: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("there is no curl, or no bash")

    assert "Hello, reader." in _run(["bash", "-ec", block.replace("http://127.0.0.1:8377", proxy.url)], tmp_path)


@pytest.mark.upstream
def test_typescript(proxy: Proxy, tmp_path: Path) -> None:
    (block,) = _blocks("js")
    if shutil.which("node") is None or not (CACHE / "clients" / ".installed").exists():
        pytest.skip("the clients for Node are not installed; run .ci/upstreams")
    (tmp_path / "node_modules").symlink_to(CACHE / "clients" / "node_modules")
    asked = (
        'const answer = await openai.chat.completions.create({ model: "m", messages: [] });\n'
        "console.log(answer.choices[0].message.content, anthropic.baseURL);\n"
    )
    (tmp_path / "ask.mjs").write_text(block.replace("http://127.0.0.1:8377", proxy.url) + asked)

    assert _run(["node", "ask.mjs"], tmp_path) == f"Hello, reader. {proxy.url}/anthropic\n"


def test_go(proxy: Proxy, tmp_path: Path) -> None:
    (block,) = _blocks("go")
    if shutil.which("go") is None:
        pytest.skip("there is no Go")
    (tmp_path / "main.go").write_text(block.replace("http://127.0.0.1:8377", proxy.url))

    assert _run(["go", "run", "main.go"], tmp_path) in ("miss\n", "hit\n")


def test_the_file_is_read(tmp_path: Path) -> None:
    (block,) = _blocks("toml")
    (tmp_path / "pyproject.toml").write_text(block)

    found = read_settings(start=tmp_path)

    assert (found.port, found.cassettes, list(found.upstreams)) == (
        8400,
        tmp_path / "tests" / "cassettes",
        ["local"],
    )
    assert found.options["match"] == Match(ignore=["metadata.run_id"], scrub=["uuid", ("run [0-9]+", "run N")])


def test_the_command_starts() -> None:
    from tests.serve.proxies import Command

    (block,) = _blocks("sh")
    assert block.splitlines()[-1] == "replaycache serve"
    command = Command(["--port", "0"])
    assert command.address().startswith("http://127.0.0.1:")
    assert command.end()[0] == 143
