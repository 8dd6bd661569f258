"""A marked test records at its first run and replays ever after."""

from __future__ import annotations

import json

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

TWO = """
    @pytest.mark.replay
    def test_one():
        assert ask("one") == "one 1"

    @pytest.mark.replay
    def test_two():
        assert ask("two") == "two 1"
        assert ask("two") == "two 2"

    def test_unmarked():
        pass
"""


def test_the_first_run_records_and_the_next_replays_with_upstream_down(project: Project) -> None:
    project.tests(TWO)

    first = project.run()
    project.upstream.stop()
    second = project.run("-W", "error")

    first.assert_outcomes(passed=3)
    second.assert_outcomes(passed=3)
    assert summary(first) == "replaycache: 0 replayed, 3 recorded, 0 missed, 0 unused"
    assert summary(second) == "replaycache: 3 replayed, 0 recorded, 0 missed, 0 unused"
    assert project.cassettes() == ["cassettes/test_it/test_one.json", "cassettes/test_it/test_two.json"]
    assert len(project.upstream.requests) == 3


def test_a_run_without_marked_tests_says_nothing_at_its_end(project: Project) -> None:
    project.tests("def test_it(): pass")

    result = project.run()

    result.assert_outcomes(passed=1)
    assert summary(result) == ""
    result.stdout.fnmatch_lines(["replaycache: mode once (the default)"])


def test_without_a_marked_test_no_client_library_and_no_store_is_imported(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others import what they like
    project.write(
        "test_it.py",
        """
        import sys

        def test_it():
            assert "replaycache.pytest_plugin" in sys.modules
            loaded = {name for name in sys.modules if not name.startswith("_")}
            assert not loaded & {"httpx", "httpx2", "diskcache", "sqlite3"}
            # pdb, which pytest imports, imports it from 3.14 on
            assert "asyncio.events" not in loaded or sys.version_info >= (3, 14)
            assert not {name for name in loaded if name.startswith("replaycache.stores.")}
        """,
    )

    project.run_apart().assert_outcomes(passed=1)


def test_the_fixture_is_the_cassette_in_use(project: Project) -> None:
    project.tests(
        """
        from pathlib import Path

        @pytest.mark.replay("other.json")
        def test_it(replay_cassette):
            assert replay_cassette.path == Path(__file__).parent / "cassettes" / "test_it" / "other.json"
            assert replay_cassette.mode == "auto" and not replay_cassette.is_replaying
            assert len(replay_cassette) == 0
            ask("one")
            assert len(replay_cassette) == 1 and replay_cassette.tally.recorded == 1 and replay_cassette
        """
    )

    project.run().assert_outcomes(passed=1)


def test_the_fixture_is_none_without_a_mark(project: Project) -> None:
    project.tests("def test_it(replay_cassette): assert replay_cassette is None")

    project.run().assert_outcomes(passed=1)


def test_fixtures_of_the_test_are_inside_before_and_after(project: Project) -> None:
    project.tests(
        """
        @pytest.fixture(autouse=True)
        def early():
            assert ask("set up") == "set up 1"
            yield
            assert ask("tear down") == "tear down 1"

        @pytest.mark.replay
        def test_it():
            assert ask("call") == "call 1"
        """
    )

    project.run().assert_outcomes(passed=1)
    project.upstream.stop()
    again = project.run()

    again.assert_outcomes(passed=1)
    assert project.recorded("cassettes/test_it/test_it.json") == ["set up", "call", "tear down"]


def test_a_fixture_of_a_wider_scope_that_records_is_warned_of(project: Project) -> None:
    project.tests(
        """
        @pytest.fixture(scope="module")
        def known():
            return ask("wide")

        @pytest.mark.replay
        def test_one(known): pass

        @pytest.mark.replay
        def test_two(known): pass
        """
    )

    result = project.run()

    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "test_it.py::test_one",
            "*test_it.py:*: ReplayCacheWarning: the fixture 'known' has the scope module, and its calls were*",
        ]
    )


