"""Faults in marks, and in what a suite gives to all of its marked tests."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

RECORDS = """
    import httpx2
    from llm import URL, body
    import replaycache

    def status(**headers):
        with httpx2.Client(verify=False) as client:
            return client.post(URL, json=body("q"), headers=headers).status_code

    @pytest.mark.replay("shared.json")
    def test_records():
        assert ask("q") == "q 1"
"""


def recorded(project: Project) -> None:
    """The cassette that the tests share, made by the one test that nothing goes wrong with."""
    project.run("-k", "test_records").assert_outcomes(passed=1)
    project.upstream.stop()


def test_a_mark_names_what_goes_wrong(project: Project) -> None:
    project.tests(
        RECORDS
        + """
    @pytest.mark.replay("shared.json", fault="status:429,times=1")
    def test_once():
        assert [status(), status()] == [429, 200]

    @pytest.mark.replay("shared.json", fault="cut")
    class TestCut:
        def test_is_cut(self):
            with pytest.raises(httpx2.RemoteProtocolError):
                ask("q")

        @pytest.mark.replay(fault=None)
        def test_is_not(self):
            assert status() == 200

        def test_another(self):
            with replaycache.fault("status:500"):
                assert status() == 500
            assert status(**{"x-replaycache-fault": ""}) == 200
"""
    )
    recorded(project)

    result = project.run("--replay-unused=fail")

    result.assert_outcomes(passed=5)
    assert project.cassettes() == ["cassettes/test_it/shared.json"]


def test_a_suite_names_it(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(params=["", "refuse", "reset", "status:503"])
        def fault(request):
            return request.param

        @pytest.fixture
        def replay_options(fault):
            return {"fault": fault}
        """,
    )
    project.tests(
        RECORDS.replace('"shared.json")', '"shared.json", fault=None)').replace(
            "test_records()", "test_records(fault)"
        )
        + """
    @pytest.mark.replay("shared.json")
    def test_other(fault):
        try:
            found = status()
        except httpx2.TransportError as error:
            found = type(error).__name__
        assert found == {"": 200, "refuse": "ConnectError", "reset": "ReadError", "status:503": 503}[fault]
"""
    )
    project.run("-k", "test_records and reset").assert_outcomes(passed=1)
    project.upstream.stop()

    project.run().assert_outcomes(passed=8)


def test_a_mark_that_is_wrong_is_told(project: Project) -> None:
    project.tests(
        """
    @pytest.mark.replay(fault="cutt:after=5")
    def test_one():
        pass
"""
    )

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fault='cutt:after=5': there is no fault 'cutt'; did you mean 'cut'?*"])


def test_a_run_that_only_records_tells_that_nothing_was_disturbed(project: Project) -> None:
    project.tests(
        """
    @pytest.mark.replay(fault="cut")
    def test_one():
        assert ask("q") == "q 1"
"""
    )

    result = project.run()

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*fault='cut' disturbed no call: only what is replayed is disturbed*"])


@pytest.mark.parametrize("strict", [[], ["-W", "error"]], ids=["plain", "strict"])
def test_warnings_that_are_errors_fail_nothing_for_it(project: Project, strict: list[str]) -> None:
    project.tests(
        """
    @pytest.mark.replay(fault="cut:every=7")
    def test_one():
        assert ask("q") == "q 1"
"""
    )

    for _ in range(2):
        assert project.run(*strict).parseoutcomes()["passed"] == 1
