"""Lines that fit a terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import TextIO

__all__ = ["fitted"]


def fitted(text: str, stream: TextIO | None) -> str:
    """Lines of text, wrapped where they go to a terminal and are longer than it is wide."""
    if stream is None or not stream.isatty():
        return text
    width = max(20, shutil.get_terminal_size((80, 24)).columns)
    return "\n".join(_wrapped(line, width) for line in text.split("\n"))


def _wrapped(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
