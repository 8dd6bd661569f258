"""What passes through the proxy, in both directions."""

from __future__ import annotations

import gzip
import json
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import DONE, Proxy, chat, client, completion, event, read_all, serving

CONFIRMED: queue.Queue[str] = queue.Queue()
LEFT = threading.Event()


def _handle(request: Received, wire: Wire) -> None:
    path = request.target.partition("?")[0]
    if path == "/v1/stepwise/chat/completions":
        wire.start_chunks()
        wire.chunk(event("one"))
        CONFIRMED.get(timeout=30)  # whoever reads has the first
        wire.chunk(event("two") + event(None))
        wire.chunk(DONE)
        wire.end_chunks()
    elif path == "/v1/endless/chat/completions":
        wire.start_chunks()
        wire.chunk(event("one"))
        if wire.connection.recv(1) == b"":  # the proxy has closed the connection
            LEFT.set()
        wire.cut()
    elif path == "/v1/cut/chat/completions":
        wire.start_chunks()
        wire.chunk(event("one"))
        wire.cut()
    elif path == "/v1/short/chat/completions":
        wire.head(200, content_length="100", content_type="application/json")
        wire.send(b'{"a":')
        wire.cut()
    elif path == "/v1/gzip/chat/completions":
        wire.answer(gzip.compress(completion("Packed.")), content_encoding="gzip")
    elif path == "/v1/headers":
        wire.send(
            b"HTTP/1.1 200 OK\r\nX-B: 1\r\nSet-Cookie: a=1\r\nX-A: 2\r\nSet-Cookie: b=2\r\nConnection: x-hop\r\n"
            b"X-Hop: no\r\nKeep-Alive: timeout=5\r\nX-Replaycache: forged\r\nContent-Length: 0\r\n\r\n"
        )
    elif path == "/v1/nothing":
        wire.head(204)
    elif path == "/v1/redirect":
        wire.head(307, location=request.headers["x-to"], content_length="0")
    elif path == "/v1/nonsense":
        wire.send(b"SMTP 220 hello\r\n\r\n")
        wire.cut()
    elif path == "/v1/mute":
        wire.cut()
    elif request.method == "HEAD":
        wire.head(200, content_length="1234", content_type="text/plain")
    elif path.endswith("/chat/completions"):
        wire.answer(completion(f"Answer {len(CALLS)}"))
        CALLS.append(request.target)
    else:
        told = {"method": request.method, "target": request.target, "body": len(request.body), **request.headers}
        wire.answer(json.dumps(told).encode())


CALLS: list[str] = []


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, ScriptedServer]]:
    with serving(_handle, cassettes=tmp_path_factory.mktemp("cassettes")) as found:
        yield found


@pytest.fixture
def proxy(both: tuple[Proxy, ScriptedServer]) -> Proxy:
    return both[0]


def test_a_repeated_call_is_a_hit(proxy: Proxy) -> None:
    with client(proxy) as asking:
        first = asking.post("/chat/completions", json=chat("Hello."))
        second = asking.post("/chat/completions", json=chat("Hello."))

    assert [answer.headers.get_list("x-replaycache") for answer in (first, second)] == [["miss"], ["hit"]]
    assert first.headers["x-replaycache-key"] == second.headers["x-replaycache-key"]
    assert first.content == second.content


def test_a_call_that_generates_nothing_is_live(proxy: Proxy) -> None:
    with client(proxy) as asking:
        answer = asking.get("/models?limit=2")

    assert answer.headers["x-replaycache"] == "live"
    assert "only calls that generate" in answer.headers["x-replaycache-reason"]
    assert answer.json()["target"] == "/v1/models?limit=2"


def test_the_first_chunk_is_there_before_the_second_is_sent(proxy: Proxy) -> None:
    with client(proxy) as asking:
        with asking.stream("POST", "/stepwise/chat/completions", json=chat("Step.", stream=True)) as live:
            chunks = live.iter_raw()
            got = [next(chunks)]
            CONFIRMED.put("I have it")
            got += chunks
        with asking.stream("POST", "/stepwise/chat/completions", json=chat("Step.", stream=True)) as replayed:
            again = list(replayed.iter_raw())

    assert got == [event("one"), event("two") + event(None), DONE]
    assert replayed.headers["x-replaycache"] == "hit"
    assert again == got


