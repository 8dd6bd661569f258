"""The conformance suite of the transports: both libraries, synchronous and asynchronous, on real sockets."""

from __future__ import annotations

import gc
import gzip
import json
import logging
import re
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from typing import Any

import anyio
import pytest

from replaycache import (
    Body,
    CacheMiss,
    Chunk,
    ConfigurationError,
    Recording,
    Request,
    ResponseHead,
    StoreError,
    use_cassette,
)
from replaycache.match import Match
from replaycache.stores import DiskStore, MemoryStore
from tests.drivers import ALL, SYNC, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers

CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
STREAMED = {**ASKED, "stream": True}

EVENTS = [
    b'data: {"choices":[{"index":0,"delta":{"content":"h\xc3',
    b'\xa9"}}]}\r',
    b"\n\r\nda",
    b'ta: {"choices":[{"index":0,"delta":{"content":" world"}}]}\n\n',
    b"data: [DONE]\n\n",
]


def stream_events(request: Received, wire: Wire) -> None:
    wire.start_chunks()
    for event in EVENTS:
        wire.chunk(event)
    wire.end_chunks()


def acknowledged(received: threading.Event) -> Any:
    """A stream whose every chunk waits until the test says that it has the one before; without that it is cut."""

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in EVENTS:
            wire.chunk(event)
            if not received.wait(20):
                wire.cut()
                return
            received.clear()
        wire.end_chunks()

    return handle


async def read_acknowledging(stream: Any, received: threading.Event) -> list[bytes]:
    chunks = []
    while True:
        try:
            chunks.append(await stream.next_chunk())
        except StopAsyncIteration:
            return chunks
        received.set()


LIBRARIES_OWN_GENERATORS = pytest.mark.filterwarnings(
    # httpx and httpx2 leave their own generators open when a body is left in the middle; trio says so
    r"ignore:Async generator 'http(x2?|core2?)\.:ResourceWarning"
)


