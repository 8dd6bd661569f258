"""Transports for around and inside a `ReplayTransport`; they are of no library and serve any client."""

from __future__ import annotations

from typing import Any, Self

__all__ = ["Unreachable", "Watched"]


class Watched:
    """Hands everything on to a transport, and keeps count.

    Attributes:
        requests: how many requests came.
        responses: those that were answered.
    """

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.requests = 0
        self.responses: list[Any] = []

    @property
    def outcomes(self) -> list[str]:
        """What became of the answered requests: final once their bodies were read."""
        return [response.extensions["replaycache"].status for response in self.responses]

    def handle_request(self, request: Any) -> Any:
        self.requests += 1
        response = self.transport.handle_request(request)
        self.responses.append(response)
        return response

    async def handle_async_request(self, request: Any) -> Any:
        self.requests += 1
        response = await self.transport.handle_async_request(request)
        self.responses.append(response)
        return response

    def close(self) -> None:
        self.transport.close()

    async def aclose(self) -> None:
        await self.transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


class Unreachable:
    """An upstream that may not be called: it counts the attempts, and every one fails."""

    def __init__(self) -> None:
        self.attempts = 0

    def handle_request(self, request: Any) -> Any:
        self.attempts += 1
        raise AssertionError(f"upstream was called: {request.method} {request.url}")

    async def handle_async_request(self, request: Any) -> Any:
        return self.handle_request(request)

    def close(self) -> None:
        pass

    async def aclose(self) -> None:
        pass
