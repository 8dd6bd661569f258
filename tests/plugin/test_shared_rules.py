"""Tests that share a cassette and disagree about its rules."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

TWO = """
    from replaycache import Match, Redact

    @pytest.mark.replay("shared.json"{first})
    def test_first():
        ask("q")

    @pytest.mark.replay("shared.json"{second})
    @pytest.mark.parametrize("n", [1, 2])
    def test_second(n):
        ask("q")

    @pytest.mark.replay(match=Match(ignore=["own"]))
    def test_alone():
        ask("q")
"""

MATCH, REDACT = "match=Match(ignore=['run'])", "redact=Redact(body=['user'])"
MISSES = "what one of them has recorded the other may miss"
WRITES = "what one of them keeps out of the file the other may write into it"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("", "", ""),
        (f", {MATCH}", f", {MATCH}", ""),
        (f", {REDACT}, pace=0", f", {REDACT}, ttl='7d'", ""),
        (f", {MATCH}", "", f"another match: {MISSES}."),
        ("", f", {REDACT}", f"another redact: {WRITES}."),
        (f", {MATCH}", ", match=Match(ignore=['other'])", f"another match: {MISSES}."),
        ("", f", {MATCH}, {REDACT}", f"another match and redact: {MISSES}; {WRITES}."),
    ],
)
def test_each_test_that_disagrees_with_the_first_is_warned_of(
    project: Project, first: str, second: str, told: str
) -> None:
    project.tests(TWO.format(first=first, second=second))

    for arguments in ([], ["-k", "second or alone"], ["--replay-mode=record"]):
        result = project.run(*arguments)

        is_part = "-k" in arguments
        result.assert_outcomes(
            passed=3 if is_part else 4, deselected=1 if is_part else 0, warnings=2 if told and not is_part else 0
        )
        if told and not is_part:
            said = f"the test's cassette shared.json is that of test_it.py::test_first too, whose mark has {told}"
            result.stdout.fnmatch_lines(
                [
                    "test_it.py::test_second[[]1[]]",
                    "test_it.py::test_second[[]2[]]",
                    f"*ReplayCacheWarning: {said} *",
                ]
            )


@pytest.mark.exhaustive
def test_it_is_said_whichever_worker_runs_it(project: Project) -> None:
    project.tests(TWO.format(first=f", {REDACT}", second=""))

    result = project.run("-p", "xdist", "-n", "2", "--dist", "load", "--maxschedchunk", "1")

    result.assert_outcomes(passed=4, warnings=2)
