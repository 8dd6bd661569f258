"""A small API on the loopback interface, in a process of its own: `python upstream.py` prints its port.

It answers with a chat completion, or, where `stream` is true, with a streamed one whose first chunk comes at once
and the others two milliseconds later. A GET asks by its query. Under `/numbered`, answers have numbers.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from traffic import Answer, chat_answer, events

__all__ = ["running"]

LATER = 0.002

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_QUESTION = re.compile(rb"Question[ =](\d+)")
_STREAM = re.compile(rb'stream"?[:=] ?true')


def _head(answer: Answer, framing: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in answer.headers), framing, "", ""]
    return "\r\n".join(lines).encode()


def _framed(chunk: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(chunk), chunk)


def _whole(answer: Answer) -> bytes:
    return _head(answer, f"content-length: {len(answer.body)}") + answer.body


def _streamed(answer: Answer) -> tuple[bytes, bytes]:
    first, *others = answer.chunks
    head = _head(answer, "transfer-encoding: chunked")
    return head + _framed(first), b"".join(map(_framed, others)) + b"0\r\n\r\n"


class _Upstream(asyncio.Protocol):
    """One connection. Requests come one after the other."""

    def __init__(self, whole: Answer, stream: Answer) -> None:
        self._buffer = b""
        self._whole, self._stream = whole, stream
        self._unnumbered = _whole(whole), _streamed(stream)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length and len(body) < int(length[1])):
            return
        request, self._buffer = self._buffer, b""
        whole, stream = self._unnumbered
        streams = _STREAM.search(request)
        if b" /numbered/" in head[:40]:
            found = _QUESTION.search(request)
            assert found
            number = int(found[1])
            whole, stream = _whole(self._whole.to(number)), _streamed(self._stream.to(number))
        if streams:
            self._transport.write(stream[0])
            asyncio.get_running_loop().call_later(LATER, self._transport.write, stream[1])
        else:
            self._transport.write(whole)


async def _serve() -> None:
    whole, stream = chat_answer(), events()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Upstream(whole, stream), "127.0.0.1", 0)
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
