"""A small API on the loopback interface, in a process of its own: `python upstream.py` prints its port.

It answers every POST with a chat completion, or, where the body says `"stream": true`, with a streamed one
whose first chunk comes at once and the others two milliseconds later.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from traffic import Answer, chat_answer, events

__all__ = ["running"]

CHUNKS = 20
LATER = 0.002


def _head(answer: Answer, framing: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in answer.headers), framing, "", ""]
    return "\r\n".join(lines).encode()


def _framed(chunk: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(chunk), chunk)


class _Upstream(asyncio.Protocol):
    """One connection. Requests have a content-length and come one after the other."""

    def __init__(self, whole: Answer, streamed: Answer) -> None:
        self._buffer = b""
        self._whole = _head(whole, f"content-length: {len(whole.body)}") + whole.body
        first, *others = streamed.chunks
        self._first = _head(streamed, "transfer-encoding: chunked") + _framed(first)
        self._others = b"".join(map(_framed, others)) + b"0\r\n\r\n"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        self._buffer = b""
        if b'"stream": true' in body:
            self._transport.write(self._first)
            asyncio.get_running_loop().call_later(LATER, self._transport.write, self._others)
        else:
            self._transport.write(self._whole)


async def _serve() -> None:
    whole, streamed = chat_answer(), events(CHUNKS)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Upstream(whole, streamed), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running() -> Iterator[str]:
    """The base URL of an upstream that runs for as long as the context does."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    try:
        asyncio.run(_serve())
    except KeyboardInterrupt:
        pass
