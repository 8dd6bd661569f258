"""Faults on replay: what a client meets is what a server that does the same would have it meet.

In both libraries, synchronous and asynchronous; against the retries of openai and anthropic, and a parser as users
write them.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import anyio
import openai
import pytest

import replaycache
from replaycache import ConfigurationError, Outcome, ReplayCacheWarning, install, uninstall, use_cassette
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import ASYNC, SYNC, Client, Driver, outcome_of
from tests.scripted_server import Handler, Received, ScriptedServer, Wire
from tests.test_transports import ASKED, CHAT, STREAMED

PIECES = ["One", " two", " thrée", " four", " five"]


def event(text: str) -> bytes:
    document = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    return f"data: {json.dumps(document, ensure_ascii=False)}\n\n".encode()


EVENTS = [*map(event, PIECES), b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n']
EVENTS.append(b"data: [DONE]\n\n")
ANSWER = json.dumps(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Five."}}],
    }
).encode()


def answering(request: Received, wire: Wire) -> None:
    """As the API does: events where a stream is asked for."""
    if request.json().get("stream"):
        wire.start_chunks()
        for one in EVENTS:
            wire.chunk(one)
        wire.end_chunks()
    else:
        wire.answer(ANSWER)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    """The API."""
    with ScriptedServer(answering) as server:
        yield server


@pytest.fixture(autouse=True)
def _nothing_stays_installed() -> Iterator[None]:
    yield
    uninstall()


async def recorded(driver: Driver, url: str, *bodies: Any, store: Any = None) -> Any:
    """A store with the API's answers."""
    store = MemoryStore() if store is None else store
    async with driver.client(store=store, mode="auto") as client:
        for body in bodies or (ASKED, STREAMED):
            assert (await client.post(url + CHAT, json=body)).status_code == 200
    return store


async def read(client: Client, url: str, body: Any = STREAMED, **arguments: Any) -> tuple[list[bytes], Any]:
    """The chunks that come, and what they break off with."""
    chunks: list[bytes] = []
    try:
        async with client.stream(url + CHAT, json=body, **arguments) as stream:
            while True:
                try:
                    chunks.append(await stream.next_chunk())
                except StopAsyncIteration:
                    return chunks, None
    except Exception as error:
        return chunks, error


# -- side by side with a server that does it ---------------------------------------------------------------


def reset(wire: Wire) -> None:
    wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.cut()


@contextmanager
def doing(fault: str) -> Iterator[str]:
    """The address of a server that does what a fault says."""
    over, seen = threading.Event(), threading.Semaphore(0)

    def handle(request: Received, wire: Wire) -> None:
        if request.target == "/seen":  # the client has the chunks that came before a reset, which would drop them
            seen.release()
            wire.answer(b"")
            return
        kind, _, place = fault.partition(":after=")
        if kind in ("reset", "delay=1h") and not place:
            if kind == "reset":
                reset(wire)
            else:
                over.wait(30)
            return
        wire.start_chunks()
        for one in EVENTS[: int(place or 0)]:
            wire.chunk(one)
        if kind == "stall":
            over.wait(30)
        elif kind == "reset":
            seen.acquire(timeout=30)
            reset(wire)
        else:
            wire.cut()

    with ScriptedServer(handle) as server:
        if fault == "refuse":
            server.stop()
        try:
            yield server.url
        finally:
            over.set()


BROKEN = ["refuse", "reset", "reset:after=2", "cut", "cut:after=2", "delay=1h", "stall", "stall:after=2"]


