"""Large tables of which a part is run at each commit, and the rest where there is time for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["first_of", "one_in"]


def one_in(count: int, rows: Iterable[Any]) -> list[Any]:
    """The rows of a table, all but one in `count` marked as exhaustive."""
    return [
        row if number % count == 0 else pytest.param(row, marks=pytest.mark.exhaustive)
        for number, row in enumerate(rows)
    ]


def first_of(rows: Iterable[Any]) -> list[Any]:
    """The rows of a table, all but the first marked as exhaustive."""
    found = list(rows)
    return one_in(len(found), found)
