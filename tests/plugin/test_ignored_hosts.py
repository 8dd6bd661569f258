"""Hosts that marked tests call as if there were no cassette, and who says which."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.plugin.projects import Project
from tests.scripted_server import Received, ScriptedServer, Wire

pytest_plugins = ["pytester"]

CALLS = """
    import os, httpx2

    def call(name):
        url = os.environ[name] + "/v1/chat/completions"
        with httpx2.Client(verify=False, trust_env=False) as client:
            return client.post(url, json={"model": "m", "messages": []}).json()
"""


@pytest.fixture
def app(project: Project) -> Iterator[ScriptedServer]:
    """An application beside the API, which counts its answers."""
    asked = iter(range(1, 100))

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(json.dumps({"app": next(asked)}).encode())

    with ScriptedServer(handle) as server:
        project.set(APP=server.url)
        yield server


def _port(server: ScriptedServer) -> str:
    return server.url.rpartition(":")[2]


def test_an_application_on_loopback_is_called_and_its_api_is_replayed(
    project: Project, app: ScriptedServer
) -> None:
    project.tests(
        CALLS
        + f"""
    @pytest.mark.replay(ignore_hosts=["localhost:{_port(app)}"])
    def test_it():
        print("app", call("APP"), ask("hello"))
"""
    )

    first = project.run("-s")
    project.set(REPLAYCACHE_MODE="replay")
    again = project.run("-s")

    first.assert_outcomes(passed=1)
    first.stdout.fnmatch_lines(["*app {'app': 1} hello 1*", "*1 recorded*"])
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["*app {'app': 2} hello 1*", "*1 replayed*"])


TABLE = [
    # command line, environment, mark, replay_options, ini: who is heard
    ("app", None, None, None, None, "app"),
    ("app", "api", "api", "api", "api", "app"),
    (None, "app", "api", "api", "api", "app"),
    (None, None, "app", "api", "api", "app"),
    (None, None, None, "app", "api", "app"),
    (None, None, None, None, "app", "app"),
    (None, "", None, None, "app", "app"),
    (None, None, "none", "app", "app", "none"),
    (None, None, None, None, None, "none"),
]


@pytest.mark.parametrize(("line", "environment", "mark", "suite", "ini", "heard"), TABLE)
def test_who_says_it(
    project: Project,
    app: ScriptedServer,
    line: str | None,
    environment: str | None,
    mark: str | None,
    suite: str | None,
    ini: str | None,
    heard: str,
) -> None:
    hosts = {"app": f"localhost:{_port(app)}", "api": f"127.0.0.1:{_port(project.upstream)}"}
    if environment is not None:
        project.set(REPLAYCACHE_IGNORE_HOSTS=hosts.get(environment, ""))
    if ini is not None:
        project.write("pytest.ini", f"[pytest]\nreplay_ignore_hosts =\n    10.0.0.1\n    {hosts[ini]}\n")
    if suite is not None:
        returned = {"ignore_hosts": [hosts[suite]]}
        project.write(
            "conftest.py", f"import pytest\n\n@pytest.fixture\ndef replay_options():\n    return {returned}\n"
        )
    marked = "" if mark is None else f"ignore_hosts={[hosts[mark]] if mark in hosts else []}"
    project.tests(
        CALLS + f"    @pytest.mark.replay({marked})\n    def test_it():\n        print('got', call('APP'))\n"
    )

    project.set(REPLAYCACHE_MODE="replay")

    result = project.run("-s", *([f"--replay-ignore-hosts=10.0.0.1,{hosts[line]}"] if line else []))

    result.assert_outcomes(**{"passed" if heard == "app" else "failed": 1})
    if heard == "app":
        result.stdout.fnmatch_lines(["*got {'app': 1}*"])


@pytest.mark.parametrize(
    ("line", "environment", "ini", "text"),
    [
        ("*", None, None, "--replay-ignore-hosts='[*]': '[*]' means every host*"),
        ("", None, None, "--replay-ignore-hosts='': '' is empty*"),
        ("localhost", "a,,b", None, "REPLAYCACHE_IGNORE_HOSTS='a,,b': '' is empty*"),
        (
            "localhost",
            None,
            "http://localhost:8000",
            "replay_ignore_hosts=*'http://localhost:8000'* write the host*",
        ),
    ],
)
def test_a_wrong_pattern_ends_the_run_before_it_begins(
    project: Project, line: str, environment: str | None, ini: str | None, text: str
) -> None:
    if environment is not None:
        project.set(REPLAYCACHE_IGNORE_HOSTS=environment)
    if ini is not None:
        project.write("pytest.ini", f"[pytest]\nreplay_ignore_hosts = {ini}\n")
    project.tests("def test_it(): pass\n")

    result = project.run(f"--replay-ignore-hosts={line}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {text}"])


def test_a_wrong_pattern_of_a_mark_fails_its_test(project: Project) -> None:
    project.tests("@pytest.mark.replay(ignore_hosts=['*'])\ndef test_it(): pass\n")

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_it.py::test_it: ignore_hosts=*'[*]' means every host*"])
