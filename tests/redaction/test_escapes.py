"""Texts with their escapes undone: what they say, and where it stands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replaycache.redaction.credentials import find
from replaycache.redaction.credentials.escapes import LEVELS, views_of
from tests.redaction.planted import TOKENS

ESCAPES = ["\\", "\\n", '\\"', "\\u00e9", "\\ud83d\\ude00", "\\ud800", "\\x41", "\\u12"]
PIECES = st.sampled_from([*ESCAPES, "a", "é", "\n", '"', "/", "😀"])
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


@given(st.text(max_size=40), st.integers(0, 5), st.booleans())
def test_json_in_json_is_read(text: str, times: int, ascii_only: bool) -> None:
    written = text
    for _ in range(times):
        written = json.dumps(written, ensure_ascii=ascii_only)[1:-1]

    assert text in [view.text for view in views_of(written)]


@given(TEXTS)
def test_every_character_has_its_place(text: str) -> None:
    for view in views_of(text):
        places = [view.place(at) for at in range(len(view.text) + 1)]

        assert places[0] == 0
        assert places[-1] == len(text)
        assert places == sorted(set(places))
        for at, char in enumerate(view.text):
            written = text[places[at] : places[at + 1]]
            assert written == char or written.startswith("\\")


@given(TEXTS, TEXTS)
def test_what_is_around_does_not_matter(before: str, behind: str) -> None:
    value = next(value for kind, value in TOKENS if kind == "groq-key")
    text = f"{before} {value} {behind}"

    assert [(one.name, one.value) for one in find(text)] == [("groq-key", value)]


@pytest.mark.parametrize("size", [0, 1, 100, 2**LEVELS, 2**12])
def test_levels_are_bounded(size: int) -> None:
    views = views_of("\\" * size)

    assert len(views) <= LEVELS + 1
    assert [view.depth for view in views] == list(range(len(views)))
    assert len(views_of("no escape at all")) == 1
    assert len(views_of("C:\\Program Files\\App")) == 1
