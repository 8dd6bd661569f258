"""Text of others is shown, and commands no terminal: whatever error, warning, log or `repr` it stands in."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replaycache
from replaycache import _errors
from replaycache._errors import CacheMiss, CassetteError, ReplayCacheWarning
from replaycache._models import Body, Chunk, Outcome, Recording, Request, ResponseHead
from replaycache._printable import one_line, printable
from replaycache.engine.drift import compare
from replaycache.httpx import ReplayTransport
from replaycache.stores import CassetteStore, DiskStore, MemoryStore

EVIL = "\x1b]52;c;b3duZWQ=\x07\x1b[2J\x9b31m\u202e\r\x00\u2028"
IN_A_URL = "\x9b31m\u202e\x85\u2029"
URL = f"https://api.openai.com/v1/chat/{IN_A_URL}/completions"
REORDERS = {"R", "AL", "AN", "RLE", "RLO", "LRE", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}


def is_obeyed(character: str) -> bool:
    """Whether a terminal does something else than show it, as the Unicode Character Database has it."""
    category = unicodedata.category(character)
    return category in ("Cc", "Zl", "Zp", "Cs") or (
        category == "Cf" and unicodedata.bidirectional(character) in REORDERS | {"L", "R", "AL"}
    )


def obeyed(text: str, keeps: str = "\n\t") -> str:
    return "".join(one for one in text if is_obeyed(one) and one not in keeps)


@given(st.text(st.characters(codec=None) | st.sampled_from(EVIL + "\n\t"), max_size=40))
def test_what_is_printable_is_obeyed_by_no_terminal(text: str) -> None:
    assert obeyed(printable(text), "") == obeyed(one_line(text), "") == ""
    assert obeyed(printable(text, lines=True)) == ""
    assert printable(printable(text)) == printable(text)
    assert printable(text, lines=True).count("\n") == text.count("\n")


def test_text_in_any_script_stays_as_it_is() -> None:
    text = "naïve 日本語 עברית العربية 😀👩‍👩‍👧 e\u0301"

    assert printable(text) == text


ERRORS = [
    one
    for one in vars(_errors).values()
    if isinstance(one, type) and one.__module__.startswith("replaycache") and one is not CacheMiss
]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_says_it_in_printable_text(kind: Callable[[str], BaseException]) -> None:
    text = str(kind(f"a{EVIL}\nb"))

    assert obeyed(text) == ""
    assert text.splitlines() == [text.partition("\n")[0], "b"]


def test_a_warning_says_it_in_printable_text() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(f"a{EVIL}", ReplayCacheWarning, stacklevel=1)

    assert obeyed(str(caught[0].message)) == ""


def recording(asked: str = EVIL, url: str = URL, answer: bytes = b"{}") -> Recording:
    return Recording(
        request=Request("POST", url, (), asked.encode()),
        head=ResponseHead(200, (("content-type", "application/json"),)),
        body=Body.of([Chunk(answer, 0.0)]),
        digest="",
        recorded_at=1.0,
    )


def test_reprs_are_one_printable_line(tmp_path: Path) -> None:
    directory = tmp_path / "a\x1b[2J\n\u202e"
    shown = [
        recording(),
        recording().request,
        Outcome("live", "key", f"store{EVIL}\n", reason=f"why{EVIL}\n"),
        DiskStore(directory),
        CassetteStore(directory / "a.json"),
    ]

    for one in shown:
        assert obeyed(repr(one), "") == ""


def asked_of(store: Any, body: str, **options: Any) -> CacheMiss:
    with (
        pytest.raises(CacheMiss) as raised,
        httpx.Client(transport=ReplayTransport(store=store, mode="replay", **options)) as client,
    ):
        client.post("https://api.openai.com/v1/chat/completions", content=body)
    return raised.value


def test_a_miss_shows_what_differs_and_forges_no_line(tmp_path: Path) -> None:
    name = "m\x9b\u202e\n  next     pay"
    evil, other = (
        json.dumps({"model": name, "messages": [], f"\x7f\x85{name}": number}, ensure_ascii=False)
        for number in (1, 2)
    )
    cassette = CassetteStore(tmp_path / "a.json")
    cassette.append(recording(evil, "https://api.openai.com/v1/chat/completions"))

    text = str(asked_of(cassette, other))

    assert obeyed(text) == ""
    assert "recorded 1 / asked 2" in text
    assert [line.split()[0] for line in text.splitlines()].count("next") == 1


def test_the_log_forges_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "replaycache")
    inner = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
    with httpx.Client(transport=ReplayTransport(inner, store=MemoryStore())) as client:
        client.post("https://api.openai.com/v1/chat/completions", json={"model": EVIL, "messages": []})

    assert obeyed("".join(record.getMessage() for record in caplog.records), "") == ""


def test_drift_is_told_on_one_printable_line() -> None:
    one = recording(answer=b'{"a\\u001b[2J\\n": 1, "b": 1}')
    other = recording(answer=b'{"c\\u202e\\n": 1, "b\\u009b": 2}')

    drift = str(compare(one, other))

    assert "is gone" in drift
    assert obeyed(drift, "") == ""


def test_a_file_that_is_named_so_is_named_in_printable_text(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\n\u202e.json"
    path.write_bytes(b'{"format": "replaycache/1", "recordings": [{"\\u001b[2J\\n": 1}]}')
    with pytest.raises(CassetteError) as raised:
        CassetteStore(path).all()
    assert obeyed(str(raised.value), "") == ""

    other = path.with_suffix(".yaml")
    other.write_bytes(b"\x1b")
    with pytest.raises(CassetteError) as raised:
        replaycache.foreign.read(other)
    assert obeyed(str(raised.value), "") == ""
    assert re.search(r"x1b\[2J.*n.*u202e", str(raised.value))