def test_records_once_and_replays_with_the_server_gone(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                live = await client.post(server.url + CHAT, json=ASKED)
        async with driver.client(store=store) as client:
            replayed = await client.post(server.url + CHAT, json=ASKED)

        assert (live.status_code, live.json()) == (200, {"answer": 1})
        assert (replayed.status_code, replayed.json()) == (200, {"answer": 1})
        assert replayed.headers["content-type"] == "application/json"
        assert outcome_of(live).status == "miss"
        assert outcome_of(replayed).status == "hit"
        assert outcome_of(replayed).key == outcome_of(live).key
        assert outcome_of(replayed).store == "memory"
        assert (outcome_of(replayed).age or 0) >= 0
        assert replayed.elapsed.total_seconds() >= 0

    driver.run(body)


def test_who_changes_the_headers_of_a_response_changes_no_other(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json=ASKED)
                first = await client.post(server.url + CHAT, json=ASKED)
                as_they_were = list(first.headers.raw)
                first.headers["content-type"] = "text/plain"
                first.headers["x-mine"] = "1"
                second = await client.post(server.url + CHAT, json=ASKED)

        assert outcome_of(first).status == outcome_of(second).status == "hit"
        assert second.headers.raw == as_they_were

    driver.run(body)


def test_recording_delays_no_chunk_and_replay_keeps_every_boundary(driver: Driver) -> None:
    """The server sends a chunk only when the one before was received, so none may be held back."""
    store = MemoryStore()
    received = threading.Event()

    async def body() -> None:
        with ScriptedServer(acknowledged(received)) as server:
            async with (
                driver.client(store=store) as client,
                client.stream(server.url + CHAT, json=STREAMED) as stream,
            ):
                live = await read_acknowledging(stream, received)
        async with driver.client(store=store, mode="replay") as client:
            async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                replayed = await stream.chunks()
            async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                lines = await stream.chunks("iter_lines")

        assert live == EVENTS
        assert replayed == EVENTS
        assert lines[0] == 'data: {"choices":[{"index":0,"delta":{"content":"hé"}}]}'

    driver.run(body)


@pytest.mark.parametrize("recorder", ALL, ids=str)
def test_one_recording_serves_all(recorder: Driver, driver: Driver) -> None:
    store = MemoryStore()
    received = threading.Event()
    url = ""

    async def record() -> None:
        nonlocal url
        with ScriptedServer(acknowledged(received)) as server:
            url = server.url
            async with (
                recorder.client(store=store) as client,
                client.stream(url + CHAT, json=STREAMED) as stream,
            ):
                await read_acknowledging(stream, received)

    async def replay() -> None:
        async with (
            driver.client(store=store, mode="replay") as client,
            client.stream(url + CHAT, json=STREAMED) as stream,
        ):
            assert await stream.chunks() == EVENTS

    recorder.run(record)
    driver.run(replay)


def test_compressed_answers_are_kept_decoded(driver: Driver) -> None:
    """Members and pieces are cut anywhere; live the wire's bytes come through, on replay what they hold."""
    store = MemoryStore()
    plain = b"".join(EVENTS)
    packed = gzip.compress(plain)
    received = threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks(content_encoding="gzip")
        for start in range(0, len(packed), 7):
            wire.chunk(packed[start : start + 7])
            if not received.wait(20):
                wire.cut()
                return
            received.clear()
        wire.end_chunks()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with (
                driver.client(store=store) as client,
                client.stream(server.url + CHAT, json=STREAMED) as stream,
            ):
                raw = await read_acknowledging(stream, received)
        async with driver.client(store=store, mode="replay") as client:
            async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                headers = dict(stream.real.headers)
                replayed = await stream.chunks()
            async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                decoded = await stream.chunks("iter_bytes")

        assert b"".join(raw) == packed
        assert b"".join(replayed) == plain
        assert decoded == replayed
        assert "content-encoding" not in headers
        assert "content-length" not in headers

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_closing_behind_the_terminal_event_stores(driver: Driver) -> None:
    """As the OpenAI client does: it stops at [DONE] and closes."""
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            async with driver.client(store=store) as client:
                stream = await client.open(server.url + CHAT, json=STREAMED)
                seen = b""
                while b"[DONE]\n\n" not in seen:
                    seen += await stream.next_chunk()
                await stream.close()

                assert outcome_of(stream).status == "miss"
                replayed = await client.post(server.url + CHAT, json=STREAMED)
                assert outcome_of(replayed).status == "hit"
                assert replayed.content == b"".join(EVENTS)

    driver.run(body)


def test_a_stream_without_its_terminal_event_is_not_stored(driver: Driver) -> None:
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for event in EVENTS[:-1]:
            wire.chunk(event)
        wire.end_chunks()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                answer = await client.post(server.url + CHAT, json=STREAMED)

        assert outcome_of(answer).status == "live"
        assert outcome_of(answer).reason == "the answer ended before it was whole"
        assert len(store) == 0

    driver.run(body)


def test_a_stream_that_reports_an_error_is_not_stored(driver: Driver) -> None:
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(b'data: {"error": {"message": "overloaded"}}\n\ndata: [DONE]\n\n')
        wire.end_chunks()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                answer = await client.post(server.url + CHAT, json=STREAMED)

        assert outcome_of(answer).status == "live"
        assert len(store) == 0

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
@pytest.mark.parametrize("read", [0, 1, 2])
def test_an_abandoned_stream_is_not_stored(driver: Driver, read: int) -> None:
    store = MemoryStore()
    received = threading.Event()

    async def body() -> None:
        with ScriptedServer(acknowledged(received)) as server:
            async with driver.client(store=store) as client:
                stream = await client.open(server.url + CHAT, json=STREAMED)
                for _ in range(read):
                    await stream.next_chunk()
                    received.set()
                await stream.close()
                received.set()

                assert outcome_of(stream).status == "live"
                assert "closed" in outcome_of(stream).reason
        assert len(store) == 0

    driver.run(body)


def test_a_dropped_stream_is_not_stored_and_leaks_nothing(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            async with driver.client(store=store) as client:
                stream = await client.open(server.url + CHAT, json=STREAMED)
                outcome = outcome_of(stream)
                # a library's own connection warns when it is dropped, so it is closed below replaycache
                inner = stream.real.stream._stream._stream
                await inner.aclose() if driver.is_async else inner.close()
                del stream, inner
                gc.collect()

                assert outcome.status == "live"
                again = await client.post(server.url + CHAT, json=STREAMED)
                assert outcome_of(again).status == "miss"

    driver.run(body)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cut_connection_is_the_librarys_error_and_not_stored(driver: Driver, streamed: bool) -> None:
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        if streamed:
            wire.start_chunks()
            wire.chunk(EVENTS[0])
        else:
            wire.head(200, content_type="application/json", content_length="1000")
            wire.send(b'{"answer": ')
        wire.cut()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                with pytest.raises(driver.module.RemoteProtocolError):
                    await client.post(server.url + CHAT, json=STREAMED)
        assert len(store) == 0

    driver.run(body)


def test_an_answer_longer_than_its_content_length_counts_to_its_length(driver: Driver) -> None:
    store = MemoryStore()

    def handle(request: Received, wire: Wire) -> None:
        wire.head(200, content_type="application/json", content_length="2")
        wire.send(b"{} and more")
        wire.cut()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                answer = await client.post(server.url + CHAT, json=ASKED)
                again = await client.post(server.url + CHAT, json=ASKED)

        assert answer.content == again.content == b"{}"

    driver.run(body)


def test_json_cut_short_by_the_end_of_the_connection_is_not_stored(driver: Driver) -> None:
    """Neither content-length nor chunked: the end of the connection looks like the end of the body."""
    store = MemoryStore()
    bodies = iter([b'{"answer": [1, 2', b'{"answer": [1, 2]}'])

    def handle(request: Received, wire: Wire) -> None:
        wire.head(200, content_type="application/json", connection="close")
        wire.send(next(bodies))
        wire.cut()

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=store) as client:
                short = await client.post(server.url + CHAT, json=ASKED)
                whole = await client.post(server.url + CHAT, json=ASKED)

        assert outcome_of(short).status == "live"
        assert outcome_of(whole).status == "miss"

    driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_a_cancelled_task_stores_nothing_and_frees_those_who_wait(async_driver: Driver) -> None:
    store = MemoryStore()
    hold = threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(EVENTS[0])
        if len(server.requests) == 1:
            hold.wait(20)
        for event in EVENTS[1:]:
            wire.chunk(event)
        wire.end_chunks()

    server = ScriptedServer(handle)

    async def body() -> None:
        async with async_driver.client(store=store) as client:
            with anyio.CancelScope() as scope:
                async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                    await stream.next_chunk()
                    scope.cancel()
                    await stream.next_chunk()
            assert scope.cancelled_caught
            assert len(store) == 0

            async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                chunks = await stream.chunks()
            assert b"".join(chunks) == b"".join(EVENTS)
            assert len(store) == 1
        hold.set()

    with server:
        async_driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_cancelled_behind_the_terminal_event_stores(async_driver: Driver) -> None:
    store = MemoryStore()
    hold = threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(b"".join(EVENTS))
        hold.wait(20)

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with async_driver.client(store=store) as client:
                with anyio.CancelScope() as scope:
                    async with client.stream(server.url + CHAT, json=STREAMED) as stream:
                        await stream.next_chunk()
                        scope.cancel()
                        await stream.next_chunk()
            hold.set()
        assert len(store) == 1

    async_driver.run(body)


@LIBRARIES_OWN_GENERATORS
def test_draining_reads_on_where_it_was_asked_for(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            async with driver.client(store=store, on_abandon="drain") as client:
                stream = await client.open(server.url + CHAT, json=STREAMED)
                await stream.next_chunk()
                await stream.close()
                unread = await client.open(server.url + CHAT, json={**STREAMED, "seed": 1})
                await unread.close()

        assert len(store) == 2
        for _, recording in store.newest(2):
            assert recording.body.read() == b"".join(EVENTS)

    driver.run(body)


# -- modes and options -----------------------------------------------------------------------------------


def test_replay_refuses_and_calls_nobody(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                await client.post(server.url + CHAT, json=ASKED)
            asked = {"model": "m", "messages": [{"role": "user", "content": "goodbye"}]}
            async with driver.client(store=store, mode="replay") as client:
                with pytest.raises(CacheMiss) as caught:
                    await client.post(server.url + CHAT, json=asked, headers={"authorization": "Bearer sk-secret"})
            assert len(server.requests) == 1

        miss = caught.value
        assert miss.reason == "no_recording"
        assert miss.request.json() == asked
        assert miss.nearest is not None
        assert len(miss.key) == 32
        assert 'messages[0].content: recorded "hello" / asked "goodbye"' in str(miss)
        assert "mode='auto'" in str(miss)
        assert "sk-secret" not in str(miss)
        assert not isinstance(miss, Exception)

    driver.run(body)


def test_replay_refuses_what_a_cache_does_not_keep(driver: Driver) -> None:
    async def body() -> None:
        async with driver.client(store=":memory:", mode="replay") as client:
            with pytest.raises(CacheMiss, match="not_cacheable"):
                await client.request("GET", "http://127.0.0.1:9/v1/models")

    driver.run(body)


def test_record_calls_upstream_and_replaces(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, mode="record") as client:
                await client.post(server.url + CHAT, json=ASKED)
                second = await client.post(server.url + CHAT, json=ASKED)
            async with driver.client(store=store) as client:
                replayed = await client.post(server.url + CHAT, json=ASKED)

        assert second.json() == replayed.json() == {"answer": 2}
        assert len(store) == 1

    driver.run(body)


def test_off_passes_through(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, mode="off") as client:
                await client.post(server.url + CHAT, json=ASKED)
                second = await client.post(server.url + CHAT, json=ASKED)

        assert second.json() == {"answer": 2}
        assert outcome_of(second).reason == "the mode is off"
        assert len(store) == 0

    driver.run(body)


def test_the_environment_sets_the_mode_and_code_has_the_last_word(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_MODE", "replay")

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:
                with pytest.raises(CacheMiss):
                    await client.post(server.url + CHAT, json=ASKED)
            async with driver.client(store=":memory:", mode="auto") as client:
                assert (await client.post(server.url + CHAT, json=ASKED)).json() == {"answer": 1}

    driver.run(body)


def test_options_of_one_call_travel_in_headers_that_are_not_sent(driver: Driver) -> None:
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:

                async def ask(**headers: str) -> Any:
                    names = {f"X-Replaycache-{name}": value for name, value in headers.items()}
                    return await client.post(server.url + CHAT, json=ASKED, headers=names)

                assert (await ask()).json() == {"answer": 1}
                assert (await ask(sample="1")).json() == {"answer": 2}
                assert (await ask(sample="0")).json() == {"answer": 1}
                assert (await ask(sample="1")).json() == {"answer": 2}
                assert (await ask(ttl="0")).json() == {"answer": 3}
                assert (await ask(ttl="1h")).json() == {"answer": 3}
                assert (await ask(mode="record")).json() == {"answer": 4}
                assert (await ask(mode="off")).json() == {"answer": 5}
                assert (await ask(mode="replay")).json() == {"answer": 4}
                with pytest.raises(ConfigurationError, match="x-replaycache-mode='rpelay'.*did you mean 'replay'"):
                    await ask(mode="rpelay")
                with pytest.raises(CacheMiss, match="expired"):
                    await client.post(
                        server.url + CHAT,
                        json=ASKED,
                        headers={"x-replaycache-ttl": "0", "x-replaycache-mode": "replay"},
                    )
            assert not [name for request in server.requests for name in request.headers if "replaycache" in name]

    driver.run(body)


def test_errors_are_not_kept_unless_asked_for(driver: Driver) -> None:
    def handle(request: Received, wire: Wire) -> None:
        wire.answer(b'{"error": "slow down"}', status=429)

    async def body() -> None:
        with ScriptedServer(handle) as server:
            async with driver.client(store=":memory:") as client:
                first = await client.post(server.url + CHAT, json=ASKED)
                await client.post(server.url + CHAT, json=ASKED)
            assert len(server.requests) == 2
            async with driver.client(
                store=":memory:", keep=lambda head, end: head.status == 429 and end.failed
            ) as client:
                await client.post(server.url + CHAT, json=ASKED)
                kept = await client.post(server.url + CHAT, json=ASKED)

        assert outcome_of(first).reason == "a response with status 429 is not kept"
        assert (kept.status_code, outcome_of(kept).status) == (429, "hit")

    driver.run(body)


def test_polling_and_background_calls_pass_through(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:
                url = server.url + "/v1/batches/b1"
                polls = [(await client.request("GET", url)).json()["answer"] for _ in range(2)]
                background = {"model": "m", "input": "x", "background": True}
                started = [await client.post(server.url + "/v1/responses", json=background) for _ in range(2)]

        assert polls == [1, 2]
        assert [answer.json()["answer"] for answer in started] == [3, 4]
        assert "generate" in outcome_of(started[0]).reason

    driver.run(body)


def test_cacheable_widens(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            match = Match(cacheable=lambda request: request.url.endswith("/v1/models"))
            async with driver.client(store=":memory:", match=match) as client:
                for _ in range(2):
                    answer = await client.request("GET", server.url + "/v1/models")
                other = await client.post(server.url + CHAT, json=ASKED)

        assert answer.json() == {"answer": 1}
        assert outcome_of(other).status == "live"

    driver.run(body)


def test_pace_spaces_the_chunks(driver: Driver) -> None:
    """A lower bound only: a sleep may be longer than asked for, never shorter."""
    store = MemoryStore()
    asked = b'{"messages":[]}'
    request = Request("POST", "http://upstream.test" + CHAT, (("content-type", "application/json"),), asked)
    identity = Match().identity(request)
    store.put(
        identity.key,
        Recording(
            request=request,
            head=ResponseHead(200, (("content-type", "text/event-stream"),)),
            body=Body.of([Chunk(b"a", 0.0), Chunk(b"b", 0.2), Chunk(b"c", 0.4)]),
            digest=identity.digest,
            recorded_at=time.time(),
            latency=0.2,
        ),
    )

    async def body() -> None:
        async with driver.client(store=store, mode="replay", pace=0.5) as client:
            started = time.monotonic()
            answer = await client.post("http://upstream.test" + CHAT, content=asked, headers=dict(request.headers))
            took = time.monotonic() - started

        assert answer.content == b"abc"
        assert took >= 0.3 - 0.02

    driver.run(body)


# -- request bodies --------------------------------------------------------------------------------------


def test_a_generated_request_body_is_recorded_and_sent(driver: Driver) -> None:
    data = json.dumps(ASKED).encode()

    def pieces() -> Any:
        yield data[:10]
        yield data[10:]

    async def pieces_async() -> Any:
        for piece in pieces():
            yield piece

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:
                for _ in range(2):
                    content = pieces_async() if driver.is_async else pieces()
                    answer = await client.post(
                        server.url + CHAT, content=content, headers={"content-type": "application/json"}
                    )
                plain = await client.post(server.url + CHAT, json=ASKED)

            assert answer.json() == plain.json() == {"answer": 1}
            assert server.requests[0].json() == ASKED

    driver.run(body)


@pytest.mark.parametrize("known_length", [True, False])
def test_a_request_body_above_the_limit_goes_live_whole(driver: Driver, known_length: bool) -> None:
    data = b"x" * 5000

    def pieces() -> Any:
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    async def pieces_async() -> Any:
        for piece in pieces():
            yield piece

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:", max_request_bytes=2500) as client:
                content = data if known_length else (pieces_async() if driver.is_async else pieces())
                answer = await client.post(server.url + CHAT, content=content)
                with pytest.raises(CacheMiss, match="request_too_large"):
                    await client.post(server.url + CHAT, content=data, headers={"x-replaycache-mode": "replay"})

            assert "max_request_bytes=2500" in outcome_of(answer).reason
            assert [request.body for request in server.requests] == [data]

    driver.run(body)


def test_multipart_hits_whatever_its_boundary(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:

                async def ask(sound: bytes) -> Any:
                    return await client.post(
                        server.url + "/v1/audio/transcriptions",
                        data={"model": "whisper-1"},
                        files={"file": ("a.wav", sound, "audio/wav")},
                    )

                answers = [(await ask(sound)).json()["answer"] for sound in (b"one", b"one", b"two")]

            boundaries = {request.headers["content-type"] for request in server.requests}
            assert answers == [1, 1, 2]
            assert len(boundaries) == 2

    driver.run(body)


# -- stores that fail ------------------------------------------------------------------------------------


class _FailingStore(MemoryStore):
    """A store that fails as a disk would."""

    def __init__(self, failing: str) -> None:
        super().__init__()
        self.failing = failing

    def get(self, key: str) -> Recording | None:
        if self.failing == "get":
            raise StoreError("the disk is on fire")
        return super().get(key)

    def put(self, key: str, recording: Recording) -> None:
        if self.failing == "put":
            raise StoreError("the disk is full")
        super().put(key, recording)


@pytest.mark.parametrize("failing", ["get", "put"])
def test_a_store_that_fails_never_fails_the_call(
    driver: Driver, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=_FailingStore(failing)) as client:
                with pytest.warns(UserWarning, match="the disk is") as warned:
                    answers = [await client.post(server.url + CHAT, json=ASKED) for _ in range(3)]

        assert [answer.json()["answer"] for answer in answers] == [1, 2, 3]
        assert outcome_of(answers[0]).reason.startswith("the store failed")
        assert len(warned) == 1

    with caplog.at_level(logging.DEBUG, "replaycache"):
        driver.run(body)
    told = [record.levelno for record in caplog.records if "the disk is" in record.message]
    assert (told[0], set(told[1:])) == (logging.WARNING, {logging.DEBUG})


def test_a_store_that_fails_is_an_error_in_replay(driver: Driver) -> None:
    async def body() -> None:
        async with driver.client(store=_FailingStore("get"), mode="replay") as client:
            with pytest.raises(StoreError, match="on fire"):
                await client.post("http://127.0.0.1:9" + CHAT, json=ASKED)

    driver.run(body)


def test_a_collision_of_keys_is_a_miss(driver: Driver) -> None:
    """Another request's recording under the same key, as if the hash had collided, is never the answer."""
    store = MemoryStore()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store) as client:
                first = await client.post(server.url + CHAT, json=ASKED)
                second = await client.post(server.url + CHAT, json={**ASKED, "seed": 1})
                other = store.get(outcome_of(second).key)
                assert other is not None
                store.put(outcome_of(first).key, other)

                with pytest.raises(CacheMiss):
                    await client.post(server.url + CHAT, json=ASKED, headers={"x-replaycache-mode": "replay"})
                again = await client.post(server.url + CHAT, json=ASKED)

        assert again.json() == {"answer": 3}

    driver.run(body)


# -- what may be wrapped ---------------------------------------------------------------------------------


def test_an_inner_transport_of_the_other_library_is_refused(driver: Driver) -> None:
    other = {"httpx": "httpx2", "httpx2": "httpx"}[driver.library]
    name = "AsyncReplayTransport" if driver.is_async else "ReplayTransport"
    module = Driver(other, driver.how).module
    inner = module.AsyncHTTPTransport() if driver.is_async else module.HTTPTransport()

    with pytest.raises(TypeError, match=f"from replaycache.{other} import {name}"):
        driver.transport(inner)


def test_a_transport_in_a_client_of_the_other_library_says_so(driver: Driver) -> None:
    other = Driver({"httpx": "httpx2", "httpx2": "httpx"}[driver.library], driver.how)
    transport = driver.transport(store=":memory:")
    real = (other.module.AsyncClient if driver.is_async else other.module.Client)(transport=transport)

    async def body() -> None:
        request = real.post("http://127.0.0.1:9" + CHAT, json=ASKED)
        if driver.is_async:
            await request

    with pytest.raises(TypeError, match=f"from replaycache.{other.library} import"):
        driver.run(body)


@pytest.mark.parametrize("inner", [object(), "https://api.openai.com", 3])
def test_what_is_no_transport_is_refused(driver: Driver, inner: object) -> None:
    with pytest.raises(TypeError, match="inner is a transport"):
        driver.transport(inner)


def test_a_transport_for_the_other_kind_of_client_is_refused(driver: Driver) -> None:
    module = driver.module
    inner = module.HTTPTransport() if driver.is_async else module.AsyncHTTPTransport()

    with pytest.raises(TypeError, match="use ReplayTransport" if driver.is_async else "use AsyncReplayTransport"):
        driver.transport(inner)


def test_a_client_is_no_inner_transport(driver: Driver) -> None:
    client = driver.module.AsyncClient() if driver.is_async else driver.module.Client()
    with pytest.raises(TypeError, match="goes into a client"):
        driver.transport(client)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"mode": "rpelay"}, "did you mean 'replay'"),
        ({"modee": "auto"}, "did you mean 'mode'"),
        ({"stroe": "x"}, "did you mean 'store'"),
        ({"pace": -1}, "pace=-1"),
        ({"ttl": "soon"}, "ttl='soon'"),
        ({"sample": -1}, "sample=-1"),
        ({"repeats": "sequence"}, "needs a store that keeps recordings in order"),
        ({"match": "all"}, "match='all'"),
        ({"store": 5}, "store=5"),
    ],
)
def test_a_wrong_option_is_refused_at_once(driver: Driver, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        driver.transport(**{"store": ":memory:", **options})


def test_the_disk_cache_is_the_default(driver: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "mine"))

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            for _ in range(2):
                async with driver.client() as client:
                    answer = await client.post(server.url + CHAT, json=ASKED)

        assert answer.json() == {"answer": 1}
        assert outcome_of(answer).store == str(tmp_path / "mine")
        assert len(DiskStore(tmp_path / "mine")) == 1

    driver.run(body)


def test_a_transport_is_taken_for_what_it_is_beside_an_sdk_that_renames_it() -> None:
    """openai 3 exports httpx2's base class as its own, and changes its `__module__`."""
    code = "import openai, httpx2; from replaycache.httpx2 import ReplayTransport as T; T(httpx2.HTTPTransport())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


# -- what stands inside, and answers -------------------------------------------------------------------------


def answering(driver: Driver, answer: Any) -> Any:
    """A transport of the user's own."""
    base = driver.module.AsyncBaseTransport if driver.is_async else driver.module.BaseTransport

    class Both(base):  # type: ignore[misc,valid-type]  # of the library that is tried
        async def handle_async_request(self, request: Any) -> Any:
            return answer(request)

        def handle_request(self, request: Any) -> Any:
            return answer(request)

    return Both()


@pytest.mark.parametrize("headers", [{}, {"x-replaycache-mode": "off"}, {"x-replaycache-sample": "2"}])
def test_an_inner_transport_sees_the_content_that_was_read(driver: Driver, headers: dict[str, str]) -> None:
    """One that signs requests looks at it."""
    seen: list[Any] = []

    def answer(request: Any) -> Any:
        seen.append((json.loads(request.content), [name for name in request.headers if "replaycache" in name]))
        return driver.module.Response(200, json={})

    async def body() -> None:
        async with driver.client(answering(driver, answer), store=MemoryStore()) as client:
            await client.post("http://api.example" + CHAT, json=ASKED, headers=headers)

    driver.run(body)

    assert seen == [(ASKED, [])]


@pytest.mark.parametrize("way", ["transport", "session"])
def test_an_answer_that_is_none_of_the_librarys_is_told(driver: Driver, way: str) -> None:
    other = Driver("httpx2" if driver.library == "httpx" else "httpx", driver.how)
    wrong = {
        f"a response of {other.library}; return {driver.library}.Response": lambda request: other.module.Response(
            200
        ),
        f"answered with None; return {driver.library}.Response": lambda request: None,
        f"answered with 'text'; return {driver.library}.Response": lambda request: "text",
    }

    async def ask(inner: Any) -> None:
        with use_cassette(MemoryStore()) if way == "session" else nullcontext():
            if way == "transport":
                inner = driver.transport(inner, store=MemoryStore())
            if driver.is_async:
                async with driver.module.AsyncClient(transport=inner) as client:
                    await client.post("http://api.example" + CHAT, json=ASKED)
            else:
                with driver.module.Client(transport=inner) as client:
                    client.post("http://api.example" + CHAT, json=ASKED)

    async def body() -> None:
        for text, answer in wrong.items():
            with pytest.raises(TypeError, match=re.escape(text)):
                await ask(answering(driver, answer))

    driver.run(body)


def test_an_asynchronous_answer_to_a_synchronous_client_is_told() -> None:
    for driver in SYNC:

        async def answer(request: Any) -> Any:
            raise AssertionError

        with driver.module.Client(
            transport=driver.transport(answering(driver, answer), store=":memory:")
        ) as client:
            with pytest.raises(TypeError, match=f"Both answered with what is to be awaited.*{driver.library}"):
                client.post("http://api.example" + CHAT, json=ASKED)


@pytest.mark.parametrize("way", ["ours", "session"])
def test_a_transport_for_the_other_kind_of_client_is_told(driver: Driver, way: str) -> None:
    kind, twin = ("AsyncClient", "Client") if driver.is_async else ("Client", "AsyncClient")
    if way == "ours":
        inner = (driver.adapter.ReplayTransport if driver.is_async else driver.adapter.AsyncReplayTransport)()
        taken = "AsyncReplayTransport" if driver.is_async else "ReplayTransport"
        error, text = AttributeError, f"{driver.library}.{kind} takes {taken}$"
    else:
        base = driver.module.BaseTransport if driver.is_async else driver.module.AsyncBaseTransport
        inner = type("Other", (base,), {})()
        error, text = TypeError, f"Other is no transport for {driver.library}.{kind}: .*{driver.library}.{twin}$"

    async def call() -> None:
        answer = getattr(driver.module, kind)(transport=inner).post("http://api.example" + CHAT, json=ASKED)
        await answer if driver.is_async else answer

    async def enter() -> None:
        client = getattr(driver.module, kind)(transport=inner)
        if driver.is_async:
            await client.__aenter__()
        else:
            client.__enter__()

    async def body() -> None:
        with use_cassette(MemoryStore()) if way == "session" else nullcontext():
            with pytest.raises(error, match=text):
                await call()
            if way == "ours":
                with pytest.raises(error, match=text):
                    await enter()

    driver.run(body)
