"""The places in bodies where APIs have credentials, as the dialects document them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from ..dialects.registry import DIALECTS
from ..wire import json_path as _json_path
from .seal import Whose

__all__ = [
    "FIELDS",
    "FIELD_WORDS",
    "WORD",
    "Place",
    "documented",
    "documented_by_first",
    "field_place",
    "fields_of_rows",
    "is_object_of_a_row",
    "place_of",
]

FIELDS = frozenset(
    {
        "api_key",
        "api-key",
        "auth_token",
        "apikey",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "password",
        "authorization",
    }
)
"""Members that say by their name that they are one, at the top level of a body only: deeper down the same names
are data (the input of a tool call, a JSON schema, a filter)."""

FIELD_WORDS = frozenset(name.encode() for name in FIELDS)

WORD = re.compile(rb'"([a-z_][a-z0-9_-]*)"')
"""A name in a body, in lower case."""


class Place(NamedTuple):
    """Where something is replaced.

    Attributes:
        path: that leads there.
        whose: what stands there.
        is_url: whether that is a URL, in which something is replaced.
        words: those of the names and kinds in the path that are words, in lower case: each stands in quotation
            marks in a body that has the place.
    """

    path: _json_path.Path
    whose: Whose
    is_url: bool
    words: frozenset[bytes]


def place_of(path: _json_path.Path, whose: Whose, *, is_url: bool = False) -> Place:
    """A place by its path."""
    steps = (step.value if isinstance(step, _json_path.OfKind) else step for step in path.steps)
    names = (step.lower().encode() for step in steps if isinstance(step, str))
    return Place(path, whose, is_url, frozenset(name for name in names if WORD.fullmatch(b'"%s"' % name)))


@cache
def documented() -> tuple[Place, ...]:
    """All of them."""
    places = (place for dialect in DIALECTS for place in dialect.credentials)
    rows = {place.path: place for place in places}
    return tuple(
        place_of(_json_path.parse(row.path), "data" if row.chooses_data else "caller", is_url=row.is_url)
        for row in rows.values()
    )


@cache
def documented_by_first() -> dict[str, tuple[Place, ...]]:
    """All of them, by the member at the top level of a body in which they lie."""
    found: dict[str, tuple[Place, ...]] = {}
    for place in documented():
        first = str(place.path.steps[0])
        found[first] = (*found.get(first, ()), place)
    return found


@cache
def fields_of_rows() -> dict[str, Whose]:
    """What stands in the members at the top level of a body of which rows know."""
    return {str(place.path.steps[0]): place.whose for place in documented() if len(place.path.steps) == 1}


@cache
def _objects() -> dict[str, frozenset[Any]]:
    """The members that rows name in objects at the top level of a body."""
    found: dict[str, frozenset[Any]] = {}
    for place in documented():
        first, *rest = place.path.steps
        if rest and isinstance(first, str):
            found[first] = found.get(first, frozenset()) | {rest[0]}
    return found


def is_object_of_a_row(name: str, value: Any) -> bool:
    """Whether a field of a credential's name holds an object, of which a row says where in it the credential is.

    Clients look into such an object.
    """
    return isinstance(value, dict) and not value.keys().isdisjoint(_objects().get(name, ()))


@cache
def field_place(name: str) -> Place:
    """The place of a member of `FIELDS`."""
    return place_of(_json_path.Path(name, (name,)), "caller")
