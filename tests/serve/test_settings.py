"""Settings by flag, environment and file; the command."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from replaycache import ConfigurationError
from replaycache.configuration import read_configuration
from replaycache.dialects.registry import BASE_URLS
from replaycache.match import Match
from replaycache.serve.application import Application
from replaycache.serve.server import Server, listen
from replaycache.serve.settings import SETTINGS, Settings, read_settings
from replaycache.serve.upstreams import KNOWN
from tests.serve.proxies import Command, chat, completion, serving

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "proxy.md"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("REPLAYCACHE_DIR")

    def write(text: str) -> Path:
        (tmp_path / "pyproject.toml").write_text(text)
        (tmp_path / "src" / "deep").mkdir(parents=True, exist_ok=True)
        return tmp_path / "src" / "deep"

    return write


def test_what_is_nearer_wins(file: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    start = file(
        '[tool.replaycache]\nmode = "record"\nttl = "7d"\nstore = "cache"\nmatch = { ignore = ["run_id"] }\n'
        'redact = { body = ["token"] }\n'
        '[tool.replaycache.serve]\nport = 1\nhost = "localhost"\nmax_concurrency = 3\ngrace = "1m"\n'
        'cassettes = "tests/cassettes"\nupstream = { local = "http://localhost:8000/v1" }\n'
    )
    monkeypatch.setenv("REPLAYCACHE_SERVE_PORT", "2")
    monkeypatch.setenv("REPLAYCACHE_SERVE_HOST", "127.0.0.2")
    monkeypatch.setenv("REPLAYCACHE_MODE", "replay")

    found = read_settings({"port": "3"}, start=start)

    assert (found.port, found.host, found.max_concurrency, found.grace) == (3, "127.0.0.2", 3, 60)
    assert (found.options["mode"], found.options["ttl"]) == ("replay", "7d")
    assert found.options["match"] == Match(ignore=["run_id"])
    assert (found.store, found.cassettes) == (str(tmp_path / "cache"), tmp_path / "tests" / "cassettes")
    assert found.upstreams["local"].url == "http://localhost:8000/v1"


def test_there_may_be_no_file(tmp_path: Path) -> None:
    found = read_configuration(Path(tmp_path.anchor))

    assert (found.path, dict(found.options)) == (None, {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[tool.replaycache]\nmod = "replay"', "did you mean 'mode'?"),
        ('[tool.replaycache]\nmode = "relpay"', "did you mean 'replay'?"),
        ("[tool.replaycache]\nport = 1", "there is no 'port'. It takes budget"),
        ('[tool.replaycache.serve]\nmode = "off"', "there is no 'mode'. It stands in [tool.replaycache]"),
        ("[tool.replaycache]\nkeep = 1", "in code only"),
        ("[tool.replaycache]\nstore = 1", "it takes text"),
        ("[tool.replaycache]\nstore = ['redis://h/x']", "the database of a shared store is a number"),
        ("[tool.replaycache.serve]\nprot = 1", "did you mean 'port'?"),
        ('[tool.replaycache.serve]\nport = "x"', "[tool.replaycache.serve]: port='x' is wrong"),
        ('[tool.replaycache.serve]\ntoken = "x"', "there is no 'token'; did you mean 'token_file'?"),
        ("[tool.replaycache.match]\nignroe = []", "did you mean 'ignore'?"),
        ('[tool.replaycache.match]\nignore = "x"', "takes a list"),
        ("[tool.replaycache]\nserve = 1", "is no table"),
        ("[tool.replaycache]\nmode =", "cannot be read"),
    ],
)
def test_a_file_with_a_mistake(file: Any, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)) as caught:
        read_settings(start=file(text))

    assert "pyproject.toml" in str(caught.value)


def test_several_stores_stand_one_before_the_other(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    start = file('[tool.replaycache]\nstore = [":memory:", "cache", "valkey://h"]')

    assert read_settings(start=start).store == [":memory:", str(start.parents[1] / "cache"), "valkey://h"]
    assert read_settings({"store": (":memory:", "here")}, start=start).store == [":memory:", "here"]
    assert read_settings({"store": ("here",)}, start=start).store == "here"
    monkeypatch.setenv("REPLAYCACHE_SERVE_STORE", ":memory:,valkey://h")
    assert read_settings(start=start).store == [":memory:", "valkey://h"]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("port", "65536", "a port"),
        ("port", "-1", "a port"),
        ("host", "http://localhost", "is no host"),
        ("upstream", ("openai",), "write NAME=URL"),
        ("upstream", ("Open AI=https://x",), "is no name"),
        ("upstream", ("_replaycache=https://x",), "is no name"),
        ("upstream", ("x=ftp://host",), "with http or https"),
        ("upstream", ("x=https://",), "with http or https"),
        ("upstream", ("x=https://user:pw@host",), "holds credentials"),
        ("upstream", ("x=https://host?q=1",), "a query or a fragment"),
        ("upstream", ("x=https://host/../x",), "in its path"),
        ("upstream", ("x=https://host/\xe9",), "percent-encoded"),
        ("upstream", ("x=https://host:99999",), "is no URL"),
        ("mode", "relpay", "did you mean 'replay'?"),
        ("ttl", "soon", "is no time"),
        ("pace", "fast", "a number from 0 on"),
        ("max_request_bytes", "0", "more than 0"),
        ("max_request_bytes", "much", "is no size"),
        ("timeout", "0", "more than 0"),
        ("max_concurrency", "0", "a number from 1 on"),
        ("log", "xml", "'text' or 'json'"),
        ("allow_origin", ("*",), "is no origin"),
        ("allowed_host", ("*",), "every host"),
        ("cassettes", __file__, "is a file"),
        ("token_file", "/nowhere/token", "cannot be read"),
        ("store", "x.yaml", "replaycache import"),
        ("store", (":memory:", "redis://"), "names no host"),
    ],
)
def test_a_wrong_value_is_told_with_its_flag(name: str, value: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)) as caught:
        read_settings({name: value}, start=tmp_path)

    assert f"--{name.replace('_', '-')}" in str(caught.value)


@pytest.mark.parametrize("name", ["mode", "ttl", "sample"])
def test_an_option_that_means_the_same_everywhere_is_named_once(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"^--{name}='wrong' is no "):
        read_settings({name: "wrong"}, start=tmp_path)


def test_a_token_is_long_and_never_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("tooshort\n")
    with pytest.raises(ConfigurationError, match="at least 16") as caught:
        read_settings({"token_file": str(tmp_path / "token")}, start=tmp_path)
    assert "tooshort" not in str(caught.value)

    monkeypatch.setenv("REPLAYCACHE_SERVE_TOKEN", "0123456789abcdef")
    found = read_settings({"host": "0.0.0.0"}, start=tmp_path)
    assert found.token == "0123456789abcdef"
    assert found.token not in repr(found)


def test_every_api_that_is_in_one_place_is_listed() -> None:
    page = PAGE.read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "replaycache", "serve", "--help"], capture_output=True, text=True, check=True
    )

    assert {row.name for row in BASE_URLS} == set(KNOWN)
    for row in BASE_URLS:
        assert f"| `{row.name}` | `/{row.name}{KNOWN[row.name].base}` | {row.url} |" in page
        assert re.search(rf"\b{re.escape(row.name)}\b", done.stdout)


def test_every_setting_is_listed() -> None:
    page = PAGE.read_text("utf-8")

    for row in SETTINGS:
        assert f"| `{row.flag}` | `{row.variable}` |" in page


# -- the command -------------------------------------------------------------------------------------------


def _answer(request: Any, wire: Any) -> None:
    wire.answer(completion("Here."))


def test_the_command_serves_until_it_is_ended(tmp_path: Path) -> None:
    import httpx2

    with serving(_answer) as (_, server):
        command = Command(
            ["--port", "0", "--upstream", f"openai={server.url}", "--store", str(tmp_path / "cache")]
        )
        address = command.address()
        with httpx2.Client(trust_env=False, timeout=30) as asking:
            told = [
                asking.post(f"{address}/openai/chat/completions", json=chat("Serve.")).headers["x-replaycache"]
                for _ in range(2)
            ]
        status, said = command.end()

    assert told == ["miss", "hit"]
    assert status == 143
    assert f"OPENAI_BASE_URL={address}/openai\n" in said
    assert f"ANTHROPIC_BASE_URL={address}/anthropic\n" in said
    assert f"  store       {tmp_path / 'cache'}\n" in said
    assert "  mode        auto\n" in said
    assert max(len(line) for line in said.splitlines() if str(tmp_path) not in line) <= 80
    assert "Traceback" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_it_in_order() -> None:
    import httpx2

    command = Command(["--port", "0", "--log", "json", "--store", ":memory:"])
    with httpx2.Client(trust_env=False, timeout=30) as asking:
        assert asking.get(f"{command.address()}/_replaycache/health").json()["ok"]
    status, said = command.end(signal.SIGINT)

    assert status == 130
    assert all(json.loads(line) for line in said.splitlines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_it_has_begun_ends_it_in_order(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(port=0, store=":memory:")
    server = Server(Application(settings), settings)
    factory, came = server.config.get_loop_factory, []

    def interrupted() -> Any:
        signal.raise_signal(number)
        return factory()

    monkeypatch.setattr(server.config, "get_loop_factory", interrupted)
    before = signal.signal(number, lambda *_: came.append(server.started))
    late = threading.Timer(30, server.handle_exit, (number, None))
    late.start()
    try:
        server.run(sockets=[listen(settings)])
    finally:
        late.cancel()
        signal.signal(number, before)

    assert came == [True]  # once, and when it was over


def test_a_port_that_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = Command(["--port", str(port)])
        _, said = command.process.communicate(timeout=60)

    assert command.process.returncode == 3
    assert f"port {port} of 127.0.0.1 is in use" in said
    assert "Traceback" not in said


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--mode", "relpay"], "did you mean 'replay'?"),
        (["--host", "0.0.0.0"], "--token-file"),
        (["--repeats", "sequence"], "repeats='sequence' needs a store"),
        (["--repeats", "numbered"], "a proxy serves many: say --repeats same"),
    ],
)
def test_wrong_use(arguments: list[str], told: str) -> None:
    command = Command(arguments)
    _, said = command.process.communicate(timeout=60)

    assert command.process.returncode == 2
    assert told in " ".join(said.split())


def test_it_runs_behind_another_server(tmp_path: Path) -> None:
    import uvicorn

    from replaycache.serve import app

    assert uvicorn.Config("replaycache.serve:app").app == "replaycache.serve:app"
    assert callable(app)


def test_another_server_does_not_start_with_a_wrong_setting() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "replaycache.serve:app", "--port", "0"],
        env=os.environ | {"REPLAYCACHE_SERVE_LOG": "xml"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 3
    assert "REPLAYCACHE_SERVE_LOG='xml' is wrong" in done.stderr
    assert "Traceback" not in done.stderr
