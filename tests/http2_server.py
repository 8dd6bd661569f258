"""An HTTP/2 server on a real socket, without TLS: the client has to know beforehand that it speaks HTTP/2."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from tests.scripted_server import Received, ScriptedServer

__all__ = ["Http2Server", "Http2Wire"]


@dataclass
class Http2Wire:
    """The answering side of one stream. What it is told to send has to fit into the client's window."""

    connection: socket.socket
    state: H2Connection
    stream: int

    def head(self, status: int = 200, **headers: str) -> None:
        lines = [(":status", str(status)), *((name.replace("_", "-"), value) for name, value in headers.items())]
        self.state.send_headers(self.stream, lines)
        self._flush()

    def data(self, data: bytes) -> None:
        for at in range(0, len(data), self.state.max_outbound_frame_size):
            self.state.send_data(self.stream, data[at : at + self.state.max_outbound_frame_size])
            self._flush()

    def end(self) -> None:
        """Ends the stream by an empty frame."""
        self.state.end_stream(self.stream)
        self._flush()

    def cut(self) -> None:
        """Closes the connection in the middle."""
        self.connection.shutdown(socket.SHUT_RDWR)

    def _flush(self) -> None:
        self.connection.sendall(self.state.data_to_send())


class Http2Server(ScriptedServer):
    """Serves on a loopback port until it is stopped; `requests` are those that arrived whole."""

    def __init__(self, handler: Callable[[Received, Http2Wire], None]) -> None:
        self._http2_handler = handler
        super().__init__(lambda request, wire: None)

    def _serve(self, connection: socket.socket) -> None:
        state = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        asked: dict[int, tuple[dict[str, str], bytearray]] = {}
        try:
            with connection:
                state.initiate_connection()
                connection.sendall(state.data_to_send())
                while data := connection.recv(1 << 16):
                    for event in state.receive_data(data):
                        self._take(event, Http2Wire(connection, state, getattr(event, "stream_id", 0)), asked)
                    connection.sendall(state.data_to_send())
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _take(self, event: Any, wire: Http2Wire, asked: dict[int, tuple[dict[str, str], bytearray]]) -> None:
        if isinstance(event, RequestReceived):
            asked[wire.stream] = dict(event.headers), bytearray()
        elif isinstance(event, DataReceived):
            asked[wire.stream][1].extend(event.data)
            wire.state.acknowledge_received_data(event.flow_controlled_length, wire.stream)
        elif isinstance(event, StreamEnded):
            headers, body = asked.pop(wire.stream)
            request = Received(headers[":method"], headers[":path"], headers, bytes(body))
            with self._lock:
                self.requests.append(request)
            self._http2_handler(request, wire)