def test_a_fixture_of_a_wider_scope_and_a_shared_cassette_go_together(project: Project) -> None:
    project.tests(
        """
        pytestmark = pytest.mark.replay("all.json")

        @pytest.fixture(scope="module")
        def known():
            return ask("wide")

        def test_one(known):
            assert known == "wide 1"

        def test_two(known):
            assert known == "wide 1"
        """
    )

    project.run("-W", "error").assert_outcomes(passed=2)
    project.upstream.stop()
    project.run("test_it.py::test_two").assert_outcomes(passed=1)


def test_marks_on_a_class_and_a_module_count_for_their_tests(project: Project) -> None:
    project.tests(
        """
        pytestmark = pytest.mark.replay(pace=0)

        def test_of_module():
            assert ask("module") == "module 1"

        @pytest.mark.replay("of_class.json")
        class TestClass:
            def test_one(self):
                assert ask("one") == "one 1"

            def test_two(self):
                assert ask("two") == "two 1"

            @pytest.mark.replay("own.json")
            def test_own(self):
                assert ask("own") == "own 1"

        class TestOther:
            class TestInner:
                def test_deep(self):
                    assert ask("deep") == "deep 1"
        """
    )

    project.run().assert_outcomes(passed=5)
    project.upstream.stop()
    project.run().assert_outcomes(passed=5)

    assert project.cassettes() == [
        "cassettes/test_it/TestOther.TestInner.test_deep.json",
        "cassettes/test_it/of_class.json",
        "cassettes/test_it/own.json",
        "cassettes/test_it/test_of_module.json",
    ]
    assert project.recorded("cassettes/test_it/of_class.json") == ["one", "two"]


def test_tests_that_share_a_cassette_play_each_others_recordings_at_once(project: Project) -> None:
    project.tests(
        """
        @pytest.mark.replay("shared.json")
        def test_one():
            assert ask("same") == "same 1"

        @pytest.mark.replay("shared.json")
        def test_two():
            assert ask("same") == "same 1"
            assert ask("more") == "more 1"
        """
    )

    project.run().assert_outcomes(passed=2)

    assert project.recorded("cassettes/test_it/shared.json") == ["same", "more"]


def test_a_failing_test_leaves_the_cassette_as_it_was(project: Project) -> None:
    project.tests(
        """
        import os

        @pytest.fixture
        def breaks():
            yield
            assert os.environ["ASK"] != "third"

        @pytest.mark.replay
        def test_it(breaks):
            ask(os.environ["ASK"])
            assert os.environ["ASK"] != "second"
            if os.environ["ASK"] == "fourth":
                pytest.skip("not today")
        """
    )
    project.set(ASK="first")
    project.run().assert_outcomes(passed=1)
    path = project.path / "cassettes/test_it/test_it.json"
    before = path.read_bytes()

    for which, outcomes in (
        ("second", {"failed": 1}),
        ("third", {"passed": 1, "errors": 1}),
        ("fourth", {"skipped": 1}),
    ):
        project.set(ASK=which)
        result = project.run("--replay-mode=auto")
        result.assert_outcomes(**outcomes)
        assert path.read_bytes() == before
        assert summary(result) == "replaycache: 0 replayed, 0 recorded, 0 missed, 0 unused, 1 not kept"
    project.set(ASK="second")
    result = project.run("--replay-mode=record")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "* replaycache: not kept *",
            "an answer that was recorded is not kept, for the test did not pass; --replay-keep-failed keeps such",
        ]
    )

    assert path.read_bytes() == before
    assert len(project.upstream.requests) == 5


