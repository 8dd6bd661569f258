"""As much of a body as a page can show."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..._printable import printable

TEXT = 64 << 10
"""Bytes of a text that are shown."""
BYTES = 1 << 10
"""Bytes of what is no text that are shown."""
_A_LINE = 16


def excerpt(pieces: Iterable[bytes], size: int) -> dict[str, Any]:
    """The beginning of a body: `text`, or lines of `hex`; `formatted` where all of it is JSON.

    Args:
        pieces: of the body, of which no more are asked for than are shown.
        size: of all of it, in bytes.
    """
    data = bytearray()
    for piece in pieces:
        data += piece[: TEXT - len(data)]
        if len(data) >= TEXT:
            break
    start = bytes(data)
    told: dict[str, Any] = {"size": size}
    text = _text(start, size > len(start))
    if text is None:
        shown = start[:BYTES]
        return told | {"hex": [_line(shown, at) for at in range(0, len(shown), _A_LINE)], "shown": len(shown)}
    if size <= len(start):
        formatted = _formatted(start)
        if formatted:
            told["formatted"] = printable(formatted, lines=True)
    return told | {"text": printable(text, lines=True), "shown": len(start)}


def text_excerpt(text: str, limit: int = TEXT) -> tuple[str, int]:
    """The beginning of a text as it is shown, and how many characters of it are left out."""
    return printable(text[:limit], lines=True), max(0, len(text) - limit)


def _text(data: bytes, is_cut: bool) -> str | None:
    for end in range(len(data), max(-1, len(data) - 4 * is_cut - 1), -1):  # a character may be cut
        try:
            text = data[:end].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _formatted(data: bytes) -> str:
    try:
        value = json.loads(data)
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, (dict, list)) else ""
    except (ValueError, RecursionError):
        return ""


def _line(data: bytes, at: int) -> list[str]:
    """Where it stands, its bytes, and what of them is ASCII."""
    part = data[at : at + _A_LINE]
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
    return [f"{at:08x}", part.hex(" "), shown]
