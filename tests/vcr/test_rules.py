"""Filters and matchers of VCR.py, apart from pytest."""

from __future__ import annotations

from typing import Any

import pytest

from replaycache import Body, Chunk, ConfigurationError, Recording, Request, ResponseHead
from replaycache.vcr.messages import VcrHeaders, VcrRequest, changed, comparable, response_of
from replaycache.vcr.rules import Rules, check_hiding

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def request(
    body: bytes | str = b"", uri: str = "https://a.test/x", method: str = "POST", **headers: str
) -> VcrRequest:
    return VcrRequest(method, uri, body, {name.replace("_", "-"): value for name, value in headers.items()})


def filtered(options: dict[str, Any], asked: VcrRequest) -> VcrRequest:
    found = Rules.parse(options).request(asked)
    assert found is not None
    return found


def upper(key: str, value: str, request: VcrRequest) -> str:
    return f"{key}:{value.upper()}:{request.method}"


def test_headers_are_filtered_in_any_case() -> None:
    options = {
        "filter_headers": ["X-Gone", ("x-set", "new"), ("x-made", upper), ("x-none", lambda **_: None), "no"]
    }
    asked = request(x_gone="1", X_Set="2", x_made="a", x_none="b", x_kept="c")

    assert dict(filtered(options, asked).headers) == {"x-kept": "c", "x-set": "new", "x-made": "x-made:A:POST"}


def test_query_parameters_are_filtered() -> None:
    options = {"filter_query_parameters": ["gone", ("set", "new"), ("made", upper)]}

    asked = request(uri="https://a.test/x?made=a&gone=1&set=2&kept=3&kept=4#f")

    assert filtered(options, asked).query == [
        ("kept", "3"),
        ("kept", "4"),
        ("made", "made:A:POST"),
        ("set", "new"),
    ]


@pytest.mark.parametrize(
    ("content_type", "before", "after"),
    [
        (JSON, '{"gone": 1, "set": 2, "in": {"gone": 3}}', b'{"set": "new", "in": {"gone": 3}}'),
        (JSON, "no json", b"no json"),
        (JSON, "[1]", b"[1]"),
        (FORM, "gone=1&set=2&kept=3&alone", b"set=new&kept=3&alone"),
        (FORM, "api%3Akey=1&kept=3", b"kept=3"),
        ("multipart/form-data; boundary=b", "--b gone=1", b"--b gone=1"),
    ],
)
def test_fields_of_the_body_are_filtered(content_type: str, before: str, after: bytes) -> None:
    options = {"filter_post_data_parameters": ["gone", ("set", "new"), "api:key"]}

    assert filtered(options, request(before, content_type=content_type)).body == after
    assert filtered(options, request(before, method="PUT", content_type=content_type)).body == before.encode()


def test_fields_are_filtered_at_every_depth_if_asked() -> None:
    options = {"filter_post_data_parameters": ["gone"], "filter_nested_post_data_parameters": True}

    asked = request('{"a": [{"gone": 1, "b": 2}], "gone": 3}', content_type=JSON)

    assert filtered(options, asked).body == b'{"a": [{"b": 2}]}'


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"])
def test_localhost_is_ignored_by_all_its_names(host: str) -> None:
    rules = Rules.parse({"ignore_localhost": True})

    assert rules.request(request(uri=f"http://{host}:8080/x")) is None
    assert rules.request(request(uri="http://a.test/x")) is not None


