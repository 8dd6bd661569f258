"""Record and replay under `httpx`, which openai < 3 and anthropic < 1 use.

    import httpx, openai
    from replaycache.httpx import ReplayTransport

    client = openai.OpenAI(http_client=httpx.Client(transport=ReplayTransport()))

This module and `replaycache.httpx2` are the same text but for the library's name, and in each the two
classes are the same text but for `async` and `await`; `tests/test_twins.py` holds them equal in full.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from contextlib import nullcontext, suppress
from copy import copy
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self, Unpack, assert_never
from urllib.request import getproxies

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "replaycache.httpx is for clients on httpx, which is not installed: pip install httpx"
    ) from error

from .engine.call import Call
from .engine.decisions import Disturb, Forward, Recheck, Refuse, Replay, Wait
from .engine.diagnosis import incomplete
from .engine.exchange import Exchange
from .engine.following import Follower, below, followed, lent
from .engine.keeper import DRAIN_BYTES
from .engine.recorder import Ending
from .engine.spool import Spool
from .engine.upstream import is_replaced, stand_in, survey
from .engine.waiting import Blocking, Suspending
from .engine.wrapping import check_inner, check_library, check_request, check_response, lacks
from .options import Mode, ModeName, OptionArguments, Options, names_mode
from .stores import Store, open_store
from .system.calling_upstream import calling_upstream
from .system.forking import new_lock

if TYPE_CHECKING:
    from .engine.answer import Answer
    from .engine.plan import Break, Step

__all__ = ["AsyncReplayTransport", "ReplayTransport"]

check_library(httpx)


def _without_call_headers(request: httpx.Request) -> httpx.Request:
    headers = [item for item in request.headers.raw if not item[0].lower().startswith(b"x-replaycache-")]
    if len(headers) == len(request.headers.raw):
        return request
    sent = copy(request)  # with the content that was read, which transports may look at
    sent.headers = httpx.Headers(headers)
    sent.stream, sent.extensions = request.stream, request.extensions  # a copy leaves these out
    return sent


def _head_of(replay: Replay | Disturb) -> tuple[int, httpx.Headers, dict[str, Any]]:
    head = replay.recording.head
    return head.status, head.headers_as(httpx.Headers), {"replaycache": replay.outcome}


def _broken(how: Break) -> httpx.TransportError:
    """What the library raises where a server breaks off so."""
    kinds: dict[str, type[httpx.TransportError]] = {
        "ConnectError": httpx.ConnectError,
        "ReadError": httpx.ReadError,
        "ReadTimeout": httpx.ReadTimeout,
        "RemoteProtocolError": httpx.RemoteProtocolError,
    }
    return kinds[how.error](how.text)


# -- asynchronous ----------------------------------------------------------------------------------------


class AsyncReplayTransport(httpx.AsyncBaseTransport):
    """A transport for `httpx.AsyncClient` that replays stored answers and records new ones.

    Args:
        inner: the transport that calls upstream. None: the library's own, made on the first live call.
        store: where recordings are kept: None for the user's disk cache, a store, or text: `":memory:"`, the
            path of a cassette ending in `.json`, or of a directory, `redis://HOST`; or a list of caches, one
            before the other.
        mode: a `Mode` or its name. None: `REPLAYCACHE_MODE`, and `auto` without it.
        options: the others of `replaycache.Options`.

    Raises:
        TypeError: `inner` is of another library, or for another kind of client.
        ConfigurationError: an option is misspelt or wrong.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport | None = None,
        *,
        store: Store | str | Sequence[Store | str] | None = None,
        mode: Mode | ModeName | None = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        check_inner(inner, httpx.AsyncBaseTransport, "httpx", "handle_async_request")
        checked = Options.parse({"mode": mode, **options})
        self._store, self._owns_store = open_store(store)
        self._exchange = Exchange(checked, self._store, Spool, Suspending.owner)
        self._exchange.is_mode_named = names_mode(mode)
        named = {name: getattr(checked, name) for name, value in options.items() if value is not None}
        self._follower = Follower(named) if store is None and mode is None else None
        self._lender: AsyncReplayTransport | None = None
        self._inner = inner
        self._making = new_lock()
        self._knows_upstream = self._asks_nobody = False

    @classmethod
    def around(
        cls,
        inner: httpx.AsyncBaseTransport | None,
        exchange: Exchange,
        *,
        lender: AsyncReplayTransport | None = None,
    ) -> Self:
        """A transport that shares `exchange` with others; `inner` and the store are closed by their owners.

        Args:
            inner: calls upstream.
            exchange: of a session.
            lender: whose `inner` it calls, where it has none of its own.
        """
        transport = cls.__new__(cls)
        transport._store, transport._owns_store = exchange.store, False
        transport._exchange = exchange
        transport._follower, transport._lender = None, lender
        transport._inner = inner
        transport._knows_upstream, transport._asks_nobody = True, False
        return transport

    @property
    def follows(self) -> bool:
        """Whether it follows the session that it is used in: it was given neither a store nor a mode."""
        return self._follower is not None

    @property
    def store(self) -> Store:
        """Where recordings are kept."""
        return self._store

    @staticmethod
    def stand_in(transports: list[Any], pools: list[Any]) -> None:
        """From now on the session in force decides where one of these is asked, whoever asks it.

        Args:
            transports: that call upstream.
            pools: of connections, below a transport whose place others have taken.
        """
        for transport in transports:
            stand_in(transport, "handle_async_request", _AsyncStandIn.answer)
        for pool in pools:
            stand_in(pool, "handle_async_request", _AsyncPool.answer)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers from the store, or calls upstream and records.

        Raises:
            CacheMiss: nothing is stored and the mode is `replay`.
            StoreError: the store failed and the mode is `replay`.
            TypeError: the client is of another library, or the inner transport gave no response of this one.
        """
        check_request(request, httpx.Request, "httpx", "AsyncReplayTransport")
        following = followed(is_async=True) if self._follower is not None else None
        if following is not None and following.exchange is None:
            return await self._upstream().handle_async_request(_without_call_headers(request))
        if not self._knows_upstream and self._is_passed_by(in_session=following is not None):
            return await self._pass(request, None if following is not None else self._exchange)
        if following is not None and following.exchange is not None and self._follower is not None:
            exchange = self._follower.exchange(following.exchange)
            return await AsyncReplayTransport.around(None, exchange, lender=self).handle_async_request(request)
        url = str(request.url)
        if (alone := self._exchange.leaves_alone(request.method, url)) is not None:
            with alone:
                return await self._upstream().handle_async_request(_without_call_headers(request))
        if self._exchange.responses.dropped:
            await self._finish_dropped()
        if not self._exchange.is_prepared:
            await Suspending.call(self._exchange.prepare)
        target = request.extensions.get("target")
        call = self._exchange.call(request.method, url, request.headers.raw, target)
        try:
            if call.asked.needs_body:
                call.identify(await _read_async(request, call.max_request_bytes))
            while True:
                if self._store.slow:
                    found = await Suspending.call(call.load)
                    decision = await Suspending.call(partial(call.decide, found))
                else:
                    decision = call.decide(call.load())
                match decision:
                    case Replay():
                        return await self._replay(decision)
                    case Disturb():
                        return await self._disturb(request, call, decision)
                    case Forward():
                        return await self._forward(request, call, decision)
                    case Wait(flight):
                        timeouts = request.extensions.get("timeout") or {}
                        await Suspending.wait(flight, call.patience(timeouts.get("read")))
                        call.go_on()
                    case Recheck():
                        pass
                    case Refuse(reason):
                        raise (
                            await Suspending.call(lambda: call.miss(reason))
                            if self._store.slow
                            else call.miss(reason)
                        )
                    case _:
                        assert_never(decision)
        except BaseException as error:
            call.abandon("the call broke off", Ending.by(error))
            raise

    def _is_passed_by(self, *, in_session: bool) -> bool:
        """Whether what answers is no upstream.

        In a session, nothing that answers in the process is; elsewhere the user may have put a mock inside, but
        not one in the place of the library's own transport.
        """
        inner = self._inner
        if inner is None:
            if not is_replaced(httpx, is_async=True):
                return False
            inner = self._upstream()
        found = survey(httpx, inner)
        self._asks_nobody = found.in_process and not found.transports and not found.pools
        if not (found.in_process if in_session else found.is_mocked):
            return False
        self.stand_in(found.transports, found.pools)
        return True

    async def _pass(self, request: httpx.Request, exchange: Exchange | None) -> httpx.Response:
        """Hands on what answers in the process.

        Args:
            request: without an answer yet.
            exchange: decides if that asks upstream all the same; None: the session in force does.
        """
        before = lent.here()
        lent.set(exchange)
        try:
            return await self._upstream().handle_async_request(_without_call_headers(request))
        finally:
            lent.set(before)

    async def _replay(self, replay: Replay) -> httpx.Response:
        if replay.pace:
            await Suspending.sleep(replay.recording.latency * replay.pace)
        status, headers, extensions = _head_of(replay)
        playback = _AsyncPlayback(replay)
        response = _AsyncReplayed(status, headers=headers, stream=playback, extensions=extensions)
        response.playback = playback
        return response

    async def _disturb(self, request: httpx.Request, call: Call, disturb: Disturb) -> httpx.Response:
        timeouts = request.extensions.get("timeout") or {}
        read_timeout = timeouts.get("read")
        course = disturb.plan.course(read_timeout)
        if not course.is_whole:
            call.give_back()
        seconds = course.seconds + disturb.recording.latency * disturb.pace
        if seconds:
            await Suspending.sleep(seconds)
        if course.broken is not None:
            raise _broken(course.broken)
        status, headers, extensions = _head_of(disturb)
        stream = _AsyncDisturbed(disturb, read_timeout)
        return httpx.Response(status, headers=headers, stream=stream, extensions=extensions)

    async def _forward(self, request: httpx.Request, call: Call, forward: Forward) -> httpx.Response:
        if call.asked.has_call_headers:
            request = _without_call_headers(request)
        upstream = self._upstream()
        answer = call.sending(forward)
        with nullcontext() if self._asks_nobody else calling_upstream.begun():
            response = await upstream.handle_async_request(request)
        if call.passes_by and not isinstance(response, httpx.Response):
            return response
        check_response(response, httpx.Response, "httpx", upstream)
        if getattr(response.extensions.get("replaycache"), "fault", ""):
            answer.abandon("a fault disturbed it")  # of a transport of ours inside this one
            return response
        try:
            stream = response.stream
            response.extensions["replaycache"] = answer.respond(
                response.status_code,
                response.headers.raw,
                http_version=response.extensions.get("http_version", b""),
                # a transport that logs or retries has read it; what it read has no content-encoding any more
                decoded=response.is_closed and not isinstance(stream, httpx.ByteStream),
            )
            if call.passes_by:
                return response
            if not isinstance(stream, httpx.AsyncByteStream):
                raise TypeError(f"{type(upstream).__name__} gave a response whose stream is not asynchronous")
            if response.is_closed:
                await self._take_whole(response, stream, answer)
                return response
            vars(response).pop("playback", None)  # of a transport of ours inside this one: past the stream
            response.stream = _AsyncTee(stream, answer)
            return response
        except BaseException:
            with suppress(Exception):  # the caller is told what broke first
                await response.aclose()
            raise

    async def _take_whole(self, response: httpx.Response, stream: httpx.AsyncByteStream, answer: Answer) -> None:
        """Records a response that was read before it came here."""
        try:
            content = response.content
        except httpx.ResponseNotRead:
            answer.abandon("the response was closed before it came here")
            return
        answer.resume()
        if isinstance(stream, httpx.ByteStream):
            async for part in stream:
                answer.feed(part)
        else:
            answer.feed(content)
        if answer.settle(Ending.END):
            await Suspending.save(answer)

    def _upstream(self) -> httpx.AsyncBaseTransport:
        if self._lender is not None:
            return self._lender._upstream()
        if self._inner is None:
            with self._making:
                if self._inner is None:
                    # a client without a transport of its own would go through the environment's proxies
                    self._inner = _AsyncThroughProxies() if getproxies() else httpx.AsyncHTTPTransport()
        return self._inner

    async def _finish_dropped(self) -> None:
        """Closes the responses that were let go of without being closed."""
        while (body := self._exchange.responses.next_dropped()) is not None:
            await body.finish()

    async def aclose(self) -> None:
        """Closes the inner transport, and the store if it was made here.

        Raises:
            SecretFound: recordings held what looks like a credential, and were not written to the cassette.
            DriftFound: in mode `verify`, answers differ in shape from what was recorded.
        """
        try:
            for body in self._exchange.responses.at_the_end():
                await body.read_ahead()
            await self._finish_dropped()
        finally:
            try:
                if self._inner is not None:
                    await self._inner.aclose()
            finally:
                if self._owns_store:
                    self._store.close()
        self._exchange.close()

    def __getattr__(self, name: str) -> Any:
        raise lacks(self, name, "httpx")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} mode {self._exchange.options.mode}, {self._store!r}>"


class _AsyncStandIn(httpx.AsyncBaseTransport):
    """A transport as its own class has it, where another stands in for it."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = await type(self._owner).handle_async_request(self._owner, request)
        return response

    @staticmethod
    async def answer(owner: Any, request: httpx.Request) -> httpx.Response:
        """Answers for it."""
        own = _AsyncStandIn(owner)
        exchange = below(is_async=True)
        if exchange is None:
            return await own.handle_async_request(request)
        return await AsyncReplayTransport.around(own, exchange).handle_async_request(request)


