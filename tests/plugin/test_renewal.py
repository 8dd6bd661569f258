"""`--replay-mode=record` over cassettes that several tests share."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

ONCE_AND_TWICE = """
    import os

    pytestmark = pytest.mark.replay("shared.json")

    def asking(times):
        answers = [ask("q") for _ in range(times)]
        assert sorted(set(answers)) == answers

    def test_first():
        asking(int(os.environ.get("FIRST", "1")))

    def test_second():
        asking(int(os.environ.get("SECOND", "2")))
"""

SHARED = "cassettes/test_it/shared.json"
WORKERS = ["-p", "xdist", "-n", "2", "--dist", "load", "--maxschedchunk", "1"]


@pytest.fixture
def shared(project: Project) -> Project:
    """A cassette with three answers to one request; now one test asks once and the other twice."""
    project.tests(ONCE_AND_TWICE)
    project.set(SECOND="3")
    project.run().assert_outcomes(passed=2)
    assert project.answers(SHARED) == ["q 1", "q 2", "q 3"]
    project.unset("SECOND")
    return project


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("first", "second", "workers"),
    [
        ("1", "2", []),
        ("2", "1", []),
        ("1", "2", WORKERS),
        pytest.param("2", "1", WORKERS, marks=pytest.mark.exhaustive),
    ],
)
def test_as_many_answers_are_kept_as_the_test_that_asks_most_often_needs(
    shared: Project, first: str, second: str, workers: list[str]
) -> None:
    shared.set(FIRST=first, SECOND=second)

    result = shared.run("--replay-mode=record", *workers)

    result.assert_outcomes(passed=2)
    assert summary(result) == "replaycache: 1 replayed, 2 recorded, 0 missed, 0 unused"
    assert shared.answers(SHARED) == ["q 4", "q 5"]
    shared.upstream.stop()
    shared.run("--replay-mode=replay", "--replay-unused=fail").assert_outcomes(passed=2)
    assert shared.run("test_it.py::test_second").ret == shared.run("test_it.py::test_first").ret == 0


def test_each_run_asks_again(shared: Project) -> None:
    for number in (4, 6):
        shared.run("--replay-mode=record").assert_outcomes(passed=2)
        assert shared.answers(SHARED) == [f"q {number}", f"q {number + 1}"]


def test_what_a_test_that_fails_would_need_stays(shared: Project) -> None:
    shared.tests(ONCE_AND_TWICE + "        assert 'FAIL' not in os.environ\n")
    shared.set(FAIL="1")

    shared.run("--replay-mode=record").assert_outcomes(passed=1, failed=1)

    assert shared.answers(SHARED) == ["q 4", "q 2", "q 3"]
    shared.unset("FAIL")
    shared.run("--replay-mode=record").assert_outcomes(passed=2)
    assert shared.answers(SHARED) == ["q 6", "q 7"]


@pytest.mark.parametrize("selection", [["-k", "first"], ["test_it.py::test_first"]])
def test_what_a_test_that_was_not_selected_needs_stays(shared: Project, selection: list[str]) -> None:
    shared.run("--replay-mode=record", *selection)

    assert shared.answers(SHARED) == ["q 4", "q 2", "q 3"]


def test_a_cassette_of_one_test_loses_what_the_test_asks_no_more(project: Project) -> None:
    project.tests(
        """
        import os

        @pytest.mark.replay
        def test_it():
            for text in os.environ["ASKED"].split():
                ask(text)
        """
    )
    project.set(ASKED="one two one one")
    project.run().assert_outcomes(passed=1)
    project.set(ASKED="two one one")

    project.run("test_it.py::test_it", "--replay-mode=record").assert_outcomes(passed=1)

    assert project.answers("cassettes/test_it/test_it.json") == ["one 4", "two 2", "one 5"]


def test_what_came_back_unchanged_keeps_its_lines(project: Project) -> None:
    project.tests(
        """
        import httpx2
        from llm import URL, body

        pytestmark = pytest.mark.replay("shared.json")

        def constant():
            with httpx2.Client(verify=False) as client:
                return client.post(URL, json=body("q"), headers={"x-constant": "1"}).json()

        def test_first():
            constant()

        def test_second():
            constant()
            constant()
        """
    )
    project.run().assert_outcomes(passed=2)
    before = (project.path / SHARED).read_bytes()

    result = project.run("--replay-mode=record")

    assert summary(result) == "replaycache: 1 replayed, 2 recorded, 0 missed, 0 unused"
    assert (project.path / SHARED).read_bytes() == before
    assert len(project.upstream.requests) == 4


CONSTANT = """
    import os, httpx2
    from llm import URL, body

    def ask_for(name):
        with httpx2.Client(trust_env=False, verify=False) as client:
            for text in os.environ[name].split():
                client.post(URL, json=body(text), headers={"x-constant": "1"})

    @pytest.mark.replay
    def test_own():
        ask_for("OWN")

    @pytest.mark.replay("shared.json")
    def test_first():
        ask_for("FIRST")
        assert "FAIL" not in os.environ

    @pytest.mark.replay("shared.json")
    def test_second():
        ask_for("SECOND")
