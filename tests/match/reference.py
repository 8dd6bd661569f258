"""What counts as the same request, said once more: slowly and plainly, to be compared with `Match`.

It follows the rules of keys and nothing of how `Match` does it: a reader of JSON of its own (RFC 8259), values
that compare as they mean, no bytes. Only the tables of the dialects are the same: no-ops, equivalents, texts and
headers.

A form is any value; two requests count as the same where their forms are equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from replaycache import Request
from replaycache.dialects.dialect import NoOp
from replaycache.dialects.registry import (
    ANSWER_HEADERS,
    DIALECTS,
    TEXT_MEMBERS,
    TEXT_OBJECTS,
    endpoints,
    equivalents,
)

__all__ = ["NoJson", "Reference", "TooDeep", "read_json"]

DEEPEST = 200
"""Levels. How deep is too deep is nobody's rule: what is deeper is not compared."""

CREDENTIALS = {
    "api_key",
    "api-key",
    "apikey",
    "auth_token",
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "password",
    "authorization",
}
"""Members at the top level of a body that say by their name that they authenticate the caller."""


class NoJson(Exception):
    """A text is no JSON, or none that can be told apart from others without loss."""


class TooDeep(Exception):
    """It is deeper than is compared."""


class Big(NamedTuple):
    """A number that is a double and no integer, as its shortest text."""

    text: str


class _Reader:
    """Reads one JSON text, a character at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Any:
        self._space()
        value = self._value()
        self._space()
        if self._at != len(self._text):
            raise NoJson("something stands behind the value")
        return value

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise NoJson("it is cut short")
        return self._text[self._at]

    def _space(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in " \t\n\r":
            self._at += 1

    def _take(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise NoJson(f"{token!r} is missing at {self._at}")

    def _value(self) -> Any:
        sign = self._next()
        if sign == "{":
            return self._object()
        if sign == "[":
            return self._array()
        if sign == '"':
            return self._string()
        for token, value in (("true", True), ("false", False), ("null", None)):
            if self._take(token):
                return value
        return self._number()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise TooDeep

    def _object(self) -> dict[str, Any]:
        self._deeper()
        self._need("{")
        members: dict[str, Any] = {}
        self._space()
        while not self._take("}"):
            if members:
                self._need(",")
                self._space()
            name = self._string()
            self._space()
            self._need(":")
            self._space()
            if name in members:
                raise NoJson("a name stands there twice")
            members[name] = self._value()
            self._space()
        self._depth -= 1
        return members

    def _array(self) -> list[Any]:
        self._deeper()
        self._need("[")
        items: list[Any] = []
        self._space()
        while not self._take("]"):
            if items:
                self._need(",")
                self._space()
            items.append(self._value())
            self._space()
        self._depth -= 1
        return items

    def _string(self) -> str:
        self._need('"')
        units: list[str] = []
        while (sign := self._next()) != '"':
            self._at += 1
            if sign == "\\":
                units.append(self._escape())
            elif sign < " ":
                raise NoJson("a control character stands in a string")
            else:
                units.append(sign)
        self._at += 1
        text = "".join(units)
        # two halves of a pair may be written one after the other, each as an escape
        try:
            return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
        except UnicodeDecodeError:
            raise NoJson("a lone surrogate") from None

    def _escape(self) -> str:
        sign = self._next()
        self._at += 1
        if sign == "u":
            digits = self._text[self._at : self._at + 4]
            if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                raise NoJson("an escape of four digits is wrong")
            self._at += 4
            return chr(int(digits, 16))
        plain = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
        if sign not in plain:
            raise NoJson("there is no such escape")
        return plain[sign]

    def _number(self) -> Any:
        found = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?").match(self._text, self._at)
        if found is None:
            raise NoJson(f"no value at {self._at}")
        self._at = found.end()
        text = found[0]
        try:
            double = float(text)
        except OverflowError:  # pragma: no cover
            raise NoJson("beyond a double's range") from None
        if abs(double) == float("inf"):
            raise NoJson("beyond a double's range")
        is_negative_zero = double == 0 and text[0] == "-"
        if found[1] is None and found[2] is None and not is_negative_zero:
            return int(text)  # exact, however large
        return int(double) if double.is_integer() and not is_negative_zero else Big(repr(double))


def read_json(body: bytes) -> Any:
    """The value of a body: objects, lists, texts, integers, `Big`, booleans, None.

    Raises:
        NoJson: there is none that keeps all that it says.
        TooDeep: it is not compared.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NoJson("it is no UTF-8") from None
    return _Reader(text).whole()


