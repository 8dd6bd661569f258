"""Answers that a live server sends piece by piece, in each framing of HTTP, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tests.drivers import Client, Driver, Stream
from tests.http2_server import Http2Server, Http2Wire
from tests.scripted_server import Received, ScriptedServer, Wire

__all__ = ["FRAMINGS", "HttpFraming", "Sent", "ask", "inner_transport", "read"]

HttpFraming = Literal["chunked", "length", "http2", "close"]
FRAMINGS: tuple[HttpFraming, ...] = ("chunked", "length", "http2")
"""Those that tell where a body ends; of the other, the end of the connection is its end."""


@dataclass(frozen=True)
class Sent:
    """What a server answers to every request.

    Attributes:
        pieces: of the body, one write each.
        content_type: of the answer; none where it is empty.
        framing: of the body.
        ends: whether the body ends; where not, the server waits behind its last piece until the client has closed.
        breaks: whether the connection is closed in the middle, behind the last piece.
        status: of the answer.
    """

    pieces: Sequence[bytes]
    content_type: str = ""
    framing: HttpFraming = "chunked"
    ends: bool = True
    breaks: bool = False
    status: int = 200

    def serve(self) -> ScriptedServer:
        """A server that sends it."""
        return Http2Server(self._send_http2) if self.framing == "http2" else ScriptedServer(self._send)

    @property
    def _headers(self) -> dict[str, str]:
        return {"content_type": self.content_type} if self.content_type else {}

    def _send(self, request: Received, wire: Wire) -> None:
        size = sum(map(len, self.pieces)) + (not self.ends or self.breaks)
        framing = {
            "length": {"content_length": str(size)},
            "chunked": {"transfer_encoding": "chunked"},
            "close": {"connection": "close"},
        }
        wire.head(self.status, **self._headers, **({} if self.status == 204 else framing[self.framing]))
        for piece in self.pieces:
            (wire.chunk if self.framing == "chunked" else wire.send)(piece)
        if self.breaks or (self.framing == "close" and self.ends):
            wire.cut()
        elif not self.ends:
            wire.connection.recv(1)
            wire.cut()
        elif self.framing == "chunked" and self.status != 204:
            wire.end_chunks()

    def _send_http2(self, request: Received, wire: Http2Wire) -> None:
        wire.head(self.status, **self._headers)
        for piece in self.pieces:
            wire.data(piece)
        if self.breaks:
            wire.cut()
        elif self.ends:
            wire.end()


class Call(Protocol):
    """A call of an example."""

    @property
    def path(self) -> str: ...

    @property
    def asked(self) -> Any: ...

    @property
    def is_form(self) -> bool: ...


def inner_transport(driver: Driver, framing: HttpFraming) -> Any:
    """A transport of the client library that speaks the right version of HTTP."""
    kind = driver.module.AsyncHTTPTransport if driver.is_async else driver.module.HTTPTransport
    # nobody here speaks TLS, and to read the certificates takes longer than a call
    return kind(http1=framing != "http2", http2=framing == "http2", verify=False)


async def ask(client: Client, url: str, call: Call) -> Stream:
    """Sends the call and gives its answer unread."""
    if call.is_form:
        files = {"file": ("a.wav", b"RIFF", "audio/wav")}
        return await client.open(url + call.path, data=dict(call.asked), files=files)
    return await client.open(url + call.path, json=dict(call.asked))


async def read(stream: Stream, size: int | None = None) -> bytes:
    """Reads to the end, or until so many bytes came, and closes."""
    found = b""
    try:
        while size is None or len(found) < size:
            found += await stream.next_chunk()
    except StopAsyncIteration:
        pass
    finally:
        await stream.close()
    return found
