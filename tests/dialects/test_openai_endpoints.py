"""Each endpoint of OpenAI's API by its client: recorded into a cassette, replayed when the server has gone."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2
import openai
import pytest

import replaycache.httpx2
from tests.dialects.openai_endpoints import BEYOND, CALLS, STREAMS, UNDESCRIBED, Call, Stream
from tests.scripted_server import Handler, Received, ScriptedServer, Wire
from tests.tables import one_in
from tests.upstreams.asking import KINDS, Kind
from tests.upstreams.servers import DESCRIPTION, serve_steady
from tests.upstreams.watched import Unreachable, Watched

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the client: assistants and threads

ENDPOINTS = DESCRIPTION.with_name("openai_endpoints.json")
KEYS = {"api_key": "a-key", "admin_api_key": "an-admin-key"}
CREDENTIALS = {"POST /organization/projects/{project_id}/service_accounts": ("api_key", "value")}
"""Where an endpoint answers with a credential, which no cassette keeps."""


class Asked(NamedTuple):
    """What a row came to: the answer, or the error; and what became of its requests."""

    answer: Any
    outcomes: list[str]


class Session(NamedTuple):
    """The rows by name, live and replayed."""

    live: dict[str, Asked]
    replayed: dict[str, Asked]
    attempts: int


def plain(value: Any) -> Any:
    return value.model_dump(warnings=False) if hasattr(value, "model_dump") else value


def ask(client: openai.OpenAI, call: Call, stream: bool) -> Any:
    method, streamed = attrgetter(call.method)(client), {"stream": True} if stream else {}
    if call.answer == "bytes":
        return method(**call.arguments).read()
    answer = method(**call.arguments, **streamed)
    if not stream:
        return plain(answer)
    with answer:
        return [plain(event) for event in answer]


async def ask_async(client: openai.AsyncOpenAI, call: Call, stream: bool) -> Any:
    method, streamed = attrgetter(call.method)(client), {"stream": True} if stream else {}
    if call.answer == "bytes":
        return await (await method(**call.arguments)).aread()
    answer = method(**call.arguments, **streamed)
    if hasattr(answer, "__await__"):
        answer = await answer
    if not stream:
        return plain(answer)
    async with answer:
        return [plain(event) async for event in answer]


def ask_each(
    rows: list[Call] | list[Stream], url: str, kind: Kind, cassette: Path, mode: str, inner: Any
) -> dict[str, Asked]:
    """All rows through one client over one cassette."""
    asked: dict[str, Asked] = {}

    def unpacked() -> Iterator[tuple[str, Call, bool]]:
        for row in rows:
            yield str(row), row.call if isinstance(row, Stream) else row, isinstance(row, Stream)

    def note(name: str, answer: Any, watched: Watched, before: int) -> None:
        asked[name] = Asked(answer, watched.outcomes[before:])

    async def session() -> None:
        transport = replaycache.httpx2.AsyncReplayTransport(inner, store=str(cassette), mode=mode)
        watched = Watched(transport)
        http_client = httpx2.AsyncClient(transport=watched)
        async with openai.AsyncOpenAI(base_url=url, max_retries=0, http_client=http_client, **KEYS) as client:
            for name, call, stream in unpacked():
                before = len(watched.responses)
                try:
                    answer = await ask_async(client, call, stream)
                except Exception as error:
                    answer = error
                note(name, answer, watched, before)

    if kind == "async":
        anyio.run(session)
        return asked
    watched = Watched(replaycache.httpx2.ReplayTransport(inner, store=str(cassette), mode=mode))
    http_client = httpx2.Client(transport=watched)
    with openai.OpenAI(base_url=url, max_retries=0, http_client=http_client, **KEYS) as client:
        for name, call, stream in unpacked():
            before = len(watched.responses)
            try:
                answer = ask(client, call, stream)
            except Exception as error:
                answer = error
            note(name, answer, watched, before)
    return asked


def record_and_replay(rows: list[Call] | list[Stream], server: Any, kind: Kind, directory: Path) -> Session:
    cassette = directory / f"{kind}.json"
    live = ask_each(rows, server.url, kind, cassette, "once", None)
    server.stop()
    gone = Unreachable()
    replayed = ask_each(rows, server.url, kind, cassette, "replay", gone)
    return Session(live, replayed, gone.attempts)


@pytest.fixture(scope="module", params=KINDS)
def described(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The table's calls, answered with the examples of the API's description."""
    with serve_steady() as server:
        return record_and_replay(CALLS, server, request.param, tmp_path_factory.mktemp("endpoints"))


