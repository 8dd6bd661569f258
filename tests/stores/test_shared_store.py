"""What a shared store does where its server fails, refuses, or holds what is not ours."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import openai
import pytest
import redis

from replaycache import CorruptRecording, Match, ReplayCacheWarning, StoreError, StoreUnavailable
from replaycache.for_pytest.network_guard import NetworkGuard
from replaycache.stores import RedisStore
from replaycache.stores.format import encode
from replaycache.stores.redis import connection
from replaycache.stores.redis.store import PIECE, _Pieces
from tests.drivers import SYNC, Driver, outcome_of
from tests.scripted_server import Received, ScriptedServer, Wire, counting_answers
from tests.test_transports import ASKED, CHAT

from . import shared_servers
from .samples import large, recording
from .shared_servers import KINDS, Kind, Server, own_server

SYNCHRONOUS, ASYNCHRONOUS = SYNC[1], Driver("httpx2", "asyncio")


@pytest.fixture
def store() -> Iterator[RedisStore]:
    made = shared_servers.fresh_store(shared_servers.server("valkey").url)
    yield made
    made.close()


def client_of(store: RedisStore) -> Any:
    """The client library's client, to look past the store."""
    return redis.Redis.from_url(store.location.partition("?namespace=")[0])


def names(store: RedisStore) -> dict[str, int]:
    """The names of the store's keys, and the milliseconds that each is kept; -1 for ever."""
    with client_of(store) as client:
        namespace = store.location.partition("namespace=")[2]
        found = {name: client.pttl(name) for name in client.scan_iter(f"{namespace}:*", count=1000)}
    return {name.decode(): kept for name, kept in found.items()}


def entry_of(store: RedisStore, key: str = "k") -> str:
    (entry,) = (name for name in names(store) if name.endswith(f"{{{key}}}"))
    return entry


def pieces_of(store: RedisStore) -> list[str]:
    return [name for name in names(store) if name.count(":") > 1 and "{index}" not in name]


def echo(request: Received, wire: Wire) -> None:
    """Answers with what was asked, so that a wrong answer shows."""
    wire.answer(request.body)


# -- the server comes and goes ---------------------------------------------------------------------------------


