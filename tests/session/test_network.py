"""What goes past a session, by other clients than it covers."""

from __future__ import annotations

import _socket
import asyncio
import errno
import importlib
import multiprocessing.pool
import re
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from socket import getaddrinfo as imported_early
from typing import Any
from urllib.error import URLError
from urllib.request import build_opener, urlopen

import pytest
import trio

from replaycache import CacheMiss, ReplayCacheWarning, install, uninstall, use_cassette
from replaycache.session.connections import names_of
from replaycache.stores import CassetteStore, MemoryStore
from tests.drivers import Client, Driver
from tests.scripted_server import ScriptedServer, counting_answers
from tests.test_transports import ASKED, CHAT

NOBODY = "192.0.2.7"
"""RFC 5737: nobody has it."""
NAME = "api.invalid"


@pytest.fixture(autouse=True)
def _nothing_stays_installed() -> Iterator[None]:
    yield
    uninstall()


def sent(way: Callable[[socket.socket], Any], kind: int = socket.SOCK_STREAM) -> Any:
    with socket.socket(type=kind) as one:
        one.setblocking(False)
        return way(one)


def connect_in_a_loop() -> None:
    async def connect() -> None:
        await asyncio.open_connection(NOBODY, 443)

    asyncio.run(connect())


def look_up_in_a_loop() -> None:
    async def look_up() -> None:
        await asyncio.get_running_loop().getaddrinfo(NAME, 443)

    asyncio.run(look_up())


CONNECTIONS: dict[str, Callable[[], Any]] = {
    "connect": lambda: sent(lambda one: one.connect((NOBODY, 443))),
    "sendto": lambda: sent(lambda one: one.sendto(b"x", (NOBODY, 443)), socket.SOCK_DGRAM),
    "sendto with flags": lambda: sent(lambda one: one.sendto(b"x", 0, (NOBODY, 443)), socket.SOCK_DGRAM),
    "create_connection": lambda: socket.create_connection((NOBODY, 443)),
    "asyncio": connect_in_a_loop,
}
if hasattr(socket.socket, "sendmsg"):  # Windows has none
    CONNECTIONS["sendmsg"] = lambda: sent(lambda one: one.sendmsg([b"x"], [], 0, (NOBODY, 443)), socket.SOCK_DGRAM)
LOOK_UPS: dict[str, Callable[[], Any]] = {
    "getaddrinfo": lambda: socket.getaddrinfo(NAME, 443),
    "getaddrinfo of bytes": lambda: socket.getaddrinfo(NAME.encode(), "https"),
    "gethostbyname": lambda: socket.gethostbyname(NAME),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex(NAME),
    "gethostbyaddr": lambda: socket.gethostbyaddr(NAME),
    "create_connection": lambda: socket.create_connection((NAME, 443)),
    "asyncio": look_up_in_a_loop,
}


def replaying(**options: Any) -> use_cassette:
    return use_cassette(MemoryStore(), mode="replay", **options)


@pytest.mark.parametrize("way", CONNECTIONS)
def test_connections_are_refused_in_replay_as_an_operating_system_does(way: str) -> None:
    with pytest.warns(ReplayCacheWarning, match=rf"refused, .*{NOBODY}:443, asked by {__name__}"), replaying():
        with pytest.raises(ConnectionRefusedError, match="replaycache refuses .* nothing goes live") as refused:
            CONNECTIONS[way]()
    assert refused.value.errno == errno.ECONNREFUSED


@pytest.mark.parametrize("way", LOOK_UPS)
def test_look_ups_are_refused_in_replay(way: str) -> None:
    with pytest.warns(ReplayCacheWarning, match=rf"refused, .*{NAME}.*, asked by {__name__}"), replaying():
        with pytest.raises(socket.gaierror, match=f"replaycache refuses to connect to {NAME}.*ignore_hosts"):
            LOOK_UPS[way]()


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.gethostbyaddr(NOBODY),
        lambda: socket.getnameinfo((NOBODY, 443), 0),
        lambda: socket.getnameinfo((NOBODY, 443), socket.NI_NUMERICSERV),
    ],
)
def test_names_of_addresses_are_not_looked_up_in_replay(look_up: Callable[[], Any]) -> None:
    def body() -> None:
        with replaying():
            with pytest.raises(socket.gaierror, match=f"refuses to connect to {NOBODY}.*ignore_hosts"):
                look_up()
            assert socket.getfqdn(NOBODY) == NOBODY

    with pytest.warns(ReplayCacheWarning, match=rf"refused, .*{NOBODY}.*, asked by {__name__}"):
        body()


