"""What upstreams answer that the proxy may not simply hand on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.scripted_server import Received, ScriptedServer, Wire
from tests.serve.proxies import Proxy, client, serving

EMPTY = "\r\nContent-Length: 0\r\n\r\n"


def _handle(request: Received, wire: Wire) -> None:
    answer = request.headers.get("x-answer")
    if answer is None:
        wire.answer(json.dumps(request.headers).encode())
    else:
        wire.send(json.loads(answer).encode("latin-1"))
        wire.cut()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Proxy, ScriptedServer]]:
    with serving(_handle, allow_origins=("http://localhost:3000",)) as found:
        yield found


@pytest.fixture
def proxy(both: tuple[Proxy, ScriptedServer]) -> Proxy:
    return both[0]


def _ask(proxy: Proxy, answer: str, path: str = "/files/1") -> httpx2.Response:
    with client(proxy) as asking:
        return asking.get(path, headers={"x-answer": json.dumps(answer)})


# -- redirects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        ("content", "/up/files/content"),
        ("content?a=b", "/up/files/content?a=b"),
        ("1/content", "/up/files/1/content"),
        ("../models", "/up/models"),
        ("?page=2", "/up/files/1?page=2"),
        ("/v1/\xe2\x82\xac", "/up/%E2%82%AC"),
        ("/v1/a b\\c\x01", "/up/a%20b%5Cc%01"),
        ("\\\\evil.example", "/up/files/%5C%5Cevil.example"),
        ("/v1/a%2Fb#there", "/up/a%2Fb"),
        ("HTTP://127.0.0.1:{port}/v1/a", "/up/a"),
    ],
)
def test_a_redirect_within(both: tuple[Proxy, ScriptedServer], location: str, leads: str) -> None:
    proxy, server = both
    location = location.replace("{port}", server.url.rpartition(":")[2])
    answer = _ask(proxy, f"HTTP/1.1 302 Found\r\nLocation: {location}{EMPTY}")

    assert (answer.status_code, answer.headers.get_list("location")) == (302, [leads])


@pytest.mark.parametrize(
    "lines",
    [
        "Location: http://[bad",
        "Location: http://127.0.0.1:x/v1/a",
        "Location: http:///evil.example/v1/a",
        "Location: /v1/a\r\nLocation: http://evil.example/",
        "Location: http://somebody:a-password@127.0.0.1:{port}/v1/a",
        "Location: https://127.0.0.1:{port}/v1/a",
    ],
)
def test_a_redirect_to_nowhere(both: tuple[Proxy, ScriptedServer], lines: str) -> None:
    proxy, server = both
    lines = lines.replace("{port}", server.url.rpartition(":")[2])
    answer = _ask(proxy, f"HTTP/1.1 302 Found\r\n{lines}{EMPTY}")

    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "replaycache_redirect_refused")
    assert "location" not in answer.headers
    assert "a-password" not in answer.text + proxy.log.getvalue()


# -- what is no HTTP, or nearly so -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_http_has_not(proxy: Proxy, status: int) -> None:
    answer = _ask(proxy, f"HTTP/1.1 {status} Odd{EMPTY}")

    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "replaycache_upstream_failed")
    assert str(status) in answer.json()["error"]["message"]


@pytest.mark.parametrize("length", [3, 6, 100])
def test_chunks_count_where_there_is_a_length_beside(proxy: Proxy, length: int) -> None:
    answer = _ask(
        proxy,
        f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
    )

    assert answer.content == b"abcdef"
    assert "content-length" not in answer.headers


# -- what is said of another server ------------------------------------------------------------------------


def test_what_upstream_says_of_its_own_server_stays_there(proxy: Proxy) -> None:
    answer = _ask(
        proxy,
        'HTTP/1.1 200 OK\r\nAlt-Svc: h3=":443"\r\nStrict-Transport-Security: max-age=9; includeSubDomains\r\n'
        f'Clear-Site-Data: "*"\r\nRefresh: 0; url=https://evil.example\r\nReport-To: {{}}\r\nNEL: {{}}\r\n'
        f"X-Request-Id: 1{EMPTY}",
    )

    assert set(answer.headers) == {"x-request-id", "content-length", "x-replaycache", "x-replaycache-reason"}


@pytest.mark.parametrize(
    ("cookie", "told"),
    [
        ("a=b", ["a=b"]),
        ("a=b; HttpOnly; Path=/; Secure", ["a=b; HttpOnly; Path=/up; Secure"]),
        ("a=b; path=/v1/", ["a=b; Path=/up"]),
        ("a=b;Path=/v1/files; Max-Age=9", ["a=b; Path=/up/files; Max-Age=9"]),
        ("a=b; Path=/v2", []),
    ],
)
def test_a_cookie_goes_back_to_its_upstream_only(proxy: Proxy, cookie: str, told: list[str]) -> None:
    answer = _ask(proxy, f"HTTP/1.1 200 OK\r\nSet-Cookie: {cookie}{EMPTY}")

    assert answer.headers.get_list("set-cookie") == told


@pytest.mark.parametrize(
    "page", [{"origin": "http://localhost:3000"}, {"sec-fetch-site": "same-origin"}], ids=["other", "own"]
)
def test_cookies_of_a_browser_stay_here(proxy: Proxy, page: dict[str, str]) -> None:
    """A browser sends to every port of a host what one of them has set."""
    with client(proxy) as asking:
        got = asking.get("/echo", headers={"cookie": "session=of-another-port", **page}).json()
        program = asking.get("/echo", headers={"cookie": "session=mine"}).json()

    assert "cookie" not in got
    assert program["cookie"] == "session=mine"
