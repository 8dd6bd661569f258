"""The pages of docs/how-to, run as they stand, with the libraries of which they speak."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
import uvicorn
from mcp.server import MCPServer
from nbclient import NotebookClient

from tests.docs.pages import blocks, run, run_tests, shell
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.sdks.provider_server import ProviderServer


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    with ProviderServer() as server:
        yield server


def surroundings(provider: ProviderServer) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": "placeholder",
        "OPENAI_BASE_URL": f"{provider.url.replace('127.0.0.1', 'localhost')}/v1",
    }


def test_an_application_of_fastapi(provider: ProviderServer, tmp_path: Path) -> None:
    """The provider is called `localhost`, as the application that is left alone is on 127.0.0.1."""
    application, tests = blocks("how-to/fastapi.md", "py")
    (command,) = blocks("how-to/fastapi.md", "sh")
    (tmp_path / "app.py").write_text(application, "utf-8")
    (tmp_path / "test_app.py").write_text(tests, "utf-8")

    told = run_tests(tmp_path, plugins=("anyio", "replaycache.pytest_plugin"), **surroundings(provider))
    assert "0 replayed, 3 recorded, 0 missed" in told
    assert len(provider.requests) == 3
    provider.stop()
    told = shell(command, tmp_path, OPENAI_BASE_URL=surroundings(provider)["OPENAI_BASE_URL"])
    assert "3 replayed, 0 recorded, 0 missed" in told


class _Uvicorn(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextmanager
def serving_weather() -> Iterator[str]:
    """A server of the Model Context Protocol with one tool; gives its URL."""
    application = MCPServer("weather")

    @application.tool()
    def forecast(city: str) -> str:
        """Tomorrow's weather."""
        return f"{city}: rain"

    server = _Uvicorn(uvicorn.Config(application.streamable_http_app(), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assert server.is_up.wait(60)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join()


def test_a_server_of_mcp(tmp_path: Path) -> None:
    tests, transport = blocks("how-to/mcp.md", "py")
    plugins = ("anyio", "replaycache.pytest_plugin")
    with serving_weather() as url:
        (tmp_path / "test_weather.py").write_text(tests.replace("https://weather.example/mcp", url), "utf-8")
        assert "3 recorded, 0 missed" in run_tests(tmp_path, plugins=plugins)
    assert "3 replayed, 0 recorded, 0 missed" in run_tests(tmp_path, plugins=plugins, CI="1")
    run(f"URL = 'https://weather.example/mcp'\n{transport}", tmp_path)


def test_a_notebook(provider: ProviderServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**surroundings(provider), "REPLAYCACHE_DIR": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    first, anew, samples, ttl, uninstall = blocks("how-to/notebooks.md", "python", "py")
    cells = [
        first,
        first,
        anew,
        samples,
        samples,
        ttl,
        'print(ask("Say hello."))',
        uninstall,
        'print(ask("Say hello."))',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])

    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()

    told = ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]
    assert [each.count("miss (") for each in told] == [1, 0, 0, 2, 0, 0, 0, 0, 0]
    assert [each.count("hit POST") for each in told] == [0, 1, 0, 1, 3, 0, 1, 0, 0]
    assert [each.count("stored POST") for each in told] == [1, 0, 1, 2, 0, 0, 0, 0, 0]
    assert len(provider.requests) == 5


# -- docs/how-to/observability.md ------------------------------------------------------------------------------

TELEMETRY, LOGFIRE, LANGFUSE, LANGSMITH, WRAPPED = blocks("how-to/observability.md", "py")
ENDS = """
import json
for span in exporter.get_finished_spans():
    print(json.dumps(dict(span.attributes)))
"""
IN_MEMORY = """
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
"""


def attributes(told: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


def test_a_span_is_told(provider: ProviderServer, tmp_path: Path) -> None:
    told = run(TELEMETRY, tmp_path, **surroundings(provider))
    assert told.count('"replaycache.status": "miss"') == told.count('"replaycache.status": "hit"') == 1


def test_logfire(provider: ProviderServer, tmp_path: Path) -> None:
    code = IN_MEMORY + LOGFIRE.replace(
        "logfire.configure(",
        "logfire.configure(additional_span_processors=[SimpleSpanProcessor(exporter)], console=False, ",
    )
    again = f"{code}{LOGFIRE.splitlines()[-1]}\nlist({LOGFIRE.splitlines()[-1][:-1]}, stream=True))\n{ENDS}"
    first, second, *of_stream = attributes(run(again, tmp_path, **surroundings(provider)))
    assert [first["replaycache.status"], second["replaycache.status"]] == ["miss", "hit"]
    assert first["operation.cost"] == second["operation.cost"] > 0
    assert [each.get("replaycache.status") for each in of_stream] == ["miss", None]


def test_langfuse(provider: ProviderServer, tmp_path: Path) -> None:
    before = f"{IN_MEMORY}from langfuse import Langfuse\nLangfuse(span_exporter=exporter)\n"
    asynchronous = """
import asyncio
@observe(as_type="generation")
async def ask_async():
    async with openai.AsyncOpenAI() as client:
        messages = [{"role": "user", "content": "Say hello."}]
        await client.chat.completions.create(model="gpt-4o-mini", messages=messages)
asyncio.run(ask_async())
langfuse.flush()
"""
    keys = {
        "LANGFUSE_PUBLIC_KEY": "a-key",
        "LANGFUSE_SECRET_KEY": "a-key",
        "LANGFUSE_BASE_URL": "http://127.0.0.1:9",
    }
    told = run(
        f"{before}{LANGFUSE}ask('Say hello.'){asynchronous}{ENDS}", tmp_path, **surroundings(provider), **keys
    )
    costs = [each.get("langfuse.observation.cost_details") for each in attributes(told)]
    assert costs == [None, '{"total": 0}', '{"total": 0}']
    assert [each.get("langfuse.observation.metadata.replaycache") for each in attributes(told)] == [
        None,
        '"hit"',
        '"hit"',
    ]


def test_langsmith(provider: ProviderServer, tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    def collect(request: Received, wire: Wire) -> None:
        if request.method == "PATCH":
            sent.append(request.json())
        wire.answer(b"{}")

    at_once = """
from langsmith import Client
from langsmith.wrappers import wrap_openai
at_once = {"client": Client(auto_batch_tracing=False)}
"""
    calls = """
for _ in range(2):
    ask("Say hello.", langsmith_extra=at_once)
"""
    wrapped = """
wrapped = wrap_openai(openai.OpenAI(), tracing_extra=at_once)
wrapped.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Say hello."}])
"""
    with ScriptedServer(collect) as collector:
        keys = {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "a-key", "LANGSMITH_ENDPOINT": collector.url}
        run(f"{LANGSMITH}{at_once}{calls}{WRAPPED}{wrapped}", tmp_path, **surroundings(provider), **keys)
    usage = [each["extra"]["metadata"]["usage_metadata"].get("total_cost") for each in sent]
    assert usage == [None, 0, None]
    assert [each.get("tags") or [] for each in sent] == [[], [], ["replayed"]]
    assert len(provider.requests) == 1