class Outage:
    """Stops a server when some calls are answered, and starts it when more are."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self.count = 0

    def answered(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == 250:
                self._server.stop()
            elif self.count == 500:
                self._server.start()


def body_of(number: int) -> dict[str, Any]:
    return {**ASKED, "messages": [{"role": "user", "content": f"number {number % 60}"}]}


@pytest.mark.exhaustive
@pytest.mark.parametrize("driver", [SYNCHRONOUS, ASYNCHRONOUS], ids=str)
def test_no_call_fails_while_the_server_is_stopped_and_started(driver: Driver) -> None:
    statuses = set()
    with (
        own_server("valkey") as server,
        ScriptedServer(echo) as upstream,
        warnings.catch_warnings(record=True) as told,
    ):
        warnings.simplefilter("always")
        outage = Outage(server)

        def check(response: Any, number: int) -> None:
            assert response.json() == body_of(number)
            statuses.add(response.extensions["replaycache"].status)
            outage.answered()

        if driver.is_async:

            async def ask() -> None:
                transport = driver.transport(store=server.url)
                async with (
                    driver.module.AsyncClient(transport=transport, timeout=60) as client,
                    anyio.create_task_group() as tasks,
                ):

                    async def one(first: int) -> None:
                        for number in range(first, 1000, 20):
                            check(await client.post(upstream.url + CHAT, json=body_of(number)), number)

                    for first in range(20):
                        tasks.start_soon(one, first)

            anyio.run(ask)
        else:
            transport = driver.transport(store=server.url)
            with driver.module.Client(transport=transport, timeout=60) as client, ThreadPoolExecutor(8) as pool:

                def one_of(number: int) -> None:
                    check(client.post(upstream.url + CHAT, json=body_of(number)), number)

                list(pool.map(one_of, range(1000)))

    assert outage.count == 1000
    assert statuses == {"hit", "miss", "live"}
    assert [(one.category, server.url in str(one.message)) for one in told] == [(ReplayCacheWarning, True)]


def test_in_replay_the_error_names_the_store() -> None:
    with own_server("valkey") as server, ScriptedServer(echo) as upstream:
        transport = SYNCHRONOUS.transport(store=server.url, mode="replay")
        server.stop()
        with SYNCHRONOUS.module.Client(transport=transport) as client:
            with pytest.raises(StoreUnavailable, match=server.url) as raised:
                client.post(upstream.url + CHAT, json=ASKED)
            sdk = openai.OpenAI(base_url=upstream.url + "/v1", api_key="k", http_client=client, max_retries=0)
            with pytest.raises(StoreUnavailable) as unwrapped:
                sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert "See whether it runs" in str(raised.value)
    assert str(unwrapped.value) == str(raised.value)
    assert upstream.requests == []


def goes_live(url: str, *said: str, warned: int = 1) -> None:
    """In `auto` a call on that store goes live, and one warning says why."""
    with ScriptedServer(counting_answers()) as upstream, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with SYNCHRONOUS.module.Client(transport=SYNCHRONOUS.transport(store=url)) as client:
            for _ in range(2):
                assert outcome_of(client.post(upstream.url + CHAT, json=ASKED)).status == "live"
    assert len(told) == warned
    assert told[0].category is ReplayCacheWarning
    for part in said:
        assert part in str(told[0].message)


def until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.01)  # nothing tells


@pytest.mark.parametrize("kind", KINDS)
def test_a_replica_is_read_and_written_once_it_is_promoted(kind: Kind) -> None:
    at_once = ("--repl-diskless-sync-delay", "0")
    with own_server(kind, *at_once) as primary, own_server(kind) as replica:
        shared = RedisStore(primary.url)
        shared.put("k", recording(b"one"))
        replica.ask("REPLICAOF", primary.host, str(primary.port))
        until(lambda: b"master_link_status:up" in replica.ask("INFO", "REPLICATION"))
        store = RedisStore(replica.url)

        assert store.get("k") == recording(b"one")
        for sample in (recording(b"two"), large()):
            with pytest.raises(StoreUnavailable, match="It is a replica") as raised:
                store.put("k", sample)
            assert replica.url in str(raised.value)
        goes_live(replica.url, "It is a replica")
        primary.stop()
        replica.ask("REPLICAOF", "NO", "ONE")
        store.put("k", recording(b"two"))

        assert store.get("k") == recording(b"two")
        store.close()
        shared.close()


def test_a_server_without_memory_keeps_what_it_has() -> None:
    with own_server("valkey") as server:
        store = RedisStore(server.url)
        store.put("k", recording(b"one"))
        server.ask("CONFIG", "SET", "maxmemory", "3mb")
        for number in range(9):
            with suppress(StoreUnavailable):
                store.put("k", large(number, 2 << 20))
        server.ask("CONFIG", "SET", "maxmemory", "1mb")

        with pytest.raises(StoreUnavailable, match="Its memory is full"):
            store.put("k", recording(b"two"))
        assert store.get("k") is not None
        goes_live(server.url, "Its memory is full")
        server.ask("CONFIG", "SET", "maxmemory", "0")
        store.put("k", recording(b"three"))
        assert store.get("k") == recording(b"three")
        store.close()


def test_a_user_without_rights_is_told_which_it_needs() -> None:
    with own_server("valkey", "--requirepass", "master") as server:
        at = f"127.0.0.1:{server.port}"
        with redis.Redis.from_url(f"redis://:master@{at}") as client:
            client.execute_command("ACL", "SETUSER", "few", "on", ">secret", "~else:*", "+@all")
            client.execute_command(
                "ACL", "SETUSER", "enough", "on", ">secret", "~replaycache:*", "+@read", "+@write", "+@scripting"
            )
        enough = RedisStore(f"redis://enough:secret@{at}")
        for sample in (recording(), large()):
            enough.put("k", sample)
            assert enough.get("k") == sample
        assert list(enough.keys()) == ["k"]
        assert len(enough) == 1
        assert enough.claims.claim("k")
        assert enough.delete("k")
        enough.close()

        goes_live(f"redis://few:secret@{at}", "~replaycache:*", "+@read +@write +@scripting")
        for url in (f"redis://enough:wrong@{at}", f"redis://nobody:wrong@{at}", f"redis://{at}"):
            store = RedisStore(url)
            with pytest.raises(StoreUnavailable, match="Give its user and password in the URL") as raised:
                store.get("k")
            assert "wrong" not in str(raised.value).lower().replace("wrongpass", "")
            store.close()


def certificates(directory: Path) -> None:
    """An authority of our own, and what it says of 127.0.0.1."""
    extension = directory / "extension"
    extension.write_text("subjectAltName=IP:127.0.0.1\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    commands = [
        [
            *(*new, "-x509", "-days", "2", "-subj", "/CN=ours", "-addext", "keyUsage=critical,keyCertSign"),
            *("-keyout", "ca.key", "-out", "ca.pem"),
        ],
        [*new, "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "asked.pem"],
        [
            *("openssl", "x509", "-req", "-days", "2", "-in", "asked.pem", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-extfile", "extension", "-out", "cert.pem"),
        ],
    ]
    for command in commands:
        try:
            subprocess.run(command, cwd=directory, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("there is no openssl on this machine to make certificates with")


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates(tmp_path)
    port = shared_servers.free_port()
    files = [("--tls-cert-file", "cert.pem"), ("--tls-key-file", "key.pem"), ("--tls-ca-cert-file", "ca.pem")]
    told = [word for option, file in files for word in (option, str(tmp_path / file))]
    with own_server("redis", "--tls-port", str(port), *told, "--tls-auth-clients", "no") as server:
        for scheme in ("rediss", "valkeys"):
            store = RedisStore(f"{scheme}://127.0.0.1:{port}/2?ssl_ca_certs={tmp_path / 'ca.pem'}")
            store.put("k", large())
            assert store.get("k") == large()
            assert store.location == f"rediss://127.0.0.1:{port}/2"
            store.close()
        unknown = RedisStore(f"rediss://127.0.0.1:{port}")
        with pytest.raises(StoreUnavailable, match="ssl_ca_certs=FILE names its authority"):
            unknown.get("k")
        monkeypatch.setattr(connection, "ANSWERS_WITHIN", 0.2)  # it waits for a handshake
        plain = RedisStore(f"rediss://127.0.0.1:{server.port}")
        with pytest.raises(StoreUnavailable, match="TLS"):
            plain.get("k")
        unknown.close()
        plain.close()


@pytest.mark.parametrize("kind", KINDS)
def test_other_addresses(kind: Kind) -> None:
    with own_server(kind) as server:
        urls = {
            f"unix://{server.socket}": f"unix://{server.socket}",
            f"unix://{server.socket}?db=3": f"unix://{server.socket}?db=3",
            f"valkey://127.0.0.1:{server.port}/4": f"redis://127.0.0.1:{server.port}/4",
            f"redis://127.0.0.1:{server.port}?db=5": f"redis://127.0.0.1:{server.port}/5",
            f"redis://127.0.0.1:{server.port}/00": f"redis://127.0.0.1:{server.port}/0"[:-2],
        }
        stores = []
        for number, (url, location) in enumerate(urls.items()):
            store = RedisStore(url)
            store.put("k", recording(b"%d" % number))
            assert store.location == location
            stores.append(store)
        found = [store.get("k") for store in stores]
        assert found[1:4] == [recording(b"%d" % number) for number in range(1, 4)]
        assert found[0] == found[4] == recording(b"4")
        for store in stores:
            store.close()


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[socket.socket]]]:
    """What takes connections, and answers the same to whatever is sent; nothing where that is empty."""
    taken: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while asked := connection.recv(1 << 16):
                    if answer:
                        connection.sendall(answer * asked.count(b"*"))
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            taken.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}", taken
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in taken:
            connection.close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "it answers when it has read its data"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", "See whether it runs"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "See whether it runs"),
        (b"\x00\xff\xff\r\n", "See whether it runs"),
        (b"+OK\r\n", ""),
    ],
)
def test_what_answers_otherwise_than_a_store(answer: bytes, said: str) -> None:
    with answering(answer) as (url, _):
        # an entry that is none, and that none can be stored, are two things
        goes_live(url, said, url, warned=2 if answer == b"+OK\r\n" else 1)


def test_a_server_that_runs_a_script() -> None:
    with own_server("redis", "--lua-time-limit", "50") as server:
        store = RedisStore(server.url)
        store.put("k", recording())
        with socket.create_connection((server.host, server.port)) as busy:
            busy.sendall(b"*3\r\n$4\r\nEVAL\r\n$17\r\nwhile true do end\r\n$1\r\n0\r\n")
            until(lambda: server.ask("PING").startswith(b"-BUSY"))
            with pytest.raises(StoreUnavailable, match="BUSY"):
                store.get("k")
            goes_live(server.url, "BUSY")
            server.ask("SCRIPT", "KILL")
            until(lambda: server.ask("PING").startswith(b"+PONG"))
        assert store.get("k") == recording()
        store.close()


def test_a_server_that_never_answers_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWERS_WITHIN", 0.3)
    monkeypatch.setattr(connection, "RESTS", 600.0)
    beats: list[float] = []

    async def ask(url: str, upstream: str) -> None:
        async def beat() -> None:
            while True:
                beats.append(time.monotonic())
                await anyio.sleep(0.01)

        async with (
            # what counts and is redacted is sealed with what the server keeps: that is asked for first
            ASYNCHRONOUS.client(store=url, match=Match(headers=["authorization"])) as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(beat)
            secret = {"authorization": "Bearer sk-1234567890abcdefghijklmnop"}
            for number in range(3):
                before = len(beats)
                body = {**body_of(number), "api_key": "sk-1234567890abcdefghijklmnop"}
                response = await client.post(upstream + CHAT, json=body, headers=secret)
                assert outcome_of(response).status == "live"
                if not number:
                    gaps = [later - beat for beat, later in pairwise(beats[before:])]
                    assert len(gaps) > 5
                    assert max(gaps) < 0.3  # what the server is waited for: the loop was not kept by that
            tasks.cancel_scope.cancel()

    with answering(b"") as (url, taken), ScriptedServer(counting_answers()) as upstream:
        with pytest.warns(ReplayCacheWarning, match="Timeout reading from socket"):
            anyio.run(ask, url, upstream.url)
        assert len(taken) == 1


def test_without_the_client_library_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['redis'] = None\nfrom replaycache.stores import open_store\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}open_store('redis://127.0.0.1')"], capture_output=True, text=True
    )

    assert "ConfigurationError: a store in Redis or Valkey needs the package redis: pip install" in done.stderr


# -- what others have there ------------------------------------------------------------------------------------


def test_what_others_have_is_left_alone(store: RedisStore) -> None:
    with own_server("valkey") as server, redis.Redis.from_url(server.url) as client:
        client.set("replaycache", "ours?")
        client.set("replaycachex:{k}", "no")
        client.lpush("list", 1, 2)
        client.hset("{k}", mapping={"a": 1})
        client.zadd("{index}:stored", {"a": 1})
        client.set("other:{k}:claim", "x", ex=1000)
        before = {name: client.dump(name) for name in client.scan_iter()}
        mine = RedisStore(server.url)
        other = RedisStore(server.url, namespace="replaycache-2")
        for sample in (recording(), large(), recording(b"x")):
            mine.put("k", sample)
            other.put("k", recording(b"of the other"))
        assert mine.claims.claim("k")
        mine.salt()
        list(mine.newest(5))
        assert mine.delete("k")
        assert other.get("k") == recording(b"of the other")
        mine.close()
        other.close()

        assert {name: client.dump(name) for name in before} == before
        left = {
            name for name in client.scan_iter() if name not in before and not name.startswith(b"replaycache-2:")
        }
        assert left == {b"replaycache:{index}:salt"}


@pytest.mark.parametrize("part", ["{k}", "{index}:stored", "{index}:ends"])
def test_what_is_of_another_type_is_not_overwritten(store: RedisStore, part: str) -> None:
    namespace = store.location.partition("namespace=")[2]
    name = f"{namespace}:{part}"
    with client_of(store) as client:
        client.hset(name, mapping={"a": 1})
        before = client.dump(name)
        for work in (lambda: store.put("k", recording()), lambda: store.put("k", large())):
            with pytest.raises(StoreError, match="replaycache did not write") as raised:
                work()
            assert "namespace=NAME" in str(raised.value)
        if part == "{k}":
            with pytest.raises(StoreError, match="replaycache did not write"):
                store.get("k")
        assert client.dump(name) == before


def test_what_is_of_another_type_makes_calls_go_live(store: RedisStore) -> None:
    with (
        ScriptedServer(counting_answers()) as upstream,
        SYNCHRONOUS.module.Client(transport=SYNCHRONOUS.transport(store=store)) as client,
        client_of(store) as other,
    ):
        key = outcome_of(client.post(upstream.url + CHAT, json=ASKED)).key
        entry = entry_of(store, key)
        other.delete(entry)
        other.rpush(entry, 1, 2, 3)
        before = other.dump(entry)
        with pytest.warns(ReplayCacheWarning, match="replaycache did not write"):
            statuses = [outcome_of(client.post(upstream.url + CHAT, json=ASKED)).status for _ in range(2)]
        assert statuses == ["live"] * 2
        assert other.dump(entry) == before


FOREIGN = {
    "text": b"hello",
    "nothing": b"",
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07evil\x94.",
    "cut short": b"".join(encode(recording()))[:-3],
    "a list of pieces cut short": bytes(_Pieces(b"g" * 16, 2, 2 * PIECE))[:-1],
    "a list of pieces with more behind it": bytes(_Pieces(b"g" * 16, 2, 2 * PIECE)) + b"x",
    "pieces that are not there": bytes(_Pieces(b"g" * 16, 2, 2 * PIECE)),
    "no pieces": bytes(_Pieces(b"g" * 16, 0, 0)),
    "more pieces than there is room for": bytes(_Pieces(b"g" * 16, 0xFFFFFFFF, 0xFFFFFFFF)),
    "as many, and as long": bytes(_Pieces(b"g" * 16, 0xFFFFFFFF, 0xFFFFFFFF * PIECE)),
}


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_is_no_recording_is_a_miss_and_replaced(store: RedisStore, foreign: str) -> None:
    with ScriptedServer(counting_answers()) as upstream:
        with SYNCHRONOUS.module.Client(transport=SYNCHRONOUS.transport(store=store)) as client:
            key = outcome_of(client.post(upstream.url + CHAT, json=ASKED)).key
        with client_of(store) as other:
            other.set(entry_of(store, key), FOREIGN[foreign])
        with pytest.raises(CorruptRecording, match=store.location.replace("?", r"\?")):
            store.get(key)
        transport = SYNCHRONOUS.transport(store=store)
        with SYNCHRONOUS.module.Client(transport=transport) as client:
            with pytest.warns(ReplayCacheWarning, match=key):
                assert outcome_of(client.post(upstream.url + CHAT, json=ASKED)).status == "miss"
            found = client.post(upstream.url + CHAT, json=ASKED)
        assert (outcome_of(found).status, found.json()) == ("hit", {"answer": 2})


@pytest.mark.parametrize("value", ["entry", "list of pieces"])
def test_what_a_newer_version_wrote_is_said_to_be_and_kept(store: RedisStore, value: str) -> None:
    newer = bytearray(
        b"".join(encode(recording())) if value == "entry" else bytes(_Pieces(b"g" * 16, 2, PIECE + 1))
    )
    newer[7] += 1
    store.put("k", recording())
    with client_of(store) as client:
        entry = entry_of(store)
        client.set(entry, bytes(newer))

        with pytest.raises(StoreError, match="upgrade") as raised:
            store.get("k")
        assert not isinstance(raised.value, CorruptRecording)
        assert client.get(entry) == bytes(newer)


@pytest.mark.parametrize("sample", ["small", "in pieces"])
def test_a_bit_that_turned_is_never_an_answer(store: RedisStore, sample: str) -> None:
    made = recording(b"ok") if sample == "small" else large()
    store.put("k", made)
    with client_of(store) as client:
        entry = entry_of(store)
        value = client.get(entry)
        for at in range(len(value)):
            for bit in range(8) if len(value) < 100 else (at % 8,):
                turned = bytearray(value)
                turned[at] ^= 1 << bit
                client.set(entry, bytes(turned))
                with pytest.raises(StoreError):
                    pytest.fail(f"{at} {bit} {store.get('k')}")
        client.set(entry, value)
        assert store.get("k") == made
        for name in pieces_of(store):
            piece = client.get(name)
            for damaged in (piece[:-1], piece + b"x", bytes([piece[0] ^ 1]) + piece[1:], b""):
                client.set(name, damaged)
                with pytest.raises(CorruptRecording):
                    store.get("k")
            client.delete(name)
            with pytest.raises(CorruptRecording, match="one of its pieces is gone"):
                store.get("k")
            client.set(name, piece)
        assert store.get("k") == made


# -- pieces ----------------------------------------------------------------------------------------------------


def test_what_is_replaced_leaves_nothing_behind(store: RedisStore) -> None:
    store.put("k", recording())
    least = len(names(store))
    for sample in (large(1), large(2, 3 << 20), recording(b"small"), large(3), large(4)):
        store.put("k", sample)
        assert store.get("k") == sample
    assert len(names(store)) - least == 2
    assert len(pieces_of(store)) == 2
    assert set(names(store).values()) == {-1}
    with client_of(store) as client:
        assert max(client.strlen(name) for name in pieces_of(store)) <= PIECE
    assert store.delete("k")
    assert [name for name in names(store) if "{k}" in name] == []


WRITER = """
import os, redis, signal, sys
from replaycache import Body
from replaycache.for_pytest.network_guard import NetworkGuard
from replaycache.stores import RedisStore
from tests.stores.samples import large, recording
server = redis.Redis.from_url(sys.argv[1].partition("?")[0])
before = server.dbsize()
class Killed:
    def __iter__(self):
        yield from large(1, 3 << 20).body.segments
        if server.dbsize() > before + 3:  # first it is measured
            os.kill(os.getpid(), signal.SIGKILL)