def events_of(request: Received, wire: Wire) -> None:
    """Answers with the row's events."""
    path = request.target.partition("?")[0]
    beta = "?beta=true" if "beta=true" in request.target else ""
    asked = f"{request.method} {path}{beta}"
    [stream] = [row for row in STREAMS if row.call.endpoint.format(**row.call.arguments) == asked]
    wire.start_chunks()
    for event in stream.events:
        match event:
            case str():
                wire.chunk(f"data: {event}\n\n".encode())
            case {"event": name, "data": data}:
                wire.chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
            case _:
                wire.chunk(f"data: {json.dumps(event)}\n\n".encode())
    wire.end_chunks()


@pytest.fixture(scope="module", params=KINDS)
def streamed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The table's streams."""
    with ScriptedServer(events_of) as server:
        return record_and_replay(STREAMS, server, request.param, tmp_path_factory.mktemp("streams"))


@pytest.mark.exhaustive
@pytest.mark.upstream
@pytest.mark.parametrize("call", one_in(12, CALLS), ids=str)
def test_an_endpoint_replays(described: Session, call: Call) -> None:
    live, replayed = described.live[str(call)], described.replayed[str(call)]
    assert not isinstance(live.answer, Exception), live.answer
    assert live.outcomes == ["miss"]
    expected = copy.deepcopy(live.answer)
    if str(call) in CREDENTIALS:
        container, member = CREDENTIALS[str(call)]
        expected[container][member] = "REDACTED"
    assert replayed == Asked(expected, ["hit"])


@pytest.mark.upstream
def test_replaying_calls_nobody(described: Session) -> None:
    assert described.attempts == 0


@pytest.mark.parametrize("stream", STREAMS, ids=str)
def test_a_stream_replays(streamed: Session, stream: Stream) -> None:
    live, replayed = streamed.live[str(stream)], streamed.replayed[str(stream)]
    assert not isinstance(live.answer, Exception), live.answer
    assert live.outcomes == ["miss"]
    assert replayed == Asked(live.answer, ["hit"])
    if stream.call.answer == "object":
        assert len(live.answer) == len([event for event in stream.events if event != "[DONE]"])


# -- what asks more than once ---------------------------------------------------------------------------

POLLED = [
    Call(
        "GET /threads/{thread_id}/runs/{run_id}", "beta.threads.runs.create_and_poll", {"assistant_id": "asst-1"}
    ),
    Call(
        "GET /vector_stores/{vector_store_id}/files/{file_id}",
        "vector_stores.files.create_and_poll",
        {"file_id": "file-1"},
    ),
    Call(
        "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}",
        "vector_stores.file_batches.create_and_poll",
        {"file_ids": ["file-1"]},
    ),
]


def progress() -> Handler:
    """Says `in_progress` three times of whatever it is asked for, and then `completed`."""
    asked = 0

    def handle(request: Received, wire: Wire) -> None:
        nonlocal asked
        asked += 1
        status, left = ("completed", 0) if asked > 3 else ("in_progress", 1)
        known = {"created_at": 1, "assistant_id": "asst-1", "thread_id": "thread-1", "vector_store_id": "vs-1"}
        body = {"id": "an-id", "status": status, "file_counts": {"in_progress": left, "total": 1}, **known}
        wire.answer(json.dumps(body).encode())

    return handle


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("polled", POLLED, ids=str)
def test_polling_replays_to_its_end(polled: Call, kind: Kind, tmp_path: Path) -> None:
    of_parent = {"thread_id": "thread-1"} if "thread" in polled.endpoint else {"vector_store_id": "vs-1"}
    call = Call("POST /", polled.method, {**polled.given, **of_parent, "poll_interval_ms": 1})
    with ScriptedServer(progress()) as server:
        session = record_and_replay([call], server, kind, tmp_path)
        assert len(server.requests) == 4
    live, replayed = session.live[str(call)], session.replayed[str(call)]
    assert live.answer["status"] == "completed"
    assert live.outcomes == ["miss"] * 4
    assert replayed == Asked(live.answer, ["hit"] * 4)


# -- the table itself -----------------------------------------------------------------------------------


@pytest.mark.skipif(not ENDPOINTS.exists(), reason="needs the list ../shared/spec/openai_endpoints.json")
def test_the_table_has_every_endpoint() -> None:
    listed: dict[str, list[str]] = json.loads(ENDPOINTS.read_text("utf-8"))
    wanted = {name for name in listed if not name.partition(" ")[2].startswith(BEYOND)} - UNDESCRIBED
    assert {call.endpoint for call in CALLS} == wanted
    assert len(CALLS) == len(wanted)
    assert {stream.call.endpoint for stream in STREAMS} <= wanted


@pytest.mark.skipif(not hasattr(openai.OpenAI(**KEYS).audio, "voice_consents"), reason="needs openai 3.36")
def test_the_table_names_the_methods_of_the_client() -> None:
    client = openai.OpenAI(**KEYS)
    for call in [*CALLS, *(stream.call for stream in STREAMS)]:
        assert callable(attrgetter(call.method)(client))
