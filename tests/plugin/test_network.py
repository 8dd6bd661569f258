"""What tests may connect to: --block-network, --allowed-hosts, and marked tests that replay or run in CI."""

from __future__ import annotations

import _socket
import contextvars
import socket
import threading

import pytest

from replaycache import ConfigurationError
from replaycache.for_pytest.network_guard import NetworkGuard
from tests.plugin.projects import Project, summary

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("allowed", "host", "port", "admitted"),
    [
        ("192.0.2.7", "192.0.2.7", 443, True),
        ("192.0.2.7", "192.0.2.77", 443, False),
        ("192.0.2.*:8080", "192.0.2.9", 8080, True),
        ("192.0.2.7:8080", "192.0.2.7", 8081, False),
        (" a.example , 192.0.2.7,", "192.0.2.7", 1, True),
        ("*", "192.0.2.7", 1, True),
        ("*:443", "192.0.2.7", 443, True),
        ("*:443", "192.0.2.7", 80, False),
        ("localhost:1", "127.0.0.1", 1, True),
        ("localhost:1", "127.0.0.1", 2, False),
        ("", "127.0.0.1", 1, False),
    ],
)
def test_hosts_are_allowed_by_name_port_and_wildcard(allowed: str, host: str, port: int, admitted: bool) -> None:
    guard = NetworkGuard(blocks=True, allowed=allowed)
    with guard.running(), guard.phase(), socket.socket(type=socket.SOCK_DGRAM) as one:
        if admitted:
            one.connect((host, port))  # sends nothing
        else:
            with pytest.raises(ConnectionRefusedError, match="--block-network was given"):
                one.connect((host, port))


@pytest.mark.parametrize("allowed", ["192[.]0", "10[.].*,192.0.2"])
def test_other_plugins_write_regular_expressions(allowed: str) -> None:
    guard = NetworkGuard(blocks=True, allowed=allowed, is_regular=True)
    with guard.running(), guard.phase(), socket.socket(type=socket.SOCK_DGRAM) as one:
        one.connect(("192.0.2.7", 1))
        with pytest.raises(ConnectionRefusedError):
            one.connect(("172.16.192.0", 1))


