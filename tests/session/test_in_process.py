"""What answers in the process is no upstream: applications under test, and mocks."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import AsyncMock, MagicMock, create_autospec

import httpcore
import httpcore2
import httpx
import pytest
import respx
from starlette import testclient

from replaycache import CacheMiss, Outcome, install, uninstall, use_cassette
from replaycache.stores import CassetteStore
from tests.drivers import Driver, outcome_of
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT, EVENTS, STREAMED, stream_events

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


def put_in_place(driver: Driver, target: Any) -> Any:
    """A stand-in of `unittest.mock` answers by this method of `target`, which is given back."""

    async def answered(*_: Any) -> Any:
        return driver.module.Response(200, json={"by": "mock"})

    name = "handle_async_request" if driver.is_async else "handle_request"
    if driver.is_async:
        setattr(target, name, MagicMock(side_effect=answered))
    else:
        setattr(target, name, MagicMock(side_effect=lambda *_: driver.module.Response(200, json={"by": "mock"})))
    return target


def own(driver: Driver) -> Any:
    """The library's own transport."""
    return driver.module.AsyncHTTPTransport() if driver.is_async else driver.module.HTTPTransport()


def on_a_mock_of_a_network(driver: Driver) -> Any:
    inner = own(driver)
    core = {"httpx": httpcore, "httpx2": httpcore2}[driver.library]
    said = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n", b'{"by":"mock"}']
    if driver.is_async:
        inner._pool = core.AsyncConnectionPool(network_backend=core.AsyncMockBackend(said))
    else:
        inner._pool = core.ConnectionPool(network_backend=core.MockBackend(said))
    return inner


def asking(driver: Driver, ask: Any, **attributes: Any) -> Any:
    """A transport that answers what `ask(self, request)` does."""
    base = driver.module.AsyncBaseTransport if driver.is_async else driver.module.BaseTransport

    class Asking(base):  # type: ignore[misc,valid-type]  # of the library that is tried
        if driver.is_async:

            async def handle_async_request(self, request: Any) -> Any:
                return await ask(self, request)

            async def aclose(self) -> None:
                for value in attributes.values():
                    if hasattr(value, "aclose"):
                        await value.aclose()
        else:

            def handle_request(self, request: Any) -> Any:
                return ask(self, request)

            def close(self) -> None:
                for value in attributes.values():
                    if hasattr(value, "close"):
                        value.close()

    made = Asking()
    vars(made).update(attributes)
    return made


def asked(driver: Driver, inner: Any, request: Any) -> Any:
    return inner.handle_async_request(request) if driver.is_async else inner.handle_request(request)


def client_on(driver: Driver, inner: Any) -> Any:
    return (driver.module.AsyncClient if driver.is_async else driver.module.Client)(transport=inner)


class Holder:
    """No transport by its class, and called like one."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def handle_request(self, request: Any) -> Any:
        return self.inner.handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        return await self.inner.handle_async_request(request)

    def close(self) -> None: ...

    async def aclose(self) -> None: ...

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def of_a_test_client(driver: Driver) -> Any:
    """As Litestar's has it: the transport knows its client, and that the application."""
    app_client = client_on(driver, None)
    app_client.app = asgi
    inner = transport(driver, "application")
    return asking(driver, lambda self, request: asked(driver, inner, request), client=app_client)


ANSWERING: dict[str, Any] = {
    "application": lambda driver: (
        driver.module.ASGITransport(app=asgi) if driver.is_async else driver.module.WSGITransport(app=wsgi)
    ),
    "mock": mock,
    "mock of a test's own": lambda driver: answering_by(
        driver, lambda request: driver.module.Response(200, json={"by": "mock"})
    ),
    "application in a transport that retries": lambda driver: retrying(driver, transport(driver, "application")),
    "mock in a transport that retries": lambda driver: retrying(driver, mock(driver)),
    "mock on one transport": lambda driver: put_in_place(driver, own(driver)),
    "mock on a pool": lambda driver: on_a_mocked_pool(driver),
    "mock of a network": on_a_mock_of_a_network,
    "MagicMock": lambda driver: put_in_place(driver, MagicMock(aclose=AsyncMock())),
    "MagicMock in the likeness of a transport": lambda driver: put_in_place(
        driver,
        MagicMock(spec=driver.module.AsyncBaseTransport if driver.is_async else driver.module.BaseTransport),
    ),
    "create_autospec": lambda driver: put_in_place(
        driver,
        create_autospec(
            driver.module.AsyncHTTPTransport if driver.is_async else driver.module.HTTPTransport, instance=True
        ),
    ),
    "mock in a dict": lambda driver: asking(
        driver, lambda self, request: asked(driver, self.by["a"], request), by={"a": mock(driver)}
    ),
    "mock in a closure": lambda driver: in_a_closure(driver, mock(driver)),
    "mock in a client inside": lambda driver: asking(
        driver, lambda self, request: self.client.send(request), client=client_on(driver, mock(driver))
    ),
    "mock in no transport by its class": lambda driver: Holder(mock(driver)),
    "mock two objects deep": lambda driver: retrying(driver, Holder(Holder(mock(driver)))),
    "test client": of_a_test_client,
}


