"""What `Redact(body=...)` names stands in no answer that is stored either; the caller's has it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Redact
from replaycache.httpx import ReplayTransport
from replaycache.wire.edited_chunks import edited

CHAT = "https://api.openai.com/v1/chat/completions"
SSE = "text/event-stream"
CUSTOMER = {"name": "Ann"}
ANN = {
    "choices": [{"index": 0, "message": {"content": "for you"}, "finish_reason": "stop"}],
    "customer": CUSTOMER,
}
EVENTS = [
    {"choices": [{"index": 0, "delta": {"content": "for"}}], "customer": CUSTOMER},
    {
        "choices": [{"index": 0, "delta": {"content": " you"}, "finish_reason": "stop"}],
        "customer": CUSTOMER,
    },
]


def _stream(*events: Any) -> bytes:
    return b"".join(f"data: {json.dumps(event)}\r\n\r\n".encode() for event in events) + b"data: [DONE]\n\n"


def _both(body: bytes, content_type: str) -> tuple[httpx.Response, httpx.Response]:
    """The live answer and the replayed one."""
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]

    class Pieces(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield from pieces

    headers = {"content-type": content_type, "transfer-encoding": "chunked"}
    upstream = httpx.MockTransport(lambda request: httpx.Response(200, stream=Pieces(), headers=headers))
    transport = ReplayTransport(upstream, store=":memory:", mode="auto", redact=Redact(body=["customer.NAME"]))
    with httpx.Client(transport=transport) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the path leads nowhere in what is asked
        asked = {"model": "m", "stream": content_type == SSE, "messages": [{"role": "user", "content": "Hi"}]}
        live, replayed = (client.post(CHAT, json=asked) for _ in range(2))
    assert replayed.extensions["replaycache"].status == "hit"
    return live, replayed


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(json.dumps(ANN).encode(), "application/json", id="document"),
        pytest.param(json.dumps(ANN).encode(), "text/plain", id="document-as-text"),
        pytest.param(_stream(*EVENTS), SSE, id="stream"),
        pytest.param(_stream(*EVENTS).replace(b"data: ", b"data:"), SSE, id="stream-without-spaces"),
    ],
)
def test_what_the_user_names_is_replaced(body: bytes, content_type: str) -> None:
    live, replayed = _both(body, content_type)

    assert live.content == body
    assert b"Ann" not in replayed.content
    seal = replayed.text.partition("REDACTED-")[2][:16]
    assert replayed.text.replace(f"REDACTED-{seal}", "Ann") == live.text


def test_what_has_nothing_of_it_stays_as_it_is() -> None:
    for body, content_type in ((b'{"choices":[{"message":{},"finish_reason":"stop"}]}', "application/json"),):
        live, replayed = _both(body, content_type)
        assert live.content == replayed.content == body


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=6), st.data())
def test_edits_of_chunks_are_those_of_the_whole(chunks: list[bytes], data: st.DataObject) -> None:
    """And no chunk is lost, nor what stands before an edit moved to another one."""
    whole = b"".join(chunks)
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    edits = [
        (start, end, data.draw(st.binary(max_size=3)))
        for start, end in zip(places[::2], places[1::2], strict=False)
    ]

    expected, last = b"", 0
    for start, end, new in edits:
        expected += whole[last:start] + new
        last = end
    changed = edited(chunks, edits)

    assert b"".join(changed) == expected + whole[last:]
    assert len(changed) == len(chunks)
    if not edits:
        assert changed == chunks


def test_what_stands_where_apis_have_credentials_is_in_no_answer_of_a_cassette(tmp_path: Path) -> None:
    """As word-like as it may be; a cache keeps the answer as it came."""
    secret = "hunter2pw"
    url = f"https://ann:{secret}@mcp.example/"
    tools = [{"type": "mcp", "server_url": url, "headers": {"X-Key": secret}}]
    answer = {**ANN, "tools": tools}
    upstream = httpx.MockTransport(lambda request: httpx.Response(200, json=answer))
    with httpx.Client(transport=ReplayTransport(upstream, store=str(tmp_path / "a.json"), mode="auto")) as client:
        live = client.post(CHAT, json={"model": "m", "messages": [], "tools": tools})

    assert live.json() == answer
    text = (tmp_path / "a.json").read_text("utf-8")
    assert secret not in text
    assert "https://mcp.example/" in text
