"""A miss reaches the user of an SDK at once: as itself, after one request, with what to do in its text."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple

import anthropic
import anyio
import httpx2
import openai
import pytest

from replaycache import CacheMiss
from replaycache.httpx2 import AsyncReplayTransport, ReplayTransport
from tests.scripted_server import ScriptedServer, counting_answers
from tests.upstreams.asking import KINDS, Ask, Heard, Kind, ask_once
from tests.upstreams.openai2_session import run_session
from tests.upstreams.servers import ROOT, openai2_python
from tests.upstreams.watched import Watched

KNOWN, UNKNOWN = "Name a colour.", "Name a sound."
CHANGED = f'recorded "{KNOWN}" / asked "{UNKNOWN}"'


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


class Case(NamedTuple):
    """A call of an SDK, and what a miss must say of it.

    Args:
        path: of the URL that is asked.
        text_at: where in the body the text is.
        arguments: of the call, but for the text.
        how: as in `Ask`, of the call that is missed; the recording is of a plain one.
    """

    name: str
    sdk: Literal["openai", "anthropic"]
    method: str
    path: str
    text_at: str
    arguments: dict[str, Any]
    how: Literal["plain", "stream", "helper", "bytes"] = "plain"

    def _ask(self, text: str, method: str, how: Literal["plain", "stream", "helper", "bytes"]) -> Ask:
        given = {"messages": user(text)} if self.text_at == IN_MESSAGE else {self.text_at: text}
        return Ask(self.name, self.sdk, method, {**self.arguments, **given}, how)

    def recorded(self) -> Ask:
        return self._ask(KNOWN, self.method, "bytes" if self.how == "bytes" else "plain")

    def missed(self) -> Ask:
        method = self.method.replace(".create", ".stream") if self.how == "helper" else self.method
        return self._ask(UNKNOWN, method, self.how)


IN_MESSAGE = "messages[0].content"
MODEL = {"model": "a-model"}
LIMITED = {**MODEL, "max_tokens": 16}
FLOATS = {**MODEL, "encoding_format": "float"}
VOICE = {**MODEL, "voice": "alloy"}

CASES = [
    Case("chat", "openai", "chat.completions.create", "/chat/completions", IN_MESSAGE, MODEL),
    Case("chat-stream", "openai", "chat.completions.create", "/chat/completions", IN_MESSAGE, MODEL, "stream"),
    Case("chat-helper", "openai", "chat.completions.create", "/chat/completions", IN_MESSAGE, MODEL, "helper"),
    Case("completions", "openai", "completions.create", "/completions", "prompt", MODEL),
    Case("responses", "openai", "responses.create", "/responses", "input", MODEL),
    Case("responses-stream", "openai", "responses.create", "/responses", "input", MODEL, "stream"),
    Case("embeddings", "openai", "embeddings.create", "/embeddings", "input", FLOATS),
    Case("speech", "openai", "audio.speech.create", "/audio/speech", "input", VOICE, "bytes"),
    Case("messages", "anthropic", "messages.create", "/v1/messages", IN_MESSAGE, LIMITED),
    Case("messages-stream", "anthropic", "messages.create", "/v1/messages", IN_MESSAGE, LIMITED, "stream"),
    Case("messages-helper", "anthropic", "messages.create", "/v1/messages", IN_MESSAGE, LIMITED, "helper"),
]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """An upstream that would answer, if it were asked."""
    with ScriptedServer(counting_answers()) as server:
        yield server


def check_text(text: str, server: ScriptedServer, case: Case) -> None:
    """What was asked, where the nearest recording differs, and what to do next."""
    assert "upstream was not called" in text
    assert f"POST {server.url}{case.path} (model a-model" in text
    assert "no_recording" in text
    on_one_line = " ".join(text.replace(": recorded", " recorded").replace(" / asked", " asked").split())
    assert f"{case.text_at} {CHANGED.replace(' / ', ' ')}" in on_one_line
    assert "mode='auto'" in text


def every_client() -> list[Any]:
    """Each call with each kind of client that the SDK takes."""
    return [
        pytest.param(case, library, kind, backend, id=f"{case.name}-{library}.{backend or kind}")
        for case in CASES
        # anthropic refuses the clients of httpx
        for library in (("httpx2", "httpx") if case.sdk == "openai" else ("httpx2",))
        for kind, backend in (("sync", ""), ("async", "asyncio"), ("async", "trio"))
    ]


@pytest.mark.sampled(20)
@pytest.mark.parametrize(("case", "library", "kind", "backend"), every_client())
def test_a_miss_is_raised_as_itself_after_one_request(
    server: ScriptedServer, tmp_path: Path, case: Case, library: Any, kind: Kind, backend: str
) -> None:
    options: dict[str, Any] = {"library": library, "kind": kind, "store": str(tmp_path)}
    recorded = ask_once(case.recorded(), server.url, **options)
    assert (recorded.outcomes, len(server.requests)) == (["miss"], 1)
    heard = Heard()
    with pytest.raises(CacheMiss) as caught:
        ask_once(
            case.missed(),
            server.url,
            **options,
            backend=backend or "asyncio",
            mode="replay",
            heard=heard,
        )
    assert (heard.requests, heard.outcomes) == (1, [])
    assert len(server.requests) == 1
    miss = caught.value
    assert type(miss) is CacheMiss
    assert miss.__cause__ is None
    assert miss.reason == "no_recording"
    assert miss.nearest is not None
    assert miss.request.url == server.url + case.path
    assert miss.request.header("authorization") is None
    assert miss.request.header("x-api-key") is None
    check_text(str(miss), server, case)


@pytest.mark.exhaustive
@pytest.mark.upstream
def test_the_older_clients_raise_a_miss_as_itself_after_one_request(
    server: ScriptedServer, tmp_path: Path
) -> None:
    """openai 2.x and anthropic 0.x wrap every `Exception` of a transport, sleep and ask again."""
    recorded, answers = run_session(
        openai2_python(),
        ([case.recorded() for case in CASES], "auto"),
        ([case.missed() for case in CASES], "replay"),
        urls={"openai": server.url, "anthropic": server.url},
        store=tmp_path,
        root=ROOT,
        live=True,
    )
    for name, heard in recorded.items():
        assert heard["raised"] is None, name
        assert heard["outcomes"] in (["miss"], ["hit"]), name
    assert len(server.requests) == 2 * len({case.path for case in CASES})
    for case in CASES:
        for kind in KINDS:
            heard = answers[f"{case.name} {kind}"]
            assert heard["raised"] is not None, case.name
            assert heard["raised"]["type"] == "replaycache.CacheMiss"
            assert heard["raised"]["cause"] is None
            assert (heard["requests"], heard["outcomes"]) == (1, [])
            check_text(heard["raised"]["text"], server, case)


def client_for(server: ScriptedServer, store: str = ":memory:") -> tuple[openai.OpenAI, Watched]:
    watched = Watched(ReplayTransport(store=store, mode="replay"))
    http_client = httpx2.Client(transport=watched)
    return openai.OpenAI(base_url=server.url, api_key="a-key", http_client=http_client), watched


def test_nothing_is_near_in_an_empty_store(server: ScriptedServer) -> None:
    client, watched = client_for(server)
    with client, pytest.raises(CacheMiss) as caught:
        client.chat.completions.create(model="a-model", messages=user(UNKNOWN))
    assert caught.value.nearest is None
    assert "nearest" not in str(caught.value)
    assert (watched.requests, server.requests) == (1, [])


def test_code_that_catches_every_exception_does_not_hide_a_miss(server: ScriptedServer) -> None:
    client, watched = client_for(server)

    def ask_with_fallback() -> str:
        for model in ("a-model", "another-model"):
            try:
                client.chat.completions.create(model=model, messages=user(UNKNOWN))
            except Exception:
                continue
        return "no model answers"

    with client, pytest.raises(CacheMiss, match="model a-model"):
        ask_with_fallback()
    assert (watched.requests, server.requests) == (1, [])


def test_a_miss_leaves_the_client_usable(server: ScriptedServer, tmp_path: Path) -> None:
    client, watched = client_for(server, str(tmp_path))
    auto = {"x-replaycache-mode": "auto"}
    with client:
        for text in (KNOWN, UNKNOWN):
            with pytest.raises(CacheMiss):
                client.chat.completions.create(model="a-model", messages=user(text))
            client.chat.completions.create(model="a-model", messages=user(text), extra_headers=auto)
            client.chat.completions.create(model="a-model", messages=user(text))
    assert (watched.requests, watched.outcomes) == (6, ["miss", "hit"] * 2)
    assert len(server.requests) == 2
    assert not any(name.startswith("x-replaycache") for name in server.requests[0].headers)


def test_one_call_asks_not_to_go_live(server: ScriptedServer) -> None:
    http_client = httpx2.Client(transport=ReplayTransport(store=":memory:", mode="auto"))
    with (
        anthropic.Anthropic(base_url=server.url, api_key="a-key", http_client=http_client) as client,
        pytest.raises(CacheMiss),
    ):
        client.messages.create(**LIMITED, messages=user(UNKNOWN), extra_headers={"x-replaycache-mode": "replay"})
    assert server.requests == []


def test_a_miss_comes_out_of_a_thread(server: ScriptedServer) -> None:
    client, _ = client_for(server)
    with client, ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(client.chat.completions.create, model="a-model", messages=user(text))
            for text in (KNOWN, UNKNOWN)
        ]
        for future in futures:
            with pytest.raises(CacheMiss, match="model a-model"):
                future.result()
    assert server.requests == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_miss_comes_out_of_a_task_group(server: ScriptedServer, backend: str) -> None:
    async def ask_in_tasks() -> None:
        http_client = httpx2.AsyncClient(transport=AsyncReplayTransport(store=":memory:", mode="replay"))
        async with openai.AsyncOpenAI(base_url=server.url, api_key="a-key", http_client=http_client) as client:

            async def ask(text: str) -> None:
                await client.chat.completions.create(model="a-model", messages=user(text))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask, KNOWN)
                tasks.start_soon(ask, UNKNOWN)

    missed: list[BaseException] = []
    try:
        anyio.run(ask_in_tasks, backend=backend)
    except* CacheMiss as group:
        missed.extend(group.exceptions)
    assert missed
    assert all(type(miss) is CacheMiss for miss in missed)
    assert server.requests == []
