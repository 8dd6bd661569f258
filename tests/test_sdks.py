"""The SDKs of OpenAI and Anthropic against real servers: recorded once, replayed when the server is gone."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anthropic
import anyio
import httpx
import httpx2
import openai
import pytest

import replaycache.httpx
import replaycache.httpx2
from replaycache import CacheMiss
from replaycache.stores import DiskStore
from tests.upstreams.asking import KINDS, Ask, Heard, Kind, ask_once
from tests.upstreams.openai2_session import run_session
from tests.upstreams.servers import ROOT, Server, openai2_python, serve_aimock, serve_llm, serve_steady
from tests.upstreams.watched import Unreachable, Watched

pytestmark = pytest.mark.upstream

MODEL = "smollm2"
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "colour",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}},
            "required": ["colour"],
            "additionalProperties": False,
        },
    },
}
WEATHER = {
    "type": "object",
    "properties": {"town": {"type": "string"}, "unit": {"type": "string"}},
    "required": ["town"],
}
CHAT_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
RESPONSES_TOOL = {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": False}
MESSAGES_TOOL = {"name": "get_weather", "input_schema": WEATHER}
SOUND = b"RIFF" + bytes([0x2C, 0, 0, 0]) + b"WAVEfmt " + bytes(range(32))


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def of_llm(**arguments: Any) -> dict[str, Any]:
    return {"model": MODEL, "temperature": 0.7, **arguments}


CHAT = of_llm(messages=user("Name a colour."), max_tokens=16)
COMPLETION = of_llm(prompt="Once upon a time", max_tokens=16)
RESPONSE = of_llm(input="Name a colour.", max_output_tokens=16)
# anthropic 2.x has no parameter for the temperature, and the server takes it
MESSAGE = {
    "model": MODEL,
    "messages": user("Name a colour."),
    "max_tokens": 16,
    "extra_body": {"temperature": 0.7},
}

LLM_ASKS = [
    Ask("chat", "openai", "chat.completions.create", CHAT),
    Ask("chat-logprobs", "openai", "chat.completions.create", {**CHAT, "n": 2, "logprobs": True}),
    Ask("chat-tools", "openai", "chat.completions.create", {**CHAT, "tools": [CHAT_TOOL]}),
    Ask(
        "chat-schema",
        "openai",
        "chat.completions.create",
        {**CHAT, "max_tokens": 200, "response_format": SCHEMA},
    ),
    Ask(
        "chat-stream",
        "openai",
        "chat.completions.create",
        {**CHAT, "stream_options": {"include_usage": True}},
        "stream",
    ),
    Ask(
        "chat-helper",
        "openai",
        "chat.completions.stream",
        {**CHAT, "max_tokens": 200, "response_format": SCHEMA},
        "helper",
    ),
    Ask("completions", "openai", "completions.create", COMPLETION),
    Ask("completions-stream", "openai", "completions.create", COMPLETION, "stream"),
    Ask("responses", "openai", "responses.create", RESPONSE),
    Ask("responses-stream", "openai", "responses.create", RESPONSE, "stream"),
    Ask("embeddings", "openai", "embeddings.create", {"model": MODEL, "input": ["a colour", "a sound"]}),
    Ask("messages", "anthropic", "messages.create", MESSAGE),
    Ask("messages-tools", "anthropic", "messages.create", {**MESSAGE, "tools": [MESSAGES_TOOL]}),
    Ask("messages-stream", "anthropic", "messages.create", MESSAGE, "stream"),
    Ask(
        "messages-helper",
        "anthropic",
        "messages.stream",
        {**MESSAGE, "messages": user("Name a sound.")},
        "helper",
    ),
    Ask("beta-messages", "anthropic", "beta.messages.create", {**MESSAGE, "betas": ["context-1m-2025-08-07"]}),
]


def scripted(about: str, text: str, tools: bool = False) -> list[Ask]:
    """The same question by each of the three streaming APIs."""
    messages = user(text)
    return [
        Ask(
            f"chat-{about}",
            "openai",
            "chat.completions.create",
            {"model": "gpt-4o", "messages": messages} | ({"tools": [CHAT_TOOL]} if tools else {}),
            "stream",
        ),
        Ask(
            f"responses-{about}",
            "openai",
            "responses.create",
            {"model": "gpt-4o", "input": text} | ({"tools": [RESPONSES_TOOL]} if tools else {}),
            "stream",
        ),
        Ask(
            f"messages-{about}",
            "anthropic",
            "messages.stream",
            {"model": "claude-x", "messages": messages, "max_tokens": 99}
            | ({"tools": [MESSAGES_TOOL]} if tools else {}),
            "helper",
        ),
    ]


AIMOCK_ASKS = [
    # llama.cpp leaves out what the helper needs of the events
    Ask(
        "responses-helper",
        "openai",
        "responses.stream",
        {"model": "gpt-4o", "input": "Say three sentences, please."},
        "helper",
    ),
    *scripted("text", "Say three sentences."),
    *scripted("tool-calls", "How is the weather in two towns?", tools=True),
    *scripted("reasoning", "How much is two and two? Please think first."),
]

STEADY_ASKS = [
    Ask("image", "openai", "images.generate", {"model": "gpt-image-1", "prompt": "a colour"}),
    Ask(
        "image-edit",
        "openai",
        "images.edit",
        {"image": [("a.png", b"\x89PNG-a", "image/png"), ("b.png", b"\x89PNG-b", "image/png")], "prompt": "mix"},
    ),
    Ask("moderation", "openai", "moderations.create", {"input": ["one", "two"]}),
    Ask(
        "transcription",
        "openai",
        "audio.transcriptions.create",
        {"model": "whisper-1", "file": ("a.wav", SOUND, "audio/wav")},
    ),
    Ask(
        "speech",
        "openai",
        "audio.speech.create",
        {"model": "tts-1", "input": "a colour", "voice": "alloy"},
        "bytes",
    ),
]


# -- every endpoint, every kind of client ---------------------------------------------------------------


@dataclass
class Recorded:
    """What was recorded from a server that has gone since.

    Attributes:
        directory: of the stores, one for each kind of client.
        urls: of the server, by SDK.
        heard: by ask and kind of client; an error where recording failed.
    """

    directory: Path
    urls: dict[str, str]
    heard: dict[tuple[str, Kind], Heard | Exception] = field(default_factory=dict)

    def store(self, kind: Kind) -> str:
        return str(self.directory / kind)

    def by(self, ask: Ask, kind: Kind) -> Heard:
        heard = self.heard[ask.name, kind]
        if isinstance(heard, Exception):
            raise AssertionError(f"{ask} could not be recorded by a client of kind {kind}") from heard
        return heard


def urls_of(server: Server, version: str = "/v1") -> dict[str, str]:
    return {"openai": server.url + version, "anthropic": server.url}


def record_all(
    serve: Callable[[], AbstractContextManager[Server]], asks: list[Ask], directory: Path, version: str = "/v1"
) -> Recorded:
    """Asks everything once by each kind of client, then ends the server."""
    with serve() as server:
        recorded = Recorded(directory, urls_of(server, version))
        for ask in asks:
            for kind in KINDS:
                try:
                    recorded.heard[ask.name, kind] = ask_once(
                        ask, recorded.urls[ask.sdk], library="httpx2", kind=kind, store=recorded.store(kind)
                    )
                except Exception as error:
                    recorded.heard[ask.name, kind] = error
    assert not server.is_listening
    return recorded


@pytest.fixture(scope="module")
def from_llm(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record_all(serve_llm, LLM_ASKS, tmp_path_factory.mktemp("llm"))


@pytest.fixture(scope="module")
def from_aimock(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record_all(serve_aimock, AIMOCK_ASKS, tmp_path_factory.mktemp("aimock"))


@pytest.fixture(scope="module")
def from_steady(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record_all(serve_steady, STEADY_ASKS, tmp_path_factory.mktemp("steady"), version="")


def every_way() -> Iterator[Any]:
    """Each question with each kind of client that records it and each that replays it."""
    for server, asks in (("from_llm", LLM_ASKS), ("from_aimock", AIMOCK_ASKS), ("from_steady", STEADY_ASKS)):
        for ask in asks:
            # anthropic refuses the clients of httpx
            libraries = ("httpx2", "httpx") if ask.sdk == "openai" else ("httpx2",)
            for recorded_by in KINDS:
                for library in libraries:
                    for kind in KINDS:
                        name = f"{server[5:]}-{ask}-{recorded_by}-{library}.{kind}"
                        yield pytest.param(server, ask, recorded_by, library, kind, id=name)


@pytest.mark.parametrize(("server", "ask", "recorded_by", "library", "kind"), list(every_way()))
def test_an_answer_is_replayed_after_its_server_has_gone(
    request: pytest.FixtureRequest, server: str, ask: Ask, recorded_by: Kind, library: Any, kind: Kind
) -> None:
    recorded: Recorded = request.getfixturevalue(server)
    live = recorded.by(ask, recorded_by)
    assert live.outcomes[-1] == "miss"
    replayed = ask_once(
        ask,
        recorded.urls[ask.sdk],
        library=library,
        kind=kind,
        inner=Unreachable(),
        store=recorded.store(recorded_by),
    )
    assert replayed.answer == live.answer
    assert (replayed.outcomes, replayed.requests, replayed.attempts) == (["hit"], 1, 0)
    if ask.how in ("stream", "helper"):
        assert len(live.answer) > 2


@pytest.mark.parametrize("ask", [ask for ask in LLM_ASKS if ask.name != "embeddings"], ids=str)
def test_the_model_answers_differently_each_time(from_llm: Recorded, ask: Ask) -> None:
    """Or a replay that equals its recording would show nothing."""
    assert from_llm.by(ask, "sync").answer != from_llm.by(ask, "async").answer


@pytest.mark.parametrize(
    "ask", [ask for ask in LLM_ASKS if ask.name in ("chat", "responses-stream", "messages-stream")], ids=str
)
def test_trio_replays_what_asyncio_recorded(from_llm: Recorded, ask: Ask) -> None:
    """Not the chat stream: openai's own generators are dropped unfinished there, of which trio warns."""
    replayed = ask_once(
        ask,
        from_llm.urls[ask.sdk],
        library="httpx2",
        kind="async",
        backend="trio",
        inner=Unreachable(),
        store=from_llm.store("async"),
    )
    assert (replayed.answer, replayed.outcomes) == (from_llm.by(ask, "async").answer, ["hit"])


