"""The places in bodies where APIs have credentials, as the dialects document them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from ..dialects.dialect import CredentialPlace
from ..dialects.registry import DIALECTS
from ..wire import json_path as _json_path
from .seal import Whose

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


def _first(path: str) -> str:
    """The name with which a path begins: that of a member at the top level of a body."""
    for index, sign in enumerate(path):
        if sign in ".[":
            return path[:index]
    return path


@cache
def _rows() -> dict[str, dict[str, CredentialPlace]]:
    """The rows of all dialects by their paths, by the names with which those begin."""
    found: dict[str, dict[str, CredentialPlace]] = {}
    for dialect in DIALECTS:
        for row in dialect.credentials:
            found.setdefault(_first(row.path), {})[row.path] = row
    return found


def documented_in(name: str) -> tuple[Place, ...]:
    """The places in a member at the top level of a body; most processes meet one or two such members."""
    return _places_in(name) if name in _rows() else ()


def documented_among(present: frozenset[bytes] | None) -> Iterator[Place]:
    """The places in the members at the top level of a body that may be there; None for all."""
    for name in _rows():
        if present is None or name.lower().encode() in present:
            yield from _places_in(name)


@cache
def _places_in(name: str) -> tuple[Place, ...]:
    rows = _rows()[name].values()
    return tuple(place_of(_json_path.parse(row.path), _whose(row), is_url=row.is_url) for row in rows)


def _whose(row: CredentialPlace) -> Whose:
    return "data" if row.chooses_data else "caller"


def whose_field(name: str) -> Whose | None:
    """What stands in a member at the top level of a body, where a row knows it; None where none does."""
    row = _rows().get(name, {}).get(name)
    return None if row is None else _whose(row)


def is_object_of_a_row(name: str, value: Any) -> bool:
    """Whether a field of a credential's name holds an object, of which a row says where in it the credential is.

    Clients look into such an object.
    """
    if not isinstance(value, dict):
        return False
    inside = {place.path.steps[1] for place in documented_in(name) if len(place.path.steps) > 1}
    return not value.keys().isdisjoint(inside)


@cache
def field_place(name: str) -> Place:
    """The place of a member of `FIELDS`."""
    return place_of(_json_path.Path(name, (name,)), "caller")
