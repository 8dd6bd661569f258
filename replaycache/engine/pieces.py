"""A streamed answer as who reads it gets it, in whatever pieces it came.

What comes in pieces (texts, arguments, lists of parts) is put together; of everything else it is kept what was
said, how often it changed, and behind how much of the text. So two streams are equal here where they differ only
in how their texts were cut, and differ where anything else does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..dialects.answer_events import inner_event
from ..dialects.framing.sse import Event
from ..dialects.readings import READINGS
from .nearest import is_same
from .noise import PIECES, Path, Step, is_id, is_noise, keeps_alive

_USAGE = frozenset(name for reading in READINGS for name in reading.usage_members)
_ID = "an id"


class _Said(NamedTuple):
    """One event.

    Attributes:
        kind: its name, with the numbers by which it says what it belongs to.
        value: its data.
        grown: what it brings of what comes in pieces.
        states: everything else.
    """

    kind: Path
    value: Any
    grown: dict[Path, str | list[Any]]
    states: dict[Path, Any]

    @property
    def size(self) -> int:
        return sum(map(_size, self.grown.values()))


class _State(NamedTuple):
    """What was said at a path while a text grew, from where to where it may have been."""

    value: Any
    start: int
    end: int


class _Run:
    """Events that bring pieces of the same, which might have been cut in another way."""

    def __init__(self, first: _Said, number: int) -> None:
        self.number = number
        self.form = _form(first)
        self.grown: dict[Path, str | list[Any]] = {}
        self.states: dict[Path, list[_State]] = {}
        self._sizes: dict[Path, int] = {}
        self.take(first)

    def take(self, said: _Said) -> None:
        """Takes the next event."""
        changed = [
            (path, value, self._grown_at(path))
            for path, value in said.states.items()
            if not _counts(path, value) and not self._is_known(path, value)
        ]
        for path, piece in said.grown.items():
            self.grown[path] = _added(self.grown.get(path), piece)
            self._sizes[path] = self._sizes.get(path, 0) + _size(piece)
        for path, value, start in changed:
            self.states.setdefault(path, []).append(_State(value, start, self._grown_at(path)))

    def _is_known(self, path: Path, value: Any) -> bool:
        return path in self.states and is_same(self.states[path][-1].value, value)

    def _grown_at(self, path: Path) -> int:
        """How much has grown of what a path belongs to: choices, for one, grow side by side."""
        place = _place(path)
        return sum(size for at, size in self._sizes.items() if _is_beside(_place(at), place))

    @property
    def shown(self) -> Any:
        return {_name(path): piece for path, piece in self.grown.items()}

    def is_like(self, other: object) -> bool:
        if not isinstance(other, _Run) or not is_same(self.grown, other.grown):
            return False
        return self.states.keys() == other.states.keys() and all(
            _are_like(states, other.states[path]) for path, states in self.states.items()
        )


class _Single:
    """An event that brings no piece of anything."""

    def __init__(self, said: _Said, number: int) -> None:
        self.number = number
        self.said = said

    @property
    def shown(self) -> Any:
        return self.said.value

    def is_like(self, other: object) -> bool:
        return (
            isinstance(other, _Single)
            and self.said.kind == other.said.kind
            and is_same(self.said.states, other.said.states)
            and is_same(self.said.grown, other.said.grown)
        )


class Streamed:
    """What the events of an answer add up to.

    Args:
        events: as they were sent.

    Attributes:
        tree: everything that was said, by path. Where something changed, all that it was stands there as a tuple;
            counts of tokens, and what is noise, have their last value.
        kinds: the kinds of events and what grew in them, in the order in which they first came.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        grown: dict[Path, str | list[Any]] = {}
        states: dict[Path, list[Any]] = {}
        self._parts: list[_Run | _Single] = []
        kinds: dict[str, None] = {}
        order: dict[Path, None] = {}
        for number, event in enumerate(events, 1):
            said = _said(event)
            if keeps_alive(said.kind):
                continue
            kinds.update(dict.fromkeys(_name(path) for path in (said.kind, *_form(said)) if path))
            order.update(dict.fromkeys((*said.grown, *said.states)))
            for path, piece in said.grown.items():
                grown[path] = _added(grown.get(path), piece)
            for path, value in said.states.items():
                known = states.setdefault(path, [])
                if is_noise(path) or _counts(path, value):
                    known[:] = [value]
                elif not known or not is_same(known[-1], value):
                    known.append(value)
            self._add(_without_noise(said), number)
        self.kinds = list(kinds)
        self.tree = _tree((path, grown[path] if path in grown else _all(states[path])) for path in order)

    def _add(self, said: _Said, number: int) -> None:
        last = self._parts[-1] if self._parts else None
        if not said.size:
            self._parts.append(_Single(said, number))
        elif isinstance(last, _Run) and last.form == _form(said):
            last.take(said)
        else:
            self._parts.append(_Run(said, number))

    def first_unlike(self, other: Streamed) -> tuple[int, Any, Any] | None:
        """The first place at which two streams differ: the number of the event, and what each has there.

        None stands where one of them has ended.
        """
        for index in range(max(len(self._parts), len(other._parts))):
            mine, its = (parts[index] if index < len(parts) else None for parts in (self._parts, other._parts))
            if mine is None or its is None or not mine.is_like(its):
                number = next(part.number for part in (mine, its) if part is not None)
                return number, None if mine is None else mine.shown, None if its is None else its.shown
        return None


