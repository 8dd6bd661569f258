"""The calls that are remembered for who looks on."""

from __future__ import annotations

from replaycache import Request
from replaycache.serve.calls import CallLog
from tests.serve.proxies import chat, client, completion, serving


def _asked(size: int) -> Request:
    return Request("POST", "https://api.example/v1/chat/completions", (), b"x" * size)


def test_requests_are_remembered_while_there_is_room() -> None:
    calls = CallLog(kept_bytes=100)
    seen = [calls.begin("POST", "up", "/a") for _ in range(4)]
    for call, size in zip(seen, (60, 30, 50, 101), strict=True):
        calls.keep_request(call, _asked(size))

    assert [call.request is not None for call in seen] == [False, True, True, False]
    assert calls.since(0) == seen


def test_who_is_forgotten_takes_up_no_room() -> None:
    calls = CallLog(kept=1, kept_bytes=100)
    for _ in range(5):
        last = calls.begin("POST", "up", "/a")
        calls.keep_request(last, _asked(60))
        calls.keep_request(last, _asked(90))

    assert last.request is not None
    assert calls.since(0) == [last]


def test_large_misses_are_not_all_remembered() -> None:
    with serving(lambda request, wire: wire.answer(completion("Large."))) as (proxy, _), client(proxy) as asking:
        for number in range(5):
            asking.post("/chat/completions", json=chat(f"{number}{'x' * (10 << 20)}"))
        kept = [call.request is not None for call in proxy.application.calls.since(0)]

    assert kept == [False, False, True, True, True]
