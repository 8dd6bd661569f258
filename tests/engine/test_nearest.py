"""The recording that comes nearest to a missed request, and where the two differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from replaycache import Body, Recording, Request, ResponseHead
from replaycache.engine.nearest import BYTES, DIFFERENCES, differences, find_nearest
from replaycache.wire.json_path import parse

URL = "https://api.openai.com/v1/chat/completions"


def post(value: Any, url: str = URL, **headers: str) -> Request:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    lines = (
        ("content-type", "application/json"),
        *((name.replace("_", "-"), text) for name, text in headers.items()),
    )
    return Request("POST", url, lines, body)


def recording(request: Request) -> Recording:
    return Recording(request=request, head=ResponseHead(200), body=Body(), digest="", recorded_at=0.0)


def messages(*contents: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content} for content in contents]}


SHOWN = [
    pytest.param(post({"a": 1}), post({"a": 1}), [], id="equal"),
    pytest.param(post({"a": 1}), post({"a": 2}), ["a: recorded 1 / asked 2"], id="number"),
    pytest.param(post({"a": "x"}), post({"a": "é"}), ['a: recorded "x" / asked "é"'], id="text"),
    pytest.param(post({"a": 1}), post({"a": True}), ["a: recorded 1 / asked true"], id="one-and-true"),
    pytest.param(post({"a": 0}), post({"a": False}), ["a: recorded 0 / asked false"], id="zero-and-false"),
    pytest.param(post({"a": None}), post({"a": "null"}), ['a: recorded null / asked "null"'], id="null"),
    pytest.param(post({}), post({"a": None}), ["a: recorded nothing / asked null"], id="added"),
    pytest.param(post({"a": [1]}), post({}), ["a: recorded [1] / asked nothing"], id="removed"),
    pytest.param(
        post(messages("one", "two")),
        post(messages("one", "three")),
        ['messages[1].content: recorded "two" / asked "three"'],
        id="message",
    ),
    pytest.param(
        post(messages("one")),
        post(messages("one", "two")),
        ['messages[1]: recorded nothing / asked {"role":"user","content":"two"}'],
        id="message-added",
    ),
    pytest.param(post([1, [2, 3]]), post([1, [2, 4]]), ["[1][1]: recorded 3 / asked 4"], id="arrays"),
    pytest.param(post({"a": {"b": {}}}), post({"a": {"b": []}}), ["a.b: recorded {} / asked []"], id="kinds"),
    pytest.param(post({"a": {"b": 1, "c": 2}}), post({"a": {"c": 2, "b": 1}}), [], id="order-of-members"),
    pytest.param(post(1), post(2), ["body: recorded 1 / asked 2"], id="whole-body"),
    pytest.param(post(b"x"), post(b"y"), ['body: recorded "x" / asked "y"'], id="text-body"),
    pytest.param(post(b"\xff"), post(b""), ['body: recorded "\\\\xff" / asked ""'], id="bytes"),
    pytest.param(
        Request("GET", URL),
        Request("DELETE", URL),
        ['method: recorded "GET" / asked "DELETE"'],
        id="method",
    ),
    pytest.param(post({}, URL + "?a=1"), post({}, URL), [f'url: recorded "{URL}?a=1" / asked "{URL}"'], id="url"),
    pytest.param(
        post({}, openai_beta="a"), post({}), ['header openai-beta: recorded "a" / asked null'], id="header"
    ),
    pytest.param(post({}, accept="a"), post({}, accept="b"), [], id="header-that-does-not-count"),
    pytest.param(
        post({"a": 18446744073709551617}),
        post({"a": 18446744073709551618}),
        ["a: recorded 18446744073709551617 / asked 18446744073709551618"],
        id="big-integers",
    ),
    pytest.param(post(b'{"a":1.0}'), post(b'{"a":1}'), [], id="spelling-of-a-number"),
    pytest.param(
        post({"a": "x" * 80}),
        post({"a": "y"}),
        ['a: recorded "' + "x" * 69 + '… / asked "y"'],
        id="long-text",
    ),
]


@pytest.mark.parametrize(("recorded", "asked", "shown"), SHOWN)
def test_differences(recorded: Request, asked: Request, shown: list[str]) -> None:
    assert [str(difference) for difference in differences(recorded, asked)] == shown


def test_long_texts_that_differ_late_look_different() -> None:
    """A long prompt with another last word: the two sides of the line show where they part."""
    prompt = "You are a helpful assistant. " * 40
    (difference,) = differences(post(messages(f"{prompt}Monday")), post(messages(f"{prompt}Tuesday")))
    recorded, _, asked = str(difference).removeprefix("messages[0].content: recorded ").partition(" / asked ")

    assert "Monday" in recorded
    assert "Tuesday" in asked
    assert len(str(difference)) < 400


def test_a_path_can_be_given_to_ignore() -> None:
    """Names that hold a dot or a bracket are written as `Match(ignore=...)` reads them."""
    (difference,) = differences(post({"a.b": {"c": [1]}}), post({"a.b": {"c": [2]}}))

    assert parse(difference.path).steps == ("a.b", "c", 0)


def test_no_more_than_the_limit_are_gathered() -> None:
    one, other = post({str(n): 1 for n in range(200)}), post({str(n): 2 for n in range(200)})

    assert len(differences(one, other)) == DIFFERENCES
    assert [difference.path for difference in differences(one, other, limit=3)] == ["0", "1", "2"]


def test_nothing_recorded() -> None:
    assert find_nearest(post({}), []) == (None, [])


def test_the_recording_with_the_fewest_differences_is_the_nearest() -> None:
    far, near, middle = (
        recording(post(body)) for body in ({"a": 9, "b": 9, "c": 9}, {"a": 9, "b": 2, "c": 3}, {"a": 9})
    )

    nearest, places = find_nearest(post({"a": 1, "b": 2, "c": 3}), [far, near, middle])

    assert nearest is near
    assert [str(place) for place in places] == ["a: recorded 9 / asked 1"]


def test_of_two_that_are_as_near_the_newer_is_taken() -> None:
    newer, older = recording(post({"a": 1, "b": 1})), recording(post({"a": 2, "b": 2}))

    assert find_nearest(post({"a": 3, "b": 3}), [newer, older])[0] is newer


@pytest.mark.parametrize(
    "other",
    [
        post({"a": 1}, "https://api.openai.com/v1/responses"),
        Request("PUT", URL, (), b'{"a":1}'),
        post({str(n): 1 for n in range(DIFFERENCES + 1)}),
    ],
    ids=["other-path", "other-method", "too-different"],
)
def test_what_is_not_near(other: Request) -> None:
    assert find_nearest(post({"a": 2}), [recording(other)]) == (None, [])


def test_the_query_may_differ() -> None:
    near = recording(post({"a": 1}, f"{URL}?api-version=1"))

    nearest, places = find_nearest(post({"a": 1}, f"{URL}?api-version=2"), [near])

    assert nearest is near
    assert [place.path for place in places] == ["url"]


class Counting:
    """Recordings that say how many of them were looked at."""

    def __init__(self, bodies: Iterator[Any]) -> None:
        self.seen = 0
        self._bodies = bodies

    def __iter__(self) -> Iterator[Recording]:
        for body in self._bodies:
            self.seen += 1
            yield recording(post(body))


def test_one_difference_is_near_enough() -> None:
    recordings = Counting(iter([{"a": 1, "b": 9}, {"a": 1, "b": 2}]))

    nearest, places = find_nearest(post({"a": 1, "b": 3}), recordings)

    assert nearest is not None
    assert (len(places), recordings.seen) == (1, 1)


def test_the_search_is_bounded_in_bytes() -> None:
    """Large bodies: after some megabytes the best so far is the answer."""
    recordings = Counting({"a": n, "b": n, "c": "x" * (BYTES // 4)} for n in range(100))

    nearest, places = find_nearest(post({"a": -1, "b": -1, "c": ""}), recordings)

    assert nearest is not None
    assert len(places) == 3
    assert recordings.seen <= 5


@pytest.mark.parametrize(
    "body",
    [b"[" * 5000, b"[" * 1000 + b"1" + b"]" * 1000, b"\xff", b"", b'{"a":"\\ud800"}', b'{"a":1,"a":2}', b"NaN"],
)
def test_any_body_can_be_compared(body: bytes) -> None:
    """Deep, broken or empty: a diagnosis does not fail, and other recordings are still looked at."""
    near = recording(post({"a": 1}))

    assert find_nearest(post({"a": 2}), [recording(post(body)), near])[0] is not None
    for recordings in ([near], [recording(post(body))], [recording(post(body + b" ")), near]):
        for place in find_nearest(post(body), recordings)[1]:
            assert str(place)


def test_what_is_no_url_is_no_trouble() -> None:
    odd = recording(post({"a": 1}, "https://[odd"))

    assert find_nearest(post({"a": 1}), [odd]) == (None, [])
    assert find_nearest(post({"a": 2}, "https://[odd"), [odd])[0] is odd