@pytest.mark.sampled(12)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_client_meets_what_a_server_would_have_it_meet(
    driver: Driver, upstream: ScriptedServer, fault: str
) -> None:
    timeout = driver.module.Timeout(20, read=0.05 if fault.startswith(("delay", "stall")) else 20)
    waits = fault == "reset:after=2"

    async def real() -> tuple[list[bytes], Any]:
        async with driver.plain_client() as client:
            with doing(fault) as url:
                if not waits:
                    return await read(client, url, timeout=timeout)
                chunks: list[bytes] = []
                async with client.stream(url + CHAT, json=STREAMED) as stream:
                    try:
                        while True:
                            chunks.append(await stream.next_chunk())
                            if b"".join(chunks) == b"".join(EVENTS[:2]):
                                await client.request("GET", f"{url}/seen")
                    except Exception as error:
                        return chunks, error

    async def body() -> None:
        server_chunks, server_error = await real()
        store = await recorded(driver, upstream.url)
        async with driver.client(store=store, mode="replay", fault=fault) as client:
            chunks, error = await read(client, upstream.url, timeout=timeout)
            assert type(error) is type(server_error)
            assert b"".join(chunks) == b"".join(server_chunks)
            assert f"fault='{fault}'" in str(error)
            told = str(error).partition(" (by replaycache")[0]
            if driver.how == "sync" or "RemoteProtocol" in type(error).__name__:
                assert told == str(server_error)
            assert error.request.url == upstream.url + CHAT

    driver.run(body)


@pytest.mark.parametrize("fault", ["cut:after=0", "reset:after=1", "stall"])
def test_reading_on_behind_it_finds_no_end(driver: Driver, upstream: ScriptedServer, fault: str) -> None:
    """Nor does `read()`, which would else have a part of the answer for all of it."""

    async def body() -> None:
        store = await recorded(driver, upstream.url)
        timeouts = {"timeout": {"read": 0.01}}
        request = driver.module.Request("POST", upstream.url + CHAT, json=STREAMED, extensions=timeouts)
        transport = driver.transport(store=store, fault=fault)
        if driver.is_async:
            stream = (await transport.handle_async_request(request)).stream.__aiter__()
        else:
            stream = iter(transport.handle_request(request).stream)
        ends: list[str] = []
        while len(ends) < 3:
            try:
                await anext(stream) if driver.is_async else next(stream)
            except driver.module.TransportError as error:
                ends.append(type(error).__name__)
        assert len(set(ends)) == 1
        async with driver.client(store=store, fault=fault) as client:
            with pytest.raises(driver.module.TransportError):
                await client.post(upstream.url + CHAT, json=STREAMED, timeout=0.01)

    driver.run(body)


# -- what is disturbed, and what is not --------------------------------------------------------------------


