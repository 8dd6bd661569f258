"""JSON in one form: what means the same is the same bytes, and what differs stays different."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from .._errors import ConfigurationError

__all__ = ["NotCanonical", "Path", "dumps", "loads", "map_strings", "parse_path", "remove"]


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


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every string in it changed; names of members stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: map_strings(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [map_strings(item, change) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Path:
    """A path into a JSON value: names, indexes, and None for each wildcard."""

    text: str
    steps: tuple[str | int | None, ...]


_STEP = re.compile(
    r"""(?:^|\.)(?P<name>[^.\[\]"'*]+)"""
    r"""|(?:^|\.)(?P<any>\*)"""
    r"""|\[(?P<star>\*)\]"""
    r"""|\[(?P<index>-?\d+)\]"""
    r"""|\[(?P<quoted>"[^"]*"|'[^']*')\]"""
)


def parse_path(text: str) -> Path:
    """Reads a path such as `metadata.run_id`, `messages[*].name`, `tools[0]`, `metadata["a.b"]` or `a.*.b`.

    Raises:
        ConfigurationError: it is not of that form.
    """
    steps: list[str | int | None] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            break
        if match["name"] is not None:
            steps.append(match["name"])
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["quoted"] is not None:
            steps.append(match["quoted"][1:-1])
        else:
            steps.append(None)
        position = match.end()
    if not steps or position < len(text) or text.startswith("."):
        raise ConfigurationError(
            f"{text!r} is not a path into a JSON body; write metadata.run_id, messages[*].name or tools[0].type"
        )
    return Path(text, tuple(steps))


def remove(value: Any, path: Path) -> bool:
    """Removes what stands at `path`, in place; tells whether there was anything.

    An item of an array leaves `null` behind, so that the items after it keep their places.
    """
    found = False
    for container in _containers(value, path.steps[:-1]):
        last = path.steps[-1]
        if isinstance(container, dict) and not isinstance(last, int):
            names = list(container) if last is None else [last]
            for name in names:
                if name in container:
                    del container[name]
                    found = True
        elif isinstance(container, list) and not isinstance(last, str):
            for index in range(len(container)) if last is None else (last,):
                if -len(container) <= index < len(container):
                    container[index] = None
                    found = True
    return found


def _containers(value: Any, steps: tuple[str | int | None, ...]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict) and not isinstance(step, int):
        for name in list(value) if step is None else [step]:
            if name in value:
                yield from _containers(value[name], rest)
    elif isinstance(value, list) and not isinstance(step, str):
        for index in range(len(value)) if step is None else (step,):
            if -len(value) <= index < len(value):
                yield from _containers(value[index], rest)