def test_a_failing_first_run_leaves_no_cassette(project: Project) -> None:
    project.tests(
        """
        @pytest.mark.replay
        def test_fails():
            ask("one")
            raise ValueError

        @pytest.mark.replay
        @pytest.mark.xfail(raises=ValueError, strict=True)
        def test_fails_as_expected():
            ask("two")
            raise ValueError
        """
    )

    project.run().assert_outcomes(failed=1, xfailed=1)

    assert project.cassettes() == ["cassettes/test_it/test_fails_as_expected.json"]


def test_an_interrupted_run_leaves_no_cassette(project: Project) -> None:
    project.tests(
        """
        @pytest.mark.replay
        def test_it():
            ask("one")
            raise KeyboardInterrupt
        """
    )

    result = project.run_apart()

    assert result.ret == 2
    assert project.cassettes() == []


def test_a_directory_that_cannot_be_made_is_an_error_of_the_test(project: Project) -> None:
    project.tests(TWO)
    project.write(
        "conftest.py",
        "import pathlib\n@__import__('pytest').fixture(autouse=True)\ndef block():\n"
        "    yield\n    pathlib.Path(__file__).with_name('cassettes').write_text('in the way')\n",
    )

    result = project.run("-k", "test_one")

    result.assert_outcomes(passed=1, errors=1, deselected=2)
    result.stdout.fnmatch_lines(["*test_one: CassetteError: *cassettes/test_it/test_one.json cannot be*"])
    assert (project.path / "cassettes").read_text() == "in the way"


def test_a_damaged_cassette_is_an_error_of_the_test_in_every_mode(project: Project) -> None:
    project.tests(TWO)
    path = project.write("cassettes/test_it/test_one.json", "<<<<<<< HEAD\n{}")
    empty = project.write("cassettes/test_it/test_two.json", "")

    for mode in ("once", "auto", "record", "replay"):
        result = project.run(f"--replay-mode={mode}")
        result.assert_outcomes(passed=1, errors=2)
        result.stdout.fnmatch_lines(
            ["*test_one: *test_one.json, line 1: *merge conflicts*", "*test_two: *test_two.json is empty*"]
        )

    assert path.read_text() == "<<<<<<< HEAD\n{}"
    assert empty.read_bytes() == b""
    assert not project.upstream.requests


def test_a_skipped_test_opens_no_cassette(project: Project) -> None:
    project.tests(
        """
        @pytest.mark.replay
        @pytest.mark.skip(reason="not today")
        def test_it(): pass
        """
    )
    project.write("cassettes/test_it/test_it.json", "nonsense")

    project.run().assert_outcomes(skipped=1)


def test_a_cassette_without_recordings_counts_as_new(project: Project) -> None:
    project.tests(TWO)
    project.write("cassettes/test_it/test_one.json", json.dumps({"format": "replaycache/1", "recordings": []}))

    project.run().assert_outcomes(passed=3)

    assert project.recorded("cassettes/test_it/test_one.json") == ["one"]


def test_a_shared_cassette_is_read_once_in_a_run_and_again_where_it_was_changed(project: Project) -> None:
    project.tests(
        """
        pytestmark = pytest.mark.replay("shared.json")
        stores = []

        @pytest.mark.parametrize("n", range(3))
        def test_it(n, replay_cassette):
            assert ask("q") == "q 1"
            stores.append(replay_cassette.store)

        def test_changed_between(replay_cassette):
            text = replay_cassette.path.read_text("utf-8")
            replay_cassette.path.write_text(text.replace("q 1", "changed"), "utf-8")
            assert ask("q") == "q 1"

        def test_last(replay_cassette):
            assert ask("q") == "changed"
            if replay_cassette.is_replaying:
                assert stores[0] is stores[1] is stores[2]
        """
    )
    project.run().assert_outcomes(passed=5)
    path = project.path / "cassettes/test_it/shared.json"
    path.write_text(path.read_text("utf-8").replace("changed", "q 1"), "utf-8")
    project.upstream.stop()

    project.run("--replay-mode=replay").assert_outcomes(passed=5)
