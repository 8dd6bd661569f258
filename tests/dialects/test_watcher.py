"""What is no answer of an API though it comes with status 200, and what is one though it looks odd."""

from __future__ import annotations

import pytest

from replaycache import ResponseHead
from replaycache.dialects.answers import watcher_of
from replaycache.dialects.framing.json_values import ObjectDecoder

CHAT, SPEECH = "/v1/chat/completions", "/v1/audio/speech"


@pytest.mark.parametrize(
    ("path", "media_type", "body", "verdict"),
    [
        (CHAT, "application/json", b"null", "unfinished"),
        (CHAT, "application/json", b"7", "unfinished"),
        (CHAT, "application/json", b'"rate limited"', "unfinished"),
        (CHAT, "application/json", b'{"choices":null}', "unfinished"),
        (CHAT, "application/json", b'{"success":false,"errors":["no"]}', "failed"),
        (CHAT, "text/html", b"<html>Log in</html>", "unfinished"),
        (SPEECH, "text/html; charset=utf-8", b"<html>Log in</html>", "unfinished"),
        (SPEECH, "audio/mpeg", b"\xff\xfb", "whole"),
        ("/v1/embeddings", "application/json", b"[[0.5]]", "whole"),
        ("/v1/unknown", "application/json", b"null", "whole"),
        ("/v1/unknown", "text/html", b"<html></html>", "whole"),
        (CHAT, "text/event-stream", b'data: {"choices":[]}\n\ndata: [DONE] \n\n', "whole"),
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
