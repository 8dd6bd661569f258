"""What a span of OpenTelemetry is told of the call in it."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest

from replaycache.httpx2 import ReplayTransport
from tests.drivers import Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT

pytest.importorskip("opentelemetry.sdk", reason="spans are recorded with opentelemetry-sdk")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, use_span


class Trace:
    """Records spans, and tells what they were told of calls."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(**options)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.span = provider.get_tracer("tests").start_as_current_span

    @property
    def told(self) -> list[dict[str, Any]]:
        """The attributes of each span, without our prefix."""
        return [
            {name.removeprefix("replaycache."): value for name, value in (span.attributes or {}).items()}
            for span in self.exporter.get_finished_spans()
        ]


@pytest.mark.parametrize("where", [":memory:", "a cache", "a.json"])
def test_a_span_is_told_of_the_call_in_it(driver: Driver, where: str, tmp_path: Path) -> None:
    trace, store = Trace(), where if where == ":memory:" else str(tmp_path / where)
    keys = []

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=store, repeats="same") as client:
                for headers in ({}, {}, {"x-replaycache-mode": "off"}, {"x-replaycache-mode": "verify"}):
                    with trace.span("call"):
                        answer = await client.post(server.url + CHAT, json=ASKED, headers=headers)
                    keys.append(outcome_of(answer).key)

    driver.run(body)

    assert trace.told == [
        {"status": "miss", "key": keys[0]},
        {"status": "hit", "key": keys[0]},
        {"status": "live", "reason": "the mode is off"} | ({"key": keys[2]} if keys[2] else {}),
        {"status": "live", "key": keys[3], "reason": "the mode is verify"},
    ]


def test_a_span_that_ends_at_the_head_knows_what_is_to_be_recorded(driver: Driver) -> None:
    """As instrumentation of client libraries has it; one that lasts until the body was closed knows better."""
    trace = Trace()

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:
                with trace.span("longer"):
                    with trace.span("call"):
                        stream = await client.open(server.url + CHAT, json=ASKED)
                    await stream.close()
                with trace.span("longer"):
                    stream = await client.open(server.url + CHAT, json=ASKED | {"n": 2})
                    await stream.close()

    driver.run(body)

    early, _, late = trace.told
    assert early["status"] == "miss"
    assert (late["status"], late["reason"]) == ("live", "the caller closed the response before its end")


class Busy(NonRecordingSpan):
    """Has a lock, as spans of the SDK have, that its holder may not take once more."""

    def __init__(self) -> None:
        super().__init__(INVALID_SPAN_CONTEXT)
        self.lock = threading.Lock()
        self.waited = False

    def is_recording(self) -> bool:
        return True

    def set_attributes(self, attributes: Any) -> None:
        if not self.lock.acquire(timeout=0.1):
            self.waited = True
        else:
            self.lock.release()


@pytest.mark.parametrize("on_abandon", ["discard", "drain"])
def test_the_collector_never_waits_for_a_span(on_abandon: Literal["discard", "drain"]) -> None:
    """It may run while its own thread tells the span of something else."""
    span = Busy()
    with ScriptedServer(counting_answers()) as server:
        transport = ReplayTransport(store=":memory:", on_abandon=on_abandon)
        with httpx2.Client(transport=transport) as client, use_span(span):
            response = client.send(client.build_request("POST", server.url + CHAT, json=ASKED), stream=True)
            with span.lock:
                del response
                gc.collect()
    assert not span.waited


def test_a_span_that_is_not_recorded_is_told_nothing(driver: Driver) -> None:
    trace = Trace(sampler=ALWAYS_OFF)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            async with driver.client(store=":memory:") as client:
                for _ in range(2):
                    await client.post(server.url + CHAT, json=ASKED)  # with no span at all
                    with trace.span("call"):
                        await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)

    assert trace.told == []


def test_it_is_never_imported_for_that() -> None:
    code = """
        import sys, httpx2
        from replaycache.httpx2 import ReplayTransport
        upstream = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"choices": []}))
        with httpx2.Client(transport=ReplayTransport(upstream, store=":memory:")) as client:
            for _ in range(2):
                found = client.post("https://h.test/v1/chat/completions", json={"model": "m", "messages": []})
        assert found.extensions["replaycache"].status == "hit"
        print([name for name in sys.modules if "opentelemetry" in name])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
