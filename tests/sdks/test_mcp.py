"""The official SDK of the Model Context Protocol, over streamable HTTP, on httpx2; its server answers, too."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from mcp import Client, ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer

import replaycache
from replaycache.httpx2 import AsyncReplayTransport


class Server(uvicorn.Server):
    """Says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@contextmanager
def serving(asked: list[str]) -> Iterator[str]:
    """A server with one tool, which notes what it was asked; gives its URL."""
    application = MCPServer("weather")

    @application.tool()
    def forecast(city: str) -> str:
        """Tomorrow's weather."""
        asked.append(city)
        return f"{city}: rain"

    server = Server(uvicorn.Config(application.streamable_http_app(), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        assert server.is_up.wait(60)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join()


async def ask(url: str, transport: Any) -> list[str]:
    """By a client of the protocol's newest version."""
    if transport is None:
        streams = streamable_http_client(url)
    else:
        streams = streamable_http_client(url, http_client=httpx2.AsyncClient(transport=transport))
    async with Client(streams) as client:
        tools = await client.list_tools()
        answer = await client.call_tool(tools.tools[0].name, {"city": "Oslo"})
        return [content.text for content in answer.content]


async def ask_in_session(url: str, transport: Any) -> list[str]:
    """By a session that the server knows, with a stream that stays open for what it has to say."""
    if transport is None:
        streams = streamable_http_client(url)
    else:
        streams = streamable_http_client(url, http_client=httpx2.AsyncClient(transport=transport))
    async with streams as (reading, writing, *_), ClientSession(reading, writing) as session:
        await session.initialize()
        answer = await session.call_tool("forecast", {"city": "Oslo"})
        return [content.text for content in answer.content]


@pytest.mark.parametrize("way", ["transport", "install"])
@pytest.mark.parametrize("asking", [ask, ask_in_session])
def test_a_tool_is_called_and_replayed_with_the_server_gone(asking: Any, way: str, tmp_path: Path) -> None:
    options = {"store": str(tmp_path / "mcp.json")}
    asked: list[str] = []

    def run(url: str, mode: str) -> list[str]:
        if way == "transport":

            async def by_transport() -> list[str]:
                async with AsyncReplayTransport(**options, mode=mode) as transport:
                    return await asking(url, transport)

            return asyncio.run(by_transport())
        replaycache.install(**options, mode=mode)
        try:
            return asyncio.run(asking(url, None))
        finally:
            replaycache.uninstall()

    with serving(asked) as url:
        assert run(url, "once") == ["Oslo: rain"]
    assert asked == ["Oslo"]

    assert run(url, "replay") == ["Oslo: rain"]
    assert asked == ["Oslo"]