def test_what_is_small_is_sent_at_once(proxy: Proxy) -> None:
    """Otherwise the kernel holds a chunk back until the client has confirmed the head, for some 40 ms."""
    with socket.create_connection(("127.0.0.1", proxy.port)):
        with client(proxy) as asking:
            asking.get("/models")
        (connection, *_) = proxy.server.server_state.connections
        held = connection.transport.get_extra_info("socket")
        assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_request_is_streamed_to_upstream() -> None:
    """The rest of it is sent when upstream has the beginning."""
    arrived = threading.Event()

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            data = b""
            while b"first" not in data:
                data += connection.recv(65536)
            arrived.set()
            while not data.endswith(b"0\r\n\r\n"):
                data += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")

    def pieces() -> Iterator[bytes]:
        yield b"first"
        assert arrived.wait(30)
        yield b"second"

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        from replaycache.serve.upstreams import parse_upstream

        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        proxy = Proxy(upstreams={"up": parse_upstream("up", url, "test")}, store=":memory:")
        try:
            with client(proxy) as asking:
                answer = asking.post("/files", content=pieces())
        finally:
            proxy.stop()
            thread.join(30)

    assert answer.text == "done"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_pass(proxy: Proxy, method: str) -> None:
    with client(proxy) as asking:
        answer = asking.request(method, "/things/1")

    assert answer.json()["method"] == method


def test_an_answer_to_head_has_no_body(proxy: Proxy) -> None:
    with client(proxy) as asking:
        answer = asking.head("/things/1")

    assert (answer.headers["content-length"], answer.content) == ("1234", b"")


def test_an_answer_without_a_body_passes(proxy: Proxy) -> None:
    with client(proxy) as asking:
        answer = asking.delete("/nothing")

    assert (answer.status_code, answer.content) == (204, b"")


def test_the_headers_of_an_answer_keep_their_order(proxy: Proxy) -> None:
    with client(proxy) as asking:
        answer = asking.get("/headers")

    names = [name for name, _ in answer.headers.multi_items()]
    assert names[:5] == ["x-b", "set-cookie", "x-a", "set-cookie", "content-length"]
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-replaycache"] == "live"
    assert "x-hop" not in answer.headers


def test_upstream_gets_what_is_meant_for_it(both: tuple[Proxy, ScriptedServer]) -> None:
    proxy, server = both
    headers = {
        "authorization": "Bearer a-key",
        "x-replaycache-mode": "off",
        "x-replaycache-unknown": "1",
        "connection": "keep-alive, x-mine",
        "x-mine": "1",
        "te": "trailers",
        "cookie": "a=1; replaycache_viewer=secret; b=2",
    }
    with client(proxy) as asking:
        got = asking.post("/echo", headers=headers, content=b"abc").json()

    assert got["host"] == server.url.removeprefix("http://")
    assert got["authorization"] == "Bearer a-key"
    assert got["cookie"] == "a=1; b=2"
    assert got["body"] == 3
    assert not {"x-mine", "te"} & set(got)
    assert not [name for name in got if name.startswith("x-replaycache")]


def test_a_packed_answer_passes_as_it_is(proxy: Proxy) -> None:
    with client(proxy) as asking:
        with asking.stream("POST", "/gzip/chat/completions", json=chat("Pack.")) as live:
            packed = b"".join(live.iter_raw())
        replayed = asking.post("/gzip/chat/completions", json=chat("Pack."))

    assert (live.headers["content-encoding"], gzip.decompress(packed)) == ("gzip", completion("Packed."))
    assert "content-encoding" not in replayed.headers
    assert replayed.content == completion("Packed.")


@pytest.mark.parametrize(
    "path",
    [
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprofile%2Fx/invoke",
        "/a%2fb;c=1/d%20e",
        "/a//b/",
        "/%E2%82%AC~!$",
    ],
)
def test_a_path_reaches_upstream_as_it_came(proxy: Proxy, path: str) -> None:
    _, got = proxy.raw(f"/up{path}?q=%2F&r=a+b")

    assert got["target"] == f"/v1{path}?q=%2F&r=a+b"


def test_a_mode_by_header(proxy: Proxy) -> None:
    with client(proxy) as asking:
        asking.post("/chat/completions", json=chat("Modes."))
        before = len(CALLS)
        anew = asking.post("/chat/completions", json=chat("Modes."), headers={"x-replaycache-mode": "record"})
        off = asking.post("/chat/completions", json=chat("Modes."), headers={"x-replaycache-mode": "off"})
        other = asking.post("/chat/completions", json=chat("Modes."), headers={"x-replaycache-sample": "1"})
        expired = asking.post("/chat/completions", json=chat("Modes."), headers={"x-replaycache-ttl": "0"})
        wrong = asking.post("/chat/completions", json=chat("Modes."), headers={"x-replaycache-mode": "relpay"})

    told = [answer.headers["x-replaycache"] for answer in (anew, off, other, expired, wrong)]
    assert told == ["miss", "live", "miss", "miss", "refused"]
    assert len(CALLS) == before + 4
    assert (wrong.status_code, "did you mean 'replay'" in wrong.json()["error"]["message"]) == (400, True)


