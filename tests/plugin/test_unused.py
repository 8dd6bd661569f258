"""Recordings that no test plays, and files that no test owns."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

SHARED = """
    import os

    CALLS = os.environ.get("CALLS", "one two").split()

    @pytest.mark.replay("shared.json")
    @pytest.mark.parametrize("call", ["one", "two"])
    def test_it(call):
        ask("both")
        if call in CALLS:
            ask(call)

    @pytest.mark.replay
    def test_other():
        if "other" in CALLS:
            ask("other")
            ask("other")
        assert "fail" not in CALLS
"""


@pytest.fixture
def recorded(project: Project) -> Project:
    """Three recordings in a shared cassette, two in another test's."""
    project.tests(SHARED)
    project.set(CALLS="one two other")
    result = project.run()
    assert summary(result) == "replaycache: 1 replayed, 5 recorded, 0 missed, 0 unused"
    project.upstream.stop()
    return project


def test_all_played_is_nothing_unused(recorded: Project) -> None:
    result = recorded.run("--replay-unused=fail")

    assert result.ret == 0
    assert summary(result) == "replaycache: 6 replayed, 0 recorded, 0 missed, 0 unused"


@pytest.mark.parametrize(
    ("policy", "ret", "workers"),
    [(None, 0, []), ("warn", 0, []), ("fail", 1, []), ("fail", 1, ["-p", "xdist", "-n", "2"])],
)
def test_what_no_test_played_is_told(recorded: Project, policy: str | None, ret: int, workers: list[str]) -> None:
    recorded.set(CALLS="one")

    result = recorded.run(*workers, *([f"--replay-unused={policy}"] if policy else []))

    result.assert_outcomes(passed=3)
    assert result.ret == ret
    assert ("The run fails for them (--replay-unused=fail)." in result.outlines) is (policy == "fail")
    assert summary(result) == "replaycache: 3 replayed, 0 recorded, 0 missed, 3 unused"
    result.stdout.fnmatch_lines(
        [
            "*= replaycache: unused recordings =*",
            "cassettes/test_it/shared.json: 1 of 3",
            '  recording 3: "two" (m, POST http://127.0.0.1:*/v1/chat/completions)',
            "cassettes/test_it/test_other.json: 2 of 2",
            '  recording 1: "other" (m, *',
            '  recording 2: "other" (m, *',
            "No test played them, and all tests of these cassettes passed. --replay-unused=drop removes them, *",
        ]
    )


def test_ignore_says_nothing(recorded: Project) -> None:
    recorded.set(CALLS="")

    result = recorded.run("--replay-unused=ignore")

    assert result.ret == 0
    result.stdout.no_fnmatch_line("*unused recordings*")
    assert summary(result).endswith("0 unused")


@pytest.mark.parametrize(
    ("calls", "arguments", "judged"),
    [
        ("two", ["-k", "one or other"], ["test_other"]),  # the other test of the shared cassette was deselected
        ("two", ["test_it.py::test_it"], []),  # a node id leaves open which others share the cassette
        ("two", ["test_it.py::test_other"], ["test_other"]),
        ("two", ["test_it.py"], ["shared", "test_other"]),
        ("two fail", [], ["shared"]),  # a failing test might have played more
    ],
)
def test_a_cassette_is_judged_only_where_all_its_tests_passed(
    recorded: Project, calls: str, arguments: list[str], judged: list[str]
) -> None:
    recorded.set(CALLS=calls)

    result = recorded.run(*arguments)

    told = [
        name for name in ("shared", "test_other") if any(f"/{name}.json: " in line for line in result.outlines)
    ]
    assert told == judged


def test_a_run_that_records_does_not_judge(recorded: Project) -> None:
    recorded.set(CALLS="two")
    recorded.write("test_it.py", (recorded.path / "test_it.py").read_text().replace('"both"', '"new"'))

    result = recorded.run("--replay-mode=record", "-k", "test_it")

    assert summary(result).endswith(" 0 unused")


@pytest.mark.exhaustive
def test_orphans_are_files_that_no_collected_test_owns(recorded: Project) -> None:
    recorded.write(
        "cassettes/test_it/test_gone.json", (recorded.path / "cassettes/test_it/shared.json").read_text()
    )
    recorded.write("cassettes/test_deleted/test_it.json", '{"format": "replaycache/1", "recordings": []}')
    recorded.write("cassettes/test_it/notes.json", '{"my": "own"}')
    recorded.tests("pytest.skip('not here', allow_module_level=True)", "test_skipped.py")
    recorded.write("cassettes/test_skipped/test_it.json", '{"format": "replaycache/1", "recordings": []}')
    expected = [
        "*= replaycache: orphaned cassettes =*",
        "cassettes/test_deleted/test_it.json",
        "cassettes/test_it/test_gone.json",
        "No collected test owns these. *",
        "Not collected, and their cassettes not looked at: test_skipped.py",
    ]

    for arguments in (["--collect-only"], ["-k", "other"], ["-p", "xdist", "-n", "2"]):
        result = recorded.run("--replay-orphans", *arguments)
        assert result.ret == 0
        result.stdout.fnmatch_lines(expected, consecutive=True)


