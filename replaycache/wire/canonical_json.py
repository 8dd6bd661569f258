"""JSON in one form: what means the same is the same bytes, and what differs stays different."""

from __future__ import annotations

import json
from typing import Any

import orjson


class NotCanonical(Exception):
    """The body is no JSON, or holds what a JSON value cannot carry without loss; it counts as raw bytes."""


def _integer(text: str) -> Any:
    if text == "-0":
        return -0.0
    if len(text.lstrip("-")) > 309:
        raise NotCanonical("a number beyond a double's range")
    value = int(text)
    if -(1 << 63) <= value < 1 << 64:
        return value
    try:
        float(value)
    except OverflowError:
        raise NotCanonical("a number beyond a double's range") from None
    return orjson.Fragment(str(value).encode())


def _float(text: str) -> Any:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NotCanonical("a number beyond a double's range")
    if value.is_integer() and (value or text[0] != "-"):
        return _integer(str(int(value)))
    shortest = repr(value)
    # orjson's and Python's notations part where an exponent begins; Python's is the one that never changes
    return orjson.Fragment(shortest.encode()) if "e" in shortest else value


def _constant(text: str) -> Any:
    raise NotCanonical(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotCanonical("an object names a member twice")
    return value


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def loads(body: bytes) -> Any:
    """Decodes a JSON body so that `dumps` gives its canonical form.

    Numbers: one that is integral is an `int`, whichever way it was written; one that needs an exponent,
    or more than 64 bits, is an `orjson.Fragment`.

    Raises:
        NotCanonical: it is no JSON, an object has a name twice, or a number is beyond a double's range.
    """
    try:
        return _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotCanonical(str(error)) from error


def dumps(value: Any) -> bytes:
    """The canonical form: no white space, no escapes that are not needed, names sorted at every depth.

    The members of a JSON schema's `properties` stay in their order: models answer in the order of the schema
    (https://platform.openai.com/docs/guides/structured-outputs#key-ordering), so that another order asks for
    another answer. Whatever else is called `properties` stays in its order, too.

    Raises:
        NotCanonical: a string holds a lone surrogate, or the value is nested too deeply.
    """
    data = _sorted(value)
    return _sorted(_in_order(value)) if _PROPERTIES in data else data


_PROPERTIES = b'"properties":{'


def _sorted(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise NotCanonical(str(error)) from error


def _in_order(value: Any) -> Any:
    """The value with every `properties` spelt out, so that nobody sorts its members."""
    if isinstance(value, dict):
        return {
            name: _spelt(item) if name == "properties" and isinstance(item, dict) else _in_order(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    return value


def _spelt(members: dict[str, Any]) -> orjson.Fragment:
    pairs = (b"%b:%b" % (_sorted(name), _sorted(_in_order(item))) for name, item in members.items())
    return orjson.Fragment(b"{" + b",".join(pairs) + b"}")
