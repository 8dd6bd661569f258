"""An interrupt anywhere: Ctrl-C, a test's timeout, a lack of memory.

The interpreter looks for signals at a function's entry, after a call and where a loop turns back. Each of these
places in the modules that an answer passes through is interrupted once, in one run of a scenario each.
"""

from __future__ import annotations

import dis
import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import anyio.lowlevel
import pytest

import replaycache
from replaycache.engine import flights
from replaycache.stores import CassetteStore, DiskStore, MemoryStore
from replaycache.stores.claims import Claims
from tests.drivers import Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire

URL = "http://upstream.test/v1/messages"
ASKED = {"model": "claude-sonnet-4-6", "stream": True, "messages": [{"role": "user", "content": "A colour?"}]}
EVENTS = [
    {"type": "message_start", "message": {"id": "msg-1", "type": "message", "content": []}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Red, "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "green."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
SENT = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in EVENTS]
STREAM = b"".join(SENT)
PREFIXES = [b"".join(SENT[:count]) for count in range(len(SENT) + 1)]

EVERY = int(os.environ.get("INTERRUPT_EVERY", "89"))
"""Of so many places one is interrupted; 1 takes all of them, which takes many minutes."""

PACKAGE = Path(replaycache.__file__).parent
PLACES = (
    "httpx*.py",
    "engine/*.py",
    "stores/*.py",
    "dialects/watcher.py",
    "dialects/framing/*.py",
)
FILES = {str(path) for place in PLACES for path in PACKAGE.glob(place)}

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def _nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised in finalisers and threads is printed at most; pytest would keep it with all it refers to."""
    monkeypatch.setattr(sys, "unraisablehook", lambda told: None)
    monkeypatch.setattr(threading, "excepthook", lambda told: None)


class Upstream:
    """Streams `SENT` from within the process, in whatever kind of stream a library wants.

    Attributes:
        opened: how many streams.
        closed: how many of them by `close`.
        gone: how many of the others as garbage.
    """

    def __init__(self, driver: Driver, fails_after: int | None = None) -> None:
        self.driver = driver
        self.fails_after = fails_after
        self.opened = self.closed = self.gone = 0

    def __call__(self, request: Any) -> Any:
        module, upstream = self.driver.module, self

        class Observed:
            is_open = True

            def note_closed(self) -> None:
                upstream.closed += self.is_open
                self.is_open = False

            def __del__(self) -> None:
                upstream.gone += self.is_open

        class Synchronous(Observed, module.SyncByteStream):  # type: ignore[name-defined,misc]
            def __iter__(self) -> Iterator[bytes]:
                for number, chunk in enumerate(SENT):
                    if number == upstream.fails_after:
                        raise module.ReadError("the connection is gone")
                    yield chunk

            def close(self) -> None:
                self.note_closed()

        class Asynchronous(Observed, module.AsyncByteStream):  # type: ignore[name-defined,misc]
            async def __aiter__(self) -> AsyncIterator[bytes]:
                for number, chunk in enumerate(SENT):
                    await anyio.lowlevel.checkpoint()
                    if number == upstream.fails_after:
                        raise module.ReadError("the connection is gone")
                    yield chunk

            async def aclose(self) -> None:
                self.note_closed()

        self.opened += 1
        stream = Asynchronous() if self.driver.is_async else Synchronous()
        return module.Response(200, headers={"content-type": "text/event-stream"}, stream=stream)


# -- where the interpreter takes signals -----------------------------------------------------------------


@cache
def places_in(code: CodeType) -> frozenset[int]:
    """Offsets of the instructions before which a signal is taken, but for the entry, which is an event itself.

    CPython 3.14 leaves the jump back of a loop out of the block that the loop stands in, and an interrupt there
    out of its `with` and `finally`: no library can do anything about that, and such a place is none here.
    """
    found = set()
    after_call = False
    before: dis.Instruction | None = None
    handlers = {
        offset: entry.target
        for entry in dis.Bytecode(code).exception_entries
        for offset in range(entry.start, entry.end)
    }
    for instruction in dis.get_instructions(code):
        if after_call or (
            "JUMP_BACKWARD" in instruction.opname
            and (before is None or handlers.get(before.offset) == handlers.get(instruction.offset))
        ):
            found.add(instruction.offset)
        after_call = instruction.opname.startswith("CALL")
        if instruction.opname != "NOT_TAKEN" and "JUMP" not in instruction.opname:
            before = instruction
    return frozenset(found)


class Interruption:
    """Interrupts at one of the places that are passed, in whatever thread; none where that is None."""

    def __init__(self, place: int | None, error: type[BaseException] = KeyboardInterrupt) -> None:
        self._count = itertools.count()
        self._place = place
        self._error = error
        self.passed = 0
        self.where = ""

    def _pass(self, frame: FrameType) -> None:
        number = next(self._count)
        self.passed = number + 1
        if number == self._place:
            self.where = f"{frame.f_code.co_qualname} in {Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            raise self._error(self.where)

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """As `sys.settrace` wants it."""
        if event == "call":
            if frame.f_code.co_filename not in FILES:
                return None
            if frame.f_code.co_name != "__del__":  # at the very entry of a finaliser nothing can be done
                self._pass(frame)
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        elif event == "opcode" and frame.f_lasti in places_in(frame.f_code):
            self._pass(frame)
        return self.trace

    @contextmanager
    def on(self) -> Iterator[None]:
        before = sys.gettrace()
        threading.settrace(self.trace)
        sys.settrace(self.trace)
        try:
            yield
        finally:
            sys.settrace(before)
            threading.settrace(None)  # type: ignore[arg-type]


# -- what is interrupted ---------------------------------------------------------------------------------


class Caller:
    """Asks once, in one of several ways of reading the answer.

    Attributes:
        closed: whether the response was had, and was to be closed.
        key: of the request, once it was answered.
    """

    def __init__(self, driver: Driver, transport: Any, way: str) -> None:
        self.driver = driver
        self.transport = transport
        self.way = way
        self.closed = False
        self.key = ""

    async def _do(self, method: str, of: Any, *arguments: Any) -> Any:
        names = {"handle": "handle_async_request", "close": "aclose", "next": "__anext__", "iter": "__aiter__"}
        if self.driver.is_async:
            done = getattr(of, names[method])(*arguments)
            return done if method == "iter" else await done
        names = {"handle": "handle_request", "close": "close", "next": "__next__", "iter": "__iter__"}
        try:
            return getattr(of, names[method])(*arguments)
        except StopIteration:
            raise StopAsyncIteration from None

    async def ask(self) -> None:
        """As a client does, with the transport's own stream."""
        try:
            request = self.driver.module.Request("POST", URL, json=ASKED)
            response = await self._do("handle", self.transport, request)
            self.key = outcome_of(response).key
            if self.way.startswith("drops"):
                await self._read(response.stream, 2 if self.way == "drops" else 4)
                del response
                gc.collect()
                return
            try:
                await self._read(response.stream, 2 if self.way == "closes early" else 99)
            finally:
                self.closed = True
                await self._do("close", response)
        finally:
            await self._do("close", self.transport)

    async def _read(self, stream: Any, count: int) -> None:
        chunks = await self._do("iter", stream)
        while count:
            try:
                await self._do("next", chunks)
            except StopAsyncIteration:
                return
            except (KeyboardInterrupt, MemoryError):
                if self.way != "reads on":
                    raise
            except RuntimeError:
                # a generator was left in the middle of its await, and nobody reads it any more
                assert self.way == "reads on"
                return
            count -= 1


ERRORS = (KeyboardInterrupt, MemoryError)
WAYS = ["reads to the end", "reads on", "closes early", "drops", "drops late"]


class Stores:
    """A store of a kind for each run, and what is in it then."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.kind = kind
        self.cassette = directory / "cassette.json"
        self.disk = directory / "disk"
        self.store: Any = None

    def fresh(self) -> Any:
        """An empty one."""
        if self.kind == "cassette":
            self.cassette.unlink(missing_ok=True)
            self.store = CassetteStore(self.cassette)
        elif self.kind == "disk":
            self.store = DiskStore(self.disk)
            for key in list(self.store.keys()):
                self.store.delete(key)
        else:
            self.store = MemoryStore()
        return self.store

    def recordings(self) -> list[Any]:
        """As others find them."""
        if self.kind == "cassette":
            return CassetteStore(self.cassette).all()
        found = DiskStore(self.disk) if self.kind == "disk" else self.store
        recordings = [recording for _, recording in found.newest(9)]
        assert len(recordings) == len(found)
        if self.kind == "disk":
            found.close()
            self.store.close()
        return recordings


class Neighbour:
    """Another process, which tells whether a claim can be had."""

    PROGRAM = """
import sys
from replaycache.stores.claims import Claims

for line in sys.stdin:
    path, key = line.rstrip("\\n").split("\\t")
    claims = Claims(path)
    had = claims.claim(key)
    claims.release(key)
    print(int(had), flush=True)
"""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def can_claim(self, claims: Claims, key: str) -> bool:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(claims.path, key, sep="\t", file=self.process.stdin, flush=True)
        return self.process.stdout.readline() == "1\n"

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Neighbour]:
    made = Neighbour()
    yield made
    made.end()


def run(driver: Driver, body: Callable[[], Any]) -> None:
    """Runs a coroutine function; a synchronous driver's needs no loop."""
    if driver.is_async:
        anyio.run(body, backend=driver.how)
        return
    with suppress(StopIteration):
        body().send(None)


def interrupt(caller: Caller, interruption: Interruption) -> None:
    """One run."""

    async def body() -> None:
        try:
            with interruption.on():
                await caller.ask()
        except (KeyboardInterrupt, MemoryError):
            pass

    run(caller.driver, body)
    caller.transport = None
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "replaycache-drain" and thread.ident is not None:
            thread.join()  # its caller was interrupted while it waited for it


def check(caller: Caller, upstream: Upstream, stores: Stores, where: str) -> None:
    """What holds whatever was interrupted."""
    assert not flights._aloft, where
    assert upstream.opened == upstream.closed + upstream.gone, where
    if caller.closed and not where.startswith(("_Tee.close ", "_AsyncTee.aclose ")):
        assert upstream.gone == 0, where
    recordings = stores.recordings()
    assert len(recordings) <= 1, where
    for recording in recordings:
        if recording.complete:
            assert recording.body.read() == STREAM, where
        else:
            assert stores.kind == "cassette", where
            assert recording.body.read() in PREFIXES, where


def step_through(
    driver: Driver, kind: str, way: str, directory: Path, neighbour: Neighbour, *, fails_after: int | None = None
) -> int:
    """Interrupts a scenario at one place after the other; tells how many there are."""
    module = driver.module
    stores = Stores(kind, directory)

    def once(interruption: Interruption) -> Caller:
        upstream = Upstream(driver, fails_after)
        inner = module.MockTransport(upstream)
        caller = Caller(driver, driver.transport(inner, store=stores.fresh()), way)
        interrupt(caller, interruption)
        check(caller, upstream, stores, interruption.where)
        return caller

    gc.collect()
    gc.freeze()  # what others left need not be gone through time and again
    try:
        first = Interruption(None)
        key = once(first).key
        for place in range(sum(map(ord, f"{driver}{kind}{way}")) % EVERY, first.passed, EVERY):
            for error in ERRORS if EVERY == 1 else (ERRORS[place % 2],):
                interruption = Interruption(place, error)
                once(interruption)
                if kind == "disk":
                    assert neighbour.can_claim(stores.store.claims, key), interruption.where
    finally:
        gc.unfreeze()
    return first.passed


DRIVERS = [Driver("httpx2", "sync"), Driver("httpx", "asyncio")]  # the libraries' twins are the same text


@pytest.mark.sampled(4)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [pytest.param("memory", marks=pytest.mark.exhaustive), "disk", "cassette"])
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_an_interrupt_anywhere(
    driver: Driver, kind: str, way: str, tmp_path: Path, neighbour: Neighbour, record_property: Callable[..., None]
) -> None:
    record_property("places", step_through(driver, kind, way, tmp_path, neighbour))


