"""What docs/team.md shows works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from replaycache import Match, StoreUnavailable
from replaycache.stores import CassetteStore, DiskStore, RedisStore
from tests.cli.recorded import chat, disk, understood
from tests.stores import shared_servers

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "team.md").read_text("utf-8")
ADDRESS = "valkey://cache.internal:6379"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


FILES = {block.partition("\n")[0].removeprefix("# "): yaml.safe_load(block) for block in _blocks("yaml")}


def _commands(value: Any) -> list[str]:
    """Every command in a file of YAML that calls us."""
    if isinstance(value, dict):
        return [command for one in value.values() for command in _commands(one)]
    if isinstance(value, list):
        return [command for one in value for command in _commands(one)]
    text = str(value)
    found = re.findall(r"(?:^|exec )(replaycache [^'\n]+)", text)
    return [command.replace("$STORE", ADDRESS) for command in found]


COMMANDS = [command for file in FILES.values() for command in _commands(file)]


def test_the_files_are_there() -> None:
    assert set(FILES) == {
        ".github/workflows/evaluate.yml",
        ".github/workflows/test.yml",
        ".gitlab-ci.yml",
        "compose.yml",
    }
    assert len(COMMANDS) == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_their_commands_are_understood(command: str) -> None:
    understood(command)


def test_recordings_become_the_teams_and_a_cassette(tmp_path: Path) -> None:
    (block,) = [block for block in _blocks("bash") if "replaycache export" in block]
    team = shared_servers.fresh_store(shared_servers.server("valkey").url)
    address = team.location.replace("redis://", "valkey://")
    (tmp_path / "tests" / "cassettes").mkdir(parents=True)
    made = chat("Yours.")
    disk(tmp_path / "cache", made)
    theirs = chat("Theirs.")
    identity = Match().identity(theirs.request)
    team.put(identity.key, theirs.with_parts(digest=identity.digest))

    for line in block.replace(ADDRESS, shlex.quote(address)).splitlines():
        done = subprocess.run(
            [sys.executable, "-m", *shlex.split(line, comments=True)],
            cwd=tmp_path,
            env=os.environ | {"REPLAYCACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr

    assert {recording.request.body for _, recording in DiskStore(tmp_path / "cache").newest(9)} == {
        made.request.body,
        theirs.request.body,
    }
    assert len(CassetteStore(tmp_path / "tests" / "cassettes" / "chat.json").all()) == 2


def test_the_user_that_is_told_may_do_all_that_is_needed() -> None:
    """One without the right to write replays, and nothing else."""
    assert "`~NAMESPACE:*` and `+@read +@write +@scripting`" in PAGE
    with shared_servers.own_server("valkey") as server:
        server.ask("ACL", "SETUSER", "writer", "on", ">written", "~team:*", "+@read", "+@write", "+@scripting")
        server.ask("ACL", "SETUSER", "reader", "on", ">readonly", "~team:*", "+@read")
        place = f"{server.host}:{server.port}?namespace=team"
        writer, reader = (
            RedisStore(f"redis://writer:written@{place}"),
            RedisStore(f"redis://reader:readonly@{place}"),
        )
        salt = writer.salt()
        made = chat("one")
        writer.put("ab" * 16, made)

        assert writer.claims.claim("ab" * 16)
        assert reader.get("ab" * 16) == made
        with pytest.raises(StoreUnavailable, match="~team:"):
            reader.put("cd" * 16, made)
        assert reader.salt() == salt
        assert len(reader) == 1
        writer.close()
        reader.close()