def test_a_miss_says_what_was_asked(proxy: Proxy) -> None:
    with client(proxy) as asking:
        asking.post("/chat/completions", json=chat("Say hello."))
        answer = asking.post(
            "/chat/completions", json=chat("Say goodbye."), headers={"x-replaycache-mode": "replay"}
        )

    error = answer.json()["error"]
    assert (answer.status_code, answer.headers["x-should-retry"]) == (424, "false")
    assert (answer.headers["x-replaycache"], answer.headers["x-replaycache-reason"]) == ("miss", "no_recording")
    assert (error["type"], error["code"]) == ("replaycache_miss", "no_recording")
    assert 'recorded "Say hello." / asked "Say goodbye."' in error["message"]
    assert "below [tool.replaycache.match]: ignore = [...]" in error["message"]


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/nonsense", 502, "answered something that is no HTTP"),
        ("/mute", 502, "answered something that is no HTTP, or broke off"),
    ],
)
def test_an_upstream_that_answers_nothing(proxy: Proxy, path: str, status: int, told: str) -> None:
    with client(proxy) as asking:
        answer = asking.get(path)

    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "replaycache_upstream_failed"
    assert told in answer.json()["error"]["message"]
    assert answer.headers["x-replaycache"] == "failed"


@pytest.mark.parametrize("path", ["/cut/chat/completions", "/short/chat/completions"])
def test_an_answer_that_is_cut_never_ends_well(proxy: Proxy, path: str) -> None:
    with client(proxy) as asking:
        with pytest.raises(httpx2.RemoteProtocolError):
            asking.post(path, json=chat("Cut.", stream=True))
        again = asking.post(path, json=chat("Cut.", stream=True), headers={"x-replaycache-mode": "replay"})

    assert again.status_code == 424


def test_a_client_that_goes_away_leaves_no_connection_open(proxy: Proxy) -> None:
    LEFT.clear()
    with client(proxy) as asking:
        with asking.stream("POST", "/endless/chat/completions", json=chat("Leave.", stream=True)) as answer:
            assert next(answer.iter_raw()) == event("one")
    assert LEFT.wait(30)

    with client(proxy) as asking:
        again = asking.post(
            "/endless/chat/completions", json=chat("Leave.", stream=True), headers={"x-replaycache-mode": "replay"}
        )
    assert again.status_code == 424


def test_a_client_that_goes_away_before_its_request_is_whole(both: tuple[Proxy, ScriptedServer]) -> None:
    proxy, server = both
    before = len(server.requests)
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.sendall(
            b"POST /up/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        )
    with client(proxy) as asking:
        asking.get("/models")

    assert [request.target for request in server.requests[before:]] == ["/v1/models"]


def test_a_cassette_is_read_to_its_end_when_the_client_leaves(proxy: Proxy) -> None:
    named = {"x-replaycache-cassette": "left.json"}
    body = chat("Drain.", stream=True)
    with client(proxy, **named) as asking:
        with asking.stream("POST", "/stepwise/chat/completions", json=body) as answer:
            assert next(answer.iter_raw()) == event("one")
    CONFIRMED.put("go on")
    with client(proxy) as asking:
        ended = asking.delete(f"{proxy.url}/_replaycache/cassettes/left.json")
        replayed = asking.post("/stepwise/chat/completions", json=body, headers=named)

    assert ended.json() == {"ended": 1, "not_kept": []}
    assert replayed.headers["x-replaycache"] == "hit"
    assert replayed.content.endswith(DONE)
    assert "(the client left before the end; it was recorded)" in proxy.log.getvalue()


def test_redirects_lead_through_the_proxy(proxy: Proxy, both: tuple[Proxy, ScriptedServer]) -> None:
    _, server = both
    with client(proxy) as asking:
        for to in ("/v1/other?x=1", f"{server.url}/v1/other?x=1"):
            answer = asking.get("/redirect", headers={"x-to": to})
            assert (answer.status_code, answer.headers["location"]) == (307, "/up/other?x=1")


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/v1/x", "//evil.example/v1/x", "/v2/x", "/v1/../v2/x", "/v1x", "ftp://127.0.0.1/v1/x"],
)
def test_redirects_past_the_proxy_are_refused(proxy: Proxy, to: str) -> None:
    with client(proxy) as asking:
        answer = asking.get("/redirect", headers={"x-to": to})

    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "replaycache_redirect_refused")
    assert "location" not in answer.headers


