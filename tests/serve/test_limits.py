"""Limits, metrics, health, and what is written."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from replaycache import StoreUnavailable
from replaycache.stores import MemoryStore
from tests.scripted_server import Received, Wire
from tests.serve.proxies import DONE, chat, client, completion, event, parsed, read_all, serving

SECRET = "sk-proj-" + "Ab3dE6gH9jK2mN5pQ8rS1tU4vW7xY0zA" * 2


def _answer(request: Received, wire: Wire) -> None:
    wire.answer(completion("Here.") if request.target.endswith("/completions") else b"{}")


def test_a_body_that_is_too_large_is_refused() -> None:
    with serving(_answer, max_request_bytes=1000) as (proxy, server):
        with client(proxy) as asking:
            told = asking.post("/files", content=b"x" * 1001)
            counted = asking.post("/files", content=iter([b"x" * 600, b"x" * 600]))
            read = asking.post("/chat/completions", content=iter([b"x" * 600, b"x" * 600]))
            fits = asking.post("/files", content=iter([b"x" * 500, b"x" * 500]))

    assert [answer.status_code for answer in (told, counted, read, fits)] == [413, 413, 413, 200]
    assert "--max-request-bytes" in told.json()["error"]["message"]
    assert [len(request.body) for request in server.requests] == [1000]


def test_a_body_that_is_too_large_to_store_passes() -> None:
    with serving(_answer, options={"max_request_bytes": 1000}) as (proxy, _):
        with client(proxy) as asking:
            answer = asking.post("/chat/completions", json=chat("x" * 1000))

    assert answer.headers["x-replaycache"] == "live"
    assert "max_request_bytes" in answer.headers["x-replaycache-reason"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("sent", [b"", b"GET /up/a HTT", b"GET /up/a HTTP/1.1\r\nHost: localhost\r\nX-A: b"])
@pytest.mark.parametrize("before", [0, 1])
def test_who_does_not_come_to_the_point(before: int, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replaycache.serve.server.HEAD_SECONDS", 0.2)
    with serving(_answer) as (proxy, _):
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as connection:
            for _ in range(before):
                connection.sendall(b"GET /up/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            connection.sendall(sent)
            read_all(connection)  # until the proxy ends it


def test_who_waits_for_an_answer_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replaycache.serve.server.HEAD_SECONDS", 0.2)

    def handle(request: Received, wire: Wire) -> None:
        threading.Event().wait(0.6)  # longer than a head may take
        wire.answer(completion("Late."))

    with serving(handle) as (proxy, _), client(proxy) as asking:
        assert asking.post("/chat/completions", json=chat("Wait.")).status_code == 200


@pytest.mark.parametrize("path", ["/files", "/chat/completions"])
def test_a_request_that_does_not_come_to_its_end(path: str) -> None:
    with serving(_answer, timeout=0.2) as (proxy, _):
        status, told = parsed(
            proxy.ask(f"POST /up{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{{".encode())
        )
        calls = proxy.application.calls.since(0)

    assert (status, told["error"]["type"]) == (408, "replaycache_request_timeout")
    assert [call.status for call in calls] == ["refused"]


def test_the_kernel_looks_after_silent_clients() -> None:
    with serving(_answer) as (proxy, _):
        with socket.create_connection(("127.0.0.1", proxy.port)), client(proxy) as asking:
            asking.get("/models")
            for connection in proxy.server.server_state.connections:
                held = connection.transport.get_extra_info("socket")
                assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_too_many_calls_at_once() -> None:
    there, go_on = threading.Event(), threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        there.set()
        go_on.wait(30)
        wire.answer(b"{}")

    with serving(handle, max_concurrency=1) as (proxy, _):
        with client(proxy) as asking:
            first = threading.Thread(target=lambda: asking.get("/one"))
            first.start()
            assert there.wait(30)
            second = asking.get("/two")
            busy = asking.get(f"{proxy.url}/_replaycache/metrics")
            go_on.set()
            first.join(30)
            third = asking.get("/three")

    assert (second.status_code, second.headers["retry-after"], third.status_code) == (503, "1", 200)
    assert "replaycache_calls_in_flight 1.0" in busy.text
    assert 'replaycache_requests_turned_away_total{status="503"} 1.0' in busy.text


def test_metrics() -> None:
    with serving(_answer) as (proxy, _):
        with client(proxy) as asking:
            for _ in range(3):
                asking.post("/chat/completions", json=chat("Count."))
            asking.post("/chat/completions", json=chat("Other."), headers={"x-replaycache-mode": "replay"})
            asking.get(f"{proxy.url}/whoever/v1/models")
            answer = asking.get(f"{proxy.url}/_replaycache/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'replaycache_calls_total{outcome="miss",upstream="up"} 1.0',
        'replaycache_calls_total{outcome="hit",upstream="up"} 2.0',
        'replaycache_calls_total{outcome="refused",upstream="up"} 1.0',
        "replaycache_calls_in_flight 0.0",
        'replaycache_saved_tokens_total{direction="input"} 6.0',
        'replaycache_saved_tokens_total{direction="output"} 8.0',
        'replaycache_first_byte_seconds_count{outcome="hit"} 2.0',
        'replaycache_call_seconds_count{outcome="hit"} 2.0',
    ):
        assert line in answer.text
    assert "whoever" not in answer.text


def test_calls_are_remembered_for_who_looks_on() -> None:
    with serving(_answer) as (proxy, _):
        with client(proxy) as asking:
            asking.post("/chat/completions", json=chat("Look."))
            asking.post("/chat/completions", json=chat("Look."))
            asking.post("/chat/completions?key=x", json=chat("Missed."), headers={"x-replaycache-mode": "replay"})
        calls = proxy.application.calls.since(0)

    told = [(call.method, call.upstream, call.path, call.status, call.code) for call in calls]
    assert told == [
        ("POST", "up", "/chat/completions", "miss", 200),
        ("POST", "up", "/chat/completions", "hit", 200),
        ("POST", "up", "/chat/completions", "refused", 424),
    ]
    assert all(call.seconds is not None and call.key and call.size for call in calls)
    assert calls[0].request is not None
    assert calls[2].request is not None
    assert (calls[2].reason, calls[2].request.json()["messages"][0]["content"]) == ("no_recording", "Missed.")


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_holds_no_secrets(form: str) -> None:
    with serving(_answer, log=form) as (proxy, _):
        headers = {"authorization": f"Bearer {SECRET}", "cookie": "a=private"}
        with client(proxy, **headers) as asking:
            asking.post("/chat/completions?api_key=private", json=chat("A private question."))
            asking.get(f"/files/{SECRET}?q=private")
            asking.get("/a%0ab")
        written = proxy.log.getvalue()

    lines = written.splitlines()
    assert len(lines) == 2
    assert SECRET not in written
    assert "private" not in written
    if form == "json":
        first = json.loads(lines[0])
        assert (first["event"], first["method"], first["upstream"], first["path"]) == (
            "call",
            "POST",
            "up",
            "/chat/completions",
        )
        assert (first["outcome"], first["code"], len(first["key"])) == ("miss", 200, 32)
    else:
        assert "miss     200  POST /up/chat/completions" in lines[0]


class _Down(MemoryStore):
    """A store that cannot be reached."""

    def get(self, key: str) -> None:
        raise StoreUnavailable("nobody answers at redis://cache.example")

    def put(self, key: str, recording: object) -> None:
        raise StoreUnavailable("nobody answers at redis://cache.example")


@pytest.mark.filterwarnings("ignore::replaycache.ReplayCacheWarning")
def test_a_store_that_is_down() -> None:
    with serving(_answer, store=_Down()) as (proxy, _):
        with client(proxy) as asking:
            health = asking.get(f"{proxy.url}/_replaycache/health")
            live = asking.post("/chat/completions", json=chat("Down."))
            refused = asking.post(
                "/chat/completions", json=chat("Down."), headers={"x-replaycache-mode": "replay"}
            )

    then = "While it is away, calls go live, and are not stored."
    assert proxy.log.getvalue().startswith(f"Warning: nobody answers at redis://cache.example {then}\n")
    assert health.json()["ok"] is False
    assert "redis://cache.example" in health.json()["store"]["error"]
    assert (live.status_code, live.headers["x-replaycache"]) == (200, "live")
    assert (refused.status_code, refused.json()["error"]["type"]) == (424, "replaycache_store_failed")
    assert "redis://cache.example" in refused.json()["error"]["message"]


def test_a_shutdown_lets_calls_finish() -> None:
    there, go_on = threading.Event(), threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(event("one"))
        there.set()
        go_on.wait(30)
        wire.chunk(event(None) + DONE)
        wire.end_chunks()

    store = MemoryStore()
    with serving(handle, store=store, grace=30.0) as (proxy, _):
        with client(proxy) as asking:
            with asking.stream("POST", "/chat/completions", json=chat("End.", stream=True)) as answer:
                chunks = answer.iter_raw()
                assert next(chunks) == event("one")
                proxy.server.should_exit = True
                go_on.set()
                assert b"".join(chunks) == event(None) + DONE
        proxy.stop()

    assert len(store) == 1


def test_a_shutdown_breaks_off_what_takes_longer(tmp_path: Path) -> None:
    import httpx2

    go_on = threading.Event()

    def handle(request: Received, wire: Wire) -> None:
        wire.start_chunks()
        wire.chunk(event("one"))
        go_on.wait(30)
        wire.cut()

    store = MemoryStore()
    with serving(handle, store=store, grace=0.0) as (proxy, _):
        with client(proxy) as asking:
            with asking.stream("POST", "/chat/completions", json=chat("Cut.", stream=True)) as answer:
                chunks = answer.iter_raw()
                assert next(chunks) == event("one")
                proxy.stop()
                with pytest.raises(httpx2.RemoteProtocolError):
                    list(chunks)
        go_on.set()

    assert len(store) == 0
