"""The code in README and in docs/ runs as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from replaycache import Body, CassetteError, Chunk, Match, Recording, Request, ResponseHead
from replaycache._faults import KINDS, parse_fault
from replaycache.options import Options
from replaycache.stores import CassetteStore, DiskStore
from tests.cli.recorded import answer_json, cassette, chat, understood
from tests.sdks.provider_server import ProviderServer

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
CASSETTES = PAGES["docs/cassettes.md"]


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


FIRST, *OTHERS = [
    pytest.param(block, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, block in enumerate(_blocks(page, "python"), 1)
]
PYTHON = [other for other in OTHERS if other.values != FIRST.values]
ILLUSTRATIONS = [
    pytest.param(block, id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, block in enumerate(_blocks(page, "py"), 1)
]
COMMANDS = [
    pytest.param(command, id=f"{name}-{command}")
    for name, page in PAGES.items()
    for block in _blocks(page, "sh")
    for command in re.findall(r"^replaycache [a-z].*", block, re.MULTILINE)
]
WHOLE, *MEMBERS = _blocks(CASSETTES, "json")
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


def _run(code: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STRICT + code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
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

    done = _run(*FIRST.values, tmp_path, REPLAYCACHE_DIR=str(tmp_path), REPLAYCACHE_MODE="replay")

    assert done.stdout == "Hello, reader.\n", done.stderr


@pytest.fixture(scope="module")
def openai_url() -> Iterator[str]:
    with ProviderServer() as server:
        yield f"{server.url}/v1"


@pytest.mark.parametrize("block", PYTHON)
def test_the_other_blocks_run(block: str, openai_url: str, tmp_path: Path) -> None:
    libraries = "".join(f"import {name}\n" for name in ("httpx2", "openai") if f"{name}." in block)
    before = (
        f"{libraries}from replaycache import Request\n"
        "from replaycache.httpx2 import AsyncReplayTransport, ReplayTransport\n"
    )
    done = _run(before + block, tmp_path, REPLAYCACHE_DIR=str(tmp_path), OPENAI_BASE_URL=openai_url)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", ILLUSTRATIONS)
def test_what_only_illustrates_is_python(block: str) -> None:
    compile(block, "page", "exec")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_are_understood(command: str) -> None:
    understood(command)


def test_readme_is_a_screen_and_a_half() -> None:
    assert len(PAGES["README.md"].split()) <= 700
    assert len(PAGES["README.md"].splitlines()) <= 120


@pytest.mark.exhaustive
@pytest.mark.parametrize("script", ["write_dialects.py", "write_sdk_pages.py"])
def test_what_is_made_of_the_code_is_up_to_date(script: str) -> None:
    if script == "write_sdk_pages.py":
        pytest.importorskip("ruff", reason="it formats what is written; `pip install --group lint`")
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_options_are_all_there() -> None:
    table = PAGES["docs/reference/options.md"].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))

    assert listed == {"store", *(option.name for option in fields(Options) if option.init)}


def test_the_miss_has_the_words_that_are_shown() -> None:
    _, shown = _blocks(PAGES["docs/reference/errors.md"], "text")

    assert all(word in shown for word in ("asked ", "key ", "why ", "nearest ", "next "))
    assert max(len(line) for line in shown.splitlines()) <= 110


@pytest.mark.exhaustive
def test_the_tests_of_faults_pass_as_they_stand(tmp_path: Path) -> None:
    tests, *_ = _blocks(PAGES["docs/faults.md"], "python")
    directory = tmp_path / "cassettes" / "test_faults"
    directory.mkdir(parents=True)
    (directory / "weather.json").write_text(WHOLE, "utf-8")
    (tmp_path / "test_faults.py").write_text(tests, "utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "replaycache.pytest_plugin", "-p", "no:cacheprovider"]
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=os.environ | environment
    )

    assert "4 passed" in done.stdout, done.stdout


def test_the_faults_are_all_there() -> None:
    table = PAGES["docs/faults.md"].partition("## Faults\n")[2].partition("\n## ")[0]
    shown = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)))

    assert {fault.kind for text in shown for fault in parse_fault(text)} == set(KINDS)


# -- docs/cassettes.md -------------------------------------------------------------------------------------


def test_the_cassette_that_is_shown_is_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "weather.json"
    path.write_text(WHOLE, "utf-8")

    recordings = CassetteStore(path).all()
    cassette(tmp_path / "again.json", *recordings)

    assert (tmp_path / "again.json").read_text("utf-8") == WHOLE
    assert [chunk.offset for chunk in recordings[0].body] == [0.000412, 0.021, 0.048, 0.061]


@pytest.mark.parametrize("members", MEMBERS)
def test_the_bodies_that_are_shown_are_read(members: str, tmp_path: Path) -> None:
    path = tmp_path / "weather.json"
    request = '{"method": "GET", "url": "https://api.example/", "headers": {}}'
    path.write_text(
        f'{{"format": "replaycache/1", "recordings": [{{"request": {request}, '
        f'"response": {{"status": 200, {members}}}}}]}}',
        "utf-8",
    )

    (recording,) = CassetteStore(path).all()
    chunks = list(recording.body)

    assert [chunk.offset for chunk in chunks] == sorted({chunk.offset for chunk in chunks})
    assert len(chunks) == 2


def test_the_errors_have_the_words_that_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "weather.json"
    (shown,) = _blocks(CASSETTES, "text")
    told = []
    for before, after in (('"events"', '"evnts"'), ('"Hello there."', '"Hello."')):
        path.write_text(WHOLE.replace(before, after), "utf-8")
        with pytest.raises(CassetteError) as caught:
            [recording.body.read() for recording in CassetteStore(path).all()]
        told.append(f"CassetteError: {caught.value}\n".replace(str(path), path.name))

    assert "".join(told) == shown


def _in_shell(command: str, cwd: Path) -> str:
    """What a command of a page says, in a shell that finds this `replaycache`."""
    programs = cwd.parent / "programs"
    programs.mkdir(exist_ok=True)
    program = programs / "replaycache"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m replaycache "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=os.environ
        | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(cwd.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "FORCE_COLOR": "1",
        },
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None or os.name == "nt":
        pytest.skip("needs git and a shell")
    path = tmp_path / "repository"
    (path / "cassettes").mkdir(parents=True)
    for command in ("git init -q -b main", "git config user.name me", "git config user.email me@example.com"):
        _in_shell(command, path)
    return path


@pytest.mark.exhaustive
def test_git_shows_a_cassette_as_a_conversation(repository: Path) -> None:
    (attributes,), commands, (shown,) = (
        _blocks(CASSETTES, "gitattributes"),
        _blocks(CASSETTES, "sh"),
        _blocks(CASSETTES, "diff"),
    )
    (repository / ".gitattributes").write_text(attributes)
    for command in commands:
        _in_shell(command, repository)
    nested = repository / "tests" / "cassettes" / "test_weather"
    nested.mkdir(parents=True)
    path, other = nested / "hello.json", nested / "no_cassette.json"
    path.write_text(WHOLE, "utf-8")
    other.write_text("{}\n")
    _in_shell("git add . && git commit -qm one", repository)
    changed = WHOLE.replace("Say hello.", "Say hello, please.").replace(" there.", " to you.")
    path.write_text(changed, "utf-8")
    other.write_text('{"a": 1}\n')

    diff = _in_shell("git diff", repository)

    assert shown in diff
    assert '+{"a": 1}\n' in diff
    assert "\x1b" not in diff
    assert '"role"' not in diff
    path.write_text(changed.replace("{", "<<<<<<< ours\n{", 1))
    assert "+<<<<<<< ours\n" in _in_shell("git diff", repository)


def test_two_branches_of_a_cassette_are_merged_in_the_way_that_is_shown(repository: Path) -> None:
    (session,) = _blocks(CASSETTES, "console")
    path = repository / "cassettes" / "weather.json"
    cassette(path, chat("base"))
    _in_shell("git add . && git commit -qm base && git checkout -qb other", repository)
    cassette(path, chat("theirs", answer_json("Theirs.")))
    _in_shell("git commit -qam theirs && git checkout -q main", repository)
    cassette(path, chat("ours", answer_json("Ours.")))
    ours = path.read_text("utf-8")
    _in_shell("git commit -qam ours; git merge -q other || true", repository)

    told = ""
    for command in re.findall(r"^\$ (.*)$", session, re.MULTILINE):
        told += f"$ {command}\n{_in_shell(command, repository)}"

    assert told == session
    assert path.read_text("utf-8").startswith(ours.removesuffix("\n  ]\n}\n"))
    asked = [recording.request.json()["messages"][0]["content"] for recording in CassetteStore(path).all()]
    assert asked == ["base", "ours", "theirs"]
    assert _in_shell("git status --porcelain", repository) == "M  cassettes/weather.json\n"
