"""--block-network and --allowed-hosts."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from replaycache import ConfigurationError, Refused
from replaycache.for_pytest.network_guard import NetworkBlocked, blocked_network, parse_allowed_hosts
from tests.plugin.projects import Project
from tests.scripted_server import ScriptedServer, counting_answers

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("pattern", "host", "port", "admitted"),
    [
        ("api.example.com", "api.example.com", 443, True),
        ("api.example.com", "API.Example.com".lower(), 80, True),
        ("API.example.com", "api.example.com", 80, True),
        ("api.example.com", "xapi.example.com", 443, False),
        ("api.example.com", "api-example.com", 443, False),
        ("api.example.com:443", "api.example.com", 443, True),
        ("api.example.com:443", "api.example.com", 80, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("127.0.0.1", "127.0.0.1", 1, True),
        ("127.0.0.*:8080", "127.0.0.9", 8080, True),
        ("127.0.0.1:8080", "127.0.0.1", 8081, False),
        ("::1", "::1", 1, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("*", "anything.example", 1, True),
        (" a.example , b.example,", "b.example", 1, True),
    ],
)
def test_hosts_are_allowed_by_name_port_and_wildcard(pattern: str, host: str, port: int, admitted: bool) -> None:
    assert any(allowed.admits(host, port) for allowed in parse_allowed_hosts(pattern)) is admitted


@pytest.mark.parametrize("text", ["https://example.com", "example.com:http", "a b", "example.com:", "[::1", "u@h"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no host; write api.example.com, 127.0.0.1:8080"):
        parse_allowed_hosts(text)


def test_nothing_of_the_socket_module_stays_changed() -> None:
    before = (dict(vars(socket.socket)), socket.getaddrinfo, socket.socket.connect)

    with pytest.raises(ZeroDivisionError), blocked_network():
        raise ZeroDivisionError

    assert (dict(vars(socket.socket)), socket.getaddrinfo, socket.socket.connect) == before


def test_every_way_to_connect_is_refused_and_allowed_ones_work() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(ScriptedServer(counting_answers()))
        kinds = (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM)
        port = int(server.url.rpartition(":")[2])
        ways = (
            lambda: socket.create_connection(("127.0.0.1", port)).close(),
            lambda: socket.create_connection(("localhost", port)).close(),
            lambda: stream.connect(("127.0.0.1", port)),
            lambda: other_stream.connect_ex(("127.0.0.1", port)),
            lambda: datagrams.sendto(b"x", ("127.0.0.1", port)),
            lambda: datagrams.sendto(b"x", 0, ("127.0.0.1", port)),
            lambda: socket.create_connection(("unheard-of.example", 443)),
            lambda: socket.getaddrinfo("unheard-of.example", 443),
        )
        stream, other_stream, datagrams = (stack.enter_context(socket.socket(type=kind)) for kind in kinds)
        with blocked_network():
            for way in ways:
                with pytest.raises(NetworkBlocked, match="--block-network refuses to connect to"):
                    way()
        with blocked_network(parse_allowed_hosts(f"localhost:{port}")):
            ways[1]()
            with pytest.raises(NetworkBlocked):
                socket.create_connection(("127.0.0.2", port))
        stream, other_stream = (stack.enter_context(socket.socket()) for _ in range(2))
        with blocked_network(parse_allowed_hosts("127.0.0.1")):
            for way in ways[:6]:
                way()


def test_unix_sockets_and_local_servers_stay_possible() -> None:
    with blocked_network():
        one, other = socket.socketpair()
        one.sendall(b"x")
        assert other.recv(1) == b"x"
        one.close()
        other.close()
        socket.create_server(("127.0.0.1", 0)).close()
        assert socket.getaddrinfo("127.0.0.1", 80)


def test_a_refusal_is_no_exception_that_sdks_retry() -> None:
    assert issubclass(NetworkBlocked, Refused)
    assert not issubclass(NetworkBlocked, Exception)


CALLS = """
    import asyncio, socket

    def test_loopback(): ask("q")

    def test_async(): asyncio.run(ask_async("q"))

    def test_name():
        socket.create_connection(("api.example.com", 443))

    @pytest.mark.replay("known.json")
    def test_marked(): assert ask("known") == "known 1"

    def test_offline(): pass
"""


def test_block_network_refuses_live_calls_and_names_host_and_flag(project: Project) -> None:
    project.tests(CALLS)
    project.run("-k", "marked").assert_outcomes(passed=1, deselected=4)

    result = project.run("--block-network")

    result.assert_outcomes(passed=2, failed=3)
    port = project.upstream.url.rpartition(":")[2]
    result.stdout.fnmatch_lines(
        [
            "replaycache: mode once (the default), network blocked",
            f"*NetworkBlocked: --block-network refuses to connect to 127.0.0.1:{port}. Mark *hosts=127.0.0.1",
            "*NetworkBlocked: --block-network refuses to connect to api.example.com. *",
        ]
    )
    assert len(project.upstream.requests) == 1


def test_allowed_hosts_are_let_through(project: Project) -> None:
    project.tests(CALLS)

    result = project.run("--block-network", "--allowed-hosts", "other.example,127.0.0.1")

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["replaycache: *, network blocked except other.example,127.0.0.1"])


def test_block_network_holds_while_modules_are_imported(project: Project) -> None:
    project.tests("ask('at import')")

    result = project.run("--block-network")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not project.upstream.requests


def test_block_network_holds_in_workers(project: Project) -> None:
    project.tests(CALLS)

    project.run("-p", "xdist", "-n", "2", "--block-network").assert_outcomes(passed=1, failed=4)

    assert not project.upstream.requests


def test_wrong_allowed_hosts_end_the_run_at_once(project: Project) -> None:
    project.tests(CALLS)

    result = project.run("--block-network", "--allowed-hosts=https://example.com")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --allowed-hosts='https://example.com' is no host; write *"])
