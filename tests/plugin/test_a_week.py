"""A week in the life of a suite: after each step, what git shows of the cassettes, and what the person sees."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.plugin.projects import Project, summary
from tests.scripted_server import Received, ScriptedServer, Wire

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is absent")

HEAD = """
    import os
    from llm import ask
"""

NEWS = """
    @pytest.mark.replay
    def test_news():
        ask("the news of Monday")
        ask("the news of Tuesday")
        ask("the news of Wednesday")
"""

WEATHER = """
    @pytest.mark.replay
    def test_weather():
        ask("the weather")
"""

TALK = """
    @pytest.mark.replay("talk.json")
    def test_hello():
        ask("hello")
        ask("who are you?")

    @pytest.mark.replay("talk.json")
    def test_bye():
        ask("hello")
        ask("bye")
"""

FURTHER = """
    @pytest.mark.replay("../test_it/talk.json")
    def test_it():
        ask("{text}")
"""

FORKS = """
    @pytest.mark.replay
    def test_forks():
        ask("before")
        child = os.fork()
        if not child:
            try:
                ask("from a child")
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        ask("after")
"""

SHUFFLED = """
    import random

    def pytest_collection_modifyitems(items):
        random.Random(7).shuffle(items)
"""

WORKERS = ["-p", "xdist", "-n", "2"]
MONDAY = "2026-01-05T09:00:00.000Z"


class Repository:
    """A repository with a suite.

    Args:
        project: that of the suite.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{
                f"GIT_{role}_{what}": f"{what}@example.com"
                for role in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        self.git("init", "--quiet")
        self.git("checkout", "--quiet", "-b", "trunk")  # whatever the first branch is called
        project.write(".gitignore", "__pycache__/\n.pytest_cache/\n")

    def git(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._project.path,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")

    def changes(self) -> dict[str, tuple[list[str], list[str]]]:
        """The lines that went and that came, of each cassette, but for how long it took and when."""
        self.git("add", "--intent-to-add", ".")
        found: dict[str, tuple[list[str], list[str]]] = {}
        gone: list[str] = []
        came: list[str] = []
        for line in self.git("diff", "--unified=0", "--no-renames", "--", "cassettes").splitlines():
            if line.startswith("diff "):
                gone, came = found[line.rpartition(" b/cassettes/test_it/")[2]] = [], []
            elif line.startswith(("--- ", "+++ ")) or re.search(r'"(latency|recorded_at)": ', line):
                continue
            elif line.startswith("-"):
                gone.append(line[1:].strip())
            elif line.startswith("+"):
                came.append(line[1:].strip())
        return found

    def is_clean(self) -> bool:
        return not self.git("status", "--porcelain", "--", "cassettes")


@pytest.fixture
def week(project: Project) -> Iterator[Project]:
    """An upstream that answers each question in the same way, every time."""

    def handle(request: Received, wire: Wire) -> None:
        text = request.json()["messages"][0]["content"]
        wire.answer(json.dumps({"answer": f"About {text}"}).encode())

    with ScriptedServer(handle) as upstream:
        project.upstream = upstream
        project.set(UPSTREAM=upstream.url)
        yield project


def asked_and_answered(text: str) -> list[str]:
    return [f'"content": "{text}"', f'"answer": "About {text}"']


def told(result: pytest.RunResult, section: str) -> list[str]:
    """The lines of a section of the report."""
    lines = iter(result.outlines)
    for line in lines:
        if re.fullmatch(f"=+ replaycache: {section} =+", line):
            break
    return [line for line, _ in zip(lines, range(20), strict=False) if not line.startswith(("=", "replaycache: "))]


@pytest.mark.exhaustive
def test_a_week(week: Project) -> None:
    repository = Repository(week)

    # -- record, and commit
    week.tests(HEAD + NEWS + WEATHER + TALK)
    result = week.run()
    result.assert_outcomes(passed=4)
    assert summary(result) == "replaycache: 1 replayed, 7 recorded, 0 missed, 0 unused"
    assert week.cassettes() == [f"cassettes/test_it/{name}.json" for name in ("talk", "test_news", "test_weather")]
    repository.commit()
    for arguments in ([], ["--replay-mode=record"], ["--replay-unused=drop"]):
        week.run(*arguments).assert_outcomes(passed=4)
        assert repository.is_clean()

    # -- change a prompt: of a test's own cassette, and of one that two tests share
    news, talk = NEWS.replace("Tuesday", "Friday"), TALK.replace("who are", "how are")
    week.tests(HEAD + news + WEATHER + talk)
    result = week.run()
    result.assert_outcomes(passed=2, failed=2)
    assert summary(result) == "replaycache: 5 replayed, 0 recorded, 2 missed, 0 unused"
    result.stdout.fnmatch_lines(
        [
            "E *messages[[]0[]].content",
            'E *recorded "the news of *"',
            'E *asked * "the news of Friday"',
            "E *next *pytest --replay-mode=auto test_it.py::test_news",
            "E *--replay-mode=record test_it.py::test_news",
            'E *messages[[]0[]].content: recorded "*" / asked "how are you?"',
        ]
    )
    assert repository.is_clean()
    result = week.run("--replay-mode=record")
    result.assert_outcomes(passed=4)
    assert summary(result) == "replaycache: 1 replayed, 7 recorded, 0 missed, 0 unused"
    assert repository.changes() == {
        "talk.json": (asked_and_answered("who are you?"), asked_and_answered("how are you?")),
        "test_news.json": (asked_and_answered("the news of Tuesday"), asked_and_answered("the news of Friday")),
    }
    repository.commit()

    # -- rename a test
    weather = WEATHER.replace("test_weather", "test_sun")
    week.tests(HEAD + news + weather + talk)
    week.set(CI="true")
    result = week.run()
    result.assert_outcomes(passed=3, failed=1)
    moving = "git mv cassettes/test_it/test_weather.json cassettes/test_it/test_sun.json"
    result.stdout.fnmatch_lines([f"E *next *if the test was renamed: {moving} (that file holds this answer*"])
    repository.git(*moving.split()[1:])
    assert week.run("--replay-unused=fail").ret == 0
    week.unset("CI")
    assert repository.changes() == {}
    assert repository.git("status", "--porcelain", "--", "cassettes").startswith("R  ")
    repository.commit()

    # -- delete a test: one with a cassette of its own, and one of two that share theirs
    bye = talk[: talk.index("    @pytest.mark.replay", 10)]
    week.tests(HEAD + news + bye)
    result = week.run("--replay-orphans")
    result.assert_outcomes(passed=2)
    assert told(result, "orphaned cassettes")[0] == "cassettes/test_it/test_sun.json"
    assert told(result, "unused recordings")[:2] == [
        "cassettes/test_it/talk.json: 1 of 3",
        f'  recording 3: "bye" (m, POST {week.upstream.url}/v1/chat/completions)',
    ]
    assert summary(result) == "replaycache: 5 replayed, 0 recorded, 0 missed, 1 unused"
    assert repository.is_clean()
    result = week.run("--replay-unused=drop")
    assert told(result, "dropped recordings")[0] == "cassettes/test_it/talk.json: 1, which no test played"
    (gone, came) = repository.changes().pop("talk.json")
    assert came == []
    assert asked_and_answered("bye") == [line for line in gone if line.startswith(('"content"', '"answer"'))]
    repository.git("rm", "--quiet", "cassettes/test_it/test_sun.json")
    repository.commit()

    # -- merge two branches
    main = HEAD + news + bye
    repository.git("checkout", "--quiet", "-b", "other")
    other = WEATHER.replace("weather", "moon") + '        assert ask("hello")\n'
    week.tests(main + other)
    week.tests(HEAD + FURTHER.format(text="theirs"), "test_theirs.py")
    week.run("--replay-mode=auto").assert_outcomes(passed=4)
    repository.commit()
    repository.git("checkout", "--quiet", "trunk")
    week.tests(HEAD + FURTHER.format(text="ours"), "test_ours.py")
    week.tests(HEAD + news.replace("Wednesday", "Sunday") + bye)
    week.run("--replay-mode=record").assert_outcomes(passed=3)
    repository.commit()
    repository.git("merge", "--quiet", "other", status=1)
    assert repository.git("diff", "--name-only", "--diff-filter=U").split() == ["cassettes/test_it/talk.json"]
    result = week.run()
    result.assert_outcomes(passed=2, errors=3)
    said = "*talk.json, line *: the file has unresolved merge conflicts. * git checkout --conflict=diff3 *"
    result.stdout.fnmatch_lines([said])
    repository.git("checkout", "--quiet", "--conflict=diff3", "cassettes/test_it/talk.json")
    path = week.path / "cassettes/test_it/talk.json"
    conflicted = path.read_text("utf-8")
    both = re.sub(r"^\|{7} .*?^=======\n", "", conflicted, flags=re.DOTALL | re.MULTILINE)
    path.write_text(re.sub(r"^(<{7}|>{7}) .*\n", "", both, flags=re.MULTILINE), "utf-8")
    assert week.recorded("cassettes/test_it/talk.json") == ["hello", "how are you?", "ours", "theirs"]
    result = week.run("--replay-unused=fail")
    result.assert_outcomes(passed=5)
    assert summary(result) == "replaycache: 9 replayed, 0 recorded, 0 missed, 0 unused"
    repository.commit()

    # -- fail while recording
    news = news.replace("Wednesday", "Sunday")
    week.tests(
        HEAD + news.replace("Monday", "today") + '        assert "snow" in ask("is it cold?")\n' + bye + other
    )
    for mode in ("auto", "record"):
        result = week.run(f"--replay-mode={mode}", "-k", "news")
        result.assert_outcomes(failed=1, deselected=4)
        counts = {
            "auto": "2 replayed, 0 recorded, 0 missed, 0 unused, 2",
            "record": "0 replayed, 0 recorded, 0 missed, 0 unused, 4",
        }
        assert summary(result) == f"replaycache: {counts[mode]} not kept"
        lost = (
            "answers that were recorded are not kept, for the test did not pass; --replay-keep-failed keeps such"
        )
        result.stdout.fnmatch_lines([f"test_it.py::test_news: {counts[mode][-1]} {lost}"])
        assert repository.is_clean()
    result = week.run("--replay-mode=auto", "--replay-keep-failed", "-k", "news")
    result.assert_outcomes(failed=1, deselected=4)
    assert summary(result) == "replaycache: 2 replayed, 2 recorded, 0 missed, 0 unused"
    (gone, came) = repository.changes().pop("test_news.json")
    assert gone == []
    assert [line for line in came if line.startswith(('"content"', '"answer"'))] == [
        *asked_and_answered("the news of today"),
        *asked_and_answered("is it cold?"),
    ]
    repository.git("restore", "cassettes")

    # -- renew after `ttl`
    for name in week.cassettes():
        text = (week.path / name).read_text("utf-8")
        (week.path / name).write_text(re.sub(r'("recorded_at": )".*"', rf'\1"{MONDAY}"', text), "utf-8")
    old = news.replace("pytest.mark.replay", 'pytest.mark.replay(ttl="7d")')
    week.tests(HEAD + old + bye + other)
    repository.commit()
    result = week.run()
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        ["E *why *expired: *", "E *next *record it anew: pytest --replay-mode=record *test_news*"]
    )
    assert repository.is_clean()
    result = week.run("--replay-mode=auto")
    result.assert_outcomes(passed=5)
    assert summary(result) == "replaycache: 6 replayed, 3 recorded, 0 missed, 0 unused"
    assert repository.changes() == {"test_news.json": ([], [])}  # but for the date and how long it took
    assert MONDAY not in (week.path / "cassettes/test_it/test_news.json").read_text("utf-8")
    repository.commit()
    assert summary(week.run("--replay-mode=auto")) == "replaycache: 9 replayed, 0 recorded, 0 missed, 0 unused"

    # -- two workers, in another order
    week.write("conftest.py", SHUFFLED)
    for mode, told_of in (("once", "9 replayed, 0 recorded"), ("record", "0 replayed, 9 recorded")):
        result = week.run(f"--replay-mode={mode}", *WORKERS)
        result.assert_outcomes(passed=5)
        assert summary(result) == f"replaycache: {told_of}, 0 missed, 0 unused"
        assert repository.is_clean()

    # -- fork
    if hasattr(os, "fork"):
        week.tests(HEAD + old + bye + other + FORKS)
        result = week.run("-W", "ignore::DeprecationWarning")
        result.assert_outcomes(passed=6)
        assert summary(result) == "replaycache: 9 replayed, 3 recorded, 0 missed, 0 unused"
        assert repository.changes().keys() == {"test_forks.json"}
        assert sorted(week.recorded("cassettes/test_it/test_forks.json")) == ["after", "before", "from a child"]
        repository.commit()
        for arguments in ([], ["--replay-mode=record"], ["--replay-unused=drop"]):
            week.run("-W", "ignore::DeprecationWarning", *arguments).assert_outcomes(passed=6)
            assert repository.is_clean()

    week.upstream.stop()
    week.set(CI="true")
    result = week.run("--replay-unused=fail", "-W", "ignore::DeprecationWarning")
    assert result.ret == 0
    assert " recorded, 0 missed, 0 unused" in summary(result)
    assert list((week.path / "cassettes").rglob(".*")) == []
