"""The recording that comes nearest to a request that was missed, and where the two differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .._models import Recording, Request

CANDIDATES = 300
"""How many recordings are looked at, the newest first."""
BYTES = 8 << 20
"""How many bytes of request bodies are looked at."""
DIFFERENCES = 50
"""Where two requests differ in more places than this, they are not near."""

ABSENT = object()
"""Stands in a `Difference` where one side has nothing at that path."""


class Difference(NamedTuple):
    """One place at which two requests differ."""

    path: str
    recorded: Any
    asked: Any

    def __str__(self) -> str:
        recorded, asked = self.sides()
        return f"{self.path}: recorded {recorded} / asked {asked}"

    def sides(self) -> tuple[str, str]:
        """What was recorded and what is asked, as they are shown."""
        recorded, asked = _text(self.recorded), _text(self.asked)
        start = 0
        if len(recorded) > SHOWN or len(asked) > SHOWN:
            while recorded[start : start + 1] == asked[start : start + 1] != "":
                start += 1
        return _part(recorded, start), _part(asked, start)


SHOWN = 70
"""Characters of a value that are shown; of a longer one, the part around the first difference."""


def _text(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "a value nested too deeply to show"


def _part(text: str, start: int) -> str:
    if len(text) <= SHOWN:
        return text
    first = max(0, min(start - SHOWN // 3, len(text) - SHOWN))
    before, after = "…" if first else "", "…" if first + SHOWN < len(text) else ""
    return f"{before}{text[first : first + SHOWN]}{after}"


def differences(recorded: Request, asked: Request, *, limit: int = DIFFERENCES) -> list[Difference]:
    """Where two requests differ, as far as people read requests: by JSON path in the body, up to `limit`."""
    found: list[Difference] = []
    if recorded.method != asked.method:
        found.append(Difference("method", recorded.method, asked.method))
    if recorded.url != asked.url and not {"url", "host"} & {*recorded.unknown}:
        found.append(Difference("url", recorded.url, asked.url))
    names = {name for name, _ in (*recorded.headers, *asked.headers)}
    names -= {"content-type", "accept", *recorded.unknown}
    for name in sorted(names):
        if recorded.header(name) != asked.header(name):
            found.append(Difference(f"header {name}", recorded.header(name), asked.header(name)))
    for difference in compare_values(_decoded(recorded.body), _decoded(asked.body)):
        if len(found) >= limit:
            break
        found.append(difference)
    return found


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")


def compare_values(recorded: Any, asked: Any, path: str = "") -> Iterator[Difference]:
    """Where two decoded JSON values differ, by path.

    Raises:
        RecursionError: they are nested too deeply.
    """
    if isinstance(recorded, dict) and isinstance(asked, dict):
        if path.endswith("properties") and recorded.keys() == asked.keys() and list(recorded) != list(asked):
            yield Difference(f"{path}, in order", list(recorded), list(asked))
        for name in dict.fromkeys((*recorded, *asked)):
            inner = below(path, name)
            yield from compare_values(recorded.get(name, ABSENT), asked.get(name, ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index in range(max(len(recorded), len(asked))):
            inner = f"{path}[{index}]"
            yield from compare_values(
                recorded[index] if index < len(recorded) else ABSENT,
                asked[index] if index < len(asked) else ABSENT,
                inner,
            )
    elif not is_same(recorded, asked):
        yield Difference(path or "body", recorded, asked)


def is_same(one: Any, other: Any) -> bool:
    """Whether two decoded JSON values are the same; true and 1 are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def below(path: str, name: str) -> str:
    """The path of a member of what stands at a path."""
    if not re.fullmatch(r"""[^.\[\]"'*]+""", name):
        return f'{path}["{name}"]'
    return f"{path}.{name}" if path else name


def find_nearest(
    asked: Request, recordings: Iterable[Recording], sample: int | None = None
) -> tuple[Recording | None, list[Difference]]:
    """The recording of the same endpoint that differs from `asked` in the fewest places, and those places.

    The search is bounded, so that a miss stays quick in a large store.

    Args:
        asked: as it would be stored.
        recordings: the newest first.
        sample: that is asked for; None where it is none of their differences.
    """
    nearest: Recording | None = None
    best: list[Difference] = []
    size, path = 0, _path(asked.url)
    for recording in recordings:
        request = recording.request
        if request.method != asked.method or _path(request.url) != path:
            continue
        size += len(request.body)
        limit = len(best) if nearest is not None else DIFFERENCES
        try:
            found = differences(request, asked, limit=limit)
        except RecursionError:
            continue
        if sample not in (None, recording.sample):
            found.append(Difference("sample", recording.sample, sample))
        if len(found) < limit:
            nearest, best = recording, found
        if size > BYTES or (nearest is not None and len(best) <= 1):
            break
    return nearest, best


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # it is no URL, and near to none
        return url