@pytest.mark.parametrize("text", ["https://example.com", "example.com:http", "a b", "example.com:", "[::1", "u@h"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no host; write api.example.com, 127.0.0.1:8080"):
        NetworkGuard(blocks=True, allowed=text)


def test_what_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is no regular expression"):
        NetworkGuard(blocks=False, allowed="[", is_regular=True)


def test_nothing_of_the_socket_module_stays_changed() -> None:
    before = (dict(vars(socket.socket)), dict(vars(socket)), dict(vars(_socket)))

    with pytest.raises(ZeroDivisionError), NetworkGuard(blocks=True, allowed="").running():
        raise ZeroDivisionError

    assert (dict(vars(socket.socket)), dict(vars(socket)), dict(vars(_socket))) == before


def test_threads_that_no_test_started_reach_loopback() -> None:
    """Another plugin's, which reports while a test runs."""
    guard = NetworkGuard(blocks=True, allowed="")
    go, reached = threading.Event(), []

    def report() -> None:
        go.wait(30)
        with socket.socket(type=socket.SOCK_DGRAM) as one:
            for host in ("127.0.0.1", "192.0.2.7"):
                reached.append(one.connect_ex((host, 9)) == 0)

    with guard.running():
        threads = [threading.Thread(target=report)]
        contextvars.Context().run(threads[0].start)  # this test's own says that a test runs
        with guard.phase():
            go.set()
            threads[0].join()
            threads.append(threading.Thread(target=report))
            threads[1].start()
            threads[1].join()

    assert reached == [True, False, False, False]


CALLS = """
    import asyncio, socket

    def test_loopback(): ask("q")

    def test_async(): asyncio.run(ask_async("q"))

    def test_name():
        socket.create_connection(("api.invalid", 443))

    @pytest.mark.replay("known.json")
    def test_marked(): assert ask("known") == "known 1"

    def test_offline():
        for one in socket.socketpair():
            one.close()
        socket.create_server(("127.0.0.1", 0)).close()
"""


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_block_network_refuses_live_calls_and_tells_of_them(project: Project, workers: list[str]) -> None:
    project.tests(CALLS)
    project.run("-k", "marked").assert_outcomes(passed=1, deselected=4)

    result = project.run("--block-network", *workers)

    result.assert_outcomes(passed=2, failed=3)
    port = project.upstream.url.rpartition(":")[2]
    result.stdout.fnmatch_lines(["replaycache: mode once (the default), network blocked"])
    result.stdout.fnmatch_lines_random(
        [
            f"E *replaycache refuses to connect to 127.0.0.1:{port}, asked by llm: --block-network *",
            "E *gaierror*replaycache refuses to connect to api.invalid:443, asked by test_it: *hosts=api.invalid",
            "refused: api.invalid:443, asked by test_it",
            f"test_it.py::test_loopback: refused: 127.0.0.1:{port}, asked by llm",
            f"test_it.py::test_async: refused: 127.0.0.1:{port}, asked by test_it",
            "test_it.py::test_name: refused: api.invalid:443, asked by test_it",
        ]
    )
    assert len(project.upstream.requests) == 1


def test_allowed_hosts_are_let_through(project: Project) -> None:
    project.tests(CALLS)

    result = project.run("--block-network", "--allowed-hosts", "other.example,127.0.0.1")

    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["replaycache: *, network blocked except other.example,127.0.0.1"])


def test_wrong_allowed_hosts_end_the_run_at_once(project: Project) -> None:
    project.tests(CALLS)

    result = project.run("--block-network", "--allowed-hosts=https://example.com")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --allowed-hosts='https://example.com' is no host; write *"])


@pytest.mark.parametrize("flag", ["--block-network", "--replay-mode=replay"])
def test_neither_collection_nor_other_plugins_between_tests_are_held(project: Project, flag: str) -> None:
    project.write(
        "conftest.py",
        """
        import socket, pytest

        def report(*_):
            with socket.socket(type=socket.SOCK_DGRAM) as one:
                one.connect(("192.0.2.7", 9))
                one.connect(("127.0.0.1", 9))

        pytest_collection_modifyitems = pytest_runtest_logstart = pytest_runtest_logfinish = report
        pytest_runtest_logreport = pytest_sessionfinish = report

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_call(item):
            report()
            result = yield
            report()
            return result
        """,
    )
    project.tests("""
        import conftest
        conftest.report()

        @pytest.mark.replay
        def test_it():
            with pytest.raises(ConnectionRefusedError):
                conftest.report()
    """)

    result = project.run(flag)

    result.assert_outcomes(passed=1)
    assert result.outlines.count("test_it.py::test_it: refused: 192.0.2.7:9, asked by conftest") == 1


PAST = """
    import socket
    from urllib.request import urlopen

    def past():
        try:
            urlopen("http://192.0.2.7/prices", timeout=0.001)
        except OSError as error:
            return "replaycache refuses" in str(error)

    @pytest.fixture(scope="module")
    def early():
        return past()

    @pytest.mark.replay
    def test_marked(early):
        assert (early, past()) == (REFUSED, REFUSED)
        ask("q")

    def test_unmarked():
        assert not past()
"""


@pytest.mark.parametrize(
    ("arguments", "ci", "refused"),
    [
        ((), "1", True),
        (("--replay-mode=replay",), "", True),
        (("--replay-mode=auto",), "1", True),
        (("--replay-mode=auto",), "", False),
        (("--replay-mode=replay", "--allowed-hosts=192.0.2.7"), "", False),
    ],
)
def test_marked_tests_that_replay_or_run_in_ci_reach_nothing(
    project: Project, arguments: tuple[str, ...], ci: str, refused: bool
) -> None:
    project.tests(PAST.replace("REFUSED", "False"))
    project.run("--allowed-hosts=*").assert_outcomes(passed=2)
    project.tests(PAST.replace("REFUSED", str(refused)))
    project.set(CI=ci)

    result = project.run(*arguments)

    result.assert_outcomes(passed=2, warnings=int(arguments == ("--replay-mode=auto",) and not ci))
    line = "test_it.py::test_marked: refused: 192.0.2.7:80, asked by test_it"
    assert (line in result.outlines) is refused
    assert result.outlines.count(line) <= 2
    assert "replayed" in summary(result)


def test_once_replays_and_so_reaches_nothing(project: Project) -> None:
    project.tests(PAST.replace("REFUSED", "False"))
    project.run().assert_outcomes(passed=2, warnings=1)
    project.tests(PAST.replace("REFUSED", "True"))

    project.run().assert_outcomes(passed=2)


def test_ignored_hosts_of_the_mark_are_reached(project: Project) -> None:
    project.tests("""
        import socket

        @pytest.mark.replay(ignore_hosts=["192.0.2.*"])
        def test_it():
            with socket.socket(type=socket.SOCK_DGRAM) as one:
                one.connect(("192.0.2.7", 9))
                with pytest.raises(ConnectionRefusedError):
                    one.connect(("198.51.100.7", 9))
    """)

    project.run("--replay-mode=replay").assert_outcomes(passed=1)


def test_a_call_that_names_its_mode_and_is_refused_did_not_go_live(project: Project) -> None:
    project.tests("""
        import httpx2, llm

        @pytest.mark.replay(mode="replay")
        def test_it():
            with httpx2.Client(trust_env=False) as client, pytest.raises(httpx2.ConnectError):
                client.post(llm.URL, json=llm.body("q"), headers={"x-replaycache-mode": "off"})
    """)

    result = project.run("--block-network")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_it.py::test_it: refused: *", "What was refused met an error *"])
    result.stdout.no_fnmatch_line("*was called live*")


def test_a_call_that_names_its_mode_goes_live_and_is_told(project: Project) -> None:
    project.tests("""
        import httpx2, llm

        @pytest.mark.replay(mode="replay")
        def test_it():
            with httpx2.Client(trust_env=False) as client:
                client.post(llm.URL, json=llm.body("q"), headers={"x-replaycache-mode": "off"})
    """)

    result = project.run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"test_it.py::test_it: {project.upstream.url} was called live, as the call's x-replaycache-mode says"]
    )
    result.stdout.no_fnmatch_line("What was refused*")
    assert len(project.upstream.requests) == 1
    assert "What was refused met an error" not in result.stdout.str()


