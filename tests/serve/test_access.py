"""Who is refused, and what: over raw sockets, as an attacker would send it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from replaycache import ConfigurationError
from replaycache.serve.settings import Settings
from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import Proxy, client, parsed, serving

TOKEN = "0123456789abcdef-token"  # of a test


def _handle(request: Received, wire: Wire) -> None:
    wire.answer(
        json.dumps({"target": request.target, **request.headers}).encode(), access_control_allow_origin="*"
    )


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Proxy, ScriptedServer]]:
    with serving(_handle, allowed_hosts=("proxy.example",), allow_origins=("http://localhost:3000",)) as found:
        yield found


@pytest.fixture
def proxy(both: tuple[Proxy, ScriptedServer]) -> Iterator[Proxy]:
    """One whose upstream must not be reached."""
    proxy, server = both
    before = len(server.requests)
    yield proxy
    assert len(server.requests) == before


@pytest.fixture
def reached(both: tuple[Proxy, ScriptedServer]) -> Proxy:
    return both[0]


# -- paths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/up/../health",
        "/up/..",
        "/up/./a",
        "/up/%2e%2e/a",
        "/up/%2E%2e%2fa",
        "/up/.%2e/a",
        "/up/%252e%252e/a",
        "/up/..%2fa",
        "/up/a%2f..%2fb",
        "/up/a%252f..%252fb",
        "/up/..;x=1/a",
        "/up/..%5ca",
        "/up/a\\b",
        "/up/a%5Cb",
        "/up/a%00b",
        "/up/a%0d%0ab",
        "/up/a%250ab",
        "/up/%25252525252e%25252525252e/a",
        f"/up/%{'25' * 1000}2e",
        "/up/%2525252e%2525252e/a",  # which is `..` for the fourth server that decodes it
        f"/up/%{'25' * 40}2e/a",
        "/up/a#b",
        "//evil.example/a",
        "//up/a",
        "/%2e%2e/up/a",
        "/up%2fa",
        "/%75p/a",
        "/up%00/a",
        "/u p/a",
        "http://evil.example/up/a",
        "http://127.0.0.1/up/a",
        "https:///up/a",
        "*",
        "up/a",
        "evil.example:443",
    ],
)
def test_tricks_with_paths(proxy: Proxy, target: str) -> None:
    status, told = proxy.raw(target)

    assert status == 400
    assert not told or told["error"]["type"] == "replaycache_bad_path"


def test_connect_opens_no_tunnel(proxy: Proxy) -> None:
    status, _ = proxy.raw("evil.example:443", method="CONNECT")

    assert status == 400


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_are_for_proxies_of_another_kind(proxy: Proxy, method: str) -> None:
    assert proxy.raw("/up/a", method=method)[0] == 501


def test_a_path_may_be_encoded_as_apis_do_it(reached: Proxy) -> None:
    assert reached.raw("/up/a%2520b%252Fc")[1]["target"] == "/v1/a%2520b%252Fc"


# -- requests that two servers read otherwise --------------------------------------------------------------

HEAD = b"POST /up/a HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        HEAD + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        HEAD + b"Content-Length: 4, 4\r\n\r\nabcd",
        HEAD + b"Content-Length: +4\r\n\r\nabcd",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"X-A: b\r\n c: d\r\n\r\n",
        HEAD + b"X-A: b\r\n\tc\r\n\r\n",
        HEAD + b"X-A: b\nX-B: c\r\n\r\n",
        HEAD + b"X-A: b\rX-B: c\r\n\r\n",
        HEAD + b"X-A: b\x00c\r\n\r\n",
        b"POST /up/a HTTP/1.1\nHost: localhost\n\n",
        b"POST /up/a HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"POST /up/a HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_smuggled_requests(proxy: Proxy, data: bytes) -> None:
    status, _ = parsed(proxy.ask(data))

    assert status in (400, 501)


@pytest.mark.parametrize("name", ["mode", "sample", "cassette", "session", "token"])
def test_a_header_of_ours_twice(proxy: Proxy, name: str) -> None:
    """One of them would count, and the other may be what was meant."""
    status, told = proxy.raw("/up/a", f"x-replaycache-{name}: replay", f"X-Replaycache-{name}: off")

    assert (status, told["error"]["type"]) == (400, "replaycache_bad_request")


def test_connection_does_not_take_the_length_away(reached: Proxy) -> None:
    status, got = reached.raw(
        "/up/a", "Connection: content-length, x-mine", "X-Mine: 1", method="POST", body=b"abcd"
    )

    assert (status, got["content-length"], "x-a" in got) == (200, "4", False)


def test_a_head_in_pieces_is_checked_whole(proxy: Proxy) -> None:
    import socket

    from tests.serve.proxies import read_all

    with socket.create_connection(("127.0.0.1", proxy.port), timeout=30) as connection:
        for byte in HEAD + b"X-A: b\r\n c\r\n\r\n":
            try:
                connection.send(bytes([byte]))
            except OSError:
                break  # it has been refused
        assert parsed(read_all(connection))[0] == 400


# -- other hosts and pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:1", "0.0.0.0"])
def test_a_name_that_points_here(proxy: Proxy, host: str) -> None:
    status, told = proxy.raw("/up/a", f"Host: {host}")

    assert (status, told["error"]["type"]) == (403, "replaycache_wrong_host")


@pytest.mark.parametrize("host", ["", "a b", "user@localhost", "localhost:x", "[::1"])
def test_a_host_that_is_none(proxy: Proxy, host: str) -> None:
    assert proxy.raw("/up/a", f"Host: {host}")[0] == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8377", "127.0.0.1:1", "[::1]:80", "proxy.example:80"])
def test_its_own_names(reached: Proxy, host: str) -> None:
    assert reached.raw("/up/a", f"Host: {host}")[0] == 200


@pytest.mark.parametrize(
    "lines",
    [
        ["Origin: https://evil.example"],
        ["Origin: null"],
        ["Origin: http://localhost:3001"],
        ["Origin: http://localhost:3000", "Origin: https://evil.example"],
        ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: same-site"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: websocket"],
    ],
)
@pytest.mark.parametrize("target", ["/up/a", "/_replaycache/cassettes/a.json"])
def test_pages_of_other_origins(proxy: Proxy, lines: list[str], target: str) -> None:
    status, told = proxy.raw(target, *lines, "Content-Type: text/plain", method="POST", body=b"{}")

    assert (status, told["error"]["type"]) == (403, "replaycache_foreign_page")


def test_a_link_to_the_viewer_may_be_followed(proxy: Proxy) -> None:
    lines = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")

    assert proxy.raw("/_replaycache/health", *lines)[0] == 200


@pytest.mark.parametrize("kind", ["iframe", "frame", "object", "embed"])
def test_no_other_page_shows_the_viewer_inside_of_it(proxy: Proxy, kind: str) -> None:
    lines = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", f"Sec-Fetch-Dest: {kind}")

    assert proxy.raw("/_replaycache/", *lines)[0] == 403


def test_pages_of_its_own_may_call(reached: Proxy) -> None:
    own = f"127.0.0.1:{reached.port}"

    assert reached.raw("/up/a", f"Host: {own}", f"Origin: http://{own}")[0] == 200
    assert reached.raw("/up/a", "Sec-Fetch-Site: same-origin")[0] == 200


def test_an_origin_that_is_allowed(reached: Proxy) -> None:
    page = {"origin": "http://localhost:3000"}
    asking = {
        **page,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    with client(reached) as browser:
        before = browser.options("/a", headers=asking)
        answer = browser.post("/a", headers={**page, "sec-fetch-site": "cross-site"}, json={})

    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == page["origin"]
    assert before.headers["access-control-allow-methods"] == "POST"
    assert before.headers["access-control-allow-headers"] == "authorization,content-type"
    assert answer.headers.get_list("access-control-allow-origin") == [page["origin"]]
    assert "origin" in answer.headers["vary"]


# -- the token ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[Proxy, ScriptedServer]]:
    with serving(_handle, token=TOKEN, host="0.0.0.0") as found:
        yield found


def test_it_is_open_to_others_with_a_token_only() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "proxy.example"):
        with pytest.raises(ConfigurationError, match="--token-file"):
            Settings(host=host)
    assert Settings(host="0.0.0.0", token=TOKEN).host == "0.0.0.0"


@pytest.mark.parametrize("given", [{}, {"x-replaycache-token": "wrong"}, {"authorization": f"Bearer {TOKEN}"}])
def test_who_does_not_bear_the_token(guarded: tuple[Proxy, ScriptedServer], given: dict[str, str]) -> None:
    proxy, server = guarded
    before = len(server.requests)
    with client(proxy, **given) as asking:
        answers = [asking.get("/a"), asking.get(f"{proxy.url}/_replaycache/metrics")]
        health = asking.get(f"{proxy.url}/_replaycache/health")

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].headers["x-should-retry"] == "false"
    assert (health.status_code, "location" in health.json()["store"]) == (200, False)
    assert len(server.requests) == before


def test_the_token_opens_and_stays_here(guarded: tuple[Proxy, ScriptedServer]) -> None:
    proxy, _ = guarded
    with client(proxy, **{"x-replaycache-token": TOKEN}) as asking:
        answer = asking.get("/a")
        metrics = asking.get(f"{proxy.url}/_replaycache/metrics")
        health = asking.get(f"{proxy.url}/_replaycache/health")

    assert "x-replaycache-token" not in answer.json()
    assert TOKEN not in answer.text + proxy.log.getvalue()
    assert 'replaycache_calls_total{outcome="live",upstream="up"}' in metrics.text
    assert health.json()["store"]["location"] == ":memory:" or health.json()["store"]["location"]


def test_a_token_twice_is_none(guarded: tuple[Proxy, ScriptedServer]) -> None:
    twice = [f"X-Replaycache-Token: {TOKEN}"] * 2

    assert guarded[0].raw("/up/a", *twice)[0] == 400


def test_logging_in_gives_a_cookie_for_the_pages_only(guarded: tuple[Proxy, ScriptedServer]) -> None:
    proxy, server = guarded
    before = len(server.requests)
    pages = f"{proxy.url}/_replaycache"
    with httpx2.Client(trust_env=False) as browser:
        asked = browser.get(f"{pages}/", headers={"accept": "text/html"})
        wrong = browser.post(f"{pages}/login", data={"token": "wrong"})
        refused = browser.get(f"{pages}/metrics")
        right = browser.post(f"{pages}/login", data={"token": TOKEN})
        seen = browser.get(f"{pages}/metrics")
        call = browser.get(f"{proxy.url}/up/a", headers={"cookie": f"{right.headers['set-cookie'].split(';')[0]}"})
        name, _, value = right.headers["set-cookie"].partition(";")[0].partition("=")
        browser.cookies.clear()
        forged = [
            browser.get(f"{pages}/metrics", headers={"cookie": f"{name}={bad}"})
            for bad in ("", "1.x", f"9{value}", value[:-1], f"{value}x", f"{10**12}.{value.partition('.')[2]}")
        ]

    assert (asked.status_code, asked.headers["location"]) == (303, "/_replaycache/login")
    assert (wrong.status_code, refused.status_code, "set-cookie" in wrong.headers) == (303, 401, False)
    cookie = right.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/_replaycache"))
    assert TOKEN not in right.headers["set-cookie"]
    assert (seen.status_code, call.status_code) == (200, 401)
    assert {answer.status_code for answer in forged} == {401}
    assert len(server.requests) == before


def test_without_a_token_nobody_logs_in(proxy: Proxy) -> None:
    with client(proxy) as asking:
        answer = asking.post(f"{proxy.url}/_replaycache/login", data={"token": ""})

    assert "set-cookie" not in answer.headers


@pytest.mark.asyncio
async def test_another_server_that_listens_everywhere_needs_a_token() -> None:
    """Behind a server that was not started by the command, the address that was asked tells."""
    from replaycache.serve import create_app

    sent = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/openai/v1/models",
        "raw_path": b"/openai/v1/models",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("192.0.2.1", 80),
        "client": ("192.0.2.2", 1),
    }
    await create_app(Settings(store=":memory:"))(scope, None, send)

    assert sent[0]["status"] == 403