def test_who_wants_an_errors_number_gets_it() -> None:
    with pytest.warns(ReplayCacheWarning, match="refused"), replaying():
        assert sent(lambda one: one.connect_ex((NOBODY, 443))) == errno.ECONNREFUSED
    assert "connect_ex" not in vars(socket.socket)


def test_a_client_of_http_sees_a_network_that_is_down() -> None:
    with pytest.warns(ReplayCacheWarning, match=rf"{NAME}:443, asked by {__name__}"), replaying():
        with pytest.raises(URLError, match="replaycache refuses to connect"):
            urlopen(f"https://{NAME}/prices.json")


def test_loopback_and_pairs_of_sockets_are_let_through() -> None:
    with ScriptedServer(counting_answers()) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying():
            port = int(server.url.rpartition(":")[2])
            for host in ("127.0.0.1", "localhost", "0.0.0.0"):
                socket.create_connection((host, port)).close()
            for one in socket.socketpair():
                one.close()
            socket.getaddrinfo(None, 80)
            socket.getaddrinfo(NOBODY, 80)
            socket.getaddrinfo(socket.gethostname(), 80)
            socket.gethostbyaddr("127.0.0.1")
            numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
            assert socket.getnameinfo((NOBODY, 80), numeric) == (NOBODY, "80")


@pytest.mark.parametrize("hosts", [[NOBODY], [f"{NOBODY}:443"], ["192.0.2.*"]])
def test_ignored_hosts_are_let_through(hosts: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=hosts):
            assert sent(lambda one: one.connect_ex((NOBODY, 443))) != errno.ECONNREFUSED


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operating system that knows an address of `NAME`."""

    def addresses(host: str, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
        if host != NAME:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (NOBODY, port or 0))]

    def lists(host: str) -> tuple[str, list[str], list[str]]:
        sys.audit("socket.gethostbyname", host)
        return host, [], [NOBODY]

    monkeypatch.setattr(_socket, "getaddrinfo", addresses)
    monkeypatch.setattr(socket, "gethostbyname_ex", lists)


@pytest.mark.parametrize("look_up", [socket.getaddrinfo, imported_early])
@pytest.mark.usefixtures("answering")
def test_an_ignored_name_is_looked_up_and_its_addresses_are_let_through(look_up: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=["*.invalid:443"]):
            (*_, address), *_ = look_up(NAME, 443)
            assert sent(lambda one: one.connect_ex(address)) != errno.ECONNREFUSED
    assert not names_of(NOBODY)


@pytest.mark.usefixtures("answering")
def test_an_ignored_name_that_was_looked_up_before_is_known_by_its_address() -> None:
    (*_, address), *_ = socket.getaddrinfo(NAME, 443)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=[f"{NAME}:443", "other.invalid"]):
            assert sent(lambda one: one.connect_ex(address)) != errno.ECONNREFUSED
    with pytest.warns(ReplayCacheWarning, match="refused"), replaying(ignore_hosts=["other.invalid"]):
        assert sent(lambda one: one.connect_ex(address)) == errno.ECONNREFUSED


@pytest.mark.usefixtures("answering")
def test_a_look_up_that_does_not_show_what_it_found_lets_through_as_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=["*.invalid"]):
            *_, (address,) = socket.gethostbyname_ex(NAME)
            assert sent(lambda one: one.connect_ex((address, 443))) != errno.ECONNREFUSED


# -- proxies ---------------------------------------------------------------------------------------------


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A proxy on this machine, to whatever is asked for."""
    with ScriptedServer(counting_answers()) as server:
        for name in ("no_proxy", "NO_PROXY", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", server.url)
        yield server


def test_a_proxy_on_this_machine_is_no_way_out(proxy: ScriptedServer) -> None:
    place = proxy.url.removeprefix("http://")
    told = rf"refused, .*: {place} \(a proxy\), asked by {__name__}"
    opener = build_opener()

    def body() -> None:
        with replaying():
            with pytest.raises(URLError, match=rf"ignore_hosts=\['{place}'\]"):
                opener.open(f"http://{NAME}/prices.json")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("localhost", int(place.rpartition(":")[2])))

    with pytest.warns(ReplayCacheWarning, match=told):
        body()
    assert not proxy.requests


def test_a_proxy_that_is_ignored_is_reached(proxy: ScriptedServer) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=[proxy.url.removeprefix("http://")]):
            port = int(proxy.url.rpartition(":")[2])
            socket.create_connection(("127.0.0.1", port)).close()


