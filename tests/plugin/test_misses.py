"""A miss fails its test, whoever catches it, unless the test asked for it."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]


def test_a_miss_fails_the_test_and_says_how_to_record(project: Project) -> None:
    project.tests("@pytest.mark.replay\ndef test_it(): ask('unheard of')")

    result = project.run("--replay-mode=replay")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *CacheMiss: no recording answers this request, and upstream was not called.",
            "E * mode *replay",
            "E * why *cassette_not_found*",
            "E * next *record it: pytest --replay-mode=once test_it.py::test_it",
        ]
    )
    assert summary(result) == "replaycache: 0 replayed, 0 recorded, 1 missed, 0 unused"
    assert not project.upstream.requests


def test_a_swallowed_miss_fails_its_test(project: Project) -> None:
    project.write(
        "app.py",
        """
        import asyncio, contextlib, threading
        from llm import ask, ask_async

        def fallback():
            try:
                return ask("q")
            except BaseException:
                return "nothing"

        def converting():
            try:
                return ask("q")
            except BaseException as error:
                raise LookupError from error

        @contextlib.contextmanager
        def guard():
            try:
                yield
            except BaseException:
                pass

        def in_thread():
            def run():
                with contextlib.suppress(BaseException):
                    ask("q")
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

        async def gathering():
            return await asyncio.gather(ask_async("q"), ask_async("r"), return_exceptions=True)
        """,
    )
    project.tests(
        """
        import asyncio, app
        pytestmark = pytest.mark.replay(mode="replay")

        def test_fallback(): assert app.fallback() == "nothing"

        def test_converting():
            with pytest.raises(LookupError):
                app.converting()

        def test_guard():
            with app.guard():
                ask("q")

        def test_thread(): app.in_thread()

        def test_gathering(): assert len(asyncio.run(app.gathering())) == 2

        @pytest.fixture
        def prepared():
            return app.fallback()

        def test_fixture(prepared): pass

        def helper():
            try:
                ask("q")
            except BaseException:
                pass

        def test_helper(): helper()

        def test_both():
            with pytest.raises(CacheMiss):
                ask("expected")
            app.fallback()

        def test_failing_for_it():
            assert app.fallback() == "an answer"

        @pytest.fixture
        def at_end():
            yield
            app.fallback()

        def test_end(at_end): pass
        """
    )

    result = project.run()

    result.assert_outcomes(failed=9, passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "a miss was caught by other code than the test, which went on without the answer:",
            "*asked *",
            "Where a miss is what the test is about, let it say pytest.raises(CacheMiss).",
            "2 misses were caught by other code than the test*",
        ]
    )
    result.stdout.fnmatch_lines(
        ["*assert 'nothing' == 'an answer'*", "*- Captured replaycache call -*", "a miss was caught by*"]
    )


def test_an_expected_miss_does_not_fail_its_test(project: Project) -> None:
    project.write(
        "helpers.py",
        """
        import pytest
        from replaycache import CacheMiss
        from llm import ask

        def expect_miss():
            with pytest.raises(CacheMiss):
                ask("q")
        """,
    )
    project.tests(
        """
        import asyncio, unittest, helpers
        pytestmark = pytest.mark.replay(mode="replay")

        def test_with():
            with pytest.raises(CacheMiss, match="cassette_not_found") as caught:
                ask("q")
            assert caught.value.reason == "cassette_not_found"

        def test_call():
            pytest.raises(CacheMiss, ask, "q")

        def test_any():
            with pytest.raises(BaseException):
                ask("q")

        def test_except():
            try:
                ask("q")
            except CacheMiss as miss:
                assert miss.key

        def test_helper():
            helpers.expect_miss()

        def test_in_loop():
            async def main():
                with pytest.raises(CacheMiss):
                    await ask_async("q")
            asyncio.run(main())

        def test_group():
            async def main():
                async with asyncio.TaskGroup() as group:
                    group.create_task(ask_async("q"))
                    group.create_task(ask_async("r"))
            with pytest.raises(BaseExceptionGroup):
                asyncio.run(main())

        @pytest.fixture
        def prepared():
            with pytest.raises(CacheMiss):
                ask("q")

        def test_fixture(prepared): pass

        @pytest.mark.parametrize("n", [1, 2])
        def test_parameters(n):
            try:
                ask("q")
            except CacheMiss:
                pass

        class TestCase(unittest.TestCase):
            def test_it(self):
                with self.assertRaises(CacheMiss):
                    ask("q")
        """
    )

    result = project.run("-W", "error")

    result.assert_outcomes(passed=11)
    assert summary(result) == "replaycache: 0 replayed, 0 recorded, 12 missed, 0 unused"


def test_an_expected_failure_may_be_a_miss(project: Project) -> None:
    project.tests("@pytest.mark.replay\n@pytest.mark.xfail(strict=True)\ndef test_it(): ask('q')")

    project.run("--replay-mode=replay").assert_outcomes(xfailed=1)


def test_a_miss_while_fixtures_are_torn_down_leaves_later_tests_alone(project: Project) -> None:
    project.tests(
        """
        events = []

        @pytest.fixture(scope="module")
        def outer():
            yield
            events.append("outer")

        @pytest.fixture
        def first():
            yield
            events.append("first")

        @pytest.fixture
        def second(first):
            yield
            ask("q")

        @pytest.mark.replay(mode="replay")
        def test_it(outer, second): pass

        def test_next(outer):
            assert events == ["first"]

        class TestOther:
            def test_last(self): pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_it*", "E *CacheMiss: no recording*"])


