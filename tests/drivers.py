"""One way to drive both client libraries, synchronous and asynchronous, from one test body.

A test is written once, as a coroutine function; a synchronous driver's methods only look asynchronous.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from replaycache import Outcome


@dataclass(frozen=True)
class Driver:
    """A client library, and how it is called: `sync`, or the event loop's library."""

    library: str
    how: str

    def __str__(self) -> str:
        return f"{self.library}-{self.how}"

    @property
    def is_async(self) -> bool:
        return self.how != "sync"

    @property
    def module(self) -> Any:
        """The client library."""
        return importlib.import_module(self.library)

    @property
    def adapter(self) -> Any:
        """replaycache's module for it."""
        return importlib.import_module(f"replaycache.{self.library}")

    def run(self, body: Callable[[], Awaitable[None]]) -> None:
        """Runs a test's body."""
        if self.is_async:
            anyio.run(body, backend=self.how)
        else:
            asyncio.run(body())

    def transport(self, inner: Any = None, **options: Any) -> Any:
        """A transport of the right kind."""
        kind = self.adapter.AsyncReplayTransport if self.is_async else self.adapter.ReplayTransport
        return kind(inner, **options)

    @asynccontextmanager
    async def client(self, inner: Any = None, **options: Any) -> AsyncIterator[Client]:
        """A client on a transport with these options."""
        transport = self.transport(inner, **options)
        if self.is_async:
            async with self.module.AsyncClient(transport=transport, timeout=30) as real:
                yield Client(self, real)
        else:
            with self.module.Client(transport=transport, timeout=30) as real:
                yield Client(self, real)

    @asynccontextmanager
    async def plain_client(self) -> AsyncIterator[Client]:
        """A client as anybody makes it."""
        if self.is_async:
            async with self.module.AsyncClient() as real:
                yield Client(self, real)
        else:
            with self.module.Client() as real:
                yield Client(self, real)


class Client:
    """A client of either kind."""

    def __init__(self, driver: Driver, real: Any) -> None:
        self.driver = driver
        self.real = real

    async def request(self, method: str, url: str, **arguments: Any) -> Any:
        """Sends a request and reads its answer."""
        answer = self.real.request(method, url, **arguments)
        return await answer if self.driver.is_async else answer

    async def post(self, url: str, **arguments: Any) -> Any:
        return await self.request("POST", url, **arguments)

    async def open(self, url: str, method: str = "POST", **arguments: Any) -> Stream:
        """Sends a request and gives its answer unread; whoever calls closes it."""
        request = self.real.build_request(method, url, **arguments)
        answer = self.real.send(request, stream=True)
        return Stream(self.driver, await answer if self.driver.is_async else answer)

    @asynccontextmanager
    async def stream(self, url: str, **arguments: Any) -> AsyncIterator[Stream]:
        """Sends a request and gives its answer unread; it is closed at the end of the block."""
        stream = await self.open(url, **arguments)
        try:
            yield stream
        finally:
            await stream.close()


class Stream:
    """An unread response of either kind."""

    def __init__(self, driver: Driver, real: Any) -> None:
        self.driver = driver
        self.real = real
        self._chunks: Any = None

    def _iterator(self, how: str) -> Any:
        if self._chunks is None:
            self._chunks = getattr(self.real, f"a{how}" if self.driver.is_async else how)()
        return self._chunks

    async def next_chunk(self, how: str = "iter_raw") -> bytes:
        """The next chunk; raises `StopAsyncIteration` at the end."""
        iterator = self._iterator(how)
        if self.driver.is_async:
            return await anext(iterator)
        try:
            return next(iterator)
        except StopIteration:
            raise StopAsyncIteration from None

    async def chunks(self, how: str = "iter_raw") -> list[bytes]:
        """All chunks to the end."""
        found = []
        while True:
            try:
                found.append(await self.next_chunk(how))
            except StopAsyncIteration:
                return found

    async def close(self) -> None:
        if self.driver.is_async:
            if self._chunks is not None:
                await self._chunks.aclose()
            await self.real.aclose()
        else:
            self.real.close()


def outcome_of(response: Any) -> Outcome:
    """What replaycache did."""
    outcome = (response.real if isinstance(response, Stream) else response).extensions["replaycache"]
    assert isinstance(outcome, Outcome)
    return outcome


SYNC = [Driver("httpx", "sync"), Driver("httpx2", "sync")]
ASYNC = [Driver(library, how) for library in ("httpx", "httpx2") for how in ("asyncio", "trio")]
ALL = SYNC + ASYNC
