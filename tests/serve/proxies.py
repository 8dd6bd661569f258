"""Proxies on sockets, and what is asked of them byte by byte."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import httpx2

from replaycache.serve.application import Application
from replaycache.serve.call_lines import CallLines
from replaycache.serve.server import Server, listen
from replaycache.serve.settings import Settings
from replaycache.serve.upstreams import parse_upstream
from tests.scripted_server import Received, ScriptedServer, Wire

Handler = Callable[[Received, Wire], None]


class Proxy:
    """A proxy that serves in a thread.

    Attributes:
        url: of it.
        port: of it.
        application: it.
        log: what it wrote.
    """

    def __init__(self, **settings: Any) -> None:
        checked = Settings(port=0, **settings)
        self.log = StringIO()
        self.application = Application(checked, CallLines(checked.log, self.log))
        taken = listen(checked)
        self.port: int = taken.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = Server(self.application, checked)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(taken,), daemon=True)
        self._thread.start()

    def _run(self, taken: socket.socket) -> None:
        try:
            self.server.run(sockets=[taken])
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Ends it in order."""
        self.server.should_exit = True
        assert self._ended.wait(60)

    def ask(self, data: bytes) -> bytes:
        """All that comes back for these bytes, until the proxy ends the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            return read_all(connection)

    def raw(self, target: str, *lines: str, method: str = "GET", body: bytes = b"") -> tuple[int, dict[str, Any]]:
        """Status and document of the answer to a request whose target and further header lines are as given."""
        hosts = [] if any(line.lower().startswith("host") for line in lines) else [f"Host: 127.0.0.1:{self.port}"]
        framing = [f"Content-Length: {len(body)}"] if body else []
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *hosts, *framing, "Connection: close", *lines])
        return parsed(self.ask(head.encode("latin-1") + b"\r\n\r\n" + body))


def parsed(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON document of an answer; an empty document where it is none."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head else 0
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    return status, document if isinstance(document, dict) else {}


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


@contextmanager
def serving(handler: Handler, **settings: Any) -> Iterator[tuple[Proxy, ScriptedServer]]:
    """A proxy before a server; `up` is the server's name, with `/v1` before its paths."""
    with ScriptedServer(handler) as server:
        named = {"up": parse_upstream("up", f"{server.url}/v1", "test"), **settings.pop("upstreams", {})}
        settings.setdefault("store", ":memory:")
        proxy = Proxy(upstreams=named, **settings)
        try:
            yield proxy, server
        finally:
            proxy.stop()


def client(proxy: Proxy, **headers: str) -> httpx2.Client:
    """A client whose paths are below the upstream `up`."""
    return httpx2.Client(base_url=f"{proxy.url}/up", headers=headers, timeout=30, trust_env=False)


def chat(text: str, **more: Any) -> dict[str, Any]:
    """A request for a completion."""
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def completion(text: str) -> bytes:
    """A completion, whole."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    return json.dumps(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    ).encode()


def event(text: str | None) -> bytes:
    """An event of a streamed completion; the one that ends it for None."""
    delta = {"content": text} if text is not None else {}
    choice = {"index": 0, "delta": delta, "finish_reason": None if text is not None else "stop"}
    document = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Command:
    """`replaycache serve` as a process of its own."""

    def __init__(self, arguments: Sequence[str], **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "replaycache", "serve", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        self.said: list[str] = []

    def address(self) -> str:
        """Of the proxy, once it listens."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if "http://" in line:
                words = json.loads(line)["message"] if line.startswith("{") else line
                return next(word for word in str(words).split() if word.startswith("http://"))
        raise AssertionError(f"it ended: {''.join(self.said)}")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ends it by a signal: its exit status, and all that it said."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            self.said += stderr
        return self.process.wait(60), "".join(self.said)