def test_no_orphans_is_said_too(recorded: Project) -> None:
    result = recorded.run("--replay-orphans")

    result.stdout.fnmatch_lines(["There is none: a collected test owns every cassette."])


@pytest.mark.parametrize("argument", ["test_it.py", "test_it.py::test_other"])
def test_orphans_of_a_part_are_not_listed_and_it_says_so(recorded: Project, argument: str) -> None:
    recorded.write("cassettes/test_it/test_gone.json", '{"format": "replaycache/1", "recordings": []}')

    result = recorded.run("--replay-orphans", argument)

    result.stdout.fnmatch_lines([f"Only a part of the tests was selected ({argument}), and the cassettes of the*"])
    result.stdout.no_fnmatch_line("*test_gone.json")


def test_directories_beside_the_selected_one_are_left_alone(project: Project) -> None:
    project.tests("def test_it(): pass", "one/test_it.py")
    for name in ("one", "two"):
        project.write(f"{name}/cassettes/test_gone/test_it.json", '{"format": "replaycache/1", "recordings": []}')
    project.write("cassettes/test_gone/test_it.json", '{"format": "replaycache/1", "recordings": []}')

    result = project.run("--replay-orphans", "one")

    listed = ["*= replaycache: orphaned*", "one/cassettes/test_gone/test_it.json", "No collected*"]
    result.stdout.fnmatch_lines(listed, consecutive=True)


@pytest.mark.parametrize(
    "workers",
    [[], pytest.param(["-p", "xdist", "-n", "2"], marks=pytest.mark.exhaustive)],
    ids=["alone", "workers"],
)
def test_drop_removes_what_no_test_of_the_cassette_played(recorded: Project, workers: list[str]) -> None:
    recorded.set(CALLS="one")
    before = (recorded.path / "cassettes/test_it/shared.json").read_text("utf-8").splitlines()

    result = recorded.run("--replay-unused=drop", *workers)

    result.assert_outcomes(passed=3)
    assert result.ret == 0
    assert summary(result) == "replaycache: 3 replayed, 0 recorded, 0 missed, 0 unused"
    result.stdout.fnmatch_lines(
        [
            "*= replaycache: dropped recordings =*",
            "cassettes/test_it/shared.json: 1, which no test played",
            "cassettes/test_it/test_other.json: 2, which no test played",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("*unused recordings*")
    assert recorded.recorded("cassettes/test_it/shared.json") == ["both", "one"]
    after = (recorded.path / "cassettes/test_it/shared.json").read_text("utf-8").splitlines()
    assert [line.rstrip(",") for line in after[:-2]] == [line.rstrip(",") for line in before[: len(after) - 2]]
    assert recorded.recorded("cassettes/test_it/test_other.json") == []
    recorded.run("--replay-mode=replay", "--replay-unused=fail").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("calls", "arguments"),
    [
        ("two", ["-k", "one"]),
        ("two", ["test_it.py::test_it[one]"]),
        ("two", ["test_it.py::test_it"]),
        ("fail one two other", []),
        ("fail", ["-k", "other"]),
    ],
)
def test_drop_keeps_what_a_test_may_need_that_did_not_run_or_failed(
    recorded: Project, calls: str, arguments: list[str]
) -> None:
    recorded.set(CALLS=calls)
    before = {name: (recorded.path / name).read_bytes() for name in recorded.cassettes()}

    recorded.run("--replay-unused=drop", *arguments)

    assert {name: (recorded.path / name).read_bytes() for name in recorded.cassettes()} == before


@pytest.mark.sampled(2)
@pytest.mark.parametrize("policy", ["warn", "drop", "fail"])
@pytest.mark.parametrize("text", ["<<<<<<< HEAD", '{"format": "replaycache/1", "recordings": []}', None])
def test_a_cassette_that_was_changed_since_it_was_played_is_not_judged(
    recorded: Project, policy: str, text: str | None
) -> None:
    recorded.set(CALLS="one")
    recorded.write(
        "conftest.py",
        """
        import os, pathlib

        def pytest_runtest_logfinish(nodeid):
            if "test_other" in nodeid:
                path = pathlib.Path(__file__).parent / "cassettes/test_it/test_other.json"
                if os.environ.get("TEXT"):
                    path.write_text(os.environ["TEXT"])
                else:
                    path.unlink()
        """,
    )

    recorded.set(TEXT=text or "")
    path = recorded.path / "cassettes/test_it/test_other.json"

    result = recorded.run(f"--replay-unused={policy}")

    result.assert_outcomes(passed=3)
    assert (path.read_text("utf-8") if path.exists() else None) == text
    result.stdout.no_fnmatch_line("*test_other.json*")
    if policy == "drop":
        assert recorded.recorded("cassettes/test_it/shared.json") == ["both", "one"]
    else:
        result.stdout.fnmatch_lines(["cassettes/test_it/shared.json: 1 of 3"])
