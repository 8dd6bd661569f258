"""An HTTP server on a real socket whose every byte the test decides."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

Handler = Callable[["Received", "Wire"], None]


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Wire:
    """The answering side of one connection."""

    connection: socket.socket
    closing: bool = field(default=False)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def head(self, status: int = 200, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Whatever"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        headers.setdefault("content_type", "application/json")
        self.head(status, content_length=str(len(body)), **headers)
        self.send(body)

    def start_chunks(self, **headers: str) -> None:
        headers.setdefault("content_type", "text/event-stream")
        self.head(200, transfer_encoding="chunked", **headers)

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunks(self) -> None:
        self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        """Closes the connection in the middle."""
        self.closing = True


class ScriptedServer:
    """Serves on a loopback port until it is stopped, or at another address; `requests` are those that arrived
    whole."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1") -> None:
        self._handler = handler
        self._listener = socket.create_server((host, 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.requests: list[Received] = []
        self.url = f"http://{host}:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """From here on nobody can connect."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._thread.join(10)
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                wire = Wire(connection)
                while not wire.closing:
                    request = self._read(stream)
                    if request is None:
                        return
                    with self._lock:
                        self.requests.append(request)
                    self._handler(request, wire)
        except (OSError, ValueError):
            pass  # it broke off, a request of chunks in the middle of one
        finally:
            with self._lock:
                self._open.discard(connection)

    @staticmethod
    def _read(stream: Any) -> Received | None:
        line = stream.readline()
        if not line.strip():
            return None
        method, target, _ = line.decode().split(" ", 2)
        headers: dict[str, str] = {}
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(stream.readline(), 16):
                body += stream.read(size)
                stream.readline()
            stream.readline()
        else:
            body = stream.read(int(headers.get("content-length", 0)))
        return Received(method, target, headers, body)


def counting_answers() -> Handler:
    """Answers every request with JSON that differs from all before."""
    lock = threading.Lock()
    count = 0

    def handle(request: Received, wire: Wire) -> None:
        nonlocal count
        with lock:
            count += 1
            number = count
        wire.answer(json.dumps({"answer": number}).encode())

    return handle