IN_SESSIONS = [
    pytest.param(kind, answering, marks=() if kind == "once" or answering == "mock" else pytest.mark.exhaustive)
    for kind in SESSIONS
    for answering in ANSWERING
]


def in_a_closure(driver: Driver, inner: Any) -> Any:
    return asking(driver, lambda self, request: asked(driver, inner, request))


def on_a_mocked_pool(driver: Driver) -> Any:
    inner = own(driver)
    found = {"by": "mock"}
    core = {"httpx": httpcore, "httpx2": httpcore2}[driver.library]

    async def answered(request: Any) -> Any:
        return core.Response(200, content=json.dumps(found).encode())

    if driver.is_async:
        inner._pool.handle_async_request = answered
    else:
        inner._pool.handle_request = lambda request: core.Response(200, content=json.dumps(found).encode())
    return inner


def transport(driver: Driver, kind: str) -> Any:
    return ANSWERING[kind](driver)


async def post(driver: Driver, inner: Any, url: str = "http://api.example") -> Any:
    """Through a bare client on this transport; None for the library's own."""
    if driver.is_async:
        async with driver.module.AsyncClient(transport=inner) as client:
            return await client.post(url + CHAT, json=ASKED)
    with driver.module.Client(transport=inner) as client:
        return client.post(url + CHAT, json=ASKED)


@pytest.mark.sampled(24)
@pytest.mark.parametrize(("kind", "answering"), IN_SESSIONS)
def test_what_answers_in_the_process_passes_through(
    driver: Driver, tmp_path: Path, kind: str, answering: str
) -> None:
    async def body() -> None:
        path = tmp_path / "c.json"
        with session(kind, path):
            for _ in range(2):
                answer = await post(driver, transport(driver, answering))
                assert answer.json()["by"] in ("app", "mock")
                assert not isinstance(answer.extensions.get("replaycache"), Outcome)
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


AIOHTTP = """
class ClientSession:
    async def request(self, method, url):
        return await self._request(method, url)

    async def _request(self, method, url):
        return {"by": "upstream"}
"""
OVER_AIOHTTP = """
class Transport:
    async def handle_async_request(self, request):
        session = aiohttp.ClientSession()
        return response(200, json=await session.request(request.method, str(request.url)))

    async def aclose(self):
        pass
"""


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("replaced", ["request", "_request"])
def test_a_mock_below_a_transport_that_runs_over_aiohttp_passes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, replaced: str
) -> None:
    """As aioresponses puts its answers there; the modules are built as aiohttp and httpx-aiohttp are."""
    driver = Driver(library, "asyncio")
    aiohttp, client, over = ModuleType("aiohttp"), ModuleType("aiohttp.client"), ModuleType("over_aiohttp")
    exec(AIOHTTP, vars(client))
    vars(aiohttp)["ClientSession"] = vars(client)["ClientSession"]
    vars(over).update(aiohttp=aiohttp, response=driver.module.Response)
    exec(OVER_AIOHTTP, vars(over))
    for module in (aiohttp, client, over):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    inner = type(
        "Transport", (vars(over)["Transport"], driver.module.AsyncBaseTransport), {"__module__": "over_aiohttp"}
    )

    async def mocked(*_: Any) -> Any:
        return {"by": "mock"}

    async def body() -> None:
        path = tmp_path / "a.json"
        with use_cassette(path, mode="auto"):
            assert (await post(driver, inner())).json() == {"by": "upstream"}
        with use_cassette(path, mode="auto"):
            with monkeypatch.context() as patch:
                patch.setattr(vars(aiohttp)["ClientSession"], replaced, mocked)
                assert (await post(driver, inner())).json() == {"by": "mock"}
            assert (await post(driver, inner())).json() == {"by": "upstream"}
        assert len(CassetteStore(path)) == 1

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


