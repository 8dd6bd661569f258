"""`replaycache config`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.recorded import replaycache
from tests.cli.terminal import COLUMNS, run_in_terminal

FILE = """
[tool.replaycache]
mode = "replay"
ttl = "7d"
store = ["cache", "redis://user:pass%40word@host/3"]
match = { ignore = ["metadata.run_id", "messages[*].name"], fold_defaults = false }

[tool.replaycache.serve]
port = 8400
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "pyproject.toml"
    path.write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPLAYCACHE_DIR")
    return str(path)


def _told(*arguments: str) -> list[list[str]]:
    done = replaycache("config", *arguments)
    assert done.exit_code == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_what_somebody_says_is_told_with_who(file: str, tmp_path: Path) -> None:
    assert _told() == [
        ["store", f"{tmp_path / 'cache'}, redis://host:6379/3", file],
        ["mode", "replay", file],
        ["match.ignore", "metadata.run_id, messages[*].name", file],
        ["match.fold_defaults", "no", file],
        ["ttl", "7d", file],
        ["serve.port", "8400", file],
    ]


def test_the_environment_and_the_command_line_go_before(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MODE", "off"), ("DIR", "/x"), ("IGNORE_HOSTS", "a, b"), ("SERVE_TTL", "1h")):
        monkeypatch.setenv(f"REPLAYCACHE_{name}", value)
    monkeypatch.setenv("REPLAYCACHE_SERVE_TOKEN", "a-token-that-nobody-sees")

    told = {name: (value, by) for name, value, by in _told("--ttl", "1d", "--mode", "record")}

    assert told["mode"] == ("record", "--mode")
    assert told["ttl"] == ("1d", "--ttl")
    assert told["store"] == ("/x", "REPLAYCACHE_DIR")
    assert told["ignore_hosts"] == ("a, b", "REPLAYCACHE_IGNORE_HOSTS")
    assert told["serve.ttl"] == ("1h", "REPLAYCACHE_SERVE_TTL")
    assert told["serve.token"] == ("(not shown)", "REPLAYCACHE_SERVE_TOKEN")


def test_all_are_told_where_asked_for(file: str) -> None:
    told = {name: (value, by) for name, value, by in _told("--all")}

    assert told["mode"] == ("replay", file)
    assert told["pace"] == ("0", "default")
    assert told["redact.secrets"] == ("refuse", "default")
    assert "match.normalize" not in told


def test_json_has_the_values_as_they_are(file: str) -> None:
    told = json.loads(replaycache("config", "--json", "--pace", "1").stdout)

    assert told["pace"] == {"value": 1, "from": "--pace"}
    assert told["match.ignore"] == {"value": ["metadata.run_id", "messages[*].name"], "from": file}
    assert told["store"]["value"][1] == "redis://host:6379/3"


def test_nothing_said_is_said(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[broken")

    done = replaycache("config")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "Nobody says anything" in done.stderr


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("REPLAYCACHE_MODE", FILE, "REPLAYCACHE_MODE='nothing' is no mode"),
        ("REPLAYCACHE_X", "[tool.replaycache]\nmoed = 1", "did you mean 'mode'?"),
        ("REPLAYCACHE_X", "[tool.replaycache.serve]\nprot = 1", "did you mean 'port'?"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, told: str
) -> None:
    monkeypatch.setenv(variable, "nothing")
    (tmp_path / "pyproject.toml").write_text(text)

    done = replaycache("config")

    assert done.exit_code == 3
    assert told in done.stderr
    assert (variable == "REPLAYCACHE_MODE") is ("pyproject.toml" not in done.stderr)


def test_it_fits_a_terminal(tmp_path: Path) -> None:
    screen = run_in_terminal("config", "--all", cwd=tmp_path)

    lines = screen.text.splitlines()
    assert screen.status == 0
    assert max(map(len, lines)) <= COLUMNS
    assert ["mode", "replay", "pyproject.toml"] in [line.split() for line in lines]


def test_no_credentials_of_an_address_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        """
        [tool.replaycache]
        prices = { "https://user:word@gateway.example" = { input = 1 } }
        match = { hosts = { "user:word@a.example" = "b.example" } }
        [tool.replaycache.serve]
        upstream = { one = "https://user:word@host/v1" }
        """
    )
    for arguments in ((), ("--json",)):
        done = replaycache("config", *arguments)
        assert "host/v1" in done.stdout
        assert "word" not in done.output
    monkeypatch.setenv("REPLAYCACHE_SERVE_UPSTREAM", "one=https://user:word@host/v1")
    assert ["serve.upstream", "one=https://host/v1", "REPLAYCACHE_SERVE_UPSTREAM"] in _told()
