"""What looks like a credential reaches no cassette, wherever it stands."""

from __future__ import annotations

import gzip
import json
import warnings
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from replaycache import CacheMiss, Redact, ReplayCacheWarning, SecretFound, use_cassette
from replaycache.stores import CassetteStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.session.test_session import ask
from tests.test_transports import CHAT

# put together here, so that this file itself holds nothing that looks like a key
OPENAI = "sk-" + "proj-" + "a1B2c3D4e5F6" * 5
GITHUB = "ghp_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX"


def plant(number: int) -> str:
    """A secret of its own: 40 different ones."""
    return "ghp_" + f"{number:02d}aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1w"


def streaming(text: str) -> Any:
    """Answers with a stream whose text is cut into pieces of seven characters."""

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        for start in range(0, len(text), 7):
            delta = {"choices": [{"index": 0, "delta": {"content": text[start : start + 7]}}]}
            wire.chunk(f"data: {json.dumps(delta)}\n\n".encode())
        wire.chunk(b"data: [DONE]\n\n")
        wire.end_chunks()

    return handle


def answering(text: str, **headers: str) -> Any:
    def handle(request: Received, wire: Wire) -> None:
        wire.answer(json.dumps({"text": text}).encode(), **headers)

    return handle


def on_disk(directory: Path) -> bytes:
    """Every byte below a directory, and what unpacks from it."""
    found = []
    for path in directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found.append(data)
            for start in range(len(data)):
                if data[start : start + 2] in (b"\x1f\x8b", b"x\x9c", b"x\x01"):
                    try:
                        found.append(zlib.decompressobj(47).decompress(data[start:]))
                    except zlib.error:
                        continue
    return b"\0".join(found)


PLACES = [
    (
        "prompt",
        {"messages": [{"role": "user", "content": f"my key is {OPENAI}"}]},
        answering("ok"),
        "request.body",
    ),
    ("answer", {}, answering(f"use {OPENAI}"), "response.body"),
    ("a stream, split", {"stream": True}, streaming(f"use {OPENAI} now"), "response.text"),
    ("tool input", {"tools": [{"function": {"description": GITHUB}}]}, answering("ok"), "request.body"),
]