class Reference:
    """The same rules as `Match` has.

    Args:
        ignore: paths, of names, `*` and indexes.
        scrub: pairs of a pattern and what takes the place of its matches.
        fold_defaults: whether documented no-ops are left out.
        headers: further headers that count.
    """

    def __init__(
        self,
        *,
        ignore: Sequence[str] = (),
        scrub: Sequence[tuple[str, str]] = (),
        fold_defaults: bool = True,
        headers: Sequence[str] = (),
    ) -> None:
        self._ignored = [name[len("headers.") :].lower() for name in ignore if name.lower().startswith("headers.")]
        self._ignore = [_steps(path) for path in ignore if not path.lower().startswith("headers.")]
        self._scrub = scrub
        self._fold = fold_defaults
        self._headers = headers

    def form(self, request: Request) -> Any:
        """What the request counts as.

        Raises:
            TooDeep: its body is not compared.
        """
        scheme, authority, path, query = _address(request.url)
        return (
            request.method,
            (scheme, authority, path),
            query,
            self._counting(request),
            self._body(request, f"{scheme}://{authority}", path),
        )

    def _counting(self, request: Request) -> Any:
        sets = {header.name: header.is_set for header in ANSWER_HEADERS}
        found: dict[str, Any] = {}
        for name in {*sets, *(name.lower() for name in self._headers)} - set(self._ignored):
            lines = [value for given, value in request.headers if given == name]
            if lines:
                parts = [part.strip() for line in lines for part in line.split(",")]
                found[name] = frozenset(parts) if sets.get(name) else tuple(parts)
        return frozenset(found.items())

    def _body(self, request: Request, origin: str, path: str) -> Any:
        if not request.body:
            return "none"
        content_type = request.header("content-type") or ""
        if content_type not in ("", "application/json"):
            return ("raw", content_type, request.body)
        try:
            value = read_json(request.body)
        except NoJson:
            return ("raw", content_type, request.body)
        if isinstance(value, dict):
            for name, given in value.items():
                if name.lower() in CREDENTIALS and given is not None and not isinstance(given, bool):
                    value[name] = "a credential"
        for steps in self._ignore:
            _remove(value, steps)
        if self._scrub:
            value = self._scrubbed(value, is_known=bool(endpoints(request.method, path)))
        if self._fold and isinstance(value, dict):
            for row in _rows(origin, path):
                _fold(value, row)
            for equivalent in equivalents(origin, path):
                equivalent.rewrite(value)
        return ("json", _meaning(value))

    # -- what people wrote

    def _scrubbed(self, value: Any, *, is_known: bool) -> Any:
        return _Texts(self._scrub, is_known).of(value, name="", outer="", is_item=False, all_are_texts=False)


class _Texts:
    """Changes what people wrote, and nothing that chooses something."""

    def __init__(self, scrub: Sequence[tuple[str, str]], is_known: bool) -> None:
        self._scrub = scrub
        self._is_known = is_known

    def of(self, value: Any, *, name: str, outer: str, is_item: bool, all_are_texts: bool) -> Any:
        if isinstance(value, str):
            by_name = name in TEXT_MEMBERS if self._is_known else "model" not in name.lower()
            if not (all_are_texts or by_name):
                return value
            for pattern, placeholder in self._scrub:
                value = re.sub(pattern, placeholder, value)
            return value
        if isinstance(value, list):
            return [
                self.of(item, name=name, outer=outer, is_item=True, all_are_texts=all_are_texts) for item in value
            ]
        if not isinstance(value, dict):
            return value
        if not self._is_known:
            if "model" in name.lower():
                return value
            return {
                member: self.of(item, name=member, outer=name, is_item=False, all_are_texts=False)
                for member, item in value.items()
            }
        if is_item:
            all_are_texts = all_are_texts or f"{name}[]" in TEXT_OBJECTS
        else:
            all_are_texts = all_are_texts or name in TEXT_OBJECTS or f"{outer}.{name}" in TEXT_OBJECTS
        if not all_are_texts and name in (
            "properties",
            "patternProperties",
            "dependentSchemas",
            "$defs",
            "definitions",
        ):
            # people gave these names, and no API
            return {
                member: self.of(item, name="", outer="", is_item=False, all_are_texts=False)
                for member, item in value.items()
            }
        directly = f"{name}.*" in TEXT_OBJECTS
        return {
            member: self.of(
                item,
                name=member,
                outer=name,
                is_item=False,
                all_are_texts=all_are_texts or (directly and not isinstance(item, dict)),
            )
            for member, item in value.items()
        }


