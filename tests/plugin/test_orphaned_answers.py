"""A miss names the cassette that no test owns and that holds the answer: the test was renamed."""

from __future__ import annotations

import json

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

BEFORE = """
    from replaycache import Match

    @pytest.mark.replay(match=Match(scrub=[(r"\\d+", "N")]))
    @pytest.mark.parametrize("n", [1])
    def test_old(n):
        ask(f"question {n}")

    @pytest.mark.replay
    def test_other():
        ask("other")
"""
AFTER = BEFORE.replace("test_old", "test_new")
CASSETTES = "cassettes/test_it"


@pytest.fixture
def recorded(project: Project) -> Project:
    project.tests(BEFORE)
    project.run().assert_outcomes(passed=2)
    project.upstream.stop()
    return project


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["test_it.py"],
        ["test_it.py::test_new"],
        ["-k", "new"],
        pytest.param(["-p", "xdist", "-n", "2"], marks=pytest.mark.exhaustive),
    ],
)
def test_a_renamed_tests_miss_says_how_to_move_its_cassette(recorded: Project, arguments: list[str]) -> None:
    recorded.tests(AFTER.replace("[1]", "[7]"))

    result = recorded.run("--replay-mode=replay", *arguments)

    moved = f"git mv '{CASSETTES}/test_old[1].json' '{CASSETTES}/test_new[7].json'"
    held = "that file holds this answer, and no collected test owns it"
    told = f"next     if the test was renamed: {moved} ({held})"
    at = next(number for number, line in enumerate(result.outlines) if told in line)
    assert "or record it: pytest --replay-mode=once" in result.outlines[at + 1]
    (recorded.path / f"{CASSETTES}/test_old[1].json").rename(recorded.path / f"{CASSETTES}/test_new[7].json")
    assert recorded.run("--replay-mode=replay", *arguments).ret == 0


def test_a_renamed_module_and_one_that_was_moved_are_found_too(recorded: Project) -> None:
    (recorded.path / "test_it.py").rename(recorded.path / "test_that.py")

    result = recorded.run("--replay-mode=replay", "test_that.py::test_other")

    moved = f"git mv {CASSETTES}/test_other.json cassettes/test_that/test_other.json"
    assert any(moved in line for line in result.outlines)


def test_one_of_which_something_is_unknown_is_found_too(recorded: Project) -> None:
    """As of a file of another recorder, whose filters left out headers that may count."""
    path = recorded.path / f"{CASSETTES}/test_other.json"
    document = json.loads(path.read_text("utf-8"))
    document["recordings"][0]["request"]["unknown"] = ["openai-beta"]
    path.write_text(json.dumps(document), "utf-8")
    recorded.tests(BEFORE.replace("test_other", "test_further"))

    result = recorded.run("--replay-mode=replay")

    moved = f"git mv {CASSETTES}/test_other.json {CASSETTES}/test_further.json"
    assert any(moved in line for line in result.outlines)


def test_where_the_test_has_a_cassette_that_is_not_to_be_overwritten(recorded: Project) -> None:
    recorded.tests(BEFORE.replace('ask("other")', 'ask("question 1")').replace("test_old", "_was"))

    result = recorded.run("--replay-mode=replay")

    result.assert_outcomes(failed=1)
    assert any("git mv" in line for line in result.outlines) is False
    told = f"next     {CASSETTES}/test_old[1].json holds this answer, and no collected test owns it"
    assert any(told in line for line in result.outlines), result.outlines


@pytest.mark.parametrize(
    ("suite", "arguments"),
    [
        (BEFORE.replace('ask("other")', 'ask("question 1")'), []),  # its owner is there
        (BEFORE.replace('ask("other")', 'ask("question 1")'), ["test_it.py::test_other"]),  # and was not selected
        (BEFORE.replace('ask("other")', 'ask("question 1")'), ["-k", "other"]),
        (AFTER.replace("question", "another question"), []),  # and this answer is nowhere
    ],
)
def test_a_cassette_that_a_test_owns_or_that_lacks_the_answer_is_not_named(
    recorded: Project, suite: str, arguments: list[str]
) -> None:
    recorded.tests(suite)

    result = recorded.run("--replay-mode=replay", *arguments)

    assert result.parseoutcomes()["failed"] == 1
    assert not any("no collected test owns" in line for line in result.outlines)


def test_orphans_that_cannot_be_read_are_passed_over(recorded: Project) -> None:
    recorded.tests(AFTER)
    recorded.write(f"{CASSETTES}/test_a.json", '{"format": "replaycache/1", <<<<')
    recorded.write(f"{CASSETTES}/test_b.json", "nonsense")

    result = recorded.run("--replay-mode=replay")

    assert any("git mv" in line for line in result.outlines)
