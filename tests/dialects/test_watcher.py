"""What is no answer of an API though it comes with status 200, and what is one though it looks odd."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import ResponseHead
from replaycache.dialects.answers import watcher_of
from replaycache.dialects.framing.json_values import ArrayDecoder, ObjectDecoder

CHAT, SPEECH = "/v1/chat/completions", "/v1/audio/speech"
GEMINI = "/v1beta/models/m:streamGenerateContent"
STOPPED = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
CANDIDATE = b'{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP","index":0}]}'


@pytest.mark.parametrize(
    ("path", "media_type", "body", "verdict"),
    [
        (CHAT, "application/json", b"null", "unfinished"),
        (CHAT, "application/json", b"7", "unfinished"),
        (CHAT, "application/json", b'"rate limited"', "unfinished"),
        (CHAT, "application/json", b'{"choices":null}', "unfinished"),
        (CHAT, "application/json", b'{"success":false,"errors":["no"]}', "failed"),
        (CHAT, "application/json", b'[{"error":{"code":429,"message":"no"}}]', "failed"),
        (CHAT, "text/html", b"<html>Log in</html>", "unfinished"),
        (SPEECH, "text/html; charset=utf-8", b"<html>Log in</html>", "unfinished"),
        (SPEECH, "audio/mpeg", b"\xff\xfb", "whole"),
        ("/v1/embeddings", "application/json", b"[[0.5]]", "whole"),
        ("/v1/unknown", "application/json", b"null", "whole"),
        ("/v1/unknown", "text/html", b"<html></html>", "whole"),
        (CHAT, "text/event-stream", b'data: {"choices":[]}\n\ndata: [DONE] \n\n', "whole"),
        (CHAT, "text/event-stream", STOPPED + b"data: [DONE]", "whole"),
        (CHAT, "text/event-stream", STOPPED + b": ping", "whole"),
        (CHAT, "text/event-stream", STOPPED + b"da", "unfinished"),
        (CHAT, "text/event-stream", STOPPED + b"event: x", "unfinished"),
        (CHAT, "text/event-stream", b"event: error\ndata: overloaded\n\n", "failed"),
        (CHAT, "text/event-stream", b"event: error\ndata:\n\n", "failed"),
        (CHAT, "text/event-stream", STOPPED + b"event: note\ndata: no JSON\n\n", "unfinished"),
        (GEMINI, "application/json", b"[" + CANDIDATE + b"]\n ", "whole"),
        (GEMINI, "application/json", b"[" + CANDIDATE + b"]\n x", "unfinished"),
        (GEMINI, "application/json", b"[" + CANDIDATE + b"][", "unfinished"),
    ],
)
def test_what_an_answer_is(path: str, media_type: str, body: bytes, verdict: str) -> None:
    head = ResponseHead(200, (("content-type", media_type),))
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        watcher = watcher_of("POST", path, head, dict)
        for piece in pieces:
            watcher.feed(piece)
        watcher.end()

        assert watcher.verdict == verdict


@pytest.mark.parametrize("last", [b'{"done": true}\n', b'{"error": "no"}\n'], ids=["whole", "failed"])
def test_lines_have_the_limit_each_however_many_of_them_come_at_once(last: bytes) -> None:
    line = b'{"response": "%b", "done": false}\n' % (b"x" * 30)
    body = line * 3 + last
    whole, cut = ObjectDecoder(limit=len(line)), ObjectDecoder(limit=len(line))
    events = whole.feed(body)

    assert events == [event for at in range(len(body)) for event in cut.feed(body[at : at + 1])]
    assert [event.data for event in events] == [line.strip()] * 3 + [last.strip()]
    assert not whole.passed_over
    assert not cut.passed_over


VALUES = st.recursive(
    st.text(alphabet='"\\\\{}[], ') | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='"]},', max_size=2), inner, max_size=2)
    ),
)


@given(st.lists(VALUES, max_size=4), st.sampled_from([None, 1]), st.data())
def test_an_array_has_the_same_elements_however_it_is_cut(
    values: list[Any], indent: int | None, data: st.DataObject
) -> None:
    values = [*values, '"\\]}']
    body = json.dumps(values, indent=indent).encode() + b"\n"
    at = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=9)))
    for cuts in (at, range(1, len(body))):
        decoder = ArrayDecoder()
        events = [
            event for start, end in pairwise([0, *cuts, len(body)]) for event in decoder.feed(body[start:end])
        ]

        assert [json.loads(event.data or b"") for event in events] == values
        assert decoder.closed
        assert not decoder.broken
