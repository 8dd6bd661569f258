"""Patterns that take for ever are refused, wherever in them that begins; those that people write are not."""

from __future__ import annotations

import re

import pytest

from replaycache import ConfigurationError, Match
from replaycache.match.backtracking import text_that_takes_for_ever

FOR_EVER = [
    r"run: (\w+\s*)+!",
    r"id: (\w+-?)+ end",
    r"(?:run: (\w+\s*)+!)?x",
    r"https?://(?:[\w-]+\.?)+/x",
    r"((ab)*)*c",
    r"(foo|foobar|bar)*!",
    r"<!--(?:.|\n|\s)*-->",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(?=(a+)+b)a",
    r"(?>x(a|a)*b)",
    r"(a)?(?(1)b+|c+)*d",
    r"run: (a)?(?(1)b+|c+)*d",
    r"run: ([éà]+)+!",
]

AS_PEOPLE_WRITE_THEM = [
    r"(?i)session[-_ ]id:\s*\S+",
    r"(?m)^Date: .*$",
    r"(?s)<date>.*?</date>",
    r"^\s+|\s+$",
    r"[\w.+-]+@[\w-]+\.[\w.-]+",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"\$\d+(?:,\d{3})*(?:\.\d{2})?",
    r'"(?:[^"\\]|\\.)*"',
    r"\b(?:[A-Z][a-z]+ ){1,3}[A-Z][a-z]+\b",
    r"\b(\w+)\s+\1\b",
    r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    r"(?:\w+[-_])+\w+",
    r"^(?:[^:\n]+:[^\n]*\n)+",
    r"(?:\s*[-*]\s+.*\n?)+",
    r"Today is (?:\w+ ?)+",
    r"(a)?(?(1)b|c)*d",
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("pattern", FOR_EVER)
def test_what_takes_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="takes for ever on a text such as"):
        Match(scrub=[(pattern, "x")])


@pytest.mark.parametrize("pattern", AS_PEOPLE_WRITE_THEM)
def test_what_people_write_is_not(pattern: str) -> None:
    assert text_that_takes_for_ever(re.compile(pattern)) == ""
