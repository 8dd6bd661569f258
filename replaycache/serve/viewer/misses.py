"""Why a call was not answered: what comes nearest to it, and where the two differ."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ..._errors import ReplayCacheError
from ..._models import Recording, Request
from ..._printable import one_line
from ...engine.nearest import CANDIDATES, find_nearest
from .rows import recording_row
from .shelf import Shelf, Shelved

SECONDS = 0.25
"""How long the nearest recording is looked for: the page waits for it, and not a call."""


def why_missed(shelf: Shelf, key: str, request: Request) -> dict[str, Any]:
    """What comes nearest to a request that nothing answered.

    Args:
        key: of the request: what was recorded under it came later.
        request: in its stored form.

    Returns:
        `nearest`, a line of the list, or None; the `differences`; and `looked`, at how many recordings.

    Raises:
        StoreError, CassetteError: the store cannot be read.
    """
    seen: dict[int, Shelved] = {}
    nearest, places = find_nearest(request, _others(shelf, key, seen))
    found = None if nearest is None else seen.get(id(nearest))
    return {
        "nearest": None if found is None else recording_row(found),
        "differences": [
            {"path": one_line(place.path, 500), "recorded": recorded, "asked": asked}
            for place in places
            for recorded, asked in [map(one_line, place.sides())]
        ],
        "looked": len(seen),
    }


def _others(shelf: Shelf, key: str, seen: dict[int, Shelved]) -> Iterator[Recording]:
    until = time.monotonic() + SECONDS
    for one in shelf.newest(0, CANDIDATES):
        if one.key == key:
            continue
        try:
            _ = one.recording.request  # a damaged one is passed over
        except ReplayCacheError:
            continue
        seen[id(one.recording)] = one
        yield one.recording
        if time.monotonic() > until:
            return
