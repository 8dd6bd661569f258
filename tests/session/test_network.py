"""What goes past a session, by other clients than it covers."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from replaycache import ReplayCacheWarning, install, uninstall, use_cassette
from replaycache.session.connections import names_of
from replaycache.stores import MemoryStore
from tests.drivers import Driver
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


@pytest.mark.parametrize("hosts", [[NOBODY], [f"{NOBODY}:443"], ["192.0.2.*"]])
def test_ignored_hosts_are_let_through(hosts: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=hosts):
            assert sent(lambda one: one.connect_ex((NOBODY, 443))) != errno.ECONNREFUSED


def test_an_ignored_name_is_looked_up_and_its_addresses_are_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        sys.audit("socket.getaddrinfo", host, port, 0, 0, 0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (NOBODY, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)  # of the operating system
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with replaying(ignore_hosts=["*.invalid:443"]):
            (*_, address), *_ = socket.getaddrinfo(NAME, 443)
            assert sent(lambda one: one.connect_ex(address)) != errno.ECONNREFUSED
    assert not names_of(NOBODY)


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
        places = "; ".join(
            f"{place}, asked by {__name__}" for place in (f"{NOBODY}:80", f"{NOBODY}:443", "192.0.2.8:80")
        )
        assert text.startswith(f"something connected to {places}. What it asked there was neither recorded")
        assert f"Where the session replays, this is refused; ignore_hosts=['{NOBODY}', '192.0.2.8'] leaves" in text
        assert {one.filename for one in told} == {__file__}

    driver.run(body)