# -- upstream fails while the rest is read ---------------------------------------------------------------


@pytest.mark.sampled(1)
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_an_interrupt_anywhere_where_upstream_fails_while_the_rest_is_read(
    driver: Driver, tmp_path: Path, neighbour: Neighbour
) -> None:
    assert step_through(driver, "cassette", "closes early", tmp_path, neighbour, fails_after=4)


@pytest.mark.parametrize("on_abandon", ["drain", "discard"])
@pytest.mark.parametrize("kind", ["memory", "cassette"])
@pytest.mark.parametrize("driver", DRIVERS, ids=str)
def test_what_was_left_early_is_kept_by_a_cassette_where_upstream_fails(
    driver: Driver, kind: str, on_abandon: str, tmp_path: Path
) -> None:
    stores = Stores(kind, tmp_path)
    upstream = Upstream(driver, fails_after=4)

    async def body() -> None:
        inner = driver.module.MockTransport(upstream)
        async with driver.client(inner, store=stores.fresh(), on_abandon=on_abandon) as client:
            async with client.stream(URL, json=ASKED) as stream:
                assert await stream.next_chunk() == SENT[0]
            outcome = outcome_of(stream)
            assert outcome.status == ("miss" if kind == "cassette" else "live")
            assert outcome.reason == "the caller closed the response before its end" + (
                ", and the rest of it broke off" if on_abandon == "drain" else ""
            )

    driver.run(body)

    assert upstream.closed == 1
    kept = [(recording.complete, recording.body.read()) for recording in stores.recordings()]
    assert kept == ([(False, PREFIXES[4 if on_abandon == "drain" else 1])] if kind == "cassette" else [])


