"""Text of others, made safe to be shown.

Whatever comes from a store, a file, a server or a request may be meant for the terminal that shows it. All text
for people goes through here: errors, warnings and `repr`s where they are made, the rest where it is written.
"""

from __future__ import annotations

import re
from functools import cache

_OBEYED = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1: cursor, colours, titles, the clipboard
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reorder what stands around them
    "\u2028\u2029"  # line ends that are none
    "\ufff9-\ufffb\U000e0000-\U000e007f"  # annotations and tags, which are not shown at all
    "\ud800-\udfff"  # halves of characters, which no encoding can write
)


@cache
def _control() -> re.Pattern[str]:
    return re.compile(f"[{_OBEYED}]")


@cache
def _control_or_line() -> re.Pattern[str]:
    return re.compile(f"[{_OBEYED}\t\n]")


@cache
def _space() -> re.Pattern[str]:
    return re.compile(r"[ \t\r\n\f\v\u2028\u2029]+")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Text that a terminal shows and does not obey: control characters stand as `\x1b`, `\u202e`, ….

    What is printable already stays as it is.

    Args:
        text: of anyone.
        lines: whether line feeds and tabs stay as they are (CR LF becomes LF); otherwise it is one line.
    """
    if text.isascii() and text.isprintable():  # most are, and to compile the patterns takes a millisecond
        return text
    if lines:
        return _control().sub(_escape, text.replace("\r\n", "\n"))
    return _control_or_line().sub(_escape, text)


def one_line(text: str, limit: int = 500) -> str:
    """The beginning of a text as one printable line: white space is one space, and nothing is at the ends.

    Args:
        text: of anyone, of any length.
        limit: characters that are looked at; a longer text ends in `…`.
    """
    cut = text[: limit + 1]
    line = _space().sub(" ", cut[:limit]).strip()
    return printable(line + "…" if len(cut) > limit else line)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return {9: r"\t", 10: r"\n", 13: r"\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
