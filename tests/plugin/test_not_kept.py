"""What was answered live and is in no cassette is told; `--replay-keep-failed` keeps what a failing test had."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.plugin.projects import Project, summary
from tests.scripted_server import Received, ScriptedServer, Wire

pytest_plugins = ["pytester"]

WORKERS = ["-p", "xdist", "-n", "2"]
alone_and_with_workers = pytest.mark.parametrize(
    "workers", [[], pytest.param(WORKERS, marks=pytest.mark.exhaustive)], ids=["alone", "workers"]
)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")

EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'

CONFTEST = """
    import httpx2

    client = httpx2.Client(trust_env=False, verify=False)
    held = []

    def pytest_unconfigure():
        client.close()
"""

HELD = """
    import httpx2
    from conftest import client, held
    from llm import URL, body

    def stream(text):
        request = client.build_request("POST", URL, json=body(text))
        response = client.send(request, stream=True)
        held.append(response)
        return response

    @pytest.mark.replay
    def test_unread():
        stream("endless")

    @pytest.mark.replay
    def test_outlives():
        chunks = stream("endless").iter_raw()
        held.append(chunks)
        assert next(chunks)

    @pytest.mark.replay
    def test_breaks_off():
        with pytest.raises(httpx2.RemoteProtocolError):
            stream("cut").read()

    @pytest.mark.replay
    def test_whole():
        stream("whole").read()
"""


@pytest.fixture
def streaming(project: Project) -> Iterator[Project]:
    """An upstream whose streams end, break off, or do not end before the reader goes."""

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(EVENT)
        match request.json()["messages"][0]["content"]:
            case "cut":
                wire.cut()
            case "whole":
                wire.chunk(b"data: [DONE]\n\n")
                wire.end_chunks()
            case _:
                wire.connection.recv(1)  # until the other side is gone

    with ScriptedServer(handle) as upstream:
        project.set(UPSTREAM=upstream.url)
        project.write("conftest.py", CONFTEST)
        yield project


@pytest.mark.parametrize("workers", [[], WORKERS], ids=["alone", "workers"])
def test_what_is_not_in_the_cassette_is_told_in_the_report_and_the_summary(
    streaming: Project, workers: list[str]
) -> None:
    streaming.tests(HELD)

    result = streaming.run("-rA", *workers)

    result.assert_outcomes(passed=4)
    assert summary(result) == "replaycache: 0 replayed, 1 recorded, 0 missed, 0 unused, 3 not kept"
    lines = result.outlines
    told = [line for line in lines if line.startswith("test_it.py::test_") and ": POST " in line]
    endings = {line.partition(": ")[0].partition("::")[2]: line.rpartition("completions: ")[2] for line in told}
    assert endings == {
        "test_unread": "its response was still open when its cassette was closed",
        "test_outlives": "its response was still open when its cassette was closed",
        "test_breaks_off": "the response broke off",
    }
    assert sum("replaycache: not kept, at teardown" in line for line in lines) == 3
    assert streaming.cassettes() == ["cassettes/test_it/test_whole.json"]


FAILS = """
    import os

    @pytest.mark.replay
    def test_it():
        for text in os.environ["ASKED"].split():
            ask(text)
        assert os.environ.get("FAIL") != "call"

    @pytest.fixture(autouse=True)
    def around():
        yield
        assert os.environ.get("FAIL") != "teardown"
