"""What differs in every answer and says nothing of it: ids, time stamps, fingerprints."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ..dialects.registry import DIALECTS

Step = str | int
Path = tuple[Step, ...]
"""Where something stands in an answer: names of members, and places in arrays."""

PIECES = frozenset(name for dialect in DIALECTS for name in dialect.pieces)
"""Members that come in pieces in a stream. They hold what a model said, which is never noise."""

_NAMED = frozenset(name for dialect in DIALECTS for name in dialect.noise)
_NAME = re.compile(
    r"(^|_)(id|ids|created|created_at|timestamp|fingerprint|etag|date|time|duration|latency)$"
    r"|(?:[a-z](?:Id|At|Time|Date))$|_(at|ms|time|duration)$"
)
_ID = re.compile(
    rf"{'|'.join(pattern for dialect in DIALECTS for pattern in dialect.ids)}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"
)
_DIGIT = re.compile(r"\d")
_WORDS = ("model", "name", "object", "type")
"""Members whose texts may look like ids: `file_citation`, a tool that somebody calls `run_query_2`."""
_HEADER = re.compile(
    r"date|expires|last-modified|etag|age|retry-after(-ms)?|(.*-)?(request-?id|requestid|item-id)|.*ratelimit.*|.*-ms"
)
_ARGUMENTS = frozenset(("args", "arguments", "input", "parameters"))


@lru_cache(maxsize=4096)
def is_noise(path: Path) -> bool:
    """Whether what stands at a path differs every time, by the names on the way to it."""
    names = [step for step in path if isinstance(step, str)]
    if not names or names[-1] in PIECES or _is_written(path):
        return False
    return any(name in _NAMED for name in names) or _NAME.search(names[-1]) is not None


def keeps_alive(kind: Path) -> bool:
    """Whether events of a kind say nothing, and may come anywhere."""
    return not _NAMED.isdisjoint(kind[:1])


def is_id(path: Path, value: Any) -> bool:
    """Whether a text is of the form of an id or a time stamp, and not what a model said or a word of its API."""
    if not isinstance(value, str) or not path or path[-1] in PIECES or path[-1] in _WORDS or _is_written(path):
        return False
    return _ID.fullmatch(value) is not None and _DIGIT.search(value) is not None


def _is_written(path: Path) -> bool:
    """Whether a model wrote it: the arguments of a tool's call have names of their own."""
    return not _ARGUMENTS.isdisjoint(path[:-1])


def is_noisy_header(name: str) -> bool:
    """Whether a header of a response differs every time."""
    return _HEADER.fullmatch(name) is not None
