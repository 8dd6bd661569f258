"""Tests that are coroutines, under anyio's plugin and under pytest-asyncio."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]

ANYIO = """
    @pytest.fixture(scope="SCOPE", params=["asyncio", "trio"])
    def anyio_backend(request):
        return request.param

    pytestmark = [pytest.mark.anyio, pytest.mark.replay]

    @pytest.fixture(scope="SCOPE")
    async def opened():
        yield "open"

    @pytest.fixture
    async def prepared(anyio_backend, request):
        yield await ask_async(f"prepared for {request.node.name}")
        await ask_async(f"cleaned up for {request.node.name}")

    async def test_one(opened, anyio_backend, replay_cassette):
        assert await ask_async(f"one {anyio_backend}") == f"one {anyio_backend} 1"
        assert len(replay_cassette) == 1

    async def test_two(opened, prepared, anyio_backend, replay_cassette):
        assert prepared.endswith(" 1")
        assert await ask_async(f"two {anyio_backend}") == f"two {anyio_backend} 1"
        assert len(replay_cassette) == 2 + replay_cassette.is_replaying

    class TestMethods:
        async def test_three(self, opened, anyio_backend):
            assert await ask_async(f"three {anyio_backend}") == f"three {anyio_backend} 1"
"""


@pytest.mark.parametrize("scope", ["function", "module"])
def test_anyio_records_and_replays_on_asyncio_and_trio(project: Project, scope: str) -> None:
    project.tests(ANYIO.replace("SCOPE", scope))

    project.run("-p", "anyio").assert_outcomes(passed=6)
    project.upstream.stop()
    again = project.run("-p", "anyio", "--replay-unused=fail", "--block-network")

    again.assert_outcomes(passed=6)
    assert summary(again) == "replaycache: 10 replayed, 0 recorded, 0 missed, 0 unused"
    assert project.recorded("cassettes/test_it/test_two[trio].json") == [
        "prepared for test_two[trio]",
        "two trio",
        "cleaned up for test_two[trio]",
    ]


def test_a_miss_in_a_coroutine_leaves_the_event_loop_to_later_tests(project: Project) -> None:
    project.tests(
        """
        import asyncio

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        pytestmark = [pytest.mark.anyio, pytest.mark.replay(mode="replay")]
        events = []

        @pytest.fixture(scope="module")
        async def opened():
            yield
            events.append("closed")

        @pytest.fixture
        async def prepared(opened):
            yield
            events.append("cleaned up")

        async def test_misses(prepared):
            await ask_async("unheard of")

        async def test_misses_in_a_group(prepared):
            async with asyncio.TaskGroup() as group:
                group.create_task(ask_async("unheard of"))

        async def test_expects(prepared):
            with pytest.raises(CacheMiss):
                await ask_async("unheard of")

        async def test_swallows(prepared):
            await asyncio.gather(ask_async("unheard of"), return_exceptions=True)

        async def test_next(prepared):
            assert events == ["cleaned up"] * 4
        """
    )

    result = project.run("-p", "anyio")

    result.assert_outcomes(failed=3, passed=2)
    result.stdout.fnmatch_lines(
        ["E *CacheMiss: no recording answers*", "E *pytest --replay-mode=once test_it.py::test_misses*"]
    )
    result.stdout.fnmatch_lines(["a miss was caught by other code than the test*"])


ASYNC_FIXTURES = """
    import anyio

    @pytest.fixture(scope="module", params=BACKENDS)
    def anyio_backend(request):
        return request.param

    pytestmark = [pytest.mark.anyio, pytest.mark.replay(mode="replay")]
    events = []

    @pytest.fixture(scope="module")
    async def opened():
        yield
        events.append("closed")

    @pytest.fixture
    async def returning(opened):
        return await ask_async("unheard of")

    @pytest.fixture
    async def yielding(opened):
        await ask_async("unheard of")
        yield

    @pytest.fixture
    async def ending(opened):
        yield
        await ask_async("unheard of")

    @pytest.fixture
    async def background(opened):
        async with anyio.create_task_group() as group:
            group.start_soon(ask_async, "unheard of")
            yield

    @pytest.fixture
    async def waiting(opened):
        begin = anyio.Event()

        async def work():
            await begin.wait()
            await ask_async("unheard of")

        async with anyio.create_task_group() as group:
            group.start_soon(work)
            yield begin

    @pytest.fixture
    async def inner(waiting):
        yield
        events.append("inner")

    async def test_returning(returning): pass

    async def test_yielding(yielding): pass

    async def test_ending(ending): pass

    async def test_background(background):
        await anyio.sleep(30)

    async def test_waiting(waiting, inner):
        waiting.set()
        await anyio.sleep(30)

    async def test_own_group(opened):
        async with anyio.create_task_group() as group:
            group.start_soon(ask_async, "unheard of")
            await anyio.sleep(30)

    async def test_next(opened):
        assert events == ["inner"]
        with pytest.raises(CacheMiss):
            await ask_async("unheard of")
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_miss_in_a_fixture_or_its_tasks_fails_its_test_and_no_other(project: Project, backend: str) -> None:
    project.tests(ASYNC_FIXTURES.replace("BACKENDS", f"['{backend}']"))

    result = project.run("-p", "anyio")

    result.assert_outcomes(passed=2, failed=2, errors=4)
    missed = ".*(CacheMiss|BaseExceptionGroup).*"  # older versions of pytest do not name what is in a group
    for name in ("returning", "yielding", "ending", "background"):
        result.stdout.re_match_lines([rf"ERROR test_it.py::test_{name}\[{backend}\] - {missed}"])
    for name in ("waiting", "own_group"):
        result.stdout.re_match_lines([rf"FAILED test_it.py::test_{name}\[{backend}\] - {missed}"])
    assert summary(result).endswith("7 missed, 0 unused")


