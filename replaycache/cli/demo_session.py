"""`replaycache demo`: the same call twice, with upstream there only for the first.

Without a base URL the upstream is a small server on loopback that streams a recorded answer of a real model
at its recorded pace; so it needs neither a key nor a network.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import click
import httpx

from .._errors import CacheMiss
from .._models import Recording
from ..httpx import ReplayTransport
from ..match import Match
from ..options import ModeName
from ..stores import DiskStore, open_store
from ..stores.cassette.text import load
from .errors import CommandFailed

PROMPT = "Write three short sentences about the sea in the morning."
NAME = "https://demo.replaycache.invalid"
"""What the local upstream's origin counts as, so that its port, which is another one each time, does not."""


class _Pass(NamedTuple):
    """What one of the two calls came to."""

    calls: int
    seconds: float
    chunks: int
    tokens: int
    text: str
    key: str


def run(say: Callable[..., None], *, api: tuple[str, str] | None, store: str | None) -> None:
    """Gives the demonstration.

    Args:
        api: the base URL of an OpenAI-compatible one, ending before `/chat/completions`, and a model to ask for
            there; None for the local upstream.
        store: directory of the disk cache; None for the user's.

    Raises:
        click.UsageError: the store is no disk cache.
        CommandFailed: upstream could not be called.
        StoreError: the store cannot be used.
    """
    cache, _ = open_store(store)
    if not isinstance(cache, DiskStore) or os.path.isfile(cache.location):
        raise click.UsageError(f"{store!r} is no directory, and the demonstration records into a disk cache")
    demonstration = _Demonstration(say, cache)
    try:
        if api is None:
            demonstration.locally()
        else:
            demonstration.at(*api)
    except httpx.HTTPError as error:
        raise CommandFailed(f"upstream could not be called: {error}") from error
    finally:
        cache.close()


class _Demonstration:
    def __init__(self, say: Callable[..., None], cache: DiskStore) -> None:
        self._say = say
        self._cache = cache

    def locally(self) -> None:
        recording = _recorded_answer()
        body = recording.request.json()
        with _LocalUpstream(recording) as upstream:
            url = f"{upstream.origin}/v1/chat/completions"
            match = Match(hosts={upstream.origin: NAME})
            self._say(f"1. live: {url}")
            self._say("   a local server that streams a real model's recorded answer at its real pace\n")
            live = self._ask(match, "record", url, body, {})
            calls = upstream.calls
        self._say(f"\n   The server is shut down; nobody answers on port {upstream.port} any more.\n")
        if _answers(upstream.port):
            raise CommandFailed(f"port {upstream.port} still answers, so a replay would prove nothing; try again")
        self._say("2. replayed: the same request\n")
        replayed = self._ask(match, "auto", url, body, {})
        self._summary(live, replayed, calls, upstream.calls - calls)

    def at(self, base_url: str, model: str) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": True}
        key = os.environ.get("OPENAI_API_KEY", "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        url = f"{base_url.rstrip('/')}/chat/completions"
        self._say(f"1. live: {url}\n")
        live = self._ask(Match(), "record", url, body, headers)
        self._say("\n2. replayed: the same request, in mode replay, which never calls upstream\n")
        replayed = self._ask(Match(), "replay", url, body, {})
        self._summary(live, replayed, live.calls, replayed.calls)

    def _ask(self, match: Match, mode: ModeName, url: str, body: dict[str, Any], headers: dict[str, str]) -> _Pass:
        started = time.perf_counter()
        text, chunks, tokens = "", 0, 0
        self._say("   ", end="")
        transport = ReplayTransport(store=self._cache, mode=mode, match=match)
        try:
            with (
                httpx.Client(transport=transport, timeout=120) as client,
                client.stream("POST", url, json=body, headers=headers) as response,
            ):
                if response.status_code != 200:
                    response.read()
                    hint = "" if headers else " Set OPENAI_API_KEY if it asks for a key."
                    raise CommandFailed(f"{url} answered {response.status_code}: {response.text[:300]}{hint}")
                for line in response.iter_lines():
                    event = _event(line)
                    if event is None:
                        continue
                    chunks += 1
                    for choice in event.get("choices") or ():
                        piece = (choice.get("delta") or {}).get("content") or ""
                        text += piece
                        self._say(piece, end="")
                    tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
        except CacheMiss as error:
            raise CommandFailed(f"the answer was not recorded, so it cannot be replayed:\n{error}") from error
        self._say("")
        outcome = response.extensions["replaycache"]
        if outcome.status == "live":
            raise CommandFailed(f"the answer was not recorded: {outcome.reason}")
        seconds = time.perf_counter() - started
        return _Pass(int(outcome.status != "hit"), seconds, chunks, tokens, text, outcome.key)

    def _summary(self, live: _Pass, replayed: _Pass, live_calls: int, replayed_calls: int) -> None:
        if replayed.text != live.text:
            raise CommandFailed(
                "the replayed answer differs from the live one; this is a defect, please report it"
            )
        rows = [
            ("", "live", "replayed"),
            ("calls made upstream", str(live_calls), str(replayed_calls)),
            ("time", f"{live.seconds:.2f} s", f"{replayed.seconds * 1000:.0f} ms"),
            ("events", str(live.chunks), str(replayed.chunks)),
            ("tokens generated", str(live.tokens or "not told"), "0"),
        ]
        self._say("")
        for name, first, second in rows:
            self._say(f"   {name:<22}{first:>10}{second:>12}")
        self._say("")
        self._say(f"   key        {live.key}")
        self._say(f"   recording  {self._cache.location}")


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("data: {"):
        return None
    value = json.loads(line.removeprefix("data: "))
    return value if isinstance(value, dict) else None


def _recorded_answer() -> Recording:
    package = importlib.resources.files("replaycache") / "cassettes" / "demo.json"
    checkout = Path(__file__).resolve().parents[2] / "cassettes" / "demo.json"
    source = package if package.is_file() else checkout
    return load(source.read_bytes(), str(source))[0]


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class _LocalUpstream:
    """Streams a recorded answer on loopback, at its recorded pace, to whoever asks."""

    def __init__(self, recording: Recording) -> None:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                upstream.calls += 1
                self.rfile.read(int(self.headers.get("content-length", 0)))
                time.sleep(recording.latency)
                self.send_response(recording.head.status)
                self.send_header("content-type", recording.head.header("content-type") or "")
                self.send_header("transfer-encoding", "chunked")
                self.send_header("connection", "close")
                self.end_headers()
                started = time.monotonic()
                for data, offset in recording.body:
                    time.sleep(max(0.0, started + offset - time.monotonic()))
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *arguments: Any) -> None:
                pass

        self.calls = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.origin = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
