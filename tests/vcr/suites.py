"""Small suites as they are written for pytest-recording."""

from __future__ import annotations

import importlib
import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

import replaycache
from tests.scripted_server import Received, ScriptedServer, Wire

CLIENT = """
import asyncio
import os
import httpx
import httpx2

UPSTREAM = os.environ["UPSTREAM"]

# reading the system's certificates takes longer than all else in a test
def get(url, library=httpx2, **arguments):
    with library.Client(trust_env=False, verify=False) as client:
        return client.get(url, **arguments)

def post(url, library=httpx2, **arguments):
    with library.Client(trust_env=False, verify=False) as client:
        return client.post(url, **arguments)

async def aget(url, library=httpx2, **arguments):
    async with library.AsyncClient(trust_env=False, verify=False) as client:
        return await client.get(url, **arguments)
"""
# what a run in this process imports is gone after it; these cannot be imported twice, as others hold their classes
for _name in (
    "anyio._backends._asyncio",
    "anyio._backends._trio",
    "httpcore",
    "httpcore2",
    "replaycache.httpx",
    "replaycache.httpx2",
    "replaycache.vcr.transport",
    "yaml",
):
    importlib.import_module(_name)

HEAD = """import pytest, httpx, httpx2
from replaycache import CacheMiss
from client import UPSTREAM, aget, get, post
"""
URL = "https://api.test/v1/items"


class Counting:
    """An upstream that answers with the number of the request, its method and its target."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, request: Received, wire: Wire) -> None:
        self.number += 1
        text = f"live {self.number} {request.method} {request.target}"
        wire.answer(json.dumps({"text": text}).encode(), x_internal="zone-7")


def interaction(
    answer: str, url: str = URL, *, method: str = "GET", body: str = "", status: int = 200, **headers: str
) -> dict[str, Any]:
    """One interaction of a YAML cassette."""
    content_type = headers.pop("content_type", "application/json")
    return {
        "request": {
            "body": body,
            "headers": {
                "content-type": ["application/json"],
                **{name: [value] for name, value in headers.items()},
            },
            "method": method,
            "uri": url,
        },
        "response": {
            "body": {"string": answer},
            "headers": {"Content-Type": [content_type], "X-Trace": ["trace-1"]},
            "status": {"code": status, "message": "Whatever"},
        },
    }


class Suite:
    """A directory with tests, their cassettes, and an upstream."""

    def __init__(
        self,
        pytester: pytest.Pytester,
        upstream: ScriptedServer,
        counting: Counting,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.pytester = pytester
        self.upstream = upstream
        self.counting = counting
        self.path = pytester.path
        self.environment = monkeypatch
        root = str(Path(replaycache.__file__).parent.parent)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join((root, str(self.path))))
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        monkeypatch.setenv("UPSTREAM", upstream.url)
        for name in ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_PLUGINS"):
            monkeypatch.delenv(name, raising=False)
        self.write("client.py", CLIENT)
        self.write("pytest.ini", "[pytest]\n")

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def tests(self, text: str, name: str = "test_it.py") -> None:
        """Writes a test module."""
        self.write(name, HEAD + textwrap.dedent(text))

    def config(self, expression: str, scope: str = "function") -> None:
        """Writes a conftest whose `vcr_config` gives this."""
        self.write(
            "conftest.py",
            f"import pytest, re\n\n@pytest.fixture(scope={scope!r})\ndef vcr_config():\n    return {expression}\n",
        )

    def yaml(self, name: str, *interactions: dict[str, Any], directory: str = "cassettes/test_it") -> Path:
        """Writes a cassette as VCR.py does (JSON is YAML)."""
        document = json.dumps({"interactions": interactions, "version": 1}, indent=1)
        return self.write(f"{directory}/{name}", f"# as VCR.py wrote it\n{document}\n")

    def run(self, *arguments: str, warnings: bool = False) -> pytest.RunResult:
        """Runs pytest with the plugin in this process; warnings are errors unless they are wanted."""
        return self.run_without("-p", "replaycache.vcr", *arguments, warnings=warnings)

    def run_without(self, *arguments: str, warnings: bool = False) -> pytest.RunResult:
        """Runs pytest in this process with no plugin but those that `arguments` name."""
        strict = ("-W", "default" if warnings else "error")
        # here the plugin is imported already, and not by the run that asks for it
        imported = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
        return self.pytester.runpytest_inprocess(*strict, *imported, *arguments)

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """Runs pytest in a process of its own, where nothing is imported but what the run imports."""
        return self.pytester.runpytest_subprocess(*arguments)

    def files(self) -> list[str]:
        """The files below the directories of cassettes."""
        found = [path for place in self.path.rglob("cassettes") for path in place.rglob("*") if path.is_file()]
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def recorded(self, name: str) -> list[dict[str, Any]]:
        """The recordings in a cassette of ours."""
        document = json.loads((self.path / name).read_text("utf-8"))
        return list(document["recordings"])


def lines(result: pytest.RunResult, *patterns: str) -> None:
    """Looks for these lines in their order, each with anything around it."""
    result.stdout.fnmatch_lines([f"*{pattern}*" for pattern in patterns])
