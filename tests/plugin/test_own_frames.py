"""A test that is refused a call is told by its own frames, and not by those of what it calls."""

from __future__ import annotations

import re

import pytest

from tests.plugin.projects import Project

pytest_plugins = ["pytester"]

APP = """
import asyncio
import openai

URL = "http://127.0.0.1:9/v1"

def answer(text):
    return openai.OpenAI(base_url=URL, api_key="none").responses.create(model="m", input=text)

async def answer_async(text):
    return await openai.AsyncOpenAI(base_url=URL, api_key="none").responses.create(model="m", input=text)

def answer_in_loop(text):
    return asyncio.run(answer_async(text))
"""

TESTS = """
import anyio, app
pytestmark = [pytest.mark.replay(mode="replay"), pytest.mark.anyio]

@pytest.fixture
def anyio_backend(): return "asyncio"

def test_sync(): app.answer("hi")

def test_in_loop(): app.answer_in_loop("hi")

async def test_async(): await app.answer_async("hi")

async def test_group():
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app.answer_async, "hi")

@pytest.fixture
def answered(): return app.answer("hi")

def test_fixture(answered): pass

@pytest.mark.replay(mode="auto", budget=0)
def test_budget(): app.answer("hi")
"""

LIBRARIES = r"openai[\\/]|httpx2?[\\/]|httpx2?\.py|replaycache[\\/][a-z_]+[\\/]"


@pytest.fixture
def refused(project: Project) -> Project:
    project.write("app.py", APP)
    project.tests(TESTS)
    return project


@pytest.mark.sampled(1)
@pytest.mark.parametrize("style", ["auto", "short"])
def test_frames_of_libraries_are_left_out(refused: Project, style: str) -> None:
    result = refused.run_apart("-p", "anyio", f"--tb={style}")

    result.assert_outcomes(failed=5, errors=1)
    told = str(result.stdout)
    assert told.count("return openai.OpenAI(base_url=URL, api_key=") == 3
    assert told.count("return await openai.AsyncOpenAI(base_url=URL, api_key=") == 3
    assert len(re.findall(r"^(?:E| +\|) .*CacheMiss: no recording answers", told, re.MULTILINE)) == 5
    assert len(re.findall(r"^E .*BudgetExceeded: ", told, re.MULTILINE)) == 1
    assert told.count("  next     record it: pytest --replay-mode=once") == 5
    assert not re.findall(rf"^.*(?:{LIBRARIES}).*$", told, re.MULTILINE)


@pytest.mark.exhaustive
@pytest.mark.parametrize("option", ["--full-trace", "--tb=native"])
def test_all_frames_are_there_where_they_are_asked_for(refused: Project, option: str) -> None:
    result = refused.run_apart(option, "test_it.py::test_sync")

    result.assert_outcomes(failed=1)
    assert re.search(r"httpx2[\\/]_client\.py", str(result.stdout))
    assert re.search(r"replaycache[\\/]httpx2\.py", str(result.stdout))


def test_another_error_keeps_its_frames(project: Project) -> None:
    """The test is told of the refusal, and fails for something else that a library raises."""
    project.tests(
        """
        import json

        @pytest.mark.replay(mode="replay")
        def test_it():
            with pytest.raises(CacheMiss):
                ask("hi")
            json.loads("{")
        """
    )

    result = project.run()

    result.assert_outcomes(failed=1)
    assert re.search(r"json[\\/]decoder\.py:\d+: JSONDecodeError", str(result.stdout))