def _meaning(value: Any) -> Any:
    """A value that is equal to others as JSON is meant: true is not 1, the order of names says nothing, but for
    the members of `properties`."""
    if isinstance(value, dict):
        return (
            "object",
            frozenset(
                (
                    name,
                    ("in order", tuple((inner, _meaning(one)) for inner, one in item.items()))
                    if name == "properties" and isinstance(item, dict)
                    else _meaning(item),
                )
                for name, item in value.items()
            ),
        )
    if isinstance(value, list):
        return ("array", tuple(map(_meaning, value)))
    return (type(value).__name__, value)


def _steps(path: str) -> list[str | int | None]:
    """The steps of a path of names, `*`, `[*]`, `[2]` and `["a name"]`."""
    steps: list[str | int | None] = []
    for found in re.finditer(r'\.?([^.\[\]"*]+)|\.?\*|\[(\*)\]|\[(-?\d+)\]|\["([^"]*)"\]', path):
        if found[1] is not None:
            steps.append(found[1])
        elif found[3] is not None:
            steps.append(int(found[3]))
        elif found[4] is not None:
            steps.append(found[4])
        else:
            steps.append(None)
    return steps


def _remove(value: Any, steps: list[str | int | None]) -> None:
    """Takes out what stands at a path; an item leaves null behind."""
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        keys: list[Any] = (
            list(value) if step is None else [step] if isinstance(step, str) and step in value else []
        )
    elif isinstance(value, list):
        numbers = range(len(value))
        keys = (
            list(numbers)
            if step is None
            else [number for number in numbers if step in (number, number - len(value))]
        )
    else:
        return
    for key in keys:
        if rest:
            _remove(value[key], rest)
        elif isinstance(value, dict):
            del value[key]
        else:
            value[key] = None


def _rows(origin: str, path: str) -> list[NoOp]:
    host = origin.partition("://")[2]
    return [
        row
        for dialect in DIALECTS
        if any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), host) for pattern in dialect.hosts)
        for row in dialect.no_ops
        if row.path == path or (set("[(?|") & set(row.path) and re.fullmatch(row.path, path))
    ]


def _fold(body: dict[str, Any], row: NoOp) -> None:
    """Takes a parameter out that is sent with its documented default."""
    *outer, name = row.parameter.split(".")
    place: Any = body
    for one in outer:
        place = place.get(one) if isinstance(place, dict) else None
    if not isinstance(place, dict) or name not in place:
        return
    wanted = row.value
    if isinstance(wanted, float):
        wanted = int(wanted) if wanted.is_integer() else Big(repr(wanted))
    if type(place[name]) is not type(wanted) or place[name] != wanted:
        return
    if any(body.get(one) is not None for one in row.unless):
        return
    if row.models and not re.fullmatch(row.models, str(body.get("model", ""))):
        return
    del place[name]


def _address(url: str) -> tuple[str, str, str, Any]:
    """Scheme, host and port, path, and the parameters in the order of their names."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    authority = authority.rpartition("@")[2].lower()
    authority = authority.removesuffix({"http": ":80", "https": ":443"}.get(scheme.lower(), ":"))
    pairs: list[tuple[str | None, ...]] = []
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        try:
            pairs.append((_plain(name), _plain(value) if equals else None))
        except ValueError:
            pairs.append((part, "it cannot be decoded", None))  # as it was sent
    # those of one name stay in their order
    return scheme.lower(), authority, f"{slash}{path}" or "/", sorted(pairs, key=lambda pair: str(pair[0]))


def _plain(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("a percent sign encodes nothing")
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