# -- transports of ours above a mock -------------------------------------------------------------------------


def replaced(driver: Driver, monkeypatch: pytest.MonkeyPatch, is_meant: Any = lambda request: True) -> None:
    """As pytest-httpx does: the library's own transport is asked all the same for what is not meant."""
    owner = driver.module.AsyncHTTPTransport if driver.is_async else driver.module.HTTPTransport
    name = "handle_async_request" if driver.is_async else "handle_request"
    real = getattr(owner, name)

    async def answered(self: Any, request: Any) -> Any:
        if is_meant(request):
            return driver.module.Response(200, json={"by": "mock"})
        return await real(self, request)

    def answered_at_once(self: Any, request: Any) -> Any:
        if is_meant(request):
            return driver.module.Response(200, json={"by": "mock"})
        return real(self, request)

    monkeypatch.setattr(owner, name, answered if driver.is_async else answered_at_once)


@contextmanager
def followed(kind: str, path: Path) -> Iterator[None]:
    if kind == "nothing":
        yield
        return
    with session(kind, path):
        yield


@pytest.mark.parametrize("kind", ["nothing", "install", "once", "replay"])
@pytest.mark.parametrize("is_explicit", [True, False])
def test_a_mock_below_a_transport_of_ours_answers_and_is_not_stored(
    driver: Driver, tmp_path: Path, kind: str, is_explicit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))

    async def body() -> None:
        with followed(kind, tmp_path / "c.json"):
            with monkeypatch.context() as patching:
                replaced(driver, patching)
                for _ in range(2):
                    answer = await post(driver, driver.transport(own(driver) if is_explicit else None))
                    assert answer.json() == {"by": "mock"}
                    assert "replaycache" not in answer.extensions
        with pytest.raises(CacheMiss):
            await post(driver, driver.transport(mode="replay"))
        assert not (tmp_path / "c.json").is_file()

    driver.run(body)


@pytest.mark.parametrize("how", ["sync", "asyncio"])
def test_what_respx_answers_is_not_stored_by_a_transport_of_ours(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))
    driver = Driver("httpx", how)

    async def body() -> None:
        used = driver.transport()
        with respx.mock(using="httpcore") as router:
            router.post(f"http://api.example{CHAT}").mock(return_value=httpx.Response(200, json={"by": "mock"}))
            for inner in (used, driver.transport(), used):
                assert (await post(driver, inner)).json() == {"by": "mock"}
        with pytest.raises(CacheMiss):
            await post(driver, driver.transport(mode="replay"))

    driver.run(body)


