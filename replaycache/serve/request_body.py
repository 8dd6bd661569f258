"""The body of a request, handed on as it comes; and whether its client is still there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import httpx2

__all__ = ["ClientGone", "RequestBody", "TooLarge"]


class TooLarge(Exception):
    """The body is larger than may be."""


class ClientGone(Exception):
    """The client went away before its request was whole."""


class RequestBody(httpx2.AsyncByteStream):
    """A request's body.

    Args:
        receive: of ASGI.
        limit: its most bytes.
        length: that it says to have; None where it says nothing.

    Raises:
        TooLarge: it says to have more than `limit`.
    """

    def __init__(
        self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]], limit: int, length: int | None
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._size = 0
        self._is_read = anyio.Event()
        if length is not None and length > limit:
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"the request's body is larger than {self._limit} bytes, which is the most that this proxy takes; "
            f"raise --max-request-bytes"
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self._is_read.is_set():
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._is_read.set()
                raise ClientGone("the client went away before its request was whole")
            piece: bytes = message.get("body", b"")
            if not message.get("more_body", False):
                self._is_read.set()
            self._size += len(piece)
            if self._size > self._limit:
                raise self._too_large()
            if piece:
                yield piece

    def leave(self) -> None:
        """Nobody reads it any more."""
        self._is_read.set()

    async def gone(self) -> None:
        """Returns when the client has gone away, once the body was read or left."""
        await self._is_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
