"""What answers in the process is no upstream: applications under test, and mocks."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from starlette import testclient

from replaycache import CacheMiss, install, uninstall, use_cassette
from replaycache.stores import CassetteStore
from tests.drivers import Driver
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT

SESSIONS = ["install", "once", "replay", "record", "everywhere"]


@contextmanager
def session(kind: str, path: Path) -> Iterator[None]:
    """Each way to record or replay what clients call that others made."""
    with ExitStack() as left:
        if kind == "install":
            install(store=str(path))
            left.callback(uninstall)
        elif kind == "everywhere":
            left.enter_context(use_cassette(path, mode="replay").everywhere())
        else:
            left.enter_context(use_cassette(path, mode=kind))
        yield


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"by":"app"}'})


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("content-type", "application/json")])
    return [b'{"by":"app"}']


def mock(driver: Driver) -> Any:
    return driver.module.MockTransport(lambda request: driver.module.Response(200, json={"by": "mock"}))


def retrying(driver: Driver, inner: Any) -> Any:
    """A transport of the user's own around another."""
    base = driver.module.AsyncBaseTransport if driver.is_async else driver.module.BaseTransport

    class Retrying(base):  # type: ignore[misc,valid-type]  # of the library that is tried
        def __init__(self) -> None:
            self.wrapped = inner

        def handle_request(self, request: Any) -> Any:
            return self.wrapped.handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await self.wrapped.handle_async_request(request)

        def close(self) -> None:
            self.wrapped.close()

        async def aclose(self) -> None:
            await self.wrapped.aclose()

    return Retrying()


def answering_by(driver: Driver, handler: Any) -> Any:
    """As OpenAI's suite makes it, to see a body before it is read."""
    base = driver.module.AsyncBaseTransport if driver.is_async else driver.module.BaseTransport

    class Answering(base):  # type: ignore[misc,valid-type]  # of the library that is tried
        def __init__(self) -> None:
            self.handler = handler

        def handle_request(self, request: Any) -> Any:
            return self.handler(request)

        async def handle_async_request(self, request: Any) -> Any:
            return self.handler(request)

    return Answering()


def transport(driver: Driver, kind: str) -> Any:
    module = driver.module
    if kind == "application":
        return module.ASGITransport(app=asgi) if driver.is_async else module.WSGITransport(app=wsgi)
    if kind == "mock":
        return mock(driver)
    if kind == "mock of a test's own":
        return answering_by(driver, lambda request: module.Response(200, json={"by": "mock"}))
    if kind == "application in a transport that retries":
        return retrying(driver, transport(driver, "application"))
    assert kind == "mock in a transport that retries"
    return retrying(driver, mock(driver))


async def post(driver: Driver, inner: Any, url: str = "http://api.example") -> Any:
    """Through a bare client on this transport; None for the library's own."""
    if driver.is_async:
        async with driver.module.AsyncClient(transport=inner) as client:
            return await client.post(url + CHAT, json=ASKED)
    with driver.module.Client(transport=inner) as client:
        return client.post(url + CHAT, json=ASKED)


@pytest.mark.parametrize("kind", SESSIONS)
@pytest.mark.parametrize(
    "answering",
    [
        "application",
        "mock",
        "mock of a test's own",
        "application in a transport that retries",
        "mock in a transport that retries",
    ],
)
def test_what_answers_in_the_process_passes_through(
    driver: Driver, tmp_path: Path, kind: str, answering: str
) -> None:
    async def body() -> None:
        path = tmp_path / "c.json"
        with session(kind, path):
            for _ in range(2):
                answer = await post(driver, transport(driver, answering))
                assert answer.json()["by"] in ("app", "mock")
                assert "replaycache" not in answer.extensions
        assert not path.exists() or not CassetteStore(path).all() if kind != "install" else True

    driver.run(body)