@pytest.mark.parametrize(("body", "handler", "where"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_a_recording_with_a_secret_is_not_written_and_the_end_says_where(
    driver: Driver, tmp_path: Path, body: dict[str, Any], handler: Any, where: str
) -> None:
    cassette = use_cassette(tmp_path / "c.json")

    async def run() -> None:
        with ScriptedServer(handler) as server:
            cassette.__enter__()
            with pytest.warns(ReplayCacheWarning, match="was not written"):
                answer = await ask(driver, server.url, **body)
            assert answer.status_code == 200
            assert outcome_of(answer).status == "live"
            with pytest.raises(SecretFound, match=where) as caught:
                cassette.__exit__(None, None, None)
            assert OPENAI not in str(caught.value)
            assert GITHUB not in str(caught.value)
            assert "Redact(secrets='replace')" in str(caught.value)
            assert "Redact(body=" not in str(caught.value)

    driver.run(run)
    assert not (tmp_path / "c.json").exists()


def test_a_field_that_can_be_named_is(driver: Driver, tmp_path: Path) -> None:
    async def run(**options: Any) -> None:
        with ScriptedServer(answering("ok")) as server, use_cassette(tmp_path / "c.json", **options):
            await ask(driver, server.url, session_token=OPENAI, hint=GITHUB)

    async def body() -> None:
        with pytest.warns(ReplayCacheWarning), pytest.raises(SecretFound) as caught:
            await run()
        assert "Redact(body=['session_token', 'hint'])" in str(caught.value)
        await run(redact=Redact(body=["session_token", "hint"]))

    driver.run(body)
    assert (tmp_path / "c.json").exists()


def test_the_transport_says_so_when_it_is_closed(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        with ScriptedServer(answering(OPENAI)) as server:
            transport = driver.transport(store=str(tmp_path / "c.json"))
            real = (driver.module.AsyncClient if driver.is_async else driver.module.Client)(transport=transport)
            with pytest.warns(ReplayCacheWarning):
                await ask(driver, server.url, real)
            with pytest.raises(SecretFound, match="openai-key in response.body"):
                await real.aclose() if driver.is_async else real.close()

    driver.run(body)


@pytest.mark.parametrize(("body", "handler", "where"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_where_the_user_chose_it_a_placeholder_is_written_and_matches(
    driver: Driver, tmp_path: Path, body: dict[str, Any], handler: Any, where: str
) -> None:
    path = tmp_path / "c.json"
    redact = Redact(secrets="replace")

    async def run() -> None:
        with ScriptedServer(handler) as server:
            url = server.url
            with use_cassette(path, redact=redact):
                live = await ask(driver, url, **body)
        with use_cassette(path, mode="replay", redact=redact):
            replayed = await ask(driver, url, **body)
        assert replayed.status_code == live.status_code
        assert "REDACTED-" in path.read_text()

    driver.run(run)
    text = on_disk(tmp_path)
    assert OPENAI.encode() not in text
    assert GITHUB.encode() not in text


def test_40_planted_secrets_are_on_no_disk(driver: Driver, tmp_path: Path) -> None:
    """Headers, cookies, query, body fields, prompt, answer, file name, multipart; packed or not."""
    path = tmp_path / "c.json"
    secrets = [plant(number) for number in range(40)]
    coming = iter(secrets)

    def s() -> str:
        return next(coming)

    headers = {name: s() for name in ("authorization", "x-api-key", "api-key", "cookie", "openai-organization",
                                       "openai-project", "x-custom", "proxy-authorization")}  # fmt: skip
    answer_headers = {
        name: s() for name in ("set_cookie", "openai_organization", "x_internal_token", "x_request_id")
    }
    query = "&".join(f"{name}={s()}" for name in ("key", "api_key", "access_token", "client_secret"))
    fields = {
        name: s() for name in ("api_key", "password", "access_token", "refresh_token", "id_token", "authorization")
    }
    mcp = {"type": "mcp", "server_url": f"https://u:{s()}@h.example/?api_key={s()}", "authorization": s(),
           "headers": {"Authorization": s(), "X-Tenant": s()}}  # fmt: skip
    prompt, told, in_name, in_field, in_file = s(), s(), s(), s(), s()

    def handle(request: Received, wire: Wire) -> None:
        body = gzip.compress(json.dumps({"text": f"here: {told}"}).encode())
        wire.answer(body, content_encoding="gzip", **answer_headers)

    async def run() -> None:
        with ScriptedServer(handle) as server, use_cassette(path, redact=Redact(secrets="replace")):
            client = driver.module.AsyncClient() if driver.is_async else driver.module.Client()

            async def post(where: str, **arguments: Any) -> None:
                answer = client.post(f"{server.url}{where}", headers=headers, **arguments)
                assert (await answer if driver.is_async else answer).status_code == 200

            asked = {**fields, "tools": [mcp], "messages": [{"role": "user", "content": f"key: {prompt}"}]}
            await post(f"{CHAT}?{query}", json=asked)
            await post("/token", data=fields)
            await post(
                "/v1/audio/transcriptions",
                data={"prompt": in_field, **fields},
                files={"file": (f"{in_name}.wav", in_file.encode(), "audio/wav")},
            )
            await client.aclose() if driver.is_async else client.close()

    driver.run(run)
    text = on_disk(tmp_path)
    assert len(CassetteStore(path)) == 3
    assert [secret for secret in secrets if secret.encode() in text] == []


@pytest.mark.parametrize("where", ["prompt", "model", "path"])
def test_a_miss_does_not_repeat_a_secret(where: str, tmp_path: Path) -> None:
    """What a test prints in CI is read by more people than the cassette."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]}
    with ScriptedServer(answering("Hello.")) as server:
        with use_cassette(tmp_path / "c.json"), httpx.Client() as client:
            client.post(server.url + CHAT, json=body)
        if where == "prompt":
            body["messages"] = [{"role": "user", "content": f"Say {OPENAI}."}]
        elif where == "model":
            body["model"] = OPENAI
        path = f"/{GITHUB}{CHAT}" if where == "path" else CHAT
        with (
            pytest.raises(CacheMiss) as caught,
            use_cassette(tmp_path / "c.json", mode="replay"),
            httpx.Client() as client,
        ):
            client.post(server.url + path, json=body)

    assert "no recording answers this request" in str(caught.value)
    assert OPENAI[:30] not in str(caught.value)
    assert GITHUB[:20] not in str(caught.value)


def test_no_report_shows_what_stands_in_a_url(driver: Driver, tmp_path: Path) -> None:
    """A call that is not kept is told with its URL, and with a placeholder in a parameter that nobody knows."""
    secret = "98b51b5b866bad24f0aaad3f" + "157ac3abdc9c1cbeaabdc445"

    def cut(received: Received, wire: Wire) -> None:
        wire.head(200, content_length="100", content_type="application/json")
        wire.send(b"{")
        wire.cut()

    async def body() -> None:
        with ScriptedServer(cut) as server, use_cassette(tmp_path / "c.json"):
            async with driver.plain_client() as client:
                with pytest.raises(driver.module.TransportError):
                    await client.post(f"{server.url}{CHAT}?app_key={secret}", json={"messages": []})

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        driver.run(body)
    texts = [str(one.message) for one in told if issubclass(one.category, ReplayCacheWarning)]
    assert any("?app_key=REDACTED-" in text for text in texts)
    assert not any(secret in text for text in texts)