class _AsyncPool(httpx.AsyncBaseTransport):
    """A pool of connections, asked as a transport is.

    Args:
        pool: of the library below.
        asked: of it.
    """

    def __init__(self, pool: Any, asked: Any) -> None:
        self._pool = pool
        self._asked = asked

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = type(self._asked)(
            self._asked.method,
            self._asked.url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        found = await type(self._pool).handle_async_request(self._pool, asked)
        stream = _AsyncPoolStream(found.stream)
        return httpx.Response(found.status, headers=found.headers, stream=stream, extensions=found.extensions)

    @staticmethod
    async def answer(pool: Any, asked: Any) -> Any:
        """Answers for it."""
        exchange = below(is_async=True)
        if exchange is None:
            return await type(pool).handle_async_request(pool, asked)
        url = httpx.URL(
            scheme=asked.url.scheme.decode("ascii"),
            host=asked.url.host.decode("ascii"),
            port=asked.url.port,
            raw_path=asked.url.target,
        )
        request = httpx.Request(
            asked.method.decode("ascii"),
            url,
            headers=asked.headers,
            stream=asked.stream,
            extensions=asked.extensions,
        )
        own = AsyncReplayTransport.around(_AsyncPool(pool, asked), exchange)
        response = await own.handle_async_request(request)
        return SimpleNamespace(
            status=response.status_code,
            headers=response.headers.raw,
            stream=response.stream,
            extensions=response.extensions,
        )


class _AsyncPoolStream(httpx.AsyncByteStream):
    """What a pool of connections answers; its errors are made the client library's above."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: AsyncIterator[bytes] = self._stream.__aiter__()
        return chunks

    async def aclose(self) -> None:
        if hasattr(self._stream, "aclose"):
            await self._stream.aclose()


async def _read_async(request: httpx.Request, limit: int) -> bytes | None:
    """The request's body; None where it is larger than `limit`. Either way it can still be sent."""
    try:
        body = request.content
    except httpx.RequestNotRead:
        pass
    else:
        return body if len(body) <= limit else None
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        return None
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise TypeError("the request's body is not asynchronous, and the client is")
    pieces: list[bytes] = []
    size = 0
    rest = request.stream.__aiter__()
    async for piece in rest:
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            request.stream = _AsyncRest(pieces, rest)
            return None
    body = b"".join(pieces)
    request.stream = httpx.ByteStream(body)
    return body


class _AsyncRest(httpx.AsyncByteStream):
    """A request body of which the beginning was read."""

    def __init__(self, pieces: list[bytes], rest: AsyncIterator[bytes]) -> None:
        self._pieces: list[bytes] | None = pieces
        self._rest = rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._pieces is None:
            raise httpx.StreamConsumed()
        pieces, self._pieces = self._pieces, None
        for piece in pieces:
            yield piece
        async for piece in self._rest:
            yield piece


class _AsyncThroughProxies(httpx.AsyncBaseTransport):
    """The library's own transports, chosen by the proxies that the environment names."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request, stream=True, auth=None, follow_redirects=False)

    async def aclose(self) -> None:
        await self._client.aclose()


class _AsyncPlayback(httpx.AsyncByteStream):
    """A recorded body as a stream.

    It is its own iterator and no generator: one that is left in the middle would have to be closed.
    """

    def __init__(self, replay: Replay) -> None:
        self.pace = replay.pace
        self.body = replay.recording.body
        self.complete = replay.recording.complete
        self._coming: Iterator[tuple[bytes, int] | None] = iter(())
        self._started = 0.0

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._coming = self.body.timed()
        self._started = time.monotonic()
        return self

    async def __anext__(self) -> bytes:
        for coming in self._coming:
            if coming is None:
                await Suspending.yield_control()
                continue
            if self.pace:
                ahead = self._started + coming[1] / 1e6 * self.pace - time.monotonic()
                if ahead > 0:
                    await Suspending.sleep(ahead)
            return coming[0]
        if not self.complete:
            raise incomplete()
        raise StopAsyncIteration


class _AsyncDisturbed(httpx.AsyncByteStream):
    """A recorded body as a stream, and what goes wrong with it."""

    def __init__(self, disturb: Disturb, read_timeout: float | None) -> None:
        self._pace = disturb.pace
        self._complete = disturb.recording.complete
        self._plan, self._read_timeout = disturb.plan, read_timeout
        self._coming: Iterator[Step | None] = iter(())
        self._started = 0.0

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._coming = self._plan.steps(self._read_timeout)
        self._started = time.monotonic()
        return self

    async def __anext__(self) -> bytes:
        for coming in self._coming:
            if coming is None:
                await Suspending.yield_control()
                continue
            if coming.broken is not None:
                raise _broken(coming.broken)
            if coming.seconds:
                await Suspending.sleep(coming.seconds)
                continue
            if self._pace:
                ahead = self._started + coming.offset / 1e6 * self._pace - time.monotonic()
                if ahead > 0:
                    await Suspending.sleep(ahead)
            return coming.data
        if not self._complete:
            raise incomplete()
        raise StopAsyncIteration


class _AsyncReplayed(httpx.Response):
    """A replayed response. Its chunks are at hand, and reading them needs no walk through the library's layers."""

    playback: _AsyncPlayback | None = None
    reads_all = False
    size = 0

    @property
    def num_bytes_downloaded(self) -> int:
        return self.size or super().num_bytes_downloaded

    @property
    def _at_hand(self) -> _AsyncPlayback | None:
        playback = self.playback
        if playback is None or self.is_stream_consumed or self.is_closed:
            return None
        return playback if playback.complete and not playback.pace else None

    def __getstate__(self) -> dict[str, Any]:
        # the recording may be a file's, and is of no use to a response that is read
        return {name: value for name, value in super().__getstate__().items() if name != "playback"}

    async def aread(self) -> bytes:
        self.reads_all = True
        return await super().aread()

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        at_hand = self._at_hand if self.reads_all else None
        if at_hand is None:
            async for chunk in super().aiter_bytes(chunk_size):
                yield chunk
            return
        self.is_stream_consumed = True
        content = at_hand.body.read()
        self.size = len(content)
        await self.aclose()
        yield content

    async def aiter_raw(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        at_hand = self._at_hand if chunk_size is None else None
        if at_hand is None:
            async for chunk in super().aiter_raw(chunk_size):
                yield chunk
            return
        self.is_stream_consumed = True
        try:
            for segment in at_hand.body.segments:
                for chunk in segment:
                    self.size += len(chunk)
                    yield chunk
                await Suspending.yield_control()
        finally:
            await self.aclose()


class _AsyncTee(httpx.AsyncByteStream):
    """Upstream's body, every chunk handed on as it comes, and to the recorder.

    Attributes:
        answer: what becomes of it.
        ahead: chunks that were read for a reader who may yet come for them.
        is_read_ahead: whether more of them may come.
        is_broken_off: whether reading on did not come to the end.
    """

    def __init__(self, stream: httpx.AsyncByteStream, answer: Answer) -> None:
        self._stream = stream
        self.answer = answer
        self._loop = Suspending.loop()
        self.ahead: deque[bytes] = deque()
        answer.hold(stream, self)
        self._chunks: AsyncIterator[bytes] | None = None
        self._is_closing = self._is_closed = False
        self.is_read_ahead = False
        self.is_broken_off = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = self._stream.__aiter__()
        self.answer.hold(self._chunks, self)
        return _AsyncReader(self, self._chunks)

    async def aclose(self) -> None:
        if self._is_closing or self._is_closed:
            return
        try:
            try:
                self._is_closing = True
                seconds = self._drain_seconds()
                if seconds:
                    await Suspending.within(seconds, lambda: self._drain(seconds))
            finally:
                # before the stream is touched: who reads on meanwhile, or later, must not find an end
                await self.settle(Ending.CLOSED)
        except BaseException:
            self.answer.land()
            raise
        finally:
            self._is_closing, self._is_closed = False, True
            # no function of its own: an interrupt at its entry would leave the stream open
            try:
                if isinstance(self._chunks, AsyncGenerator):
                    await self._chunks.aclose()
            except (RuntimeError, ValueError):
                pass  # somebody is reading from it; closing the stream ends that
            finally:
                await self._stream.aclose()

    async def finish(self) -> None:
        """Closes what was let go of; what breaks in that is nobody's concern any more."""
        try:
            await self.aclose()
        except Exception:  # noqa: BLE001  # its connection, or its loop, may be gone
            self.keep()

    async def read_ahead(self) -> None:
        """Reads what little is to come of an answer whose model has stopped, and keeps it for the reader, too."""
        seconds = self._drain_seconds()
        try:
            if seconds:
                await Suspending.within(seconds, lambda: self._drain(seconds, self.ahead))
        except Exception:  # noqa: BLE001  # somebody is reading from it after all, or its connection is gone
            return
        self.keep_whole()

    def keep_whole(self) -> None:
        """Stores the answer if all of it is there."""
        if self.answer.is_whole:
            self.keep()

    def keep(self) -> None:
        """Stores what came of it, without reading on."""
        try:
            if self.answer.settle(Ending.CLOSED):
                self.answer.save()
        except BaseException:
            self.answer.land()
            raise

    def leave(self, chunks: AsyncIterator[bytes]) -> None:
        """Whoever read from `chunks` has left, without having come to their end or closed the response.

        Nothing else holds them then, and what they are read from is closed, as it would be without this stream.
        """
        if self._is_closing or self.is_read_ahead:
            return  # it is read on
        if chunks is self._chunks and not self.answer.leave(self):
            self._chunks = None

    def _drain_seconds(self) -> float:
        # another loop cannot read what this one opened
        return self.answer.drain_seconds() if Suspending.loop() is self._loop else 0.0

    async def _drain(self, seconds: float, ahead: deque[bytes] | None = None) -> None:
        """Reads what the caller left, within bounds."""
        answer = self.answer
        if self._chunks is None:
            self._chunks = self._stream.__aiter__()
        elif getattr(self._chunks, "ag_frame", self) is None:
            return  # it was closed by others, such as a loop at its end, and would look as if it were at its end
        until = time.monotonic() + seconds
        size = 0
        self.is_read_ahead = ahead is not None
        try:
            while size <= DRAIN_BYTES and time.monotonic() <= until:
                answer.resume()
                chunk = await anext(self._chunks)
                answer.feed(chunk)
                if ahead is not None:
                    ahead.append(chunk)
                size += len(chunk)
        except StopAsyncIteration:
            # a loop that ends may have closed what this is read from, and then it seems to have come to its end
            await self.settle(Ending.CUT if await Suspending.is_ending() else Ending.END)
        except Exception:  # noqa: BLE001  # the caller has what it wanted; what broke is only the rest
            self.is_broken_off = True
            await self.settle(Ending.CUT)
        except BaseException:
            # from now on it looks as if it were at its end
            self.is_broken_off = True
            await self.settle(Ending.CLOSED)
            raise
        finally:
            self.is_read_ahead = False

    async def settle(self, ending: Ending) -> None:
        """Says how the body ended, and stores it where that was its end."""
        if ending is Ending.END and Suspending.loop() is not self._loop:
            # a loop that ends closes generators, and what reads from a closed one seems to have come to its end
            ending = Ending.CUT
        try:
            if self.answer.settle(ending):
                await Suspending.save(self.answer)
        except BaseException:
            self.answer.land()
            raise

    def __del__(self) -> None:
        if "answer" in self.__dict__:  # not where an interrupt met `__init__`
            try:
                self.answer.drop(self)
            except BaseException:
                self.answer.abandon("the response was dropped, not closed")
                raise


class _AsyncReader(httpx.AsyncByteStream):
    """Reads what a `_AsyncTee` hands on.

    Nothing holds it but its reader, so that it goes when that leaves, and what it reads from with it: a response
    of httpx and its stream hold each other, and stay until the collector runs. It is no generator: one that is
    left in the middle would have to be closed.
    """

    def __init__(self, tee: _AsyncTee, chunks: AsyncIterator[bytes]) -> None:
        self._tee = tee
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        tee = self._tee
        # asked first whether more may come: nothing comes between the last chunk and this
        if tee.is_read_ahead or tee.ahead or tee.is_broken_off:
            kept = await self._read_ahead()
            if kept is not None:
                return kept
        answer = tee.answer
        recorder = answer.recorder  # another thread may settle meanwhile
        try:
            if recorder is not None:
                recorder.ask(time.perf_counter())
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                await tee.settle(Ending.END)
                raise
            except BaseException as error:
                await tee.settle(Ending.by(error))
                raise
            if recorder is not None:
                recorder.feed(chunk, time.perf_counter())
            return chunk
        except StopAsyncIteration:
            raise
        except BaseException:
            answer.land()
            raise

    async def _read_ahead(self) -> bytes | None:
        """The next chunk that was read for a reader who may yet come; None where there are no more of those."""
        tee = self._tee
        while True:
            more_may_come = tee.is_read_ahead
            if tee.ahead:
                return tee.ahead.popleft()
            if not more_may_come:
                break
            await Suspending.sleep(0.01)
        if tee.is_broken_off:
            raise httpx.ReadError("the session has ended, and the rest of the answer did not come by then")
        return None

    def __del__(self) -> None:
        if "_chunks" in self.__dict__:  # not where an interrupt met `__init__`
            self._tee.leave(self._chunks)


# -- synchronous -----------------------------------------------------------------------------------------
# fmt: off


class ReplayTransport(httpx.BaseTransport):
    """A transport for `httpx.Client` that replays stored answers and records new ones.

    Args:
        inner: the transport that calls upstream. None: the library's own, made on the first live call.
        store: where recordings are kept: None for the user's disk cache, a store, or text: `":memory:"`, the
            path of a cassette ending in `.json`, or of a directory, `redis://HOST`; or a list of caches, one
            before the other.
        mode: a `Mode` or its name. None: `REPLAYCACHE_MODE`, and `auto` without it.
        options: the others of `replaycache.Options`.

    Raises:
        TypeError: `inner` is of another library, or for another kind of client.
        ConfigurationError: an option is misspelt or wrong.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport | None = None,
        *,
        store: Store | str | Sequence[Store | str] | None = None,
        mode: Mode | ModeName | None = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        check_inner(inner, httpx.BaseTransport, "httpx", "handle_request")
        checked = Options.parse({"mode": mode, **options})
        self._store, self._owns_store = open_store(store)
        self._exchange = Exchange(checked, self._store, Spool, Blocking.owner)
        self._exchange.is_mode_named = names_mode(mode)
        named = {name: getattr(checked, name) for name, value in options.items() if value is not None}
        self._follower = Follower(named) if store is None and mode is None else None
        self._lender: ReplayTransport | None = None
        self._inner = inner
        self._making = new_lock()
        self._knows_upstream = self._asks_nobody = False

    @classmethod
    def around(
        cls,
        inner: httpx.BaseTransport | None,
        exchange: Exchange,
        *,
        lender: ReplayTransport | None = None,
    ) -> Self:
        """A transport that shares `exchange` with others; `inner` and the store are closed by their owners.

        Args:
            inner: calls upstream.
            exchange: of a session.
            lender: whose `inner` it calls, where it has none of its own.
        """
        transport = cls.__new__(cls)
        transport._store, transport._owns_store = exchange.store, False
        transport._exchange = exchange
        transport._follower, transport._lender = None, lender
        transport._inner = inner
        transport._knows_upstream, transport._asks_nobody = True, False
        return transport

    @property
    def follows(self) -> bool:
        """Whether it follows the session that it is used in: it was given neither a store nor a mode."""
        return self._follower is not None

    @property
    def store(self) -> Store:
        """Where recordings are kept."""
        return self._store

    @staticmethod
    def stand_in(transports: list[Any], pools: list[Any]) -> None:
        """From now on the session in force decides where one of these is asked, whoever asks it.

        Args:
            transports: that call upstream.
            pools: of connections, below a transport whose place others have taken.
        """
        for transport in transports:
            stand_in(transport, "handle_request", _StandIn.answer)
        for pool in pools:
            stand_in(pool, "handle_request", _Pool.answer)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers from the store, or calls upstream and records.

        Raises:
            CacheMiss: nothing is stored and the mode is `replay`.
            StoreError: the store failed and the mode is `replay`.
            TypeError: the client is of another library, or the inner transport gave no response of this one.
        """
        check_request(request, httpx.Request, "httpx", "ReplayTransport")
        following = followed(is_async=False) if self._follower is not None else None
        if following is not None and following.exchange is None:
            return self._upstream().handle_request(_without_call_headers(request))
        if not self._knows_upstream and self._is_passed_by(in_session=following is not None):
            return self._pass(request, None if following is not None else self._exchange)
        if following is not None and following.exchange is not None and self._follower is not None:
            exchange = self._follower.exchange(following.exchange)
            return ReplayTransport.around(None, exchange, lender=self).handle_request(request)
        url = str(request.url)
        if (alone := self._exchange.leaves_alone(request.method, url)) is not None:
            with alone:
                return self._upstream().handle_request(_without_call_headers(request))
        if self._exchange.responses.dropped:
            self._finish_dropped()
        if not self._exchange.is_prepared:
            Blocking.call(self._exchange.prepare)
        target = request.extensions.get("target")
        call = self._exchange.call(request.method, url, request.headers.raw, target)
        try:
            if call.asked.needs_body:
                call.identify(_read(request, call.max_request_bytes))
            while True:
                if self._store.slow:
                    found = Blocking.call(call.load)
                    decision = Blocking.call(partial(call.decide, found))
                else:
                    decision = call.decide(call.load())
                match decision:
                    case Replay():
                        return self._replay(decision)
                    case Disturb():
                        return self._disturb(request, call, decision)
                    case Forward():
                        return self._forward(request, call, decision)
                    case Wait(flight):
                        timeouts = request.extensions.get("timeout") or {}
                        Blocking.wait(flight, call.patience(timeouts.get("read")))
                        call.go_on()
                    case Recheck():
                        pass
                    case Refuse(reason):
                        raise (
                            Blocking.call(lambda: call.miss(reason))
                            if self._store.slow
                            else call.miss(reason)
                        )
                    case _:
                        assert_never(decision)
        except BaseException as error:
            call.abandon("the call broke off", Ending.by(error))
            raise

    def _is_passed_by(self, *, in_session: bool) -> bool:
        """Whether what answers is no upstream.

        In a session, nothing that answers in the process is; elsewhere the user may have put a mock inside, but
        not one in the place of the library's own transport.
        """
        inner = self._inner
        if inner is None:
            if not is_replaced(httpx, is_async=False):
                return False
            inner = self._upstream()
        found = survey(httpx, inner)
        self._asks_nobody = found.in_process and not found.transports and not found.pools
        if not (found.in_process if in_session else found.is_mocked):
            return False
        self.stand_in(found.transports, found.pools)
        return True

    def _pass(self, request: httpx.Request, exchange: Exchange | None) -> httpx.Response:
        """Hands on what answers in the process.

        Args:
            request: without an answer yet.
            exchange: decides if that asks upstream all the same; None: the session in force does.
        """
        before = lent.here()
        lent.set(exchange)
        try:
            return self._upstream().handle_request(_without_call_headers(request))
        finally:
            lent.set(before)

    def _replay(self, replay: Replay) -> httpx.Response:
        if replay.pace:
            Blocking.sleep(replay.recording.latency * replay.pace)
        status, headers, extensions = _head_of(replay)
        playback = _Playback(replay)
        response = _Replayed(status, headers=headers, stream=playback, extensions=extensions)
        response.playback = playback
        return response

    def _disturb(self, request: httpx.Request, call: Call, disturb: Disturb) -> httpx.Response:
        timeouts = request.extensions.get("timeout") or {}
        read_timeout = timeouts.get("read")
        course = disturb.plan.course(read_timeout)
        if not course.is_whole:
            call.give_back()
        seconds = course.seconds + disturb.recording.latency * disturb.pace
        if seconds:
            Blocking.sleep(seconds)
        if course.broken is not None:
            raise _broken(course.broken)
        status, headers, extensions = _head_of(disturb)
        stream = _Disturbed(disturb, read_timeout)
        return httpx.Response(status, headers=headers, stream=stream, extensions=extensions)

    def _forward(self, request: httpx.Request, call: Call, forward: Forward) -> httpx.Response:
        if call.asked.has_call_headers:
            request = _without_call_headers(request)
        upstream = self._upstream()
        answer = call.sending(forward)
        with nullcontext() if self._asks_nobody else calling_upstream.begun():
            response = upstream.handle_request(request)
        if call.passes_by and not isinstance(response, httpx.Response):
            return response
        check_response(response, httpx.Response, "httpx", upstream)
        if getattr(response.extensions.get("replaycache"), "fault", ""):
            answer.abandon("a fault disturbed it")  # of a transport of ours inside this one
            return response
        try:
            stream = response.stream
            response.extensions["replaycache"] = answer.respond(
                response.status_code,
                response.headers.raw,
                http_version=response.extensions.get("http_version", b""),
                # a transport that logs or retries has read it; what it read has no content-encoding any more
                decoded=response.is_closed and not isinstance(stream, httpx.ByteStream),
            )
            if call.passes_by:
                return response
            if not isinstance(stream, httpx.SyncByteStream):
                raise TypeError(f"{type(upstream).__name__} gave a response whose stream is asynchronous")
            if response.is_closed:
                self._take_whole(response, stream, answer)
                return response
            vars(response).pop("playback", None)  # of a transport of ours inside this one: past the stream
            response.stream = _Tee(stream, answer)
            return response
        except BaseException:
            with suppress(Exception):  # the caller is told what broke first
                response.close()
            raise

    def _take_whole(self, response: httpx.Response, stream: httpx.SyncByteStream, answer: Answer) -> None:
        """Records a response that was read before it came here."""
        try:
            content = response.content
        except httpx.ResponseNotRead:
            answer.abandon("the response was closed before it came here")
            return
        answer.resume()
        if isinstance(stream, httpx.ByteStream):
            for part in stream:
                answer.feed(part)
        else:
            answer.feed(content)
        if answer.settle(Ending.END):
            Blocking.save(answer)

    def _upstream(self) -> httpx.BaseTransport:
        if self._lender is not None:
            return self._lender._upstream()
        if self._inner is None:
            with self._making:
                if self._inner is None:
                    # a client without a transport of its own would go through the environment's proxies
                    self._inner = _ThroughProxies() if getproxies() else httpx.HTTPTransport()
        return self._inner

    def _finish_dropped(self) -> None:
        """Closes the responses that were let go of without being closed."""
        while (body := self._exchange.responses.next_dropped()) is not None:
            body.finish()

    def close(self) -> None:
        """Closes the inner transport, and the store if it was made here.

        Raises:
            SecretFound: recordings held what looks like a credential, and were not written to the cassette.
            DriftFound: in mode `verify`, answers differ in shape from what was recorded.
        """
        try:
            for body in self._exchange.responses.at_the_end():
                body.read_ahead()
            self._finish_dropped()
        finally:
            try:
                if self._inner is not None:
                    self._inner.close()
            finally:
                if self._owns_store:
                    self._store.close()
        self._exchange.close()

    def __getattr__(self, name: str) -> Any:
        raise lacks(self, name, "httpx")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} mode {self._exchange.options.mode}, {self._store!r}>"


class _StandIn(httpx.BaseTransport):
    """A transport as its own class has it, where another stands in for it."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response: httpx.Response = type(self._owner).handle_request(self._owner, request)
        return response

    @staticmethod
    def answer(owner: Any, request: httpx.Request) -> httpx.Response:
        """Answers for it."""
        own = _StandIn(owner)
        exchange = below(is_async=False)
        if exchange is None:
            return own.handle_request(request)
        return ReplayTransport.around(own, exchange).handle_request(request)


class _Pool(httpx.BaseTransport):
    """A pool of connections, asked as a transport is.

    Args:
        pool: of the library below.
        asked: of it.
    """

    def __init__(self, pool: Any, asked: Any) -> None:
        self._pool = pool
        self._asked = asked

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = type(self._asked)(
            self._asked.method,
            self._asked.url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        found = type(self._pool).handle_request(self._pool, asked)
        stream = _PoolStream(found.stream)
        return httpx.Response(found.status, headers=found.headers, stream=stream, extensions=found.extensions)

    @staticmethod
    def answer(pool: Any, asked: Any) -> Any:
        """Answers for it."""
        exchange = below(is_async=False)
        if exchange is None:
            return type(pool).handle_request(pool, asked)
        url = httpx.URL(
            scheme=asked.url.scheme.decode("ascii"),
            host=asked.url.host.decode("ascii"),
            port=asked.url.port,
            raw_path=asked.url.target,
        )
        request = httpx.Request(
            asked.method.decode("ascii"),
            url,
            headers=asked.headers,
            stream=asked.stream,
            extensions=asked.extensions,
        )
        own = ReplayTransport.around(_Pool(pool, asked), exchange)
        response = own.handle_request(request)
        return SimpleNamespace(
            status=response.status_code,
            headers=response.headers.raw,
            stream=response.stream,
            extensions=response.extensions,
        )


class _PoolStream(httpx.SyncByteStream):
    """What a pool of connections answers; its errors are made the client library's above."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        chunks: Iterator[bytes] = self._stream.__iter__()
        return chunks

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


def _read(request: httpx.Request, limit: int) -> bytes | None:
    """The request's body; None where it is larger than `limit`. Either way it can still be sent."""
    try:
        body = request.content
    except httpx.RequestNotRead:
        pass
    else:
        return body if len(body) <= limit else None
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        return None
    if not isinstance(request.stream, httpx.SyncByteStream):
        raise TypeError("the request's body is asynchronous, and the client is not")
    pieces: list[bytes] = []
    size = 0
    rest = request.stream.__iter__()
    for piece in rest:
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            request.stream = _Rest(pieces, rest)
            return None
    body = b"".join(pieces)
    request.stream = httpx.ByteStream(body)
    return body


class _Rest(httpx.SyncByteStream):
    """A request body of which the beginning was read."""

    def __init__(self, pieces: list[bytes], rest: Iterator[bytes]) -> None:
        self._pieces: list[bytes] | None = pieces
        self._rest = rest

    def __iter__(self) -> Iterator[bytes]:
        if self._pieces is None:
            raise httpx.StreamConsumed()
        pieces, self._pieces = self._pieces, None
        for piece in pieces:
            yield piece
        for piece in self._rest:
            yield piece


class _ThroughProxies(httpx.BaseTransport):
    """The library's own transports, chosen by the proxies that the environment names."""

    def __init__(self) -> None:
        self._client = httpx.Client()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._client.send(request, stream=True, auth=None, follow_redirects=False)

    def close(self) -> None:
        self._client.close()


class _Playback(httpx.SyncByteStream):
    """A recorded body as a stream.

    It is its own iterator and no generator: one that is left in the middle would have to be closed.
    """

    def __init__(self, replay: Replay) -> None:
        self.pace = replay.pace
        self.body = replay.recording.body
        self.complete = replay.recording.complete
        self._coming: Iterator[tuple[bytes, int] | None] = iter(())
        self._started = 0.0

    def __iter__(self) -> Iterator[bytes]:
        self._coming = self.body.timed()
        self._started = time.monotonic()
        return self

    def __next__(self) -> bytes:
        for coming in self._coming:
            if coming is None:
                Blocking.yield_control()
                continue
            if self.pace:
                ahead = self._started + coming[1] / 1e6 * self.pace - time.monotonic()
                if ahead > 0:
                    Blocking.sleep(ahead)
            return coming[0]
        if not self.complete:
            raise incomplete()
        raise StopIteration


class _Disturbed(httpx.SyncByteStream):
    """A recorded body as a stream, and what goes wrong with it."""

    def __init__(self, disturb: Disturb, read_timeout: float | None) -> None:
        self._pace = disturb.pace
        self._complete = disturb.recording.complete
        self._plan, self._read_timeout = disturb.plan, read_timeout
        self._coming: Iterator[Step | None] = iter(())
        self._started = 0.0

    def __iter__(self) -> Iterator[bytes]:
        self._coming = self._plan.steps(self._read_timeout)
        self._started = time.monotonic()
        return self

    def __next__(self) -> bytes:
        for coming in self._coming:
            if coming is None:
                Blocking.yield_control()
                continue
            if coming.broken is not None:
                raise _broken(coming.broken)
            if coming.seconds:
                Blocking.sleep(coming.seconds)
                continue
            if self._pace:
                ahead = self._started + coming.offset / 1e6 * self._pace - time.monotonic()
                if ahead > 0:
                    Blocking.sleep(ahead)
            return coming.data
        if not self._complete:
            raise incomplete()
        raise StopIteration


class _Replayed(httpx.Response):
    """A replayed response. Its chunks are at hand, and reading them needs no walk through the library's layers."""

    playback: _Playback | None = None
    reads_all = False
    size = 0

    @property
    def num_bytes_downloaded(self) -> int:
        return self.size or super().num_bytes_downloaded

    @property
    def _at_hand(self) -> _Playback | None:
        playback = self.playback
        if playback is None or self.is_stream_consumed or self.is_closed:
            return None
        return playback if playback.complete and not playback.pace else None

    def __getstate__(self) -> dict[str, Any]:
        # the recording may be a file's, and is of no use to a response that is read
        return {name: value for name, value in super().__getstate__().items() if name != "playback"}

    def read(self) -> bytes:
        self.reads_all = True
        return super().read()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        at_hand = self._at_hand if self.reads_all else None
        if at_hand is None:
            yield from super().iter_bytes(chunk_size)
            return
        self.is_stream_consumed = True
        content = at_hand.body.read()
        self.size = len(content)
        self.close()
        yield content

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        at_hand = self._at_hand if chunk_size is None else None
        if at_hand is None:
            yield from super().iter_raw(chunk_size)
            return
        self.is_stream_consumed = True
        try:
            for segment in at_hand.body.segments:
                for chunk in segment:
                    self.size += len(chunk)
                    yield chunk
                Blocking.yield_control()
        finally:
            self.close()


class _Tee(httpx.SyncByteStream):
    """Upstream's body, every chunk handed on as it comes, and to the recorder.

    Attributes:
        answer: what becomes of it.
        ahead: chunks that were read for a reader who may yet come for them.
        is_read_ahead: whether more of them may come.
        is_broken_off: whether reading on did not come to the end.
    """

    def __init__(self, stream: httpx.SyncByteStream, answer: Answer) -> None:
        self._stream = stream
        self.answer = answer
        self._loop = Blocking.loop()
        self.ahead: deque[bytes] = deque()
        answer.hold(stream, self)
        self._chunks: Iterator[bytes] | None = None
        self._is_closing = self._is_closed = False
        self.is_read_ahead = False
        self.is_broken_off = False

    def __iter__(self) -> Iterator[bytes]:
        self._chunks = self._stream.__iter__()
        self.answer.hold(self._chunks, self)
        return _Reader(self, self._chunks)

    def close(self) -> None:
        if self._is_closing or self._is_closed:
            return
        try:
            try:
                self._is_closing = True
                seconds = self._drain_seconds()
                if seconds:
                    Blocking.within(seconds, lambda: self._drain(seconds))
            finally:
                # before the stream is touched: who reads on meanwhile, or later, must not find an end
                self.settle(Ending.CLOSED)
        except BaseException:
            self.answer.land()
            raise
        finally:
            self._is_closing, self._is_closed = False, True
            # no function of its own: an interrupt at its entry would leave the stream open
            try:
                if isinstance(self._chunks, Generator):
                    self._chunks.close()
            except (RuntimeError, ValueError):
                pass  # somebody is reading from it; closing the stream ends that
            finally:
                self._stream.close()

    def finish(self) -> None:
        """Closes what was let go of; what breaks in that is nobody's concern any more."""
        try:
            self.close()
        except Exception:  # noqa: BLE001  # its connection, or its loop, may be gone
            self.keep()

    def read_ahead(self) -> None:
        """Reads what little is to come of an answer whose model has stopped, and keeps it for the reader, too."""
        seconds = self._drain_seconds()
        try:
            if seconds:
                Blocking.within(seconds, lambda: self._drain(seconds, self.ahead))
        except Exception:  # noqa: BLE001  # somebody is reading from it after all, or its connection is gone
            return
        self.keep_whole()

    def keep_whole(self) -> None:
        """Stores the answer if all of it is there."""
        if self.answer.is_whole:
            self.keep()

    def keep(self) -> None:
        """Stores what came of it, without reading on."""
        try:
            if self.answer.settle(Ending.CLOSED):
                self.answer.save()
        except BaseException:
            self.answer.land()
            raise

    def leave(self, chunks: Iterator[bytes]) -> None:
        """Whoever read from `chunks` has left, without having come to their end or closed the response.

        Nothing else holds them then, and what they are read from is closed, as it would be without this stream.
        """
        if self._is_closing or self.is_read_ahead:
            return  # it is read on
        if chunks is self._chunks and not self.answer.leave(self):
            self._chunks = None

    def _drain_seconds(self) -> float:
        # another loop cannot read what this one opened
        return self.answer.drain_seconds() if Blocking.loop() is self._loop else 0.0

    def _drain(self, seconds: float, ahead: deque[bytes] | None = None) -> None:
        """Reads what the caller left, within bounds."""
        answer = self.answer
        if self._chunks is None:
            self._chunks = self._stream.__iter__()
        elif getattr(self._chunks, "gi_frame", self) is None:
            return  # it was closed by others, such as a loop at its end, and would look as if it were at its end
        until = time.monotonic() + seconds
        size = 0
        self.is_read_ahead = ahead is not None
        try:
            while size <= DRAIN_BYTES and time.monotonic() <= until:
                answer.resume()
                chunk = next(self._chunks)
                answer.feed(chunk)
                if ahead is not None:
                    ahead.append(chunk)
                size += len(chunk)
        except StopIteration:
            # a loop that ends may have closed what this is read from, and then it seems to have come to its end
            self.settle(Ending.CUT if Blocking.is_ending() else Ending.END)
        except Exception:  # noqa: BLE001  # the caller has what it wanted; what broke is only the rest
            self.is_broken_off = True
            self.settle(Ending.CUT)
        except BaseException:
            # from now on it looks as if it were at its end
            self.is_broken_off = True
            self.settle(Ending.CLOSED)
            raise
        finally:
            self.is_read_ahead = False

    def settle(self, ending: Ending) -> None:
        """Says how the body ended, and stores it where that was its end."""
        if ending is Ending.END and Blocking.loop() is not self._loop:
            # a loop that ends closes generators, and what reads from a closed one seems to have come to its end
            ending = Ending.CUT
        try:
            if self.answer.settle(ending):
                Blocking.save(self.answer)
        except BaseException:
            self.answer.land()
            raise

    def __del__(self) -> None:
        if "answer" in self.__dict__:  # not where an interrupt met `__init__`
            try:
                self.answer.drop(self)
            except BaseException:
                self.answer.abandon("the response was dropped, not closed")
                raise


class _Reader(httpx.SyncByteStream):
    """Reads what a `_Tee` hands on.

    Nothing holds it but its reader, so that it goes when that leaves, and what it reads from with it: a response
    of httpx and its stream hold each other, and stay until the collector runs. It is no generator: one that is
    left in the middle would have to be closed.
    """

    def __init__(self, tee: _Tee, chunks: Iterator[bytes]) -> None:
        self._tee = tee
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        tee = self._tee
        # asked first whether more may come: nothing comes between the last chunk and this
        if tee.is_read_ahead or tee.ahead or tee.is_broken_off:
            kept = self._read_ahead()
            if kept is not None:
                return kept
        answer = tee.answer
        recorder = answer.recorder  # another thread may settle meanwhile
        try:
            if recorder is not None:
                recorder.ask(time.perf_counter())
            try:
                chunk = next(self._chunks)
            except StopIteration:
                tee.settle(Ending.END)
                raise
            except BaseException as error:
                tee.settle(Ending.by(error))
                raise
            if recorder is not None:
                recorder.feed(chunk, time.perf_counter())
            return chunk
        except StopIteration:
            raise
        except BaseException:
            answer.land()
            raise

    def _read_ahead(self) -> bytes | None:
        """The next chunk that was read for a reader who may yet come; None where there are no more of those."""
        tee = self._tee
        while True:
            more_may_come = tee.is_read_ahead
            if tee.ahead:
                return tee.ahead.popleft()
            if not more_may_come:
                break
            Blocking.sleep(0.01)
        if tee.is_broken_off:
            raise httpx.ReadError("the session has ended, and the rest of the answer did not come by then")
        return None

    def __del__(self) -> None:
        if "_chunks" in self.__dict__:  # not where an interrupt met `__init__`
            self._tee.leave(self._chunks)