"""

OWN = "cassettes/test_it/test_own.json"


@pytest.fixture
def constant(project: Project) -> Project:
    """A cassette of one test and one of two, of an upstream that answers the same to the same request."""
    project.tests(CONSTANT)
    project.set(OWN="one two three", FIRST="all first a", SECOND="all second b")
    project.run().assert_outcomes(passed=3)
    return project


def pieces(project: Project, name: str) -> dict[str, str]:
    """The text of each recording of a cassette, by what was asked."""
    asked = project.recorded(name)
    texts = (project.path / name).read_text("utf-8").partition("[\n")[2].rpartition("\n  ]")[0].split("\n    },\n")
    assert len(asked) == len(texts)
    return {one: text.removesuffix("\n    }") for one, text in zip(asked, texts, strict=True)}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("name", "variable", "asked", "recorded"),
    [
        (OWN, "OWN", "one new three", "one new three"),
        (OWN, "OWN", "new two three", "new two three"),
        (OWN, "OWN", "one two new", "one two new"),
        (OWN, "OWN", "one three", "one three"),
        (OWN, "OWN", "one two more three", "one two more three"),
        (SHARED, "FIRST", "all new a", "all new a second b"),
        (SHARED, "SECOND", "all new b", "all first a new b"),
        (SHARED, "SECOND", "all second new", "all first a second new"),
    ],
)
@pytest.mark.parametrize(
    "workers", [[], pytest.param(WORKERS, marks=pytest.mark.exhaustive)], ids=["alone", "workers"]
)
def test_a_changed_prompt_is_one_changed_recording(
    constant: Project, name: str, variable: str, asked: str, recorded: str, workers: list[str]
) -> None:
    before = pieces(constant, name)
    constant.set(**{variable: asked})

    constant.run("--replay-mode=record", *workers).assert_outcomes(passed=3)

    after = pieces(constant, name)
    assert after.keys() == {*recorded.split()}
    assert {one: text for one, text in after.items() if one in before} == {
        one: text for one, text in before.items() if one in after
    }
    if not workers:
        assert list(after) == recorded.split()
    constant.upstream.stop()
    constant.run("--replay-mode=replay", "--replay-unused=fail").assert_outcomes(passed=3)


def test_the_first_prompt_of_a_shared_cassette_changed_stands_before_what_was_asked_next(
    constant: Project,
) -> None:
    constant.set(FIRST="new first a")

    # apart, for what one process asks comes behind what it asked before
    constant.run_apart("--replay-mode=record").assert_outcomes(passed=3)

    assert constant.recorded(SHARED) == ["all", "new", "first", "a", "second", "b"]


@pytest.mark.parametrize(
    ("arguments", "fails"),
    [
        ([], True),
        (["-k", "first"], False),
        (["test_it.py::test_first"], False),
        (["test_it.py::test_first", "test_it.py::test_second"], False),
    ],
)
def test_dead_ones_stay_where_an_owner_failed_or_may_not_have_been_selected(
    constant: Project, arguments: list[str], fails: bool
) -> None:
    before = pieces(constant, SHARED)
    constant.set(FIRST="all new a")
    if fails:
        constant.set(FAIL="1")

    constant.run("--replay-mode=record", *arguments)

    after = pieces(constant, SHARED)
    assert {one: text for one, text in after.items() if one != "new"} == before
    assert ("new" in after) is not fails
