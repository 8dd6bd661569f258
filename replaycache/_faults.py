"""Faults, as a user writes them: what is to go wrong with replayed answers.

    cut:after=5
    status:429,times=2,retry-after=1; cut:bytes=100,times=1

`KINDS` has a row for each kind. A kind may have a value, behind `:` or `=`, and parameters, with commas between
them; several faults stand with `;` between them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple, NoReturn

from ._errors import ConfigurationError, did_you_mean

KindName = Literal["refuse", "reset", "status", "delay", "cut", "stall", "resplit"]


class Fault(NamedTuple):
    """One fault.

    Attributes:
        kind: what goes wrong.
        text: all of it, in one spelling.
        status: that is answered.
        retry_after: seconds that this answer names; None where it names none.
        seconds: of a delay, or of a stall; None for one that does not end.
        size: of the chunks, in bytes, that the body is cut into.
        after: how many chunks come before it; None where `bytes` says it.
        bytes: how many bytes come before it; None where `after` says it.
        times: how many calls of a key it disturbs; None for all.
        every: it disturbs each so-many-th of them.
    """

    kind: KindName
    text: str
    status: int = 0
    retry_after: float | None = None
    seconds: float | None = None
    size: int = 0
    after: int | None = None
    bytes: int | None = None
    times: int | None = None
    every: int = 1

    @property
    def is_before_head(self) -> bool:
        """Whether no head comes."""
        return self.kind == "refuse" or (self.kind == "reset" and self.after is None and self.bytes is None)

    @property
    def ends(self) -> bool:
        """Whether nothing of the recording comes behind it, so that of several such ones the first is met."""
        return self.kind in ("refuse", "reset", "status", "cut") or (self.kind == "stall" and self.seconds is None)


class Kind(NamedTuple):
    """What may be said of a kind.

    Attributes:
        value: the field that the value behind its name is of; empty where it takes none.
        parameters: names of those that it takes, beside `times` and `every`.
        is_needed: whether the value has to be there.
    """

    value: str = ""
    parameters: tuple[str, ...] = ()
    is_needed: bool = False


KINDS: dict[KindName, Kind] = {
    "refuse": Kind(),
    "reset": Kind(parameters=("after", "bytes")),
    "status": Kind("status", ("retry-after",), is_needed=True),
    "delay": Kind("seconds", is_needed=True),
    "cut": Kind(parameters=("after", "bytes")),
    "stall": Kind(parameters=("after", "bytes", "for")),
    "resplit": Kind("size"),
}

_ALWAYS = ("times", "every")
_MOST = 10**9

_FIELDS = {"retry-after": "retry_after", "for": "seconds"}
"""Where the name of a parameter is not that of its field."""


@lru_cache(maxsize=256)
def parse_fault(text: str, where: str = "fault") -> tuple[Fault, ...]:
    """The faults that a text names; none for an empty one.

    Args:
        text: as above.
        where: it stands, for the message.

    Raises:
        ConfigurationError: there is no such kind or parameter, or a value is wrong.
    """
    told = f"{where}={text!r}"
    parts = [part.strip() for part in text.split(";")]
    if parts[-1] == "":
        parts.pop()
    return tuple(_fault(part, told) for part in parts)


def _fault(text: str, told: str) -> Fault:
    found = re.match(r"[^:=,]*", text)
    name = found[0].strip().lower() if found else ""
    kind = next((kind for kind in KINDS if kind == name), None)
    if kind is None:
        _unknown(told, "fault", name, KINDS)
    rest = text[found.end() :] if found else ""
    row = KINDS[kind]
    items = [item.strip().lower() for item in rest[1:].split(",")] if rest else []
    fields: dict[str, Any] = {}
    written: list[str] = []
    if items and rest[0] != "," and ("=" not in items[0] or rest[0] == "="):
        if not row.value:
            takes = ", ".join((*row.parameters, *_ALWAYS))
            _wrong(told, f"{kind} takes no value; it takes {takes}, such as {kind}:times=2")
        value = items.pop(0)
        fields[row.value] = _READ[row.value](value, f"{told}: {kind}")
        written.append(f"{rest[0]}{value}")
    elif items and rest[0] == ",":
        _wrong(told, f"behind {kind} comes ':', such as {kind}:times=2")
    if row.is_needed and row.value not in fields:
        _wrong(told, f"{kind} needs a value, such as {_EXAMPLES[kind]}")
    for item in items:
        name, equals, value = (part.strip() for part in item.partition("="))
        if name not in (*row.parameters, *_ALWAYS):
            _unknown(told, f"parameter of {kind}", name, (*row.parameters, *_ALWAYS))
        if not equals:
            _wrong(told, f"{name} needs a value, such as {name}=2")
        field = _FIELDS.get(name, name)
        if field in fields:
            _wrong(told, f"{kind} has {name} twice")
        fields[field] = _READ[field](value, f"{told}: {name}")
        written.append(f"{',' if written else ':'}{name}={value}")
    if "after" in fields and "bytes" in fields:
        _wrong(told, f"{kind} takes after or bytes, not both")
    if kind == "resplit":
        fields.setdefault("size", 1)
    elif kind in ("cut", "stall") and "bytes" not in fields:
        fields.setdefault("after", 0)
    return Fault(kind=kind, text=f"{kind}{''.join(written)}", **fields)


def _unknown(told: str, what: str, name: str, names: Iterable[str]) -> NoReturn:
    near = did_you_mean(name, names) or "."
    raise ConfigurationError(f"{told}: there is no {what} {name!r}{near} There are {', '.join(names)}")


def _wrong(told: str, what: str) -> NoReturn:
    raise ConfigurationError(f"{told}: {what}")


def _number(least: int, most: int, what: str) -> Callable[[str, str], int]:
    def read(text: str, told: str) -> int:
        if not re.fullmatch(r"[0-9]{1,10}", text) or not least <= int(text) <= most:
            _wrong(told, f"takes {what}, not {text!r}")
        return int(text)

    return read


_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _seconds(text: str, told: str) -> float:
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(ms|s|m|h)?", text)
    if not found:
        _wrong(told, f"takes a time such as 2s or 50ms, not {text!r}")
    return float(found[1]) * _UNITS[found[2] or ""]


_READ: dict[str, Callable[[str, str], Any]] = {
    "status": _number(400, 599, "a status from 400 to 599"),
    "retry_after": _seconds,
    "seconds": _seconds,
    "size": _number(1, _MOST, "a number of bytes from 1 on"),
    "after": _number(0, _MOST, "a number of chunks"),
    "bytes": _number(0, _MOST, "a number of bytes"),
    "times": _number(1, _MOST, "a number from 1 on"),
    "every": _number(1, _MOST, "a number from 1 on"),
}

_EXAMPLES = {"status": "status:429", "delay": "delay=2s"}