# -- cancellation ----------------------------------------------------------------------------------------


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", ["reads to the end", pytest.param("closes early", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize(
    ("kind", "driver"),
    [
        ("disk", Driver("httpx2", "asyncio")),
        ("cassette", Driver("httpx", "trio")),
        pytest.param("cassette", Driver("httpx2", "asyncio"), marks=pytest.mark.exhaustive),
        pytest.param("disk", Driver("httpx", "trio"), marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_a_cancellation_at_any_await(
    driver: Driver, kind: str, way: str, tmp_path: Path, neighbour: Neighbour
) -> None:
    stores = Stores(kind, tmp_path)

    async def cancelled_after(turns: int, caller: Caller) -> bool:
        """Lets a loop turn so often, and cancels then; tells whether there was still something to cancel."""
        done = False
        async with anyio.create_task_group() as group:

            async def ask() -> None:
                nonlocal done
                await caller.ask()
                done = True

            group.start_soon(ask)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
                if done:
                    break
            group.cancel_scope.cancel()
        return not done

    key = ""
    # in the end a thread saves, and a loop turns often meanwhile
    for turns in (*range(20), *(2**power for power in range(5, 24))):
        upstream = Upstream(driver)
        caller = Caller(driver, driver.transport(driver.module.MockTransport(upstream), store=stores.fresh()), way)
        ran_out = anyio.run(cancelled_after, turns, caller, backend=driver.how)
        caller.transport = None
        gc.collect()
        key = key or caller.key
        check(caller, upstream, stores, f"after {turns} turns")
        if kind == "disk" and key:
            assert neighbour.can_claim(stores.store.claims, key)
        if not ran_out:
            return
    raise AssertionError("it never came to its end")


# -- over a real connection ------------------------------------------------------------------------------


def send_events(request: Received, wire: Wire) -> None:
    wire.start_chunks()
    for event in SENT:
        wire.chunk(event)
    wire.end_chunks()


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_an_interrupt_between_a_chunk_and_its_keeping(library: str, tmp_path: Path) -> None:
    """The client closes the stream, and what is left of it is read to its end and looks whole."""
    driver = Driver(library, "sync")
    path = tmp_path / "cassette.json"
    module = driver.module

    def interrupt_feed(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "call" and frame.f_code.co_qualname == "Recorder.feed":
            raise KeyboardInterrupt
        return None

    def ask(client: Any, url: str) -> None:
        with client.stream("POST", url, json=ASKED) as response:
            chunks = response.iter_raw()
            assert next(chunks) == SENT[0]
            before = sys.gettrace()
            sys.settrace(interrupt_feed)
            try:
                next(chunks)
            finally:
                sys.settrace(before)

    with ScriptedServer(send_events) as server:
        transport = driver.transport(store=str(path))
        with module.Client(transport=transport) as client:
            with pytest.raises(KeyboardInterrupt):
                ask(client, server.url + "/v1/messages")
            again = client.post(server.url + "/v1/messages", json={**ASKED, "again": True})
            assert again.content == STREAM

    assert not flights._aloft
    interrupted, whole = CassetteStore(path).all()
    assert not interrupted.complete
    assert interrupted.body.read() == SENT[0]
    assert whole.body.read() == STREAM


SIGNALLED = """
import contextlib, gc, os, random, signal, sys, threading, time, warnings

import httpx

from replaycache.engine import flights
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, DiskStore, MemoryStore

warnings.simplefilter("ignore")
sys.unraisablehook = lambda told: None
gc.disable()
directory, seconds = sys.argv[1], float(sys.argv[2])
seed = int.from_bytes(os.urandom(4), "big")
source = random.Random(seed)
URL = "http://upstream.test/v1/messages"
open_streams = set()
streams = interrupted = 0


class Stream(httpx.SyncByteStream):
    def __init__(self):
        open_streams.add(id(self))

    def __iter__(self):
        yield from SENT

    def close(self):
        open_streams.discard(id(self))

    def __del__(self):
        open_streams.discard(id(self))


def answer(request):
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream())


def handle(number, frame):
    # not where nobody can do anything about it: at the entry of a finaliser its exception is only printed, and
    # filelock, interrupted while it enters a lock of its own, leaves that locked
    while frame is not None:
        if frame.f_code.co_name == "__del__" or "filelock" in frame.f_code.co_filename:
            signal.setitimer(signal.ITIMER_REAL, 0.00002)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


signal.signal(signal.SIGALRM, handle)


def ask(transport, count):
    request = httpx.Request("POST", URL, json={"model": "m", "stream": True, "n": streams})
    with contextlib.closing(transport.handle_request(request)) as response:
        for chunk in response.stream:
            count -= 1
            if not count:
                break


ends = time.monotonic() + seconds
while time.monotonic() < ends:
    streams += 1
    kind = source.choice(["memory", "disk", "cassette"])
    path = os.path.join(directory, f"{streams}" + (".json" if kind == "cassette" else ""))
    where = f"{kind}, seed {seed}, stream {streams}"
    store = MemoryStore() if kind == "memory" else CassetteStore(path) if kind == "cassette" else DiskStore(path)
    transport = ReplayTransport(httpx.MockTransport(answer), store=store)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, source.uniform(0.00005, 0.006))
            ask(transport, source.choice([2, 99]))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1
    except RuntimeError as error:  # CPython 3.11 wraps one that comes while a class names its fields
        assert isinstance(error.__cause__, KeyboardInterrupt), where
        interrupted += 1
    transport.close()
    del transport
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "replaycache-drain" and thread.ident is not None:
            thread.join()  # the interrupt came while it was waited for
    assert not flights._aloft, where
    assert not open_streams, where
    if kind == "cassette":
        found = CassetteStore(path).all()
    else:
        found = [recording for _, recording in (store if kind == "memory" else DiskStore(path)).newest(9)]
    for recording in found:
        body = recording.body.read()
        if recording.complete:
            assert body == b"".join(SENT), where
        else:
            assert kind == "cassette", where
            assert body in [b"".join(SENT[:count]) for count in range(len(SENT) + 1)], where
print(streams, interrupted)
"""


@pytest.mark.exhaustive
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers here")
def test_signals_at_any_moment(tmp_path: Path) -> None:
    program = [sys.executable, "-c", f"SENT = {SENT!r}\n{SIGNALLED}", str(tmp_path), "3"]
    done = subprocess.run(program, capture_output=True, timeout=120, check=False, text=True)

    assert done.returncode == 0, done.stderr
    streams, interrupted = map(int, done.stdout.split())
    assert 0 < interrupted <= streams
