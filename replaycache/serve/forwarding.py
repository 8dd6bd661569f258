"""One call's way through the proxy: to a transport, and its answer back, chunk by chunk."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2

from .._errors import ConfigurationError, Refused
from .._models import Outcome, Recording, Request
from ..dialects.usage import usage_of
from ..engine.asked import check_spelling
from ..options import Mode
from .access import TOKEN_HEADER, values
from .call_lines import CallLines, shown_path
from .calls import CallLog, SeenCall
from .failures import Failure, failure_of, failure_of_upstream
from .headers import OURS, PASSED_ON, handed_on, sent_on
from .metrics import Metrics
from .redirects import REDIRECTS, led_through
from .request_body import ClientGone, RequestBody, TooLarge
from .settings import Settings
from .transports import Transports
from .upstreams import Upstream

RESET = "replaycache.reset"
"""The extension of ASGI by which our server lets a call reset its connection."""

_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_CALL_HEADERS = PASSED_ON | {b"x-replaycache-cassette", b"x-replaycache-session", TOKEN_HEADER}

_STREAMS = ("text/event-stream", "application/x-ndjson", "application/stream+json")
_STATUSES = range(200, 600)
_NOTE_SECONDS = 0.25
"""How often it is noted that more of a body has come."""


class BrokenOff(Exception):
    """The answer ended before it was whole: the server is to break off the connection."""


class _Way:
    """What is known of a call on its way.

    Attributes:
        call: as people see it.
        rest: of the path, behind the upstream's name.
        extra: headers for the answer.
        began: when, by `perf_counter`.
        has_begun: whether its answer has.
        is_gone: whether its client is.
        first_byte: seconds until it.
        answer: as the engine has it; None where its host is left alone, and before.
    """

    def __init__(
        self, call: SeenCall, upstream: Upstream, rest: str, send: _Send, extra: list[tuple[bytes, bytes]]
    ) -> None:
        self.call = call
        self.upstream = upstream
        self.rest = rest
        self.send = send
        self.extra = extra
        self.began = time.perf_counter()
        self.has_begun = False
        self.is_gone = False
        self.first_byte: float | None = None
        self.answer: Any = None
        self.scope = anyio.CancelScope()

    def leave(self) -> None:
        """Its client has gone: upstream is closed at once, or, for a cassette, read on for a while."""
        self.is_gone = True
        recorder = None if self.answer is None else self.answer.recorder
        if recorder is not None and (
            seconds := self.answer.keeper.drain_seconds(ends_soon=recorder.watcher.ends_soon)
        ):
            self.scope.deadline = anyio.current_time() + seconds
        else:
            self.scope.cancel()


_way: ContextVar[_Way | None] = ContextVar("replaycache_way", default=None)


class Forwarding:
    """Sends calls on, and tells of them."""

    def __init__(self, settings: Settings, calls: CallLog, metrics: Metrics, lines: CallLines) -> None:
        self._settings = settings
        self._calls = calls
        self._metrics = metrics
        self._lines = lines
        self.in_flight = 0
        self._settled: anyio.Event | None = None
        self._timeout = {
            "connect": min(10.0, settings.timeout),
            "read": settings.timeout,
            "write": settings.timeout,
            "pool": settings.timeout,
        }
        hooks = {"on_hit": self._on_hit, "on_miss": self._on_miss}
        self.transports = Transports(settings, hooks, lines.say)

    # -- what the engine tells -----------------------------------------------------------------------------

    def _on_hit(self, recording: Recording, outcome: Outcome) -> None:
        if recording.usage is None:
            recording.usage = usage_of(recording)
        usage = recording.usage
        way = _way.get()
        if way is not None:
            way.call.fault = outcome.fault
        if usage is not None and not outcome.fault:
            self._metrics.saved(usage.input_tokens, usage.output_tokens)

    def _on_miss(self, request: Request, reason: str) -> None:
        way = _way.get()
        if way is not None:
            self._calls.keep_request(way.call, request)

    # -- a call --------------------------------------------------------------------------------------------

    async def __call__(
        self,
        scope: Any,
        receive: _Receive,
        send: _Send,
        upstream: Upstream,
        rest: str,
        extra: list[tuple[bytes, bytes]],
    ) -> None:
        """Answers a call.

        Args:
            rest: of the path, as it came.
            extra: headers for the answer.

        Raises:
            BrokenOff: the answer ended before it was whole.
        """
        call = self._calls.begin(scope["method"], upstream.name, shown_path(rest))
        way = _Way(call, upstream, rest, send, extra)
        self.in_flight += 1
        self._metrics.began()
        _way.set(way)
        is_whole = False
        try:
            is_whole = await self._answer(way, scope, receive)
        finally:
            self.in_flight -= 1
            self._end(way, is_whole)
            if self._settled is not None and not self.in_flight:
                self._settled.set()
        if not is_whole and not way.is_gone:
            raise BrokenOff(way.call.reason)

    async def settled(self) -> None:
        """Returns when nothing is in flight."""
        if self.in_flight:
            self._settled = anyio.Event()
            await self._settled.wait()

    def _end(self, way: _Way, is_whole: bool) -> None:
        call = way.call
        call.seconds = time.perf_counter() - way.began
        if not is_whole and not call.reason:
            if way.is_gone:
                is_kept = call.status == "miss"  # SDKs leave a stream behind its last event
                call.reason = (
                    "the client left before the end; it was recorded" if is_kept else "the client went away"
                )
            else:
                call.reason = "it was broken off"
        if not call.status:
            call.status = "failed"
        self._calls.note(call)
        self._metrics.ended(call, way.first_byte)
        self._lines.call(call)

    async def _answer(self, way: _Way, scope: Any, receive: _Receive) -> bool:
        """Whether all of an answer was sent."""
        try:
            body, request = self._request(scope, receive, way.upstream, way.rest)
            cassette, session, mode = _named(scope["headers"])
            if mode is not None:
                self.transports.check_mode(mode)
        except (ConfigurationError, TooLarge) as error:
            failure = failure_of(error)
            assert failure is not None
            return await self._fail(way, failure)
        is_whole = False
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await body.gone()
                way.leave()

            group.start_soon(watch)
            failure = None
            with way.scope:
                try:
                    async with self.transports.lent(cassette, session) as transport:
                        is_whole = await self._send_on(way, transport, request, body)
                except ClientGone:
                    way.is_gone = True
                except (Exception, Refused) as error:  # noqa: BLE001  # told below, in the form that fits
                    failure = self._failure(error, way.upstream)
                    is_cut = way.call.fault and isinstance(error, httpx2.TransportError)
                    if is_cut and not (way.has_begun and isinstance(error, httpx2.RemoteProtocolError)):
                        self._reset(way, scope, failure)
            if failure is not None and not way.is_gone:
                if way.has_begun:
                    way.call.status, way.call.reason = "failed", failure.message
                else:
                    is_whole = await self._fail(way, failure)
            group.cancel_scope.cancel()
        return is_whole

    @staticmethod
    def _reset(way: _Way, scope: Any, failure: Failure) -> None:
        """A fault broke the call off, and its client is to find what it would find at the API."""
        reset = scope.get("extensions", {}).get(RESET)
        if reset is not None:
            way.has_begun = True  # nothing can be sent any more
            way.call.reason = failure.message
            reset()

    def _failure(self, error: BaseException, upstream: Upstream) -> Failure:
        found = failure_of(error)
        if found is None and isinstance(error, Exception):
            found = failure_of_upstream(error, f"{upstream.name} ({upstream.url})")
        if found is None:
            self._lines.say("error", f"{type(error).__name__}: {error}")
            told = f"the proxy failed: {type(error).__name__}"
            found = Failure(500, "replaycache_failed", told, outcome="failed")
        return found

    def _request(
        self, scope: Any, receive: _Receive, upstream: Upstream, rest: str
    ) -> tuple[RequestBody, httpx2.Request]:
        """What is sent.

        Raises:
            TooLarge: it says to be larger than may be.
        """
        given: list[tuple[bytes, bytes]] = scope["headers"]
        lengths = values(given, b"content-length")
        length = int(lengths[0]) if lengths and lengths[0].isdigit() else None
        is_chunked = length is None and (
            scope["http_version"] not in ("1.0", "1.1") or any(name == b"transfer-encoding" for name, _ in given)
        )
        body = RequestBody(receive, self._settings.max_request_bytes, length, self._settings.timeout)
        wanted = f"{upstream.path}{rest}".encode("ascii") or b"/"
        if scope["query_string"]:
            wanted += b"?" + scope["query_string"]
        parts = urlsplit(upstream.origin)
        url = httpx2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, raw_path=wanted or b"/")
        headers = [(b"host", url.netloc), *sent_on(given)]
        if is_chunked:
            headers.append((b"transfer-encoding", b"chunked"))
        extensions: dict[str, Any] = {"timeout": self._timeout}
        if url.raw_path != wanted:
            extensions["target"] = wanted
        request = httpx2.Request(scope["method"], url, headers=headers, stream=body, extensions=extensions)
        return body, request

    async def _send_on(self, way: _Way, transport: Any, request: httpx2.Request, body: RequestBody) -> bool:
        response = await transport.handle_async_request(request)
        body.leave()
        call = way.call
        outcome: Outcome | None = None
        try:
            way.answer = getattr(response.stream, "answer", None)
            call.code = response.status_code
            call.first = time.perf_counter() - way.began
            outcome = self._note_outcome(way, response)
            media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            call.is_stream = media in _STREAMS
            self._calls.note(call)
            location = _location(response, way.upstream, way.rest)
            if isinstance(location, Failure):
                outcome = None  # it tells of an answer that nobody gets
                return await self._fail(way, location)
            handed = handed_on(response.headers.raw, way.upstream, location, bool(way.extra))
            headers = [*handed, *_told(call), *way.extra]
            way.has_begun = True
            await way.send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            last = await self._send_body(way, response)
        finally:
            try:
                # who goes away leaves no connection open, and no answer unsettled
                with anyio.CancelScope(shield=True):
                    await response.aclose()
            finally:
                if outcome is not None and outcome.status != "hit":
                    is_left = way.is_gone and outcome.status == "live"
                    call.status, call.reason = outcome.status, "" if is_left else outcome.reason
        if way.is_gone:
            return False
        if last:
            self._note_sent(way, last)
        await way.send({"type": "http.response.body", "body": last, "more_body": False})
        return True

    async def _send_body(self, way: _Way, response: httpx2.Response) -> bytes:
        """Sends the chunks as they come, and gives the last, where the head tells which that is.

        It goes out when the answer has been stored: a client that has all of it may ask again at once.
        """
        length = response.headers.get("content-length", "")
        tells = length.isascii() and length.isdigit() and "transfer-encoding" not in response.headers
        left = int(length) if tells else -1
        noted = way.began
        last = b""
        async for chunk in response.aiter_raw():
            if way.is_gone:
                return b""  # closing reads on as far as that is wanted
            left -= len(chunk)
            if not left and not last:
                last = chunk
            elif chunk:
                await way.send({"type": "http.response.body", "body": chunk, "more_body": True})
                now = self._note_sent(way, chunk)
                if now - noted > _NOTE_SECONDS:
                    noted = now
                    self._calls.note(way.call)
        return last

    @staticmethod
    def _note_sent(way: _Way, chunk: bytes) -> float:
        now = time.perf_counter()
        if way.first_byte is None:
            way.first_byte = now - way.began
        way.call.size += len(chunk)
        return now

    def _note_outcome(self, way: _Way, response: httpx2.Response) -> Outcome | None:
        """Says what the call is as far as its head tells; what was recorded is known at the end."""
        outcome = response.extensions.get("replaycache")
        call, answer = way.call, way.answer
        if not isinstance(outcome, Outcome):
            call.status, call.reason = "live", "its host is left alone"
            return None
        call.key, call.store = outcome.key, outcome.store
        is_recorded = answer is not None and answer.recorder is not None and answer.asked.mode is not Mode.VERIFY
        if outcome.status == "live" and is_recorded:
            call.status, call.reason = "miss", ""
        else:
            call.status, call.reason = outcome.status, outcome.reason
        return outcome

    async def _fail(self, way: _Way, failure: Failure) -> bool:
        call = way.call
        call.code, call.status = failure.status, failure.outcome
        call.reason = failure.reason or failure.message
        if failure.kind == "replaycache_miss":
            call.key = dict(failure.headers).get(b"x-replaycache-key", b"").decode()
        body = failure.body()
        call.first = time.perf_counter() - way.began
        way.has_begun = True
        headers = [*failure.head(body), (b"x-replaycache-reason", _reason(call.reason)), *way.extra]
        status = b"miss" if failure.kind == "replaycache_miss" else call.status.encode()
        start = {"type": "http.response.start", "status": failure.status, "headers": [(OURS, status), *headers]}
        await way.send(start)
        await way.send({"type": "http.response.body", "body": body, "more_body": False})
        call.size = len(body)
        return True


def _location(response: httpx2.Response, upstream: Upstream, rest: str) -> bytes | Failure | None:
    """Where a redirect leads; a failure where it may not, or the status is none that can be handed on."""
    if response.status_code not in _STATUSES:
        told = f"{upstream.name} answered with the status {response.status_code}, which HTTP has not"
        return Failure(502, "replaycache_upstream_failed", told, outcome="failed", reason="status")
    if response.status_code not in REDIRECTS:
        return None
    locations = [value for name, value in response.headers.raw if name.lower() == b"location"]
    return led_through(locations, upstream, rest)


def _told(call: SeenCall) -> list[tuple[bytes, bytes]]:
    """What the client is told of what became of its call."""
    found = [(OURS, call.status.encode())]
    if call.fault:
        found.append((b"x-replaycache-fault", call.fault.encode()))
    if call.key:
        found.append((b"x-replaycache-key", call.key.encode()))
    if call.reason:
        found.append((b"x-replaycache-reason", _reason(call.reason)))
    return found


def _reason(text: str) -> bytes:
    line = " ".join(text.split())
    return line[:300].encode("ascii", "replace")


def _named(headers: list[tuple[bytes, bytes]]) -> tuple[str | None, str, str | None]:
    """The cassette, the session and the mode that a call names.

    Raises:
        ConfigurationError: they are no text, or a header of ours is misspelt: the call would be answered or
            recorded as if it had none.
    """
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name.startswith(OURS) and name not in _CALL_HEADERS:
            check_spelling(name.decode("latin-1"), (header.decode() for header in _CALL_HEADERS))
        if name in (b"x-replaycache-cassette", b"x-replaycache-session", b"x-replaycache-mode"):
            try:
                found[name] = value.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise ConfigurationError(f"{name.decode()}: its value is no UTF-8") from None
    session = found.get(b"x-replaycache-session", "")
    cassette = found.get(b"x-replaycache-cassette")
    if session and cassette is None:
        raise ConfigurationError(
            "x-replaycache-session goes together with x-replaycache-cassette: name the cassette"
        )
    return cassette, session, found.get(b"x-replaycache-mode")
