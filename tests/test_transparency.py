"""What a client sees of upstream's response, it sees with a transport of ours, too."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache.stores import MemoryStore
from tests.drivers import ALL, Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers

URL = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
drivers = pytest.mark.parametrize("driver", ALL, ids=str)


class Upstream:
    """Gives one response, and notes how often its stream was closed."""

    def __init__(self, driver: Driver, make: Any) -> None:
        module, upstream = driver.module, self
        self.closed = 0

        class Synchronous(module.SyncByteStream):  # type: ignore[name-defined,misc]
            def __iter__(self) -> Any:
                yield b"{}"
                yield b"{}"

            def close(self) -> None:
                upstream.closed += 1

        class Asynchronous(module.AsyncByteStream):  # type: ignore[name-defined,misc]
            async def __aiter__(self) -> Any:
                yield b"{}"
                yield b"{}"

            async def aclose(self) -> None:
                upstream.closed += 1

        self.response = make(module, Asynchronous() if driver.is_async else Synchronous())
        base = module.AsyncBaseTransport if driver.is_async else module.BaseTransport

        class Transport(base):  # type: ignore[misc,valid-type]
            def handle_request(self, request: Any) -> Any:
                return upstream.response

            async def handle_async_request(self, request: Any) -> Any:
                return upstream.response

        self.transport = Transport()


def ready_made(module: Any, stream: Any) -> Any:
    request = module.Request("GET", "https://elsewhere.test/")
    extensions = {"http_version": b"HTTP/2", "trace": "upstream's"}
    return module.Response(200, json={"answer": 1}, request=request, extensions=extensions)


def streamed(module: Any, stream: Any) -> Any:
    return module.Response(200, stream=stream, extensions={"http_version": b"HTTP/2", "trace": "upstream's"})


async def handle(driver: Driver, transport: Any) -> Any:
    """Calls a transport as its client does."""
    request = driver.module.Request("POST", URL, json=ASKED)
    if driver.is_async:
        return await transport.handle_async_request(request)
    return transport.handle_request(request)


async def close(driver: Driver, response: Any) -> None:
    """Closes a response, so that nobody is taken to be still reading it."""
    if driver.is_async:
        await response.aclose()
    else:
        response.close()


@drivers
@pytest.mark.parametrize("make", [ready_made, streamed])
@pytest.mark.parametrize("mode", ["off", "auto", "record"])
def test_the_response_is_upstreams_own(driver: Driver, mode: str, make: Any) -> None:
    upstream = Upstream(driver, make)
    stream = upstream.response.stream
    before = {
        name: value for name, value in vars(upstream.response).items() if name not in ("stream", "extensions")
    }

    async def body() -> None:
        transport = driver.transport(upstream.transport, store=MemoryStore(), mode=mode)
        response = await handle(driver, transport)

        assert response is upstream.response
        assert before.items() <= vars(response).items()
        assert response.http_version == "HTTP/2"
        assert response.extensions["trace"] == "upstream's"
        assert outcome_of(response).key or mode == "off"
        assert (response.stream is stream) is (mode == "off" or make is ready_made)
        await close(driver, response)

    driver.run(body)


@drivers
def test_a_ready_made_response_is_recorded_and_replayed(driver: Driver) -> None:
    upstream = Upstream(driver, ready_made)

    async def body() -> None:
        async with driver.client(upstream.transport, store=MemoryStore()) as client:
            stream = await client.open(URL, json=ASKED)
            assert stream.real.is_closed
            assert stream.real.json() == {"answer": 1}
            assert outcome_of(stream).status == "miss"
            again = await client.post(URL, json=ASKED)
            assert outcome_of(again).status == "hit"
            assert again.content == upstream.response.content

    driver.run(body)


@drivers
def test_a_response_that_was_closed_unread_is_handed_on_and_not_recorded(driver: Driver) -> None:
    def closed(module: Any, stream: Any) -> Any:
        response = streamed(module, stream)
        response.is_closed = True
        return response

    upstream = Upstream(driver, closed)
    store = MemoryStore()

    async def body() -> None:
        transport = driver.transport(upstream.transport, store=store)
        response = await handle(driver, transport)
        with pytest.raises(driver.module.StreamClosed):
            await response.aread() if driver.is_async else response.read()
        assert outcome_of(response).status == "live"

    driver.run(body)
    assert len(store) == 0


@drivers
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the libraries' own generators
@pytest.mark.parametrize(
    "ways", [("close",), ("read", "close"), ("leave", "close", "end"), ("close", "close")], ids="-".join
)
@pytest.mark.parametrize("on_abandon", ["discard", "drain"])
def test_upstreams_stream_is_closed_once(driver: Driver, ways: tuple[str, ...], on_abandon: str) -> None:
    upstream = Upstream(driver, streamed)

    async def body() -> None:
        transport = driver.transport(upstream.transport, store=MemoryStore(), on_abandon=on_abandon)
        response = await handle(driver, transport)
        for way in ways:
            if way == "close":
                await response.stream.aclose() if driver.is_async else response.stream.close()
            elif way == "read":
                await response.aread() if driver.is_async else response.read()
            elif way == "leave" and driver.is_async:
                async for _ in response.stream:
                    break
            elif way == "leave":
                for _ in response.stream:
                    break
            else:
                await transport.aclose() if driver.is_async else transport.close()
        assert upstream.closed == 1

    driver.run(body)


@drivers
def test_elapsed_is_told_as_without_us(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            for mode in ("off", "auto"):
                async with driver.client(store=MemoryStore(), mode=mode) as client:
                    response = await client.post(server.url, json=ASKED)
                    assert response.elapsed.total_seconds() > 0
                    assert response.request.url == server.url

    driver.run(body)
