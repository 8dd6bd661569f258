"""The body of a request, handed on as it comes; and whether its client is still there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import httpx2


class TooLarge(Exception):
    """The body is larger than may be."""


class ClientGone(Exception):
    """The client went away before its request was whole."""


class ClientSilent(Exception):
    """The client sends nothing more of its request."""


class RequestBody(httpx2.AsyncByteStream):
    """A request's body.

    Args:
        limit: its most bytes.
        length: that it says to have; None where it says nothing.
        patience: seconds for which the client may be silent.

    Raises:
        TooLarge: it says to have more than `limit`.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        limit: int,
        length: int | None,
        patience: float,
    ) -> None:
        self._receive = receive
        self._patience = patience
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
            message = await self._next()
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

    async def _next(self) -> MutableMapping[str, Any]:
        with anyio.move_on_after(self._patience):
            return await self._receive()
        raise ClientSilent(f"nothing more of the request came for {self._patience:g} s; send all of it")

    def leave(self) -> None:
        """Nobody reads it any more."""
        self._is_read.set()

    async def gone(self) -> None:
        """Returns when the client has gone away, once the body was read or left."""
        await self._is_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
