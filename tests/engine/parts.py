"""The parts of the engine, put together as a transport does."""

from __future__ import annotations

import itertools
import json
from typing import Any

from replaycache import Body, Chunk, Recording, ResponseHead
from replaycache.engine.answer import Answer
from replaycache.engine.asked import Asked
from replaycache.engine.call import Call
from replaycache.engine.decisions import Forward, Recheck
from replaycache.engine.exchange import Exchange
from replaycache.engine.flights import Owner
from replaycache.engine.recorder import Ending
from replaycache.engine.spool import Spool
from replaycache.options import Options
from replaycache.stores import MemoryStore

URL = "https://api.openai.com/v1/chat/completions"
BODY = json.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": "A colour?"}]}).encode()
ANSWER = b'{"choices":[{"message":{"content":"Red"},"finish_reason":"stop"}]}'
HEADERS = [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(ANSWER)).encode())]


def exchange(store: Any = None, *, beside: Exchange | None = None, **options: Any) -> Exchange:
    """With the options that are given, in mode `auto`; every call is another thread's."""
    threads = itertools.count(1)
    checked = Options.parse({"mode": "auto", **options})
    store = MemoryStore() if store is None else store
    return Exchange(checked, store, Spool, lambda: Owner(next(threads)), beside=beside)


def asked_of(made: Exchange, *, url: str = URL, body: bytes | None = BODY, headers: Any = ()) -> Asked:
    """What is asked, identified."""
    asked = made.identifier.read("POST", url, [(b"Content-Type", b"application/json"), *headers])
    if asked.needs_body:
        made.identifier.identify(asked, body)
    return asked


def call_of(made: Exchange, *, url: str = URL, body: bytes | None = BODY, headers: Any = ()) -> Call:
    """A call, identified."""
    call = made.call("POST", url, [(b"Content-Type", b"application/json"), *headers])
    if call.asked.needs_body:
        call.identify(body)
    return call


def sent(call: Call) -> Answer:
    """The answer to a call that goes upstream, of which nothing has come."""
    decision = call.decide(call.load())
    while isinstance(decision, Recheck):
        decision = call.decide(call.load())
    assert isinstance(decision, Forward)
    return call.sending(decision)


def answer_in_full(answer: Answer, *, body: bytes = ANSWER, status: int = 200) -> None:
    """Upstream answers and the caller reads it to its end."""
    answer.respond(status, HEADERS)
    answer.resume()
    answer.feed(body)
    answer.resume()
    if answer.settle(Ending.END):
        answer.save()


def recording_of(asked: Asked, **changes: Any) -> Recording:
    """A recording that answers a request."""
    assert asked.identity is not None
    made: dict[str, Any] = {
        "request": asked.request,
        "head": ResponseHead(200, (("content-type", "application/json"),)),
        "body": Body.of([Chunk(ANSWER, 0.0)]),
        "digest": asked.identity.digest,
        "recorded_at": 1_700_000_000.0,
    }
    return Recording(**{**made, **changes})
