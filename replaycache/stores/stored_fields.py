"""The fields of a recording as they are read from where it was stored: anybody may have written there. Pure.

What passes here replays under every client library, can be shown, and can be stored again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .._models import Headers
from ..wire import url as _url
from ..wire.content_encoding import is_known
from ..wire.patterns import lazy_pattern

LONGEST = 2.8e8
"""Seconds: no answer takes nine years, and a sleep of a few centuries overflows."""

_NUMBERS = frozenset((int, float))  # `isinstance` would take a truth value for one

_END_OF_TIME = 253_402_300_799.0
"""Seconds from 1970 to the last one of the year 9999; some systems have no date before 1970."""

_ENCODING = "content-encoding"

_name = lazy_pattern(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_method = lazy_pattern(r"[!#$%&'*+.^_`|~0-9A-Z-]+")


def header_lines(pairs: Iterable[Sequence[str]], *, answered: bool) -> Headers:
    """Header lines from pairs of a name and a value.

    Args:
        answered: whether they are a response's; its body stands with a content-encoding undone that is known.

    Raises:
        ValueError, TypeError: they are no pairs of texts, or cannot be header lines.
    """
    names, values = "", ""
    lines = []
    for name, value in pairs:
        # adding them up checks that they are texts, too: every hit comes through here
        names += name
        values += value
        lines.append((name, value))
    if names != names.lower():
        raise ValueError("a header's name is not in lower case")
    if answered and _ENCODING in names and any(name == _ENCODING and is_known(value) for name, value in lines):
        # a client would undo it once more
        raise ValueError("the response has a header content-encoding, and its body stands with that undone")
    text = names + values
    if not text.isascii() and max(text) > "\xff":
        raise ValueError("a header holds a character that HTTP has none for")
    if "\n" in text or "\r" in text or "\0" in text:
        raise ValueError("a header holds a line end or a NUL")
    return tuple(lines)


class WrongField(ValueError):
    """A field of another type, or out of range.

    Attributes:
        field: its name.
        what: is wrong, behind its name: "is 5, which is no …".
    """

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field} {what}")
        self.field = field
        self.what = what


def unknown_names(names: Any, headers: Headers) -> tuple[str, ...]:
    """What is unknown of a request: names of headers, or `url`; see `Request.unknown`.

    Raises:
        WrongField: it is no list of names in lower case, or has one of a header that is known.
    """
    if type(names) is not list or not all(type(name) is str and _name().fullmatch(name) for name in names):
        raise WrongField("unknown", "is no list of names in lower case")
    known = {name for name, _ in headers}.intersection(names)
    if known:
        raise WrongField("unknown", f"names the header {_short(min(known))}, which is given")
    return tuple(sorted(set(names)))


def check_fields(status: Any, recorded_at: Any, latency: Any, complete: Any, verdict: Any, sample: Any) -> None:
    """Checks what stands beside the headers and the body.

    Raises:
        WrongField: one of them is of another type, or out of range.
    """
    if type(status) is not int or not 100 <= status <= 999:
        raise WrongField("status", f"is {_short(status)}, which is no number of three digits")
    if type(recorded_at) not in _NUMBERS or not 0 <= recorded_at <= _END_OF_TIME:
        raise WrongField("recorded_at", f"is {_short(recorded_at)}, which is no moment between 1970 and 9999")
    if type(latency) not in _NUMBERS or not 0 <= latency < LONGEST:
        check_seconds("latency", latency)
    if type(complete) is not bool:
        raise WrongField("complete", f"is {_short(complete)}, which is neither true nor false")
    if verdict not in ("whole", "unfinished", "failed"):
        raise WrongField("verdict", f"is {_short(verdict)}, and not whole, unfinished or failed")
    if type(sample) is not int or sample < 0:
        raise WrongField("sample", f"is {_short(sample)}, which is no integer from 0 on")


def check_seconds(name: str, value: Any) -> None:
    """Checks a duration.

    Raises:
        WrongField: it is no number, negative, or not less than `LONGEST`.
    """
    if type(value) not in _NUMBERS or not 0 <= value < LONGEST:
        raise WrongField(name, f"is {_short(value)}, which is no number of seconds")


def check_request(method: Any, url: Any) -> None:
    """Checks what a request was, and to where.

    Raises:
        WrongField: one of them is of another type, or cannot have been sent.
    """
    if type(method) is not str or not _method().fullmatch(method):
        raise WrongField("method", f"is {_short(method)}, which is none; one is in upper case")
    wrong = _url.fault(url) if type(url) is str else "it is no text"
    if wrong:
        # not shown: whoever edited it may have left a credential in it
        raise WrongField("url", f"is none: {wrong}")


def _short(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