@pytest.mark.sampled(24)
@pytest.mark.parametrize(("kind", "answering"), IN_SESSIONS)
def test_a_transport_that_follows_is_none_over_what_answers_in_the_process(
    driver: Driver, tmp_path: Path, kind: str, answering: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAYCACHE_DIR", str(tmp_path / "cache"))

    async def body() -> None:
        with session(kind, tmp_path / "c.json"):
            answer = await post(driver, driver.transport(transport(driver, answering)))
            assert answer.json()["by"] in ("app", "mock")
        assert not (tmp_path / "c.json").is_file()
        assert not (tmp_path / "cache").exists()

    driver.run(body)


def test_a_mock_that_the_user_gives_to_a_transport_is_its_upstream(driver: Driver) -> None:
    async def body() -> None:
        inner = driver.transport(mock(driver), store=":memory:")
        answers = [await post(driver, inner) for _ in range(2)]
        assert [outcome_of(answer).status for answer in answers] == ["miss", "hit"]

    driver.run(body)


# -- what answers in part ------------------------------------------------------------------------------------


def routing(driver: Driver) -> Any:
    """A mock for one host, the library's own for the others."""
    return asking(
        driver,
        lambda self, request: asked(driver, self.local if request.url.host == "local" else self.real, request),
        local=mock(driver),
        real=own(driver),
    )


def told_of(driver: Driver) -> Any:
    """Its handler is only told of what came."""

    async def ask(self: Any, request: Any) -> Any:
        answer = await self.inner.handle_async_request(request)
        self.handler(answer)
        return answer

    def ask_at_once(self: Any, request: Any) -> Any:
        answer = self.inner.handle_request(request)
        self.handler(answer)
        return answer

    return asking(driver, ask if driver.is_async else ask_at_once, inner=own(driver), handler=lambda answer: None)


@pytest.mark.parametrize("make", [routing, told_of])
@pytest.mark.parametrize("follows", [True, False])
def test_what_calls_upstream_beside_a_mock_is_recorded_and_replayed(
    driver: Driver, tmp_path: Path, make: Any, follows: bool
) -> None:
    path = tmp_path / "c.json"

    def made() -> Any:
        return driver.transport(make(driver)) if follows else make(driver)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with use_cassette(path):
                kept = made()  # it may outlive its session
                for number in (1, 2):
                    assert (await post(driver, kept, server.url)).json() == {"answer": number}
                if make is routing:
                    assert (await post(driver, made(), "http://local")).json() == {"by": "mock"}
            with use_cassette(path, mode="replay"):
                replaying = made()
                for number in (1, 2):
                    answer = await post(driver, replaying, server.url)
                    assert (answer.json(), outcome_of(answer).status) == ({"answer": number}, "hit")
                with pytest.raises(CacheMiss):
                    await post(driver, replaying, server.url)
                if make is routing:
                    assert (await post(driver, made(), "http://local")).json() == {"by": "mock"}
            assert len(server.requests) == 2
            if not follows:
                live = await post(driver, replaying, server.url)
                assert live.json() == {"answer": 3}
                assert "replaycache" not in live.extensions
        assert len(CassetteStore(path).all()) == 2

    driver.run(body)


@pytest.mark.parametrize("kind", ["client", "follower", "own store"])
def test_what_a_mock_leaves_to_the_librarys_own_is_recorded_and_replayed(
    driver: Driver, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what traces each call, and does not say whom it wraps."""
    path = tmp_path / "c.json"
    replaced(driver, monkeypatch, lambda request: request.url.host == "mocked.example")

    def made(mode: str) -> Any:
        if kind == "client":
            return None
        return driver.transport(**({"store": str(path), "mode": mode} if kind == "own store" else {}))

    async def ask(mode: str, url: str) -> Any:
        if kind == "own store":
            return await post(driver, made(mode), url)
        with use_cassette(path, mode=mode):
            return await post(driver, made(mode), url)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            for mode, status in (("once", "miss"), ("replay", "hit")):
                answer = await ask(mode, server.url)
                assert (answer.json(), outcome_of(answer).status) == ({"answer": 1}, status)
                assert (await ask(mode, "http://mocked.example")).json() == {"by": "mock"}
            assert [request.target for request in server.requests] == [CHAT]
        assert [recording.request.url for recording in CassetteStore(path).all()] == [server.url + CHAT]

    driver.run(body)


def test_a_stream_below_a_mock_keeps_its_chunks(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(driver, monkeypatch, lambda request: False)
    path = tmp_path / "c.json"

    async def body() -> None:
        with ScriptedServer(stream_events) as server:
            for mode in ("once", "replay"):
                with use_cassette(path, mode=mode):
                    async with (
                        driver.plain_client() as client,
                        client.stream(server.url + CHAT, json=STREAMED) as one,
                    ):
                        assert await one.chunks() == EVENTS
            assert len(server.requests) == 1

    driver.run(body)


def test_an_application_inside_a_transport_of_its_own_still_calls_upstream_in_the_session(
    driver: Driver, tmp_path: Path
) -> None:
    """Calling the application is not calling upstream."""
    path = tmp_path / "c.json"

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async with driver.module.AsyncClient() as client:
            answer = await client.post(url + CHAT, json=ASKED)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer.content})

    def synchronous(environ: Any, start_response: Any) -> list[bytes]:
        with driver.module.Client() as client:
            answer = client.post(url + CHAT, json=ASKED)
        start_response("200 OK", [])
        return [answer.content]

    async def body() -> None:
        nonlocal url
        module = driver.module
        with ScriptedServer(counting_answers()) as server:
            url = server.url
            for mode in ("once", "replay"):
                inner = (
                    module.ASGITransport(app=application)
                    if driver.is_async
                    else module.WSGITransport(app=synchronous)
                )
                with use_cassette(path, mode=mode):
                    own_store = driver.transport(inner, store=":memory:")
                    assert (await post(driver, own_store, "http://app.example")).json() == {"answer": 1}
            assert len(server.requests) == 1

    url = ""
    driver.run(body)
