"""Mode verify: the live answer against the recorded one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replaycache import Body, Chunk, DriftFound, Recording, ReplayCacheWarning, Request, ResponseHead, use_cassette
from replaycache.engine.drift import Drift, compare
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.session.test_session import ask
from tests.test_transports import ASKED, CHAT


def answer(body: Any, *, status: int = 200, content_type: str = "application/json", **headers: str) -> Recording:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Recording(
        request=Request("POST", "https://api.openai.com" + CHAT),
        head=ResponseHead(
            status,
            (
                ("content-type", content_type),
                *((name.replace("_", "-"), value) for name, value in headers.items()),
            ),
        ),
        body=Body.of([Chunk(data, 0.0)]),
        digest="",
        recorded_at=0.0,
    )


EVENTS = "text/event-stream; charset=utf-8"


def chat(*deltas: dict[str, Any], reason: str | None = "stop", **members: Any) -> Recording:
    """A streamed chat."""
    told = [(delta, None) for delta in deltas] + ([({}, reason)] if reason else [])
    events = [members | {"choices": [{"index": 0, "delta": delta, "finish_reason": why}]} for delta, why in told]
    data = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return answer(f"{data}data: [DONE]\n\n".encode(), content_type=EVENTS)


def called(*arguments: Any) -> Recording:
    """A message with calls of a tool."""
    blocks = [
        {"type": "tool_use", "id": f"toolu_{number}abcdef", "name": "look_up", "input": given}
        for number, given in enumerate(arguments)
    ]
    return answer({"type": "message", "role": "assistant", "content": blocks, "stop_reason": "tool_use"})


SAID = {"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}
CASES = [
    ("equal", answer({"a": 1}), answer({"a": 1}), Drift()),
    ("a value", answer({"a": {"b": "x"}}), answer({"a": {"b": "y"}}), Drift(values=("a.b",))),
    ("a number for a number", answer({"a": 1}), answer({"a": 1.5}), Drift(values=("a",))),
    ("a type", answer({"a": 1}), answer({"a": "1"}), Drift(shape=("a was number, is text",))),
    ("a member gone", answer({"a": 1, "b": 2}), answer({"a": 1}), Drift(shape=("b is gone",))),
    ("a member new", answer({"a": [{}]}), answer({"a": [{"x": 1}]}), Drift(shape=("a[*].x is new",))),
    ("more items", answer({"a": [1]}), answer({"a": [1, 2]}), Drift(values=("a[1]",))),
    ("null or a value", answer({"a": None}), answer({"a": "x"}), Drift(values=("a",))),
    ("a status", answer({}), answer({}, status=500), Drift(shape=("status 200 became 500",))),
    (
        "a content type",
        answer({}),
        answer({}, content_type="text/html"),
        Drift(shape=("content-type application/json became text/html",)),
    ),
    (
        "ids and times",
        answer({"id": "a", "created": 1}),
        answer({"id": "b", "created": 2}),
        Drift((), (), ("id", "created")),
    ),
    (
        "an id by its form",
        answer({"x": "chatcmpl-abcdef12"}),
        answer({"x": "chatcmpl-zzzzzz99"}),
        Drift((), (), ("x",)),
    ),
    (
        "bytes",
        answer(b"a", content_type="audio/wav"),
        answer(b"b", content_type="audio/wav"),
        Drift(values=("body",)),
    ),
    (
        "a stream's text",
        answer(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: [DONE]\n\n', content_type=EVENTS),
        answer(b'data: {"choices":[{"delta":{"content":"b"}}]}\n\ndata: [DONE]\n\n', content_type=EVENTS),
        Drift(values=("choices[0].delta.content",)),
    ),
    (
        "a stream in other pieces",
        answer(b'data: {"choices":[{"delta":{"content":"ab"}}]}\n\n', content_type=EVENTS),
        answer(
            b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}}]}\n\n',
            content_type=EVENTS,
        ),
        Drift(),
    ),
    (
        "a stream's events",
        answer(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', content_type=EVENTS),
        answer(b'data: {"choices":[{"delta":{"content":"a"},"x":1}]}\n\n', content_type=EVENTS),
        Drift(shape=("choices[*].x is new",)),
    ),
    (
        "a stream's finish reason",
        chat(*SAID),
        chat(*SAID, reason="length"),
        Drift(values=("choices[0].finish_reason",)),
    ),
    (
        "a stream without its finish reason",
        chat(*SAID),
        chat(*SAID, reason=None),
        Drift(values=("choices[0].finish_reason",)),
    ),
    ("a stream's model", chat(*SAID, model="a"), chat(*SAID, model="b"), Drift(values=("model",))),
    ("a stream's id", chat(*SAID, id="a"), chat(*SAID, id="b"), Drift(volatile=("id",))),
    (
        "a stream's role",
        chat(*SAID),
        chat({"role": "tool", "content": ""}, *SAID[1:]),
        Drift(values=("choices[0].delta.role",)),
    ),
    (
        "a stream in another order",
        chat({"reasoning_content": "a"}, {"content": "b"}),
        chat({"content": "b"}, {"reasoning_content": "a"}),
        Drift(shape=("events came in another order",)),
    ),
    (
        "a stream without its end",
        chat(*SAID),
        answer(chat(*SAID).body.read().removesuffix(b"data: [DONE]\n\n"), content_type=EVENTS),
        Drift(shape=("data is gone",)),
    ),
    (
        "an event twice",
        chat(*SAID, {"annotations": [1]}),
        chat(*SAID, {"annotations": [1]}, {"annotations": [1]}),
        Drift(values=("event 5",)),
    ),
    (
        "an event that is named like a time",
        answer(b'event: run_created\ndata: {"a":1}\n\ndata: {"b":1}\n\n', content_type=EVENTS),
        answer(b'event: run_created\ndata: {"a":2}\n\ndata: {"b":1}\n\n', content_type=EVENTS),
        Drift(values=("run_created.a",)),
    ),
    (
        "the arguments of a call, whatever their names",
        called({"date": "2026-01-01T00:00:00Z", "id": 1}),
        called({"date": "2026-01-02T00:00:00Z", "id": 2}),
        Drift(values=("content[0].input.date", "content[0].input.id")),
    ),
    (
        "calls in another order",
        called({"a": 1}, {"a": 2}),
        called({"a": 2}, {"a": 1}),
        Drift(values=("content[0].input.a", "content[1].input.a")),
    ),
    ("a header", answer({}, link="<a>"), answer({}, link="<b>"), Drift(values=("header link",))),
    (
        "a header that always differs",
        answer({}, x_request_id="a"),
        answer({}, x_request_id="b"),
        Drift(volatile=("header x-request-id",)),
    ),
    (
        "a stream and a document",
        chat(*SAID),
        answer(
            {
                "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
                ]
            }
        ),
        Drift(shape=("a stream became one document", "content-type text/event-stream became application/json")),
    ),
]


@pytest.mark.parametrize(
    ("recorded", "live", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_counts_as_drift(recorded: Recording, live: Recording, expected: Drift) -> None:
    found = compare(recorded, live)

    assert found == expected
    assert not compare(recorded, recorded)


def serving(*answers: dict[str, Any]) -> Any:
    coming = iter(answers)

    def handle(request: Received, wire: Wire) -> None:
        wire.answer(json.dumps(next(coming)).encode())

    return handle


def test_the_caller_gets_the_live_answer_and_nothing_is_stored(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"

    async def body() -> None:
        with ScriptedServer(
            serving({"id": "1", "said": "a"}, {"id": "2", "said": "b"}, {"id": "3", "said": "a"})
        ) as server:
            with use_cassette(path):
                await ask(driver, server.url)
            before = path.read_bytes()
            with use_cassette(path, mode="verify"):
                with pytest.warns(ReplayCacheWarning, match="values: said"):
                    live = await ask(driver, server.url)
            with use_cassette(path, mode="verify", on_drift="raise"):
                await ask(driver, server.url)  # only its id differs
            assert live.json() == {"id": "2", "said": "b"}
            assert outcome_of(live).status == "live"
            assert path.read_bytes() == before

    driver.run(body)


def test_a_change_of_shape_is_raised_where_asked_for(driver: Driver, tmp_path: Path) -> None:
    path = tmp_path / "c.json"

    async def body() -> None:
        with ScriptedServer(serving({"a": 1}, {"b": 1}, {"b": 1}, {"b": 1})) as server:
            with use_cassette(path):
                await ask(driver, server.url)
            cassette = use_cassette(path, mode="verify", on_drift="raise")
            cassette.__enter__()
            assert (await ask(driver, server.url)).json() == {"b": 1}
            with pytest.raises(DriftFound, match="a is gone, b is new"):
                cassette.__exit__(None, None, None)

            transport = driver.transport(store=str(path), mode="verify", on_drift="raise")
            real = (driver.module.AsyncClient if driver.is_async else driver.module.Client)(transport=transport)
            await ask(driver, server.url, real)
            with pytest.raises(DriftFound, match="a is gone"):
                await real.aclose() if driver.is_async else real.close()

    driver.run(body)
    assert len(CassetteStore(path)) == 1


def test_what_is_not_recorded_is_reported(driver: Driver) -> None:
    async def body() -> None:
        with ScriptedServer(serving({"a": 1})) as server:
            async with driver.client(store=MemoryStore(), mode="verify") as client:
                with pytest.warns(ReplayCacheWarning, match="nothing is recorded"):
                    await client.post(server.url + CHAT, json=ASKED)

    driver.run(body)
