"""Paths into a JSON value: where they lead in a decoded one, and where in its text."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .patterns import lazy_pattern


class OfKind(NamedTuple):
    """Leads to every item of an array that is an object and says so in one of its members."""

    member: str
    value: str


Step = str | int | OfKind | None


class Path(NamedTuple):
    """A path into a JSON value.

    Attributes:
        text: as it was written.
        steps: names, indexes, kinds of items, and None for each wildcard.
        any_case: whether names are the same in any case; those in `steps` are in lower case then.
        exact: how many of the first steps are as they are written all the same.
    """

    text: str
    steps: tuple[Step, ...]
    any_case: bool = False
    exact: int = 0


_step = lazy_pattern(
    r"""(?:^|\.)(?P<name>[^.\[\]"'*]+)"""
    r"""|(?:^|\.)(?P<any>\*)"""
    r"""|\[(?P<star>\*)\]"""
    r"""|\[(?P<index>-?\d{1,18})\]"""
    r"""|\[(?P<member>[\w-]+)=(?P<value>[\w.-]+)\]"""
    r"""|\[(?P<quoted>"[^"]*"|'[^']*')\]"""
)


def parse(text: str, *, any_case: bool = False) -> Path:
    """Reads a path such as `metadata.run_id`, `messages[*].name`, `tools[0]`, `tools[type=mcp].headers.*` or
    `metadata["a.b"]`.

    Raises:
        ValueError: it is not of that form.
    """
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _step().match(text, position)
        if match is None:
            break
        if match["name"] is not None:
            steps.append(match["name"].lower() if any_case else match["name"])
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["member"] is not None:
            steps.append(OfKind(match["member"], match["value"]))
        elif match["quoted"] is not None:
            name = match["quoted"][1:-1]
            steps.append(name.lower() if any_case else name)
        else:
            steps.append(None)
        position = match.end()
    if not steps or position < len(text) or text.startswith("."):
        raise ValueError(
            f"{text!r} is not a path into a JSON body; write metadata.run_id, messages[*].name or tools[0].type"
        )
    return Path(text, tuple(steps), any_case)


def places(value: Any, path: Path) -> Iterator[tuple[Any, Any]]:
    """Every place to which a path leads in a decoded value: the object or array, and the name or index in it."""
    return _places(value, path.steps, _exact(path))


def _exact(path: Path) -> int:
    """How many of its first steps are as they are written."""
    return path.exact if path.any_case else len(path.steps)


def _places(container: Any, steps: tuple[Step, ...], exact: int) -> Iterator[tuple[Any, Any]]:
    step, rest = steps[0], steps[1:]
    for key in _keys(container, step, exact < 1):
        if rest:
            yield from _places(container[key], rest, exact - 1)
        else:
            yield container, key


def _keys(container: Any, step: Step, any_case: bool) -> Iterable[Any]:
    if isinstance(container, dict):
        if isinstance(step, str):
            if any_case:
                return [name for name in container if name.lower() == step]
            return (step,) if step in container else ()
        return list(container) if step is None else ()
    if isinstance(container, list):
        if isinstance(step, int):
            index = step if step >= 0 else step + len(container)
            return (index,) if 0 <= index < len(container) else ()
        return [index for index, item in enumerate(container) if _is_item(step, item)]
    return ()


def remove(value: Any, path: Path) -> bool:
    """Removes what stands at a path, in place; tells whether there was anything.

    An item of an array leaves `null` behind, so that the items after it keep their places.
    """
    found = list(places(value, path))
    for container, key in found:
        if isinstance(container, dict):
            del container[key]
        else:
            container[key] = None
    return bool(found)


def _is_item(step: Step, item: Any) -> bool:
    if isinstance(step, OfKind):
        return isinstance(item, dict) and item.get(step.member) == step.value
    return step is None


# -- in a text ---------------------------------------------------------------------------------------------------


_space = lazy_pattern(r"[ \t\n\r]*")

# the decoder's own scanner: parses one value and says where it ends
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]  # not in typeshed


Inside = dict[int, list[tuple[str, int, int]]]
"""What `children` gives, by where the object or array begins, in one text."""


def spans(text: str, path: Path, inside: Inside | None = None) -> Iterator[tuple[int, int]]:
    """Every place to which a path leads in the text of a value: where the value there starts and ends. It need not
    be JSON that can be decoded without loss.

    Args:
        inside: what is known of this text already, and is completed: several paths are followed in one pass.

    Raises:
        ValueError: it is no JSON.
    """
    return _spans(text, skip_space(text, 0), path.steps, _exact(path), {} if inside is None else inside)


def _spans(text: str, at: int, steps: tuple[Step, ...], exact: int, known: Inside) -> Iterator[tuple[int, int]]:
    step, rest = steps[0], steps[1:]
    if at not in known:
        known[at] = list(children(text, at))
    inside = known[at]
    is_array = text[at : at + 1] == "["
    for index, (name, start, end) in enumerate(inside):
        if is_array:
            if isinstance(step, int):
                fits = index == (step if step >= 0 else step + len(inside))
            else:
                fits = not isinstance(step, str) and _is_item(
                    step, value_at(text, start)[0] if isinstance(step, OfKind) else None
                )
        else:
            fits = step is None or (isinstance(step, str) and (name.lower() if exact < 1 else name) == step)
        if fits and rest:
            yield from _spans(text, start, rest, exact - 1, known)
        elif fits:
            yield start, end


def children(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Name (empty for an item), start and end of every value directly inside the object or array at `at`.

    Raises:
        ValueError: it is no JSON.
    """
    opening = text[at : at + 1]
    if opening not in ("{", "["):
        return
    at = skip_space(text, at + 1)
    while text[at : at + 1] not in ("}", "]", ""):
        name = ""
        if opening == "{":
            name, at = value_at(text, at)
            at = skip_space(text, skip_space(text, at) + 1)
        _, end = value_at(text, at)
        yield name, at, end
        at = skip_space(text, end)
        if text[at : at + 1] == ",":
            at = skip_space(text, at + 1)


def value_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at `at`, decoded, and where it ends.

    Raises:
        ValueError: there is none.
    """
    try:
        return _scan(text, at)
    except StopIteration:
        raise ValueError("no JSON value") from None


def skip_space(text: str, at: int) -> int:
    """Where what stands behind white space begins."""
    match = _space().match(text, at)
    return match.end() if match is not None else at