def test_ignored_hosts_are_reached_through_a_proxy(driver: Driver, proxy: ScriptedServer) -> None:
    async def body() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with replaying(ignore_hosts=[NAME]):
                async with driver.plain_client() as client:
                    answer = await client.post(f"http://{NAME}{CHAT}", json=ASKED)
                async with driver.client() as client:
                    again = await client.post(f"http://{NAME}{CHAT}", json=ASKED)
        assert (answer.json(), again.json()) == ({"answer": 1}, {"answer": 2})

    driver.run(body)


# -- who is meant ----------------------------------------------------------------------------------------


def test_once_replays_where_the_cassette_had_recordings(driver: Driver, tmp_path: Path) -> None:
    async def body() -> None:
        path = tmp_path / "c.json"
        with ScriptedServer(counting_answers()) as server, use_cassette(path):
            async with driver.plain_client() as client:
                await client.post(server.url + CHAT, json=ASKED)
            with pytest.raises(OSError, match=r"^(?!.*replaycache refuses)"):
                socket.getaddrinfo(NAME, "no such service")
        with pytest.warns(ReplayCacheWarning, match="refused"), use_cassette(path):
            with pytest.raises(socket.gaierror, match="replaycache refuses"):
                socket.getaddrinfo(NAME, 443)

    driver.run(body)


def test_install_refuses_too_and_tells_at_its_end() -> None:
    install(store=":memory:", mode="replay")
    with pytest.raises(ConnectionRefusedError):
        CONNECTIONS["connect"]()
    with pytest.warns(ReplayCacheWarning, match=f"refused, .*{NOBODY}:443"):
        uninstall()
    assert sent(lambda one: one.connect_ex((NOBODY, 443))) != errno.ECONNREFUSED


@pytest.mark.parametrize("how", [[], ["-m", "replaycache", "run", "--mode", "replay"]])
def test_it_is_told_where_the_process_ends(tmp_path: Path, how: list[str]) -> None:
    program = tmp_path / "program.py"
    head = "" if how else "import replaycache; replaycache.install(mode='replay')\n"
    program.write_text(f"{head}import socket\ntry: socket.getaddrinfo('{NAME}', 443)\nexcept OSError: pass\n")

    ended = subprocess.run([sys.executable, *how, str(program)], capture_output=True, text=True, check=True)

    assert f"{NAME}:443, asked by __main__" in ended.stderr
    assert ended.stderr.count("nothing goes live") == 1


def test_the_innermost_session_says_what_may_connect() -> None:
    with ExitStack() as stack:
        stack.enter_context(pytest.warns(ReplayCacheWarning, match=f"connected to {NOBODY}:443"))
        stack.enter_context(replaying())
        stack.enter_context(use_cassette(MemoryStore(), mode="off"))
        assert sent(lambda one: one.connect_ex((NOBODY, 443))) != errno.ECONNREFUSED


def test_threads_and_jobs_are_told_by_who_started_them() -> None:
    def body() -> None:
        with replaying(), ThreadPoolExecutor() as pool:
            for port in (80, 443):
                assert isinstance(pool.submit(socket.getaddrinfo, NAME, port).exception(), socket.gaierror)
            thread = threading.Thread(target=sent, args=[lambda one: one.connect_ex((NOBODY, 443))])
            thread.start()
            thread.join()

    with pytest.warns(ReplayCacheWarning) as told:
        body()

    for place in (f"{NAME}:80", f"{NAME}:443", f"{NOBODY}:443"):
        assert f"{place}, asked by {__name__}" in str(told[0].message)


def test_a_call_that_names_its_mode_goes_live_and_is_told(driver: Driver) -> None:
    async def call(url: str) -> None:
        with replaying():
            async with driver.plain_client() as client:
                answer = await client.post(url + CHAT, json=ASKED, headers={"x-replaycache-mode": "off"})
                assert answer.json() == {"answer": 1}

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with pytest.warns(ReplayCacheWarning, match=f"went live, as their .* says: to {server.url}"):
                await call(server.url)

    driver.run(body)


@pytest.mark.parametrize("way", ["named", "own"])
def test_live_calls_of_ours_are_not_refused(driver: Driver, way: str) -> None:
    """They reach for the host, which does not exist, and the client says so."""

    async def body() -> None:
        with warnings.catch_warnings(), replaying():
            warnings.simplefilter("ignore", ReplayCacheWarning)
            made = driver.plain_client() if way == "named" else driver.client(store=MemoryStore(), mode="auto")
            headers = {"x-replaycache-mode": "off"} if way == "named" else {}
            async with made as client:
                with pytest.raises(driver.module.ConnectError, match=r"^(?!.*replaycache refuses)"):
                    await client.post(f"http://{NAME}{CHAT}", json=ASKED, headers=headers)

    driver.run(body)


