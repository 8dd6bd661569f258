"""The session in README is what a new user has."""

from __future__ import annotations

from pathlib import Path

from tests.cli.terminal import COLUMNS
from tests.cli.transcript import SESSION, comparable, in_readme, record


def test_the_session_in_readme_is_what_happens(tmp_path: Path) -> None:
    """Where it is not, `python -m tests.cli.transcript` writes it anew."""
    assert comparable(record(tmp_path)) == comparable(in_readme())


def test_it_fits_a_terminal() -> None:
    text = in_readme()

    assert [line for line in text.splitlines() if line.startswith("$ ")] == [
        f"$ replaycache {it}" for it in SESSION
    ]
    assert max(map(len, text.splitlines())) <= COLUMNS
    assert "\x1b" not in text
