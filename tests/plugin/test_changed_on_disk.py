"""A cassette that somebody else changes while a test has it in use."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

OWN = "cassettes/test_it/test_it.json"

CHANGED = """
    import os

    @pytest.mark.replay
    def test_it(replay_cassette):
        for text in os.environ["ASKED"].split():
            if text == "CHANGE":
                path = replay_cassette.path
                if os.environ["CHANGE"]:
                    path.write_text(os.environ["CHANGE"], "utf-8")
                else:
                    path.unlink()
            else:
                assert ask(text).startswith(text)
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    project.tests(CHANGED)
    project.set(ASKED="one two")
    project.run().assert_outcomes(passed=1)
    return project


def other(project: Project, *changes: tuple[str, str]) -> str:
    """The cassette as somebody else may have changed it."""
    text = (project.path / OWN).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_test_plays_what_the_file_held_when_it_began(recorded: Project) -> None:
    changed = other(recorded, ("two 1", "two changed"))
    recorded.set(ASKED="one CHANGE two", CHANGE=changed)

    recorded.run("--replay-mode=replay").assert_outcomes(passed=1)

    assert (recorded.path / OWN).read_text("utf-8") == changed
    assert recorded.answers(OWN) == ["one 1", "two changed"]


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_what_is_recorded_is_added_to_what_stands_there_now(recorded: Project, mode: str) -> None:
    recorded.set(ASKED="one CHANGE three", CHANGE=other(recorded, ("two 1", "two changed")))

    recorded.run(f"--replay-mode={mode}", "-k", "test_it").assert_outcomes(passed=1)

    expected = ["one 1", "three 1", "two changed"] if mode == "auto" else ["one 2", "three 1"]
    assert recorded.answers(OWN) == expected


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_what_is_recorded_is_kept_where_the_file_is_removed_meanwhile(recorded: Project, mode: str) -> None:
    recorded.set(ASKED="one CHANGE three", CHANGE="")

    recorded.run(f"--replay-mode={mode}").assert_outcomes(passed=1)

    assert recorded.answers(OWN) == (["three 1"] if mode == "auto" else ["one 2", "three 1"])


@pytest.mark.parametrize("mode", ["auto", "record"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<<<<<<< HEAD\n", "*test_it.json, line 1: the file has unresolved merge conflicts*"),
        ('{"format": "replaycache/9", "recordings": []}', "*test_it.json has the format replaycache/9*"),
        ('{"format": "replaycache/1", "recordings": [{"request', "*test_it.json is no JSON*"),
    ],
)
def test_what_cannot_be_read_any_more_is_not_written_over_and_what_was_paid_is_told(
    recorded: Project, mode: str, text: str, said: str
) -> None:
    recorded.set(ASKED="CHANGE three", CHANGE=text)

    result = recorded.run(f"--replay-mode={mode}")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*test_it: CassetteError: {said}"])
    assert (recorded.path / OWN).read_text("utf-8") == text
    assert summary(result) == "replaycache: 0 replayed, 0 recorded, 0 missed, 0 unused, 1 not kept"


@pytest.mark.parametrize("mode", ["replay", "auto", "record"])
def test_every_test_of_a_cassette_that_cannot_be_read_any_more_is_told(project: Project, mode: str) -> None:
    project.tests(
        """
        import os

        @pytest.mark.replay("shared.json")
        @pytest.mark.parametrize("n", range(4))
        def test_it(n, replay_cassette):
            ask("q")
            if n == 0:
                ask("r")
            elif n == 1 and "BREAK" in os.environ:
                replay_cassette.path.write_text("<<<<<<< HEAD")
            elif n == 3:
                ask("r")
        """
    )
    project.run().assert_outcomes(passed=4)
    project.set(BREAK="1")

    result = project.run(f"--replay-mode={mode}")

    result.assert_outcomes(passed=2, errors=2)
    assert (project.path / "cassettes/test_it/shared.json").read_text() == "<<<<<<< HEAD"