def test_a_miss_names_the_command_for_its_test(project: Project) -> None:
    project.tests(
        """
        import os

        @pytest.mark.replay
        @pytest.mark.parametrize("text", ["it's new", "again"])
        def test_it(text):
            ask("known")
            ask(text if "NEW" in os.environ else "other")

        @pytest.mark.replay(ttl=1e-9)
        def test_old(): ask("known")
        """,
        "tests/test_it.py",
    )
    project.run("--replay-mode=auto").assert_outcomes(passed=3)
    project.set(NEW="1")

    result = project.run()

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "E * mode * once, which replays a cassette that has recordings",
            "E * why *no_recording: *",
            "E * next *record what is missing: *--replay-mode=auto 'tests/test_it.py::test_it[[]it'*'s new]'",
            "E * or all of it anew: pytest --replay-mode=record 'tests/test_it.py::test_it[[]it'*'s new]'",
            "E * Options stand in the mark, or for all tests in the fixture replay_options.",
            "E * why *expired: *",
            "E * next *record it anew: *--replay-mode=record tests/test_it.py::test_old",
            "E * or raise ttl",
        ]
    )
    project.run("--replay-mode=auto", "tests/test_it.py::test_it[it's new]").assert_outcomes(passed=1)
    project.run("tests/test_it.py::test_it[it's new]").assert_outcomes(passed=1)


SHARED_FIXTURES = """
    import asyncio

    pytestmark = pytest.mark.replay(mode="replay")
    events = []

    @pytest.fixture(scope="module")
    def outer():
        yield
        events.append("outer")

    def missing():
        events.append("set up")
        ask("q")

    def missing_in_a_group():
        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(ask_async("q"))
        events.append("set up")
        asyncio.run(main())

    @pytest.fixture(scope="module")
    def shared(outer):
        CALL()

    def test_one(shared): pass

    def test_two(shared): pass

    def test_three(outer):
        assert events == ["set up"]
"""


@pytest.mark.parametrize("call", ["missing", "missing_in_a_group"])
def test_a_miss_in_a_fixture_is_one_for_each_of_its_tests(project: Project, call: str) -> None:
    project.tests(SHARED_FIXTURES.replace("CALL", call))

    result = project.run()

    result.assert_outcomes(passed=1, errors=2)
    for name in ("one", "two"):
        result.stdout.re_match_lines([rf"ERROR test_it.py::test_{name} - .*(CacheMiss|ExceptionGroup).*"])


@pytest.mark.parametrize("together", [False, True], ids=["alone", "with another error"])
def test_whatever_misses_in_a_teardown_the_rest_is_torn_down(project: Project, together: bool) -> None:
    project.tests(
        """
        events = []

        @pytest.fixture(scope="module")
        def outer():
            yield
            events.append("outer")

        @pytest.fixture
        def inner(outer):
            yield
            events.append("inner")

        @pytest.fixture
        def finalized(inner, request):
            if TOGETHER:
                request.addfinalizer(lambda: 1 / 0)
            request.addfinalizer(lambda: ask("q"))

        @pytest.mark.replay(mode="replay")
        def test_it(finalized): pass

        def test_next(outer):
            assert events == ["inner"]

        class TestOther:
            def test_last(self): pass
        """.replace("TOGETHER", str(together))
    )

    result = project.run()

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_it*", "*CacheMiss: no recording*"])
