"""Blocked networks, and clients that replaycache does not cover."""

from __future__ import annotations

import pytest

from tests.vcr.suites import Suite, lines

pytest_plugins = ["pytester"]

CALLS = """
    import socket, urllib.request

    def call():
        return get(UPSTREAM + "/x").json()["text"]
"""
# RFC 5737: nobody has these addresses, and the socket does not wait for an answer
OTHER_CLIENT = """
    import socket

    @pytest.mark.vcr
    def test_it():
        with socket.socket() as other:
            other.setblocking(False)
            other.connect_ex(("192.0.2.7", {port}))
"""


def test_a_mark_blocks_the_network(suite: Suite) -> None:
    suite.tests(
        CALLS
        + """
    @pytest.mark.block_network
    def test_blocked():
        with pytest.raises(RuntimeError, match=r"^Network is disabled for host '127.0.0.1'$"):
            call()
        with socket.socket() as other, pytest.raises(RuntimeError, match="disabled for host '192.0.2.7'"):
            other.connect_ex(("192.0.2.7", 9))
        one, two = socket.socketpair()
        one.close(), two.close()

    @pytest.mark.block_network(allowed_hosts=["192[.].*", "127.0.0.*"])
    def test_allowed(allowed_hosts):
        assert call() == "live 1 GET /x"

    def test_open():
        assert call() == "live 2 GET /x"
        assert "connect" not in vars(socket.socket)
    """
    )

    suite.run().assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("arguments", "config", "passes"),
    [
        (["--block-network"], "{}", False),
        (["--block-network", "--allowed-hosts=10.*,127.*"], "{}", True),
        (["--block-network"], "{'allowed_hosts': ['127.*']}", True),
        (["--block-network", "--allowed-hosts=10.*"], "{'allowed_hosts': ['127.*']}", False),
    ],
)
def test_the_flag_blocks_every_test(suite: Suite, arguments: list[str], config: str, passes: bool) -> None:
    suite.config(config)
    suite.tests(CALLS + "\n    def test_it():\n        call()\n")

    result = suite.run(*arguments)

    result.assert_outcomes(passed=int(passes), failed=int(not passes))


def test_a_marked_test_that_records_may_connect(suite: Suite) -> None:
    suite.tests(
        CALLS
        + """
    @pytest.mark.vcr
    def test_it():
        assert call() == "live 1 GET /x"

    def test_other():
        call()
    """
    )

    suite.run("--block-network", "--record-mode=once").assert_outcomes(passed=1, failed=1)
    suite.run("--block-network").assert_outcomes(passed=1, failed=1)


@pytest.mark.parametrize("arguments", ["'x'", "hosts=['x']"])
def test_wrong_arguments_of_the_mark(suite: Suite, arguments: str) -> None:
    suite.tests(f"""
        @pytest.mark.block_network({arguments})
        def test_it():
            pass
    """)

    result = suite.run()

    result.assert_outcomes(errors=1)
    lines(result, "UsageError: test_it.py::test_it: @pytest.mark.block_network takes allowed_hosts=*, and has (*")


def test_another_http_client_is_refused_and_named(suite: Suite) -> None:
    suite.tests(OTHER_CLIENT.format(port=443))

    result = suite.run(warnings=True)

    result.assert_outcomes(failed=1, warnings=1)
    lines(result, "Refused: Network is disabled for host '192.0.2.7': this test is marked vcr")
    lines(
        result,
        "ReplayCacheWarning: this test is marked vcr, and something that is neither httpx nor httpx2 connected to "
        "192.0.2.7:443: what it asked there was neither recorded nor replayed",
    )


@pytest.mark.parametrize(("arguments", "named"), [([], True), (["--record-mode=once"], False)])
def test_another_http_client_is_named_where_the_network_is_down(
    suite: Suite, arguments: list[str], named: bool
) -> None:
    """A name is looked up before anything connects, and its failure says nothing of cassettes."""
    suite.config("{'ignore_hosts': ['covered.invalid']}")
    suite.tests("""
        import asyncio, socket

        @pytest.mark.vcr
        def test_it():
            with pytest.raises(httpx2.ConnectError):
                get("http://covered.invalid")
            with pytest.raises(httpx2.ConnectError):
                asyncio.run(aget("http://covered.invalid"))
            socket.getaddrinfo("database.invalid", 5432, flags=socket.AI_NUMERICHOST)

        @pytest.mark.vcr
        def test_http():
            socket.getaddrinfo("api.invalid", 443, flags=socket.AI_NUMERICHOST)
    """)

    result = suite.run(*arguments)

    result.assert_outcomes(failed=2)
    lines(result, '*getaddrinfo("database.invalid"*', "*gaierror*")
    said = "a client that is neither httpx nor httpx2 looked up api.invalid: what it asks there is not answered"
    assert (said in result.stdout.str()) is named
    assert result.stdout.str().count("looked up") == int(named)


@pytest.mark.parametrize(
    ("port", "arguments"), [(5432, []), (443, ["--record-mode=once"]), (443, ["--allowed-hosts=192[.]0[.]2[.].*"])]
)
def test_other_connections_are_only_named(suite: Suite, port: int, arguments: list[str]) -> None:
    suite.tests(OTHER_CLIENT.format(port=port))

    result = suite.run(*arguments, warnings=True)

    result.assert_outcomes(passed=1, warnings=1)
    lines(result, f"neither httpx nor httpx2 connected to 192.0.2.7:{port}")


def test_local_servers_and_live_calls_of_covered_clients_are_not_named(suite: Suite) -> None:
    suite.config("{'ignore_localhost': True}")
    suite.tests("""
        import asyncio, socket

        @pytest.mark.vcr
        def test_it():
            get(UPSTREAM + "/x")
            asyncio.run(aget(UPSTREAM + "/x"))
            host, port = UPSTREAM.removeprefix("http://").split(":")
            socket.create_connection((host, int(port))).close()
    """)

    suite.run().assert_outcomes(passed=1)