"""

OWN = "cassettes/test_it/test_it.json"


@alone_and_with_workers
@pytest.mark.parametrize("where", ["call", "teardown"])
def test_what_a_failing_test_recorded_is_kept_where_it_is_asked_for(
    project: Project, where: str, workers: list[str]
) -> None:
    project.tests(FAILS)
    project.set(ASKED="one two", FAIL=where)

    result = project.run("--replay-keep-failed", *workers)

    assert result.ret == 1
    assert summary(result) == "replaycache: 0 replayed, 2 recorded, 0 missed, 0 unused"
    result.stdout.no_fnmatch_line("*not kept*")
    assert project.answers(OWN) == ["one 1", "two 1"]


def test_a_failing_test_that_records_anew_keeps_what_it_has_not_reached(project: Project) -> None:
    project.tests(FAILS)
    project.set(ASKED="one two three")
    project.run().assert_outcomes(passed=1)
    project.set(ASKED="one new", FAIL="call")

    result = project.run("--replay-mode=record", "--replay-keep-failed")

    result.assert_outcomes(failed=1)
    assert summary(result) == "replaycache: 0 replayed, 2 recorded, 0 missed, 0 unused"
    assert project.answers(OWN) == ["one 2", "new 1", "two 1", "three 1"]
    project.unset("FAIL")
    project.run("--replay-mode=record").assert_outcomes(passed=1)
    assert project.answers(OWN) == ["one 3", "new 2"]


def test_without_that_a_failing_test_leaves_the_file_and_says_what_it_cost(project: Project) -> None:
    project.tests(FAILS)
    project.set(ASKED="one")
    project.run()
    before = (project.path / OWN).read_bytes()
    project.set(ASKED="two three", FAIL="call")

    for mode in ("auto", "record"):
        result = project.run(f"--replay-mode={mode}")

        result.assert_outcomes(failed=1)
        assert summary(result) == "replaycache: 0 replayed, 0 recorded, 0 missed, 0 unused, 2 not kept"
        why = (
            "2 answers that were recorded are not kept, for the test did not pass; --replay-keep-failed keeps such"
        )
        result.stdout.fnmatch_lines(["* replaycache: not kept *", why])
        result.stdout.fnmatch_lines([f"test_it.py::test_it: {why}"])
        assert (project.path / OWN).read_bytes() == before


FORKS = """
    import os

    def in_child(*texts):
        child = os.fork()
        if not child:
            try:
                for text in texts:
                    ask(text)
                os._exit(0)
            finally:
                os._exit(1)
        return os.waitpid(child, 0)[1]

    @pytest.mark.replay
    def test_it():
        ask("before")
        assert in_child("one", "two") == 0
        ask("after")
        assert "FAIL" not in os.environ
"""


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@alone_and_with_workers
def test_what_a_forked_process_records_is_kept_if_the_test_passes(project: Project, workers: list[str]) -> None:
    project.tests(FORKS)
    project.set(FAIL="1")

    result = project.run(*workers)

    result.assert_outcomes(failed=1)
    assert summary(result) == "replaycache: 0 replayed, 0 recorded, 0 missed, 0 unused, 4 not kept"
    assert project.cassettes() == []
    project.unset("FAIL")
    result = project.run(*workers)
    result.assert_outcomes(passed=1)
    assert summary(result) == "replaycache: 0 replayed, 4 recorded, 0 missed, 0 unused"
    assert sorted(project.recorded(OWN)) == ["after", "before", "one", "two"]
    project.upstream.stop()
    project.run("--replay-mode=replay", *workers).assert_outcomes(passed=1)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_records_anew_too(project: Project) -> None:
    project.tests(FORKS)
    project.run().assert_outcomes(passed=1)

    result = project.run("--replay-mode=record")

    result.assert_outcomes(passed=1)
    assert summary(result) == "replaycache: 0 replayed, 4 recorded, 0 missed, 0 unused"
    assert sorted(project.answers(OWN)) == ["after 2", "before 2", "one 2", "two 2"]
    project.upstream.stop()
    project.run("--replay-mode=replay").assert_outcomes(passed=1)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_only_a_forked_process_plays_is_not_called_unused(project: Project) -> None:
    project.tests(FORKS)
    project.run().assert_outcomes(passed=1)
    before = (project.path / OWN).read_bytes()

    result = project.run("--replay-unused=drop")

    result.assert_outcomes(passed=1)
    assert summary(result) == "replaycache: 4 replayed, 0 recorded, 0 missed, 0 unused"
    assert (project.path / OWN).read_bytes() == before


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_that_is_killed_has_lost_nothing_it_recorded(project: Project) -> None:
    project.tests(FORKS.replace("os._exit(0)", "os.kill(os.getpid(), 9)").replace('"two") == 0', '"two") == 9'))

    project.run().assert_outcomes(passed=1)

    assert sorted(project.recorded(OWN)) == ["after", "before", "one", "two"]
