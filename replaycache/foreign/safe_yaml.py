"""YAML as data: texts, bytes, lists and mappings, and nothing that a tag could make of them.

Values are built here from the parser's events. A loader that constructs objects expands aliases before
anyone can count them, and decides what a plain scalar is by the rules of YAML 1.1, in which the time
`12:30:45` is the number 45045: each recorder followed rules of its own, so a plain scalar stays a text
until the format's reader says what it is.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .interactions import RECORD_AGAIN, RESTORE, Source

ALIAS_LIMIT = 16 << 20
"""Characters that aliases may add to a file, each value counted as `VALUE` of them; more is a file made to fill
the memory."""

VALUE = 16
"""Characters that take the room of a value, about."""

LONGEST_NUMBER = 4300
"""Characters of a number: of more digits Python takes none, and what is counted by sixties would take for ever."""

DEPTH_LIMIT = 200
"""How deeply values may be nested."""


class Plain(str):
    """A scalar that was written without quotes and without a tag, as it was written."""

    __slots__ = ()


_TEXT = "tag:yaml.org,2002:str"
_BINARY = ("tag:yaml.org,2002:binary", "!binary")
_PLAIN = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null")
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_NULLS = ("", "~", "null", "Null", "NULL")


def load(text: str, source: Source) -> Any:
    """The values of the only document in `text`: mappings, lists, texts, `Plain` texts, bytes and None.

    Raises:
        CassetteError: it is no YAML, uses a tag for anything but text and bytes, its aliases add more than
            `ALIAS_LIMIT`, it is nested deeper than `DEPTH_LIMIT`, or PyYAML is not installed.
    """
    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise source.error("PyYAML is not installed, which reads it", 'pip install "replaycache[vcr]"') from None
    builder = _Builder(source)
    for event in _events(yaml, text, source):
        builder.take(event)
    return builder.document


def _events(yaml: Any, text: str, source: Source) -> Iterator[Any]:
    line = 1
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            yield event
            line = event.end_mark.line + 1
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "it" if mark is None else f"from line {mark.line + 1} on it"
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
    except Exception as error:  # noqa: BLE001  # its parsers pass on what conversions, memory and stack raise
        place = f"from line {line} on it"
        problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    else:
        return
    raise source.error(f"{place} is no YAML that can be read, or cut short: {problem}", RESTORE)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    weight: int
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    """Makes values of events, in one pass and without recursion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._weight = 0
        self._by_aliases = 0
        self._documents = 0
        self.document: Any = None

    def take(self, event: Any) -> None:
        """Takes the parser's next event."""
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "SequenceStartEvent":
                self._start(event, [])
            case "MappingStartEvent":
                self._start(event, {})
            case "SequenceEndEvent" | "MappingEndEvent":
                self._end(event)
            case "AliasEvent":
                self._alias(event)
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    self._fail(event, "begins a second document", "keep one document a file")

    def _fail(self, event: Any, what: str, way_out: str = RECORD_AGAIN) -> NoReturn:
        raise self._source.error(f"line {event.start_mark.line + 1} {what}", way_out)

    def _refuse_tag(self, event: Any) -> NoReturn:
        self._fail(
            event,
            f"has the tag {event.tag}, which asks the reader to make an object; that is never done",
            "record it again with a current version of the recorder, or put the plain text in its place",
        )

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        self._weight += VALUE + len(text)
        tag = event.tag
        if tag is None or tag == "!":
            value: Any = Plain(text) if event.implicit[0] and not event.style else text
        elif tag == _TEXT:
            value = text
        elif tag in _BINARY:
            value = self._bytes(event)
        elif tag in _PLAIN:
            value = Plain(text)
        else:
            self._refuse_tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, VALUE + len(text))
        self._put(event, value)

    def _bytes(self, event: Any) -> bytes:
        try:
            return base64.b64decode("".join(event.value.split()).encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            self._fail(event, f"holds bytes that are no base64: {error}", RESTORE)

    def _start(self, event: Any, value: list[Any] | dict[str, Any]) -> None:
        if event.tag is not None and event.tag != "!" and event.tag not in _COLLECTIONS:
            self._refuse_tag(event)
        if len(self._open) >= DEPTH_LIMIT:
            self._fail(event, f"is nested more than {DEPTH_LIMIT} levels deep")
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            self._fail(event, "has a key that is no text", RESTORE)
        self._open.append(_Open(value, event.anchor, self._weight))
        self._weight += VALUE

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for merged in done.merged:
                for name, value in merged.items():
                    done.value.setdefault(name, value)
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._weight - done.weight)
        self._put(event, done.value)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            self._fail(event, f"refers to *{event.anchor}, which is not there or contains itself")
        value, weight = self._anchors[event.anchor]
        self._weight += weight
        self._by_aliases += weight
        if self._by_aliases > ALIAS_LIMIT:
            self._fail(event, f"is where its aliases have come to stand for over {ALIAS_LIMIT >> 20} MiB")
        self._put(event, value)

    def _put(self, event: Any, value: Any) -> None:
        if not self._open:
            self.document = _null(value)
            return
        top = self._open[-1]
        if isinstance(top.value, list):
            top.value.append(_null(value))
        elif top.key is None:
            if not isinstance(value, str):
                self._fail(event, "has a key that is no text", RESTORE)
            top.key = value
            if str(value) in top.value:
                self._fail(event, f"gives {str(value)[:80]!r} a second time in one mapping", RESTORE)
        else:
            key, top.key = top.key, None
            if key == "<<" and isinstance(key, Plain) and isinstance(value, dict | list):
                top.merged += [
                    item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)
                ]
            else:
                top.value[str(key)] = _null(value)