def test_the_outcome_is_seen_through_the_sdk(from_llm: Recorded) -> None:
    transport = replaycache.httpx2.ReplayTransport(Unreachable(), store=from_llm.store("sync"))
    http_client = httpx2.Client(transport=transport)
    with openai.OpenAI(base_url=from_llm.urls["openai"], api_key="a-key", http_client=http_client) as client:
        raw = client.chat.completions.with_raw_response.create(**CHAT)
    outcome = raw.http_response.extensions["replaycache"]
    assert outcome.status == "hit"
    assert outcome.recorded_at is not None
    assert outcome.age is not None
    assert from_llm.store("sync") in outcome.store


@pytest.fixture(scope="module")
def llm() -> Iterator[Server]:
    """For tests that replay from an upstream that cannot be called, whether or not the server is there."""
    with serve_llm() as server:
        yield server


# -- what is not stored ---------------------------------------------------------------------------------


def count_stored(directory: str) -> int:
    store = DiskStore(directory)
    try:
        return len(store)
    finally:
        store.close()


REFUSED = [
    (
        Ask("400", "openai", "chat.completions.create", {**CHAT, "messages": user("word " * 5000)}),
        openai.BadRequestError,
    ),
    (
        Ask(
            "400-stream", "openai", "chat.completions.create", {**CHAT, "messages": user("word " * 5000)}, "stream"
        ),
        openai.BadRequestError,
    ),
    (Ask("404", "openai", "moderations.create", {"input": "a colour"}), openai.NotFoundError),
    (
        Ask("400-messages", "anthropic", "messages.create", {**MESSAGE, "messages": user("word " * 5000)}),
        anthropic.BadRequestError,
    ),
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_stored_only_where_it_is_asked_for(llm: Server, kind: Kind, tmp_path: Path) -> None:
    bare, keeping = str(tmp_path / "bare"), str(tmp_path / "keeping")
    said: dict[str, Any] = {}
    urls = urls_of(llm)
    for ask, error in REFUSED:
        for _ in range(2):
            heard = Heard()
            with pytest.raises(error):
                ask_once(ask, urls[ask.sdk], library="httpx2", kind=kind, heard=heard, store=bare)
            assert heard.outcomes == ["live"]
        heard = Heard()
        with pytest.raises(error) as live:
            ask_once(
                ask,
                urls[ask.sdk],
                library="httpx2",
                kind=kind,
                heard=heard,
                store=keeping,
                keep=lambda head, end: True,
            )
        assert heard.outcomes == ["miss"]
        said[ask.name] = live.value
    for ask, error in REFUSED:
        unreachable = Unreachable()
        heard = Heard()
        with pytest.raises(error) as replayed:
            ask_once(
                ask,
                urls[ask.sdk],
                library="httpx2",
                kind=kind,
                inner=unreachable,
                heard=heard,
                store=keeping,
                keep=lambda head, end: True,
            )
        assert (heard.outcomes, heard.requests, unreachable.attempts) == (["hit"], 1, 0)
        assert replayed.value.body == said[ask.name].body
        assert replayed.value.status_code == said[ask.name].status_code
    assert count_stored(bare) == 0


# anthropic lets the library's error through, once the stream has begun, and openai did before 3.14
BROKEN_OFF = {
    "openai": (openai.APIConnectionError, httpx2.RemoteProtocolError),
    "anthropic": httpx2.RemoteProtocolError,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_broke_off_is_not_stored(kind: Kind, tmp_path: Path) -> None:
    with serve_aimock() as server:
        urls = urls_of(server)
        for ask in scripted("cut-short", "An answer that is cut short."):
            heard = Heard()
            with pytest.raises(BROKEN_OFF[ask.sdk]):
                ask_once(ask, urls[ask.sdk], library="httpx2", kind=kind, heard=heard, store=str(tmp_path))
            assert heard.outcomes == ["live"]
    assert count_stored(str(tmp_path)) == 0


def read_one_chunk(url: str, kind: Kind, inner: Any, **options: Any) -> tuple[Any, Any]:
    """Opens a stream through openai, closes it after its first chunk; gives that chunk and the outcome."""
    arguments = {**CHAT, "stream": True}
    if kind == "sync":
        watched = Watched(replaycache.httpx2.ReplayTransport(inner, **options))
        http_client = httpx2.Client(transport=watched)
        with openai.OpenAI(base_url=url, api_key="a-key", http_client=http_client) as client:
            with client.chat.completions.create(**arguments) as stream:
                chunk = next(iter(stream))
    else:

        async def read() -> tuple[Any, Watched]:
            watched = Watched(replaycache.httpx2.AsyncReplayTransport(inner, **options))
            http_client = httpx2.AsyncClient(transport=watched)
            async with openai.AsyncOpenAI(base_url=url, api_key="a-key", http_client=http_client) as client:
                async with await client.chat.completions.create(**arguments) as stream:
                    return await anext(aiter(stream)), watched

        chunk, watched = anyio.run(read)
    return chunk.model_dump(), watched.responses[-1].extensions["replaycache"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_closed_early_is_stored_whole_or_not_at_all(llm: Server, kind: Kind, tmp_path: Path) -> None:
    ask = Ask("chat-stream", "openai", "chat.completions.create", CHAT, "stream")
    discarded, drained = str(tmp_path / "discarded"), str(tmp_path / "drained")
    url = llm.url + "/v1"
    _, outcome = read_one_chunk(url, kind, None, store=discarded)
    assert (outcome.status, outcome.reason) == ("live", "the caller closed the response before its end")
    first, outcome = read_one_chunk(url, kind, None, store=drained, on_abandon="drain")
    assert outcome.status == "miss"
    again, outcome = read_one_chunk(url, kind, Unreachable(), store=drained)
    assert (again, outcome.status) == (first, "hit")
    whole = ask_once(ask, url, library="httpx2", kind=kind, inner=Unreachable(), store=drained)
    assert whole.answer[0] == first
    assert whole.answer[-1]["choices"][0]["finish_reason"] in ("stop", "length")
    with pytest.raises(CacheMiss):
        ask_once(ask, url, library="httpx2", kind=kind, inner=Unreachable(), store=discarded, mode="replay")


# -- bodies that are no JSON ----------------------------------------------------------------------------


def test_a_file_is_matched_by_its_content(tmp_path: Path) -> None:
    """The multipart boundary differs from request to request, and does not count."""
    clip, store = tmp_path / "clip.wav", str(tmp_path / "store")
    clip.write_bytes(SOUND)

    def transcribe(url: str, inner: Any, **options: Any) -> tuple[Any, str]:
        watched = Watched(replaycache.httpx2.ReplayTransport(inner, store=store, **options))
        http_client = httpx2.Client(transport=watched)
        with (
            openai.OpenAI(base_url=url, api_key="a-key", http_client=http_client) as client,
            clip.open("rb") as sound,
        ):
            answer = client.audio.transcriptions.create(model="whisper-1", file=sound, language="en")
        return answer.model_dump(), watched.outcomes[-1]

    with serve_steady() as server:
        live, outcome = transcribe(server.url, None)
        assert outcome == "miss"
    assert transcribe(server.url, Unreachable()) == (live, "hit")
    clip.write_bytes(SOUND + b"\x01")
    with pytest.raises(CacheMiss, match="POST .*/audio/transcriptions"):
        transcribe(server.url, Unreachable(), mode="replay")


def test_speech_streams_into_a_file(tmp_path: Path) -> None:
    def speak(url: str, inner: Any, target: Path) -> str:
        watched = Watched(replaycache.httpx2.ReplayTransport(inner, store=str(tmp_path / "store")))
        http_client = httpx2.Client(transport=watched)
        with openai.OpenAI(base_url=url, api_key="a-key", http_client=http_client) as client:
            speech = client.audio.speech.with_streaming_response
            with speech.create(model="tts-1", voice="alloy", input="A colour.") as response:
                response.stream_to_file(target)
        return watched.outcomes[-1]

    with serve_steady() as server:
        assert speak(server.url, None, tmp_path / "live") == "miss"
    assert speak(server.url, Unreachable(), tmp_path / "replayed") == "hit"
    assert (tmp_path / "live").read_bytes() == (tmp_path / "replayed").read_bytes() != b""


# -- one recording for all four clients -----------------------------------------------------------------


def read_raw(library: str, url: str, inner: Any, store: str) -> tuple[list[bytes], str]:
    client_library, ours = importlib.import_module(library), importlib.import_module(f"replaycache.{library}")
    transport = ours.ReplayTransport(inner, store=store)
    with (
        client_library.Client(transport=transport) as client,
        client.stream("POST", url, json={**CHAT, "max_tokens": 48, "stream": True}) as response,
    ):
        return list(response.iter_raw()), response.extensions["replaycache"].status


async def read_raw_async(library: str, url: str, inner: Any, store: str) -> tuple[list[bytes], str]:
    client_library, ours = importlib.import_module(library), importlib.import_module(f"replaycache.{library}")
    transport = ours.AsyncReplayTransport(inner, store=store)
    async with (
        client_library.AsyncClient(transport=transport) as client,
        client.stream("POST", url, json={**CHAT, "max_tokens": 48, "stream": True}) as response,
    ):
        return [chunk async for chunk in response.aiter_raw()], response.extensions["replaycache"].status


@pytest.fixture(scope="module")
def raw_recording(llm: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, list[bytes]]:
    """A URL, the store, and the chunks that a synchronous httpx client got live."""
    store = str(tmp_path_factory.mktemp("raw"))
    url = f"{llm.url}/v1/chat/completions"
    chunks, _ = read_raw("httpx", url, None, store)
    assert len(chunks) > 2
    return url, store, chunks


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_one_recording_serves_all_clients_chunk_for_chunk(
    raw_recording: tuple[str, str, list[bytes]], library: str, kind: str
) -> None:
    url, store, chunks = raw_recording
    if kind == "sync":
        replayed = read_raw(library, url, Unreachable(), store)
    else:
        replayed = anyio.run(read_raw_async, library, url, Unreachable(), store, backend=kind)
    assert replayed == (chunks, "hit")


def test_an_upstream_of_the_other_library_is_refused() -> None:
    with pytest.raises(TypeError, match=r"replaycache\.httpx2"):
        replaycache.httpx.ReplayTransport(httpx2.HTTPTransport())  # type: ignore[arg-type]  # the wrong library
    with pytest.raises(TypeError, match=r"replaycache\.httpx "):
        replaycache.httpx2.ReplayTransport(httpx.HTTPTransport())  # type: ignore[arg-type]  # the wrong library


# -- the older lines: openai 2.x and anthropic 0.x, on httpx --------------------------------------------


OLDER_ASKS = [
    ask for ask in LLM_ASKS if ask.name not in ("chat-logprobs", "chat-schema", "completions", "messages-tools")
]
# the older line asks for its beta API at another URL
ASKED_BY_BOTH_LINES = [ask for ask in OLDER_ASKS if ask.name != "beta-messages"]
OLDER_VERSION = {"anthropic-version": "2023-06-01"}


@dataclass
class Session:
    """What the older clients recorded, and what they heard in a later process, when the server had gone."""

    directory: Path
    urls: dict[str, str]
    live: dict[str, Any]
    replayed: dict[str, Any]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    python, directory = openai2_python(), tmp_path_factory.mktemp("openai2")

    def run(live: bool) -> dict[str, Any]:
        [answers] = run_session(python, (OLDER_ASKS, "auto"), urls=urls, store=directory, root=ROOT, live=live)
        return answers

    with serve_llm() as server:
        urls = urls_of(server)
        live = run(live=True)
    assert not server.is_listening
    return Session(directory, urls, live, run(live=False))


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ask", OLDER_ASKS, ids=str)
def test_the_older_clients_replay_what_they_recorded(session: Session, ask: Ask, kind: Kind) -> None:
    live, replayed = session.live[f"{ask} {kind}"], session.replayed[f"{ask} {kind}"]
    assert live["raised"] is None
    assert live["outcomes"][-1] == "miss"
    assert replayed["raised"] is None
    assert replayed["answer"] == live["answer"]
    assert (replayed["outcomes"], replayed["requests"], replayed["attempts"]) == (["hit"], 1, 0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ask", ASKED_BY_BOTH_LINES, ids=str)
def test_the_newer_clients_replay_what_the_older_recorded(session: Session, ask: Ask, kind: Kind) -> None:
    """The lines differ in headers and in the order of JSON keys, which does not count."""
    if ask.sdk == "anthropic":
        ask = replace(ask, arguments={**ask.arguments, "extra_headers": OLDER_VERSION})
    replayed = ask_once(
        ask,
        session.urls[ask.sdk],
        library="httpx2",
        kind=kind,
        inner=Unreachable(),
        store=str(session.directory / kind),
    )
    assert (replayed.outcomes, replayed.requests, replayed.attempts) == (["hit"], 1, 0)
    live = session.live[f"{ask} {kind}"]["answer"]
    if ask.how == "plain":
        replayed.answer, live = [replayed.answer], [live]
    assert [piece.get("id") for piece in replayed.answer] == [piece.get("id") for piece in live]


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_of_another_version_of_anthropics_api_is_no_answer(session: Session, kind: Kind) -> None:
    ask = next(ask for ask in LLM_ASKS if ask.name == "messages")
    with pytest.raises(CacheMiss, match=r'header anthropic-version:?\s+recorded "2023-06-01"[\s/]+asked\s+"2'):
        ask_once(
            ask,
            session.urls["anthropic"],
            library="httpx2",
            kind=kind,
            inner=Unreachable(),
            store=str(session.directory / kind),
            mode="replay",
        )
