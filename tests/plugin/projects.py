"""Small projects whose tests use the plugin.

They run in this process, as a process of its own costs ten times as much. What a run imports, it takes away again
at its end, and an extension module does not survive that: those that it needs are imported here.
"""

from __future__ import annotations

import importlib
import json
import os
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import replaycache
from tests.scripted_server import Handler, Received, ScriptedServer, Wire

for _name in (
    "anyio.pytest_plugin",
    "trio",
    "xdist.plugin",
    *(
        f"replaycache.{name}"
        for name in ("httpx", "httpx2", "redaction.credentials", "session.session", "stores.cassette")
    ),
):
    importlib.import_module(_name)

_ALREADY_IMPORTED = "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"
"""Older versions of pytest warn of a plugin that the process has from the run before."""

LLM = """
import os
import httpx2

URL = os.environ.get("UPSTREAM", "http://127.0.0.1:9") + "/v1/chat/completions"

def body(text):
    return {"model": "m", "messages": [{"role": "user", "content": text}]}

def ask(text):
    with httpx2.Client(trust_env=False, verify=False) as client:
        return client.post(URL, json=body(text)).json()["answer"]

async def ask_async(text):
    async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
        return (await client.post(URL, json=body(text))).json()["answer"]
"""


def numbered() -> Handler:
    """Answers with the question and how often it was asked, or with 0 where it is asked with `x-constant`."""
    asked: dict[str, int] = {}

    def handle(request: Received, wire: Wire) -> None:
        text = request.json()["messages"][0]["content"]
        asked[text] = asked.get(text, 0) + 1
        number = 0 if "x-constant" in request.headers else asked[text]
        wire.answer(json.dumps({"answer": f"{text} {number}"}).encode())

    return handle


class Project:
    """A directory with tests, and the upstream that they call."""

    def __init__(
        self, pytester: pytest.Pytester, upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.pytester = pytester
        self.upstream = upstream
        self.path = pytester.path
        self._environment = monkeypatch
        root = str(Path(replaycache.__file__).parent.parent)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join((root, str(self.path))))
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take five times as long as a test here
        for name in ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_PLUGINS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.syspath_prepend(self.path)
        self.set(UPSTREAM=upstream.url)
        self.write("llm.py", LLM)
        self.write("pytest.ini", "[pytest]\n")

    def set(self, **environment: str) -> None:
        for name, value in environment.items():
            self._environment.setenv(name, value)

    def unset(self, *names: str) -> None:
        for name in names:
            self._environment.delenv(name, raising=False)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def tests(self, text: str, name: str = "test_it.py") -> Path:
        """Writes a test module."""
        head = "import pytest\nfrom replaycache import CacheMiss\nfrom llm import ask, ask_async\n"
        return self.write(name, head + textwrap.dedent(text))

    def run(self, *arguments: str) -> pytest.RunResult:
        """Runs pytest with the plugin; further ones are given by `-p`."""
        with _plain_warnings():
            return self.pytester.runpytest_inprocess(
                "-p", "replaycache.pytest_plugin", *arguments, "-W", _ALREADY_IMPORTED
            )

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """Runs pytest with the plugin in a process of its own."""
        return self.pytester.runpytest_subprocess("-p", "replaycache.pytest_plugin", *arguments)

    def cassettes(self) -> list[str]:
        """The files below the directories of cassettes."""
        found = [path for place in self.path.rglob("cassettes") for path in place.rglob("*") if path.is_file()]
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def recorded(self, name: str) -> list[str]:
        """What was asked in a cassette."""
        document = json.loads((self.path / name).read_text("utf-8"))
        return [one["request"]["json"]["messages"][0]["content"] for one in document["recordings"]]

    def answers(self, name: str) -> list[str]:
        """What was answered in a cassette."""
        document: Any = json.loads((self.path / name).read_text("utf-8"))
        return [one["response"]["json"]["answer"] for one in document["recordings"]]


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """The filters that a process starts with: ours make errors of warnings."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield


def summary(result: pytest.RunResult) -> str:
    """The plugin's line at the end."""
    return next((line for line in result.outlines if line.startswith("replaycache: ") and "replayed" in line), "")
