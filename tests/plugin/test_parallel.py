"""Under pytest-xdist, in any order."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

MANY = """
    @pytest.mark.replay
    @pytest.mark.parametrize("n", range(100))
    def test_own(n):
        assert ask(f"own {n}") == f"own {n} 1"
        assert ask(f"own {n}") == f"own {n} 2"

    @pytest.mark.replay("shared.json")
    @pytest.mark.parametrize("n", range(100))
    def test_shared(n):
        assert ask("for all") == "for all 1"
        assert ask(f"shared {n}") == f"shared {n} 1"
"""

SHUFFLE = """
    import os, random

    def pytest_collection_modifyitems(items):
        if os.environ["ORDER"] == "reversed":
            items.reverse()
        else:
            random.Random(os.environ["ORDER"]).shuffle(items)
"""


@pytest.fixture
def many(project: Project) -> Project:
    project.tests(MANY)
    project.write("conftest.py", SHUFFLE)
    return project


def test_workers_record_without_losing_or_duplicating_and_replay_in_any_order(many: Project) -> None:
    many.set(ORDER="0")
    first = many.run("-p", "xdist", "-n", "2")
    first.assert_outcomes(passed=200)
    assert summary(first) == "replaycache: 99 replayed, 301 recorded, 0 missed, 0 unused"
    assert len(many.upstream.requests) == 301
    shared = many.recorded("cassettes/test_it/shared.json")
    assert sorted(shared) == sorted(["for all", *(f"shared {n}" for n in range(100))])
    assert len(many.cassettes()) == 101

    many.upstream.stop()
    many.set(CI="true")
    for order, workers in (("1", ["-p", "xdist", "-n", "2"]), ("2", []), ("reversed", [])):
        many.set(ORDER=order)
        again = many.run(*workers, "--block-network", "--replay-unused=fail", "-W", "error")
        again.assert_outcomes(passed=200)
        assert again.ret == 0
        assert summary(again) == "replaycache: 400 replayed, 0 recorded, 0 missed, 0 unused"


def test_a_lost_worker_is_no_reason_to_call_recordings_unused(project: Project) -> None:
    project.tests(
        """
        import os

        @pytest.mark.replay
        def test_one():
            if "ONLY" not in os.environ:
                ask("one")

        @pytest.mark.replay
        def test_two():
            if "ONLY" in os.environ:
                os._exit(3)
        """
    )
    project.run().assert_outcomes(passed=2)
    project.set(ONLY="1")

    result = project.run("-p", "xdist", "-n", "1", "--replay-unused=fail", "--replay-orphans")

    result.stdout.fnmatch_lines(["A worker was lost, and with it what was collected: nothing can be said."])
    assert summary(result).endswith("0 unused")