def test_what_a_transport_starts_is_no_live_call_when_that_has_ended(driver: Driver) -> None:
    module, results = driver.module, []
    base = module.AsyncBaseTransport if driver.is_async else module.BaseTransport
    ended = threading.Event()

    def connect() -> None:
        ended.wait(30)
        results.append(sent(lambda one: one.connect_ex((NOBODY, 443))))

    class Starting(base):  # type: ignore[misc, valid-type]
        def handle_request(self, request: Any) -> Any:
            self.thread = threading.Thread(target=connect)
            self.thread.start()
            return module.Response(200, json={})

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    async def body() -> None:
        transport = Starting()
        real = (module.AsyncClient if driver.is_async else module.Client)(transport=transport)
        with replaying():
            await Client(driver, real).post(f"http://{NAME}", headers={"x-replaycache-mode": "off"})
            ended.set()
            transport.thread.join()
        await real.aclose() if driver.is_async else real.close()

    with pytest.warns(ReplayCacheWarning, match=f"refused, .*{NOBODY}:443"):
        driver.run(body)

    assert results == [errno.ECONNREFUSED]


@pytest.mark.parametrize("is_covered", [False, True])
def test_threads_that_are_older_than_a_session_are_told(driver: Driver, is_covered: bool) -> None:
    async def calls(url: str, pool: multiprocessing.pool.ThreadPool) -> None:
        with use_cassette(MemoryStore(), mode="replay"):
            pool.apply(sent, [lambda one: one.connect_ex((NOBODY, 443))])
            if is_covered:
                async with driver.plain_client() as client:
                    with pytest.raises(CacheMiss):
                        await client.post(url + CHAT, json=ASKED)

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server, multiprocessing.pool.ThreadPool(1) as pool:
            pool.apply(int)
            with pytest.warns(ReplayCacheWarning, match=f"older than the session, .* connected to {NOBODY}:443"):
                await calls(server.url, pool)

    driver.run(body)


def nothing() -> None: ...


@pytest.mark.sampled(1)
@pytest.mark.parametrize("how", ["subprocess", "spawn", "forkserver"])
def test_other_processes_are_told_where_nothing_goes_live(how: str) -> None:
    if how not in ("subprocess", *multiprocessing.get_all_start_methods()):
        pytest.skip("Windows has no forkserver")

    def start() -> None:
        if how == "subprocess":
            subprocess.run([sys.executable, "-c", ""], check=True)
        else:
            process = multiprocessing.get_context(how).Process(target=nothing)
            process.start()
            process.join()

    def session(mode: str) -> None:
        with use_cassette(MemoryStore(), mode=mode):
            start()

    with pytest.warns(ReplayCacheWarning, match=f"{__name__} started other processes of Python"):
        session("replay")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session("auto")
        with use_cassette(MemoryStore(), mode="replay"):
            subprocess.run(["git", "--version"], check=False, capture_output=True)


def test_who_asked_is_told_under_trio() -> None:
    async def ask_twice() -> None:
        for port in (80, 443):
            with pytest.raises(socket.gaierror):
                await trio.to_thread.run_sync(socket.getaddrinfo, NAME, port)

    with pytest.warns(ReplayCacheWarning) as told, replaying():
        trio.run(ask_twice)

    for port in (80, 443):
        assert re.search(rf"{NAME}:{port}, asked by trio\S* in the thread .*{__name__}", str(told[0].message))


@pytest.mark.parametrize("ends", ["uninstall()", "pass"])
def test_calls_that_went_their_own_way_are_told_at_the_end(tmp_path: Path, ends: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"""
import sys, httpx
from replaycache import install, uninstall
from replaycache.httpx import ReplayTransport
install(store=":memory:")
for number in range(2):
    client = httpx.Client(transport=ReplayTransport(store=":memory:"))
    client.post(sys.argv[1], json={{}})
{ends}
""")
    with ScriptedServer(counting_answers()) as server:
        ended = subprocess.run(
            [sys.executable, str(program), server.url + CHAT], capture_output=True, text=True, check=True
        )

    assert ended.stderr.count("2 calls went by transports with a store or mode of their own") == 1


# -- imports ---------------------------------------------------------------------------------------------

FETCHES = """
import threading, {library}

def fetch():
    global seen
    try:
        seen = {library}.get({url!r}, timeout=5).json()
    except {library}.ConnectError as error:
        seen = str(error)

def fetch_beside():
    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()

{how}()
"""


