"""When a client is told to try again, in the headers of an answer."""

from __future__ import annotations

import math
import re

from .._models import Headers, ResponseHead

_SECONDS, _MILLISECONDS = "retry-after", "retry-after-ms"


def telling(seconds: float) -> Headers:
    """The header lines that tell a client to wait.

    Args:
        seconds: to wait. `retry-after` takes whole ones, and what is less than that is told in milliseconds beside
            it, to the clients that know that header. They take 0 for nothing told: so it is one at least.
    """
    lines = [(_SECONDS, str(math.ceil(seconds)))]
    if seconds == 0 or seconds != int(seconds):
        lines.append((_MILLISECONDS, str(max(1, round(seconds * 1000)))))
    return tuple(lines)


def at_pace(head: ResponseHead, pace: float) -> ResponseHead:
    """The head with the time that it tells a client to wait as the pace has it; itself where it tells none, or a
    date.

    Args:
        head: as it was recorded.
        pace: of what is replayed.
    """
    if pace == 1:
        return head
    seconds = _number(head.header(_SECONDS))
    milliseconds = _number(head.header(_MILLISECONDS))
    if milliseconds is not None:
        seconds = milliseconds / 1000
    if seconds is None:
        return head
    kept = tuple(line for line in head.headers if line[0] not in (_SECONDS, _MILLISECONDS))
    return ResponseHead(head.status, (*kept, *telling(seconds * pace)), head.left_out)


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip()):
        return None
    return float(text)
