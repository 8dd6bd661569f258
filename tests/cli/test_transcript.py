"""The session in docs/reference/command-line.md, and the picture of it, are what a new user has."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from tests.cli.terminal import COLUMNS
from tests.cli.transcript import PICTURE, SESSION, comparable, demonstration, in_page, record


@pytest.mark.exhaustive
def test_the_session_in_the_page_is_what_happens(tmp_path: Path) -> None:
    """Where it is not, `python -m tests.cli.transcript` writes it anew."""
    assert comparable(record(tmp_path)) == comparable(in_page())


def test_it_fits_a_terminal() -> None:
    text = in_page()

    assert [line for line in text.splitlines() if line.startswith("$ ")] == [
        f"$ replaycache {it}" for it in SESSION
    ]
    assert max(map(len, text.splitlines())) <= COLUMNS
    assert "\x1b" not in text


def test_the_picture_shows_it_and_loads_nothing() -> None:
    drawn = PICTURE.read_text("utf-8")
    shown = re.findall(r"<text class=\"demo-r\d+\"[^>]*>(.*?)</text>", drawn)

    told = [unescape(line).replace("\xa0", " ").rstrip() for line in shown]
    assert [line for line in told if line] == [line for line in demonstration(in_page()) if line]
    assert not re.search(r"url\((?!#)|@import|href|<image", drawn)
