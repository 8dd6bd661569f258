"""Under pytest-xdist, in any order."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

MANY = """
    @pytest.mark.replay
    @pytest.mark.parametrize("n", range(COUNT))
    def test_own(n):
        assert ask(f"own {n}") == f"own {n} 1"
        assert ask(f"own {n}") == f"own {n} 2"

    @pytest.mark.replay("shared.json")
    @pytest.mark.parametrize("n", range(COUNT))
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


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_workers_record_without_losing_or_duplicating_and_replay_in_any_order(
    project: Project, count: int
) -> None:
    project.tests(MANY.replace("COUNT", str(count)))
    project.write("conftest.py", SHUFFLE)
    project.set(ORDER="0")
    first = project.run("-p", "xdist", "-n", "2")
    first.assert_outcomes(passed=2 * count)
    assert summary(first) == f"replaycache: {count - 1} replayed, {3 * count + 1} recorded, 0 missed, 0 unused"
    assert len(project.upstream.requests) == 3 * count + 1
    shared = project.recorded("cassettes/test_it/shared.json")
    assert sorted(shared) == sorted(["for all", *(f"shared {n}" for n in range(count))])
    assert len(project.cassettes()) == count + 1

    project.upstream.stop()
    project.set(CI="true")
    for order, workers in (("1", ["-p", "xdist", "-n", "2"]), ("2", []), ("reversed", [])):
        project.set(ORDER=order)
        again = project.run(*workers, "--block-network", "--replay-unused=fail", "-W", "error")
        again.assert_outcomes(passed=2 * count)
        assert again.ret == 0
        assert summary(again) == f"replaycache: {4 * count} replayed, 0 recorded, 0 missed, 0 unused"


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