@pytest.mark.exhaustive
def test_a_thread_that_outlives_its_test_takes_the_cassette_of_the_next(project: Project) -> None:
    project.tests(
        """
        import queue, threading

        asked, answers = queue.Queue(), queue.Queue()

        def work():
            while text := asked.get():
                answers.put(ask(text))

        def through_thread(text):
            if not any(thread.name == "worker" for thread in threading.enumerate()):
                threading.Thread(target=work, daemon=True, name="worker").start()
            asked.put(text)
            return answers.get(timeout=30)

        @pytest.mark.replay
        @pytest.mark.parametrize("n", [1, 2])
        def test_it(n, replay_cassette):
            assert through_thread(f"q {n}") == f"q {n} 1"
            assert len(replay_cassette) == 1
        """
    )

    project.run_apart().assert_outcomes(passed=2)
    project.upstream.stop()
    project.run_apart().assert_outcomes(passed=2)


@pytest.mark.parametrize("scope", ["function", "module"])
def test_pytest_asyncio_records_and_replays(project: Project, scope: str) -> None:
    project.tests(
        """
        import pytest_asyncio

        pytestmark = [pytest.mark.asyncio(loop_scope="SCOPE"), pytest.mark.replay]

        @pytest_asyncio.fixture(loop_scope="SCOPE", scope="SCOPE")
        async def opened():
            yield "open"

        @pytest_asyncio.fixture(loop_scope="SCOPE")
        async def prepared(request):
            yield await ask_async(f"prepared for {request.node.name}")
            await ask_async(f"cleaned up for {request.node.name}")

        async def test_one(opened, replay_cassette):
            assert await ask_async("one") == "one 1"
            assert len(replay_cassette) == 1

        async def test_two(opened, prepared, replay_cassette):
            assert await ask_async("two") == "two 1"
            assert len(replay_cassette) == 2 + replay_cassette.is_replaying

        class TestMethods:
            async def test_three(self, opened):
                assert await ask_async("three") == "three 1"

        @pytest.mark.replay(mode="replay")
        async def test_expects(opened):
            with pytest.raises(CacheMiss):
                await ask_async("four")
        """.replace("SCOPE", scope)
    )

    plugin = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
    project.run(*plugin).assert_outcomes(passed=4)
    project.upstream.stop()
    again = project.run(*plugin, "--replay-unused=fail", "--block-network")

    again.assert_outcomes(passed=4)
    assert summary(again) == "replaycache: 5 replayed, 0 recorded, 1 missed, 0 unused"


def test_a_miss_in_a_coroutine_fixture_is_one_for_each_of_its_tests(project: Project) -> None:
    project.tests(
        """
        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        pytestmark = [pytest.mark.anyio, pytest.mark.replay(mode="replay")]
        events = []

        @pytest.fixture(scope="module")
        async def shared():
            events.append("set up")
            return await ask_async("unheard of")

        async def test_one(shared): pass

        async def test_two(shared): pass

        async def test_next():
            assert events == ["set up"]
        """
    )

    result = project.run("-p", "anyio")

    result.assert_outcomes(passed=1, errors=2)
    for name in ("one", "two"):
        result.stdout.re_match_lines([rf"ERROR test_it.py::test_{name} - .*CacheMiss.*"])
