"""Faults through the proxy: its client meets them as it would at the API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import openai
import pytest

from tests.scripted_server import Received, Wire
from tests.serve.proxies import DONE, Proxy, chat, client, completion, event, serving


def _handle(request: Received, wire: Wire) -> None:
    if request.json().get("stream"):
        wire.start_chunks()
        for text in ("one", "two", "three", None):
            wire.chunk(event(text))
        wire.chunk(DONE)
        wire.end_chunks()
    else:
        wire.answer(completion("Whole."))


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy that has both answers."""
    with serving(_handle) as (proxy, server):
        with client(proxy) as asking:
            for body in (chat("a"), chat("a", stream=True)):
                assert asking.post("/chat/completions", json=body).status_code == 200
        yield proxy
        assert len(server.requests) == 2
        assert not any(name.startswith("x-replaycache") for one in server.requests for name in one.headers)


def faulty(proxy: Proxy, fault: str) -> httpx2.Client:
    return client(proxy, **{"x-replaycache-fault": fault, "x-replaycache-mode": "replay"})


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("fault", "error", "came"),
    [
        ("refuse", httpx2.ReadError, b""),
        ("reset", httpx2.ReadError, b""),
        ("cut", httpx2.RemoteProtocolError, b""),
        ("cut:after=2", httpx2.RemoteProtocolError, event("one") + event("two")),
        ("cut:bytes=10", httpx2.RemoteProtocolError, event("one")[:10]),
        ("stall:after=1", httpx2.ReadTimeout, event("one")),
        ("delay=1h", httpx2.ReadTimeout, b""),
    ],
)
def test_a_client_meets_it(proxy: Proxy, fault: str, error: type[Exception], came: bytes) -> None:
    found = b""
    timeout = httpx2.Timeout(30, read=0.2) if error is httpx2.ReadTimeout else 30
    with faulty(proxy, fault) as asking:
        met: type[Exception] | None = None
        try:
            with asking.stream("POST", "/chat/completions", json=chat("a", stream=True), timeout=timeout) as got:
                for chunk in got.iter_raw():
                    found += chunk
        except httpx2.TransportError as raised:
            met = type(raised)
        assert (met, found) == (error, came)
        # the proxy goes on
        undisturbed = asking.post(
            "/chat/completions", json=chat("a", stream=True), headers={"x-replaycache-fault": ""}
        )
        assert undisturbed.headers["x-replaycache"] == "hit"
        assert "x-replaycache-fault" not in undisturbed.headers


def test_a_reset_in_the_middle_is_one(proxy: Proxy) -> None:
    """What came before it may be lost with it, as at any server."""
    with faulty(proxy, "reset:after=2") as asking, pytest.raises(httpx2.ReadError):
        asking.post("/chat/completions", json=chat("a", stream=True))


def test_the_answer_and_the_log_tell_of_it(proxy: Proxy) -> None:
    with faulty(proxy, "status:429,times=1,retry-after=3") as asking:
        refused, answered = (asking.post("/chat/completions", json=chat("a")) for _ in range(2))

    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "3"
    assert refused.headers["x-replaycache"] == "hit"
    assert refused.headers["x-replaycache-fault"] == "status:429,times=1,retry-after=3"
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert answered.content == completion("Whole.")
    proxy.stop()
    assert "(fault status:429,times=1,retry-after=3)" in proxy.log.getvalue()


def test_a_fault_that_is_none_is_a_400(proxy: Proxy) -> None:
    with faulty(proxy, "cutt") as asking:
        answer = asking.post("/chat/completions", json=chat("a"))

    assert answer.status_code == 400
    assert "did you mean 'cut'?" in answer.json()["error"]["message"]


def test_an_sdk_tries_again_through_it(proxy: Proxy) -> None:
    headers = {"x-replaycache-fault": "status:503,times=1,retry-after=0;reset:times=1"}
    with openai.OpenAI(base_url=f"{proxy.url}/up", api_key="a-key", default_headers=headers) as asking:
        answer = asking.chat.completions.create(model="m", messages=[{"role": "user", "content": "a"}])

    assert answer.choices[0].message.content == "Whole."


def test_a_setting_holds_for_all_calls() -> None:
    with serving(_handle, options={"fault": "status:500,times=1"}, log="json") as (proxy, _):
        with client(proxy) as asking:
            found = [asking.post("/chat/completions", json=chat("a")).status_code for _ in range(3)]
        proxy.stop()  # it has written of all
        lines = [json.loads(line) for line in proxy.log.getvalue().splitlines()]

    assert found == [200, 500, 200]
    assert [line["fault"] for line in lines if line.get("event") == "call"] == ["", "status:500,times=1", ""]