@pytest.mark.parametrize(
    ("name", "left", "right", "same"),
    [
        ("body", request('{"a":1, "b":2}', content_type=JSON), request('{"b":2,"a":1}', content_type=JSON), True),
        (
            "raw_body",
            request('{"a":1, "b":2}', content_type=JSON),
            request('{"b":2,"a":1}', content_type=JSON),
            False,
        ),
        ("body", request('{"a":1, "b":2}'), request('{"b":2,"a":1}'), False),
        ("body", request("{", content_type=JSON), request("{", content_type=JSON), True),
        ("body", request("a=1&b=2", content_type=FORM), request("b=2&a=1", content_type=FORM), True),
        ("body", request("", content_type=JSON), request("{}", content_type=JSON), False),
        ("uri", request(uri="https://a.test"), request(uri="https://a.test/"), True),
        ("uri", request(uri="https://a.test/x?a=1&b=2"), request(uri="https://a.test/x?b=2&a=1"), False),
        ("url", request(uri="https://a.test/x"), request(uri="https://a.test/x"), True),
        ("path", request(uri="https://a.test"), request(uri="https://a.test/"), True),
        ("query", request(uri="https://a.test?a=1&b=2"), request(uri="https://a.test?b=2&a=1"), True),
        ("port", request(uri="https://a.test"), request(uri="https://a.test:443"), True),
        ("headers", request(a="1"), request(A="1"), True),
        ("headers", request(a="1"), request(a="2"), False),
        ("method", request(method="GET"), request(), False),
    ],
)
def test_matchers(name: str, left: VcrRequest, right: VcrRequest, same: bool) -> None:
    assert Rules.parse({"match_on": [name]}).match(left, right) is same


def test_additional_matchers_come_on_top() -> None:
    rules = Rules.parse({"additional_matchers": ["body"]})

    assert list(rules.matchers) == ["method", "scheme", "host", "port", "path", "query", "body"]
    assert rules.differing(request("1", method="GET"), request("2")) == ["method", "body"]


def test_what_was_to_be_hidden_is_not_recorded() -> None:
    check_hiding({"filter_sensitive_data": {"A": "b"}}, "none")
    check_hiding({"filter_sensitive_data": {}}, "once")
    with pytest.raises(ConfigurationError, match="has before_save_interaction, filter_sensitive_data, which"):
        check_hiding({"filter_sensitive_data": {"A": "b"}, "before_save_interaction": print}, "once")


def test_a_request_takes_what_hooks_assign() -> None:
    asked = request("x")
    asked.headers = {"A": ["1", b"2"]}  # type: ignore[assignment]  # as hooks do
    asked.add_header("B", "3")
    for body, expected in (
        (None, b""),
        ("é", "é".encode()),
        (bytearray(b"x"), b"x"),
        ({"a": 1}, b'{"a": 1}'),
        (iter([b"a", "b"]), b"ab"),
    ):
        asked.body = body  # type: ignore[assignment]  # as hooks do
        assert asked.to_request() == Request("POST", "https://a.test/x", (("a", "1, 2"), ("b", "3")), expected)


def test_credentials_count_on_neither_side() -> None:
    asked = comparable(request('{"api_key": "k"}', "https://a.test/x?api_key=k", authorization="k", x_other="o"))

    assert asked.uri == "https://a.test/x?api_key=REDACTED"
    assert asked.body == b'{"api_key": "REDACTED"}'
    assert dict(asked.headers) == {"x-other": "o"}


def test_headers_are_a_mapping_in_any_case() -> None:
    headers = VcrHeaders({"Content-Type": "a"})
    headers["content-type"] = "b"

    assert list(headers) == ["Content-Type"]
    assert "CONTENT-TYPE" in headers
    assert headers == {"content-type": "b"}
    assert headers.copy() == headers
    del headers["CONTENT-type"]
    assert not headers


def test_a_response_that_hooks_leave_keeps_its_chunks() -> None:
    recording = Recording(
        request=Request("GET", "https://a.test/"),
        head=ResponseHead(299, (("a", "1"), ("a", "2"))),
        body=Body.of([Chunk(b"x", 0.0), Chunk(b"y", 1.0)]),
        digest="",
        recorded_at=1.0,
    )
    response = response_of(recording.head, recording.body.read())

    assert response["status"] == {"code": 299, "message": ""}
    assert changed(recording, response) == recording
    response["body"]["string"] = "z"
    response["headers"] = {"B": "3"}
    assert changed(recording, response).body.read() == b"z"
    assert changed(recording, response).head == ResponseHead(299, (("b", "3"),))