RedisStore(sys.argv[1]).put(sys.argv[2], recording(Body(Killed())))
"""


@pytest.mark.parametrize("before", ["nothing", "small", "large"])
def test_a_writer_that_is_killed_leaves_nothing_that_lasts(store: RedisStore, before: str) -> None:
    made = {"nothing": None, "small": recording(), "large": large(5)}[before]
    if made is not None:
        store.put("k", made)
    lasting = set(names(store))

    done = subprocess.run([sys.executable, "-c", WRITER, store.location, "k"], check=False)

    assert done.returncode == -signal.SIGKILL
    assert store.get("k") == made
    left = {name: kept for name, kept in names(store).items() if name not in lasting and "{index}" not in name}
    assert len(left) > 2
    assert all(0 < kept <= 3_600_000 for kept in left.values())
    assert list(store.keys()) == ["k"] * (made is not None)
    assert len(store) == (made is not None)


MEMORY = """
import resource, sys, httpx2
from replaycache.httpx2 import ReplayTransport
url, store, what = sys.argv[1:]
def used(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
size = 0
with httpx2.Client(transport=ReplayTransport(store=store), timeout=60) as client:
    client.post(url, json={"model": "m", "messages": [{"role": "user", "content": "warm " + what}]})
    before = used()
    with client.stream("POST", url, json={"model": "m", "messages": [], "stream": True}) as response:
        for chunk in response.iter_raw():
            size += len(chunk)
    print(response.extensions["replaycache"].status, size, used() - before)
"""


@pytest.mark.exhaustive
def test_a_large_recording_needs_little_memory_on_either_side() -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"x" * 64_000)

    def answer(request: Received, wire: Wire) -> None:
        if b"stream" not in request.body:
            wire.answer(b"{}")
            return
        wire.start_chunks()
        for _ in range(1600):
            wire.chunk(event)
        wire.chunk(b"data: [DONE]\n\n")
        wire.end_chunks()

    with own_server("valkey") as server, ScriptedServer(answer) as upstream:
        for status in ("miss", "hit"):
            program = [sys.executable, "-c", MEMORY, upstream.url + CHAT, server.url, status]
            said = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
            assert said[0] == status
            assert int(said[1]) > 100_000_000
            assert int(said[2]) < 30 << 20
        with redis.Redis.from_url(server.url) as client:
            assert max(client.memory_usage(name) for name in client.scan_iter()) < (PIECE * 5) // 4


# -- time ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [recording(), large()], ids=["small", "large"])
def test_what_is_old_is_removed_by_the_server(sample: Any) -> None:
    url = shared_servers.server("valkey").url
    store = RedisStore(url, namespace=f"aged-{time.time_ns()}", max_age=0.5)
    store.put("k", sample)
    assert all(kept > 0 for name, kept in names(store).items() if "{k}" in name)
    until(lambda: store.get("k") is None)

    assert (len(store), list(store.keys()), list(store.newest(3))) == (0, [], [])
    assert pieces_of(store) == []
    with client_of(store) as client:
        namespace = store.location.partition("namespace=")[2]
        assert client.zcard(f"{namespace}:{{index}}:stored") == 0
    lasting = RedisStore(store.location)
    store.put("k", sample)
    lasting.put("k", sample)  # for ever now
    assert set(names(store).values()) == {-1}
    store.put("k", sample)
    assert len(store) == 1
    store.close()
    lasting.close()


# -- processes -------------------------------------------------------------------------------------------------

FORK = """
import os, sys
from replaycache.for_pytest.network_guard import NetworkGuard
from replaycache.stores import RedisStore
from tests.stores.samples import large, recording
store = RedisStore(sys.argv[1])
store.put("k", recording())
assert store.claims.claim("k")
made = store.get("k")
child = os.fork()
for number in range(50):
    assert store.get("k") == made
    store.put(f"{bool(child)}-{number}", recording(b"%d" % number))
    assert store.get(f"{bool(child)}-{number}") == recording(b"%d" % number)
if not child:
    assert not store.claims.claim("k")
    store.claims.release("k")
    assert store.claims.claim("of the child")
    store.close()
    store.claims.release("k")
    assert not store.claims.claim("k")
    store.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
other = RedisStore(sys.argv[1])
assert not other.claims.claim("k")
assert other.claims.claim("of the child")
other.close()
assert len(store) == 101
print("done")
"""


def test_parent_and_child_go_on_after_a_fork(store: RedisStore) -> None:
    done = subprocess.run(
        # newer Pythons warn of every fork of a process that has threads
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, store.location],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("done\n", "")
    assert [name for name in names(store) if name.endswith(":claim")] == []  # let go of at the exit


def claiming_threads() -> int:
    return sum(thread.name == "replaycache-claims" for thread in threading.enumerate())


@pytest.mark.parametrize("end", ["closed", "collected", "closed twice and used between"])
def test_nothing_is_left_of_a_store(end: str) -> None:
    before = claiming_threads()
    store = shared_servers.fresh_store(shared_servers.server("valkey").url)
    url = store.location
    store.put("k", recording())
    assert store.claims.claim("k")
    assert claiming_threads() == before + 1
    if end == "collected":
        del store
        gc.collect()
    else:
        store.close()
    if end.startswith("closed twice"):
        assert store.claims.claim("k")
        assert store.get("k") == recording()
        store.close()
    until(lambda: claiming_threads() == before)

    other = RedisStore(url)
    assert [name for name in names(other) if name.endswith(":claim")] == []
    other.close()


def test_who_claims_and_exits_lets_go(store: RedisStore) -> None:
    program = (
        "import sys; from replaycache.stores import RedisStore; store = RedisStore(sys.argv[1]); "
        "assert store.claims.claim('k'); assert not RedisStore(sys.argv[1]).claims.claim('k')"
    )
    subprocess.run([sys.executable, "-c", program, store.location], check=True)

    assert names(store) == {}


def test_it_may_be_closed_while_others_use_it(store: RedisStore) -> None:
    made = large()
    store.put("k", made)
    done = threading.Event()

    def use() -> None:
        while not done.is_set():
            assert store.get("k") == made
            assert store.claims.claim("k")
            store.claims.release("k")

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use) for _ in range(4)]
        try:
            for _ in range(60):
                store.close()
        finally:
            done.set()
        for user in users:
            user.result()


def test_where_the_network_is_blocked_the_store_is_reached(store: RedisStore) -> None:
    with ScriptedServer(counting_answers()) as upstream:
        with SYNCHRONOUS.module.Client(transport=SYNCHRONOUS.transport(store=store)) as client:
            client.post(upstream.url + CHAT, json=ASKED)
        store.close()
        guard = NetworkGuard(blocks=True, allowed="")
        replaying = SYNCHRONOUS.transport(store=RedisStore(store.location), mode="replay")
        with guard.running(), guard.phase(), SYNCHRONOUS.module.Client(transport=replaying) as client:
            assert outcome_of(client.post(upstream.url + CHAT, json=ASKED)).status == "hit"
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(
                    (shared_servers.server("valkey").host, shared_servers.server("valkey").port)
                )
        replaying.store.close()
