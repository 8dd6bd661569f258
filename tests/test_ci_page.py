"""What docs/ci.md shows works as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.recorded import answer_json, understood
from tests.scripted_server import ScriptedServer

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
ACTION = yaml.safe_load((ROOT / ".github" / "actions" / "replay" / "action.yml").read_text("utf-8"))
FILES = {
    block.partition("\n")[0].removeprefix("# "): yaml.safe_load(block)
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
}


def _scripts(value: Any) -> list[str]:
    """Every text in a file of YAML."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in _scripts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _scripts(one)]
    return [value] if isinstance(value, str) else []


SCRIPTS = [text for file in FILES.values() for text in _scripts(file)]
COMMANDS = [found for text in SCRIPTS for found in re.findall(r"(?:^|\s)(replaycache [a-z][^|>\n]*)", text)]


def test_the_files_are_there() -> None:
    assert set(FILES) == {
        ".github/workflows/drift.yml",
        ".github/workflows/offline.yml",
        ".github/workflows/test.yml",
        ".gitlab-ci.yml",
        ".pre-commit-config.yaml",
    }
    assert len(COMMANDS) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_their_commands_are_understood(command: str) -> None:
    understood(command)


def test_the_options_of_pytest_are_known(pytestconfig: pytest.Config) -> None:
    options = set(re.findall(r"--replay-[a-z-]+", PAGE))

    assert options == {"--replay-budget", "--replay-mode", "--replay-unused"}
    for option in options:
        pytestconfig.getoption(option)  # raises where there is none


def test_the_actions_inputs_are_those_of_the_page() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`(.+?)`)? *\|", PAGE, re.MULTILINE)
    (used,) = (step for step in FILES[".github/workflows/offline.yml"]["jobs"]["test"]["steps"] if "with" in step)

    assert dict(rows) == {name: row["default"] for name, row in ACTION["inputs"].items()}
    assert set(used["with"]) <= set(ACTION["inputs"])


def test_the_hook_is_there() -> None:
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    (repository,) = FILES[".pre-commit-config.yaml"]["repos"]

    assert {hook["id"] for hook in repository["hooks"]} <= {hook["id"] for hook in offered}


# -- drift -------------------------------------------------------------------------------------------------

SUITE = """\
import httpx
import pytest

@pytest.mark.replay
@pytest.mark.parametrize("name", ["kept", "drifted"])
def test_chat(name):
    messages = [{{"role": "user", "content": name}}]
    answer = httpx.post("{url}/v1/chat/completions", json={{"model": "m", "messages": messages}})
    assert answer.json()["choices"]
"""


@pytest.mark.exhaustive
@pytest.mark.skipif(os.name == "nt", reason="the job runs on Linux, and its steps are bash's")
def test_what_drifted_is_recorded_anew_and_proposed(tmp_path: Path) -> None:
    asked: list[str] = []
    answers: dict[str, bytes] = {}

    def handle(request: Any, wire: Any) -> None:
        asked.append(json.loads(request.body)["messages"][0]["content"])
        wire.answer(answers.get(asked[-1], answer_json()))

    programs, remote, clone = tmp_path / "programs", tmp_path / "remote.git", tmp_path / "clone"
    programs.mkdir()
    for name, text in (
        ("python", f'exec "{sys.executable}" "$@"'),
        ("replaycache", f'exec "{sys.executable}" -m replaycache "$@"'),
        ("gh", 'printf "%s\\n" "$@" >"$RUNNER_TEMP/gh"'),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GIT_"))
    } | {
        "CI": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT) if (ROOT / "replaycache").is_dir() else os.environ.get("PYTHONPATH", ""),
        "RUNNER_TEMP": str(tmp_path),
    }

    def run(script: str, cwd: Path = clone) -> str:
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout

    with ScriptedServer(handle) as server:
        run("git init -q -b main --bare remote.git && git clone -q remote.git clone", tmp_path)
        (clone / "tests").mkdir()
        (clone / "tests" / "test_chat.py").write_text(SUITE.format(url=server.url))
        run("python -m pytest -q -p no:cacheprovider --replay-mode=once")
        run(
            "printf '__pycache__/\\n.pytest_cache/\\n' >.gitignore && git switch -qc main && git add . &&"
            " git -c user.name=me -c user.email=me@example.com commit -qm one && git push -q origin main"
        )
        assert sorted(asked) == ["drifted", "kept"]
        answers["drifted"] = answer_json(fingerprints=["a"])
        asked.clear()

        steps = {
            step.get("name"): step for step in FILES[".github/workflows/drift.yml"]["jobs"]["verify"]["steps"]
        }
        for name in ("verify", "record", "propose"):
            run(steps[name]["run"])
            if name == "verify":
                assert (tmp_path / "output").read_text() == "status=1\n"
                assert sorted(asked) == ["drifted", "kept"]
                asked.clear()

    assert asked == ["drifted"]
    (changed,) = run("git diff --name-only main replaycache/drift", remote).split()
    assert changed == "tests/cassettes/test_chat/test_chat[drifted].json"
    assert "fingerprints" in run(f"git show 'replaycache/drift:{changed}'", remote)
    assert shlex.split((tmp_path / "gh").read_text())[:2] == ["pr", "create"]
    body = (tmp_path / "body.md").read_text()
    assert body.startswith(f"{changed}\n\n    ~ changed")
    assert body.endswith('      response.fingerprints\n        + ["a"]\n\n')


# -- the action --------------------------------------------------------------------------------------------


def _replay(run: str, network: str = "none", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / ".github" / "actions" / "replay" / "replay.sh")],
        env=os.environ | {"REPLAY_RUN": run, "REPLAY_NETWORK": network} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _may_have_a_network_of_its_own() -> bool:
    return bool(shutil.which("unshare") and shutil.which("ip")) and not subprocess.call(
        ["unshare", "--net", "true"], stderr=subprocess.DEVNULL
    )


CONNECT = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as error:
    print(error.strerror)
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print("loopback")
"""


@pytest.mark.skipif(not _may_have_a_network_of_its_own(), reason="needs Linux, and the right to make networks")
def test_what_the_action_runs_has_loopback_alone() -> None:
    done = _replay(
        f'{shlex.quote(sys.executable)} -c {shlex.quote(CONNECT)}\nid -u\necho "$MINE"', MINE='it\'s "mine"'
    )

    assert done.stdout.splitlines() == ["Network is unreachable", "loopback", str(os.getuid()), 'it\'s "mine"']
    assert done.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="its bash may be that of another system")
@pytest.mark.parametrize(
    "network",
    [
        "as-it-is",
        pytest.param("none", marks=pytest.mark.skipif(not _may_have_a_network_of_its_own(), reason="as above")),
    ],
)
def test_it_ends_as_what_it_runs_and_at_the_first_error(network: str) -> None:
    assert _replay("exit 7", network).returncode == 7
    done = _replay("false | true\necho not reached", network)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="its bash may be that of another system")
def test_a_network_that_is_none_is_refused() -> None:
    done = _replay("echo ran", "off")

    assert (done.returncode, done.stdout) == (2, "")
    assert "write none or as-it-is" in done.stderr


def test_no_input_of_the_action_is_part_of_a_script() -> None:
    """What `${{ }}` puts into a script is run as a part of it."""
    assert not [step for step in ACTION["runs"]["steps"] if "${{" in step.get("run", "")]