# -- one event -----------------------------------------------------------------------------------------------


def _said(event: Event) -> _Said:
    data = event.data or b""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = data.decode("utf-8", "backslashreplace")
    name = "" if event.event == "message" else event.event
    if not isinstance(value, dict) or not value:
        kind: Path = (name,) if name else ()
        return _Said(kind, value, {}, {(*kind, "data"): value})
    value = inner_event(value)
    told = value.get("type")
    name = told if isinstance(told, str) and (not name or name == "chunk") else name
    kind = (name, *_numbers(value)) if name else ()
    grown: dict[Path, str | list[Any]] = {}
    states: dict[Path, Any] = {}
    for path, leaf in _walk(value, kind):
        if isinstance(leaf, (str, list)) and leaf != [] and path[-1] in PIECES and path != kind:
            grown[path] = _added(grown.get(path), leaf)
        else:
            states[path] = leaf
    return _Said(kind, value, grown, states)


def _numbers(value: dict[str, Any]) -> Iterator[int]:
    """The numbers by which an event says what it belongs to: content blocks, output items."""
    for name, number in value.items():
        if (name == "index" or name.endswith(("_index", "Index"))) and type(number) is int:
            yield number


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _walk(item, (*path, name))
    elif isinstance(value, list) and value and not _grows(path, value):
        for place, item in enumerate(value):
            step = item["index"] if _are_numbered(value) else place
            yield from _walk(item, (*path, step))
    else:
        yield path, value


def _are_numbered(values: list[Any]) -> bool:
    return all(isinstance(item, dict) and type(item.get("index")) is int for item in values)


def _grows(path: Path, value: list[Any]) -> bool:
    return bool(path) and path[-1] in PIECES and not _are_numbered(value)


def _counts(path: Path, value: Any) -> bool:
    """Whether it is a number of tokens: it counts what came so far, and its last value is all that it says."""
    return isinstance(value, (int, float)) and not _USAGE.isdisjoint(path[:-1])


def _without_noise(said: _Said) -> _Said:
    grown = {path: piece if isinstance(piece, str) else _quiet(piece, path) for path, piece in said.grown.items()}
    states = {path: _quiet(value, path) for path, value in said.states.items() if not is_noise(path)}
    return said._replace(grown=grown, states=states)


def _quiet(value: Any, path: Path) -> Any:
    if isinstance(value, dict):
        below = {name: (*path, name) for name in value}
        return {name: _quiet(value[name], at) for name, at in below.items() if not is_noise(at)}
    if isinstance(value, list):
        return [_quiet(item, path) for item in value]
    return _ID if is_id(path, value) else value


# -- what grows ----------------------------------------------------------------------------------------------


def _added(known: str | list[Any] | None, piece: str | list[Any]) -> str | list[Any]:
    if known is None:
        return piece if isinstance(piece, str) else _joined(piece, [])
    if isinstance(known, str) and isinstance(piece, str):
        return known + piece
    joined = known if isinstance(known, list) else [known]
    return _joined(piece if isinstance(piece, list) else [piece], joined)


def _joined(items: list[Any], joined: list[Any]) -> list[Any]:
    """Adds parts behind others, of which those that differ only in their text become one."""
    for item in items:
        last: Any = joined[-1] if joined else None
        text = _text_of(item)
        if text and _text_of(last) == text and is_same({**last, text: ""}, {**item, text: ""}):
            joined[-1] = {**last, text: last[text] + item[text]}
        else:
            joined.append(item)
    return joined


def _text_of(item: Any) -> str:
    """The name of the member that grows; empty where none does, or several do."""
    names = [name for name in item if name in PIECES] if isinstance(item, dict) else []
    return names[0] if len(names) == 1 and isinstance(item[names[0]], str) else ""


def _size(piece: str | list[Any]) -> int:
    if isinstance(piece, str):
        return len(piece)
    return sum(len(item[_text_of(item)]) if _text_of(item) else 1 for item in piece)


def _form(said: _Said) -> tuple[Path, ...]:
    """What an event brings pieces of, whichever of several."""
    return tuple(
        tuple(step for step in path if isinstance(step, str)) for path, piece in said.grown.items() if _size(piece)
    )


def _place(path: Path) -> tuple[int, ...]:
    return tuple(step for step in path if isinstance(step, int))


def _is_beside(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a == b for a, b in zip(one, other, strict=False))


def _are_like(some: list[_State], others: list[_State]) -> bool:
    """Whether the same was said at places that may be the same."""
    return len(some) == len(others) and all(
        is_same(a.value, b.value) and (max(a.start, b.start) < min(a.end, b.end) or a[1:] == b[1:])
        for a, b in zip(some, others, strict=True)
    )


# -- what it adds up to --------------------------------------------------------------------------------------


def _all(states: list[Any]) -> Any:
    """What was said at a path: one value, or all of them; that nothing was said yet is told by no value."""
    values = states[1:] if len(states) == 2 and states[0] is None else states
    return values[0] if len(values) == 1 else tuple(values)


def _tree(found: Iterable[tuple[Path, Any]]) -> dict[Step, Any]:
    tree: dict[Step, Any] = {}
    for path, value in found:
        inner = tree
        for step in path[:-1]:
            below = inner.get(step)
            if not isinstance(below, dict):
                below = inner[step] = {}
            inner = below
        if not isinstance(inner.get(path[-1]), dict):
            inner[path[-1]] = dict(value) if isinstance(value, dict) else value  # it is filled
    return tree


def _name(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