def test_a_call_that_is_refused_was_not_called_live(project: Project) -> None:
    project.tests("""
        import httpx2, llm

        @pytest.mark.replay(mode="replay")
        def test_it():
            with httpx2.Client(trust_env=False) as client, pytest.raises(httpx2.ConnectError):
                client.post(llm.URL, json=llm.body("q"), headers={"x-replaycache-mode": "off"})
    """)

    result = project.run("--block-network")

    result.assert_outcomes(passed=1)
    assert "was called live" not in result.stdout.str()
    result.stdout.fnmatch_lines([f"test_it.py::test_it: refused: {project.upstream.url.removeprefix('http://')}*"])


INSIDE = """
    import asyncio, httpx, httpx2, llm
    from replaycache import use_cassette
    from replaycache.{library} import AsyncReplayTransport, ReplayTransport

    OWN = {{kind: kind(store=":memory:") for kind in (ReplayTransport, AsyncReplayTransport)}}

    def outcome(is_async, transport=None):
        async def call():
            async with {library}.AsyncClient(transport=transport) as client:
                return await client.post(llm.URL, json=llm.body("q"))
        try:
            if is_async:
                response = asyncio.run(call())
            else:
                with {library}.Client(transport=transport) as client:
                    response = client.post(llm.URL, json=llm.body("q"))
        except CacheMiss:
            return "refused"
        return response.extensions["replaycache"].status

    @pytest.mark.replay
    @pytest.mark.parametrize("is_async", [False, True])
    def test_it(is_async, tmp_path):
        kind = AsyncReplayTransport if is_async else ReplayTransport
        with use_cassette(tmp_path / "inner.json"):
            assert outcome(is_async) == {unsaid!r}
        assert outcome(is_async, OWN[kind]) == {unsaid!r}
        with use_cassette(tmp_path / "typed.json", mode="auto"):
            assert outcome(is_async) == "miss"
        assert outcome(is_async, kind(store=":memory:", mode="auto")) == "miss"
"""


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize(
    ("argument", "ci", "unsaid"),
    [
        ("", "1", "refused"),
        ("--replay-mode=replay", "", "refused"),
        ("--replay-mode=auto", "1", "miss"),
        ("", "", "miss"),
    ],
)
def test_what_names_no_mode_of_its_own_replays_where_its_test_does(
    project: Project, library: str, argument: str, ci: str, unsaid: str
) -> None:
    project.set(CI=ci)
    project.tests(INSIDE.format(library=library, unsaid=unsaid))

    project.run(*filter(None, [argument])).assert_outcomes(passed=2)


def test_other_processes_are_told(project: Project) -> None:
    project.tests("""
        import subprocess, sys

        @pytest.mark.replay(mode="replay")
        def test_it():
            subprocess.run([sys.executable, "-c", ""], check=True)
    """)

    result = project.run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_it.py::test_it: test_it started other processes of Python, where *"])


def test_what_a_module_fetches_while_it_is_imported_is_in_no_cassette(project: Project) -> None:
    project.write(
        "fetching.py",
        """
        import httpx, llm
        try:
            httpx.get("http://192.0.2.7:9/prices.json", timeout=0.001)
        except httpx.HTTPError as error:
            seen = str(error)
    """,
    )
    project.tests("""
        import sys

        @pytest.mark.replay
        @pytest.mark.parametrize("number", [1, 2])
        def test_it(number):
            sys.modules.pop("fetching", None)
            import fetching
            assert ("replaycache refuses" in fetching.seen) == (sys.argv[-1] == "again")
            ask("q")
    """)
    project.run().assert_outcomes(passed=2, warnings=2)
    project.set(CI="1")
    project.tests(
        (project.path / "test_it.py")
        .read_text()
        .partition("llm import ask, ask_async\n")[2]
        .replace('(sys.argv[-1] == "again")', "True")
    )

    result = project.run()

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["test_it.py::test_it*: refused: 192.0.2.7:9, asked by fetching"])
    assert len(project.upstream.requests) == 2
