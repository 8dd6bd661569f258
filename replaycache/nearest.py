"""The recording that comes nearest to a request that was missed, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from ._models import Recording, Request

__all__ = ["CANDIDATES", "Difference", "differences", "find_nearest"]

CANDIDATES = 300
"""How many recordings are looked at, the newest first."""
BYTES = 8 << 20
"""How many bytes of request bodies are looked at."""
DIFFERENCES = 50
"""Where two requests differ in more places than this, they are not near."""

_ABSENT = object()


class Difference(NamedTuple):
    """One place at which two requests differ."""

    path: str
    recorded: Any
    asked: Any

    def __str__(self) -> str:
        return f"{self.path}: recorded {_short(self.recorded)} / asked {_short(self.asked)}"


def _short(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = orjson.dumps(value).decode()
    return text if len(text) <= 70 else f"{text[:50]}… ({len(text)} characters)"


def differences(recorded: Request, asked: Request, *, limit: int = DIFFERENCES) -> list[Difference]:
    """Where two requests differ, as far as people read requests: by JSON path in the body, up to `limit`."""
    found: list[Difference] = []
    if recorded.method != asked.method:
        found.append(Difference("method", recorded.method, asked.method))
    if recorded.url != asked.url:
        found.append(Difference("url", recorded.url, asked.url))
    names = {name for name, _ in (*recorded.headers, *asked.headers)} - {"content-type", "accept"}
    for name in sorted(names):
        if recorded.header(name) != asked.header(name):
            found.append(Difference(f"header {name}", recorded.header(name), asked.header(name)))
    for difference in _compare("", _decoded(recorded.body), _decoded(asked.body)):
        if len(found) >= limit:
            break
        found.append(difference)
    return found


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode("utf-8", "backslashreplace")


def _compare(path: str, recorded: Any, asked: Any) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in dict.fromkeys((*recorded, *asked)):
            below = f"{path}.{name}" if path else name
            yield from _compare(below, recorded.get(name, _ABSENT), asked.get(name, _ABSENT))
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index in range(max(len(recorded), len(asked))):
            below = f"{path}[{index}]"
            yield from _compare(
                below,
                recorded[index] if index < len(recorded) else _ABSENT,
                asked[index] if index < len(asked) else _ABSENT,
            )
    elif type(recorded) is not type(asked) or recorded != asked:
        yield Difference(path or "body", recorded, asked)


def find_nearest(asked: Request, recordings: Iterable[Recording]) -> tuple[Recording | None, list[Difference]]:
    """The recording of the same endpoint that differs from `asked` in the fewest places, and those places.

    The search is bounded, so that a miss stays quick in a large store.

    Args:
        asked: as it would be stored.
        recordings: the newest first.
    """
    nearest: Recording | None = None
    best: list[Difference] = []
    size = 0
    for recording in recordings:
        request = recording.request
        if request.method != asked.method or urlsplit(request.url).path != urlsplit(asked.url).path:
            continue
        size += len(request.body)
        limit = len(best) if nearest is not None else DIFFERENCES
        try:
            found = differences(request, asked, limit=limit)
        except RecursionError:
            continue
        if len(found) < limit:
            nearest, best = recording, found
        if size > BYTES or (nearest is not None and len(best) <= 1):
            break
    return nearest, best
