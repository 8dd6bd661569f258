"""The fixture `replay_options`."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

CONFTEST = """
    import pytest
    from replaycache import Match, Redact

    @pytest.fixture(scope="session")
    def replay_options():
        return {options}
"""

CALLS = """
    import itertools, os, httpx2
    from llm import URL, body
    from replaycache import Match, Redact

    runs = itertools.count(int(os.environ.get("RUN", "0")))

    def send(**fields):
        with httpx2.Client(verify=False) as client:
            return client.post(URL, json=body("q") | fields).json()
"""


def test_a_suites_match_holds_for_its_marked_tests(project: Project) -> None:
    project.write("conftest.py", CONFTEST.format(options='{"match": Match(ignore=["run"])}'))
    project.tests(
        CALLS
        + """
    @pytest.mark.replay
    def test_one():
        assert send(run=next(runs)) == {"answer": "q 1"}

    @pytest.mark.replay(match=Match(ignore=["run", "other"]))
    def test_own():
        send(run=next(runs), other=next(runs))

    @pytest.mark.replay(match=Match())
    def test_own_that_ignores_nothing():
        send(run=next(runs))
"""
    )
    project.run().assert_outcomes(passed=3)
    project.upstream.stop()
    project.set(RUN="100")

    result = project.run()

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_own_that_ignores_nothing*", "*run: recorded 3 / asked 103*"])


def test_what_a_suite_and_a_mark_redact_adds_up(project: Project) -> None:
    project.write(
        "conftest.py", CONFTEST.format(options='{"redact": Redact(body=["of_suite"], secrets="replace")}')
    )
    project.tests(
        CALLS
        + """
    SECRET = "sk-" + "proj-" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2"

    @pytest.mark.replay
    def test_plain():
        send(of_suite="hidden 1", of_module="seen 1", text=SECRET)

    class TestMarked:
        pytestmark = pytest.mark.replay(redact=Redact(body=["of_module"]))

        def test_it(self):
            send(of_suite="hidden 2", of_module="hidden 3", of_test="seen 2", text=SECRET)

        @pytest.mark.replay(redact=Redact(body=["of_test"]))
        def test_nearer(self):
            send(of_suite="hidden 4", of_module="hidden 5", of_test="hidden 6", text=SECRET)
"""
    )

    project.run("-W", "error").assert_outcomes(passed=3)
    project.upstream.stop()
    project.run("-W", "error", "--replay-mode=replay").assert_outcomes(passed=3)

    written = "".join((project.path / name).read_text("utf-8") for name in project.cassettes())
    assert "hidden" not in written
    assert "sk-proj" not in written
    assert "seen 1" in written
    assert "seen 2" in written


@pytest.mark.parametrize("scope", ["function", "class", "module", "session"])
def test_it_may_be_overridden_at_any_scope_and_use_other_fixtures(project: Project, scope: str) -> None:
    project.write("conftest.py", CONFTEST.format(options='{"match": Match()}'))
    project.tests(
        CALLS
        + f"""
    @pytest.fixture(scope="{scope}")
    def ignored():
        return ["run"]

    @pytest.fixture(scope="{scope}")
    def replay_options(ignored, replay_options):
        assert list(replay_options) == ["match"]
        return {{"match": Match(ignore=ignored)}}

    @pytest.fixture(scope="{scope}", autouse=True)
    def early():
        return send(run=next(runs))

    @pytest.mark.replay("shared.json")
    def test_it(early, replay_cassette):
        send(run=next(runs))
        assert len(replay_cassette) == 2
"""
    )
    project.run().assert_outcomes(passed=1)
    project.upstream.stop()
    project.set(RUN="100")

    project.run("--replay-unused=fail").assert_outcomes(passed=1)


def test_it_is_not_asked_for_without_a_marked_test(project: Project) -> None:
    project.write("conftest.py", CONFTEST.format(options="1 / 0"))
    project.tests("def test_it(): pass\n\n@pytest.mark.replay\n@pytest.mark.skip\ndef test_skipped(): pass")

    project.run().assert_outcomes(passed=1, skipped=1)


def test_tests_of_unittest_have_it_too(project: Project) -> None:
    project.write("conftest.py", CONFTEST.format(options='{"match": Match(ignore=["run"])}'))
    project.tests(
        CALLS
        + """
    import unittest

    class TestIt(unittest.TestCase):
        pytestmark = pytest.mark.replay

        def setUp(self):
            self.answer = send(run=next(runs))

        def test_it(self):
            assert self.answer == {"answer": "q 1"}
"""
    )
    project.run().assert_outcomes(passed=1)
    project.upstream.stop()
    project.set(RUN="100")

    result = project.run()

    result.assert_outcomes(passed=1)
    assert summary(result) == "replaycache: 1 replayed, 0 recorded, 0 missed, 0 unused"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("None", "the fixture replay_options returned None; it returns a dict of options, such as *"),
        ("[Match()]", "the fixture replay_options returned [[]Match(*; it returns a dict of options, such as *"),
        ("{1: 2}", "the fixture replay_options returned {1: 2}; it returns a dict of options, such as *"),
        ("{'mach': Match()}", "the fixture replay_options: there is no option 'mach'; did you mean 'match'?*"),
        ("{'redact': 'all'}", "the fixture replay_options: redact='all' is wrong; it takes a Redact*"),
        (
            "{'mode': 'auto'}",
            "the fixture replay_options returned 'mode', which it cannot set; say it by --replay-mode*",
        ),
        ("{'store': ':memory:'}", "the fixture replay_options returned 'store', which it cannot set; a test's *"),
    ],
)
def test_nonsense_is_an_error_of_each_marked_test(project: Project, options: str, text: str) -> None:
    project.write("conftest.py", CONFTEST.format(options=options))
    project.tests("@pytest.mark.replay\ndef test_it(): ask('q')\n\ndef test_unmarked(): pass")

    result = project.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"test_it.py::test_it: {text}"])
    assert not project.upstream.requests
    assert project.cassettes() == []
