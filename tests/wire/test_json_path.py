"""Paths into a JSON body, as `Match(ignore=...)` and `Redact(body=...)` take them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from replaycache import ConfigurationError, Match, Redact, Request
from replaycache.wire.json_path import OfKind, parse, remove


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("metadata.run_id", ("metadata", "run_id")),
        ("messages[*].name", ("messages", None, "name")),
        ("tools[0]", ("tools", 0)),
        ("tools[-1].type", ("tools", -1, "type")),
        ("[0].a", (0, "a")),
        ("[*]", (None,)),
        ("*", (None,)),
        ("a.*.b", ("a", None, "b")),
        ("a[0][1]", ("a", 0, 1)),
        ('metadata["a.b"]', ("metadata", "a.b")),
        ("metadata['a\"b'].c", ("metadata", 'a"b', "c")),
        ('["a b"]', ("a b",)),
        ('[""]', ("",)),
        ('["*"]', ("*",)),
        ('["0"]', ("0",)),
        ("run-id", ("run-id",)),
        ("é.ü", ("é", "ü")),
        ("$defs", ("$defs",)),
        ("0", ("0",)),
        ("tools[type=mcp].headers.*", ("tools", OfKind("type", "mcp"), "headers", None)),
    ],
)
def test_path(text: str, steps: tuple[str | int | None, ...]) -> None:
    assert parse(text).steps == steps
    assert parse(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "a[",
        "a]",
        "a[]",
        "a[x]",
        "a[1",
        "a[1.5]",
        "a[--1]",
        "a['b]",
        "a[\"b']",
        "a.[0",
    ],
)
def test_what_is_no_path_is_refused(text: str) -> None:
    """With the text as given, and how paths are written."""
    for rule in (lambda: Match(ignore=[text]), lambda: Redact(body=[text])):
        with pytest.raises(ConfigurationError) as caught:
            rule()

        assert repr(text) in str(caught.value)
    assert "messages[*].name" in str(caught.value)


@pytest.mark.parametrize("text", ["user*", "*name", "a**", "user*id"])
def test_a_star_is_a_whole_step(text: str) -> None:
    """`user*` would else mean `user.*` without a word, where a prefix was meant."""
    with pytest.raises(ConfigurationError):
        Match(ignore=[text])


BODY: dict[str, Any] = {
    "a": {"b": 1, "c": [1, 2, 3], "0": "zero"},
    "m": [{"n": 1, "o": 2}, {"o": 3}, "text", [4, 5]],
    "x.y": 1,
    "*": 2,
    "": 3,
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", {"a": {"c": [1, 2, 3], "0": "zero"}}),
        ("a", {"a": ...}),
        ("a.c", {"a": {"b": 1, "0": "zero"}}),
        ("a.c[0]", {"a": {"b": 1, "c": [None, 2, 3], "0": "zero"}}),
        ("a.c[-1]", {"a": {"b": 1, "c": [1, 2, None], "0": "zero"}}),
        ("a.c[*]", {"a": {"b": 1, "c": [None, None, None], "0": "zero"}}),
        ("a.*", {"a": {}}),
        ("a.0", {"a": {"b": 1, "c": [1, 2, 3]}}),
        ("m[*].n", {"m": [{"o": 2}, {"o": 3}, "text", [4, 5]]}),
        ("m.*.o", {"m": [{"n": 1}, {}, "text", [4, 5]]}),
        ("m[0]", {"m": [None, {"o": 3}, "text", [4, 5]]}),
        ("m[3][0]", {"m": [{"n": 1, "o": 2}, {"o": 3}, "text", [None, 5]]}),
        ("m[-1][1]", {"m": [{"n": 1, "o": 2}, {"o": 3}, "text", [4, None]]}),
        ("*.b", {"a": {"c": [1, 2, 3], "0": "zero"}}),
        ('["x.y"]', {"x.y": ...}),
        ('["*"]', {"*": ...}),
        ('[""]', {"": ...}),
    ],
)
def test_remove(path: str, expected: dict[str, Any]) -> None:
    """`...` in a row: the member is gone; what a row does not name is as before."""
    body = copy.deepcopy(BODY)

    assert remove(body, parse(path)) is True
    assert body == {name: value for name, value in {**BODY, **expected}.items() if value is not ...}


@pytest.mark.parametrize(
    "path",
    ["z", "a.z", "a.b.c", "a[0]", "a.c.b", "a.c[3]", "a.c[-4]", "x.y", "m[*].z", "m[2].n", "m.n", "m[9].n", "b"],
)
def test_what_is_not_there_is_left(path: str) -> None:
    body = copy.deepcopy(BODY)

    assert remove(body, parse(path)) is False
    assert body == BODY


@pytest.mark.parametrize("value", [None, True, 1, "text", [], {}, [1], [[]]])
def test_any_value_can_be_searched(value: Any) -> None:
    assert remove(value, parse("a.b")) is False


def test_everything_can_be_ignored() -> None:
    body = copy.deepcopy(BODY)

    assert remove(body, parse("*"))
    assert body == {}


def test_paths_are_taken_one_after_the_other() -> None:
    match = Match(ignore=["a.b", "a", "m[*]"])
    one, other = (
        Request("POST", "https://llm.example/x", (("content-type", "application/json"),), body)
        for body in (b'{"a":{"b":1},"m":[1,2]}', b'{"a":[],"m":["x","y"]}')
    )

    assert match.key(one) == match.key(other)