def test_nobody_is_there() -> None:
    from replaycache.serve.upstreams import parse_upstream

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    named = {
        "gone": parse_upstream("gone", f"http://127.0.0.1:{port}", "test"),
        "nowhere": parse_upstream("nowhere", "http://nowhere.invalid", "test"),
    }
    proxy = Proxy(upstreams=named, store=":memory:")
    try:
        with client(proxy) as asking:
            answers = [asking.get(f"{proxy.url}/{name}/models") for name in named]
    finally:
        proxy.stop()

    assert [answer.status_code for answer in answers] == [502, 502]
    assert all("could not be reached" in answer.json()["error"]["message"] for answer in answers)


def test_an_upstream_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        from replaycache.serve.upstreams import parse_upstream

        named = {"up": parse_upstream("up", f"http://127.0.0.1:{listener.getsockname()[1]}", "test")}
        proxy = Proxy(upstreams=named, store=":memory:", timeout=0.2)
        try:
            with client(proxy) as asking:
                answer = asking.get("/models")
        finally:
            proxy.stop()

    assert (answer.status_code, answer.headers["x-should-retry"]) == (504, "true")
    assert "did not answer in time" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/opnai/v1/models", "there is no upstream 'opnai'; did you mean 'openai'? A path begins with"),
        ("/v1/models", "there is no upstream 'v1'. A path begins with the name of one: /openai/v1/models."),
        ("/chat/completions", "there is no upstream 'chat'. A path begins with the name of one"),
    ],
)
def test_an_unknown_upstream_is_told(proxy: Proxy, path: str, told: str) -> None:
    with client(proxy) as asking:
        answer = asking.get(f"{proxy.url}{path}")

    assert answer.status_code == 404
    assert told in answer.json()["error"]["message"]
    assert f"refused  404  GET {path}" in proxy.log.getvalue()


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("x-replaycache-cassete", "x-replaycache-cassette"),
        ("x-replaycache-mod", "x-replaycache-mode"),
        ("X-ReplayCache-TLL", "x-replaycache-ttl"),
    ],
)
def test_a_misspelt_header_is_refused(both: tuple[Proxy, ScriptedServer], header: str, meant: str) -> None:
    proxy, server = both
    before = len(server.requests)
    with client(proxy) as asking:
        answer = asking.post("/chat/completions", json=chat("misspelt"), headers={header: "1"})

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "replaycache_wrong_option")
    assert f"did you mean {meant}?" in answer.json()["error"]["message"]
    assert len(server.requests) == before


def test_a_connection_serves_several_calls(proxy: Proxy) -> None:
    one = f"GET /up/a HTTP/1.1\r\nHost: localhost:{proxy.port}\r\n\r\n"
    two = f"GET /up/b HTTP/1.1\r\nHost: localhost:{proxy.port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as connection:
        connection.sendall((one + two).encode())
        answer = read_all(connection)

    assert answer.count(b"HTTP/1.1 200") == 2
    assert b'"target": "/v1/a"' in answer
    assert b'"target": "/v1/b"' in answer


def test_the_budget_stops_calls(tmp_path: Path) -> None:
    def handle(request: Received, wire: Wire) -> None:
        wire.answer(completion("Dear."))

    with serving(handle, options={"budget": "0"}) as (proxy, server):
        with client(proxy) as asking:
            answer = asking.post("/chat/completions", json=chat("Dear."))

    assert (answer.status_code, answer.json()["error"]["type"]) == (402, "replaycache_budget_exceeded")
    assert not server.requests


@pytest.mark.parametrize(
    ("cookies", "sent"),
    [
        ("replaycache_viewer=secret", None),
        ("replaycache_viewer =secret; a=1", "a=1"),
        ("a=1 replaycache_viewer=secret; b=2", "b=2"),
        ("a=1;replaycache_viewer=secret;b=2", "a=1; b=2"),
        ("my_replaycache_viewer=1; a=replaycache_viewer", "my_replaycache_viewer=1; a=replaycache_viewer"),
    ],
)
def test_what_the_proxy_takes_for_its_own_cookie_goes_nowhere(
    both: tuple[Proxy, ScriptedServer], cookies: str, sent: str | None
) -> None:
    """Its reader of cookies takes some for it that are not written as browsers write them."""
    with client(both[0]) as asking:
        got = asking.post("/echo", headers={"x-replaycache-mode": "off", "cookie": cookies}, content=b"a").json()

    assert got.get("cookie") == sent
