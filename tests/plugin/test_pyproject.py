"""`[tool.replaycache]` of the pyproject.toml that is the nearest to pytest's rootdir."""

from __future__ import annotations

import os

import pytest

from tests.plugin.projects import Project, summary
from tests.plugin.test_budget import DEAR

pytest_plugins = ["pytester"]

SHOWN = """
    @pytest.mark.replay
    def test_plain(replay_cassette):
        print("plain is", replay_cassette.mode)

    @pytest.mark.replay(mode="verify")
    def test_marked(replay_cassette):
        print("marked is", replay_cassette.mode)
"""

CALLS = """
    import os, httpx2
    from llm import URL, body
    from replaycache import Match

    def send(**fields):
        with httpx2.Client(verify=False) as client:
            return client.post(URL, json=body("q") | fields | {"run": os.environ["RUN"]}).json()
"""


@pytest.fixture
def project(project: Project) -> Project:
    project.unset("REPLAYCACHE_DIR")
    return project


@pytest.mark.parametrize(
    ("arguments", "environment", "ini", "header", "plain", "marked"),
    [
        ([], {}, "", "auto (*pyproject.toml)", "auto", "verify"),
        ([], {"CI": "true"}, "", "replay (CI is set)", "replay", "verify"),
        ([], {}, "record", "record (replay_mode)", "record", "verify"),
        ([], {"REPLAYCACHE_MODE": "off"}, "", "off (REPLAYCACHE_MODE)", "off", "off"),
        (["--replay-mode=off"], {}, "", "off (--replay-mode)", "off", "off"),
    ],
)
def test_its_mode_is_the_last_that_counts(
    project: Project,
    arguments: list[str],
    environment: dict[str, str],
    ini: str,
    header: str,
    plain: str,
    marked: str,
) -> None:
    project.write("pyproject.toml", '[tool.replaycache]\nmode = "auto"\n')
    project.write("pytest.ini", f"[pytest]\nreplay_mode = {ini}\n")
    project.set(**environment)
    project.tests(SHOWN)

    result = project.run("-s", *arguments)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"replaycache: mode {header}", f"*plain is {plain}", f"*marked is {marked}"])


def test_it_is_the_one_of_the_rootdir(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("pyproject.toml", '[tool.replaycache]\nmode = "auto"\n')
    project.write("elsewhere/pyproject.toml", "[tool.replaycache]\nmode = 1\n")
    path = project.tests(SHOWN)
    monkeypatch.chdir(project.path / "elsewhere")

    result = project.run("-s", str(path))

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"replaycache: mode auto ({project.path / 'pyproject.toml'})"])


def test_its_options_hold_unless_the_suite_or_a_mark_has_others(project: Project) -> None:
    project.write("pyproject.toml", "[tool.replaycache]\nstore = 'cache'\nmatch = { ignore = ['run'] }\n")
    project.tests(
        CALLS
        + """
    @pytest.mark.replay
    def test_of_file():
        send()

    @pytest.mark.replay(match=Match())
    def test_of_mark():
        send()

    class TestSuite:
        @pytest.fixture(scope="class")
        def replay_options(self):
            return {"match": None}

        @pytest.mark.replay
        def test_of_suite(self):
            send()
"""
    )
    project.set(RUN="1")
    project.run().assert_outcomes(passed=3)
    project.upstream.stop()
    project.set(RUN="2")

    result = project.run()

    result.assert_outcomes(passed=1, failed=2)
    assert summary(result).startswith("replaycache: 1 replayed")
    assert not (project.path / "cache").exists()


def test_what_is_redacted_adds_up(project: Project) -> None:
    project.write("pyproject.toml", "[tool.replaycache.redact]\nbody = ['user']\n")
    project.tests(
        CALLS
        + """
    from replaycache import Redact

    @pytest.mark.replay(redact=Redact(body=["team"]))
    def test_it():
        send(user="Ada Lovelace", team="Analytical Engine")
"""
    )
    project.set(RUN="1")
    project.run().assert_outcomes(passed=1)

    [name] = project.cassettes()
    text = (project.path / name).read_text()
    assert "Lovelace" not in text
    assert "Analytical" not in text


@pytest.mark.parametrize(
    ("ini", "is_ignored"), [("replay_ignore_hosts = 10.0.0.1", False), ("", True)], ids=["the ini file", "none"]
)
def test_its_hosts_come_after_the_ini_file(project: Project, ini: str, is_ignored: bool) -> None:
    project.write("pyproject.toml", "[tool.replaycache]\nignore_hosts = ['localhost']\n")
    project.write("pytest.ini", f"[pytest]\n{ini}\n")
    project.tests("@pytest.mark.replay\ndef test_it(): ask('q')")

    project.run().assert_outcomes(passed=1)

    assert bool(project.cassettes()) is not is_ignored


def test_its_budget_is_that_of_the_run(project: Project) -> None:
    pytest.importorskip("genai_prices", reason="prices need the extra of that name")
    project.write("pyproject.toml", "[tool.replaycache]\nbudget = 0.5\n")
    project.tests(DEAR)

    result = project.run("-s")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*sent ?'first'?*", "*BudgetExceeded: the call was not sent*Raise budget in *pyproject.toml*"]
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.replaycache]\nmoed = 'auto'", "there is no 'moed'; did you mean 'mode'?"),
        ("[tool.replaycache]\nmode = 'atuo'", "did you mean 'auto'?"),
        ("[tool.replaycache.match]\nnormalize = 'f'", "normalize is a function, and can be given in code only"),
    ],
)
def test_a_mistake_in_it_ends_the_run_with_a_sentence(project: Project, text: str, told: str) -> None:
    project.write("pyproject.toml", text)
    project.tests("def test_it(): pass")

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {project.path}{os.sep}pyproject.toml*{told}*"])
    assert "Traceback" not in result.stderr.str()