@pytest.mark.parametrize("kind", SESSIONS)
def test_a_mock_in_the_place_of_the_librarys_own_transport_passes_through(
    driver: Driver, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pytest-httpx puts its answers there, before or after the session began."""
    owner = driver.module.AsyncHTTPTransport if driver.is_async else driver.module.HTTPTransport
    response = functools.partial(driver.module.Response, 200, json={"by": "mock"})

    async def answered(self: Any, request: Any) -> Any:
        return response()

    def put() -> None:
        if driver.is_async:
            monkeypatch.setattr(owner, "handle_async_request", answered)
        else:
            monkeypatch.setattr(owner, "handle_request", lambda self, request: response())

    async def body() -> None:
        with session(kind, tmp_path / "a.json"):
            put()
            assert (await post(driver, None)).json() == {"by": "mock"}
        with session(kind, tmp_path / "b.json"):
            assert (await post(driver, None)).json() == {"by": "mock"}

    driver.run(body)


@pytest.mark.parametrize("kind", SESSIONS)
@pytest.mark.parametrize("using", ["httpcore", "httpx"])
@pytest.mark.parametrize("how", ["sync", "asyncio"])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_respx_answers_passes_through(
    tmp_path: Path, kind: str, using: str, how: str, is_first: bool
) -> None:
    driver = Driver("httpx", how)

    async def body() -> None:
        with ExitStack() as left:
            order: list[Any] = [
                respx.mock(using=using, assert_all_called=False),
                session(kind, tmp_path / "c.json"),
            ]
            router = None
            for context in order if is_first else reversed(order):
                router = left.enter_context(context) or router
            route = router.post(f"http://api.example{CHAT}").mock(
                return_value=httpx.Response(200, json={"by": "mock"})
            )
            for _ in range(2):
                assert (await post(driver, None)).json() == {"by": "mock"}
            assert route.call_count == 2
        assert not (tmp_path / "c.json").is_file()

    driver.run(body)


def test_the_call_that_the_application_under_test_makes_is_recorded(driver: Driver, tmp_path: Path) -> None:
    """And its own answer is its own: a broken application is not hidden by a recording."""
    path = tmp_path / "c.json"
    is_broken = False

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async with driver.module.AsyncClient() as client:
            answer = await client.post(url + CHAT, json=ASKED)
        body = b"{}" if is_broken else json.dumps({"said": answer.json()["answer"]}).encode()
        await send({"type": "http.response.start", "status": 500 if is_broken else 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def synchronous(environ: Any, start_response: Any) -> list[bytes]:
        with driver.module.Client() as client:
            answer = client.post(url + CHAT, json=ASKED)
        start_response("500 No" if is_broken else "200 OK", [])
        return [b"{}" if is_broken else json.dumps({"said": answer.json()["answer"]}).encode()]

    async def under_test() -> Any:
        module = driver.module
        inner = module.ASGITransport(app=application) if driver.is_async else module.WSGITransport(app=synchronous)
        return await post(driver, inner, "http://app.example")

    async def body() -> None:
        nonlocal url, is_broken
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            with use_cassette(path):
                assert (await under_test()).json() == {"said": 1}
        assert [recording.request.url for recording in CassetteStore(path).all()] == [url + CHAT]
        with use_cassette(path, mode="replay"):
            assert (await under_test()).json() == {"said": 1}
        is_broken = True
        with use_cassette(path, mode="replay"):
            assert (await under_test()).status_code == 500

    url = ""
    driver.run(body)


def test_starlettes_client_reaches_its_application(tmp_path: Path) -> None:
    """FastAPI's is the same."""
    client = testclient.TestClient(asgi)
    with use_cassette(tmp_path / "c.json", mode="replay"):
        assert client.post("/v1/chat/completions", json=ASKED).json() == {"by": "app"}


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_transport_without_store_and_mode_follows_the_session(
    driver: Driver, tmp_path: Path, is_wrapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))
    kind = driver.adapter.AsyncReplayTransport if driver.is_async else driver.adapter.ReplayTransport

    def made(**options: Any) -> Any:
        return retrying(driver, kind(**options)) if is_wrapped else kind(**options)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with use_cassette(tmp_path / "c.json") as cassette:
                assert (await post(driver, made(), server.url)).json() == {"answer": 1}
                assert cassette.tally.recorded == 1
            with use_cassette(tmp_path / "c.json", mode="replay") as cassette:
                assert (await post(driver, made(), server.url)).json() == {"answer": 1}
                with pytest.raises(CacheMiss):
                    await post(driver, made(), server.url)
                # what names its store or mode is the user's word
                named = await post(driver, made(store=":memory:"), server.url)
                assert named.json() == {"answer": 2}
                assert (await post(driver, made(mode="auto"), server.url)).json() == {"answer": 3}
                assert cassette.tally.own_way == 2
                assert "2 by transports with a store or mode of their own" in repr(cassette)
            assert len(server.requests) == 3
            assert (await post(driver, made(), server.url)).json() == {"answer": 3}  # outside, the user's cache

    driver.run(body)


def test_a_live_server_of_the_application_is_left_alone(driver: Driver, tmp_path: Path) -> None:
    """The third of the usual ways to test it: `ignore_hosts` names where it listens."""
    path = tmp_path / "c.json"

    def answer(request: Any, wire: Any) -> None:
        with driver.module.Client() if not driver.is_async else httpx.Client() as client:
            said = client.post(upstream.url + CHAT, json=ASKED).json()["answer"]
        wire.answer(json.dumps({"said": said}).encode())

    async def body() -> None:
        for mode in ("once", "replay"):
            with ScriptedServer(answer) as application:
                own = application.url.partition("://")[2]
                with use_cassette(path, mode=mode, ignore_hosts=[own]).everywhere():
                    assert (await post(driver, None, application.url)).json() == {"said": 1}
        assert [recording.request.url for recording in CassetteStore(path).all()] == [upstream.url + CHAT]
        assert len(upstream.requests) == 1

    with ScriptedServer(counting_answers()) as upstream:
        driver.run(body)