def test_a_status_is_answered_so_many_times(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        store = await recorded(driver, upstream.url)
        fault = "status:429,times=2,retry-after=7"
        async with driver.client(store=store, fault=fault, mode="replay") as client:
            answers = [await client.post(upstream.url + CHAT, json=ASKED) for _ in range(3)]
            other = await client.post(upstream.url + CHAT, json=STREAMED)
        assert [answer.status_code for answer in answers] == [429, 429, 200]
        assert answers[0].headers["retry-after"] == "7"
        assert answers[0].json()["error"]["code"] == "rate_limit_exceeded"
        assert [outcome_of(answer).fault for answer in answers] == [fault, fault, ""]
        assert {outcome_of(answer).status for answer in answers} == {"hit"}
        assert "with the fault status:429" in repr(outcome_of(answers[0]))
        assert answers[2].content == ANSWER
        assert other.status_code == 429  # each key has its own count

    driver.run(body)


def test_only_what_is_replayed_is_disturbed(driver: Driver, upstream: ScriptedServer) -> None:
    """Live calls are not, in any mode, and what they store is whole."""

    async def body() -> None:
        store = MemoryStore()
        before = len(upstream.requests)
        async with driver.client(store=store, mode="auto", fault="cut") as client:
            first, error = await read(client, upstream.url)
            assert (b"".join(first), error) == (b"".join(EVENTS), None)
            assert type((await read(client, upstream.url))[1]) is driver.module.RemoteProtocolError
            for mode in ("record", "off", "verify"):
                header = {"x-replaycache-mode": mode}
                chunks, error = await read(client, upstream.url, headers=header)
                assert (b"".join(chunks), error) == (b"".join(EVENTS), None), mode
        assert len(upstream.requests) == before + 4
        async with driver.client(store=store, mode="replay") as client:
            assert b"".join((await read(client, upstream.url))[0]) == b"".join(EVENTS)

    driver.run(body)


def test_what_goes_before_what(driver: Driver, upstream: ScriptedServer) -> None:
    """The header before the innermost block, that before the outer one, and that before the option."""

    async def status(client: Client, **headers: str) -> int:
        answer = await client.post(upstream.url + CHAT, json=ASKED, headers=headers)
        return int(answer.status_code)

    async def body() -> None:
        store = await recorded(driver, upstream.url)
        async with driver.client(store=store, mode="replay", fault="status:401") as client:
            assert await status(client) == 401
            assert await status(client, **{"x-replaycache-fault": "status:404"}) == 404
            assert await status(client, **{"X-Replaycache-Fault": ""}) == 200
            with replaycache.fault("status:500"):
                assert await status(client) == 500
                async with replaycache.fault("status:503,times=1"):
                    assert [await status(client), await status(client)] == [503, 200]
                with replaycache.fault(None):
                    assert await status(client) == 200
                    assert await status(client, **{"x-replaycache-fault": "status:404"}) == 404
                assert await status(client) == 500
            assert await status(client) == 401
            with pytest.raises(ConfigurationError, match="x-replaycache-fault='cutt': there is no fault"):
                await status(client, **{"x-replaycache-fault": "cutt"})

    driver.run(body)


def test_the_header_is_never_sent(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        async with driver.client(store=":memory:") as client:
            asked = {**ASKED, "user": str(driver)}
            await client.post(upstream.url + CHAT, json=asked, headers={"x-replaycache-fault": "cut"})
        assert not any(name.startswith("x-replaycache") for name in upstream.requests[-1].headers)

    driver.run(body)


def test_each_entry_of_a_block_counts_anew(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        store = await recorded(driver, upstream.url)
        block = replaycache.fault("status:500,times=1")
        found = []
        async with driver.client(store=store, mode="replay") as client:
            for _ in range(2):
                with block:
                    found += [(await client.post(upstream.url + CHAT, json=ASKED)).status_code for _ in range(2)]
        assert found == [500, 200] * 2

    driver.run(body)


def test_an_interrupted_delay_and_a_longer_stall_end_at_the_read_timeout(
    driver: Driver, upstream: ScriptedServer
) -> None:
    """One that is shorter only takes its time."""

    async def body() -> None:
        store = await recorded(driver, upstream.url)
        async with driver.client(store=store, mode="replay") as client:
            for fault in ("delay=5ms", "stall:after=1,for=5ms", "stall:bytes=1,for=1ms;delay=1ms"):
                with replaycache.fault(fault):
                    chunks, error = await read(client, upstream.url, timeout=20)
                assert (b"".join(chunks), error) == (b"".join(EVENTS), None)
            for fault in ("delay=20m", "stall:after=1,for=20m"):
                with replaycache.fault(fault):
                    _, error = await read(client, upstream.url, timeout=0.01)
                assert type(error) is driver.module.ReadTimeout

    driver.run(body)


@pytest.mark.parametrize("driver", ASYNC, ids=str)
def test_other_tasks_run_while_nothing_comes(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        store = await recorded(driver, upstream.url)
        async with driver.client(store=store, mode="replay", fault="stall") as client:
            with anyio.move_on_after(0.02) as scope:
                await client.post(upstream.url + CHAT, json=STREAMED, timeout=None)
            assert scope.cancelled_caught

    driver.run(body)


def test_the_recorded_pace_holds_in_what_is_cut(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        store = await recorded(driver, upstream.url)
        async with driver.client(store=store, mode="replay", pace=0.01, fault="cut:after=3") as client:
            chunks, error = await read(client, upstream.url)
        assert len(chunks) == 3
        assert type(error) is driver.module.RemoteProtocolError

    driver.run(body)


# -- users' own parsers ------------------------------------------------------------------------------------


def texts_of(chunks: list[bytes]) -> str:
    """A parser of events that goes wrong where a chunk ends inside of one, as users write them."""
    found = ""
    for chunk in chunks:
        for line in chunk.decode(errors="replace").splitlines():
            if line.startswith("data: {") and line.endswith("}"):
                found += json.loads(line.removeprefix("data: "))["choices"][0]["delta"].get("content", "")
    return found


def texts_of_lines(lines: list[str]) -> str:
    """One that does not."""
    return texts_of([line.encode() for line in lines])


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
def test_a_parser_meets_chunks_cut_anew(driver: Driver, upstream: ScriptedServer, size: int) -> None:
    async def body() -> None:
        store = await recorded(driver, upstream.url)
        async with driver.client(store=store, mode="replay") as client:
            chunks, _ = await read(client, upstream.url)
            assert texts_of(chunks) == "".join(PIECES)
            with replaycache.fault(f"resplit={size}"):
                chunks, error = await read(client, upstream.url)
                assert (b"".join(chunks), error) == (b"".join(EVENTS), None)
                assert {len(chunk) for chunk in chunks[:-1]} <= {size}
                if size < 100:
                    assert texts_of(chunks) != "".join(PIECES)
                stream = await client.open(upstream.url + CHAT, json=STREAMED)
                lines: Any = await stream.chunks("iter_lines")
                await stream.close()
                assert texts_of_lines(lines) == "".join(PIECES)
                assert outcome_of(stream).fault == f"resplit={size}"

    driver.run(body)


# -- the SDKs' retries -------------------------------------------------------------------------------------


def sdk_client(sdk: Any, driver: Driver, url: str, transport: Any, **options: Any) -> Any:
    name = "OpenAI" if sdk is openai else "Anthropic"
    kind = getattr(sdk, f"Async{name}" if driver.is_async else name)
    http = (driver.module.AsyncClient if driver.is_async else driver.module.Client)(transport=transport)
    base = f"{url}/v1" if sdk is openai else url
    return kind(base_url=base, api_key="a-key", http_client=http, **options)


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Five."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
MESSAGE_EVENTS = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Five."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
    {"type": "message_stop"},
]


def messages(request: Received, wire: Wire) -> None:
    """As Anthropic's API does."""
    if request.json().get("stream"):
        wire.start_chunks()
        for one in MESSAGE_EVENTS:
            wire.chunk(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode())
        wire.end_chunks()
    else:
        wire.answer(json.dumps(MESSAGE).encode())


class Sdk:
    """An SDK, and how it is asked.

    Args:
        sdk: its module.
        handler: answers as its API does.
        create: the name of the method.
        more: arguments beside the messages.
    """

    def __init__(self, sdk: Any, handler: Handler, create: str, **more: Any) -> None:
        self.sdk, self.handler, self.create, self.more = sdk, handler, create, more

    def __str__(self) -> str:
        return str(self.sdk.__name__)

    async def ask(self, driver: Driver, client: Any, *, stream: bool) -> list[Any]:
        """Asks, and reads the answer to its end; a list of one where it is no stream."""
        method: Any = client
        for name in self.create.split("."):
            method = getattr(method, name)
        arguments = {"model": "m", "messages": ASKED["messages"], "stream": stream, **self.more}
        answer = await method(**arguments) if driver.is_async else method(**arguments)
        if not stream:
            return [answer]
        if driver.is_async:
            async with answer:
                return [one async for one in answer]
        with answer:
            return list(answer)


OPENAI = Sdk(openai, answering, "chat.completions.create")
ANTHROPIC = Sdk(anthropic, messages, "messages.create", max_tokens=9)
PLAIN = [
    pytest.param(sdk, driver, False, id=f"{sdk}-{driver}-plain")
    for sdk in (OPENAI, ANTHROPIC)
    for driver in [*SYNC, *ASYNC]
    if driver.library == "httpx2" or sdk is OPENAI  # anthropic refuses the clients of httpx
]
STREAMS = [
    pytest.param(sdk, driver, True, id=f"{sdk}-{driver}-stream")
    for sdk, driver, _ in (param.values for param in PLAIN)
    # openai's own generators are dropped unfinished, of which trio warns
    if driver.how != "trio" or sdk is ANTHROPIC
]


@contextmanager
def asking(sdk: Sdk, driver: Driver, *, stream: bool) -> Iterator[Callable[..., tuple[list[Any], list[Outcome]]]]:
    """What asks from one recording: gives what came, and the outcome of each request that was answered."""
    with ScriptedServer(sdk.handler) as server:
        store = MemoryStore()

        def ask(fault: str = "", mode: str = "replay", **options: Any) -> tuple[list[Any], list[Outcome]]:
            outcomes: list[Outcome] = []
            came: list[Any] = []

            async def body() -> None:
                hooks = {"on_hit": lambda _, outcome: outcomes.append(outcome)}
                transport = driver.transport(store=store, mode=mode, fault=fault, **hooks)
                client = sdk_client(sdk.sdk, driver, server.url, transport, **options)
                try:
                    came.extend(await sdk.ask(driver, client, stream=stream))
                finally:
                    closed = client.close()
                    if driver.is_async:
                        await closed

            try:
                driver.run(body)
            finally:
                ask.outcomes = outcomes  # type: ignore[attr-defined]  # where it raises
            return came, outcomes

        ask(mode="auto")
        yield ask
        assert len(server.requests) == 1


@pytest.mark.sampled(8)
@pytest.mark.parametrize(
    "fault",
    [
        "status:429,times=2,retry-after=0",
        "status:500,times=1,retry-after=0.001;status:529,times=1,retry-after=0",
        "status:503,times=2,retry-after=5ms",
    ],
)
@pytest.mark.parametrize(("sdk", "driver", "stream"), [*PLAIN, *STREAMS])
def test_an_sdk_tries_again_where_it_is_refused(sdk: Sdk, driver: Driver, stream: bool, fault: str) -> None:
    with asking(sdk, driver, stream=stream) as ask:
        undisturbed, _ = ask()
        came, outcomes = ask(fault)

    assert [bool(outcome.fault) for outcome in outcomes] == [True, True, False]
    assert [one.model_dump() for one in came] == [one.model_dump() for one in undisturbed]


@pytest.mark.parametrize(("sdk", "driver", "stream"), [*PLAIN, *STREAMS])
def test_an_sdk_tells_of_the_error_in_its_own_words(sdk: Sdk, driver: Driver, stream: bool) -> None:
    with asking(sdk, driver, stream=stream) as ask:
        with pytest.raises(sdk.sdk.RateLimitError, match="fault='status:429,retry-after=0'") as caught:
            ask("status:429,retry-after=0")
        assert len(ask.outcomes) == 3  # type: ignore[attr-defined]  # of the last call
        with pytest.raises(sdk.sdk.BadRequestError):
            ask("status:400")
        assert len(ask.outcomes) == 1  # type: ignore[attr-defined]  # likewise

    told = caught.value.body if sdk is OPENAI else caught.value.body["error"]
    assert told["type"] == ("requests" if sdk is OPENAI else "rate_limit_error")


@pytest.mark.sampled(8)
@pytest.mark.parametrize("fault", ["refuse", "reset", "cut:after=0", "delay=1h"])
@pytest.mark.parametrize(("sdk", "driver", "stream"), PLAIN)
def test_an_sdk_tries_again_where_the_connection_breaks(
    monkeypatch: pytest.MonkeyPatch, sdk: Sdk, driver: Driver, stream: bool, fault: str
) -> None:
    # what no answer tells how long to wait for, it waits for by itself
    monkeypatch.setattr(f"{sdk}._base_client.INITIAL_RETRY_DELAY", 0.001)
    with asking(sdk, driver, stream=stream) as ask:
        came, outcomes = ask(f"{fault}{',' if ':' in fault or '=' in fault else ':'}times=2", timeout=0.05)
        assert [bool(outcome.fault) for outcome in outcomes] == [True, True, False]
        assert len(came) == 1
        with pytest.raises(sdk.sdk.APIConnectionError) as caught:
            ask(fault, timeout=0.05, max_retries=0)

    assert isinstance(caught.value.__cause__, driver.module.TransportError)
    assert isinstance(caught.value, sdk.sdk.APITimeoutError) == (fault == "delay=1h")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("cut:after=2", "RemoteProtocolError"),
        ("cut:bytes=200", "RemoteProtocolError"),
        ("reset:after=1", "ReadError"),
        ("stall:after=2", "ReadTimeout"),
    ],
)
@pytest.mark.parametrize(("sdk", "driver", "stream"), STREAMS)
def test_a_stream_that_breaks_off_is_raised_and_not_tried_again(
    sdk: Sdk, driver: Driver, stream: bool, fault: str, error: str
) -> None:
    with asking(sdk, driver, stream=stream) as ask:
        with pytest.raises((driver.module.TransportError, sdk.sdk.APIConnectionError)) as caught:
            ask(fault, timeout=0.05)
        assert [outcome.fault for outcome in ask.outcomes] == [fault]  # type: ignore[attr-defined]  # of the last call

    errors = [caught.value, caught.value.__cause__]
    assert error in [type(one).__name__ for one in errors]


@pytest.mark.parametrize(("sdk", "driver", "stream"), STREAMS)
def test_an_sdk_reads_a_stream_that_is_cut_anew(sdk: Sdk, driver: Driver, stream: bool) -> None:
    with asking(sdk, driver, stream=stream) as ask:
        undisturbed, _ = ask()
        came, outcomes = ask("resplit=1")

    assert came == undisturbed
    assert outcomes[0].fault == "resplit=1"


# -- cassettes and sessions --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["status:500,times=2", "cut:times=2", "refuse:times=2", "stall:times=2"])
def test_who_asks_again_gets_the_recording_that_it_did_not_get(
    driver: Driver, upstream: ScriptedServer, tmp_path: Path, fault: str
) -> None:
    """In a cassette, where each call has the next one."""
    path = str(tmp_path / "a.json")

    async def body() -> None:
        await recorded(driver, upstream.url, store=path)
        async with driver.client(store=path, mode="replay", fault=fault) as client:
            found = []
            for _ in range(3):
                chunks, error = await read(client, upstream.url, timeout=0.01)
                found.append(error is None and b"".join(chunks) == b"".join(EVENTS))
            assert found == [False, False, True]
            with pytest.raises(replaycache.CacheMiss) as caught:
                await client.post(upstream.url + CHAT, json=STREAMED)
            assert caught.value.reason == "already_played"

    driver.run(body)


def test_a_whole_answer_is_played(driver: Driver, upstream: ScriptedServer, tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")

    async def body() -> None:
        await recorded(driver, upstream.url, store=path)
        async with driver.client(store=path, mode="replay", fault="resplit;delay=1ms") as client:
            assert (await read(client, upstream.url))[1] is None
            with pytest.raises(replaycache.CacheMiss):
                await client.post(upstream.url + CHAT, json=STREAMED)

    driver.run(body)


def test_a_session_disturbs_and_the_file_stays(driver: Driver, upstream: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "a.json"

    async def body() -> None:
        async with driver.plain_client() as client:
            with use_cassette(path, mode="once"):
                assert (await read(client, upstream.url))[1] is None
            before = path.read_bytes()
            with use_cassette(path, fault="cut:after=2,times=1"):
                chunks, error = await read(client, upstream.url)
                assert (len(chunks), type(error)) == (2, driver.module.RemoteProtocolError)
                assert (await read(client, upstream.url))[1] is None
            assert path.read_bytes() == before

    driver.run(body)
    assert len(CassetteStore(path).all()) == 1


def test_what_is_installed_disturbs(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        install(store=await recorded(driver, upstream.url), mode="replay", fault="status:502,times=1")
        async with driver.plain_client() as client:
            found = [(await client.post(upstream.url + CHAT, json=ASKED)).status_code for _ in range(2)]
        assert found == [502, 200]

    driver.run(body)


def test_clients_of_both_kinds_in_a_session_share_one_count(upstream: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    sync, asynchronous = SYNC[1], ASYNC[2]
    with use_cassette(path, mode="auto", repeats="same"):
        with sync.module.Client() as client:
            client.post(upstream.url + CHAT, json=ASKED)

    async def body() -> None:
        async with asynchronous.plain_client() as client:
            assert (await client.post(upstream.url + CHAT, json=ASKED)).status_code == 200

    with use_cassette(path, repeats="same", fault="status:500,times=1"):
        with sync.module.Client() as client:
            assert client.post(upstream.url + CHAT, json=ASKED).status_code == 500
        asynchronous.run(body)


def test_an_outer_transport_does_not_keep_what_was_disturbed(driver: Driver, upstream: ScriptedServer) -> None:
    async def body() -> None:
        inner = driver.transport(store=await recorded(driver, upstream.url), fault="status:500;resplit")
        outer = MemoryStore()
        async with driver.client(inner, store=outer, keep=lambda head, end: True) as client:
            answer = await client.post(upstream.url + CHAT, json=ASKED)
            assert (answer.status_code, outcome_of(answer).fault) == (500, "status:500")
        assert len(outer) == 0

    driver.run(body)


# -- what is told ------------------------------------------------------------------------------------------


def test_a_fault_that_disturbed_nothing_is_told(driver: Driver, upstream: ScriptedServer, tmp_path: Path) -> None:
    async def body() -> None:
        async with driver.plain_client() as client:
            with pytest.warns(ReplayCacheWarning, match="fault='cut' disturbed no call.*nothing was replayed"):
                with use_cassette(tmp_path / "a.json", mode="once", fault="cut"):
                    assert (await read(client, upstream.url))[1] is None
            with pytest.warns(ReplayCacheWarning, match="fault='cut' disturbed no call"):
                with replaycache.fault("cut"):
                    assert (await read(client, upstream.url))[1] is None
            with pytest.warns(ReplayCacheWarning, match="no call that was replayed met it"):
                with use_cassette(tmp_path / "a.json", fault="cut:every=2"):
                    assert (await read(client, upstream.url))[1] is None
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with use_cassette(tmp_path / "a.json", fault="cut"):
                    assert (await read(client, upstream.url))[1] is not None

    driver.run(body)


def test_a_fault_saves_nothing(driver: Driver, upstream: ScriptedServer, tmp_path: Path) -> None:
    """In what a cache's ledger tells, that is."""
    noted: list[str] = []

    class Noting(MemoryStore):
        def note(self, call: Any) -> None:
            noted.append(call.status)

    async def body() -> None:
        store = await recorded(driver, upstream.url, ASKED, store=Noting())
        async with driver.client(store=store, mode="replay") as client:
            with replaycache.fault("status:500"):
                await client.post(upstream.url + CHAT, json=ASKED)
            await client.post(upstream.url + CHAT, json=ASKED)
        assert noted == ["miss", "hit"]

    driver.run(body)


# -- what a recorded error tells its client to wait --------------------------------------------------------


def refusing(request: Received, wire: Wire) -> None:
    wire.answer(b'{"error":{"message":"slow down"}}', status=429, retry_after="20", x_other="kept")


@pytest.mark.parametrize(
    ("pace", "told"), [(1, ("20", None)), (0, ("0", "1")), (0.5, ("10", None)), (0.01, ("1", "200"))]
)
def test_a_recorded_wait_goes_by_the_pace(
    driver: Driver, tmp_path: Path, pace: float, told: tuple[str, str | None]
) -> None:
    path = tmp_path / "a.json"

    async def body() -> None:
        with ScriptedServer(refusing) as server:
            async with driver.client(store=str(path)) as client:
                live = await client.post(server.url + CHAT, json=ASKED)
            before = path.read_bytes()
            async with driver.client(store=str(path), mode="replay", pace=pace) as client:
                answer = await client.post(server.url + CHAT, json=ASKED)
        assert live.headers["retry-after"] == "20"
        assert (answer.headers["retry-after"], answer.headers.get("retry-after-ms")) == told
        assert answer.content == live.content
        assert path.read_bytes() == before

    driver.run(body)
