from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache import (
    Body,
    Chunk,
    CorruptRecording,
    Match,
    Options,
    Outcome,
    Recording,
    Redact,
    Request,
    ResponseHead,
)
from replaycache._models import Segment

from .stores.samples import recording
from .stores.strategies import chunks, recordings

URL = "https://api.example.com/v1/chat/completions"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"method": "post"}, "upper case"),
        ({"method": "Post"}, "upper case"),
        ({"method": ""}, "upper case"),
        ({"url": "/v1/chat"}, "absolute"),
        ({"url": ""}, "absolute"),
        ({"headers": (("Accept", "x"),)}, "lower case"),
        ({"body": "text"}, "bytes"),
        ({"body": bytearray(b"x")}, "bytes"),
        ({"body": None}, "bytes"),
    ],
)
def test_a_wrong_request_cannot_exist(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Request(**{"method": "POST", "url": URL, **wrong})


@pytest.mark.parametrize("status", [99, 0, -200, 1000])
def test_a_wrong_status_cannot_exist(status: int) -> None:
    with pytest.raises(ValueError, match="three digits"):
        ResponseHead(status)


@pytest.mark.parametrize("status", [100, 200, 529, 999])
def test_every_status_of_three_digits_can(status: int) -> None:
    assert ResponseHead(status).status == status


@pytest.mark.parametrize("value", [Request("GET", URL), ResponseHead(200)], ids=["request", "head"])
def test_values_are_frozen_and_equal_by_content(value: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.headers = ()
    with pytest.raises(dataclasses.FrozenInstanceError):
        del value.headers
    assert value == dataclasses.replace(value)
    assert hash(value) == hash(dataclasses.replace(value))
    assert value != dataclasses.replace(value, headers=(("a", "b"),))
    assert value == dataclasses.replace(value, left_out=("a",))


@pytest.mark.parametrize(
    "value",
    [
        Request("GET", URL, body=b"a"),
        ResponseHead(200, left_out=("a",)),
        Redact(body=["a"]),
        Match(ignore=["a"], hosts={"a": "b"}),
        Options(mode="replay", pace=1),
        Outcome("hit", "key"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_values_can_be_copied_and_pickled(value: Any, copied: Callable[[Any], Any]) -> None:
    assert copied(value) == value
    assert repr(copied(value)) == repr(value)
    assert dataclasses.is_dataclass(value)


def test_a_value_equals_none_of_another_class() -> None:
    class Other(ResponseHead):
        pass

    assert ResponseHead(200) != Other(200)
    assert ResponseHead(200) != (200, (), ())


def test_a_value_shows_its_fields() -> None:
    assert repr(ResponseHead(200)) == "ResponseHead(status=200, headers=(), left_out=())"
    assert repr(Match(hosts={"a": "b"})) == (
        "Match(ignore=(), scrub=(), normalize=None, hosts={'a': 'b'}, headers=(), fold_defaults=True, "
        "cacheable=None, scope='')"
    )


def test_rules_hold_whatever_becomes_of_what_they_were_made_of() -> None:
    hosts = {"a": "b"}
    match = Match(hosts=hosts)

    hosts["c"] = "d"

    assert match == Match(hosts={"a": "b"})


@pytest.mark.parametrize(
    ("name", "found"),
    [("accept", "a, b"), ("Accept", "a, b"), ("ACCEPT", "a, b"), ("x-empty", ""), ("cookie", None), ("", None)],
)
def test_a_header_is_found_by_any_spelling(name: str, found: str | None) -> None:
    headers = (("accept", "a"), ("x-empty", ""), ("accept", "b"))

    assert Request("GET", URL, headers).header(name) == found
    assert ResponseHead(200, headers).header(name) == found


def test_headers_are_made_once_for_a_library_and_travel_with_no_copy() -> None:
    head = ResponseHead(200, (("x-name", "caf\xe9"), ("x-name", "b")))

    made = head.headers_as(dict)

    assert made == {b"x-name": b"b", b"x-replaycache": b"hit"}
    assert head.headers_as(dict) is made
    assert head.headers_as(list) == [(b"x-name", b"caf\xe9"), (b"x-name", b"b"), (b"x-replaycache", b"hit")]
    for copied in (pickle.loads(pickle.dumps(head)), copy.copy(head), copy.deepcopy(head)):
        assert copied == head
        assert vars(copied) == {"status": 200, "headers": head.headers, "left_out": ()}


def test_json_of_a_body() -> None:
    assert Request("POST", URL, body=b'{"a":[1,"\xc3\xa4"]}').json() == {"a": [1, "ä"]}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"a=1"])
def test_a_body_that_is_no_json_is_a_valueerror(body: bytes) -> None:
    with pytest.raises(ValueError):
        Request("POST", URL, body=body).json()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(value=json_values)
def test_with_json_changes_the_body_alone(value: Any) -> None:
    before = Request("POST", URL, (("accept", "x"),), b"old")
    after = before.with_json(value)

    assert after.json() == value
    assert (after.method, after.url, after.headers) == (before.method, before.url, before.headers)
    assert before.body == b"old"


@pytest.mark.parametrize("body", [b'{"a":"\\ud83d"}', b'{"\\udc00":1}', b'{"a":NaN}', b'{"a":1e400}'])
def test_with_json_takes_whatever_json_gives(body: bytes) -> None:
    """`Match(normalize=...)` reads a body and gives it back; half an emoji in a prompt must not break the call."""
    request = Request("POST", URL, body=body)

    assert repr(request.with_json(request.json()).json()) == repr(json.loads(body))


# Bodies


@given(parts=st.lists(st.lists(chunks, max_size=6), max_size=5))
def test_a_body_is_its_chunks_whatever_their_segments(parts: list[list[Chunk]]) -> None:
    flat = [chunk for part in parts for chunk in part]
    body = Body([segment for part in parts for segment in Body.of(part).segments])

    assert list(body) == list(body) == flat
    assert body == Body.of(flat)
    assert body.read() == b"".join(chunk.data for chunk in flat)
    assert body.size == len(body.read())
    assert f"{len(flat)} chunks, {body.size} bytes" in repr(body)


def test_an_empty_body() -> None:
    body = Body()

    assert (list(body), body.read(), body.size) == ([], b"", 0)
    assert body == Body.of([])
    assert body != Body.of([Chunk(b"", 0)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([Chunk(b"ab", 0)], [Chunk(b"a", 0), Chunk(b"b", 0)]),
        ([Chunk(b"a", 0)], [Chunk(b"a", 0.5)]),
        ([Chunk(b"a", 0)], [Chunk(b"b", 0)]),
        ([Chunk(b"a", 0)], [Chunk(b"a", 0), Chunk(b"", 0)]),
    ],
)
def test_bodies_differ_by_boundaries_and_moments_too(one: list[Chunk], other: list[Chunk]) -> None:
    assert Body.of(one) != Body.of(other)
    assert Body.of(one) != one


def test_moments_are_kept_to_the_microsecond_and_never_negative() -> None:
    body = Body.of([Chunk(b"a", 0.0000014), Chunk(b"b", -3), Chunk(b"c", 1e6)])

    assert [chunk.offset for chunk in body] == [0.000001, 0, 1e6]


def test_a_segment_lies_within_its_buffer() -> None:
    segment = Segment(b"..abcdef..", 2, [1, 0, 3], [0, 1, 2])

    assert list(segment) == [b"a", b"", b"bcd"]
    assert segment.data == b"abcd"


def test_a_body_may_be_read_twice_at_once() -> None:
    body = Body.of([Chunk(bytes([number]), 0) for number in range(9)])
    first, second = iter(body), iter(body)
    next(first)

    assert next(second).data == b"\x00"
    assert next(first).data == b"\x01"


# Recordings


@given(made=recordings)
def test_recordings_are_equal_by_content(made: Recording) -> None:
    parts = {
        name: getattr(made, name) for name in ("head", "body", "digest", "recorded_at", "latency", "complete")
    }

    assert made == Recording(request=made.request, **parts)
    assert made == Recording(request=lambda: made.request, **parts)
    assert made != Recording(request=made.request, **{**parts, "complete": not made.complete})
    assert made != Recording(request=made.request, **{**parts, "digest": made.digest + "0"})
    assert made != Recording(request=dataclasses.replace(made.request, method="OTHER"), **parts)
    assert made != "a recording"


def test_a_request_is_made_once_when_it_is_asked_for() -> None:
    made = []

    def request() -> Request:
        made.append(Request("GET", URL))
        return made[-1]

    lazy = Recording(request=request, head=ResponseHead(200), body=Body(), digest="", recorded_at=0)
    assert made == []
    assert lazy.request is lazy.request is made[0]

    assert len(made) == 1


def test_a_damaged_request_raises_whenever_it_is_asked_for() -> None:
    def request() -> Request:
        raise CorruptRecording("damaged")

    lazy = Recording(request=request, head=ResponseHead(200), body=Body(), digest="", recorded_at=0)
    for _ in range(2):
        with pytest.raises(CorruptRecording):
            _ = lazy.request


def test_repr_tells_what_it_is_and_no_content() -> None:
    text = repr(recording(b"SECRET answer", asked="SECRET question"))

    assert text.startswith("<Recording POST https://api.example.com/v1/chat/completions 200 <Body of 2 chunks")
    assert "SECRET" not in text


@pytest.mark.parametrize("value", [Body(), recording()], ids=["body", "recording"])
def test_what_may_be_in_a_file_has_no_hash(value: Any) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(value)


def test_an_outcome_says_nothing_it_does_not_know() -> None:
    assert Outcome("live") == Outcome("live", key="", store="", recorded_at=None, age=None, reason="")
