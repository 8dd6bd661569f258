"""A request from text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import Request
from replaycache.cli.request_text import parse_request

URL = "https://api.example.com/v1/chat/completions"
FORM = ("content-type", "application/x-www-form-urlencoded")
JSON = ("content-type", "application/json")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl https://a.b/c", Request("GET", "https://a.b/c")),
        ("$ curl a.b/c", Request("GET", "http://a.b/c")),
        ("curl -sS -L --compressed https://a.b/c -o out.txt --max-time=5", Request("GET", "https://a.b/c")),
        ("curl -X DELETE --url https://a.b/c", Request("DELETE", "https://a.b/c")),
        ("curl -XPUT https://a.b/c -d ''", Request("PUT", "https://a.b/c", (FORM,))),
        ("curl https://a.b/c -d x=1 -d y=2", Request("POST", "https://a.b/c", (FORM,), b"x=1&y=2")),
        ("curl https://a.b/c --data-urlencode 'x=a b'", Request("POST", "https://a.b/c", (FORM,), b"x=a%20b")),
        ("curl -G https://a.b/c?q=1 -d x=1", Request("GET", "https://a.b/c?q=1&x=1")),
        ("curl -I https://a.b/c", Request("HEAD", "https://a.b/c")),
        ("curl https://a.b/c --json '{}'", Request("POST", "https://a.b/c", (JSON,), b"{}")),
        ("curl https://a.b/c --data-raw '@x'", Request("POST", "https://a.b/c", (FORM,), b"@x")),
        (
            "curl https://a.b/c \\\r\n  -H 'Content-Type: application/json' \\\n -H X:1 -d '{\"a\": \"é\"}'",
            Request("POST", "https://a.b/c", (JSON, ("x", "1")), '{"a": "é"}'.encode()),
        ),
        ("GET https://a.b/c", Request("GET", "https://a.b/c")),
        ("GET /c HTTP/1.1\r\nHost: a.b\r\n\r\n", Request("GET", "https://a.b/c")),
        ("GET /c HTTP/1.1\nHost: localhost:80\n", Request("GET", "http://localhost:80/c")),
        (
            "POST /c HTTP/1.1\r\nHost: a.b\r\nX-Y: z: w\r\nContent-Length: 3\r\n\r\nabc",
            Request("POST", "https://a.b/c", (("x-y", "z: w"),), b"abc"),
        ),
        (
            'POST https://a.b/c\nAccept: */*\n\n{"a": 1}\n',
            Request("POST", "https://a.b/c", (("accept", "*/*"), JSON), b'{"a": 1}'),
        ),
    ],
)  # fmt: skip
def test_what_is_understood(text: str, expected: Request) -> None:
    assert parse_request(text.encode()) == expected


def test_a_body_alone_takes_what_is_given_beside() -> None:
    made = parse_request(b'\xef\xbb\xbf{"a": 1}\n', url=URL, headers=(("X", "1"),))

    assert made == Request("POST", URL, (("x", "1"), JSON), b'{"a": 1}')


def test_bytes_that_are_no_json_are_a_body_where_a_url_is_given() -> None:
    assert parse_request(b"\xff\x00", url=URL).body == b"\xff\x00"


def test_what_is_given_takes_the_place_of_the_texts_own() -> None:
    text = b"curl https://a.b/c -X PUT -H 'A: 1' -H 'B: 2' -d x"

    made = parse_request(text, url=URL, headers=(("a", "3"),))

    assert (made.method, made.url) == ("PUT", URL)
    assert (made.header("a"), made.header("b")) == ("3", "2")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "this is no request"),
        ("hello", "this is no request"),
        ("curlew", "this is no request"),
        ("{}", "no URL is given"),
        ("POST a.b HTTP/1.1\n\n{}", "no absolute URL"),
        ("curl", "this is no request"),
        ("curl -s", "no URL is given"),
        ("curl 'https://a.b", "cannot be read"),
        ("curl https://a.b https://c.d", "two addresses"),
        ("curl https://a.b -H", "needs a value"),
        ("curl https://a.b -d @/etc/passwd", "is not read here"),
        ("curl https://a.b --data-binary @-", "is not read here"),
        ("curl https://a.b -F a=b", "multipart"),
        ("curl https://a.b --unknown 1", "--unknown"),
        ("POST /c HTTP/1.1\nno header\n\n{}", "is no header"),
        ("POST /c HTTP/1.1\n\n{}", "no URL is given"),
    ],
)
def test_what_is_not(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        parse_request(text.encode())


@given(st.one_of(st.binary(), st.text().map(str.encode), st.text().map(lambda text: f"curl {text}".encode()),
                 st.text().map(lambda text: f"POST {text}".encode())), st.sampled_from([None, URL]))  # fmt: skip
def test_anything_is_a_request_or_a_value_error(data: bytes, url: str | None) -> None:
    try:
        made = parse_request(data, url=url)
    except ValueError:
        return
    assert isinstance(made, Request)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON_VALUES))
def test_a_body_means_what_it_meant(body: dict[str, object]) -> None:
    data = json.dumps(body).encode()

    assert json.loads(parse_request(data, url=URL).body) == body
    assert json.loads(parse_request(b"POST %s\n\n%s" % (URL.encode(), data)).body) == body