def _null(value: Any) -> Any:
    return None if isinstance(value, Plain) and value in _NULLS else value


def resolved(value: Any, scalar: Callable[[str], Any]) -> Any:
    """A copy of `value` in which `scalar` has said what each plain scalar is."""
    if isinstance(value, Plain):
        return scalar(str(value))
    if isinstance(value, dict):
        return {name: resolved(item, scalar) for name, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, scalar) for item in value]
    return value


_CORE_INTEGER = re.compile(r"[-+]?[0-9]+")
_CORE_BASED = re.compile(r"[-+]?0(o[0-7]+|x[0-9a-fA-F]+)")
_CORE_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CORE_WORDS = {
    word: value
    for name, value in (("true", True), ("false", False), ("null", None))
    for word in (name, name.capitalize(), name.upper())
} | {"~": None, "": None}


def core_scalar(text: str) -> Any:
    """What a plain scalar is by the core schema of YAML 1.2 (section 10.3.2).

    Raises:
        ValueError: it is an integer of more digits than Python takes.
    """
    if text in _CORE_WORDS:
        return _CORE_WORDS[text]
    if _CORE_INTEGER.fullmatch(text):
        return int(text)
    if _CORE_BASED.fullmatch(text):
        return int(text, 0)
    if _CORE_FLOAT.fullmatch(text):
        return float(text)
    if text.lstrip("+-").lower() in (".inf", ".nan"):
        return float(text.replace(".", ""))
    return text


def yaml_1_1_scalar(text: str) -> Any:
    """What a plain scalar is by YAML 1.1 as PyYAML reads it; times of day and dates stay texts.

    Raises:
        ValueError: it is a number that cannot be read.
    """
    yaml: Any = importlib.import_module("yaml")
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            kind = tag.rpartition(":")[2]
            if kind == "null":
                return None
            if kind in ("bool", "int", "float"):
                if len(text) > LONGEST_NUMBER:
                    raise ValueError(f"a number has more than {LONGEST_NUMBER} characters")
                make = getattr(yaml.constructor.SafeConstructor(), f"construct_yaml_{kind}")
                return make(yaml.nodes.ScalarNode(tag, text))
            return text
    return text
