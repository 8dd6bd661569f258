"""Real servers to record from, each in a process group of its own on a free loopback port.

    with serve_llm() as server:
        ...                     record from server.url
        server.stop()           or at the end of the block

The fixtures `llm_server`, `aimock_server` and `steady_server` last for the session and only serve; a test
that wants a server to be gone starts one itself. Where a server is not installed, the test is skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = [
    "ROOT",
    "Server",
    "aimock_server",
    "llm_server",
    "openai2_python",
    "serve_aimock",
    "serve_llm",
    "serve_steady",
    "steady_server",
]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".ci" / ".cache"
DESCRIPTION = ROOT.parent / "shared" / "spec" / "openapi.transformed.yml"

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 0.05


class Server:
    """A server process that answers on `url`.

    Args:
        name: of the server, in messages.
        command: `PORT` in it stands for the port.
        health: the path that answers with 200 once the server is ready.
    """

    def __init__(self, name: str, command: list[str], health: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._name = name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop()
        self._process = subprocess.Popen(
            [str(self.port) if word == "PORT" else word for word in command],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=ROOT,
        )
        try:
            self._wait_until_ready(self.url + health)
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self, health: str) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with opener.open(health, timeout=5):
                    return
            except urllib.error.HTTPError as error:
                error.close()  # it listens, and is still loading
            except OSError:
                pass
            try:
                status = self._process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"{self._name} ended with status {status}:\n{self._printed()}")
        raise RuntimeError(f"{self._name} is not ready after {READY_SECONDS:g} s:\n{self._printed()}")

    def _printed(self) -> str:
        self._output.seek(0)
        return self._output.read().decode("utf-8", "replace")[-4000:]

    @property
    def is_listening(self) -> bool:
        """Whether anything accepts connections on its port."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except ConnectionRefusedError:
            return False
        return True

    def stop(self) -> None:
        """Ends the process and all that it started. May be called again."""
        if self._output.closed:
            return
        for way in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, way)
            except ProcessLookupError:
                pass
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._output.close()


def _installed(name: str, what: str) -> Path:
    """The directory of an installation that `.ci/upstreams` made; skips the test where there is none."""
    if not (CACHE / name / ".installed").exists():
        pytest.skip(f"{what} is not installed; run .ci/upstreams")
    return CACHE / name


def _node_command(name: str, what: str) -> str:
    command = _installed("node", what) / "node_modules" / ".bin" / name
    if shutil.which("node") is None:
        pytest.skip(f"{what} needs node, and there is none; install Node.js and run .ci/upstreams")
    return str(command)


def openai2_python() -> str:
    """The interpreter that has openai 2.x and anthropic 0.x; skips the test where there is none."""
    return str(_installed("openai2", "openai 2.x") / "bin" / "python")


@contextmanager
def _serving(name: str, command: list[str], health: str) -> Iterator[Server]:
    server = Server(name, command, health)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def serve_llm() -> Iterator[Server]:
    """A small real language model: answers differ from call to call, streams come token by token."""
    python = _installed("llm", "the language model server") / "bin" / "python"
    with _serving("llama.cpp", [str(python), str(HERE / "serve_llm.py"), "PORT"], "/health") as server:
        yield server


@contextmanager
def serve_aimock() -> Iterator[Server]:
    """Scripted answers: what is in the directory `aimock` beside this file."""
    command = [_node_command("llmock", "aimock"), "-p", "PORT", "-f", str(HERE / "aimock"), "--strict"]
    with _serving("aimock", [*command, "--validate-on-load"], "/health") as server:
        yield server


@contextmanager
def serve_steady() -> Iterator[Server]:
    """A valid example for every operation of OpenAI's description; its paths have no `/v1`."""
    command = _node_command("steady", "steady")
    if not DESCRIPTION.exists():
        pytest.skip("steady needs the OpenAPI description ../shared/spec/openapi.transformed.yml")
    formats = [
        f"--validator-{place}-{kind}-format=brackets"
        for place in ("query", "form")
        for kind in ("array", "object")
    ]
    options = ["--host", "127.0.0.1", "-p", "PORT", "-q", *formats]
    with _serving("steady", [command, *options, str(DESCRIPTION)], "/_x-steady/health") as server:
        yield server


@pytest.fixture(scope="session")
def llm_server() -> Iterator[Server]:
    """`serve_llm` for the whole session; it is not to be stopped."""
    with serve_llm() as server:
        yield server


@pytest.fixture(scope="session")
def aimock_server() -> Iterator[Server]:
    """`serve_aimock` for the whole session; it is not to be stopped."""
    with serve_aimock() as server:
        yield server


@pytest.fixture(scope="session")
def steady_server() -> Iterator[Server]:
    """`serve_steady` for the whole session; it is not to be stopped."""
    with serve_steady() as server:
        yield server