@pytest.fixture(params=["fetch", "fetch_beside"])
def fetching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[str, str], Any]:
    """Imports a module that fetches something, as litellm does its price list; gives what it got."""
    monkeypatch.syspath_prepend(tmp_path)

    def fetch(library: str, url: str) -> Any:
        (tmp_path / "fetching_module.py").write_text(FETCHES.format(library=library, url=url, how=request.param))
        importlib.invalidate_caches()
        sys.modules.pop("fetching_module", None)
        return importlib.import_module("fetching_module").seen

    return fetch


@pytest.mark.sampled(1)
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_what_a_module_fetches_while_it_is_imported_is_in_no_cassette(
    library: str, tmp_path: Path, fetching: Callable[[str, str], Any]
) -> None:
    path = tmp_path / "c.json"
    with ScriptedServer(counting_answers()) as server, use_cassette(path, mode="auto"):
        assert fetching(library, server.url + "/prices") == {"answer": 1}
        importlib.import_module(library).get(server.url + "/asked")
    assert len(server.requests) == 2
    assert [one.request.url for one in CassetteStore(path).all()] == [f"{server.url}/asked"]
    with pytest.warns(ReplayCacheWarning, match=f"fetching_module connected to {NOBODY}:9"):
        with use_cassette(path, mode="auto"):
            fetching(library, f"http://{NOBODY}:9/")


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("way", ["use_cassette", "install"])
def test_in_replay_it_meets_a_network_that_is_down(
    library: str, way: str, fetching: Callable[[str, str], Any]
) -> None:
    def seen() -> Any:
        if way == "use_cassette":
            with replaying():
                return fetching(library, f"https://{NAME}/prices.json")
        install(store=":memory:", mode="replay")
        try:
            return fetching(library, f"https://{NAME}/prices.json")
        finally:
            uninstall()

    with pytest.warns(ReplayCacheWarning, match=rf"refused, .*{NAME}:443, asked by fetching_module"):
        assert "replaycache refuses to connect" in seen()


# -- neighbours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["getaddrinfo", "gethostbyname", "getnameinfo"])
def test_what_others_put_in_place_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(*args: Any) -> str:
        return "mine"

    monkeypatch.setattr(socket, name, getattr(socket, name))  # put back at the end
    with use_cassette(MemoryStore()):
        setattr(socket, name, mine)
    assert getattr(socket, name) is mine
    with use_cassette(MemoryStore()):
        assert getattr(socket, name)(("host", 80), 1) == "mine"
    assert getattr(socket, name) is mine


def test_what_others_wrapped_and_put_back_does_no_more_than_it_did(driver: Driver) -> None:
    """Whoever takes its wrapper away after a session has ended puts ours back, which is of no use any more."""
    kind = driver.module.AsyncClient if driver.is_async else driver.module.Client
    before = kind._transport_for_url

    async def body() -> None:
        stores = [MemoryStore() for _ in range(3)]
        with ScriptedServer(counting_answers()) as server:
            for store in stores:
                with use_cassette(store, mode="auto"):
                    ours = kind._transport_for_url
                    kind._transport_for_url = lambda self, url, ours=ours: ours(self, url)
                    async with driver.plain_client() as client:
                        await client.post(server.url + CHAT, json=ASKED)
                kind._transport_for_url = ours
            async with driver.plain_client() as client:
                await client.post(server.url + CHAT, json=ASKED)
            with use_cassette(MemoryStore()):
                assert kind._transport_for_url.__wrapped__ is before
        assert [len(store) for store in stores] == [1, 1, 1]

    try:
        driver.run(body)
    finally:
        kind._transport_for_url = before


@pytest.mark.parametrize("mode", ["auto", "record", "off"])
def test_other_modes_tell_of_what_went_past_beside_calls_of_ours(driver: Driver, mode: str) -> None:
    async def calls(url: str) -> None:
        with use_cassette(MemoryStore(), mode=mode):
            async with driver.plain_client() as client:
                await client.post(url + CHAT, json=ASKED)
            socket.create_connection(("localhost", int(url.rpartition(":")[2]))).close()
            for place in ((NOBODY, 80), (NOBODY, 443), (NOBODY, 443), ("192.0.2.8", 80)):
                sent(lambda one, place=place: one.connect_ex(place))

    async def body() -> None:
        with ScriptedServer(counting_answers()) as server:
            with pytest.warns(ReplayCacheWarning) as told:
                await calls(server.url)

        (text,) = [str(one.message) for one in told]
        places = f"{NOBODY}:80, {NOBODY}:443, 192.0.2.8:80"
        assert text.startswith(f"{__name__} connected to {places}; what it asked there was neither recorded nor")
        assert f"Where the session replays, this is refused; ignore_hosts=['{NOBODY}', '192.0.2.8'] leaves" in text
        assert {one.filename for one in told} == {__file__}

    driver.run(body)
